//! The folder itself: its modes, its marker, and which folders are refused.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use rustix::fs::Gid;

use super::{folder, make_dirs, mode, name, names, set_mode};
use crate::files::{FilesError, FilesFolder, PrivateKey};
use crate::model::KeyKind;

fn refused(path: &Path) -> FilesError {
    let error = FilesFolder::make_or_open(path, None).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    error
}

#[test]
fn a_new_folder_is_closed_and_has_a_marker_that_stays() {
    let (above, folder) = folder();
    let path = above.path().join("files");
    assert_eq!(mode(&path), 0o700);
    assert_eq!(names(&path), [".certplan-files", ".gitignore"]);
    assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
    let marker = path.join(".certplan-files");
    assert_eq!(mode(&marker), 0o644);
    let text = fs::read_to_string(&marker).unwrap();
    assert_eq!(
        text,
        format!("{{\"format\":1,\"files_id\":\"{}\"}}\n", folder.id())
    );
    let again = FilesFolder::make_or_open(&path, None).unwrap();
    assert_eq!(again.id(), folder.id());
    let looked = FilesFolder::open(&path).unwrap().unwrap();
    assert_eq!(looked.id(), folder.id());
    assert_eq!(names(&path), [".certplan-files", ".gitignore"]);
}

#[test]
fn looking_makes_nothing() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("files");
    assert!(FilesFolder::open(&path).unwrap().is_none());
    make_dirs(&path);
    assert!(FilesFolder::open(&path).unwrap().is_none());
    assert!(names(&path).is_empty());
}

#[test]
fn what_was_made_in_the_folder_without_its_marker_gets_a_new_one() {
    let (above, folder) = folder();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    folder.keep_pending(&name("www"), &key).unwrap();
    fs::remove_file(above.path().join("files/.certplan-files")).unwrap();
    assert!(FilesFolder::open(folder.path()).unwrap().is_none());
    let again = FilesFolder::make_or_open(folder.path(), None).unwrap();
    assert_ne!(again.id(), folder.id());
    assert!(
        again
            .find_key(&name("www"), &key.public_key())
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_folder_of_other_things_is_refused_and_stays_as_it_is() {
    let above = tempfile::tempdir().unwrap();
    fs::write(above.path().join("hosts"), "").unwrap();
    let error = refused(above.path());
    assert_eq!(error.code(), "certplan::files::occupied");
    assert!(error.to_string().contains("`hosts`"), "{error}");
    assert!(error.help().unwrap().contains("--files-dir"));
    assert_eq!(names(above.path()), ["hosts"]);
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_with_what_to_type() {
    let (above, folder) = folder();
    let path = above.path().join("files");
    for (part, open) in [
        ("", 0o770),
        ("", 0o702),
        ("pending", 0o777),
        ("archive", 0o722),
        ("live", 0o775),
    ] {
        let path = if part.is_empty() {
            path.clone()
        } else {
            path.join(part)
        };
        make_dirs(&path);
        let before = mode(&path);
        set_mode(&path, open);
        let error = if part.is_empty() {
            assert!(FilesFolder::open(&path).is_err());
            refused(&path)
        } else {
            folder.observe([name("www")].iter()).unwrap_err()
        };
        assert_eq!(error.code(), "certplan::files::open_to_others");
        let help = error.help().unwrap();
        assert!(
            help.contains(&format!("`chmod go-w {}`", path.display())),
            "{help}"
        );
        set_mode(&path, before);
    }
    assert!(folder.observe([name("www")].iter()).is_ok());
}

#[test]
fn a_folder_of_another_user_is_refused() {
    // Only root can give a folder away; everybody else finds one that is root's.
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("files");
    make_dirs(&path);
    let path = match std::os::unix::fs::chown(&path, Some(65_534), None) {
        Ok(()) => path,
        Err(_) => Path::new("/").to_owned(),
    };
    let error = FilesFolder::open(&path).unwrap_err();
    assert_eq!(error.code(), "certplan::files::open_to_others");
    assert!(
        error.to_string().contains("belongs to another user"),
        "{error}"
    );
}

#[test]
fn a_marker_that_cannot_be_read_is_no_reason_for_a_new_one() {
    let (above, _) = folder();
    let path = above.path().join("files");
    let marker = path.join(".certplan-files");
    for (text, said) in [
        ("", "EOF"),
        ("{\"format\":1,\"files_id\":\"x\"}", "UUID"),
        (
            "{\"format\":2,\"files_id\":\"019a0000-0000-7000-8000-000000000000\"}",
            "use the newer certplan",
        ),
    ] {
        fs::write(&marker, text).unwrap();
        for error in [refused(&path), FilesFolder::open(&path).unwrap_err()] {
            assert_eq!(error.code(), "certplan::files::unusable");
            assert!(error.to_string().contains(said), "{error}");
        }
        assert_eq!(fs::read_to_string(&marker).unwrap(), text);
    }
    fs::remove_file(&marker).unwrap();
    symlink("/dev/null", &marker).unwrap();
    assert_eq!(refused(&path).code(), "certplan::files::unusable");
}

#[test]
fn a_file_is_no_folder_and_a_link_to_the_folder_is_followed() {
    let (above, folder) = folder();
    let file = above.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(refused(&file).code(), "certplan::files::not_a_folder");
    let link = above.path().join("link");
    symlink("files", &link).unwrap();
    let linked = FilesFolder::make_or_open(&link, None).unwrap();
    assert_eq!(linked.id(), folder.id());
}

#[test]
fn a_link_in_the_place_of_a_folder_is_refused() {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    for part in ["live", "archive", "pending", "archive/www", "pending/www"] {
        let (above, folder) = folder();
        let elsewhere = above.path().join("elsewhere");
        make_dirs(&elsewhere);
        let path = folder.path().join(part);
        make_dirs(path.parent().unwrap());
        symlink(&elsewhere, &path).unwrap();
        let error = folder.observe([name("www")].iter()).unwrap_err();
        assert_eq!(error.code(), "certplan::files::not_a_folder", "{part}");
        let expected = format!(
            "{} must be a folder, and is a symbolic link",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
        assert!(error.help().is_some());
        if part.starts_with("pending") {
            assert!(folder.keep_pending(&name("www"), &key).is_err());
        }
        assert!(names(&elsewhere).is_empty());
    }
}

#[test]
fn a_group_may_read_keys_and_must_be_able_to_come_near() {
    let above = tempfile::tempdir().unwrap();
    // A group of this process, and where root runs the test, any other.
    let group = rustix::process::getegid();
    let group = if group.is_root() {
        Gid::from_raw(12_345)
    } else {
        group
    };
    let path = above.path().join("state/files");
    set_mode(above.path(), 0o700);
    let error = FilesFolder::make_or_open(&path, Some(group)).unwrap_err();
    assert_eq!(error.code(), "certplan::files::group_shut_out");
    assert!(error.help().unwrap().contains("--files-dir"), "{error}");
    assert!(names(above.path()).is_empty(), "made, and then refused");
    // A folder in between would be made for its owner alone.
    set_mode(above.path(), 0o711);
    let error = FilesFolder::make_or_open(&path, Some(group)).unwrap_err();
    let missing = above.path().join("state");
    assert!(
        error.to_string().contains(missing.to_str().unwrap()),
        "{error}"
    );
    assert!(error.help().unwrap().contains("mkdir"), "{error}");
    assert!(!missing.exists(), "made, and then refused");
    // What is there and cannot be reached stays as it is.
    make_dirs(&path);
    set_mode(&missing, 0o700);
    let error = FilesFolder::make_or_open(&path, Some(group)).unwrap_err();
    assert_eq!(error.code(), "certplan::files::group_shut_out");
    assert_eq!((mode(&path), names(&path)), (0o700, Vec::new()));
    fs::remove_dir_all(&missing).unwrap();
    make_dirs(&missing);
    for open in [above.path().to_owned(), above.path().join("state")] {
        set_mode(&open, 0o711);
    }
    // What was made before there was a group is opened to it.
    make_dirs(&path.join("pending"));
    let folder = FilesFolder::make_or_open(&path, Some(group)).unwrap();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    folder.keep_pending(&name("www"), &key).unwrap();
    let mut kept = fs::read_dir(path.join("pending/www")).unwrap();
    let kept = kept.next().unwrap().unwrap().path();
    for (path, wanted) in [
        (path.clone(), 0o750),
        (path.join("pending"), 0o750),
        (path.join("pending/www"), 0o750),
        (kept, 0o640),
    ] {
        assert_eq!(mode(&path), wanted, "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().gid(), group.as_raw());
    }
}
