//! One open folder, and what is directly in it: [`Dir`].
//!
//! Every name is opened from the handle of its folder. A symbolic link is never followed, and no name leads
//! out of the folder.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::error::FilesError;

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const READING: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const CREATING: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// An open folder that only its owner writes to.
#[derive(Debug)]
pub(super) struct Dir {
    handle: OwnedFd,
    path: PathBuf,
}

/// What is made in a folder: with which mode, and for which group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) mode: u32,
    pub(super) group: Option<Gid>,
}

/// What is there under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    Missing,
    /// A regular file.
    File(Zeroizing<Vec<u8>>),
    /// A link, a folder, a device, or more than so many bytes.
    Other,
}

impl Dir {
    /// Opens the topmost folder, through links too; `None` where there is none.
    pub(super) fn open_top(path: &Path) -> Result<Option<Self>, FilesError> {
        let handle =
            match rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(handle) => handle,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::NOTDIR) => {
                    let (path, what) = (path.to_owned(), "a file");
                    return Err(FilesError::NotAFolder { path, what });
                }
                Err(error) => return Err(FilesError::io(path, error)),
            };
        let top = Self {
            handle,
            path: path.to_owned(),
        };
        // Some containers answer a call that their profile does not know with "not permitted".
        match beneath(&top.handle, ".", FOLDER, Mode::empty()) {
            Err(Errno::NOSYS | Errno::PERM) => Err(FilesError::NoOpenat2 { path: top.path }),
            Err(error) => Err(FilesError::io(path, error)),
            Ok(_) => top.closed_to_others().map(Some),
        }
    }

    /// Where it is, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The place of a name in it, for messages.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The system's answer about a name in it.
    pub(super) fn failed(&self, name: &str, error: impl Into<io::Error>) -> FilesError {
        FilesError::io(self.at(name), error)
    }

    /// Opens a folder in it; `None` where there is none.
    pub(super) fn dir(&self, name: &str) -> Result<Option<Self>, FilesError> {
        let what = match beneath(&self.handle, name, FOLDER, Mode::empty()) {
            Ok(handle) => {
                let path = self.at(name);
                return Self { handle, path }.closed_to_others().map(Some);
            }
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => "a symbolic link",
            Err(Errno::NOTDIR) if self.read_link(name)?.is_some() => "a symbolic link",
            Err(Errno::NOTDIR) => "a file",
            Err(error) => return Err(self.failed(name, error)),
        };
        let path = self.at(name);
        Err(FilesError::NotAFolder { path, what })
    }

    /// Opens a folder in it, and makes it where there is none. One that is there is opened to the group; an empty
    /// one gets its mode, which a run that was killed may not have given to it.
    pub(super) fn make_dir(&self, name: &str, access: Access) -> Result<Self, FilesError> {
        if let Some(there) = self.dir(name)? {
            let found = there.access()?;
            let is_other = match access.group {
                Some(_) => found != access,
                None => found.mode != access.mode && there.names()?.is_empty(),
            };
            if is_other {
                there.give(access)?;
            }
            return Ok(there);
        }
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(self.failed(name, error)),
        }
        let gone = || self.failed(name, ErrorKind::NotFound);
        let made = self.dir(name)?.ok_or_else(gone)?;
        made.give(access)?;
        self.sync()?;
        Ok(made)
    }

    /// Gives the folder itself a mode and a group.
    pub(super) fn give(&self, access: Access) -> Result<(), FilesError> {
        let failed = |error: Errno| FilesError::io(self.path(), error);
        if let Some(group) = access.group {
            rustix::fs::fchown(&self.handle, None, Some(group)).map_err(failed)?;
        }
        let mode = Mode::from_raw_mode(access.mode);
        rustix::fs::fchmod(&self.handle, mode).map_err(failed)
    }

    /// Makes a file that was not there and brings it to the disk; the name follows with [`Self::sync`]. After
    /// an error it is gone.
    pub(super) fn create(
        &self,
        name: &str,
        access: Access,
        bytes: &[u8],
    ) -> Result<(), FilesError> {
        let file = match beneath(&self.handle, name, CREATING, Mode::RUSR | Mode::WUSR) {
            Ok(handle) => File::from(handle),
            Err(Errno::EXIST | Errno::LOOP) => {
                return Err(FilesError::Exists {
                    path: self.at(name),
                });
            }
            Err(error) => return Err(self.failed(name, error)),
        };
        let written = fill(file, access, bytes);
        written.map_err(|error| {
            // A part of a file serves nobody.
            let _ = rustix::fs::unlinkat(&self.handle, name, AtFlags::empty());
            self.failed(name, error)
        })
    }

    /// Reads a file of at most so many bytes.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Content, FilesError> {
        let file = match beneath(&self.handle, name, READING, Mode::empty()) {
            Ok(handle) => File::from(handle),
            Err(Errno::NOENT) => return Ok(Content::Missing),
            // A link, and a socket.
            Err(Errno::LOOP | Errno::NXIO) => return Ok(Content::Other),
            Err(error) => return Err(self.failed(name, error)),
        };
        let failed = |error: io::Error| self.failed(name, error);
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() || found.len() > most {
            return Ok(Content::Other);
        }
        // No growth: a buffer that is left behind would not be wiped.
        let size = usize::try_from(most.saturating_add(1)).unwrap_or(usize::MAX);
        let size = size.min(
            usize::try_from(found.len())
                .unwrap_or(size)
                .saturating_add(1),
        );
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        let mut file = file.take(found.len());
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Content::File(bytes))
    }

    /// The names in it, sorted.
    pub(super) fn names(&self) -> Result<Vec<String>, FilesError> {
        let failed = |error: Errno| FilesError::io(self.path(), error);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // No name of ours is anything but ASCII.
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        names.sort();
        Ok(names)
    }

    /// Where a link points; `None` where there is nothing or no link.
    pub(super) fn read_link(&self, name: &str) -> Result<Option<String>, FilesError> {
        match rustix::fs::readlinkat(&self.handle, name, Vec::new()) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Whether anything has this name.
    pub(super) fn holds(&self, name: &str) -> Result<bool, FilesError> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// The mode of a regular file in it; `None` where there is none.
    pub(super) fn mode_of(&self, name: &str) -> Result<Option<u32>, FilesError> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => {
                Ok(Some(found.st_mode & 0o7777))
            }
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Makes a symbolic link that was not there.
    pub(super) fn link_to(&self, target: &str, name: &str) -> Result<(), FilesError> {
        rustix::fs::symlinkat(target, &self.handle, name).map_err(|error| self.failed(name, error))
    }

    /// Gives a file a name that nothing has, in one step.
    pub(super) fn name_file(&self, from: &str, to: &str) -> Result<(), FilesError> {
        let handle = &self.handle;
        match rustix::fs::linkat(handle, from, handle, to, AtFlags::empty()) {
            Ok(()) => self.remove_file(from),
            Err(Errno::EXIST) => Err(FilesError::Exists { path: self.at(to) }),
            Err(error) => Err(self.failed(to, error)),
        }
    }

    /// Renames; what had the new name is gone.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), FilesError> {
        rustix::fs::renameat(&self.handle, from, &self.handle, to)
            .map_err(|error| self.failed(to, error))
    }

    /// Moves what has a name here into another folder, under a name that nothing has there.
    pub(super) fn move_to(&self, name: &str, other: &Self, to: &str) -> Result<(), FilesError> {
        let how = RenameFlags::NOREPLACE;
        rustix::fs::renameat_with(&self.handle, name, &other.handle, to, how)
            .map_err(|error| other.failed(to, error))
    }

    /// Lets two names change places in one step.
    pub(super) fn exchange(&self, one: &str, other: &str) -> Result<(), FilesError> {
        let (handle, how) = (&self.handle, RenameFlags::EXCHANGE);
        match rustix::fs::renameat_with(handle, one, handle, other, how) {
            Ok(()) => Ok(()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(FilesError::Unusable {
                path: self.at(other),
                why: "this file system cannot let two folders change places; move this one away, or keep the files on a local disk".to_owned(),
            }),
            Err(error) => Err(self.failed(other, error)),
        }
    }

    /// Removes a file or a link that may be there.
    pub(super) fn remove_file(&self, name: &str) -> Result<(), FilesError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Removes a folder of files that may be there.
    pub(super) fn remove_dir(&self, name: &str) -> Result<(), FilesError> {
        let Some(folder) = self.dir(name)? else {
            return Ok(());
        };
        for file in folder.names()? {
            folder.remove_file(&file)?;
        }
        rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)
            .map_err(|error| self.failed(name, error))
    }

    /// Removes a folder that may be there, and stays if anything is in it.
    pub(super) fn remove_empty(&self, name: &str) -> Result<(), FilesError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Brings a file that is there to the disk.
    pub(super) fn sync_file(&self, name: &str) -> Result<(), FilesError> {
        beneath(&self.handle, name, READING, Mode::empty())
            .and_then(rustix::fs::fsync)
            .map_err(|error| self.failed(name, error))
    }

    /// Brings the names in it to the disk.
    pub(super) fn sync(&self) -> Result<(), FilesError> {
        rustix::fs::fsync(&self.handle).map_err(|error| FilesError::io(self.path(), error))
    }

    /// The mode of the folder, and its group.
    pub(super) fn access(&self) -> Result<Access, FilesError> {
        let found =
            rustix::fs::fstat(&self.handle).map_err(|error| FilesError::io(self.path(), error))?;
        Ok(Access {
            mode: found.st_mode & 0o7777,
            group: Some(Gid::from_raw(found.st_gid)),
        })
    }

    fn closed_to_others(self) -> Result<Self, FilesError> {
        let found =
            rustix::fs::fstat(&self.handle).map_err(|error| FilesError::io(self.path(), error))?;
        let shown = self.path.display();
        let (why, remedy) = if found.st_uid != rustix::process::geteuid().as_raw() {
            (
                "it belongs to another user",
                format!(
                    "run certplan as the owner of {shown}, or type `chown \"$(id -u)\" {shown}`"
                ),
            )
        } else if found.st_mode & 0o022 != 0 {
            (
                "others can write to it",
                format!("`chmod go-w {shown}`, and look whether anything in it is not yours"),
            )
        } else {
            return Ok(self);
        };
        let path = self.path;
        Err(FilesError::OpenToOthers { path, why, remedy })
    }
}

fn fill(mut file: File, access: Access, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Some(group) = access.group {
        rustix::fs::fchown(&file, None, Some(group))?;
    }
    // Exactly this mode, whatever the umask.
    file.set_permissions(Permissions::from_mode(access.mode))?;
    file.sync_all()
}

#[cfg(target_os = "linux")]
fn beneath(folder: &OwnedFd, name: &str, how: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    loop {
        match rustix::fs::openat2(folder, name, how, mode, within) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            done => return done,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn beneath(_folder: &OwnedFd, _name: &str, _how: OFlags, _mode: Mode) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}
