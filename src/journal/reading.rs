//! The journal for those who only look: `plan`, `status`, `history`. Nothing is created, changed or
//! waited for, and a run that holds the journal is not disturbed.

use std::path::Path;

use super::binding::Bindings;
use super::condensed;
use super::load::{Fault, Loaded, holds, load, load_all};
use super::store::sqlite::schema::{Reading, check_pages, open_for_reading};
use super::store::sqlite::state_file::StateFile;
use super::{JournalError, StateMark};
use crate::model::{Address, Digest, Fact, Records, RunId};

/// How often a journal is read again because a run began or ended meanwhile.
const TRIES: u32 = 8;

/// A journal as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Every record.
    pub records: Records,
    /// Where the journal stood.
    pub mark: StateMark,
    /// The CA accounts it was written for.
    pub bindings: Bindings,
}

/// One line of the journal, with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// 1, 2, 3, ... without a gap.
    pub seq: u64,
    /// What it says.
    pub fact: Fact,
    /// Its hash, over the fact and the hash before it.
    pub hash: Digest,
}

/// Which lines are wanted; the default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryFilter {
    /// Only those about this item.
    pub address: Option<Address>,
    /// Only those of this run.
    pub run: Option<RunId>,
    /// At most so many: the newest.
    pub limit: Option<usize>,
}

impl HistoryFilter {
    pub(super) fn wants(&self, fact: &Fact) -> bool {
        self.address
            .as_ref()
            .is_none_or(|address| *address == fact.address)
            && self.run.as_ref().is_none_or(|run| *run == fact.run)
    }
}

/// A journal that was checked from its first fact to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many facts.
    pub facts: u64,
    /// The last one's hash: noted elsewhere, it shows later that nothing up to here was changed.
    pub head: Digest,
    /// The journal's UUID.
    pub lineage: String,
}

/// Why a journal does not stand the check.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// The first fact that is not as it was written, or that cannot follow the ones before it.
    #[error("{error}")]
    Broken {
        /// Its number.
        seq: u64,
        /// The whole story, [`JournalError::Corrupt`].
        error: JournalError,
    },
    /// Something else.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Reads the records; `None` when there is no journal. Every fact is checked on the way, but for those
/// whose records were kept: they are told by the hash that stands for them all.
///
/// Errors: [`JournalError::Newer`], [`JournalError::Corrupt`], [`JournalError::Unusable`].
pub(super) fn read(path: &Path) -> Result<Option<Snapshot>, JournalError> {
    let found = look(path, |place, connection| {
        load(connection, condensed::read(place))
    })?;
    Ok(found.map(|loaded| Snapshot {
        mark: loaded.mark(),
        records: loaded.replay.records,
        bindings: loaded.bindings,
    }))
}

/// The lines that pass a filter, oldest first; none when there is no journal. Errors as [`read`]: a
/// damaged journal shows nothing rather than something that may not be true.
pub(super) fn history(path: &Path, filter: &HistoryFilter) -> Result<Vec<Line>, JournalError> {
    let found = look(path, |_, connection| {
        let mut lines = Vec::new();
        load_all(connection, |fact, hash, after| {
            if filter.wants(&fact) {
                let seq = after.serial;
                lines.push(Line { seq, fact, hash });
            }
            Ok(())
        })?;
        Ok(lines)
    })?;
    let mut lines = found.unwrap_or_default();
    if let Some(limit) = filter.limit {
        lines.drain(..lines.len().saturating_sub(limit));
    }
    Ok(lines)
}

/// Checks everything: the pages of the database, the chain, that each fact could follow the ones
/// before it, and that the kept records are what the facts say. `None` when there is no journal.
pub(super) fn verify(path: &Path) -> Result<Option<Verified>, VerifyError> {
    let mut first_bad = None;
    let found = look(path, |place, connection| {
        first_bad = None;
        let kept = condensed::read(place).filter(|kept| holds(connection, kept).unwrap_or(false));
        let loaded = load_all(connection, |_, _, after| match &kept {
            Some(kept) if kept.replay.serial == after.serial && kept.replay != *after => {
                Err(Fault::Kept)
            }
            _ => Ok(()),
        })
        .inspect_err(|fault| {
            first_bad = match fault {
                Fault::Fact(broken) => Some(broken.seq),
                _ => None,
            };
        })?;
        Ok((loaded, check_pages(place, connection, "integrity_check")))
    });
    match (found, first_bad) {
        (Err(error), Some(seq)) => Err(VerifyError::Broken { seq, error }),
        (Err(error), None) => Err(error.into()),
        (Ok(None), _) => Ok(None),
        (Ok(Some((loaded, pages))), _) => {
            pages?;
            Ok(Some(verified(&loaded)))
        }
    }
}

fn verified(loaded: &Loaded) -> Verified {
    let mark = loaded.mark();
    Verified {
        facts: mark.serial,
        head: mark.head,
        lineage: mark.lineage,
    }
}

/// Runs `work` on a connection that sees the journal as of one moment; `None` when there is none.
fn look<T>(
    path: &Path,
    mut work: impl FnMut(&StateFile, &rusqlite::Connection) -> Result<T, Fault>,
) -> Result<Option<T>, JournalError> {
    let Some(place) = StateFile::find(path)? else {
        return Ok(None);
    };
    for _ in 0..TRIES {
        if !place.check_database()? {
            return Ok(None);
        }
        let Some(before) = place.trace()? else {
            continue;
        };
        let reading = if before.beside {
            Reading::Shared
        } else {
            Reading::Alone
        };
        let answer = open_for_reading(&place, reading)
            .and_then(|connection| work(&place, &connection).map_err(|fault| fault.at(&place)));
        // Without locks only an unchanged file was read as of one moment.
        if reading == Reading::Shared || place.trace()?.as_ref() == Some(&before) {
            return answer.map(Some);
        }
    }
    Err(place.unusable("other runs write to it again and again: try once more"))
}
