//! The YAML parser as it is used here: its events, with positions as byte ranges. No other file names it.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ErrorKind, Parser, ScalarStyle, ScanError, Span, StrInput};

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

/// The events of a text.
pub(super) struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
}

impl<'t> Events<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            // As serde_yaml reads it.
            block_scalar_eof_without_line_feed: true,
        };
        Self {
            parser: Parser::new_from_str_with_options(text, options),
        }
    }

    /// The next event and the bytes that it comes from.
    pub(super) fn next(&mut self) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        loop {
            let Some(next) = self.parser.next() else {
                return Ok((Event::Stream, 0..0));
            };
            let (event, span) = next.map_err(|error| fault(&error))?;
            let event = match event {
                granit_parser::Event::Scalar(text, style, anchor, tag) => Event::Scalar {
                    text,
                    is_plain: style == ScalarStyle::Plain,
                    marks: marks(anchor, tag.is_some(), &span),
                },
                granit_parser::Event::SequenceStart(_, anchor, tag) => {
                    Event::List(marks(anchor, tag.is_some(), &span))
                }
                granit_parser::Event::MappingStart(_, anchor, tag) => {
                    Event::Mapping(marks(anchor, tag.is_some(), &span))
                }
                granit_parser::Event::SequenceEnd | granit_parser::Event::MappingEnd => Event::End,
                granit_parser::Event::Alias(anchor) => Event::Alias(anchor),
                granit_parser::Event::DocumentStart(..) => Event::Document,
                granit_parser::Event::StreamEnd => Event::Stream,
                // The ends of documents, and what the options leave out.
                _ => continue,
            };
            return Ok((event, range(&span)));
        }
    }
}

fn marks(anchor: usize, has_tag: bool, span: &Span) -> Marks {
    Marks {
        anchor,
        tag: has_tag.then(|| {
            span.tag_span()
                .map_or_else(|| range(span), |tag| range(&tag))
        }),
    }
}

/// The parser knows the bytes of every event of a text in memory.
fn range(span: &Span) -> Range<usize> {
    let start = span.start.byte_offset().unwrap_or(0);
    let end = span.end.byte_offset().unwrap_or(0);
    start..end.max(start)
}

fn fault(error: &ScanError) -> SyntaxError {
    SyntaxError {
        at: error.marker().byte_offset().unwrap_or(0),
        message: error.info().to_string(),
        is_depth: matches!(error.kind(), ErrorKind::RecursionLimitExceeded),
    }
}
