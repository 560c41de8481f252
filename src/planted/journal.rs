//! A journal that forgets or invents in one way: [`PlantedJournal`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{is, no_ones_tag};
use crate::journal::{Binding, Bindings, Gap, Hold, Journal, JournalError, StateMark};
use crate::model::{
    AccountName, Address, Fact, FactBody, FactLog, FilesId, LiveOrder, LiveState, OrderId, Phase,
    Record, Records,
};

/// A journal with its bugs.
pub(super) struct PlantedJournal {
    inner: Arc<dyn Journal>,
    /// Intents that were not written yet, for `no_intent`.
    held: Mutex<BTreeMap<Address, Fact>>,
}

impl PlantedJournal {
    pub(super) fn around(inner: Arc<dyn Journal>) -> Self {
        Self {
            inner,
            held: Mutex::default(),
        }
    }

    /// `no_intent`: an intent is recorded together with the outcome.
    fn hold_intents(&self, facts: Vec<Fact>) -> Vec<Fact> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = Vec::new();
        for fact in facts {
            if matches!(fact.body, FactBody::Intended(_)) {
                held.insert(fact.address.clone(), fact);
            } else {
                written.extend(held.remove(&fact.address));
                written.push(fact);
            }
        }
        written
    }
}

/// A record as the bugs show it.
fn shown(mut record: Record) -> Record {
    // A certificate is in force, so the order is issued: what was asked for since is forgotten.
    if is("reissue_counts_as_issued")
        && let Some(live) = &mut record.live
        && let Some(change) = live.change.take()
    {
        live.state = LiveState::Issued;
        live.certificate = change.certificate;
        live.generation = change.generation;
    }
    // One look-up is enough.
    if is("trust_first_look")
        && let Some(open) = &mut record.open
        && let Phase::InDoubt { looks, .. } = &mut open.phase
    {
        *looks = u32::MAX;
    }
    record
}

/// `trust_first_look`: a look-up needs no positive control. Whatever is in doubt has an older order that
/// is always found.
fn with_control(record: &mut Record) {
    if is("trust_first_look") && record.open.is_some() && record.live.is_none() {
        record.live = Some(LiveOrder {
            collected: None,
            key: None,
            order_id: OrderId::from("planted"),
            request_id: None,
            certificate_id: None,
            serial_number: None,
            valid_till: None,
            state: LiveState::Issued,
            generation: 1,
            tag: no_ones_tag(),
            certificate: None,
            terms: None,
            asked: None,
            since: Timestamp::UNIX_EPOCH,
            approved: false,
            validation: Vec::new(),
            change: None,
            refused: None,
            renewal: None,
            renewal_ended: None,
            took: None,
            found: false,
        });
    }
}

impl FactLog for PlantedJournal {
    type Error = JournalError;

    fn append(&self, mut facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        // A revocation by name is for the order that the name stands for, whichever that is.
        if is("revocation_follows_the_name") {
            facts.retain(|fact| !matches!(fact.body, FactBody::Targeted { .. }));
        }
        if is("no_intent") {
            facts = self.hold_intents(facts);
        }
        if facts.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.inner.append(facts)
    }
}

impl Journal for PlantedJournal {
    fn records(&self) -> Records {
        let records = self.inner.records().into_iter();
        records
            .map(|(address, record)| {
                let mut record = shown(record);
                with_control(&mut record);
                (address, record)
            })
            .collect()
    }

    fn record(&self, address: &Address) -> Option<Record> {
        self.inner.record(address).map(shown)
    }

    fn mark(&self) -> StateMark {
        self.inner.mark()
    }

    fn bind<'a>(
        &'a self,
        account: &'a AccountName,
        binding: Binding,
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        self.inner.bind(account, binding)
    }

    fn bind_files<'a>(&'a self, id: &'a FilesId) -> BoxFuture<'a, Result<(), JournalError>> {
        self.inner.bind_files(id)
    }

    fn bindings(&self) -> Bindings {
        self.inner.bindings()
    }

    fn gap(&self) -> Option<Gap> {
        self.inner.gap()
    }

    fn backup(&self) -> BoxFuture<'_, Result<Option<PathBuf>, JournalError>> {
        self.inner.backup()
    }

    /// `lease_as_lock`: a lease is trusted like a lock of the operating system.
    fn hold(&self) -> Hold {
        if is("lease_as_lock") {
            Hold::Lock
        } else {
            self.inner.hold()
        }
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        self.inner.close()
    }
}
