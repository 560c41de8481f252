//! A state that cannot be used: refused with its place before anything is asked or sent, and left as it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use rusqlite::Connection;
use serde_json::json;

use super::{FAILED, HELD, REFUSED, UNKNOWN, refused, sound};
use crate::rig::{Rig, action};

const STATE: &str = ".certplan/state.db";

/// A rig with one order that waits for approval, and its state.
fn started() -> Rig {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig
}

#[track_caller]
fn unusable(rig: &Rig, said: &[&str]) {
    let before = fs::read(rig.path(STATE)).ok();
    let reads = rig.reads();
    for args in [
        &["plan"][..],
        &["apply", "--yes"],
        &["status", "--offline"],
        &["history"],
        &["history", "--verify"],
    ] {
        refused(rig, args, FAILED, said);
    }
    assert_eq!(rig.reads(), reads, "the CA was asked");
    let ended = rig.certplan(&["doctor"]).expect(FAILED);
    assert!(ended.stdout.contains("FAIL  state: "), "{}", ended.stdout);
    assert_eq!(
        fs::read(rig.path(STATE)).ok(),
        before,
        "the state was touched"
    );
}

#[test]
fn a_state_that_is_no_journal_is_left_as_it_is() {
    let rig = started();
    for bytes in [
        b"not a database at all, but some text of a person".to_vec(),
        vec![0; 8192],
        b"SQLite format 3\0".to_vec(),
    ] {
        fs::remove_dir_all(rig.path(".certplan")).expect("removed");
        rig.write(STATE, bytes);
        unusable(&rig, &["the state .certplan/state.db"]);
    }
}

#[test]
fn a_database_of_another_program_is_left_as_it_is() {
    let rig = started();
    fs::remove_dir_all(rig.path(".certplan")).expect("removed");
    fs::create_dir(rig.path(".certplan")).expect("a folder");
    Connection::open(rig.path(STATE))
        .and_then(|it| {
            it.execute_batch("CREATE TABLE songs (name); INSERT INTO songs VALUES ('x')")
        })
        .expect("a database");
    fs::set_permissions(rig.path(STATE), Permissions::from_mode(0o600)).expect("a mode");
    unusable(&rig, &["the state .certplan/state.db", "cannot be used"]);
}

#[test]
fn a_state_of_a_newer_certplan_is_left_as_it_is() {
    let rig = started();
    Connection::open(rig.path(STATE))
        .and_then(|it| it.pragma_update(None, "user_version", 99))
        .expect("a version");
    unusable(&rig, &["schema 99", "use the newer certplan"]);
}

#[test]
fn a_state_that_was_changed_by_hand_is_found_out() {
    let rig = started();
    let changed = Connection::open(rig.path(STATE))
        .and_then(|it| {
            it.execute_batch(
                "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger';",
            )?;
            drop(it);
            Connection::open(rig.path(STATE))
        })
        .and_then(|it| {
            let table: String = it.query_row(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%fact%'",
                [],
                |row| row.get(0),
            )?;
            it.execute(&format!("DELETE FROM {table} WHERE rowid = 2"), [])
        })
        .expect("a change");
    assert_eq!(changed, 1);
    for args in [&["plan"][..], &["apply", "--yes"], &["history", "--verify"]] {
        refused(&rig, args, FAILED, &[]);
    }
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_state_that_lost_its_end_is_refused() {
    let rig = started();
    let bytes = fs::read(rig.path(STATE)).expect("the state");
    rig.write(STATE, &bytes[..bytes.len() / 2]);
    for args in [&["plan"][..], &["apply", "--yes"]] {
        let ended = refused(&rig, args, FAILED, &["the state .certplan/state.db"]);
        assert!(
            ended.stderr.contains("backup"),
            "the way out: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_place_where_no_state_can_be_is_refused_before_anything_is_sent() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    fs::create_dir(rig.path("folder")).expect("a folder");
    rig.write("file", "text");
    rig.write("real/state.db", "");
    symlink("real/state.db", rig.path("link.db")).expect("a link");
    for state in [
        "folder",
        "file/state.db",
        "/proc/certplan/state.db",
        "/dev/null",
        "link.db",
    ] {
        refused(
            &rig,
            &["apply", "--yes", "--state", state],
            FAILED,
            &["state"],
        );
    }
    assert_eq!(rig.reads(), 0);
}

#[test]
fn a_state_that_another_run_holds_says_who_and_is_read_all_the_same() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 4000, "times": 1 }]),
    );
    let mut first = rig.spawn(&["apply", "--yes"]);
    // The effect of a delayed answer is at once: from here on the first run holds the state.
    rig.until("the order", || !rig.effects("order_created").is_empty());
    let holder = format!("process {}", first.id());
    let ended = refused(
        &rig,
        &["apply", "--yes"],
        HELD,
        &["is held by", "--lock-timeout 10m"],
    );
    assert!(
        ended.stderr.contains(&first.id().to_string()),
        "{holder}: {}",
        ended.stderr
    );
    refused(
        &rig,
        &["resolve", "orders.ada", "--found", "1", "--yes"],
        HELD,
        &["is held by"],
    );
    refused(&rig, &["import", "orders.ada", "1"], FAILED, &[]);
    for args in [&["plan"][..], &["history"], &["status", "--offline"]] {
        let ended = rig.certplan(args).expect(0);
        sound(&ended, "reading");
    }
    // Who waits long enough gets it, and buys nothing twice.
    let second = rig.apply(&["--lock-timeout", "60s"], 0);
    assert_eq!(action(&second, "orders.ada")["action"], "wait");
    assert_eq!(first.wait().expect("ends").code(), Some(0));
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_state_of_another_endpoint_or_customer_is_refused() {
    let mut rig = started();
    let other = Rig::new();
    let url = other
        .command(&[])
        .get_envs()
        .find(|(name, _)| *name == "CERTPLAN_ENDPOINT_DIGICERT")
        .and_then(|(_, value)| value?.to_str())
        .expect("an endpoint")
        .to_owned();
    rig.set("CERTPLAN_ENDPOINT_DIGICERT", &url);
    for args in [&["plan"][..], &["apply", "--yes"]] {
        refused(
            &rig,
            args,
            FAILED,
            &["account `digicert`", "the state was written for"],
        );
    }
    assert_eq!(other.changes().len(), 0);
}

#[test]
fn an_unknown_outcome_has_its_own_code_until_a_person_settles_it() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    let report = rig.apply(&[], UNKNOWN);
    assert_eq!(action(&report, "orders.ada")["outcome"], "unknown");
    let changes = rig.changes().len();
    rig.apply(&[], UNKNOWN);
    refused(
        &rig,
        &["resolve", "orders.ada", "--not-placed", "--yes"],
        REFUSED,
        &["quiet period"],
    );
    refused(
        &rig,
        &["resolve", "orders.ada", "--found", "4711", "--yes"],
        FAILED,
        &["4711"],
    );
    assert_eq!(rig.changes().len(), changes, "nothing is sent again");
    assert_eq!(rig.effects("order_created").len(), 0);
}
