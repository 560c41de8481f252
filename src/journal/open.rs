//! Taking a journal for a run, by its location: the one entrance to both kinds of store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::anchor::{self, Anchor, AnchorFile};
use super::durable::Durable;
use super::handle::HeldJournal;
use super::load::{Loaded, load};
use super::records::{self, Sum};
use super::store::sqlite::lock::Holder;
use super::store::{Batch, FactStore, Fault, Frame, postgres, sqlite};
use super::writer::Writer;
use super::{Journal, JournalError, Location};
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
    let (store, note) = match location {
        Location::File(path) => {
            let store = sqlite::hold(path, &holder, lock_timeout).await?;
            let note = store.anchor();
            (Box::new(store) as Box<dyn FactStore>, Some(note))
        }
        Location::Postgres(server) => {
            let store = postgres::hold(server, &holder, lock_timeout).await?;
            let note = server.anchor().map(ToOwned::to_owned);
            (Box::new(store) as Box<dyn FactStore>, note)
        }
    };
    #[cfg(feature = "planted-bugs")]
    let store = crate::planted::store(store);
    let known = note.as_deref().and_then(anchor::read);
    start(store, &holder, known, note.as_deref().map(AnchorFile::open)).await
}

/// Loads what the store holds, and starts the writer. What was stored by an earlier certplan, or is not what
/// the facts say, is stored anew.
async fn start(
    mut store: Box<dyn FactStore>,
    holder: &Holder,
    known: Option<Anchor>,
    anchor: Option<AnchorFile>,
) -> Result<HeldJournal, JournalError> {
    let reader = store.reader();
    let loaded = match load(reader).await {
        Ok(loaded) => loaded,
        Err(broken) => return Err(broken.explain(reader)),
    };
    if loaded.sum.is_none() {
        reader.check_pages(false).await?;
    }
    store.enter(&holder.run).await?;
    let sum = seal(store.as_mut(), &loaded).await?;
    let mark = loaded.mark();
    let went_back = known.is_some_and(|known| known.is_ahead_of(Some(&mark)));
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
        anchor,
        poison: None,
        unread: loaded.sum.is_some(),
    };
    HeldJournal::start(writer, went_back)
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

/// The anchor of a journal; read it before the journal, or a run that writes meanwhile is taken for a
/// journal that went back.
pub fn anchor(location: &Location) -> Result<Option<Anchor>, JournalError> {
    match location {
        Location::File(path) => anchor::anchor(path),
        Location::Postgres(server) => Ok(server.anchor().and_then(anchor::read)),
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
