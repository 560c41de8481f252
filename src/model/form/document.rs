//! One file as values in the order of its text. Main type: [`Document`].
//!
//! A value takes 16 bytes, and text stays in the file's own: a manifest of a hundred thousand orders has
//! millions of values.

use std::ops::Range;

/// The values of one file.
#[derive(Debug)]
pub struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) file: u32,
    pub(super) nodes: Vec<Node>,
    /// Texts that do not stand in the file as they are: with escapes, or over several lines.
    pub(super) owned: Vec<String>,
    pub(super) numbers: Vec<Number>,
}

/// One value. In a mapping each key comes right before its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// Whether it is a key: then the value behind it is its member's.
    pub(super) is_key: bool,
    /// Where it begins in the text.
    pub(super) start: u32,
    /// Where it ends.
    pub(super) end: u32,
    /// Of a list or a mapping: the node behind its last element. Of others: an index, or nothing.
    pub(super) data: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Null,
    True,
    False,
    Number,
    /// Text that stands in the file as it is.
    Plain,
    /// The same in quotes.
    Quoted,
    /// Text in [`Document::owned`].
    Owned,
    List,
    Mapping,
    /// Stands for the value with the index `data`.
    Alias,
    /// Something that was refused, and reported.
    Refused,
    /// The same of a list: what it holds is still there, for excerpts.
    RefusedList,
    /// The same of a mapping.
    RefusedMapping,
}

/// A number as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Zero or more.
    Natural(u64),
    /// Less than zero.
    Negative(i64),
    /// With a fraction or too large for the others.
    Float(f64),
}

/// A list or a mapping whose elements are being added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open(u32);

impl Open {
    /// The index of its node.
    pub fn node(self) -> u32 {
        self.0
    }
}

/// Files are at most 64 MiB long.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl<'t> Document<'t> {
    /// A file without values.
    pub fn new(text: &'t str, file: u32) -> Self {
        Self {
            text,
            file,
            // A value takes a dozen bytes of text or so. Memory that is not written to costs nothing, and
            // to move what was written costs much.
            nodes: Vec::with_capacity(text.len() / 8),
            owned: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The file's text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    fn push(&mut self, kind: NodeKind, at: &Range<usize>, data: u32) -> u32 {
        let node = offset(self.nodes.len());
        self.nodes.push(Node {
            kind,
            is_key: false,
            start: offset(at.start),
            end: offset(at.end),
            data,
        });
        node
    }

    /// Adds nothing.
    pub fn add_null(&mut self, at: &Range<usize>) -> u32 {
        self.push(NodeKind::Null, at, 0)
    }

    /// Adds a truth value.
    pub fn add_bool(&mut self, at: &Range<usize>, value: bool) -> u32 {
        let kind = if value {
            NodeKind::True
        } else {
            NodeKind::False
        };
        self.push(kind, at, 0)
    }

    /// Adds a number.
    pub fn add_number(&mut self, at: &Range<usize>, number: Number) -> u32 {
        let index = offset(self.numbers.len());
        self.numbers.push(number);
        self.push(NodeKind::Number, at, index)
    }

    /// Adds text. It is copied only where it does not stand in the file as it is.
    pub fn add_text(&mut self, at: &Range<usize>, text: &str) -> u32 {
        let slice = self.text.get(at.clone()).unwrap_or_default();
        if slice == text {
            return self.push(NodeKind::Plain, at, 0);
        }
        let inside = slice.len().checked_sub(1).and_then(|end| slice.get(1..end));
        if inside == Some(text) {
            return self.push(NodeKind::Quoted, at, 0);
        }
        let index = offset(self.owned.len());
        self.owned.push(text.to_owned());
        self.push(NodeKind::Owned, at, index)
    }

    /// Adds what stands for another value.
    pub fn add_alias(&mut self, at: &Range<usize>, of: u32) -> u32 {
        self.push(NodeKind::Alias, at, of)
    }

    /// Adds something that was refused and reported.
    pub fn add_refused(&mut self, at: &Range<usize>) -> u32 {
        self.push(NodeKind::Refused, at, 0)
    }

    /// Begins a list.
    pub fn open_list(&mut self, at: &Range<usize>) -> Open {
        Open(self.push(NodeKind::List, at, 0))
    }

    /// Begins a mapping. Keys and values are added in turn.
    pub fn open_mapping(&mut self, at: &Range<usize>) -> Open {
        Open(self.push(NodeKind::Mapping, at, 0))
    }

    /// Ends a list or a mapping.
    pub fn close(&mut self, open: Open, end: usize) {
        let behind = offset(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(open.0 as usize) {
            node.data = behind;
            node.end = offset(end).max(node.start);
        }
    }

    /// Marks a value as a key. Its member's value is added next.
    pub fn mark_key(&mut self, node: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.is_key = true;
        }
    }

    /// Takes a value for refused, whatever it holds.
    pub fn refuse(&mut self, node: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.kind = match node.kind {
                NodeKind::List | NodeKind::RefusedList => NodeKind::RefusedList,
                NodeKind::Mapping | NodeKind::RefusedMapping => NodeKind::RefusedMapping,
                NodeKind::Null
                | NodeKind::True
                | NodeKind::False
                | NodeKind::Number
                | NodeKind::Plain
                | NodeKind::Quoted
                | NodeKind::Owned
                | NodeKind::Alias
                | NodeKind::Refused => NodeKind::Refused,
            };
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True for a file without values.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
