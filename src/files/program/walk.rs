//! The way to a program, from the root down: [`open`]. No name is looked at twice.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat, readlinkat};
use rustix::io::Errno;

use super::ProgramError;
use crate::files::secret::steps;

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// Opens a link, a folder or a file without reading it.
#[cfg(target_os = "linux")]
const STEP: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const STEP: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// What this process can name an open handle by.
pub(super) fn path_of(handle: RawFd) -> PathBuf {
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    Path::new(folder).join(handle.to_string())
}

/// Walks to a program and opens it. Links are followed: whose they are counts, and the folders that they lead
/// through.
pub(super) fn open(path: &Path) -> Result<OwnedFd, ProgramError> {
    let failed = |error: io::Error| ProgramError::Io {
        path: path.to_owned(),
        error,
    };
    if !path.is_absolute() {
        let absolute = std::path::absolute(path).map_err(failed)?;
        let path = path.to_owned();
        return Err(ProgramError::NotAbsolute { path, absolute });
    }
    let refused = |error: Errno| failed(error.into());
    let root = openat(CWD, "/", STEP, Mode::empty()).map_err(refused)?;
    let mut folders = vec![Folder::new(root.into(), PathBuf::from("/"))?];
    let mut ahead = steps(path);
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        if step == ".." {
            if folders.len() > 1 {
                folders.pop();
            }
            continue;
        }
        let Some(within) = folders.last() else {
            break;
        };
        let at = within.place.join(&step);
        let opened = openat(&within.handle, &step, STEP, Mode::empty()).map_err(refused)?;
        let opened = File::from(opened);
        let found = opened.metadata().map_err(failed)?;
        if found.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(refused(Errno::LOOP));
            }
            check_owner(&found, &at)?;
            let target = readlinkat(&opened, "", Vec::new()).map_err(refused)?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.is_absolute() {
                folders.truncate(1);
            }
            ahead.extend(steps(&target));
        } else if found.is_dir() {
            folders.push(Folder::new(opened, at)?);
        } else if ahead.is_empty() {
            let handle = OwnedFd::from(opened);
            check_file(&handle, &at)?;
            return Ok(handle);
        } else {
            return Err(refused(Errno::NOTDIR));
        }
    }
    Err(ProgramError::NotRegular {
        path: path.to_owned(),
    })
}

/// A folder on the way in which nobody else can put another program.
struct Folder {
    handle: File,
    place: PathBuf,
}

impl Folder {
    fn new(handle: File, place: PathBuf) -> Result<Self, ProgramError> {
        /// Only the owner of a file can rename or remove it there.
        const STICKY: u32 = 0o1000;
        let found = handle.metadata().map_err(|error| ProgramError::Io {
            path: place.clone(),
            error,
        })?;
        check_owner(&found, &place)?;
        let is_sticky_of_root = found.uid() == 0 && found.mode() & STICKY != 0;
        if found.mode() & 0o022 != 0 && !is_sticky_of_root {
            return Err(ProgramError::Writable { at: place });
        }
        Ok(Self { handle, place })
    }
}

/// What holds for the program itself, on its handle.
pub(super) fn check_file(handle: &OwnedFd, path: &Path) -> Result<(), ProgramError> {
    let failed = |error: io::Error| ProgramError::Io {
        path: path.to_owned(),
        error,
    };
    let path_again = path_of(handle.as_raw_fd());
    let found = handle.try_clone().map(File::from).map_err(failed)?;
    let found = found.metadata().map_err(failed)?;
    if !found.is_file() {
        let path = path.to_owned();
        return Err(ProgramError::NotRegular { path });
    }
    check_owner(&found, path)?;
    if found.mode() & 0o022 != 0 {
        let at = path.to_owned();
        return Err(ProgramError::Writable { at });
    }
    match accessat(CWD, path_again, Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => Ok(()),
        Err(Errno::ACCESS) => Err(ProgramError::NotExecutable {
            path: path.to_owned(),
        }),
        Err(error) => Err(failed(error.into())),
    }
}

fn check_owner(found: &Metadata, at: &Path) -> Result<(), ProgramError> {
    let user = rustix::process::geteuid().as_raw();
    if found.uid() == 0 || found.uid() == user {
        return Ok(());
    }
    Err(ProgramError::AnotherOwner { at: at.to_owned() })
}
