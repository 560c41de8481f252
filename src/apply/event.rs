//! What happens during a run, and the report that the events add up to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, Address, Cause, CertificateId, CertificatePin, Digest, Labels, OrderId, Part,
    Reason, RequestId, RunId, SerialNumber, Standing,
};
use crate::plan::{Action, News, Warning};

/// Something seen while applying.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The run began.
    Started {
        /// The run.
        run: RunId,
        /// The plan.
        plan: Digest,
        /// When.
        at: Timestamp,
        /// How many steps have something to do.
        steps: usize,
    },
    /// A step began.
    StepStarted {
        /// The item.
        address: Address,
        /// What is done.
        action: Action,
    },
    /// A step came to its outcome for this run.
    StepFinished(Box<ActionReport>),
    /// The CA asked for a pause, or an account was stopped.
    Paused {
        /// The account.
        account: AccountName,
        /// Why and for how long.
        why: String,
    },
    /// Nothing can be started; the run looks again at the CA.
    Polling {
        /// How many steps wait.
        waiting: usize,
        /// How long until the next look.
        pause: Duration,
        /// How long the run still waits at most, in seconds.
        seconds_left: u64,
        /// How long until the quiet periods of all doubts are over; `None` where none holds.
        quiet_left: Option<Duration>,
    },
    /// A signal came: nothing new is started.
    Stopping(Stop),
    /// The run noted what became of an item that it did not touch itself.
    News(Box<News>),
    /// The run is over.
    Finished {
        /// When.
        at: Timestamp,
        /// Requests sent, by account.
        requests: BTreeMap<AccountName, u32>,
        /// The journal's head hash.
        head: Digest,
    },
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT: exit 130.
    Interrupt,
    /// SIGTERM or SIGHUP: exit 143.
    Terminate,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// Taken by the CA; waits for the CA or for people. Or: its dependency waits.
    Waiting,
    /// Refused by the CA, or it could not be sent.
    Failed,
    /// The outcome is not known: `certplan resolve`.
    Unknown,
    /// Not tried, because something it needs failed or the run stopped.
    Skipped,
    /// As desired; nothing to do.
    Kept,
}

impl Outcome {
    /// Every outcome, in the order of the summary.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::Waiting,
        Self::Failed,
        Self::Unknown,
        Self::Skipped,
        Self::Kept,
    ];

    /// The word of the JSON form.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Kept => "kept",
        }
    }
}

/// A certificate that was made into files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedFiles {
    /// `live/NAME`, absolute.
    pub directory: String,
    /// What became of the program of `--on-collected`.
    pub hook: HookOutcome,
}

/// What became of the program of `--on-collected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookOutcome {
    /// None is named.
    None,
    /// It ended with 0.
    Ok,
    /// It did not.
    Failed,
}

/// What became of one call of a revocation that consists of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReport {
    /// What it revokes.
    pub part: Part,
    /// What became of it.
    pub outcome: Outcome,
    /// The request that an administrator decides.
    pub request_id: Option<RequestId>,
    /// What went wrong; safe to print.
    pub error: Option<String>,
}

/// What became of one step, with the ids that are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionReport {
    /// The item.
    pub address: Address,
    /// Its account.
    pub account: AccountName,
    /// What people note of it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What was planned.
    pub action: Action,
    /// Why that was planned.
    pub reason: Reason,
    /// Where the item stands now, and what it waits for.
    pub standing: Standing,
    /// What became of it.
    pub outcome: Outcome,
    /// The order.
    pub order_id: Option<OrderId>,
    /// The request that an administrator decides.
    pub request_id: Option<RequestId>,
    /// The certificate.
    pub certificate_id: Option<CertificateId>,
    /// The certificate's serial number, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<SerialNumber>,
    /// Certificates whose revocation was asked for or is in force.
    pub revoked: Vec<CertificatePin>,
    /// The files that were made of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<CollectedFiles>,
    /// Of a revocation of several certificates, what became of each; otherwise empty.
    #[serde(default)]
    pub parts: Vec<PartReport>,
    /// What went wrong and what to do; safe to print.
    pub error: Option<String>,
}

impl ActionReport {
    /// What it waits for; `None` for what does not wait.
    pub fn waits(&self) -> Option<&Cause> {
        match self.outcome {
            Outcome::Waiting => self.standing.waits(),
            Outcome::Done
            | Outcome::Failed
            | Outcome::Unknown
            | Outcome::Skipped
            | Outcome::Kept => None,
        }
    }
}

/// A run, told after its end.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The run.
    pub run_id: RunId,
    /// The plan that was carried out.
    pub plan_id: Digest,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What became of items since the last run.
    pub news: Vec<News>,
    /// One for each step of the plan, in its order.
    pub actions: Vec<ActionReport>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Requests sent, by account.
    pub requests: BTreeMap<AccountName, u32>,
    /// The journal's head hash after the run.
    pub head: Digest,
    /// Set when a signal ended it.
    pub stopped: Option<Stop>,
}

impl RunReport {
    /// Items that only a person can take further, in the plan's order.
    pub fn decisions(&self) -> impl Iterator<Item = (&ActionReport, &crate::model::Decision)> {
        self.actions
            .iter()
            .filter_map(|action| Some((action, action.waits()?.decision()?)))
    }

    /// How many steps have each outcome; every outcome is present.
    pub fn summary(&self) -> BTreeMap<Outcome, u32> {
        let mut summary: BTreeMap<Outcome, u32> =
            Outcome::ALL.into_iter().map(|o| (o, 0)).collect();
        for action in &self.actions {
            *summary.entry(action.outcome).or_default() += 1;
        }
        summary
    }
}
