//! The JSON forms of a run's report and of the status: contract section 5.

use std::collections::BTreeMap;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::StatusEntry;
use super::json::{
    FORMAT_VERSION, NewsDocument, PinDocument, WarningDocument, action_words, news, text, texts,
    warnings,
};
use super::safe_json::{self, Each};
use super::words;
use crate::apply::{ActionReport, HookOutcome, Outcome, PartReport, RunReport, Stop};
use crate::model::{Cause, Part};

/// Writes the report of a run.
pub fn run_json(out: &mut dyn io::Write, report: &RunReport) -> io::Result<()> {
    safe_json::write(out, &RunDocument::of(report))
}

/// Writes where each item stands.
pub fn status_json(out: &mut dyn io::Write, entries: &[StatusEntry]) -> io::Result<()> {
    safe_json::write(
        out,
        &StatusDocument {
            format_version: FORMAT_VERSION,
            entries: Each(entries, EntryDocument::of),
        },
    )
}

fn outcome_words() -> Vec<&'static str> {
    Outcome::ALL.map(Outcome::word).to_vec()
}

/// `certplan apply --report json=FILE`: what became of each item in one run.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "certplan report")]
pub(super) struct RunDocument<'a> {
    /// Raised when a key is renamed or removed.
    #[schemars(extend("const" = FORMAT_VERSION))]
    format_version: u32,
    /// A UUID v7.
    run_id: String,
    /// The plan that was carried out.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    plan_id: String,
    #[schemars(extend("format" = "date-time"))]
    started_at: String,
    #[schemars(extend("format" = "date-time"))]
    finished_at: String,
    /// How many items came to each outcome.
    summary: RunSummary,
    /// What became of items since the last run.
    news: Vec<NewsDocument>,
    /// One for each item of the plan, in its order.
    #[schemars(with = "Vec<ActionDocument>")]
    actions: Each<'a, ActionReport, ActionDocument>,
    /// What a person should know.
    warnings: Vec<WarningDocument>,
    /// Requests sent, by account.
    requests: BTreeMap<String, u32>,
    /// The journal's head hash after the run: kept elsewhere, it shows later if the journal was rewritten.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    state_head: String,
    /// Set when a signal ended the run.
    #[schemars(extend("enum" = ["interrupt", "terminate", null]))]
    stopped: Option<&'static str>,
}

#[derive(Serialize, JsonSchema)]
struct RunSummary {
    done: u32,
    waiting: u32,
    failed: u32,
    unknown: u32,
    skipped: u32,
    kept: u32,
}

#[derive(Serialize, JsonSchema)]
struct CollectedDocument {
    /// `live/NAME`, absolute.
    directory: String,
    /// What became of the program of `--on-collected`.
    #[schemars(extend("enum" = ["none", "ok", "failed"]))]
    hook: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct ActionDocument {
    /// `orders.NAME` or `revocations.NAME`.
    address: String,
    /// What was planned.
    #[schemars(extend("enum" = action_words()))]
    action: &'static str,
    /// What became of it.
    #[schemars(extend("enum" = outcome_words()))]
    outcome: &'static str,
    /// The account in the manifest.
    account: String,
    /// What people note of it.
    labels: BTreeMap<String, String>,
    /// Who cares for it: its label `owner`.
    owner: Option<String>,
    order_id: Option<String>,
    /// The request that an administrator decides.
    request_id: Option<String>,
    certificate_id: Option<String>,
    serial_number: Option<String>,
    /// The files that were made of the certificate.
    collected: Option<CollectedDocument>,
    /// What went wrong and what to do.
    error: Option<String>,
    /// What it waits for.
    waiting_for: Option<String>,
    /// The same as a stable word.
    waiting_code: Option<&'static str>,
    /// Why it was planned, as a stable word.
    reason_code: &'static str,
    /// Certificates whose revocation was asked for or is in force.
    revoked: Vec<PinDocument>,
    /// Of a revocation of several certificates, what became of each; otherwise empty.
    parts: Vec<PartDocument>,
}

#[derive(Serialize, JsonSchema)]
struct PartDocument {
    certificate_id: Option<String>,
    #[schemars(extend("enum" = outcome_words()))]
    outcome: &'static str,
    /// The request that an administrator decides.
    request_id: Option<String>,
    /// What went wrong.
    error: Option<String>,
}

impl PartDocument {
    fn of(report: &PartReport) -> Self {
        Self {
            certificate_id: match &report.part {
                Part::Certificate(id) => Some(id.to_string()),
                Part::Order => None,
            },
            outcome: report.outcome.word(),
            request_id: text(report.request_id.as_ref()),
            error: report.error.clone(),
        }
    }
}

impl<'a> RunDocument<'a> {
    fn of(report: &'a RunReport) -> Self {
        let summary = report.summary();
        let count = |outcome| summary.get(&outcome).copied().unwrap_or(0);
        Self {
            format_version: FORMAT_VERSION,
            run_id: report.run_id.to_string(),
            plan_id: report.plan_id.to_string(),
            started_at: report.started_at.to_string(),
            finished_at: report.finished_at.to_string(),
            summary: RunSummary {
                done: count(Outcome::Done),
                waiting: count(Outcome::Waiting),
                failed: count(Outcome::Failed),
                unknown: count(Outcome::Unknown),
                skipped: count(Outcome::Skipped),
                kept: count(Outcome::Kept),
            },
            news: news(&report.news),
            actions: Each(&report.actions, ActionDocument::of),
            warnings: warnings(&report.warnings),
            requests: texts(&report.requests),
            state_head: report.head.to_string(),
            stopped: report.stopped.map(|stop| match stop {
                Stop::Interrupt => "interrupt",
                Stop::Terminate => "terminate",
            }),
        }
    }
}

impl ActionDocument {
    fn of(action: &ActionReport) -> Self {
        Self {
            address: action.address.to_string(),
            action: action.action.word(),
            outcome: action.outcome.word(),
            account: action.account.to_string(),
            labels: action.labels.0.clone(),
            owner: action.labels.owner().map(str::to_owned),
            order_id: text(action.order_id.as_ref()),
            request_id: text(action.request_id.as_ref()),
            certificate_id: text(action.certificate_id.as_ref()),
            serial_number: text(action.serial_number.as_ref()),
            collected: action
                .collected
                .as_ref()
                .map(|collected| CollectedDocument {
                    directory: collected.directory.clone(),
                    hook: match collected.hook {
                        HookOutcome::None => "none",
                        HookOutcome::Ok => "ok",
                        HookOutcome::Failed => "failed",
                    },
                }),
            error: action.error.clone(),
            waiting_for: action.waits().map(words::cause),
            waiting_code: action.waits().map(Cause::code),
            reason_code: action.reason.code(),
            revoked: action.revoked.iter().map(PinDocument::of).collect(),
            parts: action.parts.iter().map(PartDocument::of).collect(),
        }
    }
}

/// `certplan status --format json`: where each order and revocation stands.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "certplan status")]
pub(super) struct StatusDocument<'a> {
    /// Raised when a key is renamed or removed.
    #[schemars(extend("const" = FORMAT_VERSION))]
    format_version: u32,
    /// One for each item of the manifest.
    #[schemars(with = "Vec<EntryDocument>")]
    entries: Each<'a, StatusEntry, EntryDocument>,
}

#[derive(Serialize, JsonSchema)]
struct EntryDocument {
    /// `orders.NAME` or `revocations.NAME`.
    address: String,
    /// One word: the CA's, or the journal's where the CA was not asked.
    state: String,
    /// What people note of it.
    labels: BTreeMap<String, String>,
    /// Who cares for it: its label `owner`.
    owner: Option<String>,
    order_id: Option<String>,
    certificate_id: Option<String>,
    /// The request that an administrator decides.
    request_id: Option<String>,
    serial_number: Option<String>,
    /// The serial number of the certificate in the files folder.
    collected_serial: Option<String>,
    /// The last day.
    valid_till: Option<String>,
    /// Whole days until then; negative when it is over.
    days_left: Option<i64>,
    /// The last day of the order, where the CA shows it and the entry asks for renewals.
    order_valid_till: Option<String>,
    /// When it is due to be renewed, RFC 3339 in UTC.
    renew_due: Option<String>,
    /// Its renewal that is not issued.
    successor_order_id: Option<String>,
    /// What it waits for.
    waiting_for: Option<String>,
    /// The same as a stable word.
    waiting_code: Option<&'static str>,
    /// Why the plan has it so, as a stable word.
    reason_code: &'static str,
    /// What a person should know.
    note: Option<String>,
}

impl EntryDocument {
    fn of(entry: &StatusEntry) -> Self {
        Self {
            address: entry.address.to_string(),
            state: entry.state.to_owned(),
            labels: entry.labels.0.clone(),
            owner: entry.labels.owner().map(str::to_owned),
            order_id: text(entry.order_id.as_ref()),
            certificate_id: text(entry.certificate_id.as_ref()),
            request_id: text(entry.request_id.as_ref()),
            serial_number: text(entry.serial_number.as_ref()),
            collected_serial: text(entry.collected_serial.as_ref()),
            valid_till: text(entry.valid_till.as_ref()),
            days_left: entry.days_left,
            order_valid_till: text(entry.order_valid_till.as_ref()),
            renew_due: text(entry.renew_due.as_ref()),
            successor_order_id: text(entry.successor_order_id.as_ref()),
            waiting_for: entry.waiting_for.as_ref().map(words::cause),
            waiting_code: entry.waiting_for.as_ref().map(Cause::code),
            reason_code: entry.reason.code(),
            note: entry.note.clone(),
        }
    }
}
