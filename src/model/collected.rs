//! What the journal knows of an order's files: [`Collected`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::file_kind::FileKind;
use super::files_wanted::Passphrase;
use super::ids::SerialNumber;
use super::untrusted::Untrusted;

/// A certificate that is in the files folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// Its key.
    pub public_key: Digest,
    /// The SHA-256 of each file.
    pub files: BTreeMap<FileKind, Digest>,
    /// Where the passphrase of its PKCS#12 file came from, as [`Passphrase::noted`] has it; `None` where there is
    /// no such file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Passphrase>,
    /// When it was noted.
    pub at: Timestamp,
    /// What became of the program of `--on-collected`.
    #[serde(default, skip_serializing_if = "Delivery::is_open")]
    pub delivery: Delivery,
}

/// What became of the program that runs after a certificate was collected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It did not run, or its end was not noted.
    #[default]
    Open,
    /// It ended well.
    Done,
    /// It did not.
    Failed {
        /// Its exit code, or what became of it.
        why: Untrusted,
        /// When.
        at: Timestamp,
    },
}

impl Delivery {
    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}
