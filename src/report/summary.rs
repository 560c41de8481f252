//! What is said first and last: the summary lines of the contract, the count of dying certificates, and
//! in which order and under which word the steps of a plan are listed.

use super::amounts::counted;
use super::phrase::Phrase;
use crate::apply::{Outcome, RunReport};
use crate::model::Cause;
use crate::plan::{Action, News, Plan, Step};

/// The last line of a plan, exactly as the contract has it.
pub(super) fn plan_line(plan: &Plan) -> String {
    let summary = plan.summary();
    let count = |action| summary.get(&action).copied().unwrap_or(0);
    // Only where the manifest asks for files: a script that knows none reads the line as ever.
    let asks_for_files = plan.steps.iter().any(|step| {
        let files = step.files.as_ref();
        files.is_some_and(|files| files.wanted.is_some())
    });
    let collect = match asks_for_files {
        true => format!(", {} to collect", count(Action::Collect)),
        false => String::new(),
    };
    format!(
        "Plan: {} to order, {} to renew, {} to reissue, {} to revoke, {} to adopt, {} to settle{collect}, {} waiting, {} unchanged.",
        count(Action::Order),
        count(Action::Renew),
        count(Action::Reissue),
        count(Action::Revoke),
        count(Action::Adopt),
        count(Action::Settle),
        count(Action::Wait),
        count(Action::Keep),
    )
}

/// The last line of a run's report.
pub(super) fn done_line(report: &RunReport) -> String {
    let summary = report.summary();
    let count = |outcome| summary.get(&outcome).copied().unwrap_or(0);
    format!(
        "Applied: {} completed, {} waiting, {} failed, {} unknown, {} skipped, {} unchanged.",
        count(Outcome::Done),
        count(Outcome::Waiting),
        count(Outcome::Failed),
        count(Outcome::Unknown),
        count(Outcome::Skipped),
        count(Outcome::Kept),
    )
}

/// What cannot be undone in a plan; nothing when nothing dies and nothing is revoked.
pub(super) fn plan_headline(plan: &Plan) -> Option<String> {
    lethal(plan).next()?;
    if plan.offline {
        return Some(
            "This plan has revocations; how many certificates die by them is not known offline."
                .to_owned(),
        );
    }
    Some(format!(
        "This plan revokes {}.",
        certificates(plan.revoked_certificates())
    ))
}

/// What cannot be undone in a run: what is revoked, then what was only asked for or is not known.
pub(super) fn run_headline(report: &RunReport) -> Option<String> {
    let count = |outcome| -> usize {
        report
            .actions
            .iter()
            .filter(|action| action.outcome == outcome)
            .map(|action| action.revoked.len())
            .sum()
    };
    let total: usize = report
        .actions
        .iter()
        .map(|action| action.revoked.len())
        .sum();
    let (done, waiting) = (count(Outcome::Done), count(Outcome::Waiting));
    let other = total.saturating_sub(done).saturating_sub(waiting);
    let mut sentences = Vec::new();
    if done > 0 {
        sentences.push(format!("Revoked {}.", certificates(done)));
    }
    if waiting > 0 {
        sentences.push(format!(
            "Asked for the revocation of {}.",
            certificates(waiting)
        ));
    }
    if other > 0 {
        sentences.push(format!(
            "{} may be revoked: see below.",
            certificates(other)
        ));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

pub(super) fn certificates(number: usize) -> String {
    counted(number, "certificate", "certificates")
}

/// Whether certificates die by a step: its listing is never folded.
pub(super) fn is_lethal(step: &Step) -> bool {
    step.action == Action::Revoke || !step.revokes.is_empty()
}

/// The steps by which certificates die: the revocations, then the others with collateral.
pub(super) fn lethal(plan: &Plan) -> impl Iterator<Item = &Step> {
    let of = |revoke: bool| {
        plan.steps
            .iter()
            .filter(move |step| is_lethal(step) && (step.action == Action::Revoke) == revoke)
    };
    of(true).chain(of(false))
}

/// The other kinds of steps in the order in which they are listed; `keep` is only counted.
pub(super) const LISTED: [Action; 7] = [
    Action::Order,
    Action::Renew,
    Action::Reissue,
    Action::Adopt,
    Action::Settle,
    Action::Collect,
    Action::Wait,
];

/// Steps that only a person can take further.
pub(super) fn for_a_person(plan: &Plan) -> Vec<&Step> {
    let steps = plan.steps.iter();
    steps
        .filter(|step| step.standing.waits().and_then(Cause::decision).is_some())
        .collect()
}

/// What became of items since the last run: a line each.
pub(super) fn news(news: &[News]) -> Vec<Phrase> {
    news.iter()
        .map(|news| {
            let mut phrase = Phrase::of(format!("{:<9} ", news.what.word())).datum(&news.address);
            if let Some(id) = &news.order_id {
                phrase = phrase.own("  order ").datum(id);
            }
            if let Some(id) = &news.certificate_id {
                phrase = phrase.own(", certificate ").datum(id);
            }
            if let Some(serial) = &news.serial_number {
                phrase = phrase.own(", serial ").datum(serial);
            }
            if let Some(till) = &news.valid_till {
                phrase = phrase.own(", until ").datum(till);
            }
            phrase
        })
        .collect()
}

/// The heading of the news.
pub(super) const NEWS: &str = "Since the last run";

/// The heading of what only a person can take further.
pub(super) const PERSON: &str = "Needs a person";

/// The steps of one kind by which nothing dies. What needs a person is listed by itself.
pub(super) fn harmless(plan: &Plan, action: Action) -> Vec<&Step> {
    plan.steps
        .iter()
        .filter(|step| step.action == action && !is_lethal(step))
        .filter(|step| step.standing.waits().and_then(Cause::decision).is_none())
        .collect()
}

/// What so many steps of one kind are called.
pub(super) fn noun(action: Action, number: usize) -> &'static str {
    let (one, many) = match action {
        Action::Order => ("order", "orders"),
        Action::Renew => ("renewal", "renewals"),
        Action::Reissue => ("reissue", "reissues"),
        Action::Revoke => ("revocation", "revocations"),
        Action::Adopt => ("adoption", "adoptions"),
        Action::Settle => ("unknown outcome", "unknown outcomes"),
        Action::Collect => ("collection", "collections"),
        Action::Wait => ("waiting item", "waiting items"),
        Action::Keep => ("unchanged item", "unchanged items"),
    };
    if number == 1 { one } else { many }
}

/// The heading of a section.
pub(super) fn heading(action: Action) -> &'static str {
    match action {
        Action::Order => "Orders",
        Action::Renew => "Renewals",
        Action::Reissue => "Reissues",
        Action::Revoke => "Revocations",
        Action::Adopt => "Adoptions",
        Action::Settle => "Outcomes to settle",
        Action::Collect => "Certificates to collect",
        Action::Wait => "Waiting",
        Action::Keep => "Unchanged",
    }
}
