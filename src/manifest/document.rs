//! One pass over a file: each entry becomes one JSON value as soon as it is complete, is handed over,
//! and is gone. The whole document never exists as a tree, so memory does not grow with it.
//!
//! Everything that YAML allows and a manifest does not is refused here with its exact place.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle};
use serde_json::Value;

use super::compose::{Key, Reader, Seen, Stopped};
use super::error::{Found, Spot};
use super::events::{first_line, range};
use super::source::Source;
use super::wording::kind;

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

/// Reads a document. `sink` gets the members of the root; of a section it gets each member.
/// Returns whether the document was read to its end.
pub(super) fn read(
    source: &Source,
    file: usize,
    is_section: IsSection,
    found: &mut Vec<Found>,
    sink: &mut dyn FnMut(Entry, &mut Vec<Found>),
) -> bool {
    let mut reader = Reader::new(&source.text, file, found);
    reader.document(is_section, sink).is_ok()
}

impl<'a> Reader<'a, '_> {
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
        let mut seen = Seen::default();
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
        let mut seen = Seen::default();
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
