//! One pass over a file: each entry becomes one JSON value as soon as it is complete, is handed over,
//! and is gone. The whole document never exists as a tree, so memory does not grow with it.
//!
//! Everything that YAML allows and a manifest does not is refused here with its exact place.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Map, Value};

use super::error::{Found, Spot};
use super::scalar::Scalars;
use super::source::Source;

/// The longest scalar, in bytes.
const MAX_SCALAR: usize = 1 << 20;
/// The deepest nesting.
pub(super) const MAX_DEPTH: usize = 64;
/// How often aliases may be used.
const MAX_ALIASES: u32 = 64;
/// How much aliases may add, in bytes of text and 16 for each node.
const MAX_EXPANSION: usize = 16 << 20;

/// A complete part of a document.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its path from the root: one key for `policy`, two for `orders.NAME`.
    pub(super) path: Vec<String>,
    /// Byte range of its last key.
    pub(super) key: Range<usize>,
    /// The line of that key, from 1.
    pub(super) line: u32,
    /// Its value.
    pub(super) value: Value,
    /// Whether something in it was refused, so that what is missing may have been there.
    pub(super) damaged: bool,
}

/// Which members of the root are read entry by entry.
pub(super) type IsSection = fn(&str) -> bool;

/// Reading stopped at a syntax error, which was reported.
struct Stopped;

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

/// Reads a document. `sink` gets the members of the root; of a section it gets each member.
/// Returns whether the document was read to its end.
pub(super) fn read(
    source: &Source,
    file: usize,
    is_section: IsSection,
    found: &mut Vec<Found>,
    sink: &mut dyn FnMut(Entry, &mut Vec<Found>),
) -> bool {
    let mut reader = Reader {
        parser: events(&source.text),
        text: &source.text,
        file,
        found,
        scalars: Scalars::default(),
        anchors: HashMap::new(),
        aliases: 0,
        expansion: MAX_EXPANSION,
        damaged: false,
    };
    reader.document(is_section, sink).is_ok()
}

struct Reader<'a, 'f> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    file: usize,
    found: &'f mut Vec<Found>,
    scalars: Scalars,
    /// Complete anchored values with their weight.
    anchors: HashMap<usize, (Value, usize)>,
    aliases: u32,
    expansion: usize,
    damaged: bool,
}

impl<'a> Reader<'a, '_> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Stopped> {
        match self.parser.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let problem = self.syntax(&error);
                self.found.push(problem);
                Err(Stopped)
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn refuse(&mut self, problem: Found) {
        self.damaged = true;
        self.found.push(problem);
    }

    fn at(&self, range: Range<usize>) -> Spot {
        Spot::Bytes {
            file: self.file,
            range,
        }
    }

    fn syntax(&self, error: &ScanError) -> Found {
        let start = error.marker().byte_offset().unwrap_or(0);
        let mut start = start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let length = self.text[start..]
            .chars()
            .next()
            .filter(|c| *c != '\n' && *c != '\r')
            .map_or(0, char::len_utf8);
        let spot = self.at(start..start + length);
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return too_deep(spot);
        }
        Found::new("syntax", format!("this is not YAML: {}", error.info())).spot(spot, "here")
    }

    fn document(
        &mut self,
        is_section: IsSection,
        sink: &mut dyn FnMut(Entry, &mut Vec<Found>),
    ) -> Result<(), Stopped> {
        let empty = |file: usize| {
            Found::new("empty_file", "the file holds nothing")
                .spot(
                    Spot::Bytes { file, range: 0..0 },
                    "expected `version: 1` here",
                )
                .help("begin with `version: 1`, or write a starter with `certplan init`")
        };
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    self.refuse(empty(self.file));
                    return Ok(());
                }
                Event::MappingStart(_, anchor, tag) => {
                    let at = range(&span, self.text);
                    if tag.is_some() {
                        self.refuse_tag(&span);
                    }
                    if anchor != 0 {
                        self.refuse_anchor(at);
                    }
                    self.root(is_section, sink)?;
                    break;
                }
                Event::Scalar(text, ScalarStyle::Plain, ..) if &*text == "~" || text.is_empty() => {
                    self.refuse(empty(self.file));
                    return Ok(());
                }
                other => {
                    let at = range(&span, self.text);
                    let value = self.compose(other, span, 0)?;
                    let problem = Found::new(
                        "not_a_manifest",
                        format!("a manifest is a mapping, not {}", kind(&value.0)),
                    )
                    .spot(self.at(first_line(self.text, at)), "expected `version: 1`")
                    .help("begin with `version: 1`");
                    self.refuse(problem);
                    break;
                }
            }
        }
        // What follows the root.
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::DocumentStart(..) => {
                    let at = range(&span, self.text);
                    let problem = Found::new("second_document", "a file holds one YAML document")
                        .spot(self.at(at), "a second one begins here")
                        .help("put it into a file of its own: `-f` may be repeated");
                    self.refuse(problem);
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// Reads the members of the root up to its end.
    fn root(
        &mut self,
        is_section: IsSection,
        sink: &mut dyn FnMut(Entry, &mut Vec<Found>),
    ) -> Result<(), Stopped> {
        let mut seen = HashMap::new();
        while let Some(key) = self.key(&mut seen, 1)? {
            let (event, span) = self.next()?;
            match event {
                Event::MappingStart(_, anchor, tag) if key.fresh && is_section(&key.text) => {
                    if tag.is_some() {
                        self.refuse_tag(&span);
                    }
                    if anchor != 0 {
                        let at = range(&span, self.text);
                        self.refuse_anchor(at);
                    }
                    // The section itself, so that the receiver knows of an empty one.
                    sink(key.entry(Vec::new(), Value::Null, false), self.found);
                    self.section(&key.text, sink)?;
                }
                other => {
                    self.damaged = false;
                    let (value, _) = self.compose(other, span, 1)?;
                    if key.fresh {
                        sink(key.entry(Vec::new(), value, self.damaged), self.found);
                    }
                }
            }
        }
        Ok(())
    }

    fn section(
        &mut self,
        name: &str,
        sink: &mut dyn FnMut(Entry, &mut Vec<Found>),
    ) -> Result<(), Stopped> {
        let mut seen = HashMap::new();
        loop {
            self.damaged = false;
            let Some(key) = self.key(&mut seen, 2)? else {
                return Ok(());
            };
            let (event, span) = self.next()?;
            let (value, _) = self.compose(event, span, 2)?;
            if key.fresh {
                sink(
                    key.entry(vec![name.to_owned()], value, self.damaged),
                    self.found,
                );
            }
        }
    }

    /// The next key of a mapping, or nothing at its end. Keys that cannot be used are reported and not
    /// fresh: their value is read and dropped.
    fn key(
        &mut self,
        seen: &mut HashMap<Box<str>, Range<usize>>,
        depth: usize,
    ) -> Result<Option<Key>, Stopped> {
        let (event, span) = self.next()?;
        let at = range(&span, self.text);
        let unusable = |at: Range<usize>| Key {
            text: String::new(),
            range: at,
            line: 0,
            fresh: false,
        };
        let (text, style, anchor, tag) = match event {
            Event::MappingEnd => return Ok(None),
            Event::Scalar(text, style, anchor, tag) => (text, style, anchor, tag),
            other => {
                let problem = Found::new("key_not_text", "a key is plain text")
                    .spot(self.at(first_line(self.text, at.clone())), "not text");
                self.refuse(problem);
                self.compose(other, span, depth)?;
                return Ok(Some(unusable(at)));
            }
        };
        if tag.is_some() {
            self.refuse_tag(&span);
        }
        if style == ScalarStyle::Plain {
            if &*text == "<<" {
                let problem = Found::new("merge_key", "merge keys (`<<`) are not read")
                    .spot(self.at(at.clone()), "here")
                    .help("put what entries have in common into `defaults`");
                self.refuse(problem);
                return Ok(Some(unusable(at)));
            }
            if !matches!(self.scalars.resolve(&text), Ok(Value::String(_))) || at.is_empty() {
                let problem = Found::new("key_not_text", "a key is plain text")
                    .spot(
                        self.at(at.clone()),
                        "this is a number, a truth value or nothing",
                    )
                    .maybe_help((!at.is_empty()).then(|| format!("write `\"{text}\"`")));
                self.refuse(problem);
                return Ok(Some(unusable(at)));
            }
        }
        if text.len() > MAX_SCALAR {
            let problem = scalar_too_long(self.at(first_line(self.text, at.clone())));
            self.refuse(problem);
            return Ok(Some(unusable(at)));
        }
        if anchor != 0 {
            let weight = text.len() + 16;
            self.anchors
                .insert(anchor, (Value::String(text.to_string()), weight));
        }
        if let Some(first) = seen.get(&*text) {
            let problem = Found::new(
                "duplicate_key",
                format!("`{}` is given twice", shown(&text)),
            )
            .spot(self.at(at.clone()), "again here")
            .spot(self.at(first.clone()), "first here")
            .help("remove or rename one of them");
            self.refuse(problem);
            return Ok(Some(unusable(at)));
        }
        seen.insert(text.as_ref().into(), at.clone());
        Ok(Some(Key {
            text: text.into_owned(),
            range: at,
            line: u32::try_from(span.start.line()).unwrap_or(u32::MAX),
            fresh: true,
        }))
    }

    /// The value that begins with an event, and its weight for the alias budget.
    fn compose(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
    ) -> Result<(Value, usize), Stopped> {
        let at = range(&span, self.text);
        if depth > MAX_DEPTH {
            let problem = too_deep(self.at(first_line(self.text, at)));
            self.refuse(problem);
            return Err(Stopped);
        }
        let (value, weight, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let weight = text.len() + 16;
                (self.scalar(text, style, at), weight, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut list = Vec::new();
                let mut weight = 16;
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    let (value, more) = self.compose(event, span, depth + 1)?;
                    weight += more;
                    list.push(value);
                }
                (Value::Array(list), weight, anchor, tag)
            }
            Event::MappingStart(_, anchor, tag) => {
                let mut map = Map::new();
                let mut seen = HashMap::new();
                let mut weight = 16;
                while let Some(key) = self.key(&mut seen, depth + 1)? {
                    let (event, span) = self.next()?;
                    let (value, more) = self.compose(event, span, depth + 1)?;
                    if key.fresh {
                        weight += more + key.text.len() + 16;
                        map.insert(key.text, value);
                    }
                }
                (Value::Object(map), weight, anchor, tag)
            }
            Event::Alias(id) => {
                let (value, weight) = self.alias(id, at);
                return Ok((value, weight));
            }
            _ => return Ok((Value::Null, 16)),
        };
        if tag.is_some() {
            self.refuse_tag(&span);
            return Ok((Value::Null, weight));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), weight));
        }
        Ok((value, weight))
    }

    fn scalar(
        &mut self,
        text: std::borrow::Cow<'a, str>,
        style: ScalarStyle,
        at: Range<usize>,
    ) -> Value {
        if text.len() > MAX_SCALAR {
            let problem = scalar_too_long(self.at(first_line(self.text, at)));
            self.refuse(problem);
            return Value::Null;
        }
        if style != ScalarStyle::Plain {
            return Value::String(text.into_owned());
        }
        match self.scalars.resolve(&text) {
            Ok(Value::String(_)) => Value::String(text.into_owned()),
            Ok(value) => value,
            Err(_) => {
                let problem = Found::new("number", "this number does not fit into 64 bits")
                    .spot(self.at(at), "here")
                    .help("if it is text, write it in quotes");
                self.refuse(problem);
                Value::Null
            }
        }
    }

    fn alias(&mut self, id: usize, at: Range<usize>) -> (Value, usize) {
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            if self.aliases == MAX_ALIASES + 1 {
                let problem = Found::new(
                    "too_many_aliases",
                    format!("a file uses at most {MAX_ALIASES} aliases"),
                )
                .spot(self.at(at), "one too many")
                .help("put what entries have in common into `defaults`");
                self.refuse(problem);
            }
            self.damaged = true;
            return (Value::Null, 16);
        }
        let known = self.anchors.get(&id).map(|(_, weight)| *weight);
        match known {
            Some(weight) if weight <= self.expansion => {
                self.expansion -= weight;
                let value = self.anchors.get(&id).map(|(value, _)| value.clone());
                (value.unwrap_or_default(), weight)
            }
            Some(_) => {
                let problem = Found::new(
                    "alias_expansion",
                    "the aliases of this file stand for too much text",
                )
                .spot(self.at(at), "the limit is passed here")
                .help("put what entries have in common into `defaults`");
                self.refuse(problem);
                (Value::Null, 16)
            }
            None => {
                let problem = Found::new("alias", "this alias stands for something that holds it")
                    .spot(self.at(at), "here");
                self.refuse(problem);
                (Value::Null, 16)
            }
        }
    }

    fn refuse_tag(&mut self, span: &Span) {
        let at = span
            .tag_span()
            .map_or_else(|| range(span, self.text), |tag| range(&tag, self.text));
        let at = first_line(self.text, at);
        let tag = self.text.get(at.clone()).unwrap_or_default().to_owned();
        let problem = Found::new("tag", "YAML tags are not read")
            .spot(self.at(at), "this tag")
            .help(format!(
                "remove `{}`; text that looks like a number stands in quotes",
                shown(&tag)
            ));
        self.refuse(problem);
    }

    fn refuse_anchor(&mut self, at: Range<usize>) {
        let problem = Found::new("alias", "a whole section cannot carry an anchor")
            .spot(self.at(first_line(self.text, at)), "this section")
            .help("put what entries have in common into `defaults`");
        self.refuse(problem);
    }
}

struct Key {
    text: String,
    range: Range<usize>,
    line: u32,
    fresh: bool,
}

impl Key {
    fn entry(&self, mut parents: Vec<String>, value: Value, damaged: bool) -> Entry {
        parents.push(self.text.clone());
        Entry {
            path: parents,
            key: self.range.clone(),
            line: self.line,
            value,
            damaged,
        }
    }
}

fn too_deep(spot: Spot) -> Found {
    Found::new("too_deep", format!("nested deeper than {MAX_DEPTH} levels")).spot(spot, "here")
}

fn scalar_too_long(spot: Spot) -> Found {
    Found::new("scalar_too_long", "a single value is at most 1 MiB long")
        .spot(spot, "it begins here")
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

/// Text of a manifest inside a message.
pub(super) fn shown(text: &str) -> String {
    crate::model::Untrusted::new(text).to_string()
}

/// The kind of a value in the words of messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
