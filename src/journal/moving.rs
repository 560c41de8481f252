//! Taking a journal over into another store: every fact as it is, its chain checked before and after, what
//! the accounts were bound to and the open doubts with it. The source is closed for good by a last fact that
//! names the target, so that two journals never stand for one account.
//!
//! In three steps: the facts are copied into the target, which refuses every other use meanwhile; the source
//! is closed; the target takes the closing fact and says that it goes on. Interrupted before the source is
//! closed, that one goes on as if nothing had been; interrupted later, the same command finishes.

use std::time::Duration;

use jiff::Timestamp;

use super::JournalError;
use super::binding::StoredBinding;
use super::chain::{Replay, StoredFact};
use super::load::{Loaded, load_all};
use super::location::Location;
use super::notes::Notes;
use super::open::hold;
use super::reading::exists;
use super::resealing::{batches, sealed};
use super::store::sqlite::lock::Holder;
use super::store::{Batch, FactStore, Frame};
use super::transaction::write_once;
use crate::model::{Entry, JournalFact, JournalFactBody, RunId};

/// So many facts are copied in one transaction.
const CHUNK: usize = 1_000;

/// A journal that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// How many facts came from the source.
    pub facts: u64,
    /// The journal's UUID, which stays.
    pub lineage: String,
}

/// Takes the journal at `from` over into `to`, which must be empty. Both are held meanwhile.
///
/// Errors: [`JournalError::Held`] for either; [`JournalError::NotEmpty`]; [`JournalError::Moved`] when the
/// source was moved elsewhere; whatever is wrong with the source's facts.
pub async fn take_over(
    from: &Location,
    to: &Location,
    holder: &Holder,
) -> Result<TakenOver, JournalError> {
    let refuse = |why: &str| {
        Err(JournalError::Unusable {
            path: from.full_name().into(),
            why: why.to_owned(),
        })
    };
    if !exists(from).await? {
        return refuse("there is no journal");
    }
    if from.is_same(to).await? {
        return refuse("a state cannot be taken over from itself: name another one with `--state`");
    }
    let mut source = Side::hold(from, holder).await?;
    let mut target = Side::hold(to, holder).await?;
    let taken = copy(&mut source, &mut target, &holder.run).await;
    if taken.is_ok() {
        source.note(from).await?;
        target.note(to).await?;
    }
    let closed = source.store.close(true).await;
    target.store.close(true).await.and(closed)?;
    taken
}

/// One of the two journals, held.
struct Side {
    /// As `--state` names it.
    name: String,
    store: Box<dyn FactStore>,
    loaded: Loaded,
}

impl Side {
    /// Holds a journal and checks all of it.
    async fn hold(location: &Location, holder: &Holder) -> Result<Self, JournalError> {
        let mut store = hold(location, holder, Duration::ZERO).await?;
        let loaded = read_all(store.as_mut()).await?;
        store.reader().check_pages(true).await?;
        store.enter(&holder.run).await?;
        Ok(Self {
            name: location.full_name(),
            store,
            loaded,
        })
    }

    /// Where the journal stands after one more fact, and that fact.
    fn then(
        &self,
        run: &RunId,
        body: JournalFactBody,
    ) -> Result<(StoredFact, Frame), JournalError> {
        let fact = Entry::Journal(JournalFact {
            at: Timestamp::now(),
            run: run.clone(),
            body,
        });
        let replay = &self.loaded.replay;
        let serial = replay.serial.saturating_add(1);
        let (row, tip) = StoredFact::link(&fact, serial, &replay.tip)
            .map_err(|broken| JournalError::Write(broken.to_string()))?;
        let frame = Frame {
            lineage: self.loaded.frame.lineage.clone(),
            serial,
            tip,
            seal: None,
            filling: None,
        };
        let (_, frame) = sealed(&frame, &replay.records)?;
        Ok((row, frame))
    }

    /// Notes on this host how far the journal has come.
    async fn note(&mut self, location: &Location) -> Result<(), JournalError> {
        let notes = Notes::open(&location.notes()?, self.store.reader()).await?;
        notes.note(&self.loaded.mark());
        Ok(())
    }
}

async fn read_all(store: &mut dyn FactStore) -> Result<Loaded, JournalError> {
    let reader = store.reader();
    let loaded = load_all(reader, &mut |_, _, _| ()).await;
    loaded.map_err(|broken| broken.explain(reader))
}

async fn copy(
    source: &mut Side,
    target: &mut Side,
    run: &RunId,
) -> Result<TakenOver, JournalError> {
    let moved = source.loaded.replay.moved.clone();
    if let Some(from) = &source.loaded.frame.filling {
        return Err(JournalError::Unfinished {
            path: source.name.clone().into(),
            from: from.clone(),
        });
    }
    if let Some(to) = moved.as_ref().filter(|to| **to != target.name) {
        return Err(JournalError::Moved {
            path: source.name.clone().into(),
            to: to.clone(),
        });
    }
    let taken = TakenOver {
        facts: source.loaded.replay.serial - u64::from(moved.is_some()),
        lineage: source.loaded.frame.lineage.clone(),
    };
    if moved.is_some() && goes_on(source, target).await? {
        return Ok(taken);
    }
    check_takes(source, target)?;
    fill(source, target).await?;
    if moved.is_none() {
        let to = target.name.clone();
        let (row, frame) = source.then(run, JournalFactBody::Moved { to })?;
        write_once(source.store.as_mut(), &[Batch::of_facts(frame, vec![row])]).await?;
        source.loaded = read_all(source.store.as_mut()).await?;
        fill(source, target).await?;
    }
    finish(source, target, run).await?;
    Ok(taken)
}

/// True when the target already goes on with what came from the source.
async fn goes_on(source: &Side, target: &mut Side) -> Result<bool, JournalError> {
    let (ours, theirs) = (&source.loaded.replay, &target.loaded.replay);
    if target.loaded.frame.filling.is_some() || theirs.serial <= ours.serial {
        return Ok(false);
    }
    let before = ours.serial.saturating_sub(1);
    let found = target.store.reader().facts_after(before, 1).await?;
    Ok(match found.first() {
        Some(Ok(fact)) => fact.hash == ours.tip.bytes(),
        Some(Err(_)) | None => false,
    })
}

/// Refuses a target that holds anything but a part of the source.
fn check_takes(source: &Side, target: &Side) -> Result<(), JournalError> {
    let frame = &target.loaded.frame;
    let is_a_part = frame.filling.is_some() && frame.lineage == source.loaded.frame.lineage;
    let is_empty =
        frame.filling.is_none() && frame.serial == 0 && target.loaded.bindings.is_empty();
    if is_a_part || is_empty {
        return Ok(());
    }
    Err(JournalError::NotEmpty {
        path: target.name.clone().into(),
        facts: frame.serial,
    })
}

/// Copies the facts that the target does not have yet. It refuses every other use from the first one on.
async fn fill(source: &mut Side, target: &mut Side) -> Result<(), JournalError> {
    let lineage = &source.loaded.frame.lineage;
    let (mut serial, mut tip) = match &target.loaded.frame {
        frame if frame.lineage == *lineage => (frame.serial, frame.tip),
        _ => (0, Replay::begin(lineage).tip),
    };
    loop {
        let found = source.store.reader().facts_after(serial, CHUNK).await?;
        if found.is_empty() && target.loaded.frame.filling.is_some() {
            return Ok(());
        }
        let mut facts = Vec::with_capacity(found.len());
        for fact in found {
            serial = serial.saturating_add(1);
            // Read once before; a target that holds other facts than the source does not fit here.
            let checked = fact.and_then(|fact| {
                let hash = fact.check_link(serial, &tip);
                hash.map(|hash| (fact, hash))
                    .map_err(|broken| broken.to_string())
            });
            let (fact, hash) = checked.map_err(|why| target.store.reader().corrupt(why))?;
            facts.push(fact);
            tip = hash;
        }
        let frame = Frame {
            lineage: lineage.clone(),
            serial,
            tip,
            seal: None,
            filling: Some(source.name.clone()),
        };
        let batch = Batch::of_facts(frame.clone(), facts);
        write_once(target.store.as_mut(), &[batch]).await?;
        target.loaded.frame = frame;
    }
}

/// Lets the target go on, with the records and bindings of the source, and holds it against the source.
async fn finish(source: &Side, target: &mut Side, run: &RunId) -> Result<(), JournalError> {
    target.loaded = read_all(target.store.as_mut()).await?;
    let from = source.name.clone();
    let (row, frame) = target.then(run, JournalFactBody::TakenOver { from })?;
    let bindings = source.loaded.bindings.iter();
    let bindings = bindings
        .map(|bound| StoredBinding::new(&frame.lineage, &bound))
        .collect();
    let mut writes = batches(&frame, source.loaded.replay.records.iter())?;
    writes.push(Batch {
        facts: vec![row],
        ..Batch::of_bindings(frame, bindings)
    });
    write_once(target.store.as_mut(), &writes).await?;
    target.loaded = read_all(target.store.as_mut()).await?;
    let (ours, theirs) = (&source.loaded, &target.loaded);
    if theirs.replay.records != ours.replay.records || theirs.bindings != ours.bindings {
        let why = format!("it does not hold what {} does", source.name);
        return Err(target.store.reader().corrupt(why));
    }
    Ok(())
}
