//! The folder itself: one that is another, is no such folder, or cannot be written; and what stands where a key
//! must be made.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::{Desk, FULL, P256, names, set_mode, www};
use crate::rig::Ended;

#[track_caller]
fn refused(desk: &Desk, code: &str, told: &[&str]) {
    let before = desk.rig.changes().len();
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let said = desk.rig.certplan(command).expect(1).stderr;
        let flat = said.replace(['\n', '│', ' '], "");
        assert!(said.contains(code), "{said}");
        for told in told {
            assert!(flat.contains(&told.replace(' ', "")), "no {told} in {said}");
        }
    }
    assert_eq!(desk.rig.changes().len(), before);
}

#[test]
fn a_folder_without_marker_or_with_another_one_is_refused() {
    let desk = Desk::collected();
    let marker = desk.files.join(".certplan-files");
    let right = fs::read_to_string(&marker).expect("a marker");
    let id = right.split('"').rev().nth(1).expect("an id").to_owned();
    let another = right.replace(&id, "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
    fs::write(&marker, another).expect("written");
    refused(
        &desk,
        "certplan::files::another_folder",
        &[&id, "--files-dir"],
    );
    fs::remove_file(&marker).expect("removed");
    refused(
        &desk,
        "certplan::files::another_folder",
        &[&id, "--files-dir"],
    );
    for broken in [
        "",
        "{}",
        "hello",
        "{\"format\": 1}",
        "{\"format\": 1, \"files_id\": 7}",
    ] {
        fs::write(&marker, broken).expect("written");
        refused(&desk, "certplan::files::unusable", &[".certplan-files"]);
    }
    fs::write(&marker, right.replace(":1,", ":2,")).expect("written");
    refused(&desk, "certplan::files::unusable", &["newer"]);
    fs::remove_file(&marker).expect("removed");
    fs::create_dir(&marker).expect("a folder");
    refused(&desk, "certplan::files::unusable", &[".certplan-files"]);
    fs::remove_dir(&marker).expect("removed");
    fs::write(&marker, &right).expect("written");
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_folder_that_is_not_mounted_is_refused_and_nothing_is_made_in_its_place() {
    let desk = Desk::collected();
    let aside = desk.rig.path("aside");
    fs::rename(&desk.files, &aside).expect("moved");
    refused(&desk, "certplan::files::another_folder", &["mount"]);
    assert!(!desk.files.exists());
    // The point where it was to be mounted.
    fs::create_dir(&desk.files).expect("an empty folder");
    set_mode(&desk.files, 0o700);
    refused(&desk, "certplan::files::another_folder", &["mount"]);
    assert_eq!(names(&desk.files), [""; 0]);
    fs::remove_dir(&desk.files).expect("removed");
    fs::rename(&aside, &desk.files).expect("back");
    desk.is_settled();
    // Another folder by the flag is another folder as well.
    let elsewhere = desk.rig.path("elsewhere");
    let flag = ["--files-dir", elsewhere.to_str().expect("text")];
    let ended = desk
        .rig
        .certplan(&["apply", "--yes", flag[0], flag[1]])
        .expect(1);
    assert!(ended.stderr.contains("another_folder"), "{}", ended.stderr);
    assert!(!elsewhere.exists());
    // Moved, it is the same one wherever it is.
    fs::rename(&desk.files, &elsewhere).expect("moved");
    desk.rig
        .certplan(&["plan", "--detailed-exitcode", flag[0], flag[1]])
        .expect(0);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn what_the_messages_say_to_type_can_be_typed() {
    let desk = Desk::collected();
    fs::remove_file(desk.files.join(".certplan-files")).expect("removed");
    let said = desk.rig.certplan(&["plan"]).expect(1).stderr;
    let said = said.replace(['\n', '│'], " ");
    for part in said.split('`').skip(1).step_by(2) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let Some(("certplan", [command, flag, ..])) =
            words.split_first().map(|(first, rest)| (*first, rest))
        else {
            continue;
        };
        let help = desk.rig.certplan(&[command, "--help"]).expect(0).stdout;
        assert!(help.contains(flag), "{command} has no {flag}:\n{help}");
    }
}

#[test]
fn a_folder_of_other_things_is_not_taken() {
    let desk = Desk::new(P256, FULL);
    fs::create_dir_all(&desk.files).expect("a folder");
    set_mode(&desk.files, 0o700);
    fs::write(desk.files.join("thesis.txt"), "mine").expect("a file");
    let said = desk.run(&["apply", "--yes"]).expect(1).stderr;
    for told in ["certplan::files::occupied", "thesis.txt", "--files-dir"] {
        assert!(said.contains(told), "{said}");
    }
    assert_eq!(names(&desk.files), ["thesis.txt"]);
    assert_eq!(desk.bought(), (0, 0));
}

/// The binary as somebody whom modes bind.
fn as_nobody(desk: &Desk, args: &[&str]) -> Ended {
    let before = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let mut command = desk.rig.command_under("setpriv", &before, args);
    Ended::new(command.output().expect("setpriv runs"))
}

fn chown(path: &std::path::Path) {
    let owned = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(path)
        .status();
    assert!(owned.expect("chown runs").success());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_the_key_is_not_lost() {
    if !rustix::process::geteuid().is_root() {
        // Whoever runs this is bound by modes, and cannot give anything away.
        return;
    }
    let desk = Desk::new(P256, FULL);
    chown(desk.rig.folder());
    chown(desk.rig.home());
    desk.rig.tell("options", json!({ "approval": "required" }));
    as_nobody(&desk, &["apply", "--yes"]).expect(0);
    desk.look_after_keys();
    desk.rig.approve_all();
    for folder in ["archive", "live", ""] {
        let path = desk.files.join(folder);
        let right = if path.exists() {
            Some(super::mode(&path))
        } else {
            None
        };
        match right {
            Some(_) => set_mode(&path, 0o500),
            None => set_mode(&desk.files, 0o500),
        }
        let ended = as_nobody(&desk, &["apply", "--yes"]).expect(1);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(".certplan/files"), "{folder}: {said}");
        assert!(said.to_lowercase().contains("denied"), "{folder}: {said}");
        desk.look_after_keys();
        assert!(!desk.files.join("live/www").exists(), "{folder}");
        set_mode(&desk.files, 0o700);
        if let Some(right) = right {
            set_mode(&path, right);
        }
    }
    as_nobody(&desk, &["apply", "--yes"]).expect(0);
    desk.look_after_keys();
    desk.opens();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let desk = Desk::collected();
    chown(&desk.files);
    refused(&desk, "certplan::files::open_to_others", &["chown"]);
}

#[test]
fn a_key_that_a_killed_run_left_is_taken_and_a_foreign_file_is_left_alone() {
    // The key of another rig, left where a run would have put it.
    let other = Desk::new(P256, FULL);
    other.rig.tell("options", json!({ "approval": "required" }));
    other.apply(&[], 0);
    let file = other.names("pending/www").remove(0);
    let left = fs::read(other.files.join("pending/www").join(&file)).expect("a key");
    let desk = Desk::new(P256, FULL);
    let pending = desk.files.join("pending/www");
    fs::create_dir_all(&pending).expect("folders");
    for folder in ["", "pending", "pending/www"] {
        set_mode(&desk.files.join(folder), 0o700);
    }
    fs::write(pending.join(&file), &left).expect("a key");
    fs::write(
        pending.join("00112233445566778899aabbccddeeff.key"),
        "no key",
    )
    .expect("a file");
    fs::write(pending.join("notes"), "mine").expect("a file");
    desk.look_after_keys();
    desk.apply(&[], 0);
    assert_eq!(desk.read("privkey.pem"), left);
    desk.opens();
    assert_eq!(
        desk.names("pending/www"),
        ["00112233445566778899aabbccddeeff.key", "notes"]
    );
    desk.is_settled();
}

#[test]
fn a_key_that_names_another_in_its_file_is_not_taken_for_it() {
    // Another key under the name of the one that is in force: the key is missing, and nothing is overwritten.
    let desk = Desk::new(P256, FULL);
    desk.rig.tell("options", json!({ "approval": "required" }));
    desk.apply(&[], 0);
    let file = desk.names("pending/www").remove(0);
    let path = desk.files.join("pending/www").join(&file);
    let other = Desk::collected();
    fs::write(&path, other.read("privkey.pem")).expect("planted");
    desk.forget();
    desk.rig.approve_all();
    assert_eq!(desk.word(), ("wait".to_owned(), "key_missing".to_owned()));
    desk.run(&["apply", "--yes"]).expect(3);
    assert_eq!(desk.bought(), (1, 0));
    desk.apply(&["--rekey", "orders.www"], 0);
    assert_eq!(
        fs::read(&path).expect("it is there"),
        other.read("privkey.pem")
    );
    desk.rig.approve_all();
    desk.apply(&[], 0);
    desk.opens();
    assert_eq!(
        fs::read(&path).expect("it is there"),
        other.read("privkey.pem")
    );
    assert_eq!(desk.bought(), (1, 1));
}

#[test]
fn two_orders_have_a_key_each_and_names_are_kept_apart() {
    let desk = Desk::new(P256, FULL);
    let more = super::named("www-2", &["two.example.com"], P256, FULL);
    desk.rig
        .manifest(&format!("orders:\n{}{more}", www(P256, FULL)));
    desk.apply(&[], 0);
    let of = |name: &str| fs::read(desk.files.join("live").join(name).join("privkey.pem"));
    assert_ne!(of("www").expect("a key"), of("www-2").expect("a key"));
    assert_eq!(names(&desk.files.join("live")), ["www", "www-2"]);
    desk.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn the_folder_is_where_it_is_named_however_that_is_spelled() {
    let mut desk = Desk::new(P256, FULL);
    desk.rig.write("a-file", "mine");
    for wrong in [
        "a-file",
        "a-file/below",
        "/",
        "/proc/self",
        "postgres://db/files",
    ] {
        for command in ["plan", "apply"] {
            let yes: &[&str] = if command == "apply" { &["--yes"] } else { &[] };
            let ended = desk.run(&[&[command, "--files-dir", wrong], yes].concat());
            let is_refused = matches!(ended.code, Some(1 | 64));
            let is_a_plan = command == "plan" && ["/", "/proc/self"].contains(&wrong);
            assert!(
                is_refused || is_a_plan,
                "{command} {wrong}: {:?}",
                ended.code
            );
        }
        assert_eq!(desk.bought(), (0, 0), "{wrong}");
    }
    desk.run(&["apply", "--yes", "--files-dir", "deep/below/it"])
        .expect(0);
    let made = desk.rig.path("deep/below/it");
    assert!(made.join("live/www/cert.pem").exists());
    for same in [
        "./deep/below/it",
        "deep/../deep/below/it/",
        made.to_str().expect("text"),
    ] {
        desk.run(&["plan", "--detailed-exitcode", "--files-dir", same])
            .expect(0);
    }
    std::os::unix::fs::symlink("deep/below/it", desk.rig.path("link")).expect("a link");
    desk.run(&["plan", "--detailed-exitcode", "--files-dir", "link"])
        .expect(0);
    desk.rig.set("CERTPLAN_FILES_DIR", "deep/below/it");
    desk.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(desk.bought(), (1, 0));
    assert!(!desk.files.exists());
}
