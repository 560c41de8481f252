//! A file's text as it may be shown: credentials masked, harmless to a terminal. Main type: [`Excerpt`].
//!
//! The stock source code of miette scans a text from its start for each report; an excerpt has a table of
//! line offsets, so that a report near the end of a 30 MB file costs as little as one at its start.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Lines longer than this are not shown: they would fill the terminal.
pub(super) const MAX_LINE: usize = 2000;

/// A file's text, credentials masked, with a table of its lines.
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// Byte offset of the start of each line.
    lines: Vec<usize>,
    /// Characters before each block of [`BLOCK`] bytes: a whole manifest may stand on one line.
    characters: Vec<usize>,
}

/// Bytes between two counts of characters.
const BLOCK: usize = 4096;

impl Excerpt {
    /// Takes a text over and writes `*` over each byte of the ranges, line breaks excepted.
    pub(super) fn new(name: String, text: String, masked: &[Range<usize>]) -> Self {
        let text = harmless(mask(text, masked));
        let mut lines = vec![0];
        lines.extend(text.match_indices('\n').map(|(offset, _)| offset + 1));
        let mut characters = vec![0];
        let mut count = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            count += starts(block);
            characters.push(count);
        }
        Self {
            name,
            text,
            lines,
            characters,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|&start| start <= offset)
            .saturating_sub(1)
    }

    /// Line and column in characters, both from 1.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        let start = self.lines.get(line).copied().unwrap_or(0);
        (
            line + 1,
            self.before(offset).saturating_sub(self.before(start)) + 1,
        )
    }

    /// How many characters begin before an offset.
    fn before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let block = offset / BLOCK;
        let rest = self.text.as_bytes().get(block * BLOCK..offset);
        self.characters.get(block).copied().unwrap_or(0) + rest.map_or(0, starts)
    }

    pub(super) fn line_range(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.lines.get(first).copied().unwrap_or(0);
        let end = self
            .lines
            .get(last + 1)
            .map_or(self.text.len(), |next| next - 1);
        start..end.max(start)
    }
}

/// How many characters begin in these bytes of a UTF-8 text.
fn starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// Replaces what could steer a terminal or turn text round, at the same length in bytes.
fn harmless(text: String) -> String {
    let steers = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\r' | '\t')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    if !text.contains(steers) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match (steers(c), c.len_utf8()) {
            (false, _) => shown.push(c),
            (true, 1) => shown.push('?'),
            (true, 2) => shown.push('\u{bf}'),
            (true, 3) => shown.push('\u{fffd}'),
            (true, _) => shown.push_str("\u{fffd}?"),
        }
    }
    shown
}

/// Masks at the same length in bytes, so that no offset moves.
fn mask(text: String, ranges: &[Range<usize>]) -> String {
    if ranges.is_empty() {
        return text;
    }
    let mut bytes = text.into_bytes();
    for range in ranges {
        let end = range.end.min(bytes.len());
        if let Some(slice) = bytes.get_mut(range.start.min(end)..end) {
            for byte in slice
                .iter_mut()
                .filter(|byte| !matches!(byte, b'\n' | b'\r'))
            {
                *byte = b'*';
            }
        }
    }
    // The ranges begin and end at characters; if one did not, the text would not be shown at all.
    String::from_utf8(bytes).unwrap_or_default()
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        if end > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // Without context it is the position itself that is asked for, not the line.
        if before == 0 && after == 0 {
            let (line, column) = self.position(start);
            let data = self.text.as_bytes().get(start..end).unwrap_or_default();
            let lines = self.line_of(end) - self.line_of(start) + 1;
            return Ok(Box::new(MietteSpanContents::new_named(
                self.name.clone(),
                data,
                *span,
                line - 1,
                column - 1,
                lines,
            )));
        }
        let first = self.line_of(start).saturating_sub(before);
        let last = (self.line_of(end) + after).min(self.lines.len() - 1);
        // Neighbours that are too long are left out.
        let too_long = |line: usize| self.line_range(line, line).len() > MAX_LINE;
        let first = (first..=self.line_of(start))
            .rev()
            .take_while(|&line| line == self.line_of(start) || !too_long(line))
            .last()
            .unwrap_or(first);
        let last = (self.line_of(end)..=last)
            .take_while(|&line| line == self.line_of(end) || !too_long(line))
            .last()
            .unwrap_or(last);
        // Without context miette asks for the place to print, with context for the lines.
        let column = match before {
            0 => self.position(start).1 - 1,
            _ => 0,
        };
        let range = self.line_range(first, last);
        let data = self.text.as_bytes().get(range.clone()).unwrap_or_default();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            (range.start, range.len()).into(),
            first,
            column,
            last - first + 1,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_also_far_behind_in_a_line() {
        let text = format!("first\n{}x\n", "aé€".repeat(5000));
        let excerpt = Excerpt::new(String::new(), text.clone(), &[]);
        assert_eq!(excerpt.position(text.len() - 2), (2, 15_001));
        assert_eq!(excerpt.position(6 + 6 * 700 + 1), (2, 2102));
        assert_eq!(excerpt.position(0), (1, 1));
        assert_eq!(excerpt.position(text.len()), (3, 1));
    }

    #[test]
    fn the_place_in_the_head_has_the_column_of_the_label() {
        let excerpt = Excerpt::new("x.yaml".to_owned(), "a:\n  b: c\n".to_owned(), &[]);
        let span = SourceSpan::from((5, 1));
        assert_eq!(excerpt.read_span(&span, 0, 0).unwrap().column(), 2);
        assert_eq!(excerpt.read_span(&span, 1, 1).unwrap().column(), 0);
    }

    #[test]
    fn a_mask_moves_no_offset_and_no_line() {
        let text = "a: sécret\r\nb: x\n".to_owned();
        let excerpt = Excerpt::new(String::new(), text, &[3..12, 12..13]);
        assert_eq!(excerpt.text, "a: *******\r\n*: x\n");
    }
}
