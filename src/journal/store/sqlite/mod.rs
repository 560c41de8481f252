//! The store in an SQLite file of this machine: [`hold`] takes it for one run, [`read`] looks at it beside
//! whoever holds it. Main type: [`SqliteStore`].

mod backup;
mod backup_names;
pub(in crate::journal) mod lock;
mod modes;
pub(crate) mod own_folder;
pub(in crate::journal) mod schema;
pub(in crate::journal) mod state_file;
mod tables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rusqlite::config::DbConfig;
use rusqlite::params;
use tokio::time::Instant;

use self::lock::{Holder, Lock};
use self::modes::Beside;
use self::schema::{checkpoint, explain, open_for_reading};
use self::state_file::StateFile;
use self::tables::Tables;
use super::{Batch, FactReader, FactStore, Fault, Reading, Writing, tell_wait};
use crate::journal::{Hold, JournalError};
use crate::model::RunId;

/// How often a lock that another run holds is asked for again.
const POLL: Duration = Duration::from_millis(100);

/// How often a journal is read again because a run began or ended meanwhile.
const TRIES: u32 = 8;

/// The first call waits so long for those that come a little later: a commit costs more than a fact.
const GATHERING: Duration = Duration::from_micros(200);

/// The write-ahead log is moved into the database when it has about so many pages (of 4 KiB).
const PAGES_IN_LOG: usize = 1_000;

/// A commit writes about so many pages, one more for every two of its facts, and one for each record.
const PAGES_OF_COMMIT: usize = 4;

/// A journal in a file that this run holds.
pub(in crate::journal) struct SqliteStore {
    // Dropped in this order: the lock is held until the database is closed.
    tables: Tables,
    lock: Lock,
    /// Pages written since the write-ahead log was last moved, at most.
    in_log: usize,
}

/// The file of the note that stands beside a journal.
pub(in crate::journal) fn note_beside(path: &Path) -> Result<Option<PathBuf>, JournalError> {
    Ok(StateFile::find(path)?.map(|file| file.beside(".head")))
}

/// Who else may change a journal or its folder, in words.
pub(in crate::journal) fn who_may_change(path: &Path) -> Result<Vec<String>, JournalError> {
    Ok(StateFile::find(path)?.map_or_else(Vec::new, |file| {
        modes::who_may_change(&file.database, &file.folder)
    }))
}

/// True where two paths lead to one file, which need not be there.
pub(in crate::journal) fn is_same(one: &Path, other: &Path) -> Result<bool, JournalError> {
    let found = (StateFile::find(one)?, StateFile::find(other)?);
    Ok(match found {
        (Some(one), Some(other)) => one.database == other.database,
        _ => false,
    })
}

/// Takes the journal for writing: makes it where there is none (folder mode 0700, database 0600), and waits
/// up to `lock_timeout` for another run. Nothing in it was checked yet but that it is ours.
pub(in crate::journal) async fn hold(
    path: &Path,
    holder: &Holder,
    lock_timeout: Duration,
) -> Result<SqliteStore, JournalError> {
    let file = StateFile::make(path)?;
    file.check_beside(Beside::All)?;
    let begun = Instant::now();
    let mut told = false;
    let lock = loop {
        match Lock::take(&file, holder) {
            Err(held @ JournalError::Held { .. }) if begun.elapsed() < lock_timeout => {
                if !std::mem::replace(&mut told, true) {
                    tell_wait(&held, lock_timeout);
                }
                tokio::time::sleep(POLL.min(lock_timeout.saturating_sub(begun.elapsed()))).await;
            }
            taken => break taken?,
        }
    };
    if !file.check_database()? {
        schema::create(&file)?;
    }
    file.close_to_others();
    let connection = schema::open_for_writing(&file)?;
    file.remove_leftovers();
    Ok(SqliteStore {
        tables: Tables { connection, file },
        lock,
        in_log: 0,
    })
}

/// Runs `work` on a connection of its own; `None` when there is no journal. Nothing is
/// created, changed or waited for, and a run that holds the journal is not disturbed.
pub(in crate::journal) async fn read<T>(
    path: &Path,
    mut work: impl AsyncFnMut(&mut dyn FactReader) -> Result<T, JournalError>,
) -> Result<Option<T>, JournalError> {
    let Some(file) = StateFile::find(path)? else {
        return Ok(None);
    };
    for _ in 0..TRIES {
        if !file.check_database()? {
            return Ok(None);
        }
        let Some(before) = file.trace()? else {
            continue;
        };
        let reading = if before.beside {
            schema::Reading::Shared
        } else {
            schema::Reading::Alone
        };
        let answer = match open_for_reading(&file, reading) {
            Ok(connection) => {
                let file = file.clone();
                work(&mut Tables { connection, file }).await
            }
            Err(error) => Err(error),
        };
        // Without locks only an unchanged file was read as of one moment.
        if reading == schema::Reading::Shared || file.trace()?.as_ref() == Some(&before) {
            return answer.map(Some);
        }
    }
    Err(file.unusable("other runs write to it again and again: try once more"))
}

impl SqliteStore {
    fn written<T>(done: rusqlite::Result<T>) -> Result<T, Fault> {
        done.map_err(|error| Fault::Final(JournalError::Write(error.to_string())))
    }

    fn note_run(&self, run: &RunId) -> Result<(), JournalError> {
        self.tables
            .connection
            .execute(
                "INSERT INTO meta VALUES ('last_run', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![run.as_str()],
            )
            .map_err(|error| explain(&self.tables.file, &error))?;
        // That commit made the write-ahead log; SQLite syncs its name too, but swallows the error.
        self.tables.file.sync_folder()
    }

    /// Moves the write-ahead log into the database and closes it. After a failed write that is left to the
    /// next run, on a disk that works: SQLite would try it once more when it closes, and swallow the error.
    fn shut(self, whole: bool) -> Result<(), JournalError> {
        let Self { tables, lock, .. } = self;
        let Tables { connection, file } = tables;
        let moved = if whole {
            checkpoint(&connection, "TRUNCATE")
                .map_err(|error| JournalError::Write(error.to_string()))
        } else {
            Ok(())
        };
        if !whole || moved.is_err() {
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        let closed = match connection.close() {
            Ok(()) => moved,
            Err((_, error)) => Err(explain(&file, &error)),
        };
        // Free for the next run before the answer is there.
        drop(lock);
        closed
    }
}

impl FactStore for SqliteStore {
    fn reader(&mut self) -> &mut dyn FactReader {
        &mut self.tables
    }

    fn enter<'a>(&'a mut self, run: &'a RunId) -> Reading<'a, ()> {
        ready(self.note_run(run)).boxed()
    }

    fn begin(&mut self) -> Writing<'_, ()> {
        let begun = self.tables.connection.execute_batch("BEGIN IMMEDIATE");
        ready(Self::written(begun)).boxed()
    }

    fn insert<'a>(&'a mut self, batch: &'a Batch) -> Writing<'a, ()> {
        let pages = PAGES_OF_COMMIT + batch.facts.len() / 2 + batch.records.len();
        self.in_log = self.in_log.saturating_add(pages);
        ready(Self::written(self.tables.write(batch))).boxed()
    }

    fn commit(&mut self) -> Writing<'_, ()> {
        let committed = self.tables.connection.execute_batch("COMMIT");
        ready(Self::written(committed)).boxed()
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        // SQLite may have done it by itself.
        let _ = self.tables.connection.execute_batch("ROLLBACK");
        ready(()).boxed()
    }

    fn reconnect(&mut self, lost: String) -> Reading<'_, ()> {
        ready(Err(JournalError::Write(lost))).boxed()
    }

    fn check_hold(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn hold(&self) -> Hold {
        Hold::Lock
    }

    fn is_blocking(&self) -> bool {
        true
    }

    fn gather(&self) {
        std::thread::sleep(GATHERING);
    }

    fn tidy(&mut self) -> Writing<'_, ()> {
        if self.in_log < PAGES_IN_LOG {
            return ready(Ok(())).boxed();
        }
        self.in_log = 0;
        let moved = checkpoint(&self.tables.connection, "PASSIVE");
        ready(Self::written(moved)).boxed()
    }

    fn backup(&mut self) -> Reading<'_, Option<PathBuf>> {
        let Tables { connection, file } = &self.tables;
        ready(backup::make(file, connection).map(Some)).boxed()
    }

    fn close(self: Box<Self>, whole: bool) -> Reading<'static, ()> {
        ready((*self).shut(whole)).boxed()
    }
}
