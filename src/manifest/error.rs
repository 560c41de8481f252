//! Problems of a manifest as the caller gets them: every place is a range of bytes. Main type: [`Problems`].

use std::fmt;
use std::sync::Arc;

use super::excerpt::Excerpt;
use crate::model::form::Problem;

/// Every problem of a manifest, in the order of the files and lines.
#[derive(Clone)]
pub struct Problems {
    pub(super) problems: Vec<Problem>,
    pub(super) excerpts: Vec<Arc<Excerpt>>,
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

/// The stable code of a problem, for example `certplan::manifest::unknown_order`.
pub(super) fn code(problem: &Problem) -> String {
    format!("certplan::manifest::{}", problem.code)
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

    /// The names of the files that the labels of problems count.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.excerpts.iter().map(|excerpt| excerpt.name())
    }

    /// One line for each problem.
    pub fn lines(&self) -> Vec<ProblemLine> {
        let lines = self.problems.iter().map(|problem| self.line(problem));
        lines.collect()
    }

    pub(super) fn line(&self, problem: &Problem) -> ProblemLine {
        let place = problem.labels.first().and_then(|label| {
            let excerpt = self.excerpts.get(label.file())?;
            let (line, column) = excerpt.position(label.span().start);
            Some((excerpt.name().to_owned(), line, column))
        });
        let (file, line, column) = place.unwrap_or_default();
        ProblemLine {
            file,
            line,
            column,
            code: code(problem),
            message: problem.message.clone(),
            help: problem.help.clone(),
        }
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
