//! Why the folder of keys and certificates cannot be used: [`FilesError`].

use std::io;
use std::path::PathBuf;

use crate::model::{Digest, FilesId};

/// Why the folder of keys and certificates, or something in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The folder is not the one that the state knows.
    #[error("{path} is not the folder of keys and certificates that the state knows: {why}", path = path.display())]
    AnotherFolder {
        /// The folder.
        path: PathBuf,
        /// What is different.
        why: String,
    },
    /// It holds other things, and no marker.
    #[error("{path} holds other files, such as `{found}`, and is no folder of keys and certificates", path = path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// Something stands where a file must be made.
    #[error("{path} is there already", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may write to it.
    #[error("{path} is open to others: {why}", path = path.display())]
    OpenToOthers {
        /// The folder or the file.
        path: PathBuf,
        /// What is open.
        why: &'static str,
        /// What to type.
        remedy: String,
    },
    /// The group could never come near the files.
    #[error("the group {group} cannot enter {path}, so it could not read the files", path = path.display())]
    GroupShutOut {
        /// The folder that shuts it out.
        path: PathBuf,
        /// The group's number.
        group: u32,
    },
    /// The disk is full, or the quota is used up.
    #[error("there is no room for {path}: {error}", path = path.display())]
    NoRoom {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The system cannot open files below a folder safely.
    #[error("this system has no `openat2`, without which no file below {path} can be opened safely", path = path.display())]
    NoOpenat2 {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that must be a real one is a symbolic link or something else.
    #[error("{path} must be a folder, and is {what}", path = path.display())]
    NotAFolder {
        /// The place.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// `live/NAME` is no link, or one that leads out of the folder.
    #[error("{path} {what}", path = path.display())]
    NotALink {
        /// The place.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file holds something that it should not.
    #[error("{path} cannot be used: {why}", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The private key is nowhere in the folder.
    #[error("the private key of {public_key} is not below {path}", path = path.display())]
    NoKey {
        /// The folder.
        path: PathBuf,
        /// The public key that was looked for.
        public_key: Digest,
    },
    /// A private key could not be made.
    #[error("a private key could not be made: {0}")]
    Key(&'static str),
    /// A CSR could not be made.
    #[error("a CSR could not be made: {0}")]
    Csr(String),
    /// A PKCS#12 file could not be made.
    #[error("a PKCS#12 file could not be made: {0}")]
    P12(String),
    /// A certificate's serial number cannot be the name of a folder.
    #[error("`{0}` is not a serial number")]
    Serial(String),
    /// The file system said no.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// The place.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl FilesError {
    /// What the system said about a place.
    pub(super) fn io(path: impl Into<PathBuf>, error: impl Into<io::Error>) -> Self {
        let (path, error) = (path.into(), error.into());
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoRoom { path, error },
            _ => Self::Io { path, error },
        }
    }

    /// The folder's id is another one than the state knows, or it has none.
    pub fn another_folder(path: PathBuf, known: &FilesId, found: Option<&FilesId>) -> Self {
        let why = match found {
            Some(found) => format!("its id is {found}, and the state knows {known}"),
            None => format!("it has no file `.certplan-files`, and the state knows {known}"),
        };
        Self::AnotherFolder { path, why }
    }

    /// The error, its stable name, and what can be done about it.
    pub fn told(&self) -> String {
        let code = self.code();
        match self.help() {
            Some(help) => format!("{self} ({code}); {help}"),
            None => format!("{self} ({code})"),
        }
    }

    /// The stable name of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AnotherFolder { .. } => "certplan::files::another_folder",
            Self::Occupied { .. } => "certplan::files::occupied",
            Self::Exists { .. } => "certplan::files::exists",
            Self::OpenToOthers { .. } => "certplan::files::open_to_others",
            Self::GroupShutOut { .. } => "certplan::files::group_shut_out",
            Self::NoRoom { .. } => "certplan::files::no_room",
            Self::NoOpenat2 { .. } => "certplan::files::no_openat2",
            Self::NotAFolder { .. } => "certplan::files::not_a_folder",
            Self::NotALink { .. } => "certplan::files::not_a_link",
            Self::Unusable { .. } => "certplan::files::unusable",
            Self::NoKey { .. } => "certplan::files::no_key",
            Self::Key(_) => "certplan::files::key",
            Self::Csr(_) => "certplan::files::csr",
            Self::P12(_) => "certplan::files::p12",
            Self::Serial(_) => "certplan::files::serial",
            Self::Io { .. } => "certplan::files::io",
        }
    }

    /// What can be done about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::AnotherFolder { path, .. } => format!(
                "mount the folder that belongs to the state or name it with `--files-dir`; where this one is to be used from now on, `certplan doctor --adopt-files-dir --files-dir {}`",
                path.display()
            ),
            Self::Occupied { .. } => {
                "name an empty folder, or one that is not there yet, with `--files-dir`".to_owned()
            }
            Self::Exists { path } => format!(
                "look at it and move it away: `mv {0} {0}.old`; certplan overwrites no key",
                path.display()
            ),
            Self::OpenToOthers { remedy, .. } => remedy.clone(),
            Self::GroupShutOut { path, group } if !path.exists() => format!(
                "it would be made for its owner alone: make it first, `mkdir -p {0} && chgrp {group} {0} && chmod g+x {0}`, or name another folder with `--files-dir`",
                path.display()
            ),
            Self::GroupShutOut { path, .. } => format!(
                "name a folder outside {} with `--files-dir`",
                path.display()
            ),
            Self::NoRoom { path, .. } => format!(
                "make room (`df {}`) and run it again",
                path.parent().unwrap_or(path).display()
            ),
            Self::NoOpenat2 { .. } => {
                "run it on Linux 5.6 or newer, in a container whose seccomp profile lets `openat2` through".to_owned()
            }
            Self::NotAFolder { path, .. } => format!(
                "put the folder itself at {}; to keep the files elsewhere, name that place with `--files-dir`",
                path.display()
            ),
            Self::NotALink { path, .. } => format!(
                "move it away: `mv {0} {0}.old`; the next `certplan apply` makes the link again",
                path.display()
            ),
            Self::NoKey { .. } => {
                "mount the folder that holds it, or let `certplan apply --rekey ADDRESS` make a new key by a reissue".to_owned()
            }
            Self::Unusable { .. }
            | Self::Key(_)
            | Self::Csr(_)
            | Self::P12(_)
            | Self::Serial(_)
            | Self::Io { .. } => return None,
        })
    }
}

impl miette::Diagnostic for FilesError {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(Self::code(self)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(Self::help(self)?))
    }
}
