//! The public key that a private key says it has, without a check: [`said_public_key`].
//!
//! Whether the two halves belong together costs far more than reading a file, and is found out whenever the key
//! is used. A plan looks at every key of every version.

use x509_parser::asn1_rs::{Any, BitString, Class, FromDer, Sequence, Tag, ToDer};

use super::keys::LABEL;
use super::pem::secret_der;
use crate::model::Digest;

/// The digest of the public key, as [`super::PrivateKey::public_key`] has it. `None` where the text is no key in
/// PKCS#8, or does not say it.
pub(super) fn said_public_key(text: &[u8]) -> Option<Digest> {
    let der = secret_der(LABEL, text)?;
    let outer = within(&der)?;
    let [_version, algorithm, key, ..] = outer.as_slice() else {
        return None;
    };
    let of_key = within(key.data)?;
    let public = match of_key.as_slice() {
        // RFC 5915: the version, the private half, and two that may be missing.
        [_version, private, rest @ ..] if private.tag == Tag::OctetString => {
            let public = rest.iter().find(|one| one.is_public_half())?;
            let bits = Any::from_der(public.data).ok()?.1;
            bits.data.get(1..)?.to_vec()
        }
        // RFC 8017: the version, the modulus, the public exponent.
        [_version, modulus, exponent, ..] => sequence(&[modulus.raw, exponent.raw])?,
        _ => return None,
    };
    let bits = BitString::new(0, &public).to_der_vec().ok()?;
    Some(Digest::of(&sequence(&[algorithm.raw, &bits])?))
}

/// One part of a sequence.
struct Part<'a> {
    raw: &'a [u8],
    data: &'a [u8],
    class: Class,
    tag: Tag,
}

impl Part<'_> {
    /// RFC 5915: `publicKey [1] BIT STRING`.
    fn is_public_half(&self) -> bool {
        self.class == Class::ContextSpecific && self.tag == Tag(1)
    }
}

/// The parts of the one sequence that the bytes are.
fn within(der: &[u8]) -> Option<Vec<Part<'_>>> {
    let (after, sequence) = Any::from_der(der).ok()?;
    if !after.is_empty() || sequence.tag() != Tag::Sequence {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = sequence.data;
    while !rest.is_empty() {
        let (after, one) = Any::from_der(rest).ok()?;
        parts.push(Part {
            raw: rest.get(..rest.len() - after.len())?,
            data: one.data,
            class: one.class(),
            tag: one.tag(),
        });
        rest = after;
    }
    Some(parts)
}

fn sequence(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let content = parts.concat();
    Sequence::new(content.into()).to_der_vec().ok()
}
