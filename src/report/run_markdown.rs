//! A run's report as Markdown: the totals first and last, what needs a person before the rest, below
//! 60,000 characters whatever the run did.

use std::io;

use super::amounts::count;
use super::details;
use super::page::{Entry, LIMIT, Page, item};
use super::phrase::Phrase;
use super::plan_markdown::write_news;
use super::run_text::{GROUPS, stopped};
use super::summary::{certificates, done_line, run_headline};
use crate::apply::{ActionReport, Outcome, RunReport};

/// So many actions of one outcome are listed; failed and unknown ones as long as there is room.
const LISTED_ACTIONS: usize = 50;
/// Room for each group that follows, in bytes.
const GROUP: usize = 600;
/// Room for the warnings, in bytes.
const REMARKS: usize = 5_000;

/// Writes the report. Every datum of a manifest or a CA stands in a code span.
pub fn run_markdown(out: &mut dyn io::Write, report: &RunReport) -> io::Result<()> {
    let foot = foot(report);
    let mut page = Page::new(LIMIT.saturating_sub(foot.len()));
    let _ = page.offer(&title(report));
    write_news(&mut page, &report.news);
    let _ = page.offer(&head(report));
    deaths(&mut page, report);
    for (index, (outcome, heading)) in GROUPS.into_iter().enumerate() {
        let later = GROUPS.len() - index - 1;
        group(&mut page, report, outcome, heading, later * GROUP);
    }
    out.write_all(page.finish().as_bytes())?;
    out.write_all(foot.as_bytes())
}

fn title(report: &RunReport) -> String {
    match run_headline(report) {
        Some(headline) => format!("## certplan: {headline}\n"),
        None => "## certplan: report\n".to_owned(),
    }
}

fn head(report: &RunReport) -> String {
    let ids = Phrase::of("Run ")
        .datum(&report.run_id)
        .own(", plan ")
        .datum(report.plan_id)
        .own(", ")
        .datum(report.started_at)
        .own(" to ")
        .datum(report.finished_at);
    let mut lines = vec![format!("**{}**", done_line(report))];
    lines.extend([String::new(), ids.markdown(), String::new()]);
    if let Some(stop) = report.stopped {
        lines.extend([format!("**{}**", stopped(stop)), String::new()]);
    }
    lines.join("\n")
}

/// Every certificate whose revocation was asked for; what does not fit is announced.
fn deaths(page: &mut Page, report: &RunReport) {
    if run_headline(report).is_none() {
        return;
    }
    let _ = page.offer("### Revocations\n");
    let entries = report.actions.iter().flat_map(|action| {
        action.revoked.iter().map(move |pin| {
            Entry::new(1, || {
                let mut phrase = Phrase::of_datum(&action.address)
                    .own(format!(" ({}): certificate ", action.outcome.word()))
                    .datum(&pin.certificate_id);
                if let Some(serial) = &pin.serial_number {
                    phrase = phrase.own(", serial ").datum(serial);
                }
                if !pin.names.is_empty() {
                    phrase = phrase.own(": ").then(details::some_names(&pin.names));
                }
                item(&phrase, &[])
            })
        })
    });
    // Half of the page at most: failures and unknown outcomes must be seen as well.
    let later = (GROUPS.len() * GROUP).max(LIMIT / 2);
    page.list(entries, usize::MAX, later, |_, more| {
        format!(
            "\n**… and {} are not shown: this page is full. `certplan apply --report json=FILE` shows all.**",
            certificates(more)
        )
    });
    let _ = page.offer("");
}

fn group(
    page: &mut Page,
    report: &RunReport,
    outcome: Outcome,
    heading: &str,
    kept_for_later: usize,
) {
    let actions: Vec<&ActionReport> = report
        .actions
        .iter()
        .filter(|action| action.outcome == outcome)
        .collect();
    if actions.is_empty() {
        return;
    }
    let _ = page.offer(&format!("### {heading} ({})\n", count(actions.len())));
    let longest = match outcome {
        Outcome::Failed | Outcome::Unknown => usize::MAX,
        Outcome::Done | Outcome::Waiting | Outcome::Skipped | Outcome::Kept => LISTED_ACTIONS,
    };
    let entries = actions.iter().map(|action| {
        Entry::new(1, || {
            let title = Phrase::of(format!("{} ", action.action.word()))
                .datum(&action.address)
                .own(" (")
                .datum(&action.account)
                .own(")");
            // The certificates have a section of their own.
            let told: Vec<_> = details::of_action(action)
                .into_iter()
                .filter(|detail| !detail.label.starts_with("revoke"))
                .collect();
            item(&title, &told)
        })
    });
    page.list(entries, longest, kept_for_later, |more, _| {
        format!(
            "* … and {} more like these; `certplan apply --report json=FILE` shows all",
            count(more)
        )
    });
    let _ = page.offer("");
}

fn foot(report: &RunReport) -> String {
    let mut page = Page::new(2 * REMARKS);
    if !report.warnings.is_empty() {
        let _ = page.offer("### Warnings\n");
        let entries = report
            .warnings
            .iter()
            .map(|warning| Entry::new(1, || item(&details::of_warning(warning), &[])));
        page.list(entries, LISTED_ACTIONS, REMARKS, |more, _| {
            format!("* … and {} more", count(more))
        });
        let _ = page.offer("");
    }
    let sent = Phrase::of("API requests: ").then(details::requests(&report.requests));
    let _ = page.offer(&format!("{}\n", sent.markdown()));
    let head = Phrase::of("State head: ").datum(report.head);
    let _ = page.offer(&format!("{}\n", head.markdown()));
    let _ = page.offer(&format!("**{}**", done_line(report)));
    page.finish()
}
