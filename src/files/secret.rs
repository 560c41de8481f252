//! Reads a file that holds a secret: [`read_secret`].
//!
//! The mode of a file says who else can read it only where others can come near. In a secrets mount, as
//! Kubernetes, Docker and systemd make them, a file may be readable by group and others, and links within
//! the mount are followed. Elsewhere it is closed to others and no link. All of it is found out on what was
//! opened, step by step from the root; no name is looked at twice.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, fstatvfs, openat, readlinkat};

use super::mount::{Anchors, Folder, Place, is_read_only};
use super::read::{FileError, to_the_end};

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// Opens a link, a folder or a file without reading it.
#[cfg(target_os = "linux")]
const STEP: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Opens a file to read it; a pipe is not waited for.
const READING: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Why a file is not read as a secret. The text goes on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It breaks a rule.
    #[error("{rule}: {}", remedy.words())]
    Refused {
        /// Which one.
        rule: Rule,
        /// What can be done where the file is.
        remedy: Remedy,
    },
    /// It cannot be read, or is too large.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What a file with a secret must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// The path ends in a link that is in no secrets mount.
    #[error("is a symbolic link")]
    SymbolicLink,
    /// A link in a secrets mount leads out of it.
    #[error("is named by a symbolic link that leads out of its mount")]
    LeadsOut,
    /// A link or folder on the way is somebody else's.
    #[error("is reached by a link or a folder of another user")]
    StepOfAnother,
    /// The file is somebody else's.
    #[error("belongs to another user")]
    AnotherOwner,
    /// Others or the group may write it.
    #[error("can be written by others")]
    Writable,
    /// Others may read it, where others can come near.
    #[error("is open to others")]
    OpenToOthers,
}

/// What can be done about a refused file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The file system can be written to.
    Chmod(String),
    /// Only who mounts it can change the mode.
    Mount,
    /// A path without links.
    NameTheFile,
    /// A file of one's own.
    Own,
}

impl Remedy {
    fn words(&self) -> String {
        match self {
            Self::Chmod(path) => format!("`chmod 600 {path}`"),
            Self::Mount => "it is mounted read-only: mount it with `defaultMode: 0400` (Kubernetes) or `mode: 0400` (Docker), or name another path".to_owned(),
            Self::NameTheFile => "name the file itself".to_owned(),
            Self::Own => "it must be yours or root's; name another path".to_owned(),
        }
    }
}

/// Reads a file that holds a secret. `credentials` is where systemd puts a service's credentials.
///
/// # Errors
///
/// A file that is not what a secret's file must be, that is larger than `most` bytes, or that cannot be read.
pub fn read_secret(
    path: &Path,
    most: u64,
    credentials: Option<&Path>,
) -> Result<Vec<u8>, SecretError> {
    let trail = Trail::walk(path, &Anchors::find(credentials)).map_err(FileError::from)?;
    let found = trail.file.metadata().map_err(FileError::from)?;
    let broken = trail.broken_rule(&found);
    // A link is told as a link, whatever it leads to.
    let is_a_link = matches!(broken, Some(Rule::SymbolicLink | Rule::LeadsOut));
    if !found.is_file() && !is_a_link {
        return Err(FileError::NotRegular.into());
    }
    if let Some(rule) = broken {
        let read_only = fstatvfs(&trail.file).is_ok_and(|system| is_read_only(&system));
        let remedy = match rule {
            Rule::SymbolicLink | Rule::LeadsOut => Remedy::NameTheFile,
            Rule::AnotherOwner | Rule::StepOfAnother => Remedy::Own,
            Rule::Writable | Rule::OpenToOthers if read_only => Remedy::Mount,
            Rule::Writable | Rule::OpenToOthers => Remedy::Chmod(path.display().to_string()),
        };
        return Err(SecretError::Refused { rule, remedy });
    }
    Ok(to_the_end(trail.file, most)?)
}

/// A symbolic link on the way.
struct Link {
    owner: u32,
    /// Where it is.
    place: Place,
    /// Nothing came after it in the path.
    is_last: bool,
}

/// The way to a file, and the file.
struct Trail {
    file: File,
    /// Where the file is.
    place: Place,
    /// The file's folders, from the root down.
    folders: Vec<Folder>,
    links: Vec<Link>,
}

impl Trail {
    /// Elsewhere than on Linux no mount is known as one of secrets.
    #[cfg(not(target_os = "linux"))]
    fn walk(path: &Path, anchors: &Anchors) -> io::Result<Self> {
        Ok(Self {
            file: File::from(openat(CWD, path, READING, Mode::empty())?),
            place: anchors.place(&[], None),
            folders: Vec::new(),
            links: Vec::new(),
        })
    }

    #[cfg(target_os = "linux")]
    fn walk(path: &Path, anchors: &Anchors) -> io::Result<Self> {
        let absolute = std::path::absolute(path)?;
        let root = File::from(openat(CWD, "/", OFlags::CLOEXEC, Mode::empty())?);
        let mut folders = vec![Folder::new(root)?];
        let mut links: Vec<Link> = Vec::new();
        let mut ahead = steps(&absolute);
        // A path that ends in a folder has no file.
        let mut name = ahead.pop();
        while let Some(step) = name.take() {
            if step == ".." {
                if folders.len() > 1 {
                    folders.pop();
                }
                name = ahead.pop();
                continue;
            }
            let Some(within) = folders.last() else { break };
            let opened = File::from(openat(&within.file, &step, STEP, Mode::empty())?);
            let found = opened.metadata()?;
            if found.is_symlink() {
                if links.len() == MOST_LINKS {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                links.push(Link {
                    owner: found.uid(),
                    place: anchors.place(&folders, None),
                    is_last: ahead.is_empty(),
                });
                let target = readlinkat(&opened, "", Vec::new())?.into_bytes();
                let target = OsString::from_vec(target);
                if Path::new(&target).is_absolute() {
                    folders.truncate(1);
                }
                ahead.extend(steps(Path::new(&target)));
            } else if found.is_dir() && !ahead.is_empty() {
                folders.push(Folder::new(opened)?);
            } else if ahead.is_empty() {
                let file = File::from(openat(&within.file, &step, READING, Mode::empty())?);
                let place = anchors.place(&folders, Some(&Folder::new(file.try_clone()?)?));
                return Ok(Self {
                    file,
                    place,
                    folders,
                    links,
                });
            } else {
                return Err(rustix::io::Errno::NOTDIR.into());
            }
            name = ahead.pop();
        }
        // The path is a folder: the root, or one behind `..`.
        Err(rustix::io::Errno::ISDIR.into())
    }

    fn broken_rule(&self, found: &Metadata) -> Option<Rule> {
        let user = rustix::process::geteuid().as_raw();
        let trusted = |owner: u32| owner == 0 || owner == user;
        let is_secrets = self.place.is_secrets();
        let inside = self.links.iter().position(|link| link.place == self.place);
        for (at, link) in self.links.iter().enumerate() {
            if is_secrets && link.place == self.place {
                if !trusted(link.owner) {
                    return Some(Rule::StepOfAnother);
                }
                continue;
            }
            let left = is_secrets && inside.is_some_and(|inside| inside < at);
            if left || link.place.is_secrets() && (link.is_last || !is_secrets) {
                return Some(Rule::LeadsOut);
            }
            if link.is_last {
                return Some(Rule::SymbolicLink);
            }
        }
        let follows = is_secrets && inside.is_some();
        if follows
            && self
                .place
                .folders(&self.folders)
                .any(|folder| !trusted(folder.owner))
        {
            return Some(Rule::StepOfAnother);
        }
        if !trusted(found.uid()) && !self.place.is_of_anybody() {
            return Some(Rule::AnotherOwner);
        }
        let mode = found.mode();
        if mode & 0o022 != 0 {
            return Some(Rule::Writable);
        }
        // libpq's rule for keys: root's own may be readable by a group.
        let closed = if found.uid() == 0 { 0o037 } else { 0o077 };
        (!is_secrets && mode & closed != 0).then_some(Rule::OpenToOthers)
    }
}

/// The components of a path, last first.
pub(super) fn steps(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let mut steps: Vec<OsString> = names.map(OsStr::to_owned).collect();
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    fn file(mode: u32) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        // Open to others, so that no folder of the tests is a secrets mount where it is in memory.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn why(path: &Path) -> String {
        read_secret(path, 5, None).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_is_read_where_it_is_closed_to_others() {
        for mode in [0o600, 0o400, 0o700] {
            let (_folder, path) = file(mode);
            assert_eq!(read_secret(&path, 5, None).unwrap(), b"12345");
        }
        let (folder, path) = file(0o600);
        let said = read_secret(&path, 4, None).unwrap_err().to_string();
        assert_eq!(said, "is larger than 4 bytes");
        for (mode, rule) in [
            (0o604, "is open to others"),
            (0o644, "is open to others"),
            (0o601, "is open to others"),
            (0o620, "can be written by others"),
            (0o602, "can be written by others"),
        ] {
            let (_folder, path) = file(mode);
            let said = why(&path);
            assert_eq!(said, format!("{rule}: `chmod 600 {}`", path.display()));
        }
        // Of root's own a group may read it.
        let (_folder, of_group) = file(0o640);
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(read_secret(&of_group, 5, None).is_ok(), is_root);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(why(&link), "is a symbolic link: name the file itself");
        // A folder on the way may be one.
        let way = folder.path().join("way");
        symlink(folder.path(), &way).unwrap();
        assert_eq!(read_secret(&way.join("file"), 5, None).unwrap(), b"12345");
        assert_eq!(why(folder.path()), "is not a regular file");
        assert_eq!(
            why(Path::new("/")),
            "cannot be read: Is a directory (os error 21)"
        );
        let said = why(&folder.path().join("none"));
        assert!(said.starts_with("cannot be read: No such file"), "{said}");
        let said = why(&path.join("below"));
        assert!(
            said.starts_with("cannot be read: Not a directory"),
            "{said}"
        );
        let round = folder.path().join("round");
        symlink("round", &round).unwrap();
        let said = why(&round);
        assert!(
            said.starts_with("cannot be read: Too many levels"),
            "{said}"
        );
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(CWD, &pipe, Mode::RUSR).unwrap();
        assert_eq!(why(&pipe), "is not a regular file");
    }

    #[test]
    fn a_credential_of_systemd_may_be_readable_and_linked_below_its_folder() {
        let (folder, path) = file(0o440);
        let credentials = Some(folder.path());
        assert_eq!(read_secret(&path, 5, credentials).unwrap(), b"12345");
        let link = folder.path().join("link");
        symlink("file", &link).unwrap();
        assert_eq!(read_secret(&link, 5, credentials).unwrap(), b"12345");
        let (_other, outside) = file(0o600);
        let leaves = folder.path().join("leaves");
        symlink(&outside, &leaves).unwrap();
        let said = read_secret(&leaves, 5, credentials)
            .unwrap_err()
            .to_string();
        assert!(said.contains("leads out of its mount"), "{said}");
        // So does a folder on the way.
        let way = folder.path().join("way");
        symlink(outside.parent().unwrap(), &way).unwrap();
        let said = read_secret(&way.join("file"), 5, credentials).unwrap_err();
        assert!(said.to_string().contains("leads out"), "{said}");
        // A link from outside is one, wherever it leads.
        let from_outside = outside.with_file_name("link");
        symlink(&path, &from_outside).unwrap();
        let said = read_secret(&from_outside, 5, credentials).unwrap_err();
        assert!(said.to_string().contains("is a symbolic link"), "{said}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o460)).unwrap();
        let said = read_secret(&path, 5, credentials).unwrap_err().to_string();
        assert!(said.starts_with("can be written by others"), "{said}");
        // A folder that is named by a relative path is none.
        assert!(read_secret(&path, 5, Some(Path::new("."))).is_err());
    }
}
