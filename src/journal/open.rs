//! Taking a journal for a run, by its location: the one entrance to both kinds of store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::durable::Durable;
use super::handle::HeldJournal;
use super::load::load;
use super::location::{Kind, Location};
use super::notes::{NotePaths, Noted, Notes};
use super::resealing::seal;
use super::store::sqlite::lock::Holder;
use super::store::{FactStore, postgres, sqlite};
use super::writer::Writer;
use super::{Journal, JournalError};

/// Takes the journal for writing, makes it where there is none, and waits up to `lock_timeout` for a
/// run that holds it.
///
/// Errors: [`JournalError::Held`] names the other run; [`JournalError::Newer`],
/// [`JournalError::Corrupt`] and [`JournalError::Unusable`] say what to do. Needs a tokio runtime with
/// time.
pub async fn open(
    location: &Location,
    holder: Holder,
    lock_timeout: Duration,
) -> Result<Box<dyn Journal>, JournalError> {
    Ok(Box::new(take(location, holder, lock_timeout).await?))
}

pub(super) async fn take(
    location: &Location,
    holder: Holder,
    lock_timeout: Duration,
) -> Result<HeldJournal, JournalError> {
    let store = hold(location, &holder, lock_timeout).await?;
    let name = location.full_name();
    start(store, &holder, &location.notes()?, &name).await
}

/// Takes the store for this run.
pub(super) async fn hold(
    location: &Location,
    holder: &Holder,
    lock_timeout: Duration,
) -> Result<Box<dyn FactStore>, JournalError> {
    let store: Box<dyn FactStore> = match &location.kind {
        Kind::File(path) => Box::new(sqlite::hold(path, holder, lock_timeout).await?),
        Kind::Postgres(server) => Box::new(postgres::hold(server, holder, lock_timeout).await?),
    };
    #[cfg(feature = "planted-bugs")]
    let store = crate::planted::store(store);
    Ok(store)
}

/// Loads what the store holds, and starts the writer. What was stored by an earlier certplan, or is not what
/// the facts say, is stored anew.
async fn start(
    mut store: Box<dyn FactStore>,
    holder: &Holder,
    paths: &NotePaths,
    name: &str,
) -> Result<HeldJournal, JournalError> {
    let reader = store.reader();
    let noted = Noted::read(paths, reader).await?;
    let loaded = match load(reader).await {
        Ok(loaded) => loaded,
        Err(broken) => return Err(broken.explain(reader)),
    };
    loaded.check_usable(name)?;
    let mark = loaded.mark();
    let gap = noted.gap(&mark, reader).await?;
    let notes = Notes::open(paths, reader).await?;
    if loaded.sum.is_none() {
        reader.check_pages(false).await?;
    }
    store.enter(&holder.run).await?;
    let sum = seal(store.as_mut(), &loaded).await?;
    let durable = Durable {
        mark,
        records: loaded.replay.records,
        bindings: loaded.bindings,
    };
    let writer = Writer {
        store,
        durable: Arc::new(Mutex::new(durable)),
        tip: loaded.replay.tip,
        sum,
        notes,
        poison: None,
        unread: loaded.sum.is_some(),
    };
    HeldJournal::start(writer, gap)
}
