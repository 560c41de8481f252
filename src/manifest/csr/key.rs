//! Which keys are accepted. Main type: [`Key`].

use x509_parser::asn1_rs::Tag;
use x509_parser::oid_registry as oid;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::refused::Refused;

/// A key that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// On a curve.
    Ec(Curve),
    /// RSA, with the lengths of its modulus and its exponent.
    Rsa {
        /// Of the modulus.
        bits: usize,
        /// Of the exponent.
        exponent_bits: usize,
    },
}

/// A curve that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

const USE: &str = "use RSA with at least 2048 bits, or EC on P-256, P-384 or P-521";

fn refused(what: &str, help: &'static str) -> Refused {
    Refused::new("csr_key", format!("the CSR's key is {what}")).help(help)
}

/// The key of a CSR, if it may be used.
pub(super) fn check(key: &SubjectPublicKeyInfo<'_>) -> Result<Key, Refused> {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => of_rsa(&rsa),
        Ok(PublicKey::EC(_)) => curve(key).map(Key::Ec),
        _ => Err(refused(&kind(key), USE)),
    }
}

fn curve(key: &SubjectPublicKeyInfo<'_>) -> Result<Curve, Refused> {
    let parameters = key.algorithm.parameters.as_ref();
    let named = parameters.filter(|parameters| parameters.tag() == Tag::Oid);
    let Some(curve) = named.and_then(|parameters| parameters.as_oid().ok()) else {
        let what = "EC, and its curve is written out instead of named";
        let help = "make the key again with `-pkeyopt ec_param_enc:named_curve`";
        return Err(refused(what, help));
    };
    if curve == oid::OID_EC_P256 {
        Ok(Curve::P256)
    } else if curve == oid::OID_NIST_EC_P384 {
        Ok(Curve::P384)
    } else if curve == oid::OID_NIST_EC_P521 {
        Ok(Curve::P521)
    } else {
        Err(refused("on another curve", USE))
    }
}

/// Baseline Requirements 6.1.6: the exponent is odd, and should be 65537 or more.
fn of_rsa(rsa: &RSAPublicKey<'_>) -> Result<Key, Refused> {
    const LEAST_EXPONENT: u64 = 65537;
    let bits = bits(rsa.modulus);
    if bits < 2048 {
        return Err(refused(&format!("RSA with {bits} bits"), USE));
    }
    // One that does not fit into 64 bits is large enough.
    let small = rsa.try_exponent().ok();
    let is_odd = rsa.exponent.last().is_some_and(|byte| byte & 1 == 1);
    if let Some(small) = small.filter(|exponent| *exponent < LEAST_EXPONENT) {
        let what = format!("RSA with the public exponent {small}");
        let help =
            "make the key again with the exponent 65537, which is what `openssl` takes by itself";
        return Err(refused(&what, help));
    }
    if !is_odd || rsa.exponent.first().is_none_or(|byte| byte & 0x80 != 0) {
        let what = "RSA with a public exponent that is no odd number above 0";
        return Err(refused(what, USE));
    }
    Ok(Key::Rsa {
        bits,
        exponent_bits: self::bits(rsa.exponent),
    })
}

fn kind(key: &SubjectPublicKeyInfo<'_>) -> String {
    let kind = match key.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => "RSA that cannot be read",
        // Baseline Requirements 7.1.3.1.1: a certificate names an RSA key as `rsaEncryption`.
        "1.2.840.113549.1.1.10" => "RSA for PSS alone, which no public CA takes",
        "1.2.840.10040.4.1" => "DSA, neither RSA nor EC",
        "1.3.101.110" | "1.3.101.111" => "X25519 or X448, neither RSA nor EC",
        "1.3.101.112" => "Ed25519, neither RSA nor EC",
        "1.3.101.113" => "Ed448, neither RSA nor EC",
        _ => "neither RSA nor EC",
    };
    kind.to_owned()
}

/// The length of a number in bits.
fn bits(number: &[u8]) -> usize {
    let start = number.iter().position(|byte| *byte != 0);
    start.map_or(0, |start| {
        let first = number.get(start).map_or(0, |byte| byte.leading_zeros());
        (number.len() - start) * 8 - first as usize
    })
}
