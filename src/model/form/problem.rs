//! What is wrong with a file that a person wrote: a stable code, the places, what to type instead.

use std::ops::Range;

/// A value of a file, by its position among the file's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Index of the file.
    pub file: u32,
    /// Index of the value in the file.
    pub node: u32,
}

/// A part of a file that a message points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A range of bytes.
    Bytes {
        /// Index of the file.
        file: u32,
        /// In its text, without a byte order mark.
        range: Range<usize>,
    },
    /// The key of a member, given by the member's value.
    Key(Point),
    /// A value; the key of the member where the value is a block or empty.
    Value(Point),
}

/// A place that a problem points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub location: Location,
    /// What is there.
    pub text: String,
}

impl Label {
    /// Index of the file.
    pub fn file(&self) -> usize {
        let file = match &self.location {
            Location::Bytes { file, .. } => *file,
            Location::Key(point) | Location::Value(point) => point.file,
        };
        file as usize
    }

    /// The range of bytes; empty as long as it was not looked up.
    pub fn span(&self) -> Range<usize> {
        match &self.location {
            Location::Bytes { range, .. } => range.clone(),
            Location::Key(_) | Location::Value(_) => 0..0,
        }
    }
}

/// One problem of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The last part of the stable code, for example `unknown_order`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// The places; the first one is where the problem stands.
    pub labels: Vec<Label>,
    /// What to type instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    /// Points at one more place.
    #[must_use]
    pub fn at(mut self, location: Location, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            location,
            text: text.into(),
        });
        self
    }

    /// Says what to type instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to type instead, where that is known and was not said before.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = self.help.or(text);
        self
    }
}
