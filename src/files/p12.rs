//! PKCS#12 files: key, certificate and chain behind a passphrase. Main function: [`make`].

use x509_parser::der_parser::parse_der;
use x509_parser::oid_registry::{OID_HASH_SHA1, OID_NIST_HASH_SHA256};
use zeroize::Zeroizing;

use super::chain::Chain;
use super::error::FilesError;
use super::keys::PrivateKey;
use crate::model::{P12Strength, Secret};

/// Makes a PKCS#12 file. `name` is the friendly name of key and certificate.
///
/// # Errors
///
/// When this certplan was built without the feature `p12`, or the passphrase is empty.
#[cfg(feature = "p12")]
pub fn make(
    key: &PrivateKey,
    chain: &Chain,
    name: &str,
    passphrase: &Secret,
    strength: P12Strength,
) -> Result<Zeroizing<Vec<u8>>, FilesError> {
    use p12_keystore::{
        Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKeyChain,
    };
    let failed = |error: p12_keystore::error::Error| FilesError::P12(error.to_string());
    if passphrase.expose().is_empty() {
        return Err(FilesError::P12("its passphrase is empty".to_owned()));
    }
    let mut certificates = vec![Certificate::from_der(&chain.leaf).map_err(failed)?];
    for issuer in &chain.issuers_der {
        certificates.push(Certificate::from_der(issuer).map_err(failed)?);
    }
    let own = p12_keystore::PrivateKey::from_der(key.pkcs8()).map_err(failed)?;
    // What binds the key to its certificate inside the file: openssl takes SHA-1 of the certificate.
    let id = crate::model::Digest::of(&chain.leaf);
    let entry = PrivateKeyChain::new(id.bytes().as_slice(), own, certificates);
    let mut store = KeyStore::new();
    store.add_entry(name, KeyStoreEntry::PrivateKeyChain(entry));
    let (cipher, mac) = match strength {
        P12Strength::Modern => (
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
        P12Strength::Legacy => (
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
    };
    let written = store
        .writer(passphrase.expose())
        .encryption_algorithm(cipher)
        .mac_algorithm(mac)
        .write()
        .map_err(failed)?;
    Ok(Zeroizing::new(written))
}

/// Says that PKCS#12 was left out.
///
/// # Errors
///
/// Always.
#[cfg(not(feature = "p12"))]
pub fn make(
    _key: &PrivateKey,
    _chain: &Chain,
    _name: &str,
    _passphrase: &Secret,
    _strength: P12Strength,
) -> Result<Zeroizing<Vec<u8>>, FilesError> {
    Err(FilesError::P12(
        "this certplan was built without the feature `p12`; take one that was built with it, or leave `p12` out of `kinds`".to_owned(),
    ))
}

/// How a PKCS#12 file is encrypted, told by the digest that seals it, which stands in the open; `None` for what
/// is none of ours.
pub(super) fn strength(file: &[u8]) -> Option<P12Strength> {
    let (_, file) = parse_der(file).ok()?;
    // PFX { version, authSafe, macData { mac { digestAlgorithm { algorithm } } } } of RFC 7292.
    let seal = file.as_sequence().ok()?.get(2)?.as_sequence().ok()?;
    let mac = seal.first()?.as_sequence().ok()?;
    let digest = mac.first()?.as_sequence().ok()?.first()?.as_oid().ok()?;
    if *digest == OID_NIST_HASH_SHA256 {
        Some(P12Strength::Modern)
    } else if *digest == OID_HASH_SHA1 {
        Some(P12Strength::Legacy)
    } else {
        None
    }
}

/// Makes a passphrase: 24 letters and digits, about 120 bits.
///
/// # Errors
///
/// When the system has no random numbers.
pub fn passphrase() -> Result<Secret, FilesError> {
    // 15 bytes are 24 characters of base32 exactly.
    let mut bytes = Zeroizing::new([0_u8; 15]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice())
        .map_err(|_| FilesError::P12("the system has no random numbers".to_owned()))?;
    let text = data_encoding::BASE32_NOPAD.encode(bytes.as_slice());
    Ok(Secret::new(text))
}

/// Whether a text has the form of a passphrase that [`passphrase`] makes.
pub(super) fn is_made_here(text: &str) -> bool {
    let is_one_of_its = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
    text.len() == 24 && text.bytes().all(is_one_of_its)
}
