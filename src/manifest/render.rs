//! Problems as text: miette's graphical reports over excerpts in which credentials are masked.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
};

use super::error::{ProblemLine, Problems, code};
use super::excerpt::{Excerpt, MAX_LINE};
use crate::model::form::Problem;

/// How many problems are shown in full; the rest are counted by their codes.
const SHOWN: usize = 100;

/// Whether a rendered text has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// ANSI colours and underlines.
    Colour,
    /// None.
    Plain,
}

/// A problem with the excerpt of one file, as miette wants it.
struct Report {
    message: String,
    code: Option<String>,
    help: Option<String>,
    severity: Severity,
    excerpt: Option<Arc<Excerpt>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Report>,
}

impl Report {
    fn new(problem: &Problem, excerpts: &[Arc<Excerpt>]) -> Self {
        let mut files: Vec<usize> = Vec::new();
        for label in &problem.labels {
            if !files.contains(&label.file()) {
                files.push(label.file());
            }
        }
        let labels = |file: usize, skip: bool| -> Vec<LabeledSpan> {
            problem
                .labels
                .iter()
                .filter(|label| !skip && label.file() == file)
                .map(|label| {
                    let text = (!label.text.is_empty()).then(|| label.text.clone());
                    LabeledSpan::new(text, label.span().start, label.span().len())
                })
                .collect()
        };
        // A label inside a line of several thousand characters would print all of it.
        let long_line = |file: usize| {
            excerpts.get(file).is_some_and(|excerpt| {
                problem
                    .labels
                    .iter()
                    .filter(|label| label.file() == file)
                    .any(|label| {
                        let line = excerpt.line_of(label.span().start);
                        excerpt.line_range(line, line).len() > MAX_LINE
                    })
            })
        };
        let source = |file: usize| excerpts.get(file).filter(|_| !long_line(file)).cloned();
        let first = files.first().copied();
        let mut message = problem.message.clone();
        if let Some((excerpt, label)) = first
            .filter(|&file| long_line(file))
            .and_then(|file| Some((excerpts.get(file)?, problem.labels.first()?)))
        {
            let (line, column) = excerpt.position(label.span().start);
            let _ = write!(message, " ({}:{line}:{column})", excerpt.name());
        }
        Self {
            message,
            code: Some(code(problem)),
            help: problem.help.clone(),
            severity: Severity::Error,
            excerpt: first.and_then(source),
            labels: first.map_or_else(Vec::new, |file| labels(file, long_line(file))),
            related: files
                .iter()
                .skip(1)
                .map(|&file| Self {
                    message: "and in this file".to_owned(),
                    code: None,
                    help: None,
                    severity: Severity::Advice,
                    excerpt: source(file),
                    labels: labels(file, long_line(file)),
                    related: Vec::new(),
                })
                .collect(),
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as _)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt
            .as_ref()
            .map(|excerpt| excerpt.as_ref() as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.related.iter().map(|report| report as &dyn Diagnostic),
        ))
    }
}

impl Problems {
    /// The problems that are shown in full, in plain fields.
    pub fn shown(&self) -> Vec<ProblemLine> {
        let first = self.problems.iter().take(SHOWN);
        first.map(|problem| self.line(problem)).collect()
    }

    /// The others, counted by their codes.
    pub fn rest(&self) -> BTreeMap<String, usize> {
        let mut rest = BTreeMap::new();
        for problem in self.problems.iter().skip(SHOWN) {
            *rest.entry(code(problem)).or_default() += 1;
        }
        rest
    }

    /// Every problem as text for a terminal `width` columns wide: the first 100 with their source lines, the
    /// rest counted by their codes.
    pub fn render(&self, paint: Paint, width: usize) -> String {
        let theme = match paint {
            Paint::Colour => GraphicalTheme::unicode(),
            Paint::Plain => GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(width.max(40));
        let mut text = String::new();
        for problem in self.problems.iter().take(SHOWN) {
            let report = Report::new(problem, &self.excerpts);
            let start = text.len();
            if handler.render_report(&mut text, &report).is_err() {
                text.truncate(start);
                let _ = writeln!(text, "{}: {}", code(problem), problem.message);
            }
            text.push('\n');
        }
        for (code, count) in self.rest() {
            let _ = writeln!(text, "and {count} more [{code}]");
        }
        let count = self.problems.len();
        let _ = writeln!(text, "{count} problem{}", if count == 1 { "" } else { "s" });
        text
    }
}

impl Diagnostic for Problems {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("certplan::manifest"))
    }
}
