//! Private keys that are made here: [`PrivateKey`].

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use zeroize::Zeroizing;

use super::error::FilesError;
use super::pem::{secret_block, secret_der};
use crate::model::{Digest, KeyKind};

/// The label of a PKCS#8 key in PEM.
pub(super) const LABEL: &str = "PRIVATE KEY";

/// A private key. No `Debug`, no `Serialize`, no `Clone`: what would print or copy it does not compile. It
/// is wiped from memory when dropped.
pub struct PrivateKey {
    kind: KeyKind,
    pair: Pair,
    pkcs8: Zeroizing<Vec<u8>>,
    public_key: Digest,
}

/// The key as the library that signs with it has it, which wipes it too.
enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl PrivateKey {
    /// Makes a new one. RSA takes a tenth of a second to a second of one core.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn generate(kind: KeyKind) -> Result<Self, FilesError> {
        let failed = |_| FilesError::Key("the cryptographic library made none");
        let pair = match kind {
            KeyKind::P256 | KeyKind::P384 => {
                Pair::Ec(EcdsaKeyPair::generate(curve(kind)).map_err(failed)?)
            }
            KeyKind::Rsa2048 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?),
            KeyKind::Rsa3072 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?),
            KeyKind::Rsa4096 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa4096).map_err(failed)?),
        };
        Self::of(kind, pair).ok_or(FilesError::Key("the key that was made cannot be written"))
    }

    /// Reads a key in PKCS#8 as PEM, as [`Self::pem`] writes it. `None` for what is no key of a kind that is
    /// made here, or whose two halves do not belong together.
    pub fn from_pem(text: &[u8]) -> Option<Self> {
        Self::from_pkcs8(&secret_der(LABEL, text)?)
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        for kind in [KeyKind::P256, KeyKind::P384] {
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(curve(kind), der) {
                return Self::of(kind, Pair::Ec(pair));
            }
        }
        let pair = RsaKeyPair::from_pkcs8(der).ok()?;
        let kind = match pair.public_modulus_len() {
            256 => KeyKind::Rsa2048,
            384 => KeyKind::Rsa3072,
            512 => KeyKind::Rsa4096,
            _ => return None,
        };
        Self::of(kind, Pair::Rsa(pair))
    }

    fn of(kind: KeyKind, pair: Pair) -> Option<Self> {
        let (pkcs8, public) = match &pair {
            Pair::Ec(pair) => {
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
                let written = pair.to_pkcs8v1().ok()?;
                (Zeroizing::new(written.as_ref().to_vec()), public)
            }
            Pair::Rsa(pair) => {
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
                let written: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                (Zeroizing::new(written.as_ref().to_vec()), public)
            }
        };
        let public_key = Digest::of(public.as_ref());
        Some(Self {
            kind,
            pair,
            pkcs8,
            public_key,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The digest of its public key, as [`crate::model::Csr`] has it: SHA-256 over the DER form of the
    /// `SubjectPublicKeyInfo`.
    pub fn public_key(&self) -> Digest {
        self.public_key
    }

    /// PKCS#8 in DER.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// PKCS#8 in PEM (RFC 7468).
    pub fn pem(&self) -> Zeroizing<String> {
        secret_block(LABEL, &self.pkcs8)
    }
}

/// The curve of an EC key; that of P-256 for what is none, which no caller asks for.
fn curve(kind: KeyKind) -> &'static EcdsaSigningAlgorithm {
    match kind {
        KeyKind::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        KeyKind::P256 | KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            &ECDSA_P256_SHA256_ASN1_SIGNING
        }
    }
}

/// For rcgen, which would keep a copy of the key that is not wiped.
impl PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        match &self.pair {
            Pair::Ec(pair) => pair.public_key().as_ref(),
            Pair::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.kind {
            KeyKind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyKind::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl SigningKey for PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let failed = |_| rcgen::Error::RemoteKeyError;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}
