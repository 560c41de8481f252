//! Private keys.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::openssl;
use crate::files::PrivateKey;
use crate::files::public_half::said_public_key;
use crate::model::{Digest, KeyKind};

#[test]
fn each_kind_is_made_and_read_back_and_openssl_sees_the_same_key() {
    for kind in KeyKind::ALL {
        let key = PrivateKey::generate(kind).unwrap();
        assert_eq!(key.kind(), kind);
        let pem = key.pem();
        let again = PrivateKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(again.kind(), kind);
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(*again.pem(), *pem);
        assert_eq!(
            said_public_key(pem.as_bytes()),
            Some(key.public_key()),
            "{kind:?}"
        );
        let windows = pem.replace('\n', "\r\n");
        let again = PrivateKey::from_pem(windows.as_bytes()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let Some((is_good, public)) =
            openssl(&["pkey", "-pubout", "-outform", "DER"], pem.as_bytes())
        else {
            continue;
        };
        assert!(is_good, "{kind:?}");
        assert_eq!(Digest::of(&public), key.public_key(), "{kind:?}");
    }
}

#[test]
fn each_key_is_another_one() {
    let keys = [KeyKind::P256, KeyKind::P256].map(|kind| PrivateKey::generate(kind).unwrap());
    assert_ne!(keys[0].public_key(), keys[1].public_key());
}

#[test]
fn a_key_with_the_public_half_of_another_is_none() {
    let [own, other] = [KeyKind::P256; 2].map(|kind| PrivateKey::generate(kind).unwrap());
    // The public half stands at the end.
    let mut der = own.pkcs8().to_vec();
    let half = der.len() - 64;
    der[half..].copy_from_slice(&other.pkcs8()[half..]);
    let text = crate::files::pem::block("PRIVATE KEY", &der);
    assert!(PrivateKey::from_pem(text.as_bytes()).is_none());
}

#[test]
fn a_key_of_openssl_says_the_same_public_key() {
    for kind in [
        "ec_paramgen_curve:P-256",
        "ec_paramgen_curve:P-384",
        "rsa_keygen_bits:2048",
    ] {
        let algorithm = if kind.starts_with("ec") { "EC" } else { "RSA" };
        let make = ["genpkey", "-algorithm", algorithm, "-pkeyopt", kind];
        let Some((_, pem)) = openssl(&make, b"") else {
            return;
        };
        let key = PrivateKey::from_pem(&pem).unwrap();
        assert_eq!(said_public_key(&pem), Some(key.public_key()), "{kind}");
    }
}

#[test]
fn what_is_no_key_is_none() {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let pem = key.pem();
    let cut = &pem[..pem.len() / 2];
    for text in [
        "",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
        &pem.replace("PRIVATE", "PUBLIC"),
        &pem.replacen("MI", "M!", 1),
        &pem.replace("-----END", "----END"),
        cut,
    ] {
        assert!(PrivateKey::from_pem(text.as_bytes()).is_none(), "{text}");
        assert!(said_public_key(text.as_bytes()).is_none(), "{text}");
    }
    assert!(PrivateKey::from_pem(&[0xff, 0xfe, 0]).is_none());
}

/// `IS` of this one stands where the type has no `Debug`, `Clone` or `Serialize`.
trait Otherwise {
    const IS: bool = false;
}
struct Prints<T>(PhantomData<T>);
struct Copies<T>(PhantomData<T>);
struct Writes<T>(PhantomData<T>);
impl<T> Otherwise for Prints<T> {}
impl<T> Otherwise for Copies<T> {}
impl<T> Otherwise for Writes<T> {}
impl<T: Debug> Prints<T> {
    const IS: bool = true;
}
impl<T: Clone> Copies<T> {
    const IS: bool = true;
}
impl<T: serde::Serialize> Writes<T> {
    const IS: bool = true;
}

#[test]
fn a_key_cannot_be_printed_copied_or_written_as_json() {
    const {
        assert!(Prints::<String>::IS && Copies::<String>::IS && Writes::<String>::IS);
        assert!(!Prints::<PrivateKey>::IS);
        assert!(!Copies::<PrivateKey>::IS);
        assert!(!Writes::<PrivateKey>::IS);
        assert!(!Prints::<crate::files::Contents>::IS);
        assert!(!Writes::<crate::files::Contents>::IS);
    }
}
