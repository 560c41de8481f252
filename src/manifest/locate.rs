//! From problems to what is shown: each place becomes a range of bytes, what must not be shown is masked,
//! and the problems come in the order of the text.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::credential;
use super::error::Problems;
use super::excerpt::Excerpt;
use super::source::Source;
use super::yaml::{Reading, first_line};
use crate::model::form::{Location, Problem, Value};

/// The places of problems as ranges of bytes.
pub(super) fn locate(problems: &mut [Problem], readings: &[Reading<'_>]) {
    for label in problems.iter_mut().flat_map(|problem| &mut problem.labels) {
        let (point, range): (_, fn(Value<'_>, &str) -> Range<usize>) = match &label.location {
            Location::Bytes { .. } => continue,
            Location::Key(point) => (*point, of_key),
            Location::Value(point) => (*point, of_value),
        };
        let range = readings.get(point.file as usize).map(|reading| {
            let document = &reading.document;
            range(document.value(point.node), document.text())
        });
        label.location = Location::Bytes {
            file: point.file,
            range: range.unwrap_or(0..0),
        };
    }
}

fn of_key(value: Value<'_>, text: &str) -> Range<usize> {
    value
        .key()
        .map_or_else(|| first_line(text, value.range()), Value::range)
}

fn of_value(value: Value<'_>, text: &str) -> Range<usize> {
    match value.key().filter(|_| value.is_spread()) {
        Some(key) => key.range(),
        None => first_line(text, value.range()),
    }
}

/// What must not be shown of each file that a problem points into.
pub(super) fn masks(
    problems: &[Problem],
    sources: &[Source],
    readings: &[Reading<'_>],
    credentials: &[&str],
) -> Vec<Option<Vec<Range<usize>>>> {
    let labels = problems.iter().flat_map(|problem| &problem.labels);
    let asked: HashSet<usize> = labels.map(|label| label.file()).collect();
    sources
        .iter()
        .zip(readings)
        .enumerate()
        .map(|(file, (source, reading))| {
            if !asked.contains(&file) {
                return None;
            }
            let mut masked = Vec::new();
            if !source.usable || !reading.is_whole {
                masked.extend(credential::mask_unparsed(&source.text));
            }
            if let Some(root) = reading.document.root() {
                masked.extend(credential::mask(root, credentials));
            }
            Some(disjoint(masked))
        })
        .collect()
}

/// Ranges in the order of the text, none of which touches another.
fn disjoint(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether a problem stands in what must not be shown.
fn is_hidden(problem: &Problem, masks: &[Option<Vec<Range<usize>>>]) -> bool {
    problem.labels.iter().any(|label| {
        let masked = masks.get(label.file()).and_then(Option::as_deref);
        let masked = masked.unwrap_or_default();
        let start = label.span().start;
        let before = masked.partition_point(|range| range.start <= start);
        let last = before.checked_sub(1).and_then(|last| masked.get(last));
        last.is_some_and(|range| range.contains(&start))
    })
}

/// Sorts, and takes the texts of the files over for excerpts.
pub(super) fn finish(
    mut problems: Vec<Problem>,
    sources: Vec<Source>,
    masks: &[Option<Vec<Range<usize>>>],
) -> Problems {
    for problem in &mut problems {
        // These quote the text itself, and it may be a key.
        let quotes = matches!(
            problem.code,
            "duplicate_key" | "tag" | "key_not_text" | "syntax"
        );
        if quotes && is_hidden(problem, masks) {
            problem.message = credential::without_quotes(&problem.message);
            problem.help = None;
        }
    }
    problems.sort_by_key(|problem| {
        let first = problem.labels.first();
        first.map(|label| (label.file(), label.span().start))
    });
    // One wrong default is one problem, however many entries take it over.
    let mut seen = HashSet::new();
    problems.retain(|problem| {
        let first = problem.labels.first();
        let place = first.map(|label| (label.file(), label.span().start));
        seen.insert((problem.code, problem.message.clone(), place))
    });
    let excerpts = sources.into_iter().zip(masks).map(|(source, masked)| {
        let text = masked.as_ref().map(|_| source.text).unwrap_or_default();
        let masked = masked.as_deref().unwrap_or_default();
        Arc::new(Excerpt::new(source.name, text, masked))
    });
    Problems {
        excerpts: excerpts.collect(),
        problems,
    }
}
