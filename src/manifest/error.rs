//! Problems of a manifest: what is wrong, where, and what to type instead.
//!
//! While a manifest is read a problem is a [`Found`]: its places are paths, because byte ranges are not
//! kept for a text without problems. [`Problems`] is what the caller gets: every place is a byte range.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::render::Excerpt;

/// Which part of a member a label points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Its key.
    Key,
    /// Its value; the key where the value is a block or empty.
    Value,
}

/// A place that is not yet a byte range.
#[derive(Debug, Clone)]
pub(super) enum Spot {
    /// A known range.
    Bytes {
        /// Index of the file.
        file: usize,
        /// Byte range in its text.
        range: Range<usize>,
    },
    /// A member by its path from the root of a file.
    Member {
        /// Index of the file.
        file: usize,
        /// Keys, and indices of lists as decimal text.
        path: Vec<String>,
        /// Key or value.
        part: Part,
        /// Where else to look if the file has no such member: `defaults`, then the entry itself.
        or: Option<Box<Spot>>,
    },
}

impl Spot {
    /// A member of a file.
    pub(super) fn member(file: usize, path: &[&str], part: Part) -> Self {
        Self::Member {
            file,
            path: path.iter().map(|&key| key.to_owned()).collect(),
            part,
            or: None,
        }
    }

    /// The same place, or else another one.
    pub(super) fn or(mut self, other: Self) -> Self {
        let mut end = &mut self;
        while let Self::Member { or, .. } = end {
            match or {
                Some(next) => end = next,
                None => {
                    *or = Some(Box::new(other));
                    break;
                }
            }
        }
        self
    }
}

/// A problem as it is found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) spots: Vec<(Spot, String)>,
    pub(super) help: Option<String>,
}

impl Found {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            spots: Vec::new(),
            help: None,
        }
    }

    pub(super) fn spot(mut self, spot: Spot, text: impl Into<String>) -> Self {
        self.spots.push((spot, text.into()));
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    pub(super) fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = self.help.or(text);
        self
    }
}

/// Every problem of a manifest, in the order of the files and lines.
#[derive(Clone)]
pub struct Problems {
    pub(super) problems: Vec<Problem>,
    pub(super) excerpts: Vec<Arc<Excerpt>>,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) labels: Vec<Label>,
    pub(super) help: Option<String>,
}

/// A place that a problem points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Index of the file in [`Problems::files`].
    pub file: usize,
    /// Byte range in the file's text (without a byte order mark).
    pub span: Range<usize>,
    /// What is there.
    pub text: String,
}

/// A problem in plain fields, for JSON and for CI annotations.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProblemLine {
    /// The file as it was named; empty if the problem has no place in a file.
    pub file: String,
    /// From 1; 0 if the problem has no place in a file.
    pub line: usize,
    /// In characters, from 1; 0 if the problem has no place in a file.
    pub column: usize,
    /// For example `certplan::manifest::unknown_order`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to type instead.
    pub help: Option<String>,
}

impl Problem {
    /// The stable code, for example `certplan::manifest::unknown_order`.
    pub fn code(&self) -> String {
        format!("certplan::manifest::{}", self.code)
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The places; the first one is where the problem stands.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// What to type instead.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl Problems {
    /// The problems one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// How many there are; at least 1.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// Never true for what [`super::load`] returns.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The names of the files that [`Label::file`] counts.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.excerpts.iter().map(|excerpt| excerpt.name())
    }

    /// One line for each problem.
    pub fn lines(&self) -> Vec<ProblemLine> {
        self.problems
            .iter()
            .map(|problem| {
                let place = problem.labels.first().and_then(|label| {
                    let excerpt = self.excerpts.get(label.file)?;
                    let (line, column) = excerpt.position(label.span.start);
                    Some((excerpt.name().to_owned(), line, column))
                });
                let (file, line, column) = place.unwrap_or_default();
                ProblemLine {
                    file,
                    line,
                    column,
                    code: problem.code(),
                    message: problem.message.clone(),
                    help: problem.help.clone(),
                }
            })
            .collect()
    }
}

impl fmt::Debug for Problems {
    // Never the source text: it may hold what should have been a reference to a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.problems).finish()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(formatter, "the manifest has a problem: {}", one.message),
            many => write!(formatter, "the manifest has {} problems", many.len()),
        }
    }
}

impl std::error::Error for Problems {}
