//! Reads a file that somebody named. Main type: [`FileError`].
//!
//! Opening a pipe would wait for a writer, and a device might never end: only regular files are read, and
//! none beyond a given size.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Why a file is not read. The text goes on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A folder, a pipe or a device.
    #[error("is not a regular file")]
    NotRegular,
    /// Larger than any such file is.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// The file system said no.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
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

pub(super) fn to_the_end(file: File, most: u64) -> Result<Vec<u8>, FileError> {
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
    fn a_bounded_file_is_read_through_a_link_and_a_pipe_is_not_waited_for() {
        let (folder, path) = file(0o644);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(read_bounded(&link, 5).unwrap(), b"12345");
        assert_eq!(why(read_bounded(&link, 4)), "is larger than 4 bytes");
        assert!(is_there(&link).unwrap());
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(why(read_bounded(&pipe, 5)), "is not a regular file");
        assert!(is_there(&pipe).is_err());
        assert!(!is_there(&folder.path().join("none")).unwrap());
    }
}
