//! Cases 32 and 42: the state's files come back with other modes; the state's folder is nobody else's and is
//! not published.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use crate::rig::{Rig, action};

fn ready() -> Rig {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig
}

fn set(rig: &Rig, name: &str, mode: u32) {
    fs::set_permissions(rig.path(name), Permissions::from_mode(mode)).expect("a mode");
}

fn mode(rig: &Rig, name: &str) -> u32 {
    fs::metadata(rig.path(name)).expect("a file").mode() & 0o7777
}

fn files(rig: &Rig) -> Vec<String> {
    let entries = fs::read_dir(rig.path(".certplan")).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| format!(".certplan/{}", name.to_string_lossy()))
        .collect()
}

#[test]
fn case_42_a_volume_of_a_group_of_ours_is_used_at_every_mount() {
    let rig = ready();
    for _ in 0..2 {
        for file in files(&rig) {
            let with_group = mode(&rig, &file) | 0o060;
            set(&rig, &file, with_group);
        }
        set(&rig, ".certplan", 0o2770);
        rig.certplan(&["plan"]).expect(0);
        rig.apply(&[], 0);
        rig.certplan(&["history", "--verify"]).expect(0);
    }
    let told = rig.certplan(&["doctor"]).stdout;
    assert!(told.contains("may change the state"), "{told}");
}

#[test]
fn case_42_what_others_may_only_read_is_closed_by_the_run_that_holds_the_state() {
    let rig = ready();
    set(&rig, ".certplan", 0o755);
    for file in files(&rig) {
        set(&rig, &file, 0o644);
    }
    for args in [&["plan"][..], &["status"], &["history"]] {
        rig.certplan(args).expect(0);
    }
    assert_eq!(
        mode(&rig, ".certplan/state.db"),
        0o644,
        "a reader changed it"
    );
    let ended = rig.certplan(&["apply", "--yes"]).expect(0);
    assert_eq!(
        ended.stderr.matches("mode 0600 again").count(),
        1,
        "{ended:?}"
    );
    for file in files(&rig) {
        if !file.ends_with(".gitignore") {
            assert_eq!(mode(&rig, &file), 0o600, "{file}");
        }
    }
}

#[test]
fn case_42_what_others_may_write_is_refused_before_anything_is_sent() {
    let rig = ready();
    rig.orders(&["ada", "ben"], "");
    let names = ["state.db", "state.db.lock"].map(|name| format!(".certplan/{name}"));
    let backup = files(&rig).into_iter().find(|name| name.contains("backup"));
    for name in names.iter().chain(&backup) {
        for others in [0o606, 0o602, 0o666, 0o622] {
            set(&rig, name, others);
            let ended = rig.certplan(&["apply", "--yes"]).expect(1);
            assert!(ended.stderr.contains("others may write it"), "{ended:?}");
        }
        set(&rig, name, 0o600);
    }
    set(&rig, ".certplan", 0o777);
    let ended = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(ended.stderr.contains("chmod go-w"), "{}", ended.stderr);
    set(&rig, ".certplan", 0o700);
    if rustix::process::geteuid().is_root() {
        for (user, group) in [(None, Some(54_321)), (Some(54_321), None)] {
            let state = rig.path(".certplan/state.db");
            std::os::unix::fs::chown(&state, user, group).expect("an owner");
            set(&rig, ".certplan/state.db", 0o660);
            rig.certplan(&["apply", "--yes"]).expect(1);
            std::os::unix::fs::chown(&state, Some(0), Some(0)).expect("an owner");
        }
    }
    set(&rig, ".certplan/state.db", 0o600);
    assert_eq!(rig.effects("order_created").len(), 1);
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.ben")["action"], "order");
    assert_eq!(rig.effects("order_created").len(), 2);
}

fn git(rig: &Rig, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(rig.folder())
        .env("HOME", rig.home())
        .output()
        .expect("git");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn added(rig: &Rig) -> String {
    git(rig, &["init", "-q", "."]);
    git(rig, &["add", "-A"]);
    git(rig, &["ls-files"])
}

#[test]
fn case_32_git_does_not_take_the_state_in() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&["--state", "deep/er/state.db"], 0);
    assert_eq!(added(&rig), "ada.csr\ncertplan.yaml\nreport.json\n");
}

#[test]
fn case_32_init_hides_the_folder_of_the_state() {
    let rig = Rig::new();
    rig.certplan(&["init"]).expect(0);
    assert_eq!(mode(&rig, ".certplan"), 0o700);
    assert_eq!(added(&rig), "certplan.yaml\n");
    // Where the state is elsewhere, nothing is made.
    let rig = Rig::new();
    rig.certplan(&["init", "--state", "/srv/state.db"])
        .expect(0);
    assert!(!rig.path(".certplan").exists());
}

#[test]
fn case_32_a_folder_that_holds_other_things_stays_as_it_is() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&["--state", "./state.db"], 0);
    assert!(!rig.path(".gitignore").exists());
    // What the user wrote stays.
    rig.write(".certplan/.gitignore", "!state.db\n");
    set(&rig, ".certplan", 0o700);
    rig.apply(&[], 0);
    let text = fs::read_to_string(rig.path(".certplan/.gitignore")).expect("a file");
    assert_eq!(text, "!state.db\n");
}
