//! Copies of the journal beside it, made before a run changes anything: `state.db.backup-<UTC time>`.
//!
//! A copy is itself a journal. To go back to one, copy it over the database while no run holds it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::Connection;

use super::lock::no_follow;
use super::schema::explain;
use super::state_file::{StateFile, cannot};
use crate::journal::JournalError;

/// How many are kept.
const KEPT: usize = 10;

const SUFFIX: &str = ".backup-";

/// With milliseconds; sorts in time order.
const TIME: &str = "%Y%m%dT%H%M%S%3fZ";
const TIME_LENGTH: usize = "20261121T230001123Z".len();

/// Writes a copy and removes all but the newest ten. The copy gets its name when it is durable.
pub(in crate::journal) fn make(
    place: &StateFile,
    connection: &Connection,
) -> Result<PathBuf, JournalError> {
    let draft = place.beside(".backup.new");
    let io = |error: &std::io::Error| place.unusable(cannot("its backup", error));
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
        return Err(place.unusable("its path is not UTF-8, which a backup needs"));
    };
    connection
        .execute("VACUUM INTO ?1", [target])
        .map_err(|error| {
            let _ = fs::remove_file(&draft);
            explain(place, &error)
        })?;
    let path = free_name(place);
    File::open(&draft)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|error| io(&error))?;
    place.sync_folder()?;
    let backups = list(place);
    for old in &backups[..backups.len().saturating_sub(KEPT)] {
        fs::remove_file(old).map_err(|error| io(&error))?;
    }
    Ok(path)
}

/// The backups, oldest first; none if the folder cannot be read.
pub(in crate::journal) fn list(place: &StateFile) -> Vec<PathBuf> {
    let Some(prefix) = place
        .beside(SUFFIX)
        .file_name()
        .and_then(|name| name.to_str().map(str::to_owned))
    else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(&place.folder) else {
        return Vec::new();
    };
    let mut backups: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix(&prefix))
                .is_some_and(is_time)
        })
        .map(|entry| entry.path())
        .collect();
    backups.sort();
    backups
}

/// The time now, or the next free millisecond.
fn free_name(place: &StateFile) -> PathBuf {
    let mut millisecond = Timestamp::now().as_millisecond();
    loop {
        let time = Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX);
        let name = place.beside(&format!(
            "{SUFFIX}{}",
            time.to_zoned(TimeZone::UTC).strftime(TIME)
        ));
        if !name.exists() {
            return name;
        }
        millisecond = millisecond.saturating_add(1);
    }
}

/// Only names that this module gives are ever removed.
fn is_time(text: &str) -> bool {
    text.len() == TIME_LENGTH
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            18 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_backups_count() {
        assert!(is_time("20261121T230001123Z"));
        for text in [
            "",
            "20261121T230001Z",
            "20261121T2300011234",
            "mine",
            "20261121t230001123Z",
        ] {
            assert!(!is_time(text), "{text}");
        }
    }
}
