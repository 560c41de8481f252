//! YAML text to [`Document`]: one pass over the events of a file. What YAML allows and a manifest does not
//! is refused here, with its exact place.

mod alias;
mod refused;

use std::collections::HashMap;
use std::ops::Range;

use super::events::{Event, Events, MAX_DEPTH, Marks};
use super::scalar::{Scalar, Scalars};
use crate::model::form::{Document, Open, Problem, shown};

/// The longest scalar, in bytes.
const MAX_SCALAR: usize = 1 << 20;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    pub(super) file: u32,
    pub(super) document: Document<'t>,
    /// Whether it was read to its end. If not, what was open then is refused, entries and what is in them.
    pub(super) is_whole: bool,
}

/// Reads a text as the file with this index.
pub(super) fn read<'t>(text: &'t str, file: u32, problems: &mut Vec<Problem>) -> Reading<'t> {
    let mut builder = Builder {
        document: Document::new(text, file),
        text,
        file,
        problems,
        scalars: Scalars::default(),
        open: Vec::new(),
        anchors: HashMap::new(),
        aliases: 0,
        expansion: alias::MAX_EXPANSION,
    };
    let is_whole = builder.document().is_ok();
    if !is_whole {
        builder.close_all();
    }
    Reading {
        file,
        document: builder.document,
        is_whole,
    }
}

/// Reading stopped at a fault, which was reported.
struct Stopped;

/// A list or a mapping whose end was not reached.
struct Frame {
    open: Open,
    is_mapping: bool,
    /// Of a mapping: whether the next value is a key.
    expects_key: bool,
    anchor: usize,
    has_tag: bool,
    /// For the budget of aliases.
    weight: usize,
}

struct Builder<'t, 'p> {
    document: Document<'t>,
    text: &'t str,
    file: u32,
    problems: &'p mut Vec<Problem>,
    scalars: Scalars,
    open: Vec<Frame>,
    /// Complete values with an anchor: their index and weight.
    anchors: HashMap<usize, (u32, usize)>,
    aliases: u32,
    expansion: usize,
}

impl Builder<'_, '_> {
    fn document(&mut self) -> Result<(), Stopped> {
        let mut events = Events::of(self.text);
        let mut documents = 0;
        loop {
            let (event, at) = self.next(&mut events)?;
            match event {
                Event::Stream => return Ok(()),
                Event::Document => {
                    documents += 1;
                    if documents > 1 {
                        let problem =
                            Problem::new("second_document", "a file holds one YAML document")
                                .at(self.bytes(at), "a second one begins here")
                                .help("put it into a file of its own: `-f` may be repeated");
                        self.problems.push(problem);
                        return Ok(());
                    }
                }
                other => self.event(other, at, &mut events)?,
            }
        }
    }

    fn next<'t>(&mut self, events: &mut Events<'t>) -> Result<(Event<'t>, Range<usize>), Stopped> {
        events.next().map_err(|error| {
            self.syntax(&error);
            Stopped
        })
    }

    fn event<'t>(
        &mut self,
        event: Event<'t>,
        at: Range<usize>,
        events: &mut Events<'t>,
    ) -> Result<(), Stopped> {
        if matches!(event, Event::End) {
            self.end(at.end);
            return Ok(());
        }
        if self.open.len() > MAX_DEPTH {
            self.too_deep(at);
            return Err(Stopped);
        }
        if self.open.last().is_some_and(|frame| frame.expects_key) {
            return self.key(event, at, events);
        }
        match event {
            Event::Scalar {
                text,
                is_plain,
                marks,
            } => self.scalar(&text, is_plain, &marks, &at),
            Event::Alias(anchor) => self.alias(anchor, &at),
            Event::List(marks) => self.begin(false, marks, at),
            Event::Mapping(marks) => self.begin(true, marks, at),
            Event::End | Event::Document | Event::Stream => {}
        }
        Ok(())
    }

    fn begin(&mut self, is_mapping: bool, marks: Marks, at: Range<usize>) {
        let has_tag = marks.tag.is_some();
        if let Some(tag) = marks.tag {
            self.refuse_tag(tag);
        }
        let open = if is_mapping {
            self.document.open_mapping(&at)
        } else {
            self.document.open_list(&at)
        };
        self.open.push(Frame {
            open,
            is_mapping,
            expects_key: is_mapping,
            anchor: marks.anchor,
            has_tag,
            weight: 16,
        });
    }

    fn end(&mut self, end: usize) {
        let Some(frame) = self.open.pop() else { return };
        self.document.close(frame.open, end);
        let node = frame.open.node();
        if frame.has_tag {
            self.document.refuse(node);
        }
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (node, frame.weight));
        }
        self.value_done(frame.weight);
    }

    /// A value of the open list or mapping is complete.
    fn value_done(&mut self, weight: usize) {
        if let Some(frame) = self.open.last_mut() {
            frame.weight += weight;
            frame.expects_key = frame.is_mapping;
        }
    }

    fn scalar(&mut self, text: &str, is_plain: bool, marks: &Marks, at: &Range<usize>) {
        let weight = text.len() + 16;
        let node = match self.resolve(text, is_plain, marks, at) {
            Some(Scalar::Text) => self.document.add_text(at, text),
            Some(Scalar::Null) => self.document.add_null(at),
            Some(Scalar::Bool(value)) => self.document.add_bool(at, value),
            Some(Scalar::Number(number)) => self.document.add_number(at, number),
            None => self.document.add_refused(at),
        };
        if marks.anchor != 0 {
            self.anchors.insert(marks.anchor, (node, weight));
        }
        self.value_done(weight);
    }

    /// What a scalar means; nothing if it cannot be taken, which is reported.
    fn resolve(
        &mut self,
        text: &str,
        is_plain: bool,
        marks: &Marks,
        at: &Range<usize>,
    ) -> Option<Scalar> {
        if text.len() > MAX_SCALAR {
            self.too_long(at.clone());
            return None;
        }
        if let Some(tag) = &marks.tag {
            self.refuse_tag(tag.clone());
            return None;
        }
        if !is_plain {
            return Some(Scalar::Text);
        }
        let resolved = self.scalars.resolve(text);
        if resolved.is_none() {
            let problem = Problem::new("number", "this number does not fit into 64 bits")
                .at(self.bytes(at.clone()), "here")
                .help("if it is text, write it in quotes");
            self.problems.push(problem);
        }
        resolved
    }

    /// A key. One that cannot be used is reported, and its value is read under it all the same.
    fn key<'t>(
        &mut self,
        event: Event<'t>,
        at: Range<usize>,
        events: &mut Events<'t>,
    ) -> Result<(), Stopped> {
        if let Some(frame) = self.open.last_mut() {
            frame.expects_key = false;
        }
        let Event::Scalar {
            text,
            is_plain,
            marks,
        } = event
        else {
            let problem = Problem::new("key_not_text", "a key is plain text")
                .at(self.bytes(self.first_line(at.clone())), "not text");
            self.problems.push(problem);
            let node = self.document.add_refused(&at);
            self.document.mark_key(node);
            return self.pass_over(event, events);
        };
        let weight = text.len() + 16;
        let is_usable = self.usable_key(&text, is_plain, &marks, &at);
        let node = if is_usable {
            self.document.add_text(&at, &text)
        } else {
            self.document.add_refused(&at)
        };
        self.document.mark_key(node);
        if marks.anchor != 0 && is_usable {
            self.anchors.insert(marks.anchor, (node, weight));
        }
        if let Some(frame) = self.open.last_mut() {
            frame.weight += weight;
        }
        Ok(())
    }

    fn usable_key(&mut self, text: &str, is_plain: bool, marks: &Marks, at: &Range<usize>) -> bool {
        if let Some(tag) = &marks.tag {
            self.refuse_tag(tag.clone());
        }
        if text.len() > MAX_SCALAR {
            self.too_long(at.clone());
            return false;
        }
        if !is_plain {
            return true;
        }
        let problem = if text == "<<" {
            Problem::new("merge_key", "merge keys (`<<`) are not read")
                .at(self.bytes(at.clone()), "here")
                .help("put what entries have in common into `defaults`")
        } else if at.is_empty() || !matches!(self.scalars.resolve(text), Some(Scalar::Text)) {
            let help = (!at.is_empty()).then(|| format!("write `\"{}\"`", shown(text)));
            Problem::new("key_not_text", "a key is plain text")
                .at(
                    self.bytes(at.clone()),
                    "this is a number, a truth value or nothing",
                )
                .maybe_help(help)
        } else {
            return true;
        };
        self.problems.push(problem);
        false
    }

    /// Reads what began with an event up to its end, and keeps nothing of it.
    fn pass_over<'t>(&mut self, event: Event<'t>, events: &mut Events<'t>) -> Result<(), Stopped> {
        let mut depth = match event {
            Event::List(_) | Event::Mapping(_) => 1,
            Event::Scalar { .. }
            | Event::End
            | Event::Alias(_)
            | Event::Document
            | Event::Stream => 0,
        };
        while depth > 0 {
            let (event, at) = self.next(events)?;
            match event {
                Event::List(_) | Event::Mapping(_) => depth += 1,
                Event::End => depth -= 1,
                Event::Stream => return Ok(()),
                Event::Scalar { .. } | Event::Alias(_) | Event::Document => {}
            }
            if self.open.len() + depth > MAX_DEPTH {
                self.too_deep(at);
                return Err(Stopped);
            }
        }
        Ok(())
    }

    /// After a fault: ends everything that is open. The root and its sections keep what was complete; lists
    /// and what is deeper are refused, so that nothing is said of an entry of which only a part is known.
    fn close_all(&mut self) {
        while let Some(frame) = self.open.pop() {
            if frame.is_mapping && !frame.expects_key {
                self.document
                    .add_refused(&(self.text.len()..self.text.len()));
            }
            self.document.close(frame.open, self.text.len());
            if self.open.len() >= 2 || !frame.is_mapping {
                self.document.refuse(frame.open.node());
            }
            self.value_done(0);
        }
    }
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
