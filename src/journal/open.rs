//! One entrance to both kinds of journal, by location.

use std::time::Duration;

use super::anchor::Anchor;
use super::reading::{HistoryFilter, Line, Snapshot, Verified, VerifyError};
use super::store::postgres;
use super::store::sqlite::lock::Holder;
use super::{Journal, JournalError, Location, reading, sqlite};

/// Takes the journal for writing, makes it where there is none, and waits up to `lock_timeout` for a
/// run that holds it.
///
/// In a file one run holds it at a time; in PostgreSQL an `apply` joins the one under way as soon as
/// that one has made its plan known.
///
/// Errors: [`JournalError::Held`] names the other run; [`JournalError::Newer`],
/// [`JournalError::Corrupt`] and [`JournalError::Unusable`] say what to do. Needs a tokio runtime with
/// time.
pub async fn open(
    location: &Location,
    holder: Holder,
    lock_timeout: Duration,
) -> Result<Box<dyn Journal>, JournalError> {
    match location {
        Location::File(path) => Ok(Box::new(sqlite::hold(path, holder, lock_timeout).await?)),
        Location::Postgres(server) => Ok(Box::new(
            postgres::hold(server, holder, lock_timeout).await?,
        )),
    }
}

/// Reads the records without holding the journal; `None` when there is none. Every fact is checked on
/// the way.
///
/// Errors: [`JournalError::Newer`], [`JournalError::Corrupt`], [`JournalError::Unusable`].
pub async fn read(location: &Location) -> Result<Option<Snapshot>, JournalError> {
    match location {
        Location::File(path) => reading::read(path),
        Location::Postgres(server) => postgres::read(server).await,
    }
}

/// The lines that pass a filter, oldest first; none when there is no journal. Errors as [`read`]: a
/// damaged journal shows nothing rather than something that may not be true.
pub async fn history(
    location: &Location,
    filter: &HistoryFilter,
) -> Result<Vec<Line>, JournalError> {
    match location {
        Location::File(path) => reading::history(path, filter),
        Location::Postgres(server) => postgres::history(server, filter).await,
    }
}

/// Checks everything: the chain, that each fact could follow the ones before it, and of a file the
/// pages too. `None` when there is no journal.
pub async fn verify(location: &Location) -> Result<Option<Verified>, VerifyError> {
    match location {
        Location::File(path) => reading::verify(path),
        Location::Postgres(server) => postgres::verify(server).await,
    }
}

/// The anchor of a journal; read it before the journal, or a run that writes meanwhile is taken for a
/// journal that went back.
pub fn anchor(location: &Location) -> Result<Option<Anchor>, JournalError> {
    match location {
        Location::File(path) => super::anchor::anchor(path),
        Location::Postgres(server) => Ok(server.anchor().and_then(super::anchor::read)),
    }
}

/// Makes or updates the tables of a journal in PostgreSQL; the schema's version. `None` for a file,
/// which is made and updated by the run that holds it.
pub async fn migrate(location: &Location) -> Result<Option<i32>, JournalError> {
    match location {
        Location::File(_) => Ok(None),
        Location::Postgres(server) => postgres::migrate(server).await.map(Some),
    }
}
