//! Writes into what is no regular file of its own name: a symbolic link, a pipe, a device. It stays what it
//! is, and whoever reads from it gets the text: [`through`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// How long a pipe may be without a reader: a collector that reopens its pipe is back by then.
const READER: Duration = Duration::from_secs(5);
/// How often it is looked whether a reader has come.
const PACE: Duration = Duration::from_millis(20);

/// Writes the text into what `path` names. A file behind a link that is not there yet gets this mode.
///
/// # Errors
///
/// What the file system says; a pipe that nobody reads.
pub(super) fn through(path: &Path, mode: u32, text: &[u8]) -> io::Result<()> {
    let is_pipe = fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    let mut file = if is_pipe {
        open_pipe(path, READER)?
    } else {
        open_other(path, mode)?
    };
    file.write_all(text)?;
    if file.metadata()?.is_file() {
        file.sync_all()?;
    }
    Ok(())
}

fn open_other(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).mode(mode);
    options.custom_flags(OFlags::NOCTTY.bits().cast_signed());
    // What this process has open already may hold other text, which must not be lost.
    if names_open_file(path) {
        options.append(true);
    } else {
        options.write(true).truncate(true);
    }
    options.open(path)
}

/// Whether it is another name of a file that this process was started with: `/dev/stderr`, `/dev/fd/3`.
fn names_open_file(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|folder| path.starts_with(folder))
        || ["/dev/stdout", "/dev/stderr"]
            .iter()
            .any(|name| path == Path::new(name))
}

/// Opening a pipe waits for its reader, for ever if there is none: so it is tried again and again for a while.
fn open_pipe(path: &Path, patience: Duration) -> io::Result<File> {
    let begun = Instant::now();
    loop {
        let opened = OpenOptions::new()
            .write(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(path);
        match opened {
            Ok(file) => {
                // A reader may take its time from here on.
                let flags = rustix::fs::fcntl_getfl(&file)?;
                rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
                return Ok(file);
            }
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                if begun.elapsed() >= patience {
                    return Err(io::Error::new(
                        ErrorKind::BrokenPipe,
                        "it is a pipe, and nobody reads from it",
                    ));
                }
                thread::sleep(PACE);
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;

    fn pipe(path: &Path) {
        rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    }

    #[test]
    fn a_pipe_is_written_into_by_its_name_and_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("pipe"), folder.path().join("link"));
        pipe(&path);
        symlink("pipe", &link).unwrap();
        // More than a pipe holds: the reader is waited for.
        let text = "x".repeat(1 << 20);
        for name in [path.clone(), link] {
            let read = path.clone();
            let reader = thread::spawn(move || fs::read_to_string(read).unwrap());
            through(&name, 0o600, text.as_bytes()).unwrap();
            assert_eq!(reader.join().unwrap(), text);
            let found = fs::symlink_metadata(&path).unwrap();
            assert!(found.file_type().is_fifo());
        }
    }

    #[test]
    fn a_pipe_without_a_reader_is_an_error_and_no_wait_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        pipe(&path);
        let error = open_pipe(&path, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("nobody reads"), "{error}");
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_device_is_written_into() {
        through(Path::new("/dev/null"), 0o600, b"text").unwrap();
        let full = through(Path::new("/dev/full"), 0o600, b"text").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn what_is_open_already_keeps_the_text_that_it_has() {
        let mut open = tempfile::tempfile().unwrap();
        open.write_all(b"first ").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        for folder in ["/dev/fd", "/proc/self/fd"] {
            through(&Path::new(folder).join(number.to_string()), 0o600, b"x").unwrap();
        }
        assert_eq!(open.metadata().unwrap().len(), 8);
    }
}
