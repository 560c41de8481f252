//! Which private keys others can read: [`FilesFolder::exposed`].

use std::path::PathBuf;

use super::beneath::Dir;
use super::error::FilesError;
use super::pending::{pending_files, version_dir, versions_and_changed};
use super::place::{FilesFolder, Part};
use crate::model::{FileKind, ItemName};

/// What nobody but its owner may do with a private key; a group may read it.
const OPEN: u32 = 0o037;

impl FilesFolder {
    /// The files with private keys of these names that others can read, or that a group can write to.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read.
    pub fn exposed<'a>(
        &self,
        names: impl Iterator<Item = &'a ItemName>,
    ) -> Result<Vec<PathBuf>, FilesError> {
        let mut found = Vec::new();
        for name in names {
            if let Some(folder) = self.of_name(Part::Pending, name)? {
                for file in pending_files(&folder)? {
                    found.extend(exposed_file(&folder, &file)?);
                }
            }
            let Some(archive) = self.of_name(Part::Archive, name)? else {
                continue;
            };
            for version in versions_and_changed(&archive)? {
                let Some(folder) = version_dir(&archive, &version)? else {
                    continue;
                };
                for kind in FileKind::ALL.into_iter().filter(|kind| kind.is_private()) {
                    found.extend(exposed_file(&folder, kind.file_name())?);
                }
            }
        }
        Ok(found)
    }

    /// Whether others than its owner and its group can look into it.
    ///
    /// # Errors
    ///
    /// The folder is gone.
    pub fn is_open_for_looks(&self) -> Result<bool, FilesError> {
        Ok(self.mode()? & 0o007 != 0)
    }
}

fn exposed_file(folder: &Dir, file: &str) -> Result<Option<PathBuf>, FilesError> {
    let mode = folder.mode_of(file)?;
    Ok(mode
        .is_some_and(|mode| mode & OPEN != 0)
        .then(|| folder.at(file)))
}
