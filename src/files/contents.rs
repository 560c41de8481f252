//! From a checked chain and a key to the bytes of each file: [`contents`].

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::chain::Chain;
use super::error::FilesError;
use super::keys::PrivateKey;
use super::p12;
use super::version::Contents;
use crate::model::{FileKind, ItemName, P12Strength, Secret, SerialNumber};

/// What a version is made of.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Whose files they are: the friendly name in a PKCS#12 file.
    pub name: &'a ItemName,
    /// The certificate's serial number.
    pub serial: &'a SerialNumber,
    /// The certificate and those of its issuers.
    pub chain: &'a Chain,
    /// The private key, where it was made here.
    pub key: Option<&'a PrivateKey>,
    /// What the manifest asks for.
    pub kinds: &'a BTreeSet<FileKind>,
    /// Of the PKCS#12 file.
    pub p12: Option<P12<'a>>,
}

/// How the PKCS#12 file is made.
#[derive(Clone, Copy)]
pub struct P12<'a> {
    /// How it is encrypted.
    pub strength: P12Strength,
    /// What opens it.
    pub passphrase: &'a Secret,
    /// Whether the passphrase was made here, so that it is kept beside the file.
    pub is_generated: bool,
}

/// The files of a version: those that were asked for, and the private key where there is one.
///
/// # Errors
///
/// A kind that needs a key where there is none, and a PKCS#12 file that cannot be made.
pub fn contents(parts: &Parts<'_>) -> Result<Contents, FilesError> {
    let mut kinds = parts.kinds.clone();
    if parts.key.is_some() {
        kinds.insert(FileKind::PrivateKey);
    }
    if kinds.contains(&FileKind::P12) && parts.p12.is_some_and(|p12| p12.is_generated) {
        kinds.insert(FileKind::P12Pass);
    }
    let mut files = Vec::new();
    for kind in kinds {
        files.push((kind, file(kind, parts)?));
    }
    Ok(Contents {
        serial: parts.serial.clone(),
        files,
    })
}

fn file(kind: FileKind, parts: &Parts<'_>) -> Result<Zeroizing<Vec<u8>>, FilesError> {
    let chain = parts.chain;
    let key = || {
        parts.key.ok_or(FilesError::Key(
            "a file with a private key was asked for, and the key was not made here",
        ))
    };
    let p12 = || {
        let none = || FilesError::P12("nothing says which passphrase it has".to_owned());
        parts.p12.ok_or_else(none)
    };
    let leaf = std::slice::from_ref(&chain.leaf_pem);
    Ok(match kind {
        FileKind::PrivateKey => joined([key()?.pem().as_str()].into_iter()),
        FileKind::Cert => joined(texts(leaf)),
        FileKind::Chain => joined(texts(&chain.issuers)),
        FileKind::FullChain => joined(texts(leaf).chain(texts(&chain.issuers))),
        FileKind::Combined => {
            let key = key()?.pem();
            let all = texts(leaf).chain(texts(&chain.issuers));
            joined([key.as_str()].into_iter().chain(all))
        }
        FileKind::P12 => {
            let how = p12()?;
            let name = parts.name.as_str();
            p12::make(key()?, chain, name, how.passphrase, how.strength)?
        }
        FileKind::P12Pass => joined([p12()?.passphrase.expose(), "\n"].into_iter()),
    })
}

fn texts(blocks: &[String]) -> impl Iterator<Item = &str> + Clone {
    blocks.iter().map(String::as_str)
}

/// One after the other, in a buffer that never grows: what it left behind would not be wiped.
fn joined<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> Zeroizing<Vec<u8>> {
    let room = parts.clone().map(str::len).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
