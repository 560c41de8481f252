//! The records as the store keeps them, one text for each address, so that opening a long journal reads
//! them instead of every fact.
//!
//! They change in the transaction that adds the facts. A seal covers all of them and the fact that they
//! stand at. Records without the right seal are made anew from the facts.

use crate::model::{Address, Digest, Record, Records};

/// Raised when another record follows from the same facts, or is written in another way. Records of
/// another version are made anew from the facts.
const VERSION: &str = concat!("certplan ", env!("CARGO_PKG_VERSION"), " records 3");

/// By which certplan the stored records were made, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The version of the records.
    pub(crate) version: String,
    /// Covers every record and the fact that they stand at.
    pub(crate) digest: Digest,
}

impl Seal {
    /// True when this certplan draws the same records from the same facts.
    pub(super) fn is_ours(&self) -> bool {
        self.version == VERSION
    }
}

/// The sum of all stored records. Adding the same record twice takes it out again, so the order in which
/// they come does not matter and a change costs nothing but the changed records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sum([u8; 32]);

impl Sum {
    /// Adds a record, or takes it out.
    pub(super) fn toggle(&mut self, address: &str, record: &str) {
        let digest = Digest::of_parts(&[address.as_bytes(), record.as_bytes()]);
        for (sum, byte) in self.0.iter_mut().zip(digest.bytes()) {
            *sum ^= byte;
        }
    }

    /// The sum of these records.
    pub(super) fn of(records: &Records) -> Result<Self, serde_json::Error> {
        let mut sum = Self::default();
        for (address, record) in records {
            sum.toggle(&address.to_string(), &text(record)?);
        }
        Ok(sum)
    }

    /// The seal of these records as of a fact.
    pub(super) fn seal(&self, lineage: &str, serial: u64, tip: Digest) -> Seal {
        Seal {
            version: VERSION.to_owned(),
            digest: Digest::of_parts(&[
                VERSION.as_bytes(),
                lineage.as_bytes(),
                &serial.to_be_bytes(),
                tip.bytes(),
                &self.0,
            ]),
        }
    }
}

/// A record as it is stored.
pub(super) fn text(record: &Record) -> Result<String, serde_json::Error> {
    serde_json::to_string(record)
}

/// A stored record; `None` when it cannot be read.
pub(super) fn parse(address: &str, text: &str) -> Option<(Address, Record)> {
    Some((address.parse().ok()?, serde_json::from_str(text).ok()?))
}
