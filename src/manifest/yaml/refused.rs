//! What is refused while a file is read: faults of the syntax, tags, depth, length, aliases.

use std::ops::Range;

use super::{Builder, first_line};
use crate::manifest::events::{MAX_DEPTH, SyntaxError};
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

    pub(super) fn syntax(&mut self, error: &SyntaxError) {
        let mut start = error.at.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let length = self.text[start..]
            .chars()
            .next()
            .filter(|c| *c != '\n' && *c != '\r')
            .map_or(0, char::len_utf8);
        let at = start..start + length;
        if error.is_depth {
            self.too_deep(at);
            return;
        }
        let help = error
            .message
            .contains("tabs")
            .then(|| "indent with blanks: YAML takes no tabs there".to_owned());
        let problem = Problem::new(
            "syntax",
            format!("this is not YAML: {}", shown(&error.message)),
        )
        .at(self.bytes(at), "here")
        .maybe_help(help);
        self.problems.push(problem);
    }
}
