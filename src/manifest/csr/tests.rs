//! CSRs: what is read, what is refused, and that a path stays inside its folder.

use super::*;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519};

/// A CSR of `tests/fixtures/csr`, each made by `openssl req` and taken by `openssl req -verify`.
fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/csr");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Those of the fixtures whose names begin with one of these, but for some.
fn fixtures(starts: &[&str], but: &[&str]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/csr");
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| starts.iter().any(|start| name.starts_with(start)))
        .filter(|name| !but.contains(&name.as_str()))
        .collect()
}

/// Another name in the same CSR, so that the signature is wrong.
fn tampered(pem: &str) -> String {
    let mut der = text::block(pem).unwrap().0;
    let at = der.windows(4).position(|window| window == b"shop").unwrap();
    der[at] = b'x';
    let body = data_encoding::BASE64.encode(&der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n")
}

/// Made by `openssl`, and there is no code here for their signature.
const UNCHECKED: &[(&str, &str)] = &[
    ("rsa-md5.csr", "MD5 with RSA"),
    ("rsa-sha224.csr", "SHA-224 with RSA"),
    ("rsa-sha3-256.csr", "2.16.840.1.101.3.4.3.14"),
    ("pss-sha1-max.csr", "RSA-PSS with this hash or mask"),
    ("pss-sha1-digest.csr", "RSA-PSS with this hash or mask"),
    ("pss-sha1-0.csr", "RSA-PSS with this hash or mask"),
    ("pss-sha1-17.csr", "RSA-PSS with this hash or mask"),
    ("pss-other-mask.csr", "RSA-PSS with this hash or mask"),
    ("rsa-exponent-66.csr", "SHA-256 with RSA"),
];

/// Keys that are not accepted.
const REFUSED: &[(&str, &str)] = &[
    ("p256-explicit.csr", "written out"),
    ("pss-key.csr", "PSS alone"),
    ("rsa-exponent-3.csr", "public exponent 3"),
];

#[test]
fn case_17_every_request_that_openssl_signs_with_a_good_key_passes_and_none_that_was_changed() {
    let others: Vec<&str> = UNCHECKED
        .iter()
        .chain(REFUSED)
        .map(|(name, _)| *name)
        .collect();
    let all = fixtures(&["p256", "p384", "p521", "pss", "rsa"], &others);
    assert!(all.len() > 30, "{all:?}");
    for name in all {
        let pem = fixture(&name);
        let checked = parse(&pem).unwrap_or_else(|refused| panic!("{name}: {}", refused.message));
        assert_eq!(checked.unchecked, None, "{name}");
        let refused = parse(&tampered(&pem)).unwrap_err();
        assert!(
            refused.message.contains("signature does not fit"),
            "{name}: {}",
            refused.message
        );
    }
}

#[test]
fn case_17_a_signature_that_cannot_be_checked_is_named_as_that() {
    for (name, what) in UNCHECKED {
        let checked =
            parse(&fixture(name)).unwrap_or_else(|refused| panic!("{name}: {}", refused.message));
        assert_eq!(checked.unchecked.as_deref(), Some(*what), "{name}");
    }
}

#[test]
fn case_17_a_key_that_no_ca_takes_is_refused_with_what_it_is() {
    for (name, what) in REFUSED {
        let refused = parse(&fixture(name)).unwrap_err();
        assert_eq!(refused.code, "csr_key", "{name}");
        assert!(
            refused.message.contains(what),
            "{name}: {}",
            refused.message
        );
        assert!(refused.help.is_some(), "{name}");
    }
}

#[test]
fn case_17_whatever_stands_around_the_block_the_block_alone_is_sent() {
    let pem = fixture("p256-sha256.csr");
    let utf_16 = |text: &str, mark: &[u8], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.iter()
            .copied()
            .chain(text.encode_utf16().flat_map(bytes))
            .collect()
    };
    let crlf = pem.replace('\n', "\r\n");
    let windows = format!("\r\nDear CA,\r\n\r\n{crlf}\r\nRegards\r\n");
    for (form, bytes) in [
        ("plain", pem.clone().into_bytes()),
        ("mark", format!("\u{feff}{pem}").into_bytes()),
        ("UTF-16 LE", utf_16(&crlf, &[0xff, 0xfe], u16::to_le_bytes)),
        ("UTF-16 BE", utf_16(&crlf, &[0xfe, 0xff], u16::to_be_bytes)),
        (
            "UTF-16 LE without a mark",
            utf_16(&crlf, &[], u16::to_le_bytes),
        ),
        (
            "UTF-16 BE without a mark",
            utf_16(&crlf, &[], u16::to_be_bytes),
        ),
        ("CRLF", crlf.clone().into_bytes()),
        ("CR", pem.replace('\n', "\r").into_bytes()),
        ("text around it", windows.into_bytes()),
        (
            "Latin-1 before it",
            [b"Gr\xfc\xdfe\n".as_slice(), pem.as_bytes()].concat(),
        ),
        ("no last line break", pem.trim_end().as_bytes().to_vec()),
    ] {
        let checked = text::decode(bytes).and_then(|text| parse(&text));
        let checked = checked.unwrap_or_else(|refused| panic!("{form}: {}", refused.message));
        assert_eq!(checked.csr.pem, pem, "{form}");
    }
    let new = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(parse(&new).unwrap().csr.pem, new);
}

#[test]
fn case_17_what_is_no_pem_is_told_by_what_it_is() {
    let pem = fixture("p256-sha256.csr");
    let der = text::block(&pem).unwrap().0;
    let bare = pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect::<String>();
    for (bytes, message, help) in [
        (der.clone(), "DER", "openssl req -inform DER"),
        (
            vec![0xde, 0xad, 0xbe, 0xef, 0],
            "neither",
            "BEGIN CERTIFICATE REQUEST",
        ),
        (
            bare.into_bytes(),
            "without its BEGIN and END lines",
            "put `-----BEGIN",
        ),
        (
            pem.replace("-----END CERTIFICATE REQUEST-----", "")
                .into_bytes(),
            "missing",
            "copy it again",
        ),
        (
            pem.replacen("MI", "M!", 1).into_bytes(),
            "not base64",
            "copy the file again",
        ),
        (
            pem.replace("CERTIFICATE REQUEST", "CERTIFICATE")
                .into_bytes(),
            "`CERTIFICATE`",
            "BEGIN CERTIFICATE REQUEST",
        ),
        (
            format!("{pem}{pem}").into_bytes(),
            "more than one",
            "remove the others",
        ),
    ] {
        let refused = text::decode(bytes)
            .and_then(|text| parse(&text))
            .unwrap_err();
        assert_eq!(refused.code, "csr_not_valid");
        assert!(
            refused.message.contains(message),
            "{message}: {}",
            refused.message
        );
        assert!(
            refused.help.unwrap_or_default().contains(help),
            "{message}: {:?}",
            refused.help
        );
    }
}

#[test]
fn case_21_names_are_read_in_every_type_of_text_and_every_kind_of_name() {
    for name in [
        "names-utf8.csr",
        "names-bmp.csr",
        "names-t61.csr",
        "names-universal.csr",
    ] {
        let names = parse(&fixture(name)).unwrap().names;
        assert_eq!(names.asked, ["josé"], "{name}");
        assert_eq!(names.addresses, ["jose@example.com"], "{name}");
    }
    let names = parse(&fixture("names-appliance.csr")).unwrap().names;
    let asked = [
        "10.1.2.3",
        "default device 0001",
        "esx01",
        "esx01.example.com",
        "fd00::1",
        "https://esx01.example.com/",
    ];
    assert_eq!(names.asked, asked);
}

fn request(key: &KeyPair) -> String {
    let mut params = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "Example.com");
    params.serialize_request(key).unwrap().pem().unwrap()
}

#[test]
fn a_good_request_gives_its_key_and_names() {
    let key = KeyPair::generate().unwrap();
    let checked = parse(&request(&key)).unwrap();
    assert_eq!(checked.names.asked, ["example.com", "www.example.com"]);
    assert_eq!(
        checked.csr.public_key,
        Digest::of(&rcgen::PublicKeyData::subject_public_key_info(&key))
    );
}

#[test]
fn many_requests_keep_their_order() {
    let keys: Vec<KeyPair> = (0..3).map(|_| KeyPair::generate().unwrap()).collect();
    let pems: Vec<String> = keys.iter().map(request).collect();
    let point = crate::model::form::Point { file: 0, node: 0 };
    let sources: Vec<Source> = (0..200)
        .map(|index| {
            Source::Pem(At {
                value: pems[index % 3].clone(),
                point,
            })
        })
        .collect();
    let folder = Path::new("");
    let requests: Vec<_> = sources.iter().map(|source| (folder, source)).collect();
    let outcomes = check_all(&requests);
    assert_eq!(outcomes.len(), 200);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.unwrap().csr.pem, pems[index % 3], "{index}");
    }
}

#[test]
fn a_changed_request_does_not_pass() {
    let pem = request(&KeyPair::generate().unwrap());
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let mut der = block.contents;
    let at = der
        .windows(11)
        .position(|window| window == b"Example.com")
        .unwrap();
    der[at] = b'F';
    let body = data_encoding::BASE64.encode(&der);
    let pem =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
    assert!(parse(&pem).unwrap_err().message.contains("signature"));
}

#[test]
fn other_keys_and_other_texts_are_refused() {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    assert_eq!(parse(&request(&key)).unwrap_err().code, "csr_key");
    let key = KeyPair::generate().unwrap();
    for text in [
        "",
        "x",
        &key.serialize_pem(),
        &format!("{0}{0}", request(&key)),
    ] {
        assert_eq!(parse(text).unwrap_err().code, "csr_not_valid", "{text}");
    }
}

#[test]
fn row_109_a_path_stays_inside_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("batch");
    std::fs::create_dir_all(inside.join("csr")).unwrap();
    std::fs::write(folder.path().join("out.csr"), "x").unwrap();
    std::fs::write(inside.join("csr/a.csr"), "text").unwrap();
    std::os::unix::fs::symlink("../out.csr", inside.join("link.csr")).unwrap();
    std::os::unix::fs::symlink("..", inside.join("up")).unwrap();
    assert_eq!(read(&inside, "csr/a.csr").unwrap(), "text");
    assert_eq!(read(&inside, "csr/../csr/a.csr").unwrap(), "text");
    for outside in [
        "../out.csr",
        "/etc/hostname",
        "link.csr",
        "up/out.csr",
        "csr/../../out.csr",
    ] {
        assert_eq!(
            read(&inside, outside).unwrap_err().code,
            "csr_outside",
            "{outside}"
        );
    }
    assert_eq!(read(&inside, "none.csr").unwrap_err().code, "csr_missing");
    assert_eq!(read(&inside, "csr").unwrap_err().code, "csr_unreadable");
}
