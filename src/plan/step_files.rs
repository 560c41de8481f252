//! The key and the files of an order, as a plan shows them and as apply makes them: [`StepFiles`].

use serde::{Deserialize, Serialize};

use crate::model::{Digest, FileKind, KeyKind, WantedFiles};

/// The key and the files of an order. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFiles {
    /// The key that is made here.
    pub key: Option<StepKey>,
    /// The files that are made of the issued certificate.
    pub wanted: Option<WantedFiles>,
    /// The names that the certificate must hold, in their normal form.
    pub names: Vec<String>,
    /// The key of the entry's CSR, where it has one.
    pub csr_key: Option<Digest>,
    /// Each file and its state, the key's own file first.
    pub files: Vec<StepFile>,
}

/// A key that is made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepKey {
    /// Its kind.
    pub algorithm: KeyKind,
    /// Where it stands.
    pub state: KeyState,
    /// True where the step places an order whose recipient gets no e-mail to pick the certificate up, because
    /// of this key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces_pickup: bool,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// The step makes it.
    ToMake,
    /// It is here, and its certificate is not.
    Pending,
    /// It is here beside its certificate.
    Present,
    /// It is not here.
    Missing,
}

/// A file of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFile {
    /// Which.
    pub kind: FileKind,
    /// Where it stands.
    pub state: FileState,
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It is not there.
    Missing,
    /// It is not what was written, or was not written as the entry says now.
    Changed,
    /// It is of an earlier certificate.
    Old,
    /// It is as it shall be.
    Ok,
}

impl KeyState {
    /// The word of JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::ToMake => "to_make",
            Self::Pending => "pending",
            Self::Present => "present",
            Self::Missing => "missing",
        }
    }
}

impl FileState {
    /// The word of JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Old => "old",
            Self::Ok => "ok",
        }
    }
}
