//! What is durable, and facts on their way there: checked against the records, linked into the chain.
//! Shared by both kinds of journal.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::binding::Bindings;
use super::chain::{self, StoredFact};
use super::{JournalError, StateMark};
use crate::model::{Digest, Fact, Records};

/// What is durable: written by the writer after each commit, read by everybody.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) records: Records,
    pub(super) mark: StateMark,
    pub(super) bindings: Bindings,
}

/// Reads or changes what is durable. No code panics while it holds the lock; if one did, the value
/// would still be whole, as every change to it is one after a commit.
pub(super) fn enter(durable: &Mutex<Durable>) -> MutexGuard<'_, Durable> {
    durable.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Facts that are checked and not yet written.
#[derive(Debug)]
pub(super) struct Draft {
    /// The number of the last fact, once they are written.
    pub(super) serial: u64,
    /// The hash of the last fact.
    pub(super) tip: Digest,
    pub(super) changed: Records,
    pub(super) rows: Vec<StoredFact>,
}

impl Draft {
    /// Begins after the last durable fact.
    pub(super) fn new(serial: u64, tip: Digest) -> Self {
        Self {
            serial,
            tip,
            changed: Records::new(),
            rows: Vec::new(),
        }
    }

    /// Adds the facts of one call, all or none.
    pub(super) fn add(&mut self, known: &Records, facts: &[Fact]) -> Result<(), JournalError> {
        let (mut serial, mut tip) = (self.serial, self.tip);
        let mut changed = Records::new();
        let mut rows = Vec::with_capacity(facts.len());
        for fact in facts {
            let record = [&changed, &self.changed, known]
                .into_iter()
                .find_map(|records| records.get(&fact.address));
            let next = chain::follow(record, fact)?;
            changed.insert(fact.address.clone(), next);
            serial = serial.saturating_add(1);
            let (row, hash) = StoredFact::link(fact, serial, &tip)
                .map_err(|broken| JournalError::Write(broken.to_string()))?;
            rows.push(row);
            tip = hash;
        }
        self.changed.extend(changed);
        self.rows.append(&mut rows);
        (self.serial, self.tip) = (serial, tip);
        Ok(())
    }
}
