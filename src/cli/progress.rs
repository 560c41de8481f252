//! Progress of a run on standard error: bars on a terminal, plain lines elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{Timestamp, Unit};

use super::args::{ColorWhen, Common, LogFormat};
use super::logging;
use crate::apply::{ActionReport, Event, Outcome};
use crate::model::{Address, Cause, TOLD_PAUSE, Untrusted, clock_after};
use crate::plan::Action;
use crate::report::cause_words;

/// Shows what happens.
pub(super) enum Progress {
    /// On a terminal.
    Bar(Box<Bar>),
    /// Elsewhere: one line for each step that did something.
    Lines {
        done: BTreeSet<Address>,
        steps: usize,
        last: Instant,
    },
    /// With `--log-format json`: one log line for each event.
    Log,
    /// With `-q`.
    Silent,
}

/// A bar with how far the run is, and beside it what is under way.
pub(super) struct Bar {
    bar: ProgressBar,
    style: ProgressStyle,
    done: BTreeSet<Address>,
    under_way: BTreeMap<Address, Action>,
}

/// A run with nothing to tell still shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(30);

impl Progress {
    /// Chooses once.
    pub(super) fn new(common: &Common) -> Self {
        let told = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        let ci = told("CI") && std::env::var("CI").is_ok_and(|value| value != "false");
        let dumb = std::env::var("TERM").is_ok_and(|value| value == "dumb");
        if common.quiet {
            Self::Silent
        } else if common.log_format == LogFormat::Json {
            Self::Log
        } else if std::io::stderr().is_terminal() && !ci && !dumb {
            let plain = match common.color {
                ColorWhen::Never => true,
                ColorWhen::Auto => told("NO_COLOR"),
                ColorWhen::Always => false,
            };
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            logging::above(&bar);
            Self::Bar(Box::new(Bar {
                bar,
                style: bar_style(plain),
                done: BTreeSet::new(),
                under_way: BTreeMap::new(),
            }))
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
            Self::Log => log(event),
            Self::Bar(bar) => bar.show(event),
            Self::Lines { done, steps, last } => show_line(done, steps, last, event),
        }
    }
}

/// The event as one log line, with its ids as members.
fn log(event: &Event) {
    match event {
        Event::Started {
            run, plan, steps, ..
        } => tracing::info!(target: "certplan::run", %run, %plan, steps, "the run begins"),
        Event::StepStarted { address, action } => {
            tracing::debug!(target: "certplan::run", %address, action = action.word(), "a step begins");
        }
        Event::StepFinished(report) if acted(report) => {
            let shown = |text: Option<&String>| {
                text.map(|text| Untrusted::new(text.as_str()).whole().to_string())
            };
            tracing::info!(
                target: "certplan::run",
                address = %report.address,
                account = %report.account,
                action = report.action.word(),
                outcome = report.outcome.word(),
                order_id = report.order_id.as_ref().map(|id| id.as_str()),
                request_id = report.request_id.as_ref().map(|id| id.as_str()),
                certificate_id = report.certificate_id.as_ref().map(|id| id.as_str()),
                waiting_for = shown(report.waits().map(cause_words).as_ref()),
                waiting_code = report.waits().map(Cause::code),
                error = shown(report.error.as_ref()),
                "a step ended"
            );
        }
        Event::StepFinished(_) => {}
        Event::Paused { account, why } => {
            let why = Untrusted::new(why.as_str());
            tracing::warn!(target: "certplan::run", %account, %why, "paused");
        }
        Event::Polling {
            waiting,
            pause,
            seconds_left,
            ..
        } => {
            let next_look = Timestamp::now().checked_add(*pause);
            let next_look = next_look.and_then(|next| next.round(Unit::Second));
            let next_look = next_look.ok().map(|next| next.to_string());
            if *pause >= TOLD_PAUSE {
                tracing::info!(target: "certplan::run", waiting, seconds_left, next_look, "looks again at the CA");
            } else {
                tracing::debug!(target: "certplan::run", waiting, seconds_left, next_look, "looks again at the CA");
            }
        }
        Event::News(news) => {
            tracing::info!(
                target: "certplan::run",
                address = %news.address,
                what = news.what.word(),
                order_id = news.order_id.as_ref().map(|id| id.as_str()),
                "news"
            );
        }
        Event::Stopping(_) => {
            tracing::warn!(target: "certplan::run", "stopping: what is in flight finishes");
        }
        Event::Finished { head, .. } => {
            tracing::info!(target: "certplan::run", %head, "the run is over");
        }
    }
}

fn acted(report: &ActionReport) -> bool {
    report.action.is_change()
}

/// The message comes last and is cut where the terminal ends, so that the bar never wraps.
fn bar_style(plain: bool) -> ProgressStyle {
    let template = if plain {
        "{spinner} {bar:24} {pos}/{len} {elapsed_precise} {wide_msg}"
    } else {
        "{spinner:.green} {bar:24.green} {pos}/{len} {elapsed_precise} {wide_msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

impl Bar {
    fn show(&mut self, event: &Event) {
        let bar = &self.bar;
        match event {
            Event::Started { steps, .. } => {
                bar.set_length(*steps as u64);
                bar.set_style(self.style.clone());
                bar.enable_steady_tick(Duration::from_millis(120));
            }
            Event::StepStarted { address, action } => {
                self.under_way.insert(address.clone(), *action);
                bar.set_message(self.what_is_under_way());
            }
            Event::StepFinished(report) => {
                self.under_way.remove(&report.address);
                bar.set_message(self.what_is_under_way());
                if !acted(report) {
                    return;
                }
                if self.done.insert(report.address.clone()) {
                    bar.inc(1);
                }
                if matches!(report.outcome, Outcome::Failed | Outcome::Unknown) {
                    bar.println(line(report));
                }
            }
            Event::News(_) => {}
            Event::Paused { why, .. } => {
                bar.println(Untrusted::new(why.as_str()).whole().to_string());
            }
            Event::Polling { .. } => bar.set_message(waiting_line(event).unwrap_or_default()),
            Event::Stopping(_) => bar.set_message("stopping: what is in flight finishes"),
            Event::Finished { .. } => bar.finish_and_clear(),
        }
    }
}

impl Bar {
    fn what_is_under_way(&self) -> String {
        let Some((address, action)) = self.under_way.first_key_value() else {
            return String::new();
        };
        match self.under_way.len() - 1 {
            0 => format!("{} {address}", action.word()),
            more => format!("{} {address}, {more} more under way", action.word()),
        }
    }
}

/// What a look at the CA is waited for, and until when; `None` for other events.
fn waiting_line(event: &Event) -> Option<String> {
    let Event::Polling {
        waiting,
        pause,
        seconds_left,
        quiet_left,
    } = event
    else {
        return None;
    };
    let verb = if *waiting == 1 { "waits" } else { "wait" };
    let quiet = quiet_left.map(|left| format!(", the quiet period ends at {}", clock_after(left)));
    Some(format!(
        "{waiting} {verb} for the CA or for people: the next look is at {}{}, the wait ends at {}",
        clock_after(*pause),
        quiet.unwrap_or_default(),
        clock_after(Duration::from_secs(*seconds_left))
    ))
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
        Event::StepStarted { .. } | Event::StepFinished(_) | Event::News(_) => None,
        Event::Paused { why, .. } => Some(Untrusted::new(why.as_str()).whole().to_string()),
        Event::Polling { pause, .. } if *pause >= TOLD_PAUSE || last.elapsed() >= HEARTBEAT => {
            waiting_line(event)
        }
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
    let waits = report.waits().map(cause_words);
    for more in [&waits, &report.error].into_iter().flatten() {
        text.push_str(&format!(", {more}"));
    }
    Untrusted::new(text).whole().to_string()
}
