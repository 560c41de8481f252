//! What the folder of keys and certificates shows: [`ObservedFiles`]. Plain data, no secret in it.

use std::collections::BTreeMap;

use super::digest::Digest;
use super::file_kind::FileKind;
use super::files_id::FilesId;
use super::files_wanted::P12Strength;
use super::ids::ItemName;
use super::key_kind::KeyKind;

/// The folder of keys and certificates as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedFiles {
    /// The folder's id; `None` where there is no folder.
    pub folder: Option<FilesId>,
    /// What it holds of each name that was asked for. A name of which it holds nothing is not here.
    pub names: BTreeMap<ItemName, ObservedName>,
}

/// What the folder holds of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedName {
    /// Keys whose certificate is not here yet.
    pub pending: Vec<PendingKey>,
    /// Where `live/NAME` points.
    pub live: LiveLink,
    /// The complete versions, by the folder name of their serial number.
    pub versions: BTreeMap<String, ObservedVersion>,
}

/// A key whose certificate is not here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingKey {
    /// The public key, as [`super::Csr`] has it.
    pub public_key: Digest,
    /// `None` where it is a key of a kind that is not made here.
    pub kind: Option<KeyKind>,
}

/// Where `live/NAME` points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LiveLink {
    /// There is no link.
    #[default]
    None,
    /// To the version of this serial number, in the form that certplan gives the link.
    To(String),
    /// To something else inside the folder.
    Elsewhere,
}

/// One complete version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedVersion {
    /// The public key of its `privkey.pem`; `None` where there is none, or it cannot be read as a key.
    pub public_key: Option<Digest>,
    /// The SHA-256 of each file's bytes.
    pub files: BTreeMap<FileKind, Digest>,
    /// How its `cert.p12` is encrypted; `None` where there is none, or it cannot be read.
    pub p12: Option<P12Strength>,
}

impl ObservedFiles {
    /// What was found under one name as that of another, beside what was found under it.
    pub fn move_name(&mut self, from: &ItemName, to: &ItemName) {
        let Some(found) = self.names.remove(from) else {
            return;
        };
        let known = self.names.entry(to.clone()).or_default();
        known.pending.extend(found.pending);
        for (serial, version) in found.versions {
            known.versions.entry(serial).or_insert(version);
        }
        if found.live != LiveLink::None {
            known.live = found.live;
        }
    }
}

impl ObservedName {
    /// Whether the private key of this public key is here.
    pub fn holds_key(&self, public_key: &Digest) -> bool {
        let mut pending = self.pending.iter();
        let mut versions = self.versions.values();
        pending.any(|key| key.public_key == *public_key)
            || versions.any(|version| version.public_key.as_ref() == Some(public_key))
    }

    /// The version that `live/NAME` points to.
    pub fn live_version(&self) -> Option<(&str, &ObservedVersion)> {
        match &self.live {
            LiveLink::To(serial) => {
                let (serial, version) = self.versions.get_key_value(serial)?;
                Some((serial, version))
            }
            LiveLink::None | LiveLink::Elsewhere => None,
        }
    }
}
