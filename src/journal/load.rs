//! Journal file -> records: reads the rows and checks each of them, and how the journal ends. All rows
//! for a full check; else those after the records that were kept beside the database, if those fit.

use rusqlite::{Connection, OptionalExtension};

use super::chain::{BrokenFact, COLUMNS, Replay, StoredFact};
use super::condensed::{self, Condensed};
use super::store::sqlite::schema::explain;
use super::store::sqlite::state_file::StateFile;
use super::{Binding, Bindings, JournalError, StateMark, binding};
use crate::model::{Digest, Fact};

/// Everything that a journal says.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) lineage: String,
    pub(super) replay: Replay,
    pub(super) bindings: Bindings,
    /// How many facts were not read, because their records were kept.
    pub(super) unread: u64,
}

impl Loaded {
    pub(super) fn mark(&self) -> StateMark {
        StateMark {
            lineage: self.lineage.clone(),
            serial: self.replay.serial,
            head: self.replay.head(),
        }
    }
}

/// Why a journal could not be loaded.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite could not read.
    Storage(rusqlite::Error),
    /// A fact is not as it was written.
    Fact(BrokenFact),
    /// What stands beside the facts is not as it was written.
    Frame(String),
    /// The kept records are not what the facts say.
    Kept,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

impl Fault {
    pub(super) fn at(self, place: &StateFile) -> JournalError {
        match self {
            Self::Storage(error) => explain(place, &error),
            Self::Fact(broken) => place.corrupt(broken.to_string()),
            Self::Frame(why) => place.corrupt(why),
            Self::Kept => place.unusable(format!(
                "its facts are whole, but the records kept in `{}` are not what they say: remove that file, and look at what was done since it was written",
                condensed::path(place).display()
            )),
        }
    }
}

/// Reads the journal as of one moment: the kept records, if the journal holds the fact they were made
/// at, and every fact after it. Where that does not add up, the facts alone decide.
pub(super) fn load(connection: &Connection, kept: Option<Condensed>) -> Result<Loaded, Fault> {
    let transaction = connection.unchecked_transaction()?;
    if let Some(kept) = kept
        && let Ok(true) = holds(&transaction, &kept)
        && let Ok(loaded) = follow(&transaction, kept.lineage, kept.replay, |_, _, _| Ok(()))
    {
        return Ok(loaded);
    }
    from_the_first(&transaction, |_, _, _| Ok(()))
}

/// Reads every fact. `each` sees them in order, with its hash and where the journal then stands.
pub(super) fn load_all(
    connection: &Connection,
    each: impl FnMut(Fact, Digest, &Replay) -> Result<(), Fault>,
) -> Result<Loaded, Fault> {
    let transaction = connection.unchecked_transaction()?;
    from_the_first(&transaction, each)
}

fn from_the_first(
    connection: &Connection,
    each: impl FnMut(Fact, Digest, &Replay) -> Result<(), Fault>,
) -> Result<Loaded, Fault> {
    let lineage = meta(connection, "lineage")?;
    let start = Replay::begin(&lineage);
    follow(connection, lineage, start, each)
}

/// Whether the records were made from this journal: its fact of that number has that hash, which stands
/// for every fact before it. That those are all there is told by their number, their text only by a
/// full check.
pub(super) fn holds(connection: &Connection, kept: &Condensed) -> Result<bool, Fault> {
    if meta(connection, "lineage")? != kept.lineage {
        return Ok(false);
    }
    let Ok(seq) = i64::try_from(kept.replay.serial) else {
        return Ok(false);
    };
    let hash = connection
        .query_row("SELECT hash FROM facts WHERE seq = ?1", [seq], |row| {
            row.get::<_, Vec<u8>>(0)
        })
        .optional()?;
    if hash.is_none_or(|hash| hash != kept.replay.tip.bytes()) {
        return Ok(false);
    }
    let count: i64 = connection.query_row("SELECT count(*) FROM facts", [], |row| row.get(0))?;
    Ok(meta(connection, "serial")? == count.to_string())
}

/// Looks at every fact once more without reading it, for a run that began with kept records.
pub(super) fn check_chain(connection: &Connection) -> Result<(), Fault> {
    let lineage = meta(connection, "lineage")?;
    let Replay {
        mut serial,
        mut tip,
        ..
    } = Replay::begin(&lineage);
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM facts ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        serial = serial.saturating_add(1);
        tip = StoredFact::check_link(row, serial, &tip).map_err(Fault::Fact)?;
    }
    Ok(())
}

/// Reads the facts after `replay`, and how the journal ends.
fn follow(
    connection: &Connection,
    lineage: String,
    mut replay: Replay,
    mut each: impl FnMut(Fact, Digest, &Replay) -> Result<(), Fault>,
) -> Result<Loaded, Fault> {
    let unread = replay.serial;
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM facts WHERE seq > ?1 ORDER BY seq"
    ))?;
    // From the first: a row with a number that none can have is not passed over.
    let after = match i64::try_from(unread) {
        Ok(0) | Err(_) => i64::MIN,
        Ok(unread) => unread,
    };
    let mut rows = statement.query([after])?;
    loop {
        let seq = replay.serial.saturating_add(1);
        // A row that cannot be read is named by the number it should have.
        let stored = match rows
            .next()
            .and_then(|row| row.map(StoredFact::read).transpose())
        {
            Ok(Some(stored)) => stored,
            Ok(None) => break,
            Err(error) if is_damage(&error) => {
                return Err(Fault::Fact(BrokenFact {
                    seq,
                    why: error.to_string(),
                }));
            }
            Err(error) => return Err(error.into()),
        };
        let (fact, hash) = replay.take(&stored).map_err(Fault::Fact)?;
        each(fact, hash, &replay)?;
    }
    drop(rows);
    drop(statement);
    check_end(connection, &replay)?;
    let bindings = bindings(connection, &lineage)?;
    Ok(Loaded {
        lineage,
        replay,
        bindings,
        unread,
    })
}

/// The chain cannot show that its last facts are gone; the end noted beside it does.
fn check_end(connection: &Connection, replay: &Replay) -> Result<(), Fault> {
    let serial = meta(connection, "serial")?;
    if serial != replay.serial.to_string() {
        return Err(Fault::Fact(BrokenFact {
            seq: replay.serial.saturating_add(1),
            why: format!(
                "it is missing; the journal ends at {} facts, but {} were written",
                replay.serial,
                serial.escape_debug()
            ),
        }));
    }
    if meta(connection, "tip")? != replay.tip.to_string() {
        return Err(Fault::Frame(
            "the last hash is not the one that was noted".to_owned(),
        ));
    }
    Ok(())
}

fn meta(connection: &Connection, key: &str) -> Result<String, Fault> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .map_err(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Fault::Frame(format!("its {key} is missing")),
            other => other.into(),
        })
}

fn bindings(connection: &Connection, lineage: &str) -> Result<Bindings, Fault> {
    let mut statement =
        connection.prepare("SELECT account, provider, endpoint, account_id, seal FROM bindings")?;
    let mut rows = statement.query([])?;
    let mut bindings = Bindings::new();
    while let Some(row) = rows.next()? {
        let account: String = row.get(0)?;
        let bound = Binding {
            provider: row.get(1)?,
            endpoint: row.get(2)?,
            account_id: row.get(3)?,
        };
        let damaged = || {
            Fault::Frame(format!(
                "the binding of account `{}` is not as it was written",
                account.escape_debug()
            ))
        };
        let name = account.parse().map_err(|_| damaged())?;
        if row.get::<_, Vec<u8>>(4)? != binding::seal(lineage, &name, &bound).bytes() {
            return Err(damaged());
        }
        bindings.insert(name, bound);
    }
    Ok(bindings)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        None | Some(DatabaseCorrupt | NotADatabase)
    )
}
