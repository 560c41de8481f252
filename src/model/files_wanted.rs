//! Keys and files that an order asks certplan for: [`WantedKey`], [`WantedFiles`]. Nothing of them is sent.

use serde::{Deserialize, Serialize};

use super::file_kind::FileKind;
use super::key_kind::KeyKind;
use super::secret_source::SecretSource;

/// A private key that is made here, with its certificate signing request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedKey {
    /// Its kind.
    pub generate: KeyKind,
    /// Whether reissues and renewals keep it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reuse: bool,
}

/// The issued certificate as files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedFiles {
    /// Which files, sorted, without repeats. The key's own file is not among them.
    pub kinds: Vec<FileKind>,
    /// How `cert.p12` is encrypted.
    pub p12: P12Strength,
    /// Where its passphrase comes from.
    pub passphrase: Passphrase,
}

impl WantedFiles {
    /// Where the passphrase comes from, as the journal notes it; `None` where no file needs one.
    pub fn noted_passphrase(&self) -> Option<Passphrase> {
        let has_p12 = self.kinds.contains(&FileKind::P12);
        has_p12.then(|| self.passphrase.noted())
    }
}

/// How a PKCS#12 file is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum P12Strength {
    /// AES-256 and SHA-256.
    #[default]
    Modern,
    /// 3DES and SHA-1, for Windows Server 2016 and Android 12.
    Legacy,
}

impl P12Strength {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Modern, Self::Legacy];

    /// The word of the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
        }
    }
}

/// Where the passphrase of a PKCS#12 file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Passphrase {
    /// Made here, and kept in `p12.pass`.
    #[default]
    Generate,
    /// Read when the file is made.
    From(SecretSource),
}

impl Passphrase {
    /// The source as the journal notes it. Of a file only its own name: the folders before it are other ones in
    /// another checkout.
    #[must_use]
    pub fn noted(&self) -> Self {
        match self {
            Self::From(SecretSource::File(path)) => {
                let name = path.file_name().map_or_else(|| path.clone(), Into::into);
                Self::From(SecretSource::File(name))
            }
            Self::Generate | Self::From(SecretSource::Env(_)) => self.clone(),
        }
    }
}
