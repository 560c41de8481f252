//! Holds what a CA handed out against what was asked for: [`check`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use super::pem::block;
use super::x509_names::held_names;
use crate::model::form::shown;
use crate::model::{Digest, SerialNumber, normal_name};

/// The largest answer, in bytes.
const MOST_BYTES: usize = 256 << 10;
/// The most certificates in an answer.
const MOST_CERTIFICATES: usize = 10;

/// What the certificate must be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The key of the order: SHA-256 over the DER form of the `SubjectPublicKeyInfo`.
    pub public_key: Digest,
    /// The serial number that the order shows.
    pub serial_number: &'a SerialNumber,
    /// The names that were asked for.
    pub names: &'a [String],
    /// The present time.
    pub now: Timestamp,
}

/// A certificate and those of its issuers, in order. Each text is one PEM block with LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The certificate in DER.
    pub leaf: Vec<u8>,
    /// The certificate in PEM.
    pub leaf_pem: String,
    /// Those of the issuers in PEM, each signed by the next. A self-signed one is left out.
    pub issuers: Vec<String>,
    /// Those of the issuers in DER.
    pub issuers_der: Vec<Vec<u8>>,
}

/// Why what a CA handed out is not written to a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// Larger than any chain is.
    #[error("the answer has {got} bytes; at most {MOST_BYTES} are read")]
    TooLarge {
        /// How many it has.
        got: usize,
    },
    /// More certificates than any chain has.
    #[error("the answer holds more than {MOST_CERTIFICATES} certificates")]
    TooMany,
    /// No certificate at all.
    #[error("the answer holds no certificate")]
    Empty,
    /// A part of it is no certificate.
    #[error("part {at} of the answer is no certificate: {why}")]
    NotACertificate {
        /// Counted from 1.
        at: usize,
        /// What it is.
        why: String,
    },
    /// It is for another key.
    #[error("no certificate of the answer has the key {wanted}; the first one has {got}")]
    Key {
        /// The key of the order.
        wanted: Digest,
        /// The key of the first certificate.
        got: Digest,
    },
    /// It is another certificate.
    #[error("the certificate has the serial number {got}; the order shows {wanted}")]
    Serial {
        /// The one that the order shows.
        wanted: String,
        /// The one of the certificate.
        got: String,
    },
    /// Names are missing.
    #[error("the certificate lacks {}; it has {}", listed(missing), listed(got))]
    Names {
        /// Those that it lacks.
        missing: Vec<String>,
        /// Those that it has.
        got: Vec<String>,
    },
    /// It has ended.
    #[error("the certificate ended at {ended}; it is {now} now")]
    Over {
        /// When.
        ended: Timestamp,
        /// The present time.
        now: Timestamp,
    },
    /// No issuer's certificate verifies it.
    #[error("the certificate came without a certificate of its issuer `{issuer}`")]
    Incomplete {
        /// The issuer that it names.
        issuer: String,
    },
    /// A certificate that belongs to no other one.
    #[error("the certificate of `{subject}` in the answer has signed none of the others")]
    NotLinked {
        /// Whose it is.
        subject: String,
    },
    /// A signature that does not fit.
    #[error(
        "the certificate of `{subject}` is not signed by `{issuer}`, which it names as its issuer"
    )]
    Signature {
        /// Whose it is.
        subject: String,
        /// Who should have signed it.
        issuer: String,
    },
    /// A signature that nobody here can check.
    #[error(
        "the signature of the certificate of `{subject}` cannot be checked: it is of the kind {algorithm}"
    )]
    UnknownSignature {
        /// Whose certificate it is on.
        subject: String,
        /// The object identifier of its kind.
        algorithm: String,
    },
}

impl NotOurs {
    /// The stable name of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Incomplete { .. } => "certplan::files::chain_incomplete",
            Self::TooLarge { .. }
            | Self::TooMany
            | Self::Empty
            | Self::NotACertificate { .. }
            | Self::Key { .. }
            | Self::Serial { .. }
            | Self::Names { .. }
            | Self::Over { .. }
            | Self::NotLinked { .. }
            | Self::Signature { .. }
            | Self::UnknownSignature { .. } => "certplan::files::not_ours",
        }
    }
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    let mut text = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{}`", shown(name)))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    if text.is_empty() {
        text.push_str("no name");
    }
    text
}

/// One certificate of an answer.
struct Read<'a> {
    der: &'a [u8],
    parsed: X509Certificate<'a>,
}

impl Read<'_> {
    fn subject(&self) -> String {
        shown(&self.parsed.subject().to_string())
    }

    fn public_key(&self) -> Digest {
        Digest::of(self.parsed.public_key().raw)
    }

    fn serial(&self) -> SerialNumber {
        let digits = data_encoding::HEXLOWER.encode(self.parsed.raw_serial());
        SerialNumber::from(digits.as_str())
    }

    fn names(&self, issuer: &Self) -> bool {
        self.parsed.issuer().as_raw() == issuer.parsed.subject().as_raw()
    }

    fn is_signed_by(&self, issuer: &Self) -> Result<bool, NotOurs> {
        let key = Some(issuer.parsed.public_key());
        match self.parsed.verify_signature(key) {
            Ok(()) => Ok(true),
            Err(X509Error::SignatureUnsupportedAlgorithm) => Err(NotOurs::UnknownSignature {
                subject: self.subject(),
                algorithm: self.parsed.signature_algorithm.algorithm.to_id_string(),
            }),
            Err(_) => Ok(false),
        }
    }

    fn is_self_issued(&self) -> bool {
        self.names(self)
    }
}

/// Checks what a CA handed out and puts it in order. The certificate is found by its key, wherever it stands.
///
/// # Errors
///
/// What differs from what was asked for.
pub fn check(pem: &str, wanted: &Wanted<'_>) -> Result<Chain, NotOurs> {
    let ders = certificates(pem)?;
    let mut read = Vec::new();
    for (at, der) in (1..).zip(&ders) {
        let broken = |why: &str| NotOurs::NotACertificate {
            at,
            why: why.to_owned(),
        };
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| broken("it is not X.509 in DER"))?;
        if !rest.is_empty() {
            return Err(broken("bytes follow the certificate"));
        }
        read.push(Read { der, parsed });
    }
    let first = read.first().ok_or(NotOurs::Empty)?;
    let mut own: Vec<&Read<'_>> = read
        .iter()
        .filter(|one| one.public_key() == wanted.public_key)
        .collect();
    // A key that was kept has more than one certificate.
    own.sort_by_key(|one| one.serial().folder_name() != wanted.serial_number.folder_name());
    let leaf = *own.first().ok_or_else(|| NotOurs::Key {
        wanted: wanted.public_key,
        got: first.public_key(),
    })?;
    check_leaf(leaf, wanted)?;
    let issuers = in_order(leaf, &read)?;
    Ok(Chain {
        leaf: leaf.der.to_vec(),
        leaf_pem: block("CERTIFICATE", leaf.der),
        issuers: issuers
            .iter()
            .map(|one| block("CERTIFICATE", one.der))
            .collect(),
        issuers_der: issuers.iter().map(|one| one.der.to_vec()).collect(),
    })
}

/// The certificates of an answer in DER, each once.
fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, NotOurs> {
    if pem.len() > MOST_BYTES {
        return Err(NotOurs::TooLarge { got: pem.len() });
    }
    // Lines may end in CR, and blocks may follow each other without a line end.
    let text = pem
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace("----------BEGIN", "-----\n-----BEGIN");
    let mut ders: Vec<Vec<u8>> = Vec::new();
    for (at, read) in (1..).zip(Pem::iter_from_buffer(text.as_bytes())) {
        let broken = |why: String| NotOurs::NotACertificate { at, why };
        let one = read.map_err(|error| broken(error.to_string()))?;
        if !matches!(one.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE") {
            return Err(broken(format!("it is a `{}`", shown(&one.label))));
        }
        if ders.contains(&one.contents) {
            continue;
        }
        if ders.len() == MOST_CERTIFICATES {
            return Err(NotOurs::TooMany);
        }
        ders.push(one.contents);
    }
    Ok(ders)
}

fn check_leaf(leaf: &Read<'_>, wanted: &Wanted<'_>) -> Result<(), NotOurs> {
    let got = leaf.serial();
    if got.folder_name().is_none() || got.folder_name() != wanted.serial_number.folder_name() {
        let spelled = |serial: &SerialNumber| {
            let name = serial.folder_name();
            name.unwrap_or_else(|| shown(serial.as_str()))
        };
        return Err(NotOurs::Serial {
            wanted: spelled(wanted.serial_number),
            got: spelled(&got),
        });
    }
    let held = held_names(&leaf.parsed);
    let missing: BTreeSet<&String> = wanted
        .names
        .iter()
        .filter(|name| !held.contains(&normal_name(name)))
        .collect();
    if !missing.is_empty() {
        return Err(NotOurs::Names {
            missing: missing.into_iter().cloned().collect(),
            got: held.into_iter().collect(),
        });
    }
    let seconds = leaf.parsed.validity().not_after.timestamp();
    let ended = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    if ended <= wanted.now {
        let now = wanted.now;
        return Err(NotOurs::Over { ended, now });
    }
    Ok(())
}

/// The certificates of the issuers, each signed by the next. Every certificate of the answer must have its
/// place; one that is self-signed has its place at the end, and is left out.
fn in_order<'a>(leaf: &'a Read<'a>, all: &'a [Read<'a>]) -> Result<Vec<&'a Read<'a>>, NotOurs> {
    let (roots, mut rest): (Vec<&Read<'_>>, Vec<&Read<'_>>) = all
        .iter()
        .filter(|one| one.der != leaf.der)
        .partition(|one| one.is_self_issued());
    let mut chain = vec![leaf];
    let mut suspect = None;
    while let Some(last) = chain.last().copied() {
        let mut next = None;
        for (at, one) in rest.iter().enumerate() {
            if last.names(one) {
                if last.is_signed_by(one)? {
                    next = Some(at);
                    break;
                }
                suspect = Some((last, *one));
            }
        }
        let Some(at) = next else { break };
        chain.push(rest.remove(at));
    }
    let mut ends = false;
    for root in &roots {
        let mut signs = false;
        for one in &chain {
            if one.names(root) {
                if one.is_signed_by(root)? {
                    signs = true;
                } else {
                    suspect = suspect.or(Some((*one, *root)));
                }
            }
        }
        if !signs {
            rest.push(root);
        }
        ends |= signs;
    }
    if let Some((one, issuer)) = suspect.filter(|_| !rest.is_empty()) {
        return Err(NotOurs::Signature {
            subject: one.subject(),
            issuer: issuer.subject(),
        });
    }
    if let Some(stray) = rest.first() {
        return Err(NotOurs::NotLinked {
            subject: stray.subject(),
        });
    }
    if chain.len() == 1 && !ends {
        return Err(NotOurs::Incomplete {
            issuer: shown(&leaf.parsed.issuer().to_string()),
        });
    }
    chain.remove(0);
    Ok(chain)
}
