//! What a CA hands out, held against what was asked for.

use rcgen::{CertifiedIssuer, KeyPair};

use super::ca::{Ca, Leaf, authority, now, serial};
use crate::files::PrivateKey;
use crate::files::chain::{Chain, NotOurs, Wanted, check};
use crate::model::KeyKind;

fn key() -> PrivateKey {
    PrivateKey::generate(KeyKind::P256).unwrap()
}

fn checked(pem: &str, leaf: &Leaf<'_>) -> Result<Chain, NotOurs> {
    let names: Vec<String> = leaf.names.iter().map(|name| (*name).to_owned()).collect();
    let serial = serial(leaf.serial);
    check(
        pem,
        &Wanted {
            public_key: leaf.key.public_key(),
            serial_number: &serial,
            names: &names,
            now: now(),
        },
    )
}

#[test]
fn every_order_of_the_same_certificates_gives_the_same_chain() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let (own, middle, root) = (ca.sign(&leaf), ca.intermediate_pem(), ca.root_pem());
    let first = checked(&format!("{own}{middle}"), &leaf).unwrap();
    assert_eq!(first.leaf_pem, own);
    assert_eq!(first.issuers, std::slice::from_ref(&middle));
    assert_eq!(first.issuers_der.len(), 1);
    for parts in [
        [&own, &middle, &root],
        [&own, &root, &middle],
        [&middle, &own, &root],
        [&middle, &root, &own],
        [&root, &own, &middle],
        [&root, &middle, &own],
        [&own, &middle, &own],
    ] {
        let pem: String = parts.into_iter().map(String::as_str).collect();
        assert_eq!(checked(&pem, &leaf).unwrap(), first);
    }
}

#[test]
fn every_spelling_of_the_answer_gives_the_same_bytes() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let answer = ca.answer(&leaf);
    let first = checked(&answer, &leaf).unwrap();
    for text in [
        answer.replace('\n', "\r\n"),
        answer.replace('\n', "\r"),
        answer.trim_end().to_owned(),
        answer.replace("-----\n-----BEGIN", "----------BEGIN"),
        answer.replace("-----BEGIN", "subject=CN = www\nissuer=x\n\n-----BEGIN"),
        format!("\u{feff}\n{answer}\n\n"),
    ] {
        assert_eq!(checked(&text, &leaf).unwrap(), first, "{text}");
    }
    let bytes = first.leaf_pem + &first.issuers.concat();
    assert!(!bytes.contains('\r') && bytes.ends_with("-----\n"));
}

#[test]
fn three_links_are_put_in_order() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let low = KeyPair::generate().unwrap();
    let low = CertifiedIssuer::signed_by(authority("low"), low, &ca.intermediate).unwrap();
    let own = Ca {
        intermediate: low,
        root: CertifiedIssuer::self_signed(authority("other"), KeyPair::generate().unwrap())
            .unwrap(),
    };
    let parts = [
        ca.root_pem(),
        ca.intermediate_pem(),
        own.sign(&leaf),
        own.intermediate_pem(),
    ];
    let chain = checked(&parts.concat(), &leaf).unwrap();
    assert_eq!(
        chain.issuers,
        [own.intermediate_pem(), ca.intermediate_pem()]
    );
    // Without the link in the middle, the upper one belongs to nothing.
    let parts = [own.sign(&leaf), own.intermediate_pem(), own.root_pem()];
    let error = checked(&parts.concat(), &leaf).unwrap_err();
    assert_eq!(
        error,
        NotOurs::NotLinked {
            subject: "CN=other".to_owned()
        }
    );
}

#[test]
fn a_root_that_was_signed_by_an_older_one_is_part_of_the_chain() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let old = CertifiedIssuer::self_signed(authority("old"), KeyPair::generate().unwrap()).unwrap();
    let crossed = authority("root")
        .signed_by(ca.root.key(), &old)
        .unwrap()
        .pem()
        .replace("\r\n", "\n");
    for last in [String::new(), ca.root_pem(), old.pem()] {
        let answer = ca.sign(&leaf) + &ca.intermediate_pem() + &crossed + &last;
        let chain = checked(&answer, &leaf).unwrap();
        assert_eq!(chain.issuers, [ca.intermediate_pem(), crossed.clone()]);
    }
}

#[test]
fn a_certificate_without_its_issuer_is_incomplete() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let error = checked(&ca.sign(&leaf), &leaf).unwrap_err();
    assert_eq!(error.code(), "certplan::files::chain_incomplete");
    assert!(error.to_string().contains("`CN=intermediate`"), "{error}");
    // The root of another certificate does not complete it.
    let error = checked(&(ca.sign(&leaf) + &ca.root_pem()), &leaf).unwrap_err();
    assert_eq!(
        error,
        NotOurs::NotLinked {
            subject: "CN=root".to_owned()
        }
    );
    // A root that signs certificates itself leaves no chain, and is enough.
    let chain = checked(&(ca.sign_by_root(&leaf) + &ca.root_pem()), &leaf).unwrap();
    assert!(chain.issuers.is_empty());
}

#[test]
fn a_neighbours_certificate_is_refused_by_its_key() {
    let ca = Ca::new();
    let [key, other] = [key(), key()];
    let error = checked(&ca.answer(&Leaf::of(&other)), &Leaf::of(&key)).unwrap_err();
    let expected = NotOurs::Key {
        wanted: key.public_key(),
        got: other.public_key(),
    };
    assert_eq!(error, expected);
    assert_eq!(error.code(), "certplan::files::not_ours");
}

#[test]
fn an_earlier_certificate_of_the_same_key_is_refused_by_its_serial_number() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let earlier = Leaf {
        serial: &[0x7f, 1],
        ..leaf
    };
    let error = checked(&ca.answer(&earlier), &leaf).unwrap_err();
    let expected = NotOurs::Serial {
        wanted: "a1b2c".to_owned(),
        got: "7f01".to_owned(),
    };
    assert_eq!(error, expected);
    // Beside the right one it is one too many.
    for answer in [
        ca.sign(&earlier) + &ca.answer(&leaf),
        ca.answer(&leaf) + &ca.sign(&earlier),
    ] {
        let error = checked(&answer, &leaf).unwrap_err();
        assert!(matches!(error, NotOurs::NotLinked { .. }), "{error}");
    }
}

#[test]
fn every_spelling_of_the_serial_number_is_the_same() {
    let ca = Ca::new();
    let key = key();
    // The first bit is set, so that DER has a zero before it.
    let leaf = Leaf {
        serial: &[0xfe, 0xdc],
        ..Leaf::of(&key)
    };
    let answer = ca.answer(&leaf);
    for spelled in ["fedc", "FEDC", "00FEDC", "0xfedc", "fe:dc"] {
        let serial = spelled.into();
        let wanted = Wanted {
            public_key: key.public_key(),
            serial_number: &serial,
            names: &[],
            now: now(),
        };
        assert!(check(&answer, &wanted).is_ok(), "{spelled}");
    }
    let serial = "not a number".into();
    let wanted = Wanted {
        public_key: key.public_key(),
        serial_number: &serial,
        names: &[],
        now: now(),
    };
    assert!(matches!(
        check(&answer, &wanted),
        Err(NotOurs::Serial { .. })
    ));
}

#[test]
fn each_wanted_name_must_be_there_in_whatever_spelling() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf {
        names: &[
            "www.example.com",
            "*.example.com",
            "xn--bcher-kva.example",
            "192.0.2.1",
        ],
        ..Leaf::of(&key)
    };
    let answer = ca.answer(&leaf);
    let with = |names: &'static [&'static str]| checked(&answer, &Leaf { names, ..leaf });
    for good in [
        &["WWW.Example.com."] as &[&str],
        &["*.example.com", "Bücher.example"],
        &["192.0.2.1"],
        &[],
    ] {
        assert!(with(good).is_ok(), "{good:?}");
    }
    let error = with(&["www.example.com", "a.example.com", "example.com"]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("the certificate lacks `a.example.com`, `example.com`; it has `"),
        "{message}"
    );
    assert!(message.contains("`www.example.com`"), "{message}");
}

#[test]
fn a_certificate_that_is_over_is_refused_with_its_end() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf {
        last_year: 2026,
        ..Leaf::of(&key)
    };
    let error = checked(&ca.answer(&leaf), &leaf).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the certificate ended at 2026-01-01T00:00:00Z; it is 2026-11-28T00:00:00Z now"
    );
}

/// The same certificate with one byte of its signature changed.
fn forged(pem: &str) -> String {
    let (block, _) = x509_parser::pem::Pem::read(std::io::Cursor::new(pem)).unwrap();
    let mut der = block.contents;
    let last = der.len() - 1;
    der[last] ^= 1;
    crate::files::pem::block("CERTIFICATE", &der)
}

#[test]
fn a_signature_that_does_not_fit_is_told_on_each_link() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let (own, middle, root) = (ca.sign(&leaf), ca.intermediate_pem(), ca.root_pem());
    let error = checked(&(forged(&own) + &middle + &root), &leaf).unwrap_err();
    let expected = NotOurs::Signature {
        subject: "CN=www.example.com".to_owned(),
        issuer: "CN=intermediate".to_owned(),
    };
    assert_eq!(error, expected);
    let error = checked(&(own.clone() + &forged(&middle) + &root), &leaf).unwrap_err();
    let expected = NotOurs::Signature {
        subject: "CN=intermediate".to_owned(),
        issuer: "CN=root".to_owned(),
    };
    assert_eq!(error, expected);
    // Another CA of the same name.
    let other = Ca::new();
    let error = checked(&(own + &other.intermediate_pem()), &leaf).unwrap_err();
    assert!(matches!(error, NotOurs::Signature { .. }), "{error}");
}

#[test]
fn rsa_chains_are_checked_as_well() {
    let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    let rsa = || KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let root = CertifiedIssuer::self_signed(authority("root"), rsa()).unwrap();
    let intermediate = CertifiedIssuer::signed_by(authority("intermediate"), rsa(), &root).unwrap();
    let ca = Ca { root, intermediate };
    let leaf = Leaf::of(&key);
    assert_eq!(checked(&ca.answer(&leaf), &leaf).unwrap().issuers.len(), 1);
    let answer = forged(&ca.sign(&leaf)) + &ca.intermediate_pem();
    assert!(matches!(
        checked(&answer, &leaf),
        Err(NotOurs::Signature { .. })
    ));
}

#[test]
fn what_is_no_chain_is_named() {
    let ca = Ca::new();
    let key = key();
    let leaf = Leaf::of(&key);
    let answer = ca.answer(&leaf);
    let mut many = answer.clone();
    for _ in 0..8 {
        many.push_str(&Ca::new().root_pem());
    }
    let garbage = crate::files::pem::block("CERTIFICATE", b"no certificate");
    let mut longer = checked(&answer, &leaf).unwrap().leaf;
    longer.push(0);
    let longer = crate::files::pem::block("CERTIFICATE", &longer);
    for (text, said) in [
        (String::new(), "holds no certificate"),
        ("{\"error\":\"no\"}".to_owned(), "holds no certificate"),
        (many, "more than 10 certificates"),
        (
            answer.clone() + &" ".repeat(256 << 10),
            "at most 262144 are read",
        ),
        (
            answer.clone() + &key.pem(),
            "part 4 of the answer is no certificate: it is a `PRIVATE KEY`",
        ),
        (
            answer.clone() + &garbage,
            "part 4 of the answer is no certificate: it is not X.509",
        ),
        (longer, "bytes follow"),
        (
            answer[..200].to_owned(),
            "part 1 of the answer is no certificate",
        ),
        (
            answer.replacen("MI", "M!", 1),
            "part 1 of the answer is no certificate",
        ),
    ] {
        let error = checked(&text, &leaf).unwrap_err();
        assert_eq!(error.code(), "certplan::files::not_ours");
        assert!(error.to_string().contains(said), "{error}");
    }
    let ten = answer.clone() + "\n".repeat(1000).as_str();
    assert!(checked(&ten, &leaf).is_ok());
}
