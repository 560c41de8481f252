//! The file of one budget: how it is made, checked and, where it is damaged, replaced. Main type:
//! [`BudgetFile`].
//!
//! Whoever opens or replaces the file holds a lock on another file beside it, so that two processes never
//! replace each other's new file. SQLite's settings for a budget are all in this file.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::clock::Clock;
use super::store::{APPLICATION_ID, SCHEMA, Store};
use crate::files;

/// How long another process may take to open the file.
const LOCKED: Duration = Duration::from_secs(2);
/// How long another process may stay inside a transaction. A transaction takes some microseconds.
const BUSY: Duration = Duration::from_secs(5);

/// Who may use a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Its owner: mode 0600.
    Owner,
    /// The folder's group too: mode 0660.
    Group,
}

/// Where a budget is kept.
pub(super) struct BudgetFile {
    path: PathBuf,
    sharing: Sharing,
    clock: Arc<dyn Clock>,
}

/// The file behind a path at one moment: its device and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// Why a budget cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The file is damaged. Nothing of value is lost by replacing it.
    Damaged(String),
    /// A person has to put something right, or another process holds the file.
    Unusable(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport,
            ) => Self::Unusable(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unusable("another process keeps it locked".to_owned())
            }
            _ => Self::Damaged(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl BudgetFile {
    pub(super) fn new(path: PathBuf, sharing: Sharing, clock: Arc<dyn Clock>) -> Self {
        Self {
            path,
            sharing,
            clock,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Which file the path names now; `None` if there is none.
    pub(super) fn identity(&self) -> Option<Identity> {
        let metadata = fs::symlink_metadata(&self.path).ok()?;
        Some(Identity(metadata.dev(), metadata.ino()))
    }

    /// Opens the budget: makes it where there is none, and sets a damaged one aside for a new one.
    pub(super) fn open(&self) -> Result<(Store, Identity), Failure> {
        let _lock = self.lock()?;
        match self.attempt() {
            Err(Failure::Damaged(why)) => {
                tracing::warn!(
                    "the rate budget `{}` was damaged ({why}) and is begun anew: for the length of the longest window it does not know what other runs sent before",
                    self.path.display()
                );
                self.set_aside()?;
                self.attempt()
            }
            done => done,
        }
    }

    fn attempt(&self) -> Result<(Store, Identity), Failure> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) => self.check(&metadata)?,
            Err(error) if error.kind() == ErrorKind::NotFound => self.create()?,
            Err(error) => return Err(error.into()),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        connection.pragma_update(None, "cell_size_check", "ON")?;
        let number = |connection: &Connection, name: &str| {
            connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        if number(&connection, "page_count")? == 0 {
            fill(&mut connection)?;
        }
        if number(&connection, "application_id")? != APPLICATION_ID {
            return Err(Failure::Damaged("it is no rate budget".to_owned()));
        }
        let pages: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if pages != "ok" {
            return Err(Failure::Damaged(pages));
        }
        // A trigger could refuse or change every row, and no index of ours is there.
        let foreign: i64 = connection.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type <> 'table'",
            [],
            |row| row.get(0),
        )?;
        if foreign > 0 {
            return Err(Failure::Damaged(
                "it holds a trigger, a view or an index that certplan did not make".to_owned(),
            ));
        }
        // A power cut may damage the file. By the time the machine is back, what the file counts is old.
        connection.pragma_update(None, "synchronous", "OFF")?;
        let identity = self
            .identity()
            .ok_or_else(|| Failure::Unusable("it was removed".to_owned()))?;
        let mut store = Store::new(connection, Arc::clone(&self.clock));
        // Shows that every table is there and can be written to.
        store.round()?.commit()?;
        Ok((store, identity))
    }

    fn mode(&self) -> u32 {
        match self.sharing {
            Sharing::Owner => 0o600,
            Sharing::Group => 0o660,
        }
    }

    fn check(&self, metadata: &fs::Metadata) -> Result<(), Failure> {
        let why = if !metadata.is_file() {
            "it is not a regular file".to_owned()
        } else if metadata.nlink() != 1 {
            "it has a second name (a hard link)".to_owned()
        } else if metadata.mode() & 0o777 & !self.mode() & 0o077 != 0 {
            format!(
                "others may read or write it: `chmod {:o} '{}'`",
                self.mode(),
                self.path.display()
            )
        } else {
            return Ok(());
        };
        Err(Failure::Unusable(why))
    }

    fn create(&self) -> Result<(), Failure> {
        self.remove_beside()?;
        // SQLite gives its side files the same mode.
        files::create(&self.path, self.mode())?;
        Ok(())
    }

    /// Renames the damaged file to `*.broken` (only the latest is kept) for inspection.
    fn set_aside(&self) -> Result<(), Failure> {
        fs::rename(&self.path, self.beside(".broken"))?;
        self.remove_beside()
    }

    /// A write-ahead log without its database belongs to nothing.
    fn remove_beside(&self) -> Result<(), Failure> {
        for suffix in ["-wal", "-shm", "-journal"] {
            match fs::remove_file(self.beside(suffix)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn lock(&self) -> Result<File, Failure> {
        let file = files::open_lock(&self.beside(".lock"), self.mode())?;
        if self.sharing == Sharing::Group {
            // Only the file's owner may change the mode, and the owner has already done so.
            let _ = file.set_permissions(Permissions::from_mode(self.mode()));
        }
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCKED => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::Unusable(
                        "another process has been opening it for seconds".to_owned(),
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }
}

fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}
