//! Makes files: whole ones in the place of old ones ([`replace`]), and new ones of an exact mode.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, IntoInnerError, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Access, OFlags};

use super::through::through;

/// What is on the disk when [`replace`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// The new file. After a power cut the name may still be the old file's.
    File,
    /// The new file and, where the system can do that, its name.
    Name,
}

/// Writes a whole file. Where there is a regular file or none, a new file is written beside `path` and
/// renamed to `path`: whoever reads sees the old file or the whole new one. Until then the new file has a
/// name that ends in `.tmp`; after an error it is gone.
///
/// A symbolic link, a pipe or a device is written into and stays what it is: [`super::through`].
///
/// # Errors
///
/// What `write` returns, and what the file system says.
pub fn replace(
    path: &Path,
    mode: u32,
    sync: Sync,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if !is_ours(path)? {
        // Whole before a byte of it is sent: what fails half-way changes nothing.
        let mut text = Vec::new();
        write(&mut text)?;
        return through(path, mode, &text);
    }
    let folder = folder_of(path);
    let (file, draft) = draft(folder)?.into_parts();
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    let file = out.into_inner().map_err(IntoInnerError::into_error)?;
    // Exactly this mode, whatever the umask.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    draft.persist(path).map_err(|error| error.error)?;
    match sync {
        Sync::File => {}
        // Not every system can open a folder. The new file is there all the same.
        Sync::Name => {
            if let Ok(folder) = File::open(folder) {
                let _ = folder.sync_all();
            }
        }
    }
    Ok(())
}

/// Whether [`replace`] can be expected to write there. Nothing is opened: a pipe's reader would see its end.
///
/// # Errors
///
/// What stands in the way.
pub fn can_replace(path: &Path) -> io::Result<()> {
    if is_ours(path)? {
        return draft(folder_of(path)).map(drop);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(_) => Ok(rustix::fs::access(path, Access::WRITE_OK)?),
        // The link names a file that is not there yet.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let target = folder_of(path).join(fs::read_link(path)?);
            draft(folder_of(&target)).map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Whether a regular file is there, or nothing.
fn is_ours(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn draft(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".certplan-")
        .suffix(".tmp")
        .tempfile_in(folder)
}

/// Makes an empty file that was not there, with exactly this mode.
///
/// # Errors
///
/// When there is a file of that name, or the file system says no.
pub fn create(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    // The umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Opens a file that exists only to be locked; makes it where there is none. No symbolic link is followed.
///
/// # Errors
///
/// What the file system says.
pub fn open_lock(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(mode)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
}

/// The flag by which opening a symbolic link fails.
pub fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}

/// The folder that a file is in, the present one for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "a longer text than the new one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        for (wanted, sync) in [(0o600, Sync::File), (0o644, Sync::Name)] {
            replace(&path, wanted, sync, |out| write!(out, "{wanted:o}")).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{wanted:o}"));
            assert_eq!(mode(&path), wanted);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn after_an_error_the_old_file_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let failed = replace(&path, 0o600, Sync::Name, |out| {
            out.write_all(&[0; 100_000])?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&path.join("below"), 0o600, Sync::File, |_| Ok(())).is_err());
    }

    #[test]
    fn a_link_stays_and_what_it_names_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        fs::write(&target, "a longer text than the new one").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        symlink("target", &link).unwrap();
        can_replace(&link).unwrap();
        let failed = replace(&link, 0o600, Sync::File, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        assert!(fs::read_to_string(&target).unwrap().starts_with("a longer"));
        replace(&link, 0o600, Sync::File, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        // Whoever may read it was settled by its owner.
        assert_eq!(mode(&target), 0o644);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_link_to_nothing_makes_the_file_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        symlink("target", &link).unwrap();
        can_replace(&link).unwrap();
        replace(&link, 0o600, Sync::Name, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(mode(&target), 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(&link).unwrap();
        symlink("none/target", &link).unwrap();
        assert!(can_replace(&link).is_err());
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink(".", &link).unwrap();
        for path in [folder.path(), &link] {
            assert!(can_replace(path).is_err());
            assert!(replace(path, 0o600, Sync::File, |_| Ok(())).is_err());
        }
    }

    #[test]
    fn a_new_file_is_new_and_a_lock_is_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, 0o666).unwrap();
        assert_eq!(mode(&path), 0o666);
        assert!(create(&path, 0o600).is_err());
        open_lock(&path, 0o600).unwrap();
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(open_lock(&link, 0o600).is_err());
    }

    #[test]
    fn the_folder_of_a_bare_name_is_the_present_one() {
        assert_eq!(folder_of(Path::new("plan.json")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/plan.json")), Path::new("a"));
    }
}
