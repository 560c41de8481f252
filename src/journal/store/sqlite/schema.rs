//! The database: how it is made, opened and checked before anything is believed. Facts of SQLite's own
//! (settings, schema version, application id) live here and nowhere else.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use rusqlite_migration::{M, Migrations};

use super::state_file::{APPLICATION_ID, StateFile, cannot};
use crate::files::no_follow;
use crate::journal::JournalError;
use crate::journal::chain::Replay;

/// How long SQLite waits for another connection: a reader's, or a person's with `sqlite3`.
const BUSY: Duration = Duration::from_secs(5);

/// Older ones can lose a reset write-ahead log (fixed in 3.51.3).
const LEAST_SQLITE: i32 = 3_051_003;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/001-facts.sql")),
    M::up(include_str!("migrations/002-records.sql")),
];

/// The newest schema that this certplan knows.
pub(in crate::journal) const KNOWN: i64 = STEPS.len().cast_signed() as i64;

/// What stays as it is in the path of a `file:` URI.
const URI_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// How a reader opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Reading {
    /// Beside a run that writes, or after one that was killed: with SQLite's shared locks.
    Shared,
    /// Nobody writes: not even SQLite's own side files are made. The caller looks afterwards whether
    /// somebody wrote after all.
    Alone,
}

/// Makes the database, complete or not at all: it gets its name only when it is durable. The caller
/// holds the lock.
pub(in crate::journal) fn create(state_file: &StateFile) -> Result<(), JournalError> {
    let draft = state_file.beside(".new");
    for suffix in [".new", ".new-wal", ".new-shm", ".new-journal"] {
        // Left over from a run that was killed here.
        match fs::remove_file(state_file.beside(suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(state_file.unusable(cannot("its folder", &error)));
            }
            _ => {}
        }
    }
    let io = |error: &std::io::Error| state_file.unusable(cannot("it", error));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&draft)
        .map_err(|error| io(&error))?;
    let made = Connection::open_with_flags(&draft, writing())
        .and_then(|mut connection| fill(&mut connection).map(|()| connection))
        .and_then(|connection| connection.close().map_err(|(_, error)| error));
    made.map_err(|error| explain(state_file, &error))?;
    File::open(&draft)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, &state_file.database))
        .map_err(|error| io(&error))?;
    state_file.sync_folder()
}

fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(connection)?;
    let lineage = uuid::Uuid::now_v7().to_string();
    let tip = Replay::begin(&lineage).tip.to_string();
    let transaction = connection.transaction()?;
    for (key, value) in [
        ("lineage", lineage.as_str()),
        ("created", &Timestamp::now().to_string()),
        ("serial", "0"),
        ("tip", &tip),
    ] {
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
    }
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")
}

/// Opens an existing database for writing. The caller holds the lock.
///
/// Every page is looked at before an older schema is changed, and where pages are free: a damaged list of
/// these could name pages of facts. Facts are only ever added, so there is hardly ever one.
pub(in crate::journal) fn open_for_writing(
    state_file: &StateFile,
) -> Result<Connection, JournalError> {
    if rusqlite::version_number() < LEAST_SQLITE {
        return Err(state_file.unusable(format!(
            "SQLite {} can lose facts: use 3.51.3 or newer",
            rusqlite::version()
        )));
    }
    state_file.check_header()?;
    let fail = |error: rusqlite::Error| explain(state_file, &error);
    let mut connection =
        Connection::open_with_flags(&state_file.database, writing()).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    check_ours(state_file, &connection)?;
    if connection.is_readonly("main").map_err(fail)? {
        return Err(state_file.unusable("it is read-only for this user or on this disk"));
    }
    harden(&connection).map_err(fail)?;
    let free: i64 = connection
        .pragma_query_value(None, "freelist_count", |row| row.get(0))
        .map_err(fail)?;
    let schema: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(fail)?;
    if free != 0 || schema < KNOWN {
        check_pages(state_file, &connection, "quick_check")?;
    }
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        // On macOS a plain fsync does not reach the disk.
        .and_then(|()| connection.pragma_update(None, "fullfsync", "ON"))
        .and_then(|()| connection.pragma_update(None, "checkpoint_fullfsync", "ON"))
        // SQLite swallows the errors of the checkpoints that it makes by itself.
        .and_then(|()| connection.pragma_update(None, "wal_autocheckpoint", 0))
        .map_err(fail)?;
    for (pragma, wanted) in [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("cell_size_check", "1"),
        ("fullfsync", "1"),
        ("wal_autocheckpoint", "0"),
    ] {
        check_setting(state_file, &connection, pragma, wanted)?;
    }
    migrate(&mut connection).map_err(fail)?;
    Ok(connection)
}

/// Opens an existing database for reading: nothing in it is created or changed.
pub(in crate::journal) fn open_for_reading(
    state_file: &StateFile,
    reading: Reading,
) -> Result<Connection, JournalError> {
    let mut uri = format!(
        "file:{}?mode=ro",
        percent_encode(state_file.database.as_os_str().as_bytes(), URI_PATH)
    );
    if reading == Reading::Alone {
        uri.push_str("&immutable=1");
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection =
        Connection::open_with_flags(uri, flags).map_err(|error| explain(state_file, &error))?;
    connection
        .busy_timeout(BUSY)
        .and_then(|()| harden(&connection))
        .map_err(|error| explain(state_file, &error))?;
    check_ours(state_file, &connection)?;
    Ok(connection)
}

/// Moves the write-ahead log into the database as far as readers allow. An error counts as a failed
/// write: a second try may seem to succeed on a disk that dropped the first.
pub(in crate::journal) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}

/// Runs `quick_check` or `integrity_check`.
pub(in crate::journal) fn check_pages(
    state_file: &StateFile,
    connection: &Connection,
    check: &str,
) -> Result<(), JournalError> {
    let found = connection
        .query_row(&format!("PRAGMA {check}(1)"), [], |row| {
            row.get::<_, String>(0)
        })
        .map_err(|error| explain(state_file, &error))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(state_file.corrupt(format!("its pages are damaged ({found})")))
    }
}

/// What an SQLite error means for the journal.
pub(in crate::journal) fn explain(state_file: &StateFile, error: &rusqlite::Error) -> JournalError {
    if error.sqlite_error().map(|error| error.extended_code)
        == Some(rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
    {
        return state_file.unusable(
            "a run was killed while it changed the file; the next run that holds the state (`certplan apply`) takes that back",
        );
    }
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
        ) => state_file.unusable(error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => state_file.unusable(
            "another program has it open and locked; certplan itself only reads it now".to_owned(),
        ),
        _ => state_file.corrupt(error.to_string()),
    }
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "cell_size_check", "ON")
}

fn check_ours(state_file: &StateFile, connection: &Connection) -> Result<(), JournalError> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| explain(state_file, &error))
    };
    if pragma("application_id")? != i64::from(APPLICATION_ID) {
        return Err(state_file.corrupt("it is not a certplan journal"));
    }
    match pragma("user_version")? {
        found if found > KNOWN => Err(JournalError::Newer {
            path: state_file.shown.clone(),
            found,
            known: KNOWN,
        }),
        found if found < 1 => Err(state_file.corrupt(format!("its schema version is {found}"))),
        _ => Ok(()),
    }
}

fn check_setting(
    state_file: &StateFile,
    connection: &Connection,
    pragma: &str,
    wanted: &str,
) -> Result<(), JournalError> {
    let found = connection
        .pragma_query_value(None, pragma, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str()?.to_owned(),
            })
        })
        .map_err(|error| explain(state_file, &error))?;
    if found == wanted {
        Ok(())
    } else {
        Err(state_file.unusable(format!(
            "SQLite's `{pragma}` is `{found}` here, not `{wanted}`: a fact might not survive a power cut"
        )))
    }
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    Migrations::from_slice(STEPS)
        .to_latest(connection)
        .map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => err,
            other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
        })
}
