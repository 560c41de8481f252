//! Versions: built beside, switched to in one step, never lost.

use std::fs;
use std::os::unix::fs::symlink;

use super::ca::{Ca, Leaf, serial};
use super::{folder, make_dirs, mode, name, names};
use crate::files::{Contents, FilesFolder, PrivateKey};
use crate::model::{Digest, FileKind, KeyKind};

const KINDS: &[FileKind] = &[
    FileKind::Cert,
    FileKind::Chain,
    FileKind::FullChain,
    FileKind::Combined,
];

fn made() -> (Ca, PrivateKey) {
    (Ca::new(), PrivateKey::generate(KeyKind::P256).unwrap())
}

fn live(folder: &FilesFolder) -> String {
    let link = fs::read_link(folder.path().join("live/www")).unwrap();
    link.to_str().unwrap().to_owned()
}

#[test]
fn a_version_is_complete_with_its_modes_before_live_points_to_it() {
    let (_above, folder) = folder();
    let (ca, key) = made();
    let (www, leaf) = (name("www"), Leaf::of(&key));
    let contents = ca.contents(&leaf, KINDS);
    let digests = folder.build(&www, &contents, "run").unwrap();
    let archive = folder.path().join("archive/www");
    assert_eq!(names(&archive), ["a1b2c"]);
    assert!(!folder.path().join("live").exists());
    let version = archive.join("a1b2c");
    let files = [
        ("cert.pem", 0o644),
        ("chain.pem", 0o644),
        ("combined.pem", 0o600),
        ("fullchain.pem", 0o644),
        ("privkey.pem", 0o600),
    ];
    assert_eq!(names(&version), files.map(|(name, _)| name));
    for (file, wanted) in files {
        assert_eq!(mode(&version.join(file)), wanted, "{file}");
        let kind = FileKind::of_file(file).unwrap();
        let bytes = fs::read(version.join(file)).unwrap();
        assert_eq!(digests[&kind], Digest::of(&bytes), "{file}");
    }
    assert_eq!(mode(&version), 0o700);
    folder.switch(&www, &contents.serial).unwrap();
    assert_eq!(live(&folder), "../archive/www/a1b2c");
    assert_eq!(names(&folder.path().join("live")), ["www"]);
    assert_eq!(mode(&folder.path().join("live")), 0o755);
    let read = fs::read(folder.path().join("live/www/cert.pem")).unwrap();
    assert_eq!(Digest::of(&read), digests[&FileKind::Cert]);
}

#[test]
fn the_same_files_once_more_write_nothing() {
    let (_above, folder) = folder();
    let (ca, key) = made();
    let contents = ca.contents(&Leaf::of(&key), KINDS);
    let first = folder.build(&name("www"), &contents, "one").unwrap();
    let version = folder.path().join("archive/www/a1b2c");
    let file = || {
        fs::metadata(version.join("cert.pem"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = file();
    let second = folder.build(&name("www"), &contents, "two").unwrap();
    assert_eq!((first, before), (second, file()));
    assert_eq!(names(&folder.path().join("archive/www")), ["a1b2c"]);
}

#[test]
fn a_changed_version_is_replaced_in_one_step_and_kept() {
    let (_above, folder) = folder();
    let (ca, key) = made();
    let www = name("www");
    let contents = ca.contents(&Leaf::of(&key), KINDS);
    folder.build(&www, &contents, "run").unwrap();
    folder.switch(&www, &contents.serial).unwrap();
    let archive = folder.path().join("archive/www");
    let version = archive.join("a1b2c");
    let good = fs::read(version.join("cert.pem")).unwrap();
    type Change = fn(&std::path::Path);
    let changes: [(&str, Change); 4] = [
        ("edited", |at| {
            fs::write(at.join("cert.pem"), "edited").unwrap()
        }),
        ("removed", |at| {
            fs::remove_file(at.join("chain.pem")).unwrap()
        }),
        ("one more kind", |at| {
            fs::write(at.join("cert.p12"), "p12").unwrap()
        }),
        ("a link", |at| {
            fs::rename(at.join("cert.pem"), at.join("other")).unwrap();
            symlink("other", at.join("cert.pem")).unwrap();
        }),
    ];
    for (count, (what, change)) in (1..).zip(changes) {
        change(&version);
        let before = names(&version);
        folder.build(&www, &contents, "run").unwrap();
        assert_eq!(fs::read(version.join("cert.pem")).unwrap(), good, "{what}");
        assert!(
            !fs::symlink_metadata(version.join("cert.pem"))
                .unwrap()
                .is_symlink()
        );
        let all = names(&archive);
        let mut kept: Vec<&String> = all.iter().filter(|name| *name != "a1b2c").collect();
        assert_eq!(kept.len(), count, "{what}: {kept:?}");
        assert!(
            kept.iter().all(|name| name.starts_with("a1b2c.changed-20")),
            "{kept:?}"
        );
        // Those of one day have a count, in the order in which they were made.
        kept.sort_by_key(|name| name.len());
        assert_eq!(names(&archive.join(kept[count - 1])), before, "{what}");
        assert_eq!(live(&folder), "../archive/www/a1b2c");
    }
}

#[test]
fn live_never_dangles_while_a_version_is_replaced() {
    let (_above, folder) = folder();
    let (ca, key) = made();
    let www = name("www");
    let contents = ca.contents(&Leaf::of(&key), KINDS);
    folder.build(&www, &contents, "run").unwrap();
    folder.switch(&www, &contents.serial).unwrap();
    let combined = folder.path().join("live/www/combined.pem");
    let other = PrivateKey::generate(KeyKind::P256).unwrap();
    let leaf = Leaf {
        serial: &[2],
        ..Leaf::of(&other)
    };
    let next = ca.contents(&leaf, KINDS);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    let whole: Vec<&[u8]> = [&contents, &next]
        .map(|one| {
            one.files
                .iter()
                .find(|(kind, _)| *kind == FileKind::Combined)
                .unwrap()
                .1
                .as_slice()
        })
        .to_vec();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !is_over.load(order) {
                let read = fs::read(&combined).unwrap();
                assert!(whole.contains(&read.as_slice()));
                reads += 1;
            }
            reads
        });
        let version = folder.path().join("archive/www/a1b2c/chain.pem");
        for _ in 0..20 {
            fs::write(&version, "edited").unwrap();
            folder.build(&www, &contents, "run").unwrap();
            folder.switch(&www, &contents.serial).unwrap();
            folder.build(&www, &next, "run").unwrap();
            folder.switch(&www, &next.serial).unwrap();
        }
        is_over.store(true, order);
        assert!(reader.join().unwrap() > 0);
    });
}

#[test]
fn something_else_under_the_name_of_a_version_is_kept_aside() {
    let (above, folder) = folder();
    let (ca, key) = made();
    let contents = ca.contents(&Leaf::of(&key), KINDS);
    let archive = folder.path().join("archive/www");
    make_dirs(&archive);
    symlink(above.path(), archive.join("a1b2c")).unwrap();
    folder.build(&name("www"), &contents, "run").unwrap();
    assert!(archive.join("a1b2c/privkey.pem").is_file());
    assert!(!above.path().join("privkey.pem").exists());
    assert_eq!(names(&archive).len(), 2);
}

#[test]
fn a_version_that_cannot_be_finished_changes_nothing() {
    let (_above, folder) = folder();
    let (ca, key) = made();
    let www = name("www");
    let contents = ca.contents(&Leaf::of(&key), KINDS);
    folder.build(&www, &contents, "run").unwrap();
    let version = folder.path().join("archive/www/a1b2c");
    fs::write(version.join("cert.pem"), "edited").unwrap();
    // A kind that stands twice cannot be written.
    let mut twice = ca.contents(&Leaf::of(&key), KINDS);
    let again = ca.contents(&Leaf::of(&key), &[FileKind::Cert]);
    twice.files.extend(again.files);
    let error = folder.build(&www, &twice, "run").unwrap_err();
    assert_eq!(error.code(), "certplan::files::exists");
    assert_eq!(fs::read(version.join("cert.pem")).unwrap(), b"edited");
    // What was begun is no obstacle for the next run, nor for the same one.
    folder.build(&www, &contents, "run").unwrap();
    folder.sweep().unwrap();
    let left = names(&folder.path().join("archive/www"));
    assert!(
        left.iter().all(|name| !name.starts_with(".new-")),
        "{left:?}"
    );
}

#[test]
fn what_killed_runs_left_is_swept_and_nothing_else() {
    let (_above, folder) = folder();
    let (ca, key) = made();
    let www = name("www");
    folder.sweep().unwrap();
    folder.keep_pending(&www, &key).unwrap();
    let contents = ca.contents(&Leaf::of(&key), KINDS);
    folder.build(&www, &contents, "run").unwrap();
    folder.switch(&www, &contents.serial).unwrap();
    let top = folder.path();
    make_dirs(&top.join("archive/www/.new-killed"));
    fs::write(top.join("archive/www/.new-killed/privkey.pem"), "cut").unwrap();
    make_dirs(&top.join("archive/www/a1b2c.changed-2026-11-28"));
    fs::write(top.join("archive/note"), "of a person").unwrap();
    fs::write(top.join("pending/www/.new-0.key"), "cut").unwrap();
    symlink("../archive/www/a1b2c", top.join("live/www.new")).unwrap();
    fs::write(top.join("live/README.new"), "of a person").unwrap();
    folder.sweep().unwrap();
    assert_eq!(names(&top.join("archive")), ["note", "www"]);
    assert_eq!(
        names(&top.join("archive/www")),
        ["a1b2c", "a1b2c.changed-2026-11-28"]
    );
    assert_eq!(names(&top.join("pending/www")).len(), 1);
    assert_eq!(names(&top.join("live")), ["README.new", "www"]);
    assert!(folder.find_key(&www, &key.public_key()).unwrap().is_some());
}

#[test]
fn a_serial_number_that_is_none_never_becomes_a_path() {
    let (_above, folder) = folder();
    for bad in ["..", "../../x", "a/b", "", ".new-1", "zz"] {
        let contents = Contents {
            serial: bad.into(),
            files: Vec::new(),
        };
        let error = folder.build(&name("www"), &contents, "run").unwrap_err();
        assert_eq!(error.code(), "certplan::files::serial");
        assert!(folder.switch(&name("www"), &bad.into()).is_err());
    }
    assert!(!folder.path().join("archive").exists());
}

#[test]
fn live_is_never_switched_to_a_version_that_is_not_there() {
    let (_above, folder) = folder();
    assert!(folder.switch(&name("www"), &serial(&[9])).is_err());
    assert!(!folder.path().join("live").exists());
}
