//! Why a journal cannot be used.

use std::path::PathBuf;

use crate::model::{AccountName, IllegalFact};

/// Why a journal cannot be opened, read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Another run holds it (exit 4).
    #[error("the state {path} is held by {holder}", path = path.display())]
    Held {
        /// The database.
        path: PathBuf,
        /// Who: process, host, command and since when.
        holder: String,
    },
    /// It was written by a newer certplan.
    #[error("the state {path} has schema {found}, this certplan knows {known}: use the newer certplan", path = path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// It is not a certplan journal, or it is damaged.
    #[error("the state {path} cannot be used: {why}", path = path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The records that are stored beside the facts are not what the facts say.
    #[error(
        "the facts of the state are whole, but {0}: `certplan migrate` makes the records anew; look at what was done since they were wrong"
    )]
    Records(String),
    /// It was moved to another state, and is closed for good.
    #[error("the state {path} was moved to {to}, and goes on there: `--state {to}`", path = path.display())]
    Moved {
        /// The one that is closed.
        path: PathBuf,
        /// The one that goes on.
        to: String,
    },
    /// It is being taken over from another state, and that was not finished.
    #[error("the state {path} is being taken over from {from}, which was not finished: type `certplan migrate --from {from} --state {path}` again; as long as that was not closed it can still be used", path = path.display())]
    Unfinished {
        /// The one that is being made.
        path: PathBuf,
        /// Where its facts come from.
        from: String,
    },
    /// A journal is taken over into an empty one only.
    #[error("the state {path} holds {facts} facts: take the other one over into an empty state", path = path.display())]
    NotEmpty {
        /// The one that was to be filled.
        path: PathBuf,
        /// How many facts it has.
        facts: u64,
    },
    /// It cannot be opened or created: permissions, a read-only disk, no space, a network file system.
    #[error("the state {path} cannot be opened: {why}", path = path.display())]
    Unusable {
        /// The database.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A write failed; nothing more is written by this run.
    #[error("the state could not be written, so nothing more is sent: {0}")]
    Write(String),
    /// The account was another one when the journal was begun.
    #[error("account `{account}` is {now} now, but the state was written for {then}")]
    Foreign {
        /// The account in the manifest.
        account: AccountName,
        /// What it was bound to.
        then: String,
        /// What it is now.
        now: String,
    },
    /// A fact that cannot follow.
    #[error(transparent)]
    Illegal(#[from] IllegalFact),
}
