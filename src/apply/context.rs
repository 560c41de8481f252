//! What every step of a run shares: the journal, the accounts, the send gate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::claims::Claims;
use super::event::{ActionReport, Outcome, Stop};
use crate::journal::{Journal, JournalError};
use crate::model::{
    AccountName, Address, CertificatePin, Doubt, Fact, FactBody, Milestone, Operation, Provider,
    Record, RunId,
};
use crate::plan::{ApprovedPlan, Step};
use crate::provider::{Act, Permit};

/// What a run is given.
pub struct Run {
    /// The run's id.
    pub run_id: RunId,
    /// What is carried out.
    pub approved: Arc<ApprovedPlan>,
    /// Where intents and facts go.
    pub journal: Arc<dyn Journal>,
    /// The accounts of the plan.
    pub lanes: BTreeMap<AccountName, Lane>,
    /// How long to wait for the CA and for people after everything was sent.
    pub wait: Duration,
    /// What becomes of doubt.
    pub doubt: Doubt,
    /// Set once by the first signal.
    pub stop: watch::Receiver<Option<Stop>>,
}

/// One account during a run.
#[derive(Clone)]
pub struct Lane {
    /// The account at the CA.
    pub act: Arc<dyn Act>,
    /// Which CA.
    pub provider: Provider,
    /// How many steps may be under way at once.
    pub max_in_flight: usize,
}

/// Why an account was stopped, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Halt {
    pub(super) why: String,
    pub(super) reach: Reach,
}

/// What a stopped account no longer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// It buys nothing more. Revocations go on: they cost nothing, and some are urgent.
    Purchases,
    /// It sends nothing more.
    Everything,
}

/// Shared by the steps of a run. Only the scheduler changes what it decides.
pub(super) struct Context {
    pub(super) run: Run,
    halts: Mutex<BTreeMap<AccountName, Halt>>,
    state_error: Mutex<Option<String>>,
    /// The places of the plan's steps, in the order of their addresses.
    by_address: Vec<usize>,
    pub(super) claims: Claims,
    resent: Mutex<BTreeSet<Address>>,
}

impl Context {
    pub(super) fn new(run: Run) -> Self {
        let steps = &run.approved.plan().steps;
        let mut by_address: Vec<usize> = (0..steps.len()).collect();
        by_address.sort_unstable_by_key(|&position| &steps[position].address);
        Self {
            halts: Mutex::new(BTreeMap::new()),
            state_error: Mutex::new(None),
            by_address,
            claims: Claims::new(run.journal.records()),
            resent: Mutex::new(BTreeSet::new()),
            run,
        }
    }

    /// Where the plan has an item.
    pub(super) fn position(&self, address: &Address) -> Option<usize> {
        let steps = &self.run.approved.plan().steps;
        self.by_address
            .binary_search_by_key(&address, |&position| &steps[position].address)
            .ok()
            .map(|place| self.by_address[place])
    }

    /// The account of an item of the plan.
    pub(super) fn account_of(&self, address: &Address) -> Option<&AccountName> {
        let position = self.position(address)?;
        Some(&self.run.approved.plan().steps[position].account)
    }

    /// True once for each item: a run orders a thing a second time at most once.
    pub(super) fn may_resend(&self, address: &Address) -> bool {
        self.resent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(address.clone())
    }

    pub(super) fn record_of(&self, address: &Address) -> Record {
        self.run.journal.record(address).unwrap_or_default()
    }

    /// Writes facts about a step. The first error stops the run: nothing more is sent.
    pub(super) async fn write(
        &self,
        step: &Step,
        bodies: Vec<FactBody>,
    ) -> Result<(), JournalError> {
        #[cfg(feature = "planted-bugs")]
        let bodies = crate::planted::no_intent(&step.address, bodies);
        let at = Timestamp::now();
        let facts = bodies
            .into_iter()
            .map(|body| Fact {
                at,
                run: self.run.run_id.clone(),
                address: step.address.clone(),
                account: step.account.clone(),
                body,
            })
            .collect();
        self.append(facts).await
    }

    pub(super) async fn append(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let written = self.run.journal.append(facts).await;
        if let Err(error) = &written {
            self.fail(error.to_string());
        }
        written
    }

    /// Stops the run: what happened could not be noted, so nothing more may happen.
    pub(super) fn fail(&self, why: String) {
        self.state_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(why);
    }

    /// Stops new calls of one account; false if they were stopped before.
    pub(super) fn halt(&self, account: &AccountName, halt: Halt) -> bool {
        let mut halts = self.halts.lock().unwrap_or_else(PoisonError::into_inner);
        if halts
            .get(account)
            .is_some_and(|known| known.reach >= halt.reach)
        {
            return false;
        }
        halts.insert(account.clone(), halt);
        true
    }

    /// Why nothing new may be sent for a step; `None` when the gate is open.
    pub(super) fn closed(&self, step: &Step) -> Option<String> {
        let buys = matches!(step.operation, Some(Operation::Order(_)));
        if let Some(error) = &*self
            .state_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            return Some(error.clone());
        }
        if let Some(stop) = *self.run.stop.borrow() {
            return Some(match stop {
                Stop::Interrupt => "the run was interrupted".to_owned(),
                Stop::Terminate => "the run was terminated".to_owned(),
            });
        }
        self.halts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&step.account)
            .filter(|halt| buys || halt.reach == Reach::Everything)
            .map(|halt| halt.why.clone())
    }

    /// True after the first failed write: nothing more is asked, nothing can be noted.
    pub(super) fn state_failed(&self) -> bool {
        self.state_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    pub(super) fn stopped(&self) -> bool {
        self.run.stop.borrow().is_some()
    }

    /// Returns when the first signal has come.
    pub(super) async fn until_stopped(&self) {
        let mut stop = self.run.stop.clone();
        // An error means that nobody can stop the run any more.
        if stop.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A slot, or the reason why the gate closed while waiting for it. The gate is looked at last:
    /// nothing waits between this and the intent.
    pub(super) async fn permit(&self, step: &Step, lane: &Lane) -> Result<Permit, String> {
        if let Some(why) = self.closed(step) {
            return Err(why);
        }
        let permit = tokio::select! {
            permit = lane.act.permit() => permit,
            () = self.until_stopped() => {
                return Err(self.closed(step).unwrap_or_default());
            }
        };
        match self.closed(step) {
            None => Ok(permit),
            Some(why) => Err(why),
        }
    }
}

/// What a step came to.
pub(super) struct Finished {
    pub(super) report: ActionReport,
    /// How far the item has come: what depends on it may start.
    pub(super) reached: Option<Milestone>,
    /// A doubt that could not be settled.
    pub(super) in_doubt: bool,
    /// The doubt is about a call of this run.
    pub(super) lost: bool,
    /// No look at the CA can settle the doubt.
    pub(super) for_a_person: bool,
    /// The CA answered with an error of its own.
    pub(super) server_error: bool,
    /// Why no more may be sent for the account.
    pub(super) halt: Option<Halt>,
    /// Taken by the CA; the next look at the CA may show more.
    pub(super) watch: bool,
}

impl Finished {
    pub(super) fn new(step: &Step, outcome: Outcome) -> Self {
        Self {
            report: ActionReport {
                address: step.address.clone(),
                account: step.account.clone(),
                action: step.action,
                outcome,
                order_id: step.order_id.clone(),
                request_id: step.request_id.clone(),
                certificate_id: step.certificate_id.clone(),
                revoked: Vec::<CertificatePin>::new(),
                waiting_for: None,
                error: None,
            },
            reached: step.reached,
            in_doubt: false,
            lost: false,
            for_a_person: false,
            server_error: false,
            halt: None,
            watch: false,
        }
    }

    pub(super) fn failed(step: &Step, error: impl Into<String>) -> Self {
        let mut finished = Self::new(step, Outcome::Failed);
        finished.report.error = Some(error.into());
        finished
    }

    pub(super) fn skipped(step: &Step, why: impl Into<String>) -> Self {
        let mut finished = Self::new(step, Outcome::Skipped);
        finished.report.error = Some(why.into());
        finished
    }

    pub(super) fn unknown(step: &Step, why: impl Into<String>) -> Self {
        let mut finished = Self::new(step, Outcome::Unknown);
        finished.report.error = Some(why.into());
        finished.in_doubt = true;
        finished
    }

    pub(super) fn for_a_person(mut self) -> Self {
        self.for_a_person = true;
        self
    }

    pub(super) fn waiting(step: &Step, waiting_for: impl Into<String>) -> Self {
        let mut finished = Self::new(step, Outcome::Waiting);
        finished.report.waiting_for = Some(waiting_for.into());
        finished
    }
}
