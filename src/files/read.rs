//! Reads a file that somebody named. Main type: [`FileError`].
//!
//! Opening a pipe would wait for a writer, and a device might never end: only regular files are read, and
//! none beyond a given size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Why a file is not read. The text goes on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A private file is named by a symbolic link.
    #[error("is a symbolic link; name the file itself")]
    SymbolicLink,
    /// A folder, a pipe or a device.
    #[error("is not a regular file")]
    NotRegular,
    /// A private file of somebody else.
    #[error("belongs to another user")]
    AnotherOwner,
    /// A private file that others may read or write.
    #[error("is open to others")]
    OpenToOthers,
    /// Larger than any such file is.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// The file system said no.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads a file that holds a secret: it is ours or root's, nobody else may read or write it, and it is no
/// symbolic link.
///
/// # Errors
///
/// A file that is not so, that is larger than `most` bytes, or that cannot be read.
pub fn read_private(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
            return Err(FileError::SymbolicLink);
        }
        Err(error) => return Err(error.into()),
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(FileError::NotRegular);
    }
    if found.uid() != rustix::process::geteuid().as_raw() && found.uid() != 0 {
        return Err(FileError::AnotherOwner);
    }
    if found.mode() & 0o077 != 0 {
        return Err(FileError::OpenToOthers);
    }
    to_the_end(file, most)
}

/// Reads a regular file, through a symbolic link too.
///
/// # Errors
///
/// Anything else than a regular file, one that is larger than `most` bytes, or that cannot be read.
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    // Before it is opened, because opening a pipe waits.
    if !fs::metadata(path)?.is_file() {
        return Err(FileError::NotRegular);
    }
    to_the_end(File::open(path)?, most)
}

/// Whether there is a regular file, or nothing.
///
/// # Errors
///
/// Anything else of that name: it must not be read.
pub fn is_there(path: &Path) -> Result<bool, FileError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(FileError::NotRegular),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn to_the_end(file: File, most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(FileError::TooLarge(most));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    fn file(mode: u32) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn why(read: Result<Vec<u8>, FileError>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn a_private_file_is_read_and_one_that_is_not_is_refused() {
        for mode in [0o600, 0o400, 0o700] {
            let (_folder, path) = file(mode);
            assert_eq!(read_private(&path, 5).unwrap(), b"12345");
        }
        let (folder, path) = file(0o600);
        assert_eq!(why(read_private(&path, 4)), "is larger than 4 bytes");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let (_folder, path) = file(mode);
            assert_eq!(why(read_private(&path, 5)), "is open to others", "{mode:o}");
        }
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        let said = why(read_private(&link, 5));
        assert_eq!(said, "is a symbolic link; name the file itself");
        assert_eq!(why(read_private(folder.path(), 5)), "is not a regular file");
        let said = why(read_private(&folder.path().join("none"), 5));
        assert!(said.starts_with("cannot be read: No such file"), "{said}");
    }

    #[test]
    fn a_bounded_file_is_read_through_a_link_and_a_pipe_is_not_waited_for() {
        let (folder, path) = file(0o644);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(read_bounded(&link, 5).unwrap(), b"12345");
        assert_eq!(why(read_bounded(&link, 4)), "is larger than 4 bytes");
        assert!(is_there(&link).unwrap());
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for read in [read_bounded(&pipe, 5), read_private(&pipe, 5)] {
            assert_eq!(why(read), "is not a regular file");
        }
        assert!(is_there(&pipe).is_err());
        assert!(!is_there(&folder.path().join("none")).unwrap());
    }
}
