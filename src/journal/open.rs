//! Taking a journal for a run, by its location: the one entrance to both kinds of store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::durable::Durable;
use super::handle::HeldJournal;
use super::load::{Loaded, load};
use super::location::{Kind, Location};
use super::notes::{NotePlaces, Noted, Notes};
use super::records::{self, Sum};
use super::store::sqlite::lock::Holder;
use super::store::{Batch, FactStore, Fault, Frame, postgres, sqlite};
use super::writer::Writer;
use super::{Journal, JournalError};
use crate::model::Records;

/// So many records go into the store at a time when they are made anew.
const CHUNK: usize = 1_000;

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
    let store: Box<dyn FactStore> = match &location.kind {
        Kind::File(path) => Box::new(sqlite::hold(path, &holder, lock_timeout).await?),
        Kind::Postgres(server) => Box::new(postgres::hold(server, &holder, lock_timeout).await?),
    };
    #[cfg(feature = "planted-bugs")]
    let store = crate::planted::store(store);
    start(store, &holder, &location.notes()?).await
}

/// Loads what the store holds, and starts the writer. What was stored by an earlier certplan, or is not what
/// the facts say, is stored anew.
async fn start(
    mut store: Box<dyn FactStore>,
    holder: &Holder,
    places: &NotePlaces,
) -> Result<HeldJournal, JournalError> {
    let reader = store.reader();
    let noted = Noted::read(places, reader).await?;
    let loaded = match load(reader).await {
        Ok(loaded) => loaded,
        Err(broken) => return Err(broken.explain(reader)),
    };
    let mark = loaded.mark();
    let gap = noted.gap(&mark, reader).await?;
    let notes = Notes::open(places, reader).await?;
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

/// Makes sure that the stored records are those of the last fact; their sum.
async fn seal(store: &mut dyn FactStore, loaded: &Loaded) -> Result<Sum, JournalError> {
    if let Some(sum) = &loaded.sum {
        return Ok(sum.clone());
    }
    let records = &loaded.replay.records;
    let sum = Sum::of(records).map_err(|error| JournalError::Write(error.to_string()))?;
    let frame = &loaded.frame;
    let seal = sum.seal(&frame.lineage, frame.serial, frame.tip);
    if frame.seal.as_ref() != Some(&seal) {
        let frame = Frame {
            seal: Some(seal),
            ..frame.clone()
        };
        while let Err(fault) = store_records(store, &frame, records).await {
            match fault {
                Fault::Lost(lost) => store.reconnect(lost).await?,
                Fault::Final(error) => {
                    store.roll_back().await;
                    return Err(error);
                }
            }
        }
    }
    Ok(sum)
}

/// Makes the stored records those that follow from the facts: adds, changes and removes what differs.
async fn store_records(
    store: &mut dyn FactStore,
    frame: &Frame,
    records: &Records,
) -> Result<(), Fault> {
    store.begin().await?;
    let mut gone = Vec::new();
    let mut same = std::collections::BTreeSet::new();
    let mut after = String::new();
    loop {
        let rows = store.reader().records_after(&after, CHUNK).await?;
        let Some((last, _)) = rows.last() else { break };
        last.clone_into(&mut after);
        for (address, stored) in rows {
            match records::parse(&address, &stored) {
                Some((known, record)) if records.get(&known) == Some(&record) => {
                    same.insert(known);
                }
                Some((known, _)) if records.contains_key(&known) => {}
                _ => gone.push(address),
            }
        }
    }
    let mut changed = Vec::new();
    for (address, record) in records {
        if !same.contains(address) {
            let text = records::text(record)
                .map_err(|error| Fault::Final(JournalError::Write(error.to_string())))?;
            changed.push((address.to_string(), text));
        }
    }
    let mut batch = Batch {
        gone,
        ..Batch::of_bindings(frame.clone(), Vec::new())
    };
    loop {
        let rest = changed.split_off(changed.len().min(CHUNK));
        batch.records = changed;
        store.insert(&batch).await?;
        batch.gone.clear();
        changed = rest;
        if changed.is_empty() {
            break;
        }
    }
    store.commit().await
}

/// Makes or updates the tables of a journal in PostgreSQL; the schema's version. `None` for a file,
/// which is made and updated by the run that holds it.
pub async fn migrate(location: &Location) -> Result<Option<i32>, JournalError> {
    match &location.kind {
        Kind::File(_) => Ok(None),
        Kind::Postgres(server) => postgres::migrate(server).await.map(Some),
    }
}
