//! The YAML parser as it is used here: its events, with positions as byte ranges. No other file names it.

mod characters;
mod offsets;

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{self as yaml, BufferedInput, Parser, ScalarStyle, ScanError, Span};

use characters::{Characters, Portion, space, stop};
use offsets::Offsets;

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

/// Where the text stops being YAML that is read here, and why.
pub(super) struct SyntaxError {
    pub(super) at: usize,
    pub(super) reason: Reason,
}

/// Why a text is not read on.
pub(super) enum Reason {
    /// It is not YAML.
    Syntax(String),
    /// It is nested deeper than [`MAX_DEPTH`].
    Depth,
    /// There is more in a value than the parser is to keep at once.
    Length,
}

/// The events of a text.
pub(super) struct Events<'t> {
    parser: Parser<'t, BufferedInput<Characters<'t>>>,
    portion: Portion,
    offsets: Offsets<'t>,
    /// Where the last event ended.
    behind: usize,
    /// Where something stands that the parser would take: it is given the text before that alone.
    stop: Option<(usize, String)>,
}

impl<'t> Events<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let stop = stop(text);
        let end = stop.as_ref().map_or(text.len(), |(at, _)| *at);
        let text = text.get(..end).unwrap_or_default();
        let portion = Portion::default();
        let characters = Characters::of(text, portion.clone());
        let offsets = Offsets::of(text, characters.marked());
        Self {
            parser: Parser::new_from_iter(characters),
            portion,
            offsets,
            behind: 0,
            stop,
        }
    }

    /// The next event and the bytes that it comes from. What marks a value (anchor and tag) is not among them.
    #[inline]
    pub(super) fn next(&mut self) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        loop {
            let next = self.parser.next_event();
            if self.portion.is_over() {
                return Err(self.too_long());
            }
            let (event, span) = match next {
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
            self.portion.begin();
            return Ok((event, at));
        }
    }

    fn end(&mut self) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        let end = self.offsets.text().len();
        self.stopped().map_or(Ok((Event::Stream, end..end)), Err)
    }

    /// Why the parser was given no more, if that is not the end of the text.
    fn stopped(&mut self) -> Option<SyntaxError> {
        let (at, message) = self.stop.take()?;
        Some(SyntaxError {
            at,
            reason: Reason::Syntax(message),
        })
    }

    fn too_long(&self) -> SyntaxError {
        let rest = self.offsets.text().get(self.behind..).unwrap_or_default();
        SyntaxError {
            at: self.behind + rest.find(['[', '{']).unwrap_or_default(),
            reason: Reason::Length,
        }
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
            let rest = self.offsets.text().get(at.clone()).unwrap_or_default();
            let start = at.start + space(rest);
            let rest = self.offsets.text().get(start..at.end).unwrap_or_default();
            let end = start + mark(rest);
            if rest.starts_with('!') {
                marks.tag = Some(start..end);
            }
            let rest = self.offsets.text().get(end..at.end).unwrap_or_default();
            at.start = end + space(rest);
        }
        marks
    }

    /// The text of a block scalar without the line break that the parser adds in a file that has none at
    /// its end: serde_yaml adds none.
    fn exact(&self, text: Cow<'t, str>, end: usize) -> Cow<'t, str> {
        if end < self.offsets.text().len() || !self.ends_inside(&text) {
            return text;
        }
        let mut text = text.into_owned();
        text.pop();
        Cow::Owned(text)
    }

    /// Whether the file ends within the last line of this block scalar, not behind it.
    fn ends_inside(&self, value: &str) -> bool {
        let mut lines = self.offsets.text().rsplit(['\n', '\r']);
        let source = lines.next().unwrap_or_default();
        let Some(value) = value.strip_suffix('\n') else {
            return false;
        };
        let line = value.rsplit('\n').next().unwrap_or_default();
        !source.trim().is_empty() || !source.is_empty() && source.ends_with(line)
    }

    fn fault(&mut self, error: &ScanError) -> SyntaxError {
        // A text that was cut off may have this fault because of that alone.
        if let Some(stopped) = self.stopped() {
            return stopped;
        }
        let message = error.info();
        SyntaxError {
            at: self.offsets.byte(error.marker().index()),
            reason: match message.contains("recursion limit") {
                true => Reason::Depth,
                false => Reason::Syntax(message.to_owned()),
            },
        }
    }
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
