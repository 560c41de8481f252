//! Keys that wait for their certificate.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::ca::{Ca, Leaf, serial};
use super::{folder, make_dirs, mode, name, names};
use crate::files::PrivateKey;
use crate::model::{FileKind, KeyKind};

#[test]
fn a_key_is_kept_once_and_found_again() {
    let (_above, folder) = folder();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let www = name("www");
    assert!(folder.find_key(&www, &key.public_key()).unwrap().is_none());
    folder.keep_pending(&www, &key).unwrap();
    let place = folder.path().join("pending/www");
    let digest = key.public_key().to_string();
    let file = format!("{}.key", &digest["sha256:".len()..][..32]);
    assert_eq!(names(&place), std::slice::from_ref(&file));
    for (path, wanted) in [("pending", 0o700), ("pending/www", 0o700)] {
        assert_eq!(mode(&folder.path().join(path)), wanted);
    }
    assert_eq!(mode(&place.join(&file)), 0o600);
    let before = fs::read(place.join(&file)).unwrap();
    let error = folder.keep_pending(&www, &key).unwrap_err();
    assert_eq!(error.code(), "certplan::files::exists");
    assert!(error.to_string().contains(&file), "{error}");
    assert_eq!(fs::read(place.join(&file)).unwrap(), before);
    assert_eq!(names(&place), [file]);
    let found = folder.find_key(&www, &key.public_key()).unwrap().unwrap();
    assert_eq!(*found.pem(), *key.pem());
    assert!(
        folder
            .find_key(&name("mail"), &key.public_key())
            .unwrap()
            .is_none()
    );
}

#[test]
fn whatever_stands_where_a_key_must_be_made_stays() {
    let (above, folder) = folder();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let www = name("www");
    folder.keep_pending(&www, &key).unwrap();
    let place = folder.path().join("pending/www");
    let file = place.join(&names(&place)[0]);
    let outside = above.path().join("outside");
    let makers: [fn(&Path, &Path); 3] = [
        |file, _| fs::write(file, "mine").unwrap(),
        |file, _| make_dirs(file),
        |file, outside| symlink(outside, file).unwrap(),
    ];
    for make in makers {
        let _ = fs::remove_file(&file);
        let _ = fs::remove_dir(&file);
        make(&file, &outside);
        let error = folder.keep_pending(&www, &key).unwrap_err();
        assert_eq!(error.code(), "certplan::files::exists");
        assert!(!outside.exists());
        assert_eq!(names(&place).len(), 1);
        assert!(folder.find_key(&www, &key.public_key()).unwrap().is_none());
    }
}

#[test]
fn a_pending_key_goes_only_when_a_complete_version_holds_it() {
    let (_above, folder) = folder();
    let ca = Ca::new();
    let [key, other] = [KeyKind::P256; 2].map(|kind| PrivateKey::generate(kind).unwrap());
    let www = name("www");
    folder.keep_pending(&www, &key).unwrap();
    let is_kept = || {
        folder
            .path()
            .join("pending/www")
            .read_dir()
            .unwrap()
            .count()
            == 1
    };
    assert!(!folder.remove_pending(&www, &key.public_key()).unwrap());
    // A version of another key, one that is not finished, one that was changed, and one whose key is cut off.
    let of_other = Leaf {
        serial: &[1],
        ..Leaf::of(&other)
    };
    let contents = ca.contents(&of_other, &[FileKind::Cert]);
    folder.build(&www, &contents, "run").unwrap();
    let archive = folder.path().join("archive/www");
    let pem = key.pem();
    for (version, text) in [
        (".new-run", pem.as_str()),
        ("2.changed-2026-11-28", &pem),
        ("3", &pem[..100]),
    ] {
        make_dirs(&archive.join(version));
        fs::write(archive.join(version).join("privkey.pem"), text).unwrap();
        assert!(
            !folder.remove_pending(&www, &key.public_key()).unwrap(),
            "{version}"
        );
        assert!(is_kept());
    }
    let leaf = Leaf::of(&key);
    folder
        .build(&www, &ca.contents(&leaf, &[FileKind::Cert]), "run")
        .unwrap();
    assert!(folder.remove_pending(&www, &key.public_key()).unwrap());
    assert!(!is_kept());
    assert!(!folder.remove_pending(&www, &key.public_key()).unwrap());
    let found = folder.find_key(&www, &key.public_key()).unwrap().unwrap();
    assert_eq!(*found.pem(), *key.pem());
    assert_eq!(serial(leaf.serial).folder_name().unwrap(), "a1b2c");
}

#[test]
fn a_key_is_found_in_a_version_that_somebody_changed() {
    let (_above, folder) = folder();
    let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
    let aside = folder.path().join("archive/www/1.changed-2026-11-28");
    make_dirs(&aside);
    fs::write(aside.join("privkey.pem"), key.pem().as_bytes()).unwrap();
    let found = folder.find_key(&name("www"), &key.public_key()).unwrap();
    assert_eq!(found.unwrap().kind(), KeyKind::Rsa2048);
}

#[test]
fn a_full_disk_is_told_as_that() {
    let (_above, folder) = folder();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let www = name("www");
    folder.keep_pending(&www, &key).unwrap();
    let place = folder.path().join("pending/www");
    let error = crate::files::FilesError::io(&place, std::io::Error::from_raw_os_error(28));
    assert_eq!(error.code(), "certplan::files::no_room");
    assert!(error.help().unwrap().contains("df "));
}
