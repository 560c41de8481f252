//! Facts on their way to the store: checked against the records, linked into the chain. Main type:
//! [`Draft`].

use std::collections::BTreeMap;

use super::JournalError;
use super::chain::StoredFact;
use super::records::{self, Sum};
use super::store::{Batch, Frame};
use crate::model::{Address, Digest, Entry, Fact, Followed, Record, Records, follow};

/// Records by address; `None` for one that ends.
pub(super) type Changed = BTreeMap<Address, Option<Record>>;

/// Facts that are checked and not yet written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    known: &'a Records,
    serial: u64,
    tip: Digest,
    changed: Changed,
    facts: Vec<StoredFact>,
}

impl<'a> Draft<'a> {
    /// Begins after the last durable fact.
    pub(super) fn new(known: &'a Records, serial: u64, tip: Digest) -> Self {
        Self {
            known,
            serial,
            tip,
            changed: Changed::new(),
            facts: Vec::new(),
        }
    }

    /// Adds the facts of one call, all or none.
    pub(super) fn add(&mut self, facts: &[Fact]) -> Result<(), JournalError> {
        let (mut serial, mut tip) = (self.serial, self.tip);
        let mut changed = Changed::new();
        let mut rows = Vec::with_capacity(facts.len());
        for fact in facts {
            let known = |address: &Address| {
                let drafted = changed.get(address).or_else(|| self.changed.get(address));
                drafted.map_or_else(|| self.known.get(address), Option::as_ref)
            };
            let Followed { record, ended } = follow(known, fact)?;
            changed.extend(ended.map(|ended| (ended, None)));
            changed.insert(fact.address.clone(), Some(record));
            serial = serial.saturating_add(1);
            let (row, hash) = StoredFact::link(&Entry::Item(Box::new(fact.clone())), serial, &tip)
                .map_err(|broken| JournalError::Write(broken.to_string()))?;
            rows.push(row);
            tip = hash;
        }
        self.changed.extend(changed);
        self.facts.append(&mut rows);
        (self.serial, self.tip) = (serial, tip);
        Ok(())
    }

    /// What is to be written, and the records and their sum once it is. `None` when nothing is.
    pub(super) fn finish(
        self,
        lineage: &str,
        mut sum: Sum,
    ) -> Result<Option<(Batch, Changed, Sum)>, JournalError> {
        if self.facts.is_empty() {
            return Ok(None);
        }
        let text = |record: &Record| {
            records::text(record).map_err(|error| JournalError::Write(error.to_string()))
        };
        let mut changed = Vec::with_capacity(self.changed.len());
        let mut gone = Vec::new();
        for (address, record) in &self.changed {
            let name = Address::to_string(address);
            if let Some(before) = self.known.get(address) {
                sum.toggle(&name, &text(before)?);
            }
            match record {
                Some(record) => {
                    let row = (name, text(record)?);
                    sum.toggle(&row.0, &row.1);
                    changed.push(row);
                }
                None => gone.push(name),
            }
        }
        let frame = Frame {
            lineage: lineage.to_owned(),
            serial: self.serial,
            tip: self.tip,
            seal: Some(sum.seal(lineage, self.serial, self.tip)),
            filling: None,
        };
        let batch = Batch {
            frame,
            facts: self.facts,
            records: changed,
            gone,
            bindings: Vec::new(),
        };
        Ok(Some((batch, self.changed, sum)))
    }
}
