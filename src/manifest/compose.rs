//! Values out of events: keys, scalars, lists, mappings and aliases, each with its bounds.
//!
//! The main type is [`Reader`]. What YAML allows and a manifest does not is refused here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Map, Value};

use super::error::{Found, Spot};
use super::events::{MAX_DEPTH, events, first_line, range};
use super::scalar::Scalars;
use super::wording::shown;

/// The longest scalar, in bytes.
const MAX_SCALAR: usize = 1 << 20;
/// How often aliases may be used.
const MAX_ALIASES: u32 = 64;
/// How much aliases may add, in bytes of text and 16 for each node.
const MAX_EXPANSION: usize = 16 << 20;

/// Reading stopped at a syntax error, which was reported.
pub(super) struct Stopped;

/// Reads values from one file.
pub(super) struct Reader<'a, 'f> {
    parser: Parser<'a, StrInput<'a>>,
    pub(super) text: &'a str,
    pub(super) file: usize,
    pub(super) found: &'f mut Vec<Found>,
    scalars: Scalars,
    /// Complete anchored values with their weight.
    anchors: HashMap<usize, (Value, usize)>,
    aliases: u32,
    expansion: usize,
    pub(super) damaged: bool,
}

impl<'a, 'f> Reader<'a, 'f> {
    pub(super) fn new(text: &'a str, file: usize, found: &'f mut Vec<Found>) -> Self {
        Self {
            parser: events(text),
            text,
            file,
            found,
            scalars: Scalars::default(),
            anchors: HashMap::new(),
            aliases: 0,
            expansion: MAX_EXPANSION,
            damaged: false,
        }
    }

    pub(super) fn next(&mut self) -> Result<(Event<'a>, Span), Stopped> {
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

    pub(super) fn refuse(&mut self, problem: Found) {
        self.damaged = true;
        self.found.push(problem);
    }

    pub(super) fn at(&self, range: Range<usize>) -> Spot {
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
        let problem = Found::new(
            "syntax",
            format!("this is not YAML: {}", shown(&error.info())),
        )
        .spot(spot, "here");
        if error.info().contains("tabs") {
            return problem.help("indent with blanks: YAML takes no tabs there");
        }
        problem
    }

    /// The next key of a mapping, or nothing at its end. Keys that cannot be used are reported and not
    /// fresh: their value is read and dropped.
    pub(super) fn key(
        &mut self,
        seen: &mut Seen<'a>,
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
            Event::Scalar(text, style, anchor, tag) => {
                (self.exact(text, style, &at), style, anchor, tag)
            }
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
            if !matches!(self.scalars.resolve(&text), Ok(None)) || at.is_empty() {
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
        if let Some(first) = seen.first(&text) {
            let problem = Found::new(
                "duplicate_key",
                format!("`{}` is given twice", shown(&text)),
            )
            .spot(self.at(at.clone()), "again here")
            .spot(self.at(first), "first here")
            .help("remove or rename one of them");
            self.refuse(problem);
            return Ok(Some(unusable(at)));
        }
        seen.add(text.clone(), at.clone());
        Ok(Some(Key {
            text: text.into_owned(),
            range: at,
            line: u32::try_from(span.start.line()).unwrap_or(u32::MAX),
            fresh: true,
        }))
    }

    /// The value that begins with an event, and its weight for the alias budget.
    pub(super) fn compose(
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
                let mut seen = Seen::default();
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

    /// The text of a scalar without the line break that the parser adds to a block scalar in a file
    /// that has none at its end.
    fn exact(&self, text: Cow<'a, str>, style: ScalarStyle, at: &Range<usize>) -> Cow<'a, str> {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block && at.end == self.text.len() && self.ends_inside(&text) {
            let mut text = text.into_owned();
            text.pop();
            return Cow::Owned(text);
        }
        text
    }

    /// Whether the file ends within the last line of this block scalar, not behind it.
    fn ends_inside(&self, value: &str) -> bool {
        let source = self.text.rsplit('\n').next().unwrap_or_default();
        let Some(value) = value.strip_suffix('\n') else {
            return false;
        };
        let line = value.rsplit('\n').next().unwrap_or_default();
        !source.trim().is_empty() || !line.is_empty() && source.ends_with(line)
    }

    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, at: Range<usize>) -> Value {
        if text.len() > MAX_SCALAR {
            let problem = scalar_too_long(self.at(first_line(self.text, at)));
            self.refuse(problem);
            return Value::Null;
        }
        if style != ScalarStyle::Plain {
            return Value::String(self.exact(text, style, &at).into_owned());
        }
        match self.scalars.resolve(&text) {
            Ok(None) => Value::String(text.into_owned()),
            Ok(Some(value)) => value,
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

    pub(super) fn refuse_tag(&mut self, span: &Span) {
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

    pub(super) fn refuse_anchor(&mut self, at: Range<usize>) {
        let problem = Found::new("alias", "a whole section cannot carry an anchor")
            .spot(self.at(first_line(self.text, at)), "this section")
            .help("put what entries have in common into `defaults`");
        self.refuse(problem);
    }
}

/// The keys of an open mapping. Most mappings have a handful, and those need no hashing.
#[derive(Default)]
pub(super) struct Seen<'a> {
    few: Vec<(Cow<'a, str>, Range<usize>)>,
    many: HashMap<Cow<'a, str>, Range<usize>>,
}

impl<'a> Seen<'a> {
    const FEW: usize = 24;

    fn first(&self, key: &str) -> Option<Range<usize>> {
        let few = self.few.iter().find(|(known, _)| known == key);
        few.map(|(_, range)| range)
            .or_else(|| self.many.get(key))
            .cloned()
    }

    fn add(&mut self, key: Cow<'a, str>, range: Range<usize>) {
        if self.few.len() < Self::FEW {
            self.few.push((key, range));
        } else {
            self.many.insert(key, range);
        }
    }
}

/// A key, and whether its value is kept.
pub(super) struct Key {
    pub(super) text: String,
    pub(super) range: Range<usize>,
    pub(super) line: u32,
    pub(super) fresh: bool,
}

fn too_deep(spot: Spot) -> Found {
    Found::new("too_deep", format!("nested deeper than {MAX_DEPTH} levels")).spot(spot, "here")
}

fn scalar_too_long(spot: Spot) -> Found {
    Found::new("scalar_too_long", "a single value is at most 1 MiB long")
        .spot(spot, "it begins here")
}
