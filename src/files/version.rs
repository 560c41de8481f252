//! Versions: the files of one certificate. Built beside, renamed as a whole, and switched to in one step.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::beneath::{Content, Dir};
use super::clock;
use super::error::FilesError;
use super::live;
use super::pending::version_dir;
use super::place::{FilesFolder, Part, UNFINISHED};
use super::serial::version_name;
use crate::model::{Digest, FileKind, ItemName, SerialNumber};

/// The files of one certificate.
pub struct Contents {
    /// Whose files they are.
    pub serial: SerialNumber,
    /// Each file's bytes.
    pub files: Vec<(FileKind, Zeroizing<Vec<u8>>)>,
}

impl Contents {
    /// The SHA-256 of each file.
    pub fn digests(&self) -> BTreeMap<FileKind, Digest> {
        let files = self.files.iter();
        files
            .map(|(kind, bytes)| (*kind, Digest::of(bytes)))
            .collect()
    }
}

impl FilesFolder {
    /// Makes a version complete; `live` stays as it is. A version that holds the same bytes is left alone,
    /// one that holds others is replaced in one step and kept as `SERIAL.changed-DATE`. `run` names what is
    /// not finished. When this returns, the version is on the disk. The digests are those of its files.
    ///
    /// # Errors
    ///
    /// What stands in the way; then no version has changed.
    pub fn build(
        &self,
        name: &ItemName,
        contents: &Contents,
        run: &str,
    ) -> Result<BTreeMap<FileKind, Digest>, FilesError> {
        let version = version_name(&contents.serial)?;
        let archive = self.make_of_name(Part::Archive, name)?;
        let digests = contents.digests();
        if let Some(there) = version_dir(&archive, &version)?
            && is_same(&there, contents)?
        {
            there.sync()?;
            archive.sync()?;
            return Ok(digests);
        }
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is("live_before_key") {
            self.build_in_sight(name, contents)?;
            return Ok(digests);
        }
        let draft = format!("{UNFINISHED}{run}");
        archive.remove_dir(&draft)?;
        let folder = archive.make_dir(&draft, self.folder_access())?;
        for (kind, bytes) in &contents.files {
            let access = self.file_access(kind.is_private());
            folder.create(kind.file_name(), access, bytes)?;
        }
        folder.sync()?;
        if archive.holds(&version)? {
            // The new one first takes the name that the old one will have, so that no run that is killed in
            // between leaves the old one under the name of something unfinished.
            let aside = free_name(&archive, &version)?;
            archive.rename(&draft, &aside)?;
            archive.sync()?;
            archive.exchange(&aside, &version)?;
        } else {
            archive.rename(&draft, &version)?;
        }
        archive.sync()?;
        Ok(digests)
    }

    /// `live_before_key`: the version is made where services look for it, file by file.
    #[cfg(feature = "planted-bugs")]
    fn build_in_sight(&self, name: &ItemName, contents: &Contents) -> Result<(), FilesError> {
        let archive = self.make_of_name(Part::Archive, name)?;
        let version = version_name(&contents.serial)?;
        let folder = archive.make_dir(&version, self.folder_access())?;
        self.switch(name, &contents.serial)?;
        for (kind, bytes) in contents.files.iter().rev() {
            let access = self.file_access(kind.is_private());
            folder.create(kind.file_name(), access, bytes)?;
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        folder.sync()
    }

    /// Lets `live/NAME` point to a version, in one step. When this returns, the link is on the disk.
    ///
    /// # Errors
    ///
    /// A version that is not there, and a `live/NAME` that is none of ours.
    pub fn switch(&self, name: &ItemName, serial: &SerialNumber) -> Result<(), FilesError> {
        let version = version_name(serial)?;
        let archive = self.make_of_name(Part::Archive, name)?;
        if version_dir(&archive, &version)?.is_none() {
            return Err(archive.failed(&version, std::io::ErrorKind::NotFound));
        }
        let folder = self.make_part(Part::Live)?;
        live::read(&folder, name, self.path())?;
        let draft = live::draft_name(name);
        folder.remove_file(&draft)?;
        folder.link_to(&live::target(name, &version), &draft)?;
        folder.rename(&draft, name.as_str())?;
        folder.sync()
    }

    /// Removes what killed runs left unfinished. Only the run that holds the journal's lock may do this.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read or written.
    pub fn sweep(&self) -> Result<(), FilesError> {
        self.sweep_top()?;
        if let Some(archive) = self.part(Part::Archive)? {
            for name in archive.names()? {
                let Some(of_name) = version_dir(&archive, &name)? else {
                    continue;
                };
                for draft in unfinished(&of_name)? {
                    of_name.remove_dir(&draft)?;
                }
            }
        }
        if let Some(pending) = self.part(Part::Pending)? {
            for name in pending.names()? {
                let Some(of_name) = version_dir(&pending, &name)? else {
                    continue;
                };
                for draft in unfinished(&of_name)? {
                    of_name.remove_file(&draft)?;
                }
            }
        }
        if let Some(folder) = self.part(Part::Live)? {
            for draft in folder.names()?.iter().filter(|name| live::is_draft(name)) {
                folder.remove_file(draft)?;
            }
        }
        Ok(())
    }
}

fn unfinished(folder: &Dir) -> Result<impl Iterator<Item = String>, FilesError> {
    let names = folder.names()?.into_iter();
    Ok(names.filter(|name| name.starts_with(UNFINISHED)))
}

/// Whether a version holds these files, byte for byte, and no other kind.
fn is_same(version: &Dir, contents: &Contents) -> Result<bool, FilesError> {
    for kind in FileKind::ALL {
        let mut wanted = contents.files.iter();
        let wanted = wanted.find(|(one, _)| *one == kind).map(|(_, bytes)| bytes);
        let most = wanted.map_or(0, |bytes| bytes.len() as u64);
        let is_same = match (version.read(kind.file_name(), most)?, wanted) {
            (Content::Missing, None) => true,
            (Content::File(found), Some(wanted)) => *found == **wanted,
            (Content::Missing, Some(_)) | (Content::File(_), None) | (Content::Other, _) => false,
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The name that a version which somebody changed is kept under.
fn free_name(archive: &Dir, version: &str) -> Result<String, FilesError> {
    let day = clock::now().at.strftime("%Y-%m-%d").to_string();
    let first = format!("{version}.changed-{day}");
    let mut name = first.clone();
    let mut count = 1_u32;
    while archive.holds(&name)? {
        count = count.saturating_add(1);
        name = format!("{first}-{count}");
    }
    Ok(name)
}
