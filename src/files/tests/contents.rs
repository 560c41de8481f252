//! The bytes of each file, and PKCS#12.

use std::collections::BTreeSet;

use super::ca::{Ca, Leaf, serial};
use super::{name, openssl};
use crate::files::contents::{Parts, contents};
use crate::files::{Contents, PrivateKey};
use crate::model::P12Strength;
use crate::model::{FileKind, KeyKind, Secret};

fn text(contents: &Contents, kind: FileKind) -> String {
    let file = contents.files.iter().find(|(one, _)| *one == kind);
    String::from_utf8(file.unwrap().1.to_vec()).unwrap()
}

fn kinds(contents: &Contents) -> Vec<FileKind> {
    contents.files.iter().map(|(kind, _)| *kind).collect()
}

#[test]
fn each_kind_has_its_blocks_in_their_order() {
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let leaf = Leaf::of(&key);
    let made = ca.contents(
        &leaf,
        &[
            FileKind::Cert,
            FileKind::Chain,
            FileKind::FullChain,
            FileKind::Combined,
        ],
    );
    let expected = [
        FileKind::PrivateKey,
        FileKind::Cert,
        FileKind::Chain,
        FileKind::FullChain,
        FileKind::Combined,
    ];
    assert_eq!(kinds(&made), expected);
    let (private, cert, chain) = (
        text(&made, FileKind::PrivateKey),
        text(&made, FileKind::Cert),
        text(&made, FileKind::Chain),
    );
    assert_eq!(private, *key.pem());
    assert_eq!(chain, ca.intermediate_pem());
    assert_eq!(text(&made, FileKind::FullChain), format!("{cert}{chain}"));
    assert_eq!(
        text(&made, FileKind::Combined),
        format!("{private}{cert}{chain}")
    );
    for (kind, bytes) in &made.files {
        assert!(
            bytes.ends_with(b"-----\n") && !bytes.ends_with(b"\n\n"),
            "{kind:?}"
        );
        assert!(!bytes.contains(&b'\r'), "{kind:?}");
    }
    if let Some((is_good, shown)) = openssl(&["x509", "-noout", "-serial"], cert.as_bytes()) {
        assert!(is_good);
        assert_eq!(String::from_utf8(shown).unwrap().trim(), "serial=0A1B2C");
    }
}

#[test]
fn without_a_key_there_is_no_file_that_needs_one() {
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let leaf = Leaf::of(&key);
    let (www, serial, chain) = (name("www"), serial(leaf.serial), ca.chain(&leaf));
    for (kind, is_good) in [
        (FileKind::Cert, true),
        (FileKind::Chain, true),
        (FileKind::FullChain, true),
        (FileKind::Combined, false),
        (FileKind::P12, false),
        (FileKind::PrivateKey, false),
    ] {
        assert_eq!(kind.needs_key(), !is_good, "{kind:?}");
        let asked = BTreeSet::from([kind]);
        let made = contents(&Parts {
            name: &www,
            serial: &serial,
            chain: &chain,
            key: None,
            kinds: &asked,
            p12: None,
        });
        match made {
            Ok(made) => assert_eq!(kinds(&made), [kind]),
            Err(error) => assert!(!is_good, "{kind:?}: {error}"),
        }
    }
}

#[cfg(feature = "p12")]
#[test]
fn openssl_opens_both_kinds_of_pkcs12_with_the_passphrase_alone() {
    let ca = Ca::new();
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let key = PrivateKey::generate(kind).unwrap();
        let leaf = Leaf::of(&key);
        for (strength, word) in [
            (P12Strength::Modern, "pässwörd"),
            (P12Strength::Legacy, "plain"),
        ] {
            let passphrase = Secret::new(word.to_owned());
            let how = crate::files::P12 {
                strength,
                passphrase: &passphrase,
                is_generated: false,
            };
            let made = ca.contents_with(&leaf, &[FileKind::Cert, FileKind::P12], Some(how));
            let expected = [FileKind::PrivateKey, FileKind::Cert, FileKind::P12];
            assert_eq!(kinds(&made), expected);
            let bytes = &made.files[2].1;
            let mut arguments = vec!["pkcs12", "-nodes", "-passin"];
            let (good, bad) = (format!("pass:{word}"), "pass:other".to_owned());
            arguments.push(&good);
            if strength == P12Strength::Legacy {
                arguments.push("-legacy");
            }
            let Some((is_good, shown)) = openssl(&arguments, bytes) else {
                continue;
            };
            assert!(is_good, "{kind:?} {strength:?}");
            let shown = String::from_utf8(shown).unwrap();
            let pem = key.pem();
            for block in [
                pem.as_str(),
                &text(&made, FileKind::Cert),
                &ca.intermediate_pem(),
            ] {
                let second = block.lines().nth(1).unwrap();
                assert!(shown.contains(second), "{kind:?} {strength:?}: {shown}");
            }
            assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 2);
            assert!(shown.contains("friendlyName: www"), "{shown}");
            arguments[3] = &bad;
            assert!(!openssl(&arguments, bytes).unwrap().0);
        }
    }
}

#[cfg(feature = "p12")]
#[test]
fn a_passphrase_that_was_made_here_is_kept_beside_and_is_new_each_time() {
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let make = || crate::files::p12::passphrase().unwrap();
    let [one, other] = [make(), make()];
    assert_ne!(one.expose(), other.expose());
    for word in [&one, &other] {
        let word = word.expose();
        assert_eq!(word.len(), 24, "{word}");
        assert!(
            word.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{word}"
        );
    }
    let how = crate::files::P12 {
        strength: P12Strength::Modern,
        passphrase: &one,
        is_generated: true,
    };
    let made = ca.contents_with(&Leaf::of(&key), &[FileKind::P12], Some(how));
    assert_eq!(
        text(&made, FileKind::P12Pass),
        format!("{}\n", one.expose())
    );
    // A file that is made again for the same certificate opens as before.
    let (_above, folder) = super::folder();
    let (www, serial) = (name("www"), made.serial.clone());
    assert!(folder.kept_passphrase(&www, &serial).unwrap().is_none());
    folder.build(&www, &made, "run").unwrap();
    let kept = folder.kept_passphrase(&www, &serial).unwrap().unwrap();
    assert_eq!(kept.expose(), one.expose());
    let file = folder.path().join("archive/www/a1b2c/p12.pass");
    assert_eq!(super::mode(&file), 0o600);
    for text in ["", "short", "THIS-IS-NOT-OF-THE-FORM!"] {
        std::fs::write(&file, text).unwrap();
        assert!(folder.kept_passphrase(&www, &serial).unwrap().is_none());
    }
    // Without a PKCS#12 file there is nothing to open.
    let made = ca.contents_with(&Leaf::of(&key), &[FileKind::Cert], Some(how));
    assert_eq!(kinds(&made), [FileKind::PrivateKey, FileKind::Cert]);
}

#[test]
fn a_pkcs12_file_has_a_passphrase() {
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let empty = Secret::new(String::new());
    let made = crate::files::p12::make(
        &key,
        &ca.chain(&Leaf::of(&key)),
        "www",
        &empty,
        P12Strength::Modern,
    );
    assert_eq!(made.unwrap_err().code(), "certplan::files::p12");
}
