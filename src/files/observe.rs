//! Reads what the folder of keys and certificates shows, without writing anything.

use std::collections::BTreeMap;

use super::beneath::{Content, Dir};
use super::error::FilesError;
use super::live;
use super::p12;
use super::pending::{pending_files, read_key, version_dir};
use super::place::{FilesFolder, Part};
use super::public_half::said_public_key;
use super::serial::is_serial;
use crate::model::{
    Digest, FileKind, ItemName, LiveLink, ObservedFiles, ObservedName, ObservedVersion, PendingKey,
};

/// The largest file of a version that is looked at, in bytes. A larger one is none of ours.
const MOST: u64 = 1 << 20;

impl FilesFolder {
    /// What the folder holds of these names.
    ///
    /// # Errors
    ///
    /// A folder or file that cannot be read, a link where a folder must be, and a `live/NAME` that leads out.
    pub fn observe<'a>(
        &self,
        names: impl Iterator<Item = &'a ItemName>,
    ) -> Result<ObservedFiles, FilesError> {
        let parts = Parts {
            live: self.part(Part::Live)?,
            archive: self.part(Part::Archive)?,
            pending: self.part(Part::Pending)?,
        };
        let mut found = BTreeMap::new();
        for name in names {
            let seen = self.observe_name(&parts, name)?;
            if seen != ObservedName::default() {
                found.insert(name.clone(), seen);
            }
        }
        Ok(ObservedFiles {
            folder: Some(self.id().clone()),
            names: found,
        })
    }

    fn observe_name(&self, parts: &Parts, name: &ItemName) -> Result<ObservedName, FilesError> {
        let live = match &parts.live {
            Some(folder) => live::read(folder, name, self.path())?,
            None => LiveLink::None,
        };
        let below = |part: &Option<Dir>| match part {
            Some(part) => part.dir(name.as_str()),
            None => Ok(None),
        };
        let mut pending = Vec::new();
        if let Some(folder) = below(&parts.pending)? {
            for file in pending_files(&folder)? {
                pending.extend(read_key(&folder, &file)?.map(|key| PendingKey {
                    public_key: key.public_key(),
                    kind: Some(key.kind()),
                }));
            }
        }
        let mut versions = BTreeMap::new();
        if let Some(archive) = below(&parts.archive)? {
            for serial in archive.names()?.into_iter().filter(|name| is_serial(name)) {
                if let Some(folder) = version_dir(&archive, &serial)? {
                    versions.insert(serial, observe_version(&folder)?);
                }
            }
        }
        Ok(ObservedName {
            pending,
            live,
            versions,
        })
    }
}

/// The three folders, as far as they were made.
struct Parts {
    live: Option<Dir>,
    archive: Option<Dir>,
    pending: Option<Dir>,
}

fn observe_version(folder: &Dir) -> Result<ObservedVersion, FilesError> {
    let mut version = ObservedVersion::default();
    for kind in FileKind::ALL {
        match folder.read(kind.file_name(), MOST)? {
            Content::File(bytes) => {
                if kind == FileKind::PrivateKey {
                    version.public_key = said_public_key(&bytes);
                }
                if kind == FileKind::P12 {
                    version.p12 = p12::strength(&bytes);
                }
                version.files.insert(kind, Digest::of(&bytes));
            }
            // Not a file of ours any more: the same as one that is gone.
            Content::Missing | Content::Other => {}
        }
    }
    Ok(version)
}
