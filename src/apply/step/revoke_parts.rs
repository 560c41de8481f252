//! A revocation that consists of several calls: what became of each, and one sentence about all that went wrong.

use crate::apply::ended::{Ended, StepEnd};
use crate::apply::event::{Outcome, PartReport};
use crate::model::{OrderId, Part, PartState, Record};

/// So many certificates are told in full; of the others, their number.
const TOLD: usize = 5;

/// A call that did not end well.
pub(super) type Trouble = (Part, StepEnd);

/// What became of each call; nothing for a revocation that is one call. `gone` was revoked before.
pub(super) fn parts_of(
    record: &Record,
    order: &OrderId,
    parts: &[Part],
    gone: &[Part],
    troubles: &[Trouble],
) -> Vec<PartReport> {
    if parts.len() < 2 {
        return Vec::new();
    }
    parts
        .iter()
        .map(|part| {
            let trouble = troubles.iter().find(|(known, _)| known == part);
            let state = record.part(order, part);
            let (outcome, error) = match (trouble, state) {
                (Some((_, end)), _) => of_trouble(end),
                (None, Some(PartState::Requested { .. })) => (Outcome::Waiting, None),
                (None, Some(PartState::Revoked)) => (Outcome::Done, None),
                (None, Some(PartState::Declined)) => {
                    let why = "an administrator refused it".to_owned();
                    (Outcome::Failed, Some(why))
                }
                (None, None) if gone.contains(part) => (Outcome::Done, None),
                (None, None) => (Outcome::Skipped, Some("not tried".to_owned())),
            };
            PartReport {
                part: part.clone(),
                outcome,
                request_id: match state {
                    Some(PartState::Requested { request_id }) => request_id.clone(),
                    Some(PartState::Revoked | PartState::Declined) | None => None,
                },
                error,
            }
        })
        .collect()
}

fn of_trouble(end: &StepEnd) -> (Outcome, Option<String>) {
    match &end.ended {
        Ended::Failed { error, .. } => (Outcome::Failed, Some(error.clone())),
        Ended::InDoubt { error, .. } => (Outcome::Unknown, Some(error.clone())),
        Ended::Skipped { why } => (Outcome::Skipped, Some(why.clone())),
        Ended::Waiting => (Outcome::Waiting, None),
        Ended::Done | Ended::Kept => (Outcome::Done, None),
    }
}

/// The end that decides what becomes of the step: the one that stopped it, else the first one. Its error names
/// every call that went wrong.
pub(super) fn together(troubles: Vec<Trouble>, reports: Vec<PartReport>) -> Option<StepEnd> {
    let rank = |end: &StepEnd| match &end.ended {
        Ended::InDoubt { .. } => 0,
        Ended::Failed { stop: Some(_), .. } => 1,
        Ended::Failed { stop: None, .. } => 2,
        Ended::Skipped { .. } => 3,
        Ended::Waiting | Ended::Done | Ended::Kept => 4,
    };
    let mut ends = troubles.into_iter().map(|(_, end)| end);
    let first = ends.next()?;
    let mut end = ends.fold(first, |known, end| {
        if rank(&end) < rank(&known) {
            end
        } else {
            known
        }
    });
    if !reports.is_empty() {
        let all = sentence(&reports);
        match &mut end.ended {
            Ended::Failed { error, .. } | Ended::InDoubt { error, .. } => *error = all,
            Ended::Skipped { why } => *why = all,
            Ended::Waiting | Ended::Done | Ended::Kept => {}
        }
    }
    end.parts = reports;
    Some(end)
}

/// `2 of 3 certificates went wrong: certificate 11: ... | certificate 12: ...; 1 was taken`.
fn sentence(reports: &[PartReport]) -> String {
    let wrong: Vec<&PartReport> = reports
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Failed | Outcome::Unknown))
        .collect();
    let untried: Vec<&PartReport> = reports
        .iter()
        .filter(|one| one.outcome == Outcome::Skipped)
        .collect();
    let mut said = Vec::new();
    if !wrong.is_empty() {
        let in_full = |one: &PartReport| {
            let why = one.error.as_deref().unwrap_or("no reason given");
            format!("{}: {why}", one.part)
        };
        let (wrong_count, all) = (wrong.len(), reports.len());
        said.push(format!(
            "{wrong_count} of {all} certificates went wrong: {}",
            listed(&wrong, " | ", in_full)
        ));
    }
    if !untried.is_empty() {
        let list = listed(&untried, ", ", |one| one.part.to_string());
        said.push(match (wrong.is_empty(), untried.first()) {
            (true, Some(first)) => {
                let why = first.error.as_deref().unwrap_or("not tried");
                format!("not tried: {list}: {why}")
            }
            _ => format!("not tried: {list}"),
        });
    }
    let taken = reports.len() - wrong.len() - untried.len();
    if taken > 0 {
        let verb = if taken == 1 { "was" } else { "were" };
        said.push(format!("{taken} {verb} taken by the CA"));
    }
    said.join("; ")
}

fn listed(reports: &[&PartReport], between: &str, show: impl Fn(&PartReport) -> String) -> String {
    let mut shown: Vec<String> = reports.iter().take(TOLD).map(|one| show(one)).collect();
    let more = reports.len().saturating_sub(TOLD);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(between)
}
