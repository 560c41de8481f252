//! The anchor: a small file beside the journal, or on this host for one in a database, that says how far
//! it had come.
//!
//! A journal that was put back from a copy, or that lost its write-ahead log, is whole in itself and
//! says less than was known. Only something outside it can show that. The anchor is not flushed to the
//! disk: after a power cut it may be old, which proves nothing, or torn, which counts as none.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::store::sqlite::lock::no_follow;
use super::store::sqlite::state_file::StateFile;
use super::{JournalError, StateMark};

const SUFFIX: &str = ".head";
/// More than any anchor that certplan writes.
const LONGEST: u64 = 256;

/// How far a journal had come when it was last written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    lineage: String,
    serial: u64,
}

impl Anchor {
    /// True when the journal with this mark lacks facts that were written: it is older than the anchor,
    /// or another one than the one that stood here. `None` is a journal that is not there.
    pub fn is_ahead_of(&self, mark: Option<&StateMark>) -> bool {
        self.serial > 0
            && mark.is_none_or(|mark| mark.lineage != self.lineage || mark.serial < self.serial)
    }
}

/// The anchor of a journal; read it before the journal, or a run that writes meanwhile is taken for a
/// journal that went back.
pub(super) fn anchor(path: &Path) -> Result<Option<Anchor>, JournalError> {
    Ok(StateFile::find(path)?.and_then(|place| read(&beside(&place))))
}

/// Where the anchor of a journal in a file is.
pub(super) fn beside(place: &StateFile) -> PathBuf {
    place.beside(SUFFIX)
}

/// `None` if there is none or it cannot be read: then nothing is known.
pub(super) fn read(path: &Path) -> Option<Anchor> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
        .ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<Anchor> {
    let (lineage, serial) = text.strip_suffix('\n')?.split_once(' ')?;
    Some(Anchor {
        lineage: lineage.to_owned(),
        serial: serial.parse().ok()?,
    })
}

/// The open file; `None` where it could not be made, which costs only the warning that it could give.
#[derive(Debug)]
pub(super) struct AnchorFile(Option<File>);

impl AnchorFile {
    pub(super) fn open(path: &Path) -> Self {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path)
            .ok()
            .filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
        Self(file)
    }

    /// Always the same length, in one write: a process that is killed leaves the old or the new one.
    pub(super) fn note(&self, mark: &StateMark) {
        if let Some(file) = &self.0 {
            let line = format!("{} {:020}\n", mark.lineage, mark.serial);
            // A courtesy: an old anchor only knows less.
            let _ = file.write_at(line.as_bytes(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    fn mark(lineage: &str, serial: u64) -> StateMark {
        StateMark {
            lineage: lineage.to_owned(),
            serial,
            head: Digest::of(b"head"),
        }
    }

    #[test]
    fn an_older_another_or_no_journal_is_behind_its_anchor() {
        let anchor = parse("a 00000000000000000007\n").unwrap();
        assert!(anchor.is_ahead_of(None));
        assert!(anchor.is_ahead_of(Some(&mark("a", 6))));
        assert!(anchor.is_ahead_of(Some(&mark("b", 9))));
        assert!(!anchor.is_ahead_of(Some(&mark("a", 7))));
        assert!(!anchor.is_ahead_of(Some(&mark("a", 8))));
        let empty = parse("a 00000000000000000000\n").unwrap();
        assert!(!empty.is_ahead_of(None));
    }

    #[test]
    fn a_torn_anchor_is_none() {
        for text in ["", "a", "a 7", "a x\n", "a \n", "\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
