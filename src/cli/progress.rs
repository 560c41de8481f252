//! Progress of a run on standard error: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Common;
use crate::apply::{ActionReport, Event, Outcome};
use crate::model::{Address, Untrusted};

/// Shows what happens.
pub(super) enum Progress {
    /// On a terminal.
    Bar {
        bar: ProgressBar,
        done: BTreeSet<Address>,
    },
    /// Elsewhere: one line for each step that did something.
    Lines {
        done: BTreeSet<Address>,
        steps: usize,
        last: Instant,
    },
    /// With `-q`.
    Silent,
}

/// A run with nothing to tell still shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(30);

impl Progress {
    /// Chooses once.
    pub(super) fn new(common: &Common) -> Self {
        let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        if common.quiet {
            Self::Silent
        } else if std::io::stderr().is_terminal() && !ci {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            Self::Bar {
                bar,
                done: BTreeSet::new(),
            }
        } else {
            Self::Lines {
                done: BTreeSet::new(),
                steps: 0,
                last: Instant::now(),
            }
        }
    }

    /// Takes one event.
    pub(super) fn show(&mut self, event: &Event) {
        match self {
            Self::Silent => {}
            Self::Bar { bar, done } => show_bar(bar, done, event),
            Self::Lines { done, steps, last } => show_line(done, steps, last, event),
        }
    }
}

fn acted(report: &ActionReport) -> bool {
    report.action.is_change()
}

fn show_bar(bar: &ProgressBar, done: &mut BTreeSet<Address>, event: &Event) {
    match event {
        Event::Started { steps, .. } => {
            bar.set_length(*steps as u64);
            let style = ProgressStyle::with_template(
                "{spinner} {pos}/{len} {wide_bar} {elapsed_precise} {msg}",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Event::StepStarted { address, action } => {
            bar.set_message(format!("{} {address}", action.word()));
        }
        Event::StepFinished(report) if acted(report) => {
            if done.insert(report.address.clone()) {
                bar.inc(1);
            }
            if matches!(report.outcome, Outcome::Failed | Outcome::Unknown) {
                bar.println(line(report));
            }
        }
        Event::StepFinished(_) => {}
        Event::Paused { why, .. } => bar.println(Untrusted::new(why.clone()).to_string()),
        Event::Polling {
            waiting,
            seconds_left,
        } => {
            bar.set_message(format!(
                "{waiting} wait for the CA or for people, {seconds_left} s left"
            ));
        }
        Event::Stopping(_) => bar.set_message("stopping: what is in flight finishes"),
        Event::Finished { .. } => bar.finish_and_clear(),
    }
}

fn show_line(done: &mut BTreeSet<Address>, steps: &mut usize, last: &mut Instant, event: &Event) {
    let text = match event {
        Event::Started { steps: count, .. } => {
            *steps = *count;
            None
        }
        Event::StepFinished(report) if acted(report) => {
            done.insert(report.address.clone());
            Some(format!("[{}/{steps}] {}", done.len(), line(report)))
        }
        Event::StepStarted { .. } | Event::StepFinished(_) => None,
        Event::Paused { why, .. } => Some(Untrusted::new(why.clone()).to_string()),
        Event::Polling {
            waiting,
            seconds_left,
        } if last.elapsed() >= HEARTBEAT => Some(format!(
            "{waiting} wait for the CA or for people, {seconds_left} s left"
        )),
        Event::Polling { .. } => None,
        Event::Stopping(_) => Some("stopping: what is in flight finishes".to_owned()),
        Event::Finished { .. } => None,
    };
    if let Some(text) = text {
        *last = Instant::now();
        // A closed standard error changes nothing about the run.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

fn line(report: &ActionReport) -> String {
    let mut text = format!(
        "{} {}: {}",
        report.action.word(),
        report.address,
        report.outcome.word()
    );
    if let Some(id) = &report.order_id {
        text.push_str(&format!(" (order {id})"));
    }
    for more in [&report.waiting_for, &report.error].into_iter().flatten() {
        text.push_str(&format!(", {more}"));
    }
    Untrusted::new(text).to_string()
}
