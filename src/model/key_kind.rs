//! The kinds of private keys that are made here: [`KeyKind`].

use serde::{Deserialize, Serialize};

/// A kind of private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    /// EC on NIST P-256.
    #[serde(rename = "p-256")]
    P256,
    /// EC on NIST P-384.
    #[serde(rename = "p-384")]
    P384,
    /// RSA with 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA with 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA with 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}

impl KeyKind {
    /// All kinds, the smallest of each algorithm first.
    pub const ALL: [Self; 5] = [
        Self::P256,
        Self::P384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The word in the manifest and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::P256 => "p-256",
            Self::P384 => "p-384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// Whether making one takes long enough to be told beforehand.
    pub fn is_slow_to_make(self) -> bool {
        match self {
            Self::P256 | Self::P384 => false,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => true,
        }
    }
}
