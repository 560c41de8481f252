//! One writer at a time: a lock on a file beside the database, and in it who holds it.
//!
//! The operating system lets go of the lock when the process ends, however it ends; the file stays, and
//! what is written in it counts only while the lock is held.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state_file::{StateFile, cannot};
use crate::files::open_lock;
use crate::journal::JournalError;
use crate::model::{RunId, Untrusted};

/// More than any note that certplan writes.
const NOTE_BYTES: u64 = 4096;

/// Who asks for the journal: shown to the next one who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The command, as the user typed its name: `apply`, `resolve`, `import`.
    pub command: String,
    /// Its run.
    pub run: RunId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    pid: u32,
    host: String,
    command: String,
    run: String,
    since: Timestamp,
}

/// The lock; let go when it is dropped.
#[derive(Debug)]
pub(in crate::journal) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock or says who has it ([`JournalError::Held`]). Does not wait.
    pub(in crate::journal) fn take(
        state_file: &StateFile,
        holder: &Holder,
    ) -> Result<Self, JournalError> {
        let path = state_file.beside(".lock");
        let fail = |error: &std::io::Error| state_file.unusable(cannot("its lock file", error));
        let mut file = open_lock(&path, 0o600).map_err(|error| fail(&error))?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(state_file.unusable(format!(
                "its lock file `{}` is not a regular file",
                path.display()
            )));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Held {
                    path: state_file.shown.clone(),
                    holder: read_note(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(fail(&error)),
        }
        let mut lock = Self { file };
        lock.write_note(holder).map_err(|error| fail(&error))?;
        Ok(lock)
    }

    fn write_note(&mut self, holder: &Holder) -> std::io::Result<()> {
        let note = Note {
            pid: std::process::id(),
            host: host(),
            command: holder.command.clone(),
            run: holder.run.to_string(),
            since: Timestamp::now(),
        };
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&serde_json::to_vec(&note)?)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only a courtesy: without the lock the note counts for nothing.
        let _ = self.file.set_len(0);
    }
}

fn read_note(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(NOTE_BYTES).read_to_string(&mut text);
    match read.map(|_| serde_json::from_str::<Note>(&text)) {
        Ok(Ok(note)) => format!(
            "process {} on {} (`certplan {}`, since {})",
            note.pid,
            Untrusted::new(note.host),
            Untrusted::new(note.command),
            note.since
        ),
        // Between its taking the lock and its writing the note.
        _ => "another run that has just begun".to_owned(),
    }
}

pub(in crate::journal) fn host() -> String {
    for path in ["/proc/sys/kernel/hostname", "/etc/hostname"] {
        if let Ok(text) = std::fs::read_to_string(path)
            && !text.trim().is_empty()
        {
            return text.trim().to_owned();
        }
    }
    "this machine".to_owned()
}
