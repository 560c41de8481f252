//! Where the facts of a journal are kept: a file of this machine, or a database that several hosts share.
//! Main type: [`FactStore`].
//!
//! A store keeps what it is given, in one transaction, and gives it back. The chain, the records, the
//! grouping of writes and what follows after a failed write are the same for all stores and stand above
//! them.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;

use super::binding::StoredBinding;
use super::chain::StoredFact;
use super::records::Seal;
use super::{Hold, JournalError};
use crate::model::{Digest, RunId, TOLD_PAUSE, Untrusted, clock_after};

/// Where a journal stands, as its store notes it beside the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The journal's UUID.
    pub(crate) lineage: String,
    /// How many facts were written.
    pub(crate) serial: u64,
    /// The hash that the next fact is linked to.
    pub(crate) tip: Digest,
    /// What the stored records were made from; `None` where there are none.
    pub(crate) seal: Option<Seal>,
    /// The journal that it is being filled from; `None` for one that can be used.
    pub(crate) filling: Option<String>,
}

/// What one transaction adds.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Where the journal stands afterwards.
    pub(crate) frame: Frame,
    pub(crate) facts: Vec<StoredFact>,
    /// Each address with its record, as text.
    pub(crate) records: Vec<(String, String)>,
    /// Addresses whose records are removed.
    pub(crate) gone: Vec<String>,
    pub(crate) bindings: Vec<StoredBinding>,
}

impl Batch {
    /// Facts alone.
    pub(in crate::journal) fn of_facts(frame: Frame, facts: Vec<StoredFact>) -> Self {
        Self {
            facts,
            ..Self::of_bindings(frame, Vec::new())
        }
    }

    /// Bindings alone.
    pub(in crate::journal) fn of_bindings(frame: Frame, bindings: Vec<StoredBinding>) -> Self {
        Self {
            frame,
            facts: Vec::new(),
            records: Vec::new(),
            gone: Vec::new(),
            bindings,
        }
    }
}

/// Tells people who holds the journal, and until when this run waits for its end.
fn tell_wait(held: &JournalError, most: Duration) {
    if most >= TOLD_PAUSE {
        let held = Untrusted::new(held.to_string());
        tracing::info!(
            target: "certplan::run",
            "{}; this run waits for its end until {} at most",
            held.whole(),
            clock_after(most)
        );
    }
}

/// Why something was not written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The connection is gone; what was on its way may have been done.
    Lost(String),
    /// Everything else.
    Final(JournalError),
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::Final(error)
    }
}

/// A fact as it was found, or what is wrong with its row.
pub(crate) type FoundFact = Result<StoredFact, String>;

/// What a read of a store answers with.
pub(crate) type Reading<'a, T> = BoxFuture<'a, Result<T, JournalError>>;

/// What a write to a store answers with.
pub(crate) type Writing<'a, T> = BoxFuture<'a, Result<T, Fault>>;

/// Reads of a store. Nothing that they return was checked yet.
pub(crate) trait FactReader: Send {
    /// From here on everything is read as of one moment: other runs may be writing.
    fn moment(&mut self) -> Reading<'_, ()>;

    /// Where the store is.
    fn whereabouts(&mut self) -> Reading<'_, Whereabouts>;

    /// Where the journal stands.
    fn frame(&mut self) -> Reading<'_, Frame>;

    /// At most so many facts after the one with this number, in the order of their numbers. It ends early
    /// with the first row that cannot be read.
    fn facts_after(&mut self, serial: u64, most: usize) -> Reading<'_, Vec<FoundFact>>;

    /// How many facts there are.
    fn count(&mut self) -> Reading<'_, u64>;

    /// At most so many records after this address, in the order of their addresses.
    fn records_after<'a>(
        &'a mut self,
        address: &'a str,
        most: usize,
    ) -> Reading<'a, Vec<(String, String)>>;

    /// What the accounts of the manifest were bound to.
    fn bindings(&mut self) -> Reading<'_, Vec<StoredBinding>>;

    /// Looks at the pages of a file: whether each is sound, or, with `thorough`, also what the tables and
    /// indexes say of each other.
    fn check_pages(&mut self, thorough: bool) -> Reading<'_, ()>;

    /// [`JournalError::Corrupt`], with the way out.
    fn corrupt(&self, why: String) -> JournalError;
}

/// A store that this run holds.
pub(crate) trait FactStore: Send {
    /// Reads of what is stored.
    fn reader(&mut self) -> &mut dyn FactReader;

    /// Shows, before the first call to a CA, that a commit can be made.
    fn enter<'a>(&'a mut self, run: &'a RunId) -> Reading<'a, ()>;

    /// Begins a transaction that nobody can come between.
    fn begin(&mut self) -> Writing<'_, ()>;

    /// Adds to the transaction.
    fn insert<'a>(&'a mut self, batch: &'a Batch) -> Writing<'a, ()>;

    /// Makes the transaction durable. When it returns `Ok`, it survives a power cut.
    fn commit(&mut self) -> Writing<'_, ()>;

    /// Leaves the transaction that failed, as far as that can be done, so that nobody waits for it.
    fn roll_back(&mut self) -> BoxFuture<'_, ()>;

    /// Puts a new connection in the place of a lost one.
    fn reconnect(&mut self, lost: String) -> Reading<'_, ()>;

    /// An error when another run may have taken this one for dead.
    fn check_hold(&self) -> Result<(), JournalError>;

    /// What keeps other runs away.
    fn hold(&self) -> Hold;

    /// True where a call blocks its thread, so that the writer needs one of its own.
    fn is_blocking(&self) -> bool;

    /// Waits for calls that come a little later than the first, where a commit costs more than that.
    fn gather(&self) {}

    /// Does what may be done after the answers were given.
    fn tidy(&mut self) -> Writing<'_, ()>;

    /// Copies the journal, where that is certplan's business; where the copy is.
    fn backup(&mut self) -> Reading<'_, Option<PathBuf>>;

    /// Lets go of the store. After a failed write (`whole` is false) nothing is moved or tried once more.
    fn close(self: Box<Self>, whole: bool) -> Reading<'static, ()>;
}

/// Where the store of a journal is, beyond the spelling of its path or URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    /// The database, whatever becomes of it: the system's identifier and its name. Of a file nothing is
    /// said, as its note stands beside it.
    pub(crate) database: Option<String>,
    /// The same with the timeline, which is another one after a restore or a failover.
    pub(crate) incarnation: String,
}

impl Whereabouts {
    /// True for one database, where the server tells which one it is.
    pub(in crate::journal) fn is_same(&self, other: &Self) -> bool {
        self.database == other.database
            && self
                .database
                .as_ref()
                .is_some_and(|database| !database.starts_with('/'))
    }

    /// A file: where it is moved to is no matter.
    pub(in crate::journal) fn of_a_file() -> Self {
        Self {
            database: None,
            incarnation: "file".to_owned(),
        }
    }
}
