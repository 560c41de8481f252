//! Where the folder of keys and certificates is: [`FilesPlace`].

use std::path::PathBuf;

use rustix::process::Gid;

/// Where keys and certificates are.
#[derive(Debug, Clone)]
pub struct FilesPlace {
    /// The folder.
    pub path: PathBuf,
    /// The same, for people.
    pub shown: String,
    /// The group that may read it.
    pub group: Option<Gid>,
}
