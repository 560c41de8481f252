//! What the folder shows.

use std::fs;

use super::ca::{Ca, Leaf};
use super::{folder, make_dirs, name, set_mode};
use crate::files::PrivateKey;
use crate::model::{Digest, FileKind, KeyKind, LiveLink};

#[test]
fn keys_versions_and_links_are_seen_of_the_names_that_were_asked_for() {
    let (_above, folder) = folder();
    let ca = Ca::new();
    let [first, second] =
        [KeyKind::P256, KeyKind::Rsa2048].map(|kind| PrivateKey::generate(kind).unwrap());
    let www = name("www");
    let asked = [www.clone(), name("mail")];
    let empty = folder.observe(asked.iter()).unwrap();
    assert_eq!(empty.folder.as_ref(), Some(folder.id()));
    assert!(empty.names.is_empty());
    folder.keep_pending(&www, &second).unwrap();
    folder.keep_pending(&name("other"), &second).unwrap();
    let contents = ca.contents(&Leaf::of(&first), &[FileKind::Cert]);
    let digests = folder.build(&www, &contents, "run").unwrap();
    folder.switch(&www, &contents.serial).unwrap();
    let seen = folder.observe(asked.iter()).unwrap();
    assert_eq!(seen.names.len(), 1);
    let seen = &seen.names[&www];
    assert_eq!(seen.pending.len(), 1);
    assert_eq!(seen.pending[0].public_key, second.public_key());
    assert_eq!(seen.pending[0].kind, Some(KeyKind::Rsa2048));
    assert_eq!(seen.live, LiveLink::To("a1b2c".to_owned()));
    let version = &seen.versions["a1b2c"];
    assert_eq!(version.public_key, Some(first.public_key()));
    assert_eq!(version.files, digests);
    assert!(seen.holds_key(&first.public_key()) && seen.holds_key(&second.public_key()));
    assert!(!seen.holds_key(&Digest::of(b"")));
    assert_eq!(seen.live_version().unwrap().0, "a1b2c");
}

#[test]
fn what_was_changed_is_seen_as_it_is() {
    let (_above, folder) = folder();
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let www = name("www");
    let contents = ca.contents(
        &Leaf::of(&key),
        &[FileKind::Cert, FileKind::Chain, FileKind::FullChain],
    );
    let digests = folder.build(&www, &contents, "run").unwrap();
    let version = folder.path().join("archive/www/a1b2c");
    fs::write(version.join("cert.pem"), "edited").unwrap();
    fs::remove_file(version.join("chain.pem")).unwrap();
    std::os::unix::fs::symlink("cert.pem", version.join("chain.pem")).unwrap();
    fs::remove_file(version.join("fullchain.pem")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        version.join("fullchain.pem"),
        rustix::fs::Mode::RUSR,
    )
    .unwrap();
    fs::write(version.join("privkey.pem"), vec![b'x'; 2 << 20]).unwrap();
    fs::write(version.join("note.txt"), "of a person").unwrap();
    for other in [".new-run", "a1b2c.changed-2026-11-28", "0a", "A", "x", "-1"] {
        make_dirs(&folder.path().join("archive/www").join(other));
    }
    let seen = folder.observe([www.clone()].iter()).unwrap();
    let seen = &seen.names[&www];
    assert_eq!(seen.live, LiveLink::None);
    let found: Vec<&String> = seen.versions.keys().collect();
    assert_eq!(found, ["a1b2c"]);
    let found = &seen.versions["a1b2c"];
    assert_eq!(found.public_key, None);
    let only = (FileKind::Cert, Digest::of(b"edited"));
    assert_eq!(found.files.clone().into_iter().collect::<Vec<_>>(), [only]);
    assert_ne!(digests[&FileKind::Cert], only.1);
}

#[test]
fn a_cut_off_key_and_a_key_of_another_kind_are_no_pending_keys() {
    let (_above, folder) = folder();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let www = name("www");
    let pending = folder.path().join("pending/www");
    make_dirs(&pending);
    fs::write(pending.join("0.key"), &key.pem()[..60]).unwrap();
    fs::write(pending.join(".new-0.key"), key.pem().as_bytes()).unwrap();
    let ed = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    fs::write(pending.join("1.key"), ed.serialize_pem()).unwrap();
    let seen = folder.observe([www.clone()].iter()).unwrap();
    assert!(seen.names.is_empty(), "{seen:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_not_taken_for_gone() {
    let (_above, folder) = folder();
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let contents = ca.contents(&Leaf::of(&key), &[FileKind::Cert]);
    folder.build(&name("www"), &contents, "run").unwrap();
    let file = folder.path().join("archive/www/a1b2c/cert.pem");
    set_mode(&file, 0);
    let seen = folder.observe([name("www")].iter());
    if rustix::process::geteuid().is_root() {
        // Nothing is closed to root.
        assert!(seen.unwrap().names.len() == 1);
    } else {
        let message = seen.unwrap_err().to_string();
        assert!(message.starts_with(file.to_str().unwrap()), "{message}");
    }
}

#[test]
fn no_secret_is_in_what_was_seen() {
    let (_above, folder) = folder();
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    folder.keep_pending(&name("www"), &key).unwrap();
    let contents = ca.contents(&Leaf::of(&key), &[FileKind::Combined]);
    folder.build(&name("www"), &contents, "run").unwrap();
    let shown = format!(
        "{:?} {folder:?}",
        folder.observe([name("www")].iter()).unwrap()
    );
    let pem = key.pem();
    let secret = pem.lines().nth(1).unwrap();
    assert!(
        shown.contains("a1b2c") && !shown.contains(secret),
        "{shown}"
    );
}
