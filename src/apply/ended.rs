//! How a step ended for this run: [`StepEnd`].

use std::path::PathBuf;

use super::context::AccountStop;
use super::event::{ActionReport, CollectedFiles, HookOutcome, Outcome, PartReport};
use crate::model::{
    Cause, CertificateId, CertificatePin, Milestone, OrderId, Record, RequestId, SerialNumber,
    Standing,
};
use crate::plan::Step;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// As desired before the run; nothing was done.
    Kept,
    /// Done.
    Done,
    /// It waits: its standing says for what.
    Waiting,
    /// Refused by the CA, or it could not be sent.
    Failed {
        /// What went wrong and what to do.
        error: String,
        /// Why no more may be sent for the account.
        stop: Option<AccountStop>,
    },
    /// The outcome is not known.
    InDoubt {
        /// Why, and what to do.
        error: String,
        /// The doubt is about a call of this run.
        lost: bool,
        /// No look at the CA can settle it.
        for_a_person: bool,
    },
    /// Not tried.
    Skipped {
        /// Why.
        why: String,
    },
}

/// A certificate that was made into files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collection {
    /// `live/NAME`, absolute.
    pub(super) directory: PathBuf,
    /// What became of the program of `--on-collected`.
    pub(super) hook: Hook,
}

/// What became of the program of `--on-collected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hook {
    /// None is named.
    None,
    /// It ended with 0.
    Ok,
    /// It did not, and this is what became of it.
    Failed(String),
}

/// How a step ended, and where its item stands now.
#[derive(Debug, Clone)]
pub(super) struct StepEnd {
    pub(super) ended: Ended,
    pub(super) standing: Standing,
    pub(super) order_id: Option<OrderId>,
    pub(super) request_id: Option<RequestId>,
    pub(super) certificate_id: Option<CertificateId>,
    pub(super) serial_number: Option<SerialNumber>,
    /// Certificates whose revocation was asked for or is in force.
    pub(super) revoked: Vec<CertificatePin>,
    /// The files that were made of the certificate.
    pub(super) collected: Option<Collection>,
    /// Of a revocation of several certificates, what became of each.
    pub(super) parts: Vec<PartReport>,
    /// The CA answered with an error of its own.
    pub(super) server_error: bool,
    /// It says nothing about other calls of the same step: they are made all the same.
    pub(super) of_one_call: bool,
}

impl StepEnd {
    fn new(step: &Step, ended: Ended) -> Self {
        Self {
            ended,
            standing: step.standing.clone(),
            order_id: step.order_id.clone(),
            request_id: step.request_id.clone(),
            certificate_id: step.certificate_id.clone(),
            serial_number: None,
            revoked: Vec::new(),
            collected: None,
            parts: Vec::new(),
            server_error: false,
            of_one_call: false,
        }
    }

    pub(super) fn kept(step: &Step) -> Self {
        Self::new(step, Ended::Kept)
    }

    /// The end that follows from where the item stands now.
    pub(super) fn standing(step: &Step, standing: Standing) -> Self {
        let ended = match (&standing, standing.waits()) {
            (_, Some(_)) => Ended::Waiting,
            (
                Standing::InForce { .. }
                | Standing::Revoked
                // Over, and nobody has to decide anything: as the manifest asks.
                | Standing::Lapsed { .. }
                | Standing::Ended { .. },
                None,
            ) => Ended::Done,
            (
                Standing::Absent
                | Standing::NotRevoked
                | Standing::Waiting { .. }
                | Standing::Requested { .. }
                | Standing::InDoubt
                | Standing::Parked
                | Standing::RevocationRequested { .. }
                | Standing::Declined { .. },
                None,
            ) => Ended::Waiting,
        };
        Self {
            standing,
            ..Self::new(step, ended)
        }
    }

    /// An order that was bound, or an entry that was renamed. A doubt that moved along is settled by the next run.
    pub(super) fn adopted(step: &Step) -> Self {
        let standing = step.standing.clone();
        match standing {
            Standing::InDoubt | Standing::Parked => Self::for_a_person(
                step,
                format!(
                    "a call of it is in doubt and has moved along: the next run, or `certplan resolve {}`, settles it",
                    step.address
                ),
            ),
            Standing::Absent
            | Standing::Waiting { .. }
            | Standing::Requested { .. }
            | Standing::InForce { .. }
            | Standing::Lapsed { .. }
            | Standing::Ended { .. }
            | Standing::NotRevoked
            | Standing::RevocationRequested { .. }
            | Standing::Declined { .. }
            | Standing::Revoked => Self::standing(step, standing),
        }
    }

    /// A step that waits before anything was asked for.
    pub(super) fn waiting(step: &Step, waits: Cause) -> Self {
        Self::standing(step, Standing::Waiting { waits })
    }

    pub(super) fn failed(step: &Step, error: impl Into<String>) -> Self {
        let error = error.into();
        Self::new(step, Ended::Failed { error, stop: None })
    }

    /// The same end, of one call among several.
    pub(super) fn of_one_call(mut self) -> Self {
        self.of_one_call = true;
        self
    }

    pub(super) fn skipped(step: &Step, why: impl Into<String>) -> Self {
        Self::new(step, Ended::Skipped { why: why.into() })
    }

    /// A doubt that a later look at the CA may settle.
    pub(super) fn in_doubt(step: &Step, error: impl Into<String>) -> Self {
        let ended = Ended::InDoubt {
            error: error.into(),
            lost: false,
            for_a_person: false,
        };
        Self {
            standing: Standing::InDoubt,
            ..Self::new(step, ended)
        }
    }

    /// A doubt that no look at the CA can settle.
    pub(super) fn for_a_person(step: &Step, error: impl Into<String>) -> Self {
        let mut end = Self::in_doubt(step, error);
        if let Ended::InDoubt { for_a_person, .. } = &mut end.ended {
            *for_a_person = true;
        }
        end
    }

    /// The same end, of a call that this run made and whose answer was lost.
    pub(super) fn lost(mut self, answer: &str) -> Self {
        if let Ended::InDoubt { lost, error, .. } = &mut self.ended {
            *lost = true;
            *error = format!("{answer}; {error}");
        }
        self
    }

    pub(super) fn after_server_error(mut self, is: bool) -> Self {
        self.server_error |= is;
        self
    }

    /// The same end, where the item stands elsewhere by now.
    pub(super) fn standing_at(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// With the ids of the order that the name stands for now, or of its renewal while that waits.
    pub(super) fn of_live(mut self, record: &Record) -> Self {
        if let Some(live) = record.successor.as_deref().or(record.live.as_ref()) {
            self.order_id = Some(live.order_id.clone());
            if live.request_id.is_some() {
                self.request_id.clone_from(&live.request_id);
            }
            if live.serial_number.is_some() {
                self.serial_number.clone_from(&live.serial_number);
            }
            if live.certificate_id.is_some() {
                self.certificate_id.clone_from(&live.certificate_id);
            }
        }
        self
    }

    /// How far the item has come: what depends on it may start.
    pub(super) fn reached(&self) -> Option<Milestone> {
        match self.ended {
            Ended::InDoubt { .. } => None,
            Ended::Kept
            | Ended::Done
            | Ended::Waiting
            | Ended::Failed { .. }
            | Ended::Skipped { .. } => self.standing.reached(),
        }
    }

    /// True where a later look at the CA may show more.
    pub(super) fn is_watched(&self) -> bool {
        let decision = self.standing.waits().and_then(Cause::decision).is_some();
        // A renewal is awaited although what it follows is over.
        let goes_on = match &self.standing {
            Standing::Lapsed { waits, .. } | Standing::Ended { waits, .. } => waits.is_some(),
            standing => standing.reached().is_some(),
        };
        self.ended == Ended::Waiting && goes_on && !decision
    }

    /// What is told of it.
    pub(super) fn report(&self, step: &Step) -> ActionReport {
        let (outcome, error) = match &self.ended {
            Ended::Kept => (Outcome::Kept, None),
            Ended::Done => (Outcome::Done, None),
            Ended::Waiting => (Outcome::Waiting, None),
            Ended::Failed { error, .. } => (Outcome::Failed, Some(error.clone())),
            Ended::InDoubt { error, .. } => (Outcome::Unknown, Some(error.clone())),
            Ended::Skipped { why } => (Outcome::Skipped, Some(why.clone())),
        };
        ActionReport {
            address: step.address.clone(),
            account: step.account.clone(),
            labels: step.labels.clone(),
            action: step.action,
            reason: step.reason.clone(),
            standing: self.standing.clone(),
            outcome,
            order_id: self.order_id.clone(),
            request_id: self.request_id.clone(),
            certificate_id: self.certificate_id.clone(),
            revoked: self.revoked.clone(),
            serial_number: self.serial_number.clone(),
            collected: self.collected.as_ref().map(|collected| CollectedFiles {
                directory: collected.directory.display().to_string(),
                hook: match collected.hook {
                    Hook::None => HookOutcome::None,
                    Hook::Ok => HookOutcome::Ok,
                    Hook::Failed(_) => HookOutcome::Failed,
                },
            }),
            parts: self.parts.clone(),
            error,
        }
    }
}
