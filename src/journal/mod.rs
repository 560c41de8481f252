//! What was intended and what happened: an append-only list of facts, and the records that follow
//! from it.

mod anchor;
mod backup;
mod binding;
mod chain;
mod condensed;
mod error;
mod load;
mod location;
mod lock;
mod place;
mod reading;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;
mod writer;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use anchor::{Anchor, anchor};
pub use binding::Bindings;
pub use error::JournalError;
pub use location::Location;
pub use lock::Holder;
pub use reading::{HistoryFilter, Line, Snapshot, Verified, VerifyError, history, read, verify};
pub use sqlite::{SqliteJournal, hold};

use crate::model::{AccountName, Address, Digest, Fact, Record, Records};

/// Where the journal stands: two journals with the same mark say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateMark {
    /// Made once, when the journal was created: a UUID. Empty when there is no journal yet.
    pub lineage: String,
    /// The number of facts.
    pub serial: u64,
    /// The last fact's hash in the chain; of a journal without facts, the digest of nothing.
    pub head: Digest,
}

/// What an account was bound to when it was first written about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The CA's wire name.
    pub provider: String,
    /// The base URL.
    pub endpoint: String,
    /// The CA's id of the customer account, where the CA tells.
    pub account_id: Option<String>,
}

/// A journal that may be written to: this process holds it alone.
pub trait Journal: Send + Sync {
    /// Writes facts, in order, all or none. When it returns `Ok` they survive a power cut. Each must
    /// follow from the record before it ([`crate::model::Record::next`]). After the first error of the
    /// storage every later call fails: what the disk did is unknown.
    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>>;

    /// The records as of the last durable fact.
    fn records(&self) -> Records;

    /// One record as of the last durable fact; `None` for an item nothing was written about.
    fn record(&self, address: &Address) -> Option<Record>;

    /// Where the journal stands now.
    fn mark(&self) -> StateMark;

    /// Binds an account to its CA account on first use; refuses another one later.
    fn bind<'a>(
        &'a self,
        account: &'a AccountName,
        binding: Binding,
    ) -> BoxFuture<'a, Result<(), JournalError>>;
}
