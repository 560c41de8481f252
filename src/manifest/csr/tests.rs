//! CSRs: what is read, what is refused, and that a path stays inside its folder.

use super::*;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519};

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
    assert_eq!(checked.names, ["example.com", "www.example.com"]);
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
        &format!("{}x", request(&key)),
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
