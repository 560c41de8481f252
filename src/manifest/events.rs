//! The YAML parser as it is used here: its limits, and positions as byte ranges.

use std::ops::Range;

use granit_parser::{Parser, Span, StrInput};

/// The deepest nesting.
pub(super) const MAX_DEPTH: usize = 64;

/// The parser as this crate uses it.
pub(super) fn events(text: &str) -> Parser<'_, StrInput<'_>> {
    let mut options = granit_parser::Options::default();
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    options.set_emit_comments(false);
    Parser::new_from_str_with_options(text, options)
}

/// The byte range of an event.
pub(super) fn range(span: &Span, text: &str) -> Range<usize> {
    let clamp = |offset: usize| {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = clamp(span.start.byte_offset().unwrap_or(0));
    let end = clamp(span.end.byte_offset().unwrap_or(0));
    start..end.max(start)
}

/// The part of a range on its first line, at most 80 bytes.
pub(super) fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = text.get(range.clone()).unwrap_or_default();
    let mut length = slice.find(['\n', '\r']).unwrap_or(slice.len()).min(80);
    while !slice.is_char_boundary(length) {
        length -= 1;
    }
    range.start..range.start + length
}
