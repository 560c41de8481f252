//! Whether a CSR is signed by its own key, with every signature that `openssl req` makes with a key that is
//! accepted here.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    self as known, EcdsaVerificationAlgorithm, RsaParameters, RsaPssSaltLength,
    VerificationAlgorithm as _,
};
use x509_parser::asn1_rs::Oid;
use x509_parser::prelude::X509CertificationRequest;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::key::{Curve, Key};
use super::refused::Refused;

/// What is known of a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// The key made it.
    Fits,
    /// There is no code here for it; this is its name.
    Unknown(String),
}

/// The longest RSA key, and the longest exponent of one, that a signature is checked with here, in bits.
const MOST_BITS: usize = 8192;
const MOST_EXPONENT_BITS: usize = 33;

/// Checks the signature of a CSR with its key.
pub(super) fn check(
    request: &X509CertificationRequest<'_>,
    key: &Key,
) -> Result<Signature, Refused> {
    let algorithm = &request.signature_algorithm;
    let name = algorithm.algorithm.to_id_string();
    let public = &request
        .certification_request_info
        .subject_pki
        .subject_public_key
        .data;
    let signed = request.certification_request_info.raw;
    let signature = &request.signature_value.data;
    let fits = match *key {
        Key::Ec(curve) => {
            let Some(hash) = ecdsa_hash(&name) else {
                return other(&name, "RSA");
            };
            ecdsa(curve, hash, signed, |how, digest| {
                how.verify_digest_sig(public, digest, signature).is_ok()
            })
        }
        Key::Rsa {
            bits,
            exponent_bits,
        } => {
            if ecdsa_hash(&name).is_some() {
                return other(&name, "EC");
            }
            match rsa(&name, algorithm) {
                Some(how) if bits <= MOST_BITS && exponent_bits <= MOST_EXPONENT_BITS => {
                    Some(how.verify_sig(public, signed, signature).is_ok())
                }
                Some(_) | None => None,
            }
        }
    };
    match fits {
        Some(true) => Ok(Signature::Fits),
        Some(false) => Err(Refused::not_valid("its signature does not fit its key")
            .help("the file was changed after it was made: make the CSR again with its key")),
        None => Ok(Signature::Unknown(title(&name))),
    }
}

/// A signature of another kind of key cannot fit; one that nobody here knows may.
fn other(name: &str, kind: &str) -> Result<Signature, Refused> {
    let is_of_other_kind = name.starts_with("1.2.840.113549.1.1.") && kind == "RSA"
        || ecdsa_hash(name).is_some() && kind == "EC";
    if is_of_other_kind {
        let why = format!("its signature is one of an {kind} key, and its key is none");
        return Err(Refused::not_valid(&why));
    }
    Ok(Signature::Unknown(title(name)))
}

/// The hash of an ECDSA signature (RFC 5758, and NIST's list for SHA-3).
fn ecdsa_hash(name: &str) -> Option<&'static digest::Algorithm> {
    Some(match name {
        "1.2.840.10045.4.1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "1.2.840.10045.4.3.1" => &digest::SHA224,
        "1.2.840.10045.4.3.2" => &digest::SHA256,
        "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.10045.4.3.4" => &digest::SHA512,
        "2.16.840.1.101.3.4.3.10" => &digest::SHA3_256,
        "2.16.840.1.101.3.4.3.11" => &digest::SHA3_384,
        "2.16.840.1.101.3.4.3.12" => &digest::SHA3_512,
        _ => return None,
    })
}

/// Checks an ECDSA signature. ECDSA takes a digest as a number (FIPS 186-5, section 6.4), so that only the
/// length of a digest matters, and a short one may have zeros before it.
fn ecdsa(
    curve: Curve,
    hash: &'static digest::Algorithm,
    signed: &[u8],
    fits: impl Fn(&EcdsaVerificationAlgorithm, &digest::Digest) -> bool,
) -> Option<bool> {
    const SHORTEST: usize = 32;
    let digest = digest::digest(hash, signed);
    let mut number = vec![0; SHORTEST.saturating_sub(digest.as_ref().len())];
    number.extend_from_slice(digest.as_ref());
    let (like, how) = match (number.len(), curve) {
        (32, Curve::P256) => (&digest::SHA256, &known::ECDSA_P256_SHA256_ASN1),
        (32, Curve::P384) => (&digest::SHA256, &known::ECDSA_P384_SHA256_ASN1),
        (32, Curve::P521) => (&digest::SHA256, &known::ECDSA_P521_SHA256_ASN1),
        (48, Curve::P256) => (&digest::SHA384, &known::ECDSA_P256_SHA384_ASN1),
        (48, Curve::P384) => (&digest::SHA384, &known::ECDSA_P384_SHA384_ASN1),
        (48, Curve::P521) => (&digest::SHA384, &known::ECDSA_P521_SHA384_ASN1),
        (64, Curve::P256) => (&digest::SHA512, &known::ECDSA_P256_SHA512_ASN1),
        (64, Curve::P384) => (&digest::SHA512, &known::ECDSA_P384_SHA512_ASN1),
        (64, Curve::P521) => (&digest::SHA512, &known::ECDSA_P521_SHA512_ASN1),
        (_, Curve::P256 | Curve::P384 | Curve::P521) => return None,
    };
    let number = digest::Digest::import_less_safe(&number, like).ok()?;
    Some(fits(how, &number))
}

/// How an RSA signature is checked.
fn rsa(name: &str, algorithm: &AlgorithmIdentifier<'_>) -> Option<RsaParameters> {
    Some(match name {
        "1.2.840.113549.1.1.5" => known::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.11" => known::RSA_PKCS1_2048_8192_SHA256,
        "1.2.840.113549.1.1.12" => known::RSA_PKCS1_2048_8192_SHA384,
        "1.2.840.113549.1.1.13" => known::RSA_PKCS1_2048_8192_SHA512,
        "1.2.840.113549.1.1.10" => return pss(algorithm),
        _ => return None,
    })
}

/// RSASSA-PSS with any length of its salt, and one hash for both of its uses.
fn pss(algorithm: &AlgorithmIdentifier<'_>) -> Option<RsaParameters> {
    let parameters = RsaSsaPssParams::try_from(algorithm.parameters()?).ok()?;
    let hash = parameters.hash_algorithm_oid();
    let mask = parameters.mask_gen_algorithm().ok()?;
    if mask.hash != *hash || parameters.trailer_field() != 1 {
        return None;
    }
    let how = match of_hash(hash)? {
        256 => known::RSA_PSS_2048_8192_SHA256,
        384 => known::RSA_PSS_2048_8192_SHA384,
        512 => known::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    };
    let salt = u16::try_from(parameters.salt_length()).ok()?;
    Some(how.with_pss_salt_length(RsaPssSaltLength::Custom(salt)))
}

fn of_hash(hash: &Oid<'_>) -> Option<u16> {
    Some(match hash.to_id_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => 256,
        "2.16.840.1.101.3.4.2.2" => 384,
        "2.16.840.1.101.3.4.2.3" => 512,
        _ => return None,
    })
}

/// What a signature is called.
fn title(name: &str) -> String {
    let title = match name {
        "1.2.840.113549.1.1.4" => "MD5 with RSA",
        "1.2.840.113549.1.1.5" => "SHA-1 with RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS with this hash or mask",
        "1.2.840.113549.1.1.11" => "SHA-256 with RSA",
        "1.2.840.113549.1.1.12" => "SHA-384 with RSA",
        "1.2.840.113549.1.1.13" => "SHA-512 with RSA",
        "1.2.840.113549.1.1.14" => "SHA-224 with RSA",
        "1.2.840.113549.1.1.15" => "SHA-512/224 with RSA",
        "1.2.840.113549.1.1.16" => "SHA-512/256 with RSA",
        _ => return name.to_owned(),
    };
    title.to_owned()
}
