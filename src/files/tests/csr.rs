//! CSRs for keys that were made here.

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use super::openssl;
use crate::files::csr::{CsrNames, make};
use crate::files::{FilesError, PrivateKey};
use crate::model::{Digest, KeyKind};

/// The subject, the alternative names, and the digest of the public key.
fn read(pem: &str) -> (String, Vec<String>, Digest) {
    let (block, _) = Pem::read(std::io::Cursor::new(pem)).unwrap();
    let (rest, request) = X509CertificationRequest::from_der(&block.contents).unwrap();
    assert!(rest.is_empty());
    request.verify_signature().unwrap();
    let mut names = Vec::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        let ParsedExtension::SubjectAlternativeName(found) = extension else {
            panic!("another extension: {extension:?}");
        };
        names.extend(found.general_names.iter().map(|name| match name {
            GeneralName::DNSName(name) => format!("dns:{name}"),
            GeneralName::RFC822Name(name) => format!("email:{name}"),
            other => panic!("{other:?}"),
        }));
    }
    let info = &request.certification_request_info;
    (
        info.subject.to_string(),
        names,
        Digest::of(info.subject_pki.raw),
    )
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_csr_holds_the_names_and_the_key_and_nothing_else() {
    let dns = strings(&[
        "www.example.com",
        "*.example.com",
        "bücher.example",
        "www.example.com",
    ]);
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
        let key = PrivateKey::generate(kind).unwrap();
        let names = CsrNames {
            common_name: Some("www.example.com"),
            dns_names: &dns,
            emails: &[],
        };
        let pem = make(&key, &names).unwrap();
        let (subject, asked, public_key) = read(&pem);
        assert_eq!(subject, "CN=www.example.com");
        let expected = [
            "dns:www.example.com",
            "dns:*.example.com",
            "dns:xn--bcher-kva.example",
        ];
        assert_eq!(asked, expected);
        assert_eq!(public_key, key.public_key(), "{kind:?}");
        assert!(!pem.contains('\r') && pem.ends_with("-----\n"), "{pem}");
        if let Some((is_good, _)) = openssl(&["req", "-verify", "-noout"], pem.as_bytes()) {
            assert!(is_good, "{kind:?}");
        }
    }
}

#[test]
fn a_csr_for_a_person_holds_addresses_and_the_name_as_it_is_written() {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let emails = strings(&["Ada@bücher.example"]);
    let names = CsrNames {
        common_name: Some("Ada Müller"),
        dns_names: &[],
        emails: &emails,
    };
    let (subject, asked, _) = read(&make(&key, &names).unwrap());
    assert_eq!(subject, "CN=Ada Müller");
    assert_eq!(asked, ["email:Ada@xn--bcher-kva.example"]);
}

#[test]
fn without_a_common_name_the_subject_is_empty() {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let dns = strings(&["a.example"]);
    let names = CsrNames {
        dns_names: &dns,
        ..CsrNames::default()
    };
    let (subject, asked, _) = read(&make(&key, &names).unwrap());
    assert_eq!(
        (subject.as_str(), asked.as_slice()),
        ("", ["dns:a.example".to_owned()].as_slice())
    );
    let (subject, asked, _) = read(&make(&key, &CsrNames::default()).unwrap());
    assert!(subject.is_empty() && asked.is_empty());
}

#[test]
fn names_that_no_certificate_can_hold_are_named() {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let long = format!("{}.example", "a".repeat(57));
    let bad = strings(&["ä b"]);
    for (names, said) in [
        (
            CsrNames {
                common_name: Some(&long),
                ..CsrNames::default()
            },
            "65 characters",
        ),
        (
            CsrNames {
                common_name: Some(""),
                ..CsrNames::default()
            },
            "0 characters",
        ),
        (
            CsrNames {
                dns_names: &bad,
                ..CsrNames::default()
            },
            "outside ASCII",
        ),
        (
            CsrNames {
                emails: &bad,
                ..CsrNames::default()
            },
            "outside ASCII",
        ),
    ] {
        let error = make(&key, &names).unwrap_err();
        assert!(matches!(error, FilesError::Csr(_)));
        assert!(error.to_string().contains(said), "{error}");
    }
    let longest = "a".repeat(64);
    let names = CsrNames {
        common_name: Some(&longest),
        ..CsrNames::default()
    };
    assert!(make(&key, &names).is_ok());
}
