//! From the positions of the parser to those of the text. Main type: [`Offsets`].

use super::characters::MARK;

/// From the positions of characters to those of bytes.
pub(super) struct Offsets<'t> {
    text: &'t str,
    is_ascii: bool,
    /// The character before which [`MARK`] was put.
    marked: usize,
    /// A character, and its byte.
    character: usize,
    byte: usize,
}

impl<'t> Offsets<'t> {
    /// Of a text in which [`MARK`] was put before a character.
    pub(super) fn of(text: &'t str, marked: Option<usize>) -> Self {
        Self {
            text,
            is_ascii: text.is_ascii(),
            marked: marked.unwrap_or(usize::MAX),
            character: 0,
            byte: 0,
        }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The byte at which a character begins that the parser has counted.
    ///
    /// Counts from the last position that was asked for: events come in the order of the text, but for
    /// steps back that are no longer than the value they belong to.
    #[inline]
    pub(super) fn byte(&mut self, character: usize) -> usize {
        let character = match character.checked_sub(self.marked) {
            Some(behind) => self.marked + behind.saturating_sub(MARK.len()),
            None => character,
        };
        if self.is_ascii {
            return character.min(self.text.len());
        }
        let (before, rest) = self.text.split_at_checked(self.byte).unwrap_or_default();
        self.byte = match character.checked_sub(self.character) {
            Some(ahead) => {
                let next = rest.char_indices().nth(ahead);
                next.map_or(self.text.len(), |(at, _)| self.byte + at)
            }
            None => {
                let behind = self.character - character;
                let earlier = before.char_indices().nth_back(behind - 1);
                earlier.map_or(0, |(at, _)| at)
            }
        };
        self.character = character;
        self.byte
    }
}
