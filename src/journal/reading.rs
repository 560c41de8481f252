//! The journal for those who only look: `plan`, `status`, `history`. Nothing is created, changed or
//! waited for, and a run that holds the journal is not disturbed.

use super::binding::Bindings;
use super::load::{Broken, Loaded, check_records, load, load_all};
use super::location::{Kind, Location};
use super::notes::{Gap, Noted, gap_without_journal};
use super::store::Whereabouts;
use super::store::{FactReader, postgres, sqlite};
use super::{JournalError, StateMark};
use crate::model::{Address, Digest, Entry, Records, RunId};

/// A journal as of one moment. One that is not there has no lineage, and knows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Every record.
    pub records: Records,
    /// Where the journal stood.
    pub mark: StateMark,
    /// The CA accounts it was written for.
    pub bindings: Bindings,
    /// Why it may not know everything that was done; `None` when it does.
    pub gap: Option<Gap>,
}

impl Snapshot {
    /// Where no journal is.
    fn absent(gap: Gap) -> Self {
        Self {
            records: Records::new(),
            mark: StateMark {
                lineage: String::new(),
                serial: 0,
                head: Digest::of(b""),
            },
            bindings: Bindings::default(),
            gap: Some(gap),
        }
    }

    /// False where no journal is.
    pub fn exists(&self) -> bool {
        !self.mark.lineage.is_empty()
    }

    /// True when something may have been done at its accounts that it does not know.
    pub fn may_lack_facts(&self) -> bool {
        self.gap.is_some()
    }
}

/// One line of the journal, with its position in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// 1, 2, 3, ... without a gap.
    pub seq: u64,
    /// What it says.
    pub entry: Entry,
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
    fn wants(&self, entry: &Entry) -> bool {
        self.address
            .as_ref()
            .is_none_or(|address| entry.item().is_some_and(|fact| fact.address == *address))
            && self.run.as_ref().is_none_or(|run| run == entry.run())
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

/// Reads the records without holding the journal. Every fact of a short journal is checked on the way; a
/// long one is told by the hash that stands for them all.
///
/// Errors: [`JournalError::Newer`], [`JournalError::Corrupt`], [`JournalError::Unusable`],
/// [`JournalError::Moved`], [`JournalError::Unfinished`].
pub async fn read(location: &Location) -> Result<Snapshot, JournalError> {
    let places = location.notes()?;
    let found = with_reader(location, async |reader: &mut dyn FactReader| {
        let noted = Noted::read(&places, reader).await?;
        reader.moment().await?;
        let loaded = load(reader).await?;
        let gap = noted.gap(&loaded.mark(), reader).await?;
        Ok((loaded, gap))
    });
    match found.await? {
        Some((loaded, gap)) => {
            loaded.check_usable(&location.full_name())?;
            Ok(Snapshot {
                mark: loaded.mark(),
                records: loaded.replay.records,
                bindings: loaded.bindings,
                gap,
            })
        }
        None => {
            let whereabouts = match &location.kind {
                Kind::File(_) => Whereabouts::of_a_file(),
                Kind::Postgres(server) => postgres::whereabouts(server).await?,
            };
            Ok(Snapshot::absent(gap_without_journal(&places, &whereabouts)))
        }
    }
}

/// The lines that pass a filter, oldest first; none when there is no journal. Errors as [`read`]: a
/// damaged journal shows nothing rather than something that may not be true.
pub async fn history(
    location: &Location,
    filter: &HistoryFilter,
) -> Result<Vec<Line>, JournalError> {
    let found = with_reader(location, async |reader: &mut dyn FactReader| {
        let mut lines = Vec::new();
        reader.moment().await?;
        load_all(reader, &mut |entry, hash, after| {
            if filter.wants(&entry) {
                let seq = after.serial;
                lines.push(Line { seq, entry, hash });
            }
        })
        .await?;
        Ok(lines)
    });
    let mut lines = found.await?.unwrap_or_default();
    if let Some(limit) = filter.limit {
        lines.drain(..lines.len().saturating_sub(limit));
    }
    Ok(lines)
}

/// Checks everything: the pages of a file, the chain, that each fact could follow the ones before it, and
/// that the stored records are what the facts say. `None` when there is no journal.
pub async fn verify(location: &Location) -> Result<Option<Verified>, VerifyError> {
    let mut first_bad = None;
    let found = with_reader(location, async |reader: &mut dyn FactReader| {
        first_bad = None;
        reader.moment().await?;
        let loaded = load_all(reader, &mut |_, _, _| ())
            .await
            .inspect_err(|broken| {
                first_bad = match broken {
                    Broken::Fact(fact) => Some(fact.seq),
                    Broken::Store(_) | Broken::Frame(_) | Broken::Records(_) => None,
                };
            })?;
        reader.check_pages(true).await?;
        check_records(reader, &loaded).await?;
        Ok(loaded)
    })
    .await;
    match (found, first_bad) {
        (Err(error), Some(seq)) => Err(VerifyError::Broken { seq, error }),
        (Err(error), None) => Err(error.into()),
        (Ok(found), _) => Ok(found.as_ref().map(verified)),
    }
}

/// True where a journal is, with facts or without.
pub(super) async fn exists(location: &Location) -> Result<bool, JournalError> {
    let found = with_reader(location, async |_: &mut dyn FactReader| Ok(()));
    Ok(found.await?.is_some())
}

fn verified(loaded: &Loaded) -> Verified {
    let mark = loaded.mark();
    Verified {
        facts: mark.serial,
        head: mark.head,
        lineage: mark.lineage,
    }
}

/// Runs `work` on what the journal holds; `None` when there is none.
async fn with_reader<T>(
    location: &Location,
    mut work: impl AsyncFnMut(&mut dyn FactReader) -> Result<T, Broken>,
) -> Result<Option<T>, JournalError> {
    // What is wrong is explained while the store is at hand.
    let explained = async |reader: &mut dyn FactReader| {
        let done = work(reader).await;
        done.map_err(|broken| broken.explain(reader))
    };
    match &location.kind {
        Kind::File(path) => sqlite::read(path, explained).await,
        Kind::Postgres(server) => postgres::read(server, explained).await,
    }
}
