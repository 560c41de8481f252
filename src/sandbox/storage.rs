//! The data folder: `state.json` (everything, written at start), `changes.jsonl` (what changed since),
//! `ledger.jsonl`, `account-id`, and the CA: `ca.pem`, `intermediate.pem` and their keys. Changes and ledger reach the disk before an answer leaves.
//! Main type: [`Folder`].

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::SandboxError;
use super::ca::{Authority, KeptCa};
use super::ledger::{Entry, Ledger};
use super::world::{Kept, World};

const ACCOUNT_ID: &str = "account-id";
const FORMER_ACCOUNT_ID: u64 = 654_321;

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    changes: File,
    ledger: File,
}

impl Folder {
    /// Opens a folder, making it if needed, and takes it for this process alone.
    pub(super) fn open(path: &Path) -> Result<Self, SandboxError> {
        fs::create_dir_all(path).map_err(|source| SandboxError::Data {
            path: path.to_owned(),
            source,
        })?;
        let appending = |name: &str| {
            let file = path.join(name);
            let opened = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&file);
            opened.map_err(|source| SandboxError::Data { path: file, source })
        };
        let changes = appending("changes.jsonl")?;
        lock(&changes).map_err(|_| SandboxError::InUse(path.to_owned()))?;
        Ok(Self {
            path: path.to_owned(),
            changes,
            ledger: appending("ledger.jsonl")?,
        })
    }

    /// The kept CA, or a new one that is kept from now on.
    pub(super) fn authority(&self) -> Result<Authority, SandboxError> {
        let (root, intermediate) = (self.kept_ca("ca")?, self.kept_ca("intermediate")?);
        let authority = Authority::open(root, intermediate)?;
        for (name, ca) in [
            ("ca", authority.root()),
            ("intermediate", authority.intermediate()),
        ] {
            if self.kept_ca(name)?.is_none() {
                self.replace(&format!("{name}.pem"), |file| {
                    file.write_all(ca.certificate.as_bytes())
                })?;
                self.replace(&format!("{name}-key.pem"), |file| {
                    file.write_all(ca.key.as_bytes())
                })?;
            }
        }
        Ok(authority)
    }

    fn kept_ca(&self, name: &str) -> Result<Option<KeptCa>, SandboxError> {
        let key = self.text(&format!("{name}-key.pem"))?;
        let certificate = self.text(&format!("{name}.pem"))?;
        let both = key.zip(certificate);
        Ok(both.map(|(key, certificate)| KeptCa { key, certificate }))
    }

    /// The kept id of the account; otherwise this one, which is kept from now on. A folder with orders
    /// and without an id is of a sandbox whose accounts all had the same one.
    pub(super) fn account_id(&self, new: u64) -> Result<u64, SandboxError> {
        if let Some(kept) = self.text(ACCOUNT_ID)? {
            return kept.trim().parse().map_err(|_| SandboxError::Damaged {
                path: self.path.join(ACCOUNT_ID),
                problem: "it holds no id".to_owned(),
            });
        }
        let id = if self.path.join("state.json").exists() {
            FORMER_ACCOUNT_ID
        } else {
            new
        };
        self.replace(ACCOUNT_ID, |file| writeln!(file, "{id}"))?;
        Ok(id)
    }

    fn text(&self, name: &str) -> Result<Option<String>, SandboxError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SandboxError::Data { path, source }),
        }
    }

    /// Reads state and ledger, then writes the state as a whole so that the changes start empty.
    pub(super) fn load(
        &mut self,
        world: &mut World,
        ledger: &mut Ledger,
    ) -> Result<(), SandboxError> {
        let state = self.path.join("state.json");
        if state.exists() {
            let damaged = |problem: String| SandboxError::Damaged {
                path: state.clone(),
                problem,
            };
            let file = File::open(&state).map_err(|source| SandboxError::Data {
                path: state.clone(),
                source,
            })?;
            let kept: Vec<Kept> = serde_json::from_reader(BufReader::new(file))
                .map_err(|error| damaged(error.to_string()))?;
            kept.into_iter().for_each(|one| world.restore(one));
        }
        self.lines("changes.jsonl", |one: Kept| world.restore(one))?;
        self.lines("ledger.jsonl", |entry: Entry| ledger.entries.push(entry))?;
        world.drop_changes();
        self.replace("state.json", |file| {
            file.write_all(b"[")?;
            for (index, one) in world.everything().enumerate() {
                file.write_all(if index == 0 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut *file, &one)?;
            }
            file.write_all(b"\n]\n")
        })?;
        let failed = |source| SandboxError::Data {
            path: self.path.join("changes.jsonl"),
            source,
        };
        self.changes
            .set_len(0)
            .and_then(|()| self.changes.sync_all())
            .map_err(failed)
    }

    /// Writes what a request changed and its ledger entries, and waits for the disk when it was no mere read.
    pub(super) fn append(&mut self, changes: &[Kept], entries: &[Entry]) -> io::Result<()> {
        if !changes.is_empty() {
            self.changes.write_all(&json_lines(changes)?)?;
        }
        self.ledger.write_all(&json_lines(entries)?)?;
        if entries.first().is_some_and(|entry| entry.method == "GET") {
            return Ok(());
        }
        if !changes.is_empty() {
            self.changes.sync_data()?;
        }
        self.ledger.sync_data()
    }

    fn lines<T: DeserializeOwned>(
        &self,
        name: &str,
        mut take: impl FnMut(T),
    ) -> Result<(), SandboxError> {
        let path = self.path.join(name);
        let failed = |source| SandboxError::Data {
            path: path.clone(),
            source,
        };
        let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
        let (mut line, mut good) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if length == 0 {
                return Ok(());
            }
            match serde_json::from_slice(&line) {
                Ok(value) if line.ends_with(b"\n") => take(value),
                // A last line that was cut off: nobody was told of it, for answers wait for the disk.
                _ if reader.fill_buf().map_err(failed)?.is_empty() => {
                    let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
                    return file.set_len(good).map_err(failed);
                }
                Ok(_) => {
                    return Err(SandboxError::Damaged {
                        path,
                        problem: "a line has no end".into(),
                    });
                }
                Err(error) => {
                    return Err(SandboxError::Damaged {
                        path,
                        problem: error.to_string(),
                    });
                }
            }
            good += length as u64;
        }
    }

    fn replace(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), SandboxError> {
        let (path, new) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let written = (|| {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            let mut buffered = BufWriter::new(file);
            write(&mut buffered)?;
            buffered.into_inner()?.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.path)?.sync_all()
        })();
        written.map_err(|source| SandboxError::Data { path, source })
    }
}

/// Takes the folder. A program that is being started has a copy of the lock until it runs, so that a folder that was
/// just left looks taken for a moment.
fn lock(file: &File) -> Result<(), TryLockError> {
    let mut tries = 10;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if tries > 0 => tries -= 1,
            ended => return ended,
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn json_lines<T: serde::Serialize>(values: &[T]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for value in values {
        serde_json::to_writer(&mut text, value)?;
        text.push(b'\n');
    }
    Ok(text)
}
