//! A cursor into the values of a file: what a value is, what it holds, where it stands. Main type:
//! [`Value`].

use std::ops::Range;

use super::document::{Document, Node, NodeKind, Number};
use super::problem::Point;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text: [`Value::text`].
    Text,
    /// A list: [`Value::elements`].
    List,
    /// A mapping: [`Value::members`].
    Mapping,
    /// Something that was refused, and reported.
    Refused,
}

impl Kind {
    /// The kind in the words of messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Number(Number::Float(number)) if number.fract() != 0.0 => {
                "a number with a fraction"
            }
            Self::Number(_) => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
            Self::Refused => "something that cannot be read",
        }
    }
}

/// A value of a file.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: &'a Document<'a>,
    node: u32,
}

impl Document<'_> {
    /// The first value, which holds all others.
    pub fn root(&self) -> Option<Value<'_>> {
        (!self.is_empty()).then(|| self.value(0))
    }

    /// The value with an index.
    pub fn value(&self, node: u32) -> Value<'_> {
        Value {
            document: self,
            node,
        }
    }
}

impl<'a> Value<'a> {
    /// Which value it is.
    pub fn point(self) -> Point {
        Point {
            file: self.document.file,
            node: self.node,
        }
    }

    /// Another value of the same file.
    pub fn of(self, point: Point) -> Self {
        Self {
            node: point.node,
            ..self
        }
    }

    fn own(self) -> Node {
        // Every index comes from this file.
        self.document
            .nodes
            .get(self.node as usize)
            .copied()
            .unwrap_or(Node {
                kind: NodeKind::Refused,
                is_key: false,
                start: 0,
                end: 0,
                data: 0,
            })
    }

    /// The node that says what it is: of an alias the one that it stands for.
    fn meant(self) -> (u32, Node) {
        let own = self.own();
        if own.kind != NodeKind::Alias {
            return (self.node, own);
        }
        let of = Self {
            node: own.data,
            ..self
        };
        (of.node, of.own())
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        let (_, node) = self.meant();
        match node.kind {
            NodeKind::Null => Kind::Null,
            NodeKind::True => Kind::Bool(true),
            NodeKind::False => Kind::Bool(false),
            NodeKind::Number => match self.document.numbers.get(node.data as usize) {
                Some(number) => Kind::Number(*number),
                None => Kind::Refused,
            },
            NodeKind::Plain | NodeKind::Quoted | NodeKind::Owned => Kind::Text,
            NodeKind::List => Kind::List,
            NodeKind::Mapping => Kind::Mapping,
            NodeKind::Alias
            | NodeKind::Refused
            | NodeKind::RefusedList
            | NodeKind::RefusedMapping => Kind::Refused,
        }
    }

    /// Its text, if it is text.
    pub fn text(self) -> Option<&'a str> {
        let (_, node) = self.meant();
        let (start, end) = (node.start as usize, node.end as usize);
        match node.kind {
            NodeKind::Plain => self.document.text.get(start..end),
            NodeKind::Quoted => self.document.text.get(start + 1..end - 1),
            NodeKind::Owned => {
                let text = self.document.owned.get(node.data as usize);
                text.map(String::as_str)
            }
            NodeKind::Null
            | NodeKind::True
            | NodeKind::False
            | NodeKind::Number
            | NodeKind::List
            | NodeKind::Mapping
            | NodeKind::Alias
            | NodeKind::Refused
            | NodeKind::RefusedList
            | NodeKind::RefusedMapping => None,
        }
    }

    /// A number as it stands in the file.
    pub fn written(self) -> Option<&'a str> {
        let (_, node) = self.meant();
        let range = node.start as usize..node.end as usize;
        let is_number = node.kind == NodeKind::Number;
        is_number.then(|| self.document.text.get(range)).flatten()
    }

    /// The elements of a list; none of anything else.
    pub fn elements(self) -> Elements<'a> {
        let (node, meant) = self.meant();
        self.inside(node, (meant.kind == NodeKind::List).then_some(meant.data))
    }

    /// Keys and values of a mapping; none of anything else. A key that cannot be used is
    /// [`Kind::Refused`].
    pub fn members(self) -> impl Iterator<Item = (Self, Self)> {
        let (node, meant) = self.meant();
        let mut each = self.inside(
            node,
            (meant.kind == NodeKind::Mapping).then_some(meant.data),
        );
        std::iter::from_fn(move || Some((each.next()?, each.next()?)))
    }

    fn inside(self, node: u32, end: Option<u32>) -> Elements<'a> {
        Elements {
            document: self.document,
            next: node + 1,
            end: end.unwrap_or(0),
        }
    }

    /// What it holds, refused or not: for excerpts, which must not show a secret wherever it stands.
    pub fn content(self) -> Content<'a> {
        let own = self.own();
        let inside = self.inside(self.node, Some(own.data));
        match own.kind {
            NodeKind::List | NodeKind::RefusedList => Content::List(inside),
            NodeKind::Mapping => Content::Mapping(inside, true),
            NodeKind::RefusedMapping => Content::Mapping(inside, false),
            NodeKind::Alias => Content::Alias(Self {
                node: own.data,
                ..self
            }),
            NodeKind::Null
            | NodeKind::True
            | NodeKind::False
            | NodeKind::Number
            | NodeKind::Plain
            | NodeKind::Quoted
            | NodeKind::Owned
            | NodeKind::Refused => Content::Scalar,
        }
    }

    /// The key of the member whose value it is.
    pub fn key(self) -> Option<Self> {
        let key = Self {
            node: self.node.checked_sub(1)?,
            ..self
        };
        key.own().is_key.then_some(key)
    }

    /// Whether a value stands inside this one, in the text.
    pub fn holds(self, point: Point) -> bool {
        let own = self.own();
        point.file == self.document.file
            && point.node > self.node
            && matches!(own.kind, NodeKind::List | NodeKind::Mapping)
            && point.node < own.data
    }

    /// Where it stands in the text.
    pub fn range(self) -> Range<usize> {
        let own = self.own();
        own.start as usize..own.end as usize
    }

    /// True for a list or a mapping without brackets, and for nothing at all: there is no single line to
    /// point at.
    pub fn is_spread(self) -> bool {
        let own = self.own();
        let flow = || {
            let first = self.document.text.as_bytes().get(own.start as usize);
            matches!(first, Some(b'{' | b'['))
        };
        let is_collection = matches!(
            own.kind,
            NodeKind::List | NodeKind::Mapping | NodeKind::RefusedList | NodeKind::RefusedMapping
        );
        own.start == own.end || is_collection && !flow()
    }
}

/// What a value holds.
pub enum Content<'a> {
    /// Nothing but itself.
    Scalar,
    /// These elements.
    List(Elements<'a>),
    /// These keys and values in turn; and whether it was not refused.
    Mapping(Elements<'a>, bool),
    /// It stands for this one.
    Alias(Value<'a>),
}

/// The values inside a list or a mapping, one by one.
pub struct Elements<'a> {
    document: &'a Document<'a>,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.next >= self.end {
            return None;
        }
        let value = Value {
            document: self.document,
            node: self.next,
        };
        let own = value.own();
        self.next = match own.kind {
            NodeKind::List
            | NodeKind::Mapping
            | NodeKind::RefusedList
            | NodeKind::RefusedMapping => own.data,
            NodeKind::Null
            | NodeKind::True
            | NodeKind::False
            | NodeKind::Number
            | NodeKind::Plain
            | NodeKind::Quoted
            | NodeKind::Owned
            | NodeKind::Alias
            | NodeKind::Refused => self.next + 1,
        };
        Some(value)
    }
}
