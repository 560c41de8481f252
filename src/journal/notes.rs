//! What this host notes of how far a journal had come, outside the journal itself.
//!
//! A journal that was put back from a copy, or that lost its write-ahead log, is whole in itself and
//! says less than was known. Only something outside it can show that. There are two notes, each a small
//! file: one goes by the journal's lineage, so that it holds whatever path or URL leads to the journal; one
//! goes by the store, and says which journal stood there last. Neither is flushed to the disk: after a power
//! cut it may be old, which proves nothing, or torn, which counts as none.
//!
//! Main type: [`Noted`]; what follows from it is a [`Gap`].

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::store::{FactReader, Whereabouts};
use super::{JournalError, StateMark};
use crate::files::no_follow;
use crate::model::Digest;

/// More than any note that certplan writes.
const LONGEST: u64 = 256;

/// Why a journal may not know everything that was done at its accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// There is none yet, or one without facts.
    NoState,
    /// There is none, and there was one.
    Lost,
    /// This host has never written to it.
    NoNote,
    /// It has fewer facts than this host noted.
    Older,
    /// It was put back from a copy: where this host wrote a fact it has another one, or it is in another
    /// database than it was.
    Restored,
    /// It is another journal than the one that stood in its place.
    OtherLineage,
}

impl Gap {
    /// True when facts that were written here are known to be missing, or may be.
    pub fn is_loss(self) -> bool {
        match self {
            Self::NoState | Self::NoNote => false,
            Self::Lost | Self::Older | Self::Restored | Self::OtherLineage => true,
        }
    }
}

/// Where the notes of a journal are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NotePaths {
    /// This host's folder for notes.
    pub(super) folder: Option<PathBuf>,
    /// The note of a store that is a file.
    pub(super) beside: Option<PathBuf>,
}

impl NotePaths {
    fn of_lineage(&self, lineage: &str) -> Option<PathBuf> {
        self.named("journal", lineage)
    }

    fn of_store(&self, whereabouts: &Whereabouts) -> Option<PathBuf> {
        match &whereabouts.database {
            Some(database) => self.named("place", database),
            None => self.beside.clone(),
        }
    }

    fn named(&self, kind: &str, what: &str) -> Option<PathBuf> {
        let digest = Digest::of(what.as_bytes()).to_string();
        let digest = digest.rsplit(':').next().unwrap_or_default().to_owned();
        Some(self.folder.as_ref()?.join(format!("{kind}-{digest}.head")))
    }
}

/// How far a journal had come when this host last wrote to it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LineageNote {
    serial: u64,
    head: Digest,
    incarnation: Digest,
}

impl LineageNote {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let note = Self {
            serial: words.next()?.parse().ok()?,
            head: words.next()?.parse().ok()?,
            incarnation: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(note)
    }

    /// Always of the same length.
    fn line(&self) -> String {
        format!("{:020} {} {}\n", self.serial, self.head, self.incarnation)
    }
}

/// Which journal stood in a store when this host last wrote there, and how far it had come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StoreNote {
    lineage: String,
    serial: u64,
}

impl StoreNote {
    fn parse(text: &str) -> Option<Self> {
        let (lineage, serial) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Self {
            lineage: lineage.to_owned(),
            serial: serial.parse().ok()?,
        })
    }

    /// Of the same length for the same journal.
    fn line(&self) -> String {
        format!("{} {:020}\n", self.lineage, self.serial)
    }
}

/// What this host has noted of a journal and its store.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    lineage: Option<LineageNote>,
    store: Option<StoreNote>,
    incarnation: Digest,
}

impl Noted {
    /// Reads the notes. Before the journal: else a run that writes meanwhile would make it look older than
    /// its note.
    pub(super) async fn read(
        paths: &NotePaths,
        reader: &mut dyn FactReader,
    ) -> Result<Self, JournalError> {
        let whereabouts = reader.whereabouts().await?;
        let lineage = reader.frame().await?.lineage;
        Ok(Self {
            lineage: paths
                .of_lineage(&lineage)
                .and_then(|path| LineageNote::parse(&text(&path)?)),
            store: store_note(paths, &whereabouts),
            incarnation: incarnation(&whereabouts),
        })
    }

    /// What the journal that was read then may lack.
    pub(super) async fn gap(
        &self,
        mark: &StateMark,
        reader: &mut dyn FactReader,
    ) -> Result<Option<Gap>, JournalError> {
        if let Some(store) = self.store.as_ref().filter(|store| store.serial > 0) {
            if store.lineage != mark.lineage {
                return Ok(Some(Gap::OtherLineage));
            }
            if store.serial > mark.serial {
                return Ok(Some(Gap::Older));
            }
        }
        let Some(note) = &self.lineage else {
            let none = if mark.serial == 0 {
                Gap::NoState
            } else {
                Gap::NoNote
            };
            return Ok(Some(none));
        };
        if note.serial > mark.serial {
            return Ok(Some(Gap::Older));
        }
        if mark.serial == 0 {
            return Ok(Some(Gap::NoState));
        }
        let before = note.serial.saturating_sub(1);
        let is_there = match reader.facts_after(before, 1).await?.first() {
            Some(Ok(fact)) => fact.hash == note.head.bytes(),
            Some(Err(_)) | None => false,
        };
        Ok((!is_there || note.incarnation != self.incarnation).then_some(Gap::Restored))
    }
}

/// What is missing where no journal is.
pub(super) fn gap_without_journal(paths: &NotePaths, whereabouts: &Whereabouts) -> Gap {
    match store_note(paths, whereabouts) {
        Some(note) if note.serial > 0 => Gap::Lost,
        _ => Gap::NoState,
    }
}

fn store_note(paths: &NotePaths, whereabouts: &Whereabouts) -> Option<StoreNote> {
    StoreNote::parse(&text(&paths.of_store(whereabouts)?)?)
}

fn incarnation(whereabouts: &Whereabouts) -> Digest {
    Digest::of(whereabouts.incarnation.as_bytes())
}

/// The text of a note; `None` if there is none or it cannot be read: then nothing is known.
fn text(path: &Path) -> Option<String> {
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
    Some(text)
}

/// The open files of both notes. One that cannot be made costs only what it could tell.
#[derive(Debug)]
pub(super) struct Notes {
    by_lineage: Option<File>,
    by_store: Option<File>,
    incarnation: Digest,
}

impl Notes {
    /// Opens the notes of a journal that is held.
    pub(super) async fn open(
        paths: &NotePaths,
        reader: &mut dyn FactReader,
    ) -> Result<Self, JournalError> {
        let whereabouts = reader.whereabouts().await?;
        let lineage = reader.frame().await?.lineage;
        if let Some(folder) = &paths.folder {
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        }
        let open = |path: Option<PathBuf>| path.and_then(|path| open_for_writing(&path));
        Ok(Self {
            by_lineage: open(paths.of_lineage(&lineage)),
            by_store: open(paths.of_store(&whereabouts)),
            incarnation: incarnation(&whereabouts),
        })
    }

    /// Notes where the journal stands. Each line in one write: a process that is killed leaves the old or
    /// the new one.
    pub(super) fn note(&self, mark: &StateMark) {
        let of_lineage = LineageNote {
            serial: mark.serial,
            head: mark.head,
            incarnation: self.incarnation,
        };
        let of_store = StoreNote {
            lineage: mark.lineage.clone(),
            serial: mark.serial,
        };
        for (file, line) in [
            (&self.by_lineage, of_lineage.line()),
            (&self.by_store, of_store.line()),
        ] {
            if let Some(file) = file {
                // A courtesy: an old note only knows less.
                let _ = file.write_at(line.as_bytes(), 0);
            }
        }
    }
}

fn open_for_writing(path: &Path) -> Option<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)
        .ok()
        .filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = LineageNote {
            serial: 7,
            head: Digest::of(b"head"),
            incarnation: Digest::of(b"db"),
        };
        assert_eq!(LineageNote::parse(&note.line()), Some(note));
        let note = StoreNote {
            lineage: "a".to_owned(),
            serial: 7,
        };
        assert_eq!(note.line(), "a 00000000000000000007\n");
        assert_eq!(StoreNote::parse(&note.line()), Some(note));
    }

    #[test]
    fn a_torn_note_is_none() {
        let whole = LineageNote {
            serial: 7,
            head: Digest::of(b"head"),
            incarnation: Digest::of(b"db"),
        }
        .line();
        for length in 0..whole.len() {
            assert_eq!(LineageNote::parse(&whole[..length]), None, "{length}");
        }
        for text in ["", "a", "a 7", "a x\n", "a \n", "\n"] {
            assert_eq!(StoreNote::parse(text), None, "{text:?}");
        }
    }
}
