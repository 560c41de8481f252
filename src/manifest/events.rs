//! The YAML parser as it is used here: its events, with positions as byte ranges. No other file names it.

use std::borrow::Cow;
use std::iter::Chain;
use std::ops::Range;
use std::str::Chars;

use saphyr_parser::{self as yaml, BufferedInput, Parser, ScalarStyle, ScanError, Span, StrInput};

/// The deepest nesting.
pub(super) const MAX_DEPTH: usize = 64;

/// What the parser comes across.
pub(super) enum Event<'t> {
    /// A scalar.
    Scalar {
        text: Cow<'t, str>,
        /// Without quotes, so that it may be a number or nothing.
        is_plain: bool,
        marks: Marks,
    },
    /// The start of a list.
    List(Marks),
    /// The start of a mapping.
    Mapping(Marks),
    /// The end of a list or a mapping.
    End,
    /// A use of the anchor with this number.
    Alias(usize),
    /// The start of a document.
    Document,
    /// The end of the text.
    Stream,
}

/// What may stand before a value.
#[derive(Default)]
pub(super) struct Marks {
    /// The number of its anchor; 0 where it has none.
    pub(super) anchor: usize,
    /// Where its tag stands.
    pub(super) tag: Option<Range<usize>>,
}

/// Where the text stops being YAML, and why.
pub(super) struct SyntaxError {
    pub(super) at: usize,
    pub(super) message: String,
    /// Whether it is nested deeper than [`MAX_DEPTH`].
    pub(super) is_depth: bool,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            is_depth: false,
        }
    }
}

/// The parser and the text that it is given.
enum Input<'t> {
    /// The text as it is.
    Whole(Parser<'t, StrInput<'t>>),
    /// A text that begins with a bracket, as JSON does, and the mark of a document before that. Without it
    /// the bracket may begin a key, and the parser keeps all that is in it until it knows.
    Marked(Parser<'t, BufferedInput<Marked<'t>>>),
}

type Marked<'t> = Chain<Chain<Chars<'t>, Chars<'static>>, Chars<'t>>;

/// The mark of a document. What stands behind it on its line begins no key.
const MARK: &str = "--- ";

impl<'t> Input<'t> {
    fn next(&mut self) -> Option<Result<(yaml::Event<'t>, Span), ScanError>> {
        match self {
            Self::Whole(parser) => parser.next_event(),
            Self::Marked(parser) => parser.next_event(),
        }
    }
}

/// The events of a text.
pub(super) struct Events<'t> {
    input: Input<'t>,
    offsets: Offsets<'t>,
    /// Where the last event ended.
    behind: usize,
    /// Where something stands that the parser would take: it is given the text before that alone.
    stop: Option<SyntaxError>,
}

impl<'t> Events<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let stop = unknown_directive(text).or_else(|| unprintable(text));
        let text = stop
            .as_ref()
            .and_then(|stop| text.get(..stop.at))
            .unwrap_or(text);
        let start = space(text);
        let (before, rest) = text.split_at_checked(start).unwrap_or_default();
        let begins_line = before.is_empty() || before.ends_with('\n');
        let is_marked = begins_line && rest.starts_with(['{', '[']);
        let input = if is_marked {
            let characters = before.chars().chain(MARK.chars()).chain(rest.chars());
            Input::Marked(Parser::new_from_iter(characters))
        } else {
            Input::Whole(Parser::new_from_str(text))
        };
        Self {
            input,
            offsets: Offsets::of(text, is_marked.then(|| before.chars().count())),
            behind: 0,
            stop,
        }
    }

    /// The next event and the bytes that it comes from. What marks a value (anchor and tag) is not among them.
    #[inline]
    pub(super) fn next(&mut self) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        loop {
            let (event, span) = match self.input.next() {
                Some(Ok(next)) => next,
                Some(Err(error)) => return Err(self.fault(&error)),
                None => return self.end(),
            };
            let mut at = self.range(&span);
            let event = match event {
                yaml::Event::Scalar(text, style, anchor, tag) => {
                    let marks = self.marks(anchor, tag.is_some(), &mut at);
                    let is_plain = style == ScalarStyle::Plain;
                    if is_plain && text.is_empty() {
                        // The parser gives the place of the next mark.
                        at.end = at.start;
                    }
                    let text = match style {
                        ScalarStyle::Literal | ScalarStyle::Folded => self.exact(text, at.end),
                        ScalarStyle::Plain
                        | ScalarStyle::SingleQuoted
                        | ScalarStyle::DoubleQuoted => text,
                    };
                    Event::Scalar {
                        text,
                        is_plain,
                        marks,
                    }
                }
                yaml::Event::SequenceStart(anchor, tag) => {
                    Event::List(self.marks(anchor, tag.is_some(), &mut at))
                }
                yaml::Event::MappingStart(anchor, tag) => {
                    Event::Mapping(self.marks(anchor, tag.is_some(), &mut at))
                }
                yaml::Event::SequenceEnd | yaml::Event::MappingEnd => {
                    // A bracket, without the comment behind it. A pair without brackets ends where its
                    // last value does, which the parser does not tell.
                    at.end = at.end.min(at.start + 1).max(self.behind);
                    Event::End
                }
                yaml::Event::Alias(anchor) => Event::Alias(anchor),
                yaml::Event::DocumentStart(_) => Event::Document,
                yaml::Event::StreamEnd => return self.end(),
                yaml::Event::Nothing | yaml::Event::StreamStart | yaml::Event::DocumentEnd => {
                    continue;
                }
            };
            self.behind = at.end;
            return Ok((event, at));
        }
    }

    fn end(&mut self) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        let end = self.offsets.text.len();
        self.stop.take().map_or(Ok((Event::Stream, end..end)), Err)
    }

    fn range(&mut self, span: &Span) -> Range<usize> {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index());
        start..end.max(start)
    }

    /// What marks a value. The range begins with the marks, and then with the value.
    #[inline]
    fn marks(&self, anchor: usize, has_tag: bool, at: &mut Range<usize>) -> Marks {
        let mut marks = Marks { anchor, tag: None };
        for _ in 0..usize::from(anchor != 0) + usize::from(has_tag) {
            let rest = self.offsets.text.get(at.clone()).unwrap_or_default();
            let start = at.start + space(rest);
            let rest = self.offsets.text.get(start..at.end).unwrap_or_default();
            let end = start + mark(rest);
            if rest.starts_with('!') {
                marks.tag = Some(start..end);
            }
            let rest = self.offsets.text.get(end..at.end).unwrap_or_default();
            at.start = end + space(rest);
        }
        marks
    }

    /// The text of a block scalar without the line break that the parser adds in a file that has none at
    /// its end: serde_yaml adds none.
    fn exact(&self, text: Cow<'t, str>, end: usize) -> Cow<'t, str> {
        if end < self.offsets.text.len() || !self.ends_inside(&text) {
            return text;
        }
        let mut text = text.into_owned();
        text.pop();
        Cow::Owned(text)
    }

    /// Whether the file ends within the last line of this block scalar, not behind it.
    fn ends_inside(&self, value: &str) -> bool {
        let mut lines = self.offsets.text.rsplit(['\n', '\r']);
        let source = lines.next().unwrap_or_default();
        let Some(value) = value.strip_suffix('\n') else {
            return false;
        };
        let line = value.rsplit('\n').next().unwrap_or_default();
        !source.trim().is_empty() || !source.is_empty() && source.ends_with(line)
    }

    fn fault(&mut self, error: &ScanError) -> SyntaxError {
        // A text that was cut off there may have this fault because of that alone.
        if let Some(stop) = self.stop.take() {
            return stop;
        }
        SyntaxError {
            is_depth: error.info().contains("recursion limit"),
            ..SyntaxError::new(self.offsets.byte(error.marker().index()), error.info())
        }
    }
}

/// The length of the white space and the comments at the start of a text.
fn space(text: &str) -> usize {
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

/// The length of the anchor or the tag at the start of a text.
fn mark(text: &str) -> usize {
    let end = if text.starts_with("!<") {
        text.find('>').map(|last| last + 1)
    } else {
        text.find(|c: char| c.is_ascii_whitespace() || ",[]{}".contains(c))
    };
    end.unwrap_or(text.len())
}

/// A directive that is none of YAML's: the parser passes it over, and serde_yaml refuses it.
fn unknown_directive(text: &str) -> Option<SyntaxError> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let name = line.split_ascii_whitespace().next().unwrap_or_default();
        match name.chars().next() {
            Some('%') if line.starts_with('%') && !matches!(name, "%YAML" | "%TAG") => {
                return Some(SyntaxError::new(at, "a directive that YAML does not have"));
            }
            Some('%' | '#') | None => at += line.len(),
            Some(_) => return None,
        }
    }
    None
}

/// A character that YAML does not take unescaped. The parser does.
fn unprintable(text: &str) -> Option<SyntaxError> {
    let refused = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        c => c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    let at = text.find(refused)?;
    let code = text.get(at..)?.chars().next().map_or(0, u32::from);
    let message = format!("the character U+{code:04X} stands here; in quotes it can be escaped");
    Some(SyntaxError::new(at, message))
}

/// From the positions of characters to those of bytes.
struct Offsets<'t> {
    text: &'t str,
    is_ascii: bool,
    /// The character before which [`MARK`] was put.
    marked: usize,
    /// A character, and its byte.
    character: usize,
    byte: usize,
}

impl<'t> Offsets<'t> {
    fn of(text: &'t str, marked: Option<usize>) -> Self {
        Self {
            text,
            is_ascii: text.is_ascii(),
            marked: marked.unwrap_or(usize::MAX),
            character: 0,
            byte: 0,
        }
    }

    /// Counts from the last position that was asked for: events come in the order of the text, but for
    /// steps back that are no longer than the value they belong to.
    #[inline]
    fn byte(&mut self, character: usize) -> usize {
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
