//! A run's report as text: what is revoked, then what needs a person, then the rest.

use std::io;

use super::Style;
use super::amounts::count;
use super::details;
use super::phrase::Phrase;
use super::plan_text::write_news;
use super::summary::{done_line, run_headline};
use super::terminal::{Terminal, Tone};
use crate::apply::{ActionReport, Outcome, RunReport, Stop};

/// So many actions of one outcome are listed; unknown ones are all listed.
const LISTED_ACTIONS: usize = 200;

/// The groups in their order, with their headings; what is kept is only counted.
pub(super) const GROUPS: [(Outcome, &str); 5] = [
    (Outcome::Failed, "Failed"),
    (Outcome::Unknown, "Unknown: a person must look at the CA"),
    (Outcome::Waiting, "Waiting"),
    (Outcome::Skipped, "Skipped"),
    (Outcome::Done, "Done"),
];

/// Writes the report. The first line counts revoked certificates if there are any.
pub fn run_text(out: &mut dyn io::Write, report: &RunReport, style: &Style) -> io::Result<()> {
    let mut terminal = Terminal::new(out, style);
    write_news(&mut terminal, &report.news)?;
    if let Some(headline) = run_headline(report) {
        terminal.words(Tone::Danger, headline)?;
        terminal.blank()?;
    }
    for (outcome, heading) in GROUPS {
        group(&mut terminal, report, outcome, heading)?;
    }
    for warning in &report.warnings {
        let phrase = Phrase::of("Warning: ").then(details::of_warning(warning));
        terminal.line(Tone::Notice, &phrase)?;
    }
    if let Some(stop) = report.stopped {
        terminal.words(Tone::Notice, stopped(stop).to_owned())?;
    }
    let run = Phrase::of("Run: ")
        .datum(&report.run_id)
        .own(", plan ")
        .datum(report.plan_id);
    terminal.line(Tone::Plain, &run)?;
    let sent = Phrase::of("API requests: ").then(details::requests(&report.requests));
    terminal.line(Tone::Plain, &sent)?;
    let head = Phrase::of("State head: ").datum(report.head);
    terminal.line(Tone::Plain, &head)?;
    terminal.words(Tone::Strong, done_line(report))
}

/// Why a run ended early.
pub(super) fn stopped(stop: Stop) -> &'static str {
    match stop {
        Stop::Interrupt => {
            "Stopped by SIGINT: everything sent is recorded; `certplan apply` goes on."
        }
        Stop::Terminate => {
            "Stopped by SIGTERM: everything sent is recorded; `certplan apply` goes on."
        }
    }
}

fn group(
    terminal: &mut Terminal<'_>,
    report: &RunReport,
    outcome: Outcome,
    heading: &str,
) -> io::Result<()> {
    let actions: Vec<&ActionReport> = report
        .actions
        .iter()
        .filter(|action| action.outcome == outcome)
        .collect();
    if actions.is_empty() {
        return Ok(());
    }
    let tone = match outcome {
        Outcome::Failed | Outcome::Unknown => Tone::Danger,
        Outcome::Waiting | Outcome::Skipped => Tone::Notice,
        Outcome::Done | Outcome::Kept => Tone::Good,
    };
    terminal.words(tone, format!("{heading} ({})", count(actions.len())))?;
    let listed = match outcome {
        Outcome::Unknown => actions.len(),
        _ => LISTED_ACTIONS,
    };
    for action in actions.iter().take(listed) {
        let symbol = action.action.symbol().unwrap_or(' ');
        let title = Phrase::of(format!("  {symbol} "))
            .datum(&action.address)
            .own(format!("  {}  (", action.action.word()))
            .datum(&action.account)
            .own(")");
        terminal.line(Tone::Plain, &title)?;
        for detail in details::of_action(action) {
            terminal.detail(&detail)?;
        }
    }
    let more = actions.len().saturating_sub(listed);
    if more > 0 {
        let words = format!(
            "  … and {} more like these; --report json=FILE shows all",
            count(more)
        );
        terminal.words(Tone::Plain, words)?;
    }
    terminal.blank()
}
