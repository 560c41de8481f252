//! Journal file -> records: reads every row and checks all of it, each time.

use rusqlite::Connection;

use super::chain::{BrokenFact, COLUMNS, Replay, StoredFact};
use super::place::Place;
use super::schema::explain;
use super::{Binding, Bindings, JournalError, StateMark, binding};
use crate::model::{Digest, Fact};

/// Everything that a journal says.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) lineage: String,
    pub(super) replay: Replay,
    pub(super) bindings: Bindings,
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
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

impl Fault {
    pub(super) fn at(self, place: &Place) -> JournalError {
        match self {
            Self::Storage(error) => explain(place, &error),
            Self::Fact(broken) => place.corrupt(broken.to_string()),
            Self::Frame(why) => place.corrupt(why),
        }
    }
}

/// Reads the journal as of one moment. `each` sees every fact with its number and hash, in order.
pub(super) fn load(
    connection: &Connection,
    mut each: impl FnMut(u64, Fact, Digest),
) -> Result<Loaded, Fault> {
    let transaction = connection.unchecked_transaction()?;
    let lineage = meta(&transaction, "lineage")?;
    let mut replay = Replay::begin(&lineage);
    let mut statement =
        transaction.prepare(&format!("SELECT {COLUMNS} FROM facts ORDER BY seq"))?;
    let mut rows = statement.query([])?;
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
        each(seq, fact, hash);
    }
    drop(rows);
    drop(statement);
    check_end(&transaction, &replay)?;
    let bindings = bindings(&transaction, &lineage)?;
    Ok(Loaded {
        lineage,
        replay,
        bindings,
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
