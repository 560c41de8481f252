//! The files of an issued certificate: [`FileKind`].

use serde::{Deserialize, Serialize};

/// One file of a certificate's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// The private key, PKCS#8 in PEM.
    #[serde(rename = "privkey")]
    PrivateKey,
    /// The certificate alone.
    #[serde(rename = "cert")]
    Cert,
    /// The issuers' certificates.
    #[serde(rename = "chain")]
    Chain,
    /// The certificate and those of its issuers.
    #[serde(rename = "fullchain")]
    FullChain,
    /// The private key, the certificate and those of its issuers.
    #[serde(rename = "combined")]
    Combined,
    /// Key and certificates as PKCS#12.
    #[serde(rename = "p12")]
    P12,
    /// The passphrase of the PKCS#12 file, where it was made here.
    #[serde(rename = "p12.pass")]
    P12Pass,
}

impl FileKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::PrivateKey,
        Self::Cert,
        Self::Chain,
        Self::FullChain,
        Self::Combined,
        Self::P12,
        Self::P12Pass,
    ];

    /// Those that a manifest can ask for.
    pub const ASKED: [Self; 5] = [
        Self::Cert,
        Self::Chain,
        Self::FullChain,
        Self::Combined,
        Self::P12,
    ];

    /// The name of the file. certbot has the same names, and the documents of every server know them.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::PrivateKey => "privkey.pem",
            Self::Cert => "cert.pem",
            Self::Chain => "chain.pem",
            Self::FullChain => "fullchain.pem",
            Self::Combined => "combined.pem",
            Self::P12 => "cert.p12",
            Self::P12Pass => "p12.pass",
        }
    }

    /// The word in JSON and, for those of [`Self::ASKED`], in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::PrivateKey => "privkey",
            Self::Cert => "cert",
            Self::Chain => "chain",
            Self::FullChain => "fullchain",
            Self::Combined => "combined",
            Self::P12 => "p12",
            Self::P12Pass => "p12.pass",
        }
    }

    /// The kind of the file with this name.
    pub fn of_file(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.file_name() == name)
    }

    /// Whether it holds the private key, or opens a file that does.
    pub fn is_private(self) -> bool {
        match self {
            Self::PrivateKey | Self::Combined | Self::P12 | Self::P12Pass => true,
            Self::Cert | Self::Chain | Self::FullChain => false,
        }
    }

    /// Whether it cannot be made without the private key.
    pub fn needs_key(self) -> bool {
        self.is_private()
    }
}
