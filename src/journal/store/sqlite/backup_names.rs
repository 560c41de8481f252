//! The names of backups: `state.db.backup-<UTC time>`, in the folder of the database.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::files::folder_of;

const SUFFIX: &str = ".backup-";

/// With milliseconds; sorts in time order.
const TIME: &str = "%Y%m%dT%H%M%S%3fZ";
const TIME_LENGTH: usize = "20261121T230001123Z".len();

/// The backups of a database, oldest first; none if the folder cannot be read.
pub(super) fn taken(database: &Path) -> Vec<PathBuf> {
    let prefix = beside(database, SUFFIX);
    let Some(prefix) = prefix.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(folder_of(database)) else {
        return Vec::new();
    };
    let mut backups: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix(prefix))
                .is_some_and(is_time)
        })
        .map(|entry| entry.path())
        .collect();
    backups.sort();
    backups
}

/// The name of a backup made now, which no other has.
pub(super) fn free(database: &Path) -> PathBuf {
    let mut millisecond = Timestamp::now().as_millisecond();
    loop {
        let time = Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX);
        let time = time.to_zoned(TimeZone::UTC).strftime(TIME);
        let name = beside(database, &format!("{SUFFIX}{time}"));
        if !name.exists() {
            return name;
        }
        millisecond = millisecond.saturating_add(1);
    }
}

/// The path of a file beside another, by what its name has more.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
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
