//! Copies of the journal beside it, made before a run changes anything: `state.db.backup-<UTC time>`.
//!
//! A copy is itself a journal. To go back to one, copy it over the database while no run holds it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::backup_names;
use super::schema::explain;
use super::state_file::{StateFile, cannot};
use crate::files::no_follow;
use crate::journal::JournalError;

/// How many are kept.
const KEPT: usize = 10;

/// Writes a copy and removes all but the newest ten. The copy gets its name when it is durable.
pub(in crate::journal) fn make(
    state_file: &StateFile,
    connection: &Connection,
) -> Result<PathBuf, JournalError> {
    let draft = state_file.beside(".backup.new");
    let io = |error: &std::io::Error| state_file.unusable(cannot("its backup", error));
    // Left over from a run that was killed here.
    let _ = fs::remove_file(&draft);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(&draft)
        .map_err(|error| io(&error))?;
    drop(file);
    let Some(target) = draft.to_str() else {
        return Err(state_file.unusable("its path is not UTF-8, which a backup needs"));
    };
    connection
        .execute("VACUUM INTO ?1", [target])
        .and_then(|_| keep_a_log(&draft))
        .map_err(|error| {
            let _ = fs::remove_file(&draft);
            explain(state_file, &error)
        })?;
    let path = backup_names::free(&state_file.database);
    File::open(&draft)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|error| io(&error))?;
    state_file.sync_folder()?;
    let backups = backup_names::taken(&state_file.database);
    for old in &backups[..backups.len().saturating_sub(KEPT)] {
        fs::remove_file(old).map_err(|error| io(&error))?;
    }
    Ok(path)
}

/// A copy that SQLite makes has no write-ahead log. A run that is killed while it gives one to a copy that was put
/// back would leave it half changed, and who only reads could not open it.
fn keep_a_log(copy: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(copy)?;
    // The caller flushes the copy as a whole.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)
}
