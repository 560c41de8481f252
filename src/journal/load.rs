//! Store -> records: checks every fact and how the journal ends, or takes the stored records of a long
//! journal instead of its facts. Main type: [`Loaded`].

use super::chain::{BrokenFact, Replay};
use super::records::{self, Sum};
use super::store::{FactReader, Frame};
use super::{Bindings, JournalError, StateMark};
use crate::model::{Digest, Entry, JournalFactBody, Records};

/// Below so many facts they are all read: that takes less than a tenth of a second.
pub(super) const MANY: u64 = 10_000;
/// So many rows are read at a time.
const CHUNK: usize = 1_000;

/// Everything that a journal says.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) frame: Frame,
    pub(super) replay: Replay,
    pub(super) bindings: Bindings,
    /// The sum of the stored records, where they were taken instead of the facts.
    pub(super) sum: Option<Sum>,
}

impl Loaded {
    /// Refuses a journal that goes on elsewhere, or is not yet complete.
    pub(super) fn check_usable(&self, name: &str) -> Result<(), JournalError> {
        match (&self.frame.filling, &self.replay.moved) {
            (Some(from), _) => Err(JournalError::Unfinished {
                path: name.into(),
                from: from.clone(),
            }),
            (None, Some(to)) => Err(JournalError::Moved {
                path: name.into(),
                to: to.clone(),
            }),
            (None, None) => Ok(()),
        }
    }

    pub(super) fn mark(&self) -> StateMark {
        StateMark {
            lineage: self.frame.lineage.clone(),
            serial: self.replay.serial,
            head: self.replay.head(),
        }
    }
}

/// Why a journal could not be loaded.
#[derive(Debug)]
pub(super) enum Broken {
    /// The store could not read.
    Store(JournalError),
    /// A fact is not as it was written.
    Fact(BrokenFact),
    /// What stands beside the facts is not as it was written.
    Frame(String),
    /// The stored records are not what the facts say.
    Records(String),
}

impl From<JournalError> for Broken {
    fn from(error: JournalError) -> Self {
        Self::Store(error)
    }
}

impl Broken {
    /// The error of a journal that was read so.
    pub(super) fn explain(self, reader: &dyn FactReader) -> JournalError {
        match self {
            Self::Store(error) => error,
            Self::Fact(broken) => reader.corrupt(broken.to_string()),
            Self::Frame(why) => reader.corrupt(why),
            Self::Records(why) => JournalError::Records(why),
        }
    }
}

/// Sees each fact with its hash and where the journal then stands.
pub(super) type Each<'a> = &'a mut (dyn FnMut(Entry, Digest, &Replay) + Send);

/// Reads the journal: the stored records of a long one, if they are whole and stand at its last fact; else
/// every fact.
pub(super) async fn load(reader: &mut dyn FactReader) -> Result<Loaded, Broken> {
    load_many(reader, MANY).await
}

/// The same with another measure of what is long.
pub(super) async fn load_many(reader: &mut dyn FactReader, many: u64) -> Result<Loaded, Broken> {
    let frame = reader.frame().await?;
    if frame.serial >= many
        && let Some((replay, sum)) = stored_records(reader, &frame).await?
    {
        let bindings = bindings(reader, &frame.lineage).await?;
        return Ok(Loaded {
            frame,
            replay,
            bindings,
            sum: Some(sum),
        });
    }
    from_the_first(reader, frame, &mut |_, _, _| ()).await
}

/// Reads every fact.
pub(super) async fn load_all(
    reader: &mut dyn FactReader,
    each: Each<'_>,
) -> Result<Loaded, Broken> {
    let frame = reader.frame().await?;
    from_the_first(reader, frame, each).await
}

async fn from_the_first(
    reader: &mut dyn FactReader,
    frame: Frame,
    each: Each<'_>,
) -> Result<Loaded, Broken> {
    let mut replay = Replay::begin(&frame.lineage);
    loop {
        let found = reader.facts_after(replay.serial, CHUNK).await?;
        let is_last = found.len() < CHUNK;
        for row in found {
            let stored = row.map_err(|why| {
                // Named by the number that it should have.
                Broken::Fact(BrokenFact {
                    seq: replay.serial.saturating_add(1),
                    why,
                })
            })?;
            let (entry, hash) = replay.take(&stored).map_err(Broken::Fact)?;
            each(entry, hash, &replay);
        }
        if is_last {
            break;
        }
    }
    check_end(&frame, &replay)?;
    let bindings = bindings(reader, &frame.lineage).await?;
    Ok(Loaded {
        frame,
        replay,
        bindings,
        sum: None,
    })
}

/// The chain cannot show that its last facts are gone; what is noted beside it does.
fn check_end(frame: &Frame, replay: &Replay) -> Result<(), Broken> {
    if frame.serial != replay.serial {
        return Err(Broken::Fact(BrokenFact {
            seq: replay.serial.saturating_add(1),
            why: format!(
                "it is missing; the journal ends at {} facts, but {} were written",
                replay.serial, frame.serial
            ),
        }));
    }
    if frame.tip != replay.tip {
        return Err(Broken::Frame(
            "the last hash is not the one that was noted".to_owned(),
        ));
    }
    Ok(())
}

async fn bindings(reader: &mut dyn FactReader, lineage: &str) -> Result<Bindings, Broken> {
    let mut bindings = Bindings::default();
    for stored in reader.bindings().await? {
        bindings.add(stored.check(lineage).map_err(Broken::Frame)?);
    }
    Ok(bindings)
}

/// The stored records; `None` when they are of another version, or are not those of the last fact. That
/// no fact before it is missing is told by their number, that their text was not changed only by
/// [`check_chain`].
async fn stored_records(
    reader: &mut dyn FactReader,
    frame: &Frame,
) -> Result<Option<(Replay, Sum)>, Broken> {
    let Some(seal) = frame.seal.as_ref().filter(|seal| seal.is_ours()) else {
        return Ok(None);
    };
    let before = frame.serial.saturating_sub(1);
    let last = reader.facts_after(before, 2).await?;
    let last = match last.as_slice() {
        [Ok(last)] => last.read_at(frame.serial, &frame.tip),
        _ => None,
    };
    let Some(last) = last else {
        return Ok(None);
    };
    if reader.count().await? != frame.serial {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut sum = Sum::default();
    let mut after = String::new();
    loop {
        let rows = reader.records_after(&after, CHUNK).await?;
        let Some((last, _)) = rows.last() else { break };
        last.clone_into(&mut after);
        for (address, text) in rows {
            sum.toggle(&address, &text);
            let Some(record) = records::parse(&address, &text) else {
                return Ok(None);
            };
            found.push(record);
        }
    }
    if sum.seal(&frame.lineage, frame.serial, frame.tip).digest != seal.digest {
        return Ok(None);
    }
    let replay = Replay {
        records: Records::from_iter(found),
        serial: frame.serial,
        tip: frame.tip,
        moved: match last {
            Entry::Journal(fact) => match fact.body {
                JournalFactBody::Moved { to } => Some(to),
                JournalFactBody::TakenOver { .. } => None,
            },
            Entry::Item(_) => None,
        },
    };
    Ok(Some((replay, sum)))
}

/// Looks at every fact once more without reading what it says, for a run that took the stored records.
pub(super) async fn check_chain(reader: &mut dyn FactReader) -> Result<(), Broken> {
    let frame = reader.frame().await?;
    let Replay {
        mut serial,
        mut tip,
        ..
    } = Replay::begin(&frame.lineage);
    loop {
        let found = reader.facts_after(serial, CHUNK).await?;
        let is_last = found.len() < CHUNK;
        for row in found {
            serial = serial.saturating_add(1);
            let broken = |why| Broken::Fact(BrokenFact { seq: serial, why });
            tip = row
                .map_err(broken)?
                .check_link(serial, &tip)
                .map_err(Broken::Fact)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Compares the stored records with what the facts say, where this certplan made them.
pub(super) async fn check_records(
    reader: &mut dyn FactReader,
    loaded: &Loaded,
) -> Result<(), Broken> {
    if !loaded
        .frame
        .seal
        .as_ref()
        .is_some_and(records::Seal::is_ours)
    {
        return Ok(());
    }
    let mut left = loaded.replay.records.iter();
    let mut after = String::new();
    let mut stored = Records::new();
    loop {
        let rows = reader.records_after(&after, CHUNK).await?;
        let Some((last, _)) = rows.last() else { break };
        last.clone_into(&mut after);
        for (address, text) in rows {
            let (address, record) = records::parse(&address, &text).ok_or_else(|| {
                Broken::Records(format!(
                    "the record of {} cannot be read",
                    address.escape_debug()
                ))
            })?;
            stored.insert(address, record);
        }
    }
    let differs = left.find(|(address, record)| stored.get(address) != Some(record));
    let unknown = stored
        .keys()
        .find(|address| !loaded.replay.records.contains_key(address));
    match differs.map(|(address, _)| address).or(unknown) {
        Some(address) => Err(Broken::Records(format!(
            "the record of {address} is not what its facts say"
        ))),
        None => Ok(()),
    }
}
