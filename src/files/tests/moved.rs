//! The files of a name that has another name now: all of them, whatever was moved before.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::ca::{Ca, Leaf};
use super::{folder, make_dirs, name, names};
use crate::files::{Contents, FilesFolder, PrivateKey};
use crate::model::{FileKind, KeyKind, LiveLink};

const KINDS: &[FileKind] = &[FileKind::Cert, FileKind::Chain];

fn key() -> PrivateKey {
    PrivateKey::generate(KeyKind::P256).unwrap()
}

/// `old` has a version, a link to it, and a key that waits.
fn filled(folder: &FilesFolder) -> (Contents, PrivateKey, PrivateKey) {
    let (used, waiting) = (key(), key());
    let contents = Ca::new().contents(&Leaf::of(&used), KINDS);
    folder.build(&name("old"), &contents, "run").unwrap();
    folder.switch(&name("old"), &contents.serial).unwrap();
    folder.keep_pending(&name("old"), &waiting).unwrap();
    (contents, used, waiting)
}

/// Everything is under `new`, and nothing under `old`.
#[track_caller]
fn is_moved(folder: &FilesFolder, keys: [&PrivateKey; 2]) {
    let path = folder.path();
    for part in ["live", "archive", "pending"] {
        assert_eq!(names(&path.join(part)), ["new"], "{part}");
    }
    let link = fs::read_link(path.join("live/new")).unwrap();
    assert_eq!(link.to_str(), Some("../archive/new/a1b2c"));
    assert!(path.join("live/new/cert.pem").is_file());
    for key in keys {
        let found = folder.find_key(&name("new"), &key.public_key()).unwrap();
        assert!(found.is_some(), "a key is gone");
    }
}

#[test]
fn versions_link_and_keys_move_and_moving_again_changes_nothing() {
    let (_above, folder) = folder();
    let (_, used, waiting) = filled(&folder);
    for _ in 0..2 {
        folder.move_name(&name("old"), &name("new")).unwrap();
        is_moved(&folder, [&used, &waiting]);
    }
    let seen = folder.observe([&name("new")].into_iter()).unwrap();
    let seen = &seen.names[&name("new")];
    assert_eq!(seen.live, LiveLink::To("a1b2c".to_owned()));
    assert_eq!((seen.pending.len(), seen.versions.len()), (1, 1));
}

#[test]
fn whatever_was_moved_before_the_rest_follows() {
    type Before = fn(&Path);
    let stages: [(&str, Before); 5] = [
        ("the versions", |path| {
            fs::rename(path.join("archive/old"), path.join("archive/new")).unwrap();
        }),
        ("versions and keys", |path| {
            fs::rename(path.join("archive/old"), path.join("archive/new")).unwrap();
            fs::rename(path.join("pending/old"), path.join("pending/new")).unwrap();
        }),
        ("and the unfinished link", |path| {
            fs::rename(path.join("archive/old"), path.join("archive/new")).unwrap();
            symlink("../archive/new/a1b2c", path.join("live/new.new")).unwrap();
        }),
        ("and the link, beside the old one", |path| {
            fs::rename(path.join("archive/old"), path.join("archive/new")).unwrap();
            symlink("../archive/new/a1b2c", path.join("live/new")).unwrap();
        }),
        ("the keys alone", |path| {
            fs::rename(path.join("pending/old"), path.join("pending/new")).unwrap();
        }),
    ];
    for (_, before) in stages {
        let (_above, folder) = folder();
        let (_, used, waiting) = filled(&folder);
        before(folder.path());
        folder.move_name(&name("old"), &name("new")).unwrap();
        is_moved(&folder, [&used, &waiting]);
    }
}

#[test]
fn nothing_of_the_new_name_is_overwritten() {
    let (_above, folder) = folder();
    let (contents, used, waiting) = filled(&folder);
    // The new name has a version of the same serial number, and a key that waits.
    let (other, third) = (key(), key());
    let theirs = Ca::new().contents(&Leaf::of(&other), KINDS);
    folder.build(&name("new"), &theirs, "run").unwrap();
    folder.keep_pending(&name("new"), &third).unwrap();
    assert!(contents.serial.is_same(&theirs.serial));
    folder.move_name(&name("old"), &name("new")).unwrap();
    for key in [&used, &waiting, &other, &third] {
        let found = folder.find_key(&name("new"), &key.public_key()).unwrap();
        assert!(found.is_some(), "a key is gone");
    }
    let versions = names(&folder.path().join("archive/new"));
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert!(!folder.path().join("archive/old").exists());
}

#[test]
fn what_is_nobodys_to_move_stays_and_is_told() {
    let (_above, folder) = folder();
    filled(&folder);
    let link = folder.path().join("live/old");
    fs::remove_file(&link).unwrap();
    symlink("/etc", &link).unwrap();
    let refused = folder.move_name(&name("old"), &name("new")).unwrap_err();
    assert!(refused.to_string().contains("outside"), "{refused}");
    assert!(link.is_symlink());
    // A folder in the way of the link.
    fs::remove_file(&link).unwrap();
    symlink("../archive/old/a1b2c", &link).unwrap();
    make_dirs(&folder.path().join("live/new"));
    assert!(folder.move_name(&name("old"), &name("new")).is_err());
}

#[test]
fn a_name_without_files_moves_nothing() {
    let (_above, folder) = folder();
    folder.move_name(&name("old"), &name("new")).unwrap();
    assert!(!folder.path().join("archive").exists());
    let (_, used, waiting) = filled(&folder);
    folder.move_name(&name("nobody"), &name("other")).unwrap();
    for key in [&used, &waiting] {
        let found = folder.find_key(&name("old"), &key.public_key()).unwrap();
        assert!(found.is_some());
    }
}
