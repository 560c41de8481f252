//! Keeps and finds private keys: a key waits in `pending` for its certificate, and stays in the version of
//! that certificate afterwards.

use super::beneath::{Content, Dir};
use super::error::FilesError;
use super::keys::PrivateKey;
use super::p12::is_made_here;
use super::place::{FilesFolder, Part, UNFINISHED};
use super::serial::{is_serial, version_name};
use crate::model::{Digest, FileKind, ItemName, Secret, SerialNumber};

/// The largest file that is read as a key, in bytes.
pub(super) const MOST_OF_KEY: u64 = 64 << 10;
/// How the names of pending keys end.
const SUFFIX: &str = ".key";

/// The name of a pending key: the first half of the digest of its public key.
fn file_name(public_key: &Digest) -> String {
    let digits = data_encoding::HEXLOWER.encode(public_key.bytes());
    format!("{}{SUFFIX}", digits.get(..32).unwrap_or(&digits))
}

impl FilesFolder {
    /// Keeps a key whose certificate is not here yet. When this returns, the key is on the disk.
    ///
    /// # Errors
    ///
    /// [`FilesError::Exists`] where a file has its name already: no key is ever overwritten.
    pub fn keep_pending(&self, name: &ItemName, key: &PrivateKey) -> Result<(), FilesError> {
        let folder = self.make_of_name(Part::Pending, name)?;
        let file = file_name(&key.public_key());
        // Under its own name it is whole or not there, whenever the run is killed.
        let draft = format!("{UNFINISHED}{file}");
        folder.remove_file(&draft)?;
        folder.create(&draft, self.file_access(true), key.pem().as_bytes())?;
        // A name has one pending key: the next one takes its place.
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is("key_overwritten") {
            for old in pending_files(&folder)? {
                folder.remove_file(&old)?;
            }
        }
        let named = folder.name_file(&draft, &file);
        if named.is_err() {
            folder.remove_file(&draft)?;
        }
        named?;
        folder.sync()
    }

    /// The private key of a public key: from `pending`, or from a version.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read.
    pub fn find_key(
        &self,
        name: &ItemName,
        public_key: &Digest,
    ) -> Result<Option<PrivateKey>, FilesError> {
        let fits = |key: &PrivateKey| key.public_key() == *public_key;
        if let Some(folder) = self.of_name(Part::Pending, name)?
            && let Some(key) = read_key(&folder, &file_name(public_key))?.filter(fits)
        {
            return Ok(Some(key));
        }
        let Some(archive) = self.of_name(Part::Archive, name)? else {
            return Ok(None);
        };
        for version in versions_and_changed(&archive)? {
            if let Some(folder) = version_dir(&archive, &version)?
                && let Some(key) = read_key(&folder, FileKind::PrivateKey.file_name())?.filter(fits)
            {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Removes the pending keys of a name whose certificate a run collected before it was killed: those that a
    /// complete version holds.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read or written.
    pub fn remove_collected(&self, name: &ItemName) -> Result<(), FilesError> {
        let Some(pending) = self.of_name(Part::Pending, name)? else {
            return Ok(());
        };
        if self.of_name(Part::Archive, name)?.is_none() {
            return Ok(());
        }
        for file in pending_files(&pending)? {
            if let Some(key) = read_key(&pending, &file)? {
                self.remove_pending(name, &key.public_key())?;
            }
        }
        Ok(())
    }

    /// The passphrase that was made for a version's PKCS#12 file, so that one that is made again opens with the
    /// same one; `None` where there is none, or somebody changed it.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read.
    pub fn kept_passphrase(
        &self,
        name: &ItemName,
        serial: &SerialNumber,
    ) -> Result<Option<Secret>, FilesError> {
        let version = version_name(serial)?;
        let Some(archive) = self.of_name(Part::Archive, name)? else {
            return Ok(None);
        };
        let Some(folder) = version_dir(&archive, &version)? else {
            return Ok(None);
        };
        let Content::File(bytes) = folder.read(FileKind::P12Pass.file_name(), MOST_OF_KEY)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_end();
        Ok(is_made_here(text).then(|| Secret::new(text.to_owned())))
    }

    /// Removes a pending key whose certificate is here: only when a complete version holds the same key and
    /// is on the disk. Whether it was removed.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read or written.
    pub fn remove_pending(&self, name: &ItemName, public_key: &Digest) -> Result<bool, FilesError> {
        let Some(pending) = self.of_name(Part::Pending, name)? else {
            return Ok(false);
        };
        let Some(archive) = self.of_name(Part::Archive, name)? else {
            return Ok(false);
        };
        let file = file_name(public_key);
        if !pending.holds(&file)? {
            return Ok(false);
        }
        // Another key under this name is nobody's to remove.
        let fits = |key: &PrivateKey| key.public_key() == *public_key;
        if read_key(&pending, &file)?.filter(fits).is_none() {
            return Ok(false);
        }
        for version in archive.names()?.into_iter().filter(|name| is_serial(name)) {
            let Some(folder) = version_dir(&archive, &version)? else {
                continue;
            };
            let key_file = FileKind::PrivateKey.file_name();
            if read_key(&folder, key_file)?.filter(fits).is_some() {
                folder.sync_file(key_file)?;
                folder.sync()?;
                archive.sync()?;
                pending.remove_file(&file)?;
                pending.sync()?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The folders that can hold a key: versions first, then those that somebody changed.
pub(super) fn versions_and_changed(archive: &Dir) -> Result<Vec<String>, FilesError> {
    let (mut versions, others): (Vec<String>, Vec<String>) = archive
        .names()?
        .into_iter()
        .partition(|name| is_serial(name));
    versions.extend(others.into_iter().filter(|name| !name.starts_with('.')));
    Ok(versions)
}

/// A version's folder; `None` where something else has the name.
pub(super) fn version_dir(archive: &Dir, name: &str) -> Result<Option<Dir>, FilesError> {
    match archive.dir(name) {
        Err(FilesError::NotAFolder { .. }) => Ok(None),
        other => other,
    }
}

/// Reads a key; `None` where there is none, or none of a kind that is made here.
pub(super) fn read_key(folder: &Dir, file: &str) -> Result<Option<PrivateKey>, FilesError> {
    Ok(match folder.read(file, MOST_OF_KEY)? {
        Content::File(bytes) => PrivateKey::from_pem(&bytes),
        Content::Missing | Content::Other => None,
    })
}

/// The names of the files of pending keys.
pub(super) fn pending_files(folder: &Dir) -> Result<impl Iterator<Item = String>, FilesError> {
    let names = folder.names()?.into_iter();
    Ok(names.filter(|name| !name.starts_with('.') && name.ends_with(SUFFIX)))
}
