//! `live/NAME` in every form that somebody can give it.

use std::fs;
use std::os::unix::fs::symlink;

use super::ca::{Ca, Leaf};
use super::{folder, make_dirs, name};
use crate::files::{FilesError, FilesFolder, PrivateKey};
use crate::model::{FileKind, KeyKind, LiveLink};

fn live(folder: &FilesFolder) -> Result<LiveLink, FilesError> {
    let www = name("www");
    let mut seen = folder.observe([www.clone()].iter())?;
    Ok(seen.names.remove(&www).unwrap_or_default().live)
}

#[test]
fn each_form_of_the_link_is_told_apart() {
    let (above, folder) = folder();
    let path = folder.path().join("live/www");
    make_dirs(path.parent().unwrap());
    assert_eq!(live(&folder).unwrap(), LiveLink::None);
    let top = folder.path().display();
    let real = folder.path().canonicalize().unwrap();
    let inside = [
        "../archive/www/0a".to_owned(),
        "../archive/www/A1".to_owned(),
        "../archive/www/a1/".to_owned(),
        "../archive/www/a1.changed-2026-11-28".to_owned(),
        "../archive/mail/a1".to_owned(),
        "../archive/www".to_owned(),
        "../archive/www/../../archive/www/a1".to_owned(),
        "other".to_owned(),
        format!("{top}/archive/www/a1"),
        format!("{}/archive/www/a1", real.display()),
    ];
    let outside = [
        "../../elsewhere".to_owned(),
        "../archive/../../x".to_owned(),
        "/etc/ssl".to_owned(),
        format!("{top}/../x"),
        format!("{top}-other/archive/www/a1"),
    ];
    let set = |target: &str| {
        let _ = fs::remove_file(&path);
        symlink(target, &path).unwrap();
    };
    set("../archive/www/a1");
    assert_eq!(live(&folder).unwrap(), LiveLink::To("a1".to_owned()));
    for target in inside {
        set(&target);
        assert_eq!(live(&folder).unwrap(), LiveLink::Elsewhere, "{target}");
    }
    for target in outside {
        set(&target);
        let error = live(&folder).unwrap_err();
        assert_eq!(error.code(), "certplan::files::not_a_link", "{target}");
        let message = error.to_string();
        assert!(
            message.contains(&format!("points to `{target}`")),
            "{message}"
        );
        assert!(
            error
                .help()
                .unwrap()
                .contains(&format!("mv {}", path.display()))
        );
    }
    drop(above);
}

#[test]
fn what_is_no_link_is_refused_and_stays() {
    let (_above, folder) = folder();
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let contents = ca.contents(&Leaf::of(&key), &[FileKind::Cert]);
    folder.build(&name("www"), &contents, "run").unwrap();
    let path = folder.path().join("live/www");
    make_dirs(&path);
    for is_folder in [true, false] {
        if !is_folder {
            fs::remove_dir(&path).unwrap();
            fs::write(&path, "mine").unwrap();
        }
        for error in [
            live(&folder).unwrap_err(),
            folder.switch(&name("www"), &contents.serial).unwrap_err(),
        ] {
            assert_eq!(error.code(), "certplan::files::not_a_link");
            assert!(
                error.to_string().contains("is not a symbolic link"),
                "{error}"
            );
        }
    }
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_link_elsewhere_inside_is_switched_and_one_that_leads_out_is_not() {
    let (above, folder) = folder();
    let ca = Ca::new();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let contents = ca.contents(&Leaf::of(&key), &[FileKind::Cert]);
    folder.build(&name("www"), &contents, "run").unwrap();
    let path = folder.path().join("live/www");
    make_dirs(path.parent().unwrap());
    symlink("../archive/mail/1", &path).unwrap();
    // A link that a killed run left is no obstacle.
    symlink("../archive/www/0", folder.path().join("live/www.new")).unwrap();
    folder.switch(&name("www"), &contents.serial).unwrap();
    assert_eq!(live(&folder).unwrap(), LiveLink::To("a1b2c".to_owned()));
    fs::remove_file(&path).unwrap();
    symlink(above.path(), &path).unwrap();
    assert!(folder.switch(&name("www"), &contents.serial).is_err());
    assert_eq!(fs::read_link(&path).unwrap(), above.path());
}
