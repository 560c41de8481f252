//! A journal, a folder or both that are gone, and another folder: nothing is bought and nothing reissued.

use std::fs;

use super::{Desk, FULL, P256, WWW};

/// The journal goes; keys and certificates stay.
fn lose_journal(desk: &Desk) {
    for entry in fs::read_dir(desk.rig.path(".certplan")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path != desk.files {
            match path.is_dir() {
                true => fs::remove_dir_all(path).expect("removed"),
                false => fs::remove_file(path).expect("removed"),
            }
        }
    }
}

/// What a plan says of `www`.
fn says(desk: &Desk) -> (String, String) {
    let ended = desk.run(&["plan", "--format", "json"]);
    let plan = ended.expect(0).json();
    let action = crate::rig::action(&plan, WWW);
    let text = |member: &str| action[member].as_str().unwrap_or_default().to_owned();
    (text("action"), text("reason"))
}

#[test]
fn a_lost_journal_is_found_again_by_tag_and_the_files_are_known_again() {
    let desk = Desk::collected();
    let version = desk.version();
    lose_journal(&desk);
    assert_eq!(
        says(&desk),
        (
            "adopt".to_owned(),
            "order 70000001 carries our tag".to_owned()
        )
    );
    for _ in 0..3 {
        desk.run(&["apply", "--yes"]);
    }
    assert_eq!(desk.version(), version);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_lost_folder_is_refused_until_it_is_back_or_another_is_adopted() {
    let desk = Desk::collected();
    fs::remove_dir_all(&desk.files).expect("removed");
    desk.forget();
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["apply", "--yes", "--rekey", WWW],
    ] {
        let said = desk.run(command).expect(1).stderr;
        assert!(said.contains("certplan::files::another_folder"), "{said}");
    }
    assert_eq!(desk.bought(), (1, 0));
    assert!(!desk.files.exists());
}

#[test]
fn with_journal_and_folder_gone_the_key_is_waited_for() {
    let desk = Desk::collected();
    fs::remove_dir_all(desk.rig.path(".certplan")).expect("removed");
    desk.forget();
    assert_eq!(
        says(&desk),
        (
            "adopt".to_owned(),
            "order 70000001 carries our tag".to_owned()
        )
    );
    for _ in 0..3 {
        desk.run(&["apply", "--yes"]);
    }
    assert_eq!(
        says(&desk),
        (
            "wait".to_owned(),
            "the private key of order 70000001 is not in the files folder".to_owned()
        )
    );
    desk.run(&["apply", "--yes"]).expect(3);
    assert_eq!(desk.bought(), (1, 0));
    desk.apply(&["--rekey", WWW], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 1));
}

#[test]
fn a_lost_journal_and_a_pending_key_come_together_again() {
    let desk = Desk::new(P256, FULL);
    desk.rig
        .tell("options", serde_json::json!({ "approval": "required" }));
    desk.apply(&[], 0);
    lose_journal(&desk);
    for _ in 0..2 {
        desk.run(&["apply", "--yes"]);
    }
    desk.rig.approve_all();
    for _ in 0..2 {
        desk.run(&["apply", "--yes"]);
    }
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn the_folder_of_another_state_is_not_mixed_up_with_this_one() {
    let desk = Desk::collected();
    let other = Desk::collected();
    let aside = desk.rig.path("aside");
    fs::rename(&desk.files, aside).expect("moved");
    fs::rename(&other.files, &desk.files).expect("moved");
    desk.forget();
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let said = desk.run(command).expect(1).stderr;
        assert!(said.contains("certplan::files::another_folder"), "{said}");
    }
    assert_eq!(desk.bought(), (1, 0));
}

/// Everything that a command says, in one line, with the folder as DIR and ids as ID.
fn flat(desk: &Desk, said: &str) -> String {
    let dir = desk.files.display().to_string();
    let words: String = said.replace(['│', '×', '╰', '─', '▶', '├'], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    // A long path is broken where the line ends.
    let text = words.join(" ").replace(&dir, "DIR");
    let mut told = String::new();
    for word in text.split(' ') {
        let bare = word.trim_matches([',', ';', ':', '.', '`']);
        let is_id = bare.len() == 36 && bare.matches('-').count() == 4;
        let word = if is_id {
            word.replace(bare, "ID")
        } else {
            word.to_owned()
        };
        told.push_str(&word);
        told.push(' ');
    }
    told.trim_end().to_owned()
}

#[test]
fn what_is_said_of_a_folder_that_is_lost_or_another_is_compared_word_by_word() {
    let desk = Desk::collected();
    let aside = desk.rig.path("aside");
    fs::rename(&desk.files, &aside).expect("moved");
    desk.forget();
    let mut said = vec![flat(&desk, &desk.run(&["plan"]).expect(1).stderr)];
    let other = Desk::collected();
    fs::rename(&other.files, &desk.files).expect("moved");
    said.push(flat(&desk, &desk.run(&["plan"]).expect(1).stderr));
    fs::remove_file(desk.files.join(".certplan-files")).expect("removed");
    said.push(flat(&desk, &desk.run(&["plan"]).expect(1).stderr));
    let help = "error: DIR is not the folder of keys and certificates that the state knows: WHY \
        (certplan::files::another_folder); mount the folder that belongs to the state or name it with `--files-dir`; \
        where this one is to be used from now on, `certplan doctor --adopt-files-dir --files-dir DIR`";
    let whys = [
        "it has no file `.certplan-files`, and the state knows ID",
        "its id is ID, and the state knows ID",
        "it has no file `.certplan-files`, and the state knows ID",
    ];
    for (said, why) in said.iter().zip(whys) {
        assert_eq!(said, &help.replace("WHY", why));
    }
    assert_eq!(desk.bought(), (1, 0));
    // Both are back: nothing was lost.
    fs::remove_dir_all(&desk.files).expect("removed");
    fs::rename(&aside, &desk.files).expect("moved");
    desk.forget();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}
