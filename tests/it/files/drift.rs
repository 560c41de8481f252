//! What somebody did to the files is seen, and made good without a purchase.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Desk, FULL, P256, mode, names, openssl, set_mode};

const ALL: &str = "kinds: [cert, chain, fullchain, combined, p12]";
const FILES: [&str; 7] = [
    "privkey.pem",
    "cert.pem",
    "chain.pem",
    "fullchain.pem",
    "combined.pem",
    "cert.p12",
    "p12.pass",
];

/// Collects again and looks that everything is as it was first.
#[track_caller]
fn made_good(desk: &Desk, version: &Path, what: &str) {
    let (bought, downloads) = (desk.bought(), desk.downloads());
    desk.apply(&[], 0);
    assert_eq!(desk.version(), version, "{what}");
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), bought, "{what}");
    assert_eq!(desk.downloads(), downloads + 1, "{what}");
}

#[test]
fn each_file_that_was_changed_or_removed_is_made_again_and_the_changed_one_is_kept() {
    let desk = Desk::new(P256, ALL);
    desk.apply(&[], 0);
    let version = desk.version();
    let mut kept = 0;
    for file in &FILES[1..] {
        let path = version.join(file);
        let right = fs::read(&path).expect("a file");
        let right_mode = mode(&path);
        let harms: [(&str, &str, &dyn Fn()); 6] = [
            ("a byte more", "files_changed", &|| {
                fs::write(&path, [&right[..], b"\n"].concat()).expect("written")
            }),
            ("emptied", "files_changed", &|| {
                fs::write(&path, "").expect("written")
            }),
            ("removed", "files_missing", &|| {
                fs::remove_file(&path).expect("removed")
            }),
            ("a link", "files_missing", &|| {
                fs::rename(&path, version.join("moved")).expect("moved");
                symlink("moved", &path).expect("a link");
            }),
            ("a folder", "files_missing", &|| {
                fs::remove_file(&path).expect("removed");
                fs::create_dir(&path).expect("a folder");
            }),
            ("a huge file", "files_missing", &|| {
                fs::write(&path, vec![b'x'; (1 << 20) + 1]).expect("written")
            }),
        ];
        for (harm, reason, harmed) in harms {
            let what = format!("{file}: {harm}");
            harmed();
            desk.is_to_collect(reason);
            let says = desk.run(&["plan"]).expect(0).stdout;
            assert!(says.contains(file), "{what}: {says}");
            made_good(&desk, &version, &what);
            kept += 1;
            let changed = desk.names("archive/www");
            let changed = changed.iter().filter(|name| name.contains(".changed-"));
            assert_eq!(changed.count(), kept, "{what}");
            assert_eq!(mode(&path), right_mode, "{what}");
            let is_random = ["cert.p12", "p12.pass"].contains(file);
            assert!(
                is_random || fs::read(&path).expect("a file") == right,
                "{what}"
            );
        }
    }
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_key_file_that_was_changed_means_that_the_key_is_gone() {
    let desk = Desk::collected();
    let (version, right) = (desk.version(), desk.read("privkey.pem"));
    fs::write(version.join("privkey.pem"), "not a key\n").expect("written");
    desk.forget();
    assert_eq!(desk.word(), ("wait".to_owned(), "key_missing".to_owned()));
    desk.run(&["apply", "--yes"]).expect(3);
    assert_eq!(desk.read("privkey.pem"), b"not a key\n");
    // Put back, it is the key that it was.
    desk.forget();
    fs::write(version.join("privkey.pem"), &right).expect("written");
    desk.is_settled();
    // The same key in another spelling opens the certificate, and is made as it was.
    let spelled = String::from_utf8(right.clone())
        .expect("text")
        .replace('\n', "\r\n");
    desk.forget();
    fs::write(version.join("privkey.pem"), spelled).expect("written");
    desk.is_to_collect("files_changed");
    made_good(&desk, &version, "another spelling");
    assert_eq!(desk.read("privkey.pem"), right);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_kind_that_was_added_is_made_and_one_that_was_taken_away_stays_where_it_is() {
    let desk = Desk::collected();
    let version = desk.version();
    desk.rewrite(P256, ALL);
    desk.is_to_collect("files_missing");
    made_good(&desk, &version, "added");
    assert_eq!(names(&version).len(), 7);
    desk.rewrite(P256, "kinds: [fullchain]");
    desk.is_settled();
    assert_eq!(names(&version).len(), 7);
    // Nobody asks for that file any more: what happens to it is no drift.
    fs::remove_file(version.join("cert.pem")).expect("removed");
    desk.is_settled();
    desk.rewrite(P256, FULL);
    desk.is_to_collect("files_missing");
    made_good(&desk, &version, "asked for again");
}

#[test]
fn another_word_for_p12_and_another_place_of_its_passphrase_make_the_file_anew() {
    let mut desk = Desk::new(P256, "kinds: [p12]");
    desk.rig.set("P12_PASS", "first words");
    desk.rig.set("P12_OTHER", "other words");
    desk.rig.write("pass", "words of a file\n");
    set_mode(&desk.rig.path("pass"), 0o600);
    desk.apply(&[], 0);
    let version = desk.version();
    let made = fs::read_to_string(version.join("p12.pass")).expect("a passphrase");
    let opens = |desk: &Desk, passphrase: &str, is_legacy: bool| {
        let passphrase = format!("pass:{}", passphrase.trim_end());
        let mut args = vec!["pkcs12", "-nodes", "-passin", &passphrase];
        args.extend(is_legacy.then_some("-legacy"));
        args.push("-in");
        openssl(&args, &desk.live("cert.p12"));
    };
    for (files, reason, passphrase) in [
        ("p12: legacy", "p12_strength", &*made),
        ("p12: modern", "p12_strength", &made),
        (
            "passphrase: { env: P12_PASS }",
            "p12_passphrase",
            "first words",
        ),
        (
            "passphrase: { env: P12_OTHER }",
            "p12_passphrase",
            "other words",
        ),
        (
            "passphrase: { file: pass }",
            "p12_passphrase",
            "words of a file",
        ),
        (
            "passphrase: { file: pass }, p12: legacy",
            "p12_strength",
            "words of a file",
        ),
        ("p12: modern", "p12_strength", ""),
        (
            "passphrase: { env: P12_PASS }",
            "p12_passphrase",
            "first words",
        ),
        ("passphrase: { generate: true }", "p12_passphrase", ""),
    ] {
        desk.rewrite(P256, &format!("kinds: [p12], {files}"));
        desk.is_to_collect(reason);
        assert_eq!(desk.planned()["files"][1]["kind"], "p12", "{files}");
        assert_eq!(desk.planned()["files"][1]["state"], "changed", "{files}");
        desk.apply(&[], 0);
        desk.is_settled();
        assert_eq!(desk.version(), version, "{files}");
        let is_made = !files.contains("env") && !files.contains("file");
        assert_eq!(version.join("p12.pass").exists(), is_made, "{files}");
        let kept = fs::read_to_string(version.join("p12.pass")).unwrap_or_default();
        let passphrase = if is_made { &kept } else { passphrase };
        opens(&desk, passphrase, files.contains("legacy"));
    }
    // The same file of another checkout is no other place, and nobody asks for the file any more.
    desk.rewrite(P256, "kinds: [p12], passphrase: { file: pass }");
    desk.apply(&[], 0);
    desk.rig.write("elsewhere/pass", "words of a file\n");
    set_mode(&desk.rig.path("elsewhere/pass"), 0o600);
    desk.rewrite(P256, "kinds: [p12], passphrase: { file: elsewhere/pass }");
    desk.is_settled();
    desk.rewrite(P256, "kinds: [cert]");
    desk.apply(&[], 0);
    desk.rewrite(P256, "kinds: [cert], p12: legacy");
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
    let told = fs::read(desk.rig.path(".certplan/state.db")).expect("the journal");
    for secret in [
        "first words",
        "other words",
        "words of a file",
        made.trim_end(),
    ] {
        let is_told = told
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!is_told, "{secret}");
    }
}

#[test]
fn a_link_that_is_gone_or_points_elsewhere_inside_is_made_again() {
    let desk = Desk::collected();
    let (version, link) = (desk.version(), desk.files.join("live/www"));
    let absolute = version.to_str().expect("text").to_owned();
    for target in [
        None,
        Some("../archive/www/1234"),
        Some("../archive/other/1"),
        Some("../archive"),
        Some("nowhere"),
        Some("../pending/www"),
        Some(&*absolute),
        Some("www"),
        Some("../archive/www/../www/1"),
    ] {
        fs::remove_file(&link).expect("the link goes");
        if let Some(target) = target {
            symlink(target, &link).expect("a link");
        }
        desk.is_to_collect("link_changed");
        made_good(&desk, &version, &format!("{target:?}"));
    }
}

#[test]
fn a_link_that_leads_out_and_anything_else_in_its_place_is_refused_with_what_to_type() {
    let desk = Desk::collected();
    let link = desk.files.join("live/www");
    let target = fs::read_link(&link).expect("a link");
    let places: [(&str, &dyn Fn()); 6] = [
        ("/etc", &|| symlink("/etc", &link).expect("a link")),
        ("..", &|| symlink("../..", &link).expect("a link")),
        ("far out", &|| {
            symlink("../../../../../etc/ssl", &link).expect("a link")
        }),
        ("home", &|| symlink(desk.rig.home(), &link).expect("a link")),
        ("a folder", &|| fs::create_dir(&link).expect("a folder")),
        ("a file", &|| fs::write(&link, "mine").expect("a file")),
    ];
    for (what, placed) in places {
        fs::remove_file(&link).expect("the link goes");
        placed();
        let before = desk.rig.changes().len();
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let said = desk.run(command).expect(1).stderr;
            let shown = link.display().to_string();
            for told in ["certplan::files::not_a_link", "mv ", "live/www"] {
                assert!(said.contains(told), "{what}: no {told} ({shown}) in {said}");
            }
        }
        assert_eq!(desk.rig.changes().len(), before, "{what}");
        // As the message says: moved away, it is made again.
        fs::rename(
            &link,
            desk.rig.path(&format!("away-{what}").replace('/', "-")),
        )
        .expect("moved");
        desk.is_to_collect("link_changed");
        desk.apply(&[], 0);
        assert_eq!(fs::read_link(&link).expect("a link"), target, "{what}");
    }
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn folders_that_are_links_or_files_are_refused() {
    let desk = Desk::collected();
    let before = desk.rig.changes().len();
    for folder in ["live", "archive", "archive/www", "pending", "pending/www"] {
        let path = desk.files.join(folder);
        let aside = desk.rig.path("aside");
        fs::rename(&path, &aside).expect("moved");
        for is_link in [true, false] {
            match is_link {
                true => symlink(&aside, &path).expect("a link"),
                false => fs::write(&path, "a file").expect("a file"),
            }
            for command in [&["plan"][..], &["apply", "--yes"]] {
                let said = desk.rig.certplan(command).expect(1).stderr;
                for told in ["certplan::files::not_a_folder", "--files-dir"] {
                    assert!(said.contains(told), "{folder}: no {told} in {said}");
                }
            }
            fs::remove_file(&path).expect("it goes");
        }
        fs::rename(&aside, &path).expect("back");
        desk.is_settled();
    }
    assert_eq!(desk.rig.changes().len(), before);
}

#[test]
fn a_version_that_was_removed_takes_the_key_with_it() {
    let desk = Desk::collected();
    fs::remove_dir_all(desk.version()).expect("removed");
    desk.forget();
    assert_eq!(desk.word(), ("wait".to_owned(), "key_missing".to_owned()));
    desk.run(&["apply", "--yes"]).expect(3);
    assert_eq!(desk.bought(), (1, 0));
    // With a CSR there is no key to lose.
    let desk = Desk::new("csr: { file: www.csr }", FULL);
    desk.rig
        .write("www.csr", crate::rig::csr("www.example.com"));
    desk.apply(&[], 0);
    let version = desk.version();
    fs::remove_dir_all(&version).expect("removed");
    desk.is_to_collect("files_missing");
    desk.apply(&[], 0);
    assert_eq!(desk.version(), version);
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn an_old_version_that_somebody_removed_is_no_drift() {
    let desk = Desk::collected();
    let old = desk.version();
    desk.rewrite("key: { generate: p-384 }", FULL);
    desk.apply(&[], 0);
    assert_ne!(desk.version(), old);
    fs::remove_dir_all(&old).expect("removed");
    desk.forget();
    desk.is_settled();
}

#[test]
fn a_version_under_another_name_still_holds_its_key() {
    let desk = Desk::collected();
    let version = desk.version();
    let aside = version.with_file_name("saved-by-hand");
    fs::rename(&version, &aside).expect("moved");
    desk.forget();
    // A person moved it: certplan does not guess, and buys nothing.
    let (word, _) = desk.word();
    assert!(["wait", "collect"].contains(&&*word), "{word}");
    let code = desk.run(&["apply", "--yes"]).code;
    assert!([Some(0), Some(3)].contains(&code), "{code:?}");
    assert_eq!(desk.bought(), (1, 0));
    assert!(aside.join("privkey.pem").exists());
}

#[test]
fn a_folder_of_a_version_that_is_open_to_all_is_refused() {
    let desk = Desk::collected();
    let version = desk.version();
    for folder in [
        desk.files.clone(),
        desk.files.join("live"),
        desk.files.join("archive"),
        desk.files.join("archive/www"),
        desk.files.join("pending"),
        version,
    ] {
        let right = mode(&folder);
        for open in [0o777, 0o770, 0o702] {
            set_mode(&folder, open);
            for command in [&["plan"][..], &["apply", "--yes"]] {
                let said = desk.run(command).expect(1).stderr;
                for told in ["certplan::files::open_to_others", "chmod go-w"] {
                    assert!(said.contains(told), "{}: {said}", folder.display());
                }
            }
            assert_eq!(mode(&folder), open, "nobody's to change");
        }
        set_mode(&folder, right);
        desk.is_settled();
    }
    assert_eq!(desk.bought(), (1, 0));
}
