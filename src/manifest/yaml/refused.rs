//! What is refused while a file is read: faults of the syntax, tags, depth, length, aliases.

use std::ops::Range;

use super::{Builder, first_line};
use crate::manifest::events::{MAX_DEPTH, Reason, SyntaxError};
use crate::model::form::{Location, Problem, shown};

impl Builder<'_, '_> {
    pub(super) fn bytes(&self, range: Range<usize>) -> Location {
        Location::Bytes {
            file: self.file,
            range,
        }
    }

    pub(super) fn first_line(&self, range: Range<usize>) -> Range<usize> {
        first_line(self.text, range)
    }

    pub(super) fn refuse_tag(&mut self, tag: Range<usize>) {
        let at = self.first_line(tag);
        let text = self.text.get(at.clone()).unwrap_or_default();
        let problem = Problem::new("tag", "YAML tags are not read").help(format!(
            "remove `{}`; text that looks like a number stands in quotes",
            shown(text)
        ));
        let problem = problem.at(self.bytes(at), "this tag");
        self.problems.push(problem);
    }

    pub(super) fn too_deep(&mut self, at: Range<usize>) {
        let problem = Problem::new("too_deep", format!("nested deeper than {MAX_DEPTH} levels"))
            .at(self.bytes(self.first_line(at)), "here");
        self.problems.push(problem);
    }

    pub(super) fn too_long(&mut self, at: Range<usize>) {
        let problem = Problem::new("scalar_too_long", "a single value is at most 1 MiB long")
            .at(self.bytes(self.first_line(at)), "it begins here");
        self.problems.push(problem);
    }

    fn too_many(&mut self, at: Range<usize>) {
        let problem = Problem::new("too_long", "a value, or what is in a bracket, is too long")
            .at(self.bytes(at), "it begins here")
            .help("write the elements of a list and the members of a mapping without brackets");
        self.problems.push(problem);
    }

    pub(super) fn syntax(&mut self, error: &SyntaxError) {
        let mut start = error.at.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let found = self.text[start..].chars().next();
        let length = found
            .filter(|c| *c != '\n' && *c != '\r')
            .map_or(0, char::len_utf8);
        let at = start..start + length;
        let message = match &error.reason {
            Reason::Syntax(message) => message,
            Reason::Depth => return self.too_deep(at),
            Reason::Length => return self.too_many(at),
        };
        let bracket = self.bracket();
        let problem =
            |message: &str| Problem::new("syntax", format!("this is not YAML: {message}"));
        let problem = match (&bracket, found) {
            (Some((open, bracket)), Some(closing @ (']' | '}'))) if !pair(*bracket, closing) => {
                problem(&format!("`{bracket}` is closed by `{closing}`"))
                    .at(self.bytes(open.clone()), "opened here")
                    .at(self.bytes(at), "closed here")
            }
            (Some((open, bracket)), None) => problem(&format!("`{bracket}` is not closed"))
                .at(self.bytes(open.clone()), "opened here"),
            _ => {
                let problem = problem(&shown(wording(message))).at(self.bytes(at), "here");
                match bracket {
                    Some((open, _)) => problem.at(self.bytes(open), "in this bracket"),
                    None => problem,
                }
            }
        };
        let help = if message.contains("tabs") {
            Some("indent with blanks: YAML takes no tabs there")
        } else {
            message.starts_with("':' must").then_some("write a blank")
        };
        self.problems
            .push(problem.maybe_help(help.map(str::to_owned)));
    }

    /// The innermost bracket that is open, and its place.
    fn bracket(&self) -> Option<(Range<usize>, char)> {
        self.open.iter().rev().find_map(|frame| {
            let start = self.document.value(frame.open.node()).range().start;
            let bracket = self.text.get(start..)?.chars().next();
            let bracket = bracket.filter(|c| matches!(c, '[' | '{'))?;
            Some((start..start + 1, bracket))
        })
    }
}

fn pair(open: char, close: char) -> bool {
    matches!((open, close), ('[', ']') | ('{', '}'))
}

/// The parser's words, in plain ones where somebody who has forgotten a quote reads them.
fn wording(message: &str) -> &str {
    match message {
        "while scanning a quoted scalar, found unexpected end of stream" => {
            "this quote is not closed"
        }
        "invalid indentation in quoted scalar" => {
            "this quote is not closed, or a line of the text in it is not indented"
        }
        "':' must be followed by a valid YAML whitespace" => "a tab stands behind `:`",
        other => other,
    }
}
