//! What was intended and what happened: an append-only list of facts, and the records that follow
//! from it.

mod address;
mod binding;
mod chain;
mod draft;
mod durable;
mod error;
mod handle;
mod load;
mod location;
mod migrate;
mod moving;
mod notes;
mod open;
mod reading;
mod records;
mod resealing;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod transaction;
mod writer;

use std::path::PathBuf;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use address::looks_like_address;
pub use binding::Bindings;
pub use error::JournalError;
pub use location::{Location, LocationError};
pub use migrate::{Migrated, migrate};
pub use moving::{TakenOver, take_over};
pub use notes::Gap;
pub use open::open;
pub use reading::{HistoryFilter, Line, Snapshot, Verified, VerifyError, history, read, verify};
pub use store::postgres::{PgEnvironment, Server};
pub use store::sqlite::lock::Holder;
pub(crate) use store::sqlite::own_folder::make_own_folder;
pub(crate) use store::sqlite::state_file::network_file_system;

use crate::model::{AccountName, Address, Digest, FactLog, FilesId, Record, Records};

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

impl Binding {
    /// False for another account than this one, as far as both are known.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_id = match (&self.account_id, &other.account_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        self.provider == other.provider && self.endpoint == other.endpoint && same_id
    }
}

/// What keeps a second run away from a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// A lock of the operating system: it lasts exactly as long as the process.
    Lock,
    /// A lease: a run that was paused for longer may go on without knowing that it has lost it. An order
    /// in doubt is never sent again under a lease.
    Lease,
}

/// A journal that may be written to: this run alone holds it.
///
/// [`FactLog::append`] writes facts in order, all or none. When it returns `Ok` they survive a power cut.
/// Each must follow from the record before it ([`crate::model::Record::next`]). After the first error of the
/// storage every later call fails: what the disk did is unknown.
pub trait Journal: FactLog<Error = JournalError> {
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

    /// Binds the folder of keys and certificates, in the place of one that is known.
    fn bind_files<'a>(&'a self, id: &'a FilesId) -> BoxFuture<'a, Result<(), JournalError>>;

    /// Which CA accounts it was written for, and which folder holds its keys.
    fn bindings(&self) -> Bindings;

    /// Why it may not know everything that was done at its accounts, as of when it was opened; `None` when it
    /// does.
    fn gap(&self) -> Option<Gap>;

    /// Checks what was not read when it was opened, and copies the journal before an apply, where that is
    /// certplan's business; where the copy is.
    fn backup(&self) -> BoxFuture<'_, Result<Option<PathBuf>, JournalError>>;

    /// What keeps other runs away.
    fn hold(&self) -> Hold;

    /// Closes it and lets go of it; says whether that went well. Nothing can be written after it.
    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>>;
}
