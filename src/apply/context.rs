//! What every step of a run shares: [`Context`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use super::answered_chains::AnsweredChains;
use super::delivery::Delivery;
use super::event::Stop;
use super::owners::OrderOwners;
use crate::files::FilesFolder;
use crate::journal::{Journal, JournalError};
use crate::model::{
    AccountName, Address, Doubt, Fact, FactBody, Moment, Operation, Provider, Record, RunId,
    Secret, SecretSource, TOLD_PAUSE, ca_day,
};
use crate::plan::{ApprovedPlan, Step};
use crate::provider::{Act, Permit};

/// Shows the time by the clocks of this machine.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// What a run is given.
pub struct Run {
    /// The run's id.
    pub run_id: RunId,
    /// What is carried out.
    pub approved: Arc<ApprovedPlan>,
    /// Where intents and facts go.
    pub journal: Arc<dyn Journal>,
    /// The accounts of the plan.
    pub accounts: BTreeMap<AccountName, RunAccount>,
    /// How long to wait for the CA and for people after everything was sent.
    pub wait: Duration,
    /// What becomes of doubt.
    pub doubt: Doubt,
    /// Set once by the first signal.
    pub stop: watch::Receiver<Option<Stop>>,
    /// The time by which facts are dated.
    pub clock: Clock,
    /// The files folder, where the plan needs it.
    pub folder: Option<Arc<FilesFolder>>,
    /// What runs after a certificate was collected.
    pub delivery: Option<Delivery>,
    /// Reads a passphrase from where the manifest says; an error is for people.
    pub secret: fn(&SecretSource) -> Result<Secret, String>,
}

/// One account during a run.
#[derive(Clone)]
pub struct RunAccount {
    /// The account at the CA.
    pub act: Arc<dyn Act>,
    /// Which CA.
    pub provider: Provider,
    /// How many steps may be under way at once.
    pub max_in_flight: usize,
}

/// Why an account was stopped, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccountStop {
    pub(super) why: String,
    pub(super) scope: Scope,
}

/// What a stopped account no longer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// It buys nothing more. Revocations go on: they cost nothing, and some are urgent.
    Purchases,
    /// It sends nothing more.
    Everything,
}

/// State shared by all steps of a run: the journal, the accounts, and the gate that stops new calls. Only the
/// scheduler closes the gate.
pub(super) struct Context {
    pub(super) run: Run,
    stops: Mutex<BTreeMap<AccountName, AccountStop>>,
    state_error: Mutex<Option<String>>,
    /// The places of the plan's steps, in the order of their addresses.
    by_address: Vec<usize>,
    pub(super) owners: OrderOwners,
    pub(super) chains: AnsweredChains,
    resent: Mutex<BTreeSet<Address>>,
    /// One place for each core: making keys is work for a processor.
    keys: Semaphore,
    /// One program runs at a time.
    pub(super) programs: tokio::sync::Mutex<()>,
    /// The end of the last pause before a repeated call that people were told of.
    told_until: Mutex<Option<Instant>>,
}

impl Context {
    pub(super) fn new(run: Run) -> Self {
        let steps = &run.approved.plan().steps;
        let mut by_address: Vec<usize> = (0..steps.len()).collect();
        by_address.sort_unstable_by_key(|&position| &steps[position].address);
        Self {
            stops: Mutex::new(BTreeMap::new()),
            state_error: Mutex::new(None),
            by_address,
            owners: OrderOwners::new(run.journal.records()),
            chains: AnsweredChains::default(),
            resent: Mutex::new(BTreeSet::new()),
            programs: tokio::sync::Mutex::new(()),
            keys: Semaphore::new(available_parallelism().map_or(1, usize::from)),
            told_until: Mutex::new(None),
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

    /// Whether people are to be told of a pause before a call is made anew: many calls that fail together make
    /// one.
    pub(super) fn is_to_be_told(&self, pause: Duration) -> bool {
        let mut told = self
            .told_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_told =
            pause >= TOLD_PAUSE && told.is_none_or(|until| now + pause >= until + TOLD_PAUSE);
        if is_told {
            *told = Some(now + pause);
        }
        is_told
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
        let at = self.now();
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
    pub(super) fn stop_account(&self, account: &AccountName, stop: AccountStop) -> bool {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if stops
            .get(account)
            .is_some_and(|known| known.scope >= stop.scope)
        {
            return false;
        }
        stops.insert(account.clone(), stop);
        true
    }

    /// The files folder.
    pub(super) fn folder(&self) -> Result<Arc<FilesFolder>, String> {
        let folder = self.run.folder.clone();
        folder.ok_or_else(|| "the files folder that belongs to the journal is on another host, which goes on with this"
                .to_owned())
    }

    /// A place among those that make keys. Nobody closes them.
    pub(super) async fn key_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.keys.acquire().await.ok()
    }

    /// The time by an account's CA.
    pub(super) fn ca_now(&self, account: &RunAccount) -> Timestamp {
        let ahead = account.act.clock_skew().unwrap_or_default();
        let now = self.now();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// The day at an account's CA, in UTC.
    pub(super) fn today(&self, account: &RunAccount) -> Date {
        ca_day(account.act.clock(), self.now())
    }

    /// The time by which doubts about an account's calls are measured.
    pub(super) fn moment(&self, account: &RunAccount) -> Moment {
        (self.run.clock)().with_ca(account.act.clock_skew())
    }

    /// The time by which facts are dated.
    pub(super) fn now(&self) -> Timestamp {
        (self.run.clock)().at
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
        self.stops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&step.account)
            .filter(|stop| buys || stop.scope == Scope::Everything)
            .map(|stop| stop.why.clone())
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

    /// Returns so long after the first signal.
    pub(super) async fn until_stopped_for(&self, grace: Duration) {
        self.until_stopped().await;
        tokio::time::sleep(grace).await;
    }

    /// What a read brings; `None` where the run is stopped first. A read may wait long for its slot.
    pub(super) async fn unless_stopped<T>(&self, read: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            read = read => Some(read),
            () = self.until_stopped() => None,
        }
    }

    /// Slots for some reads and one call, or the reason why the gate closed while waiting for them. The gate
    /// is looked at last: nothing waits between this and what is read and sent.
    pub(super) async fn permit(
        &self,
        step: &Step,
        account: &RunAccount,
        reads: u32,
    ) -> Result<Permit, String> {
        if let Some(why) = self.closed(step) {
            return Err(why);
        }
        let permit = tokio::select! {
            permit = account.act.permit(reads) => permit,
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
