//! A run in numbers, for Prometheus: [`Metrics`] and its textfile form.
//!
//! Every series carries `command` and `manifest`, so that files of several jobs stand side by side in one
//! folder of node_exporter's textfile collector. What a run did not come to know is left out: an absent
//! series is not a zero. No text of a CA becomes a label.

mod exposition;
mod overview;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

pub use overview::{Overview, overview};

use self::exposition::{Exposition, Kind, last_sample, seconds};
use self::overview::CAUSES;
use crate::apply::Outcome;
use crate::model::{AccountName, Traffic};
use crate::plan::Action;

/// Certificates that have a series of their own: the next ones to run out. One for each of 100,000 would
/// be too many for a monitoring server; all of them are in the histogram.
const NEXT: usize = 100;
/// Upper bounds of the histogram, in days.
const DAYS: [i64; 12] = [0, 1, 3, 7, 14, 30, 47, 60, 90, 180, 200, 398];
const DAY_SECONDS: i64 = 86_400;

const LAST_SUCCESS: &str = "certplan_last_success_timestamp_seconds";

/// What one run of `plan`, `apply` or `status` came to.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// The command.
    pub command: &'static str,
    /// The manifest's path, or its paths.
    pub manifest: String,
    /// When the run ended.
    pub finished_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub exit_code: u8,
    /// When a run of this command last succeeded.
    pub last_success: Option<Timestamp>,
    /// The number of facts in the journal.
    pub journal_serial: Option<u64>,
    /// Steps of the plan.
    pub planned: Option<BTreeMap<Action, u32>>,
    /// What became of them, where they were carried out.
    pub outcomes: Option<BTreeMap<Outcome, u32>>,
    /// What waits, and what runs out.
    pub standing: Option<Overview>,
    /// Requests and what is left of the budget.
    pub traffic: BTreeMap<AccountName, Traffic>,
}

/// Writes the text exposition format, UTF-8.
pub fn metrics_text(out: &mut dyn Write, metrics: &Metrics) -> io::Result<()> {
    let identity = [
        ("command", metrics.command),
        ("manifest", metrics.manifest.as_str()),
    ];
    let mut page = Exposition::new(out, &identity);
    run(&mut page, metrics)?;
    if let Some(standing) = &metrics.standing {
        waiting(&mut page, standing)?;
        renewals(&mut page, standing)?;
        certificates(&mut page, standing, metrics.finished_at)?;
    }
    traffic(&mut page, &metrics.traffic)
}

/// The last success that a file written earlier tells for the same command and manifest.
pub fn last_success(earlier: &str, metrics: &Metrics) -> Option<Timestamp> {
    let identity = [
        ("command", metrics.command),
        ("manifest", metrics.manifest.as_str()),
    ];
    let value: f64 = last_sample(earlier, LAST_SUCCESS, &identity)?
        .parse()
        .ok()?;
    if !(value > 0.0 && value < 1e11) {
        return None;
    }
    let milliseconds = (value * 1000.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded above, and a whole number"
    )]
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

fn run(page: &mut Exposition<'_>, metrics: &Metrics) -> io::Result<()> {
    page.family(
        LAST_SUCCESS,
        Kind::Gauge,
        "When a run of this command last ended with exit code 0 or 2; 0 for never.",
    );
    page.sample(
        &[],
        metrics.last_success.map_or_else(|| "0".to_owned(), seconds),
    )?;
    page.family(
        "certplan_last_run_timestamp_seconds",
        Kind::Gauge,
        "When the last run of this command ended.",
    );
    page.sample(&[], seconds(metrics.finished_at))?;
    page.family(
        "certplan_run_duration_seconds",
        Kind::Gauge,
        "How long the last run took.",
    );
    page.sample(&[], format!("{:.3}", metrics.duration.as_secs_f64()))?;
    page.family(
        "certplan_exit_code",
        Kind::Gauge,
        "The exit code of the last run.",
    );
    page.sample(&[], metrics.exit_code)?;
    page.family(
        "certplan_build_info",
        Kind::Gauge,
        "The version of certplan; always 1.",
    );
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1)?;
    if let Some(serial) = metrics.journal_serial {
        page.family(
            "certplan_journal_serial",
            Kind::Gauge,
            "How many facts the journal holds.",
        );
        page.sample(&[], serial)?;
    }
    if let Some(planned) = &metrics.planned {
        page.family(
            "certplan_planned_actions",
            Kind::Gauge,
            "Steps of the last plan, by action.",
        );
        for (action, count) in planned {
            page.sample(&[("action", action.word())], count)?;
        }
    }
    if let Some(outcomes) = &metrics.outcomes {
        page.family(
            "certplan_actions",
            Kind::Gauge,
            "Steps of the last apply, by outcome.",
        );
        for (outcome, count) in outcomes {
            page.sample(&[("outcome", outcome.word())], count)?;
        }
    }
    Ok(())
}

fn waiting(page: &mut Exposition<'_>, standing: &Overview) -> io::Result<()> {
    page.family(
        "certplan_waiting_items",
        Kind::Gauge,
        "Items that wait, by what they wait for.",
    );
    for cause in CAUSES {
        let group = standing.waiting.get(&(cause, None));
        page.sample(&[("cause", cause)], group.map_or(0, |group| group.items))?;
    }
    for ((cause, owner), group) in &standing.waiting {
        if let Some(owner) = owner {
            page.sample(&[("cause", cause), ("owner", owner)], group.items)?;
        }
    }
    page.family(
        "certplan_waiting_since_timestamp_seconds",
        Kind::Gauge,
        "Since when the oldest item waits, where that is known.",
    );
    for ((cause, owner), group) in &standing.waiting {
        let Some(oldest) = group.oldest else {
            continue;
        };
        match owner {
            Some(owner) => {
                page.sample(&[("cause", cause), ("owner", owner)], seconds(oldest))?;
            }
            None => page.sample(&[("cause", cause)], seconds(oldest))?,
        }
    }
    Ok(())
}

fn renewals(page: &mut Exposition<'_>, standing: &Overview) -> io::Result<()> {
    let Some((due, overdue)) = standing.due else {
        return Ok(());
    };
    page.family(
        "certplan_renewals_due",
        Kind::Gauge,
        "Orders that are due to be renewed and are not.",
    );
    page.sample(&[], due)?;
    page.family(
        "certplan_renewals_overdue",
        Kind::Gauge,
        "Those that have been due for more than 7 days.",
    );
    page.sample(&[], overdue)
}

fn certificates(page: &mut Exposition<'_>, standing: &Overview, now: Timestamp) -> io::Result<()> {
    page.family(
        "certplan_certificates_time_left_seconds",
        Kind::Histogram,
        "Time until the certificates in force run out; below 0 for those that have.",
    );
    for (account, certificates) in &standing.certificates {
        let ahead = standing.ahead.get(account);
        let now = ahead
            .and_then(|ahead| now.checked_add(*ahead).ok())
            .unwrap_or(now);
        let left: Vec<i64> = certificates
            .iter()
            .map(|one| one.not_after.as_second() - now.as_second())
            .collect();
        let account = ("account", account.as_str());
        for days in DAYS {
            let bound = days * DAY_SECONDS;
            let below = left.iter().filter(|left| **left <= bound).count();
            page.part("_bucket", &[account, ("le", &bound.to_string())], below)?;
        }
        page.part("_bucket", &[account, ("le", "+Inf")], left.len())?;
        page.part("_sum", &[account], left.iter().sum::<i64>())?;
        page.part("_count", &[account], left.len())?;
    }
    page.family(
        "certplan_certificate_not_after_min_timestamp_seconds",
        Kind::Gauge,
        "When the first certificate in force of an account runs out.",
    );
    for (account, certificates) in &standing.certificates {
        if let Some(first) = certificates.iter().map(|one| one.not_after).min() {
            page.sample(&[("account", account.as_str())], first.as_second())?;
        }
    }
    page.family(
        "certplan_certificate_not_after_timestamp_seconds",
        Kind::Gauge,
        "When a certificate in force runs out: the next 100 of the manifest.",
    );
    for (account, certificate) in standing.next(NEXT) {
        let address = certificate.address.to_string();
        page.sample(
            &[("account", account.as_str()), ("address", &address)],
            certificate.not_after.as_second(),
        )?;
    }
    Ok(())
}

fn traffic(page: &mut Exposition<'_>, traffic: &BTreeMap<AccountName, Traffic>) -> io::Result<()> {
    if traffic.is_empty() {
        return Ok(());
    }
    page.family(
        "certplan_requests",
        Kind::Gauge,
        "Requests that the last run sent, repeats included.",
    );
    for (account, traffic) in traffic {
        page.sample(&[("account", account.as_str())], traffic.requests)?;
    }
    page.family(
        "certplan_rate_limited_requests",
        Kind::Gauge,
        "Requests of the last run that the CA answered with 429.",
    );
    for (account, traffic) in traffic {
        page.sample(&[("account", account.as_str())], traffic.rate_limited)?;
    }
    page.family(
        "certplan_budget_requests",
        Kind::Gauge,
        "Requests that a rolling window allows, as the manifest has it.",
    );
    budget(page, traffic, |window| window.requests)?;
    page.family(
        "certplan_budget_left_requests",
        Kind::Gauge,
        "Requests that the run's own had left in a rolling window at its end.",
    );
    budget(page, traffic, |window| window.left)
}

fn budget(
    page: &mut Exposition<'_>,
    traffic: &BTreeMap<AccountName, Traffic>,
    value: fn(&crate::model::BudgetWindow) -> u64,
) -> io::Result<()> {
    for (account, traffic) in traffic {
        for window in &traffic.windows {
            let per = format!("{}s", window.per.as_secs_f64());
            page.sample(
                &[("account", account.as_str()), ("window", &per)],
                value(window),
            )?;
        }
    }
    Ok(())
}
