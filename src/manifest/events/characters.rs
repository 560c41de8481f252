//! What the parser is given of a text: nothing that YAML does not have, and so much at once that it does
//! not keep a whole file in memory. Main type: [`Characters`].

use std::array;
use std::cell::Cell;
use std::rc::Rc;
use std::str::Chars;

/// The mark of a document. What stands behind it on its line begins no key.
pub(super) const MARK: &str = "--- ";

/// How many characters that part one value from the next are read for one event.
const PORTION: usize = 2 << 20;

/// How much of the text may still be read for the next event: the parser keeps everything in a bracket that
/// may begin a key, until it knows.
#[derive(Clone, Default)]
pub(super) struct Portion(Rc<Cell<usize>>);

impl Portion {
    /// Begins a new one.
    #[inline]
    pub(super) fn begin(&self) {
        self.0.set(0);
    }

    /// Counts a character.
    fn count(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// Whether all of it was read.
    pub(super) fn is_over(&self) -> bool {
        self.0.get() >= PORTION
    }
}

/// The characters of a text.
pub(super) struct Characters<'t> {
    now: Chars<'t>,
    later: array::IntoIter<&'t str, 2>,
    portion: Portion,
    marked: Option<usize>,
}

impl<'t> Characters<'t> {
    /// All of a text. Where it begins with a bracket, as JSON does, a mark comes before that, or the
    /// bracket might begin a key.
    pub(super) fn of(text: &'t str, portion: Portion) -> Self {
        let (before, rest) = text.split_at_checked(space(text)).unwrap_or_default();
        let begins_line = before.is_empty() || before.ends_with('\n');
        let (now, later, marked) = if begins_line && rest.starts_with(['{', '[']) {
            (before, [MARK, rest], Some(before.chars().count()))
        } else {
            (text, ["", ""], None)
        };
        Self {
            now: now.chars(),
            later: later.into_iter(),
            portion,
            marked,
        }
    }

    /// The character that [`MARK`] was put before.
    pub(super) fn marked(&self) -> Option<usize> {
        self.marked
    }
}

impl Iterator for Characters<'_> {
    type Item = char;

    #[inline]
    fn next(&mut self) -> Option<char> {
        loop {
            match self.now.next() {
                Some(
                    c @ (',' | ':' | '[' | ']' | '{' | '}' | '"' | '\'' | '&' | '*' | '!' | '?'),
                ) => {
                    self.portion.count();
                    if self.portion.is_over() {
                        self.now = "".chars();
                        self.later = ["", ""].into_iter();
                        return None;
                    }
                    return Some(c);
                }
                Some(c) => return Some(c),
                None => self.now = self.later.next()?.chars(),
            }
        }
    }
}

/// The length of the white space and the comments at the start of a text.
pub(super) fn space(text: &str) -> usize {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest
            .find(['\n', '\r'])
            .and_then(|end| rest.get(end..))
            .unwrap_or_default()
            .trim_start();
    }
    text.len() - rest.len()
}

/// The first place of a text that holds what YAML does not have, and the parser would take; and what that is.
pub(super) fn stop(text: &str) -> Option<(usize, String)> {
    unknown_directive(text).or_else(|| unprintable(text))
}

/// A directive that is none of YAML's: the parser passes it over, and serde_yaml refuses it.
fn unknown_directive(text: &str) -> Option<(usize, String)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let name = line.split_ascii_whitespace().next().unwrap_or_default();
        match name.chars().next() {
            Some('%') if line.starts_with('%') && !matches!(name, "%YAML" | "%TAG") => {
                return Some((at, "a directive that YAML does not have".to_owned()));
            }
            Some('%' | '#') | None => at += line.len(),
            Some(_) => return None,
        }
    }
    None
}

/// A character that YAML does not take unescaped. The parser does.
fn unprintable(text: &str) -> Option<(usize, String)> {
    const BLOCK: usize = 256;
    let refused = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        c => c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    let mut start = 0;
    while start < text.len() {
        let end = text.ceil_char_boundary(text.len().min(start + BLOCK));
        let block = text.get(start..end)?;
        // Nearly every block is plain, which is told without decoding it.
        if !is_plain(block)
            && let Some((at, c)) = block.char_indices().find(|(_, c)| refused(*c))
        {
            let code = u32::from(c);
            let message =
                format!("the character U+{code:04X} stands here; in quotes it can be escaped");
            return Some((start + at, message));
        }
        start = end;
    }
    None
}

/// Whether a text has printable ASCII and line feeds alone.
fn is_plain(block: &str) -> bool {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) | (byte == b'\n');
    block
        .bytes()
        .fold(true, |plain, byte| plain & is_plain(byte))
}
