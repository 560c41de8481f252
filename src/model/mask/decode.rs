//! Text with its escapes undone, and where each byte of it stood: [`View`].

use std::borrow::Cow;
use std::ops::Range;

/// Stands for a character that no key holds.
const OTHER: u8 = 0;

/// The text after some encodings were undone.
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where each byte began in the raw text, and after the last one where the text ends. Empty while
    /// nothing was undone: each byte is where it is.
    starts: Vec<usize>,
}

impl<'a> View<'a> {
    /// The raw text.
    pub(super) fn of(text: &'a [u8]) -> Self {
        View {
            bytes: Cow::Borrowed(text),
            starts: Vec::new(),
        }
    }

    fn start(&self, at: usize) -> usize {
        self.starts.get(at).copied().unwrap_or(at)
    }

    /// With one encoding undone. `None` where there is none of its kind.
    pub(super) fn decoded(&self, encoding: Encoding) -> Option<View<'static>> {
        let text = self.bytes.as_ref();
        if !text.contains(&encoding.mark()) {
            return None;
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len() + 1);
        let mut at = 0;
        while let Some(rest) = text.get(at..)
            && let Some(first) = rest.first()
        {
            let (byte, length) = encoding.character(rest).unwrap_or((*first, 1));
            bytes.push(byte);
            starts.push(self.start(at));
            at += length;
        }
        starts.push(self.start(text.len()));
        (bytes.len() < text.len()).then_some(View {
            bytes: Cow::Owned(bytes),
            starts,
        })
    }

    /// For the search: letter case, alphabets of base64 and what may stand between digits are gone.
    pub(super) fn folded(&self) -> Folded<'_> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut places = Vec::new();
        let mut dropped = false;
        for (at, byte) in self.bytes.iter().enumerate() {
            match folded(*byte) {
                Some(byte) => {
                    if dropped {
                        places.push(at);
                    }
                    bytes.push(byte);
                }
                None if !dropped => {
                    dropped = true;
                    places.extend(0..at);
                }
                None => {}
            }
        }
        Folded {
            of: self,
            bytes,
            places,
        }
    }
}

/// A [`View`] as it is searched.
pub(super) struct Folded<'a> {
    of: &'a View<'a>,
    bytes: Vec<u8>,
    /// Where each byte stands in `of`. Empty while nothing was dropped.
    places: Vec<usize>,
}

impl Folded<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or(at)
    }

    /// Where these bytes stood in the raw text.
    pub(super) fn range(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let last = end.checked_sub(1).filter(|last| *last >= start)?;
        Some(self.of.start(self.place(start))..self.of.start(self.place(last) + 1))
    }
}

/// Bytes as they are searched.
pub(super) fn fold(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().filter_map(|byte| folded(*byte))
}

fn folded(byte: u8) -> Option<u8> {
    match byte {
        // Hex is written with blanks or colons between its pairs, base64 with line breaks.
        b' ' | b'\t' | b'\r' | b'\n' | b':' => None,
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        other => Some(other.to_ascii_lowercase()),
    }
}

/// A way to write one character as several.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    /// `\u0044`, `\x44`, `\/`: JSON and the languages like it.
    Backslash,
    /// `%44`: RFC 3986.
    Percent,
    /// `&#68;`, `&#x44;`, `&amp;`: HTML and XML.
    Entity,
}

impl Encoding {
    pub(super) const ALL: [Self; 3] = [Self::Backslash, Self::Percent, Self::Entity];

    fn mark(self) -> u8 {
        match self {
            Self::Backslash => b'\\',
            Self::Percent => b'%',
            Self::Entity => b'&',
        }
    }

    /// The character that `text` begins with, if it is written in this way, and how long that is.
    fn character(self, text: &[u8]) -> Option<(u8, usize)> {
        let (code, length) = match (self, text) {
            (Self::Backslash, [b'\\', b'u' | b'U', b'{', rest @ ..]) => {
                let (code, length) = number(rest, 16, b'}')?;
                (code, length + 3)
            }
            (Self::Backslash, [b'\\', b'u', rest @ ..]) => (fixed(rest, 4)?, 6),
            (Self::Backslash, [b'\\', b'U', rest @ ..]) => (fixed(rest, 8)?, 10),
            (Self::Backslash, [b'\\', b'x', rest @ ..]) => (fixed(rest, 2)?, 4),
            (Self::Backslash, [b'\\', b'b' | b'f' | b'n' | b'r' | b't', ..]) => (0x20, 2),
            (Self::Backslash, [b'\\', mark @ (b'\\' | b'/' | b'"' | b'\''), ..]) => {
                (u32::from(*mark), 2)
            }
            (Self::Percent, [b'%', rest @ ..]) => (fixed(rest, 2)?, 3),
            (Self::Entity, [b'&', b'#', b'x' | b'X', rest @ ..]) => {
                let (code, length) = number(rest, 16, b';')?;
                (code, length + 3)
            }
            (Self::Entity, [b'&', b'#', rest @ ..]) => {
                let (code, length) = number(rest, 10, b';')?;
                (code, length + 2)
            }
            (Self::Entity, [b'&', rest @ ..]) => {
                let (code, length) = named(rest)?;
                (code, length + 1)
            }
            (Self::Backslash | Self::Percent | Self::Entity, _) => return None,
        };
        Some((byte(code), length))
    }
}

fn byte(code: u32) -> u8 {
    u8::try_from(code)
        .ok()
        .filter(u8::is_ascii)
        .unwrap_or(OTHER)
}

/// So many hexadecimal digits.
fn fixed(text: &[u8], digits: usize) -> Option<u32> {
    let digits = text.get(..digits)?;
    digits.iter().try_fold(0u32, |code, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(code << 4 | digit)
    })
}

/// A number, and how long it is with the mark that closes it. HTML reads one without its semicolon, too.
fn number(text: &[u8], radix: u32, end: u8) -> Option<(u32, usize)> {
    let digits = text
        .iter()
        .map_while(|digit| char::from(*digit).to_digit(radix));
    let mut code = 0u32;
    let mut length = 0;
    for digit in digits {
        code = code.saturating_mul(radix).saturating_add(digit);
        length += 1;
    }
    let closed = usize::from(text.get(length) == Some(&end));
    (length > 0).then_some((code, length + closed))
}

/// HTML's names for the marks that a key, base64 or JSON may hold.
fn named(text: &[u8]) -> Option<(u32, usize)> {
    const NAMES: [(&[u8], u8); 20] = [
        (b"amp;", b'&'),
        (b"quot;", b'"'),
        (b"apos;", b'\''),
        (b"lt;", b'<'),
        (b"gt;", b'>'),
        (b"sol;", b'/'),
        (b"bsol;", b'\\'),
        (b"plus;", b'+'),
        (b"equals;", b'='),
        (b"lowbar;", b'_'),
        (b"dash;", b'-'),
        (b"period;", b'.'),
        (b"colon;", b':'),
        (b"percnt;", b'%'),
        (b"num;", b'#'),
        (b"excl;", b'!'),
        (b"dollar;", b'$'),
        (b"ast;", b'*'),
        (b"commat;", b'@'),
        (b"nbsp;", b' '),
    ];
    let found = NAMES.iter().find(|(name, _)| text.starts_with(name))?;
    Some((u32::from(found.1), found.0.len()))
}
