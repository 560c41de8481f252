//! The folder of keys and certificates: [`FilesFolder`].
//!
//! ```text
//! live/NAME            symlink to ../archive/NAME/SERIAL
//! archive/NAME/SERIAL/ the files of one certificate, never changed once complete
//! pending/NAME/        keys whose certificate is not here yet
//! ```

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Gid;
use serde::{Deserialize, Serialize};

use super::beneath::{Access, Content, Dir};
use super::error::FilesError;
use crate::model::{Digest, FilesId, ItemName};

/// The marker: what it holds says which folder this is.
const MARKER: &str = ".certplan-files";
/// What begins the name of a file in the topmost folder that is not finished.
const DRAFT: &str = ".certplan-files-";
const GITIGNORE: &str = ".gitignore";
const FORMAT: u64 = 1;
/// The largest marker that is read, in bytes.
const MOST_OF_MARKER: u64 = 4096;
/// What begins the name of a thing that is not finished.
pub(super) const UNFINISHED: &str = ".new-";

/// What the marker holds.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: u64,
    files_id: FilesId,
}

/// The folder of keys and certificates, opened once.
#[derive(Debug)]
pub struct FilesFolder {
    top: Dir,
    path: PathBuf,
    id: FilesId,
    group: Option<Gid>,
}

/// One of its three folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Live,
    Archive,
    Pending,
}

impl Part {
    const ALL: [Self; 3] = [Self::Live, Self::Archive, Self::Pending];

    fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Archive => "archive",
            Self::Pending => "pending",
        }
    }
}

impl FilesFolder {
    /// Opens the folder, and makes it where there is none: for its owner alone, or for its owner and a group
    /// that may read. A folder that is there without a marker gets one, with a new id: whether the state
    /// knows another id must have been asked before, with [`Self::open`].
    ///
    /// # Errors
    ///
    /// A folder that others can write to, that is used for something else, or that the group cannot reach.
    pub fn make_or_open(path: &Path, group: Option<Gid>) -> Result<Self, FilesError> {
        if let Some(group) = group {
            refuse_shut_out(path, group)?;
        }
        let top = match Dir::open_top(path)? {
            Some(top) => {
                refuse_foreign(&top)?;
                give_to(&top, group)?;
                top
            }
            None => make_top(path, group)?,
        };
        ignore_in_git(&top)?;
        let id = match read_marker(&top)? {
            Some(id) => id,
            None => mark(&top)?,
        };
        Ok(Self {
            top,
            path: path.to_owned(),
            id,
            group,
        })
    }

    /// Opens the folder to look at it; nothing is written. `None` where there is none, or one without a
    /// marker.
    ///
    /// # Errors
    ///
    /// A folder that others can write to, or that cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, FilesError> {
        let Some(top) = Dir::open_top(path)? else {
            return Ok(None);
        };
        let Some(id) = read_marker(&top)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            top,
            path: path.to_owned(),
            id,
            group: None,
        }))
    }

    /// The same folder, for a group that may read what is made in it from now on.
    #[must_use]
    pub fn for_group(mut self, group: Option<Gid>) -> Self {
        self.group = group;
        self
    }

    /// Its id.
    pub fn id(&self) -> &FilesId {
        &self.id
    }

    /// Where it is, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the services of a name find its files.
    pub fn live_path(&self, name: &ItemName) -> PathBuf {
        self.path.join("live").join(name.as_str())
    }

    /// The error of a private key that is nowhere in it.
    pub fn no_key(&self, public_key: &Digest) -> FilesError {
        FilesError::NoKey {
            path: self.path.clone(),
            public_key: *public_key,
        }
    }

    pub(super) fn mode(&self) -> Result<u32, FilesError> {
        Ok(self.top.access()?.mode)
    }

    /// Removes what a killed run left unfinished in the folder itself.
    pub(super) fn sweep_top(&self) -> Result<(), FilesError> {
        let names = self.top.names()?.into_iter();
        for draft in names.filter(|name| name.starts_with(DRAFT)) {
            self.top.remove_file(&draft)?;
        }
        Ok(())
    }

    /// One of the three folders; `None` where it was not made yet.
    pub(super) fn part(&self, part: Part) -> Result<Option<Dir>, FilesError> {
        self.top.dir(part.name())
    }

    /// One of the three folders, made where there is none.
    pub(super) fn make_part(&self, part: Part) -> Result<Dir, FilesError> {
        let access = match part {
            Part::Live => Access {
                mode: 0o755,
                group: self.group,
            },
            Part::Archive | Part::Pending => self.folder_access(),
        };
        self.top.make_dir(part.name(), access)
    }

    /// The folder of a name in one of the three; `None` where it was not made yet.
    pub(super) fn of_name(&self, part: Part, name: &ItemName) -> Result<Option<Dir>, FilesError> {
        match self.part(part)? {
            Some(part) => part.dir(name.as_str()),
            None => Ok(None),
        }
    }

    /// The folder of a name in one of the three, made where there is none.
    pub(super) fn make_of_name(&self, part: Part, name: &ItemName) -> Result<Dir, FilesError> {
        self.make_part(part)?
            .make_dir(name.as_str(), self.folder_access())
    }

    pub(super) fn folder_access(&self) -> Access {
        let mode = if self.group.is_some() { 0o750 } else { 0o700 };
        let group = self.group;
        Access { mode, group }
    }

    pub(super) fn file_access(&self, is_private: bool) -> Access {
        let mode = match (is_private, self.group) {
            (true, None) => 0o600,
            (true, Some(_)) => 0o640,
            (false, _) => 0o644,
        };
        let group = self.group;
        Access { mode, group }
    }
}

/// Makes the folder and those above it that are not there. All of them are on the disk afterwards: a key below a
/// folder whose name is lost is lost with it.
/// Where the folder cannot be used, it does not stay.
fn make_top(path: &Path, group: Option<Gid>) -> Result<Dir, FilesError> {
    let above: Vec<&Path> = path.ancestors().skip(1).collect();
    let is_there = |folder: &&Path| folder.as_os_str().is_empty() || folder.is_dir();
    let made = above.iter().position(is_there).unwrap_or(above.len());
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(path)
        .map_err(|error| FilesError::io(path, error))?;
    for folder in above.into_iter().take(made.saturating_add(1)) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        // A folder that may be written and not read cannot be brought to the disk by its name.
        if let Ok(opened) = File::open(folder) {
            opened
                .sync_all()
                .map_err(|error| FilesError::io(folder, error))?;
        }
    }
    let opened = || {
        let gone = || FilesError::io(path, ErrorKind::NotFound);
        let top = Dir::open_top(path)?.ok_or_else(gone)?;
        give_to(&top, group)?;
        Ok(top)
    };
    opened().inspect_err(|_| {
        // Nothing is in it yet; what somebody else put there keeps it.
        let _ = std::fs::remove_dir(path);
    })
}

/// Opens the folder to a group that may read.
fn give_to(top: &Dir, group: Option<Gid>) -> Result<(), FilesError> {
    let wanted = Access { mode: 0o750, group };
    if group.is_some() && top.access()? != wanted {
        top.give(wanted)?;
    }
    Ok(())
}

/// A folder without a marker that holds other things was named by mistake.
fn refuse_foreign(top: &Dir) -> Result<(), FilesError> {
    let names = top.names()?;
    let is_ours = |name: &str| {
        let parts = Part::ALL.into_iter();
        parts.map(Part::name).any(|part| part == name)
            || name == GITIGNORE
            || name == "lost+found"
            || name.starts_with(DRAFT)
    };
    if names.iter().any(|name| name == MARKER) {
        return Ok(());
    }
    match names.into_iter().find(|name| !is_ours(name)) {
        Some(found) => Err(FilesError::Occupied {
            path: top.path().to_owned(),
            found,
        }),
        None => Ok(()),
    }
}

/// Every folder on the way must let the group through. Those that are not there would be made for their owner
/// alone.
fn refuse_shut_out(path: &Path, group: Gid) -> Result<(), FilesError> {
    let absolute = std::path::absolute(path).map_err(|error| FilesError::io(path, error))?;
    let there = absolute.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("/"));
    let shut_out = |folder: &Path| FilesError::GroupShutOut {
        path: folder.to_owned(),
        group: group.as_raw(),
    };
    let mut missing = absolute.ancestors().skip(1);
    if let Some(folder) = missing.find(|folder| folder.parent() == Some(there) && *folder != there)
    {
        return Err(shut_out(folder));
    }
    let real = there
        .canonicalize()
        .map_err(|error| FilesError::io(there, error))?;
    // The folder itself is opened to the group.
    let own = usize::from(there == absolute);
    for folder in real.ancestors().skip(own) {
        let found = folder
            .metadata()
            .map_err(|error| FilesError::io(folder, error))?;
        let mode = found.permissions().mode();
        let is_of_group = found.gid() == group.as_raw();
        let enters = if is_of_group {
            mode & 0o010
        } else {
            mode & 0o001
        };
        if enters == 0 {
            return Err(shut_out(folder));
        }
    }
    Ok(())
}

/// Nobody commits a key by mistake.
fn ignore_in_git(top: &Dir) -> Result<(), FilesError> {
    if top.holds(GITIGNORE)? {
        return Ok(());
    }
    match make_whole(top, GITIGNORE, b"*\n") {
        Ok(()) | Err(FilesError::Exists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a file that everybody may read. Under its name it is whole or not there, whenever the run is killed.
fn make_whole(top: &Dir, name: &str, bytes: &[u8]) -> Result<(), FilesError> {
    let draft = format!("{DRAFT}{}", FilesId::new_random());
    let access = Access {
        mode: 0o644,
        group: None,
    };
    top.create(&draft, access, bytes)?;
    let named = top.name_file(&draft, name);
    if named.is_err() {
        top.remove_file(&draft)?;
    }
    named?;
    top.sync()
}

fn read_marker(top: &Dir) -> Result<Option<FilesId>, FilesError> {
    let unusable = |why: String| FilesError::Unusable {
        path: top.at(MARKER),
        why,
    };
    let bytes = match top.read(MARKER, MOST_OF_MARKER)? {
        Content::Missing => return Ok(None),
        Content::File(bytes) => bytes,
        Content::Other => return Err(unusable("it is no small regular file".to_owned())),
    };
    let marker: Marker = serde_json::from_slice(&bytes).map_err(|error| {
        unusable(format!(
            "{error}; put it back from a backup: `{{\"format\":1,\"files_id\":\"...\"}}`"
        ))
    })?;
    if marker.format != FORMAT {
        let format = marker.format;
        let why =
            format!("its format is {format}, this certplan knows {FORMAT}: use the newer certplan");
        return Err(unusable(why));
    }
    Ok(Some(marker.files_id))
}

/// Writes a marker with a new id, or takes that of a run that was faster.
fn mark(top: &Dir) -> Result<FilesId, FilesError> {
    let marker = Marker {
        format: FORMAT,
        files_id: FilesId::new_random(),
    };
    let text = serde_json::to_string(&marker)
        .map_err(|error| FilesError::io(top.at(MARKER), std::io::Error::other(error)))?;
    match make_whole(top, MARKER, format!("{text}\n").as_bytes()) {
        Ok(()) => Ok(marker.files_id),
        Err(FilesError::Exists { .. }) => {
            let gone = || top.failed(MARKER, ErrorKind::NotFound);
            read_marker(top)?.ok_or_else(gone)
        }
        Err(error) => Err(error),
    }
}
