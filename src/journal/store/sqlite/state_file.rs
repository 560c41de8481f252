//! The folder and the files of a journal: which are trusted, how they are made, what is refused before
//! SQLite sees them. Main type: [`StateFile`].

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::modes::Beside;
use super::{backup_names, modes, own_folder};
use crate::journal::JournalError;

/// The first bytes of every SQLite database.
const HEADER_MAGIC: &[u8] = b"SQLite format 3\0";

/// `cpln`, as the first migration sets it.
pub(super) const APPLICATION_ID: i32 = 0x6370_6c6e;

/// A run that cannot write what it did must not begin: less free space than this is refused.
const LEAST_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Where SQLite finds the application id in the first page (file format, section 1.3).
const HEADER_BYTES: usize = 100;
const APPLICATION_ID_AT: usize = 68;

/// A journal's folder, free of symbolic links, and its database in it.
#[derive(Debug, Clone)]
pub(in crate::journal) struct StateFile {
    /// As the user wrote it: for messages.
    pub(in crate::journal) shown: PathBuf,
    pub(in crate::journal) folder: PathBuf,
    /// Absolute, so SQLite can never take it for a `file:` URI.
    pub(in crate::journal) database: PathBuf,
}

/// What the database's files looked like at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::journal) struct Trace {
    stamp: [i64; 5],
    size: u64,
    /// True while a run writes or after one was killed: the newest facts may be beside the database.
    pub(in crate::journal) beside: bool,
}

impl StateFile {
    /// The files, if their folder exists.
    pub(in crate::journal) fn find(path: &Path) -> Result<Option<Self>, JournalError> {
        let (folder, name) = split(path)?;
        match fs::canonicalize(&folder) {
            Ok(folder) => Ok(Some(Self::new(path, folder, &name))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(path, cannot("its folder", &error))),
        }
    }

    /// The files, with their folder made (mode 0700) if need be, and found fit to write to.
    pub(in crate::journal) fn make(path: &Path) -> Result<Self, JournalError> {
        let (folder, name) = split(path)?;
        let fail = |what: &str, error: &io::Error| unusable(path, cannot(what, error));
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|folder| !folder.exists())
            .collect();
        if !missing.is_empty() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| fail("its folder", &error))?;
            for above in missing.iter().filter_map(|folder| folder.parent()) {
                sync_folder(above).map_err(|error| fail("the folder above", &error))?;
            }
        }
        let folder = fs::canonicalize(&folder).map_err(|error| fail("its folder", &error))?;
        let files = Self::new(path, folder, &name);
        files.check_folder()?;
        own_folder::hide(&files.folder, !missing.is_empty());
        Ok(files)
    }

    fn new(path: &Path, folder: PathBuf, name: &OsStr) -> Self {
        Self {
            shown: path.to_owned(),
            database: folder.join(name),
            folder,
        }
    }

    /// A file beside the database: its name with a suffix.
    pub(in crate::journal) fn beside(&self, suffix: &str) -> PathBuf {
        backup_names::beside(&self.database, suffix)
    }

    pub(in crate::journal) fn unusable(&self, why: impl Into<String>) -> JournalError {
        unusable(&self.shown, why.into())
    }

    /// [`JournalError::Corrupt`], with the newest backup as the way out.
    pub(in crate::journal) fn corrupt(&self, why: impl Into<String>) -> JournalError {
        let way_out = match backup_names::taken(&self.database).last() {
            Some(backup) => format!("restore the newest backup `{}`", backup.display()),
            None => "there is no backup beside it; keep the file, and let `certplan plan` find the orders again with another --state".to_owned(),
        };
        JournalError::Corrupt {
            path: self.shown.clone(),
            why: format!("{}; {way_out}", why.into()),
        }
    }

    fn check_folder(&self) -> Result<(), JournalError> {
        access(&self.folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
            self.unusable(format!(
                "its folder `{}` cannot be written to: {}",
                self.folder.display(),
                io::Error::from(error)
            ))
        })?;
        self.unless(modes::refusal_of_folder(&self.folder))?;
        if let Some(name) = network_file_system(&self.folder) {
            return Err(self.unusable(format!(
                "it is on a network file system ({name}), where locks and durability cannot be relied on: use a local disk"
            )));
        }
        let space = statvfs(&self.folder)
            .map_err(|error| self.unusable(cannot("its file system", &error.into())))?;
        match too_little(space.f_bavail.saturating_mul(space.f_frsize)) {
            Some(why) => Err(self.unusable(why)),
            None => Ok(()),
        }
    }

    /// True if the database is there and is a file that no foreigner can change; false if there is none.
    pub(in crate::journal) fn check_database(&self) -> Result<bool, JournalError> {
        let metadata = match fs::symlink_metadata(&self.database) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.check_nothing_left().map(|()| false);
            }
            Err(error) => return Err(self.unusable(cannot("it", &error))),
        };
        self.check_kind(&metadata)?;
        self.check_beside(Beside::Sqlite)?;
        Ok(true)
    }

    fn check_kind(&self, metadata: &Metadata) -> Result<(), JournalError> {
        let kind = metadata.file_type();
        let why = if kind.is_symlink() {
            "it is a symbolic link: give the file itself".to_owned()
        } else if kind.is_dir() {
            "it is a folder: give a file in it".to_owned()
        } else if !kind.is_file() {
            "it is not a regular file".to_owned()
        } else if metadata.nlink() != 1 {
            "it has a second name (a hard link), under which its newest facts would be lost"
                .to_owned()
        } else {
            return self.check_access(metadata);
        };
        Err(self.unusable(why))
    }

    fn check_access(&self, metadata: &Metadata) -> Result<(), JournalError> {
        self.unless(modes::refusal(&self.database, metadata))
    }

    /// Refuses files beside the database that others may write.
    pub(super) fn check_beside(&self, which: Beside) -> Result<(), JournalError> {
        self.unless(modes::refusal_beside(&self.database, which))
    }

    fn unless(&self, refusal: Option<String>) -> Result<(), JournalError> {
        refusal.map_or(Ok(()), |why| Err(self.unusable(why)))
    }

    /// Sets files of ours that others may read back to 0600. Only before there is a connection: see
    /// [`Self::check_header`].
    pub(super) fn close_to_others(&self) {
        if modes::close_all(&self.database) {
            tracing::warn!(
                "others could read the state {}: its files have mode 0600 again",
                self.shown.display()
            );
        }
    }

    /// Refuses what is not ours before SQLite opens it for writing, which may change a file.
    ///
    /// Only for the holder of the lock, before it has a connection: closing a file drops every POSIX
    /// lock that this process has on it, SQLite's own included.
    pub(in crate::journal) fn check_header(&self) -> Result<(), JournalError> {
        let mut header = [0; HEADER_BYTES];
        File::open(&self.database)
            .and_then(|file| file.read_exact_at(&mut header, 0))
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => self.corrupt("it is cut short"),
                _ => self.unusable(cannot("it", &error)),
            })?;
        if !header.starts_with(HEADER_MAGIC) {
            return Err(self.corrupt("it is not an SQLite database"));
        }
        if header[APPLICATION_ID_AT..APPLICATION_ID_AT + 4] != APPLICATION_ID.to_be_bytes() {
            return Err(self.corrupt("it is a database of another program"));
        }
        Ok(())
    }

    /// A database that was removed without its write-ahead log: the log's facts would be lost with a
    /// new one.
    fn check_nothing_left(&self) -> Result<(), JournalError> {
        let log = self.beside("-wal");
        match fs::symlink_metadata(&log) {
            Ok(metadata) if metadata.len() > 0 => Err(self.unusable(format!(
                "it is gone, but `{}` with its newest facts is still there: put the database back, or remove that file too and begin anew (`certplan plan` finds tagged orders again)",
                log.display()
            ))),
            _ => Ok(()),
        }
    }

    /// What the files look like now; `None` if the database is gone.
    pub(in crate::journal) fn trace(&self) -> Result<Option<Trace>, JournalError> {
        let metadata = match fs::symlink_metadata(&self.database) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(cannot("it", &error))),
        };
        let has_content =
            |suffix| fs::symlink_metadata(self.beside(suffix)).is_ok_and(|file| file.len() > 0);
        Ok(Some(Trace {
            stamp: [
                metadata.ino().cast_signed(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ],
            size: metadata.len(),
            beside: ["-wal", "-journal"].into_iter().any(has_content),
        }))
    }

    /// Removes what an earlier certplan kept beside the journal and nobody reads any more: copies of its
    /// records and of the account's listing.
    pub(super) fn remove_leftovers(&self) {
        let Some(name) = self.database.file_name().and_then(OsStr::to_str) else {
            return;
        };
        let (records, listing) = (format!("{name}.records"), format!("{name}.look."));
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_left_over = entry
                .file_name()
                .to_str()
                .is_some_and(|found| found == records || found.starts_with(&listing));
            if is_left_over {
                // In nobody's way, but for the space it takes.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    pub(in crate::journal) fn sync_folder(&self) -> Result<(), JournalError> {
        sync_folder(&self.folder).map_err(|error| self.unusable(cannot("its folder", &error)))
    }
}

/// What the operating system said of something.
pub(in crate::journal) fn cannot(what: &str, error: &io::Error) -> String {
    format!("{what} cannot be used: {error}")
}

fn unusable(path: &Path, why: String) -> JournalError {
    JournalError::Unusable {
        path: path.to_owned(),
        why,
    }
}

fn split(shown: &Path) -> Result<(PathBuf, OsString), JournalError> {
    let path =
        std::path::absolute(shown).map_err(|error| unusable(shown, cannot("the path", &error)))?;
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok((folder.to_owned(), name.to_owned())),
        _ => Err(unusable(shown, "it does not name a file".to_owned())),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn too_little(free: u64) -> Option<String> {
    (free < LEAST_FREE_BYTES).then(|| {
        format!(
            "only {} MiB are free on its disk; {} MiB are needed to begin a run",
            free / (1024 * 1024),
            LEAST_FREE_BYTES / (1024 * 1024)
        )
    })
}

/// The network file system that a folder is on, by its name; `None` on a local one.
pub(crate) fn network_file_system(folder: &Path) -> Option<&'static str> {
    file_system(folder).and_then(network_file_system_of_kind)
}

/// The kind of file system, as Linux numbers them (statfs(2)); `None` where it cannot be told.
#[cfg(target_os = "linux")]
fn file_system(folder: &Path) -> Option<u32> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // The field is wider than the number, and signed on some machines: only its low 32 bits count.
    Some(kind as u32)
}

#[cfg(not(target_os = "linux"))]
fn file_system(_folder: &Path) -> Option<u32> {
    None
}

/// The name of a network file system by its number in Linux's `magic.h`. FUSE is let through: it may be
/// local.
fn network_file_system_of_kind(kind: u32) -> Option<&'static str> {
    match kind {
        0x6969 => Some("NFS"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 => Some("SMB2"),
        0x517b => Some("SMB"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_85_network_file_systems_are_known_and_local_ones_pass() {
        for kind in [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b, 0x0102_1997] {
            assert!(network_file_system_of_kind(kind).is_some(), "{kind:x}");
        }
        // ext4, XFS, Btrfs, tmpfs, overlay, FUSE.
        for kind in [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0x794c_7630,
            0x6573_5546,
        ] {
            assert_eq!(network_file_system_of_kind(kind), None, "{kind:x}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            file_system(folder.path()).is_some(),
            cfg!(target_os = "linux")
        );
    }

    #[test]
    fn row_75_a_full_disk_is_refused() {
        assert_eq!(too_little(LEAST_FREE_BYTES), None);
        let why = too_little(LEAST_FREE_BYTES - 1).unwrap();
        assert!(why.contains("63 MiB"), "{why}");
    }

    #[test]
    fn a_path_without_a_file_name_is_refused() {
        for path in ["/", "a/.."] {
            assert!(StateFile::find(Path::new(path)).is_err(), "{path}");
        }
    }
}
