//! Several runs on one database: one at a time holds it, and the next one goes on after one that dies.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use super::server::Database;
use super::{each_once, each_once_or_open, report, rig_with, slow};
use crate::budget;
use crate::rig::{Rig, action};

fn apply(rig: &Rig, name: &str) -> Child {
    let report = format!("json={name}.json");
    rig.spawn(&[
        "apply",
        "--yes",
        "--lock-timeout",
        "30s",
        "--report",
        &report,
    ])
}

/// Waits until the CA has so many orders.
fn until_placed(rig: &Rig, count: usize) {
    rig.until("orders", || rig.effects("order_created").len() >= count);
}

#[test]
fn a_second_apply_is_told_who_holds_the_state_and_waits_for_it() {
    let (rig, _database) = rig_with(8);
    slow(&rig, 700);
    let first = apply(&rig, "first");
    until_placed(&rig, 1);
    let ended = rig.certplan(&["apply", "--yes"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    for word in [
        format!("process {} on ", first.id()),
        "`certplan apply`".to_owned(),
    ] {
        assert!(ended.stderr.contains(&word), "{}", ended.stderr);
    }
    let second = apply(&rig, "second");
    for child in [first, second] {
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    each_once(&rig, 8);
    // The second one found everything asked for.
    assert_eq!(report(&rig, "first.json")["summary"]["waiting"], 8);
    let second = report(&rig, "second.json");
    assert_eq!(second["summary"]["waiting"], 8, "{}", second["summary"]);
    rig.certplan(&["history", "--verify"]).expect(0);
    assert_eq!(rig.plan(&[])["summary"]["order"], 0);
}

#[test]
fn a_run_that_waits_goes_on_when_the_other_is_killed() {
    let (rig, _database) = rig_with(40);
    slow(&rig, 400);
    let mut first = apply(&rig, "first");
    until_placed(&rig, 1);
    let second = apply(&rig, "second");
    until_placed(&rig, 16);
    first.kill().expect("killed");
    first.wait().expect("gone");
    let output = second.wait_with_output().expect("it ends");
    // What was under way in the dead run is a doubt, and found by its tag.
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = report(&rig, "second.json");
    each_once_or_open(&rig, 40, &report);
    assert_eq!(report["actions"].as_array().expect("actions").len(), 40);
    assert_eq!(report["summary"]["skipped"], 0, "{}", report["summary"]);
    rig.certplan(&["history", "--verify"]).expect(0);
    assert_eq!(rig.plan(&[])["summary"]["order"], 0);
}

/// Two hosts have nothing in common but the database and the API key.
#[test]
fn two_hosts_and_one_is_killed_every_order_is_placed_once_without_a_429() {
    let mut rig = budget::enforcing();
    let database = Database::new();
    rig.set("CERTPLAN_STATE", &database.url());
    let manifest = budget::manifest(&rig, "fleet", budget::LIMITS, 70);
    let host = |name: &str| {
        let report = format!("json={name}.json");
        rig.command(&["apply", "--yes", "--lock-timeout", "60s"])
            .args(["-f", &manifest, "--report", &report])
            .env("HOME", rig.path(name))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs")
    };
    let mut first = host("first");
    until_placed(&rig, 1);
    let second = host("second");
    until_placed(&rig, 30);
    first.kill().expect("killed");
    first.wait().expect("gone");
    let output = second.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    let report = report(&rig, "second.json");
    each_once_or_open(&rig, 70, &report);
    assert_eq!(report["summary"]["skipped"], 0, "{}", report["summary"]);
    budget::kept(&rig);
    let drawn: usize = database
        .sql("SELECT count(*) FROM budget_calls")
        .parse()
        .expect("a count");
    assert!(drawn >= 70, "{drawn} calls were drawn from the one budget");
}

#[test]
fn row_91_after_a_kill_the_next_run_goes_on_at_once() {
    let (rig, _database) = rig_with(30);
    slow(&rig, 200);
    let mut first = apply(&rig, "first");
    until_placed(&rig, 5);
    first.kill().expect("killed");
    first.wait().expect("gone");
    // What was under way at the CA is still to come.
    std::thread::sleep(Duration::from_millis(500));
    rig.faults(json!([]));
    let ended = rig.certplan(&["apply", "--yes", "--report", "json=second.json"]);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
    each_once_or_open(&rig, 30, &report(&rig, "second.json"));
}

#[test]
fn row_93_a_run_that_was_stopped_past_its_lease_sends_nothing_more() {
    let (rig, database) = rig_with(30);
    slow(&rig, 300);
    let first = apply(&rig, "first");
    until_placed(&rig, 3);
    signal(&first, "STOP");
    let placed = rig.effects("order_created").len();
    // Its lease as if it had run out: the term is half a minute.
    database.sql("UPDATE runners SET expires = clock_timestamp() - interval '1 second'");
    rig.faults(json!([]));
    // A call that was stopped between its intent and its sending is a doubt that nobody can settle yet.
    let ended = rig.certplan(&["apply", "--yes", "--report", "json=second.json"]);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
    signal(&first, "CONT");
    let output = first.wait_with_output().expect("it ends");
    assert!(
        matches!(output.status.code(), Some(1 | 3)),
        "{:?}",
        output.status
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("lease on the state is over"), "{said}");
    let ended = rig.certplan(&["apply", "--yes", "--report", "json=third.json"]);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
    each_once_or_open(&rig, 30, &report(&rig, "third.json"));
    assert!(placed < 30, "it was stopped too late to show anything");
    rig.certplan(&["history", "--verify"]).expect(0);
}

/// A server's clock that is set forward makes every lease seem to be over.
#[test]
fn no_clock_that_is_set_takes_a_lease_away() {
    let (rig, database) = rig_with(30);
    slow(&rig, 4_000);
    let mut first = apply(&rig, "first");
    until_placed(&rig, 1);
    let set = || {
        database.sql("UPDATE runners SET expires = clock_timestamp() - interval '1 hour'");
    };
    set();
    // It is watched, seen to renew its lease, and left alone.
    let ended = rig.certplan(&["apply", "--yes"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&format!("process {}", first.id())),
        "{}",
        ended.stderr
    );
    while first.try_wait().expect("a child").is_none() {
        set();
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = first.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    each_once(&rig, 30);
}

#[test]
fn a_lost_order_is_never_sent_again_under_a_lease() {
    let (rig, _database) = rig_with(1);
    // The first order is what a look-up finds while it does not find the second.
    rig.apply(&[], 0);
    rig.manifest(&format!(
        "policy: {{ doubt: {{ quiet_period: 1s, then: resend }} }}\n{}",
        super::orders(2)
    ));
    rig.faults(json!([{
        "match": { "method": "POST", "path_contains": "/order/" }, "fault": "cut_before", "times": 1,
    }]));
    rig.apply(&["--wait", "4s"], 3);
    std::thread::sleep(Duration::from_millis(1200));
    for _ in 0..4 {
        let report = rig.apply(&[], 3);
        let error = action(&report, "orders.person-1")["error"].to_string();
        assert!(error.contains("certplan resolve"), "{error}");
    }
    each_once(&rig, 1);
    let said = rig.certplan(&["plan"]).expect(0).stderr;
    assert!(
        said.contains("has no effect with a state in PostgreSQL"),
        "{said}"
    );
    // A person who knows may say so.
    rig.certplan(&["resolve", "orders.person-1", "--not-placed", "--yes"])
        .expect(0);
    rig.apply(&[], 0);
    each_once(&rig, 2);
}

#[test]
fn whatever_plan_the_holder_has_the_next_run_waits_for_it() {
    let (rig, _database) = rig_with(20);
    // It holds the journal while it waits for people who pick their certificates up.
    let first = rig.spawn(&["apply", "--yes", "--wait", "10m"]);
    until_placed(&rig, 20);
    rig.manifest(&super::orders(21));
    for arguments in [
        ["apply", "--yes", "--lock-timeout", "300ms"].as_slice(),
        &["resolve", "orders.person-0", "--not-placed", "--yes"],
    ] {
        let ended = rig.certplan(arguments);
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("process {}", first.id())),
            "{}",
            ended.stderr
        );
    }
    let second = apply(&rig, "second");
    signal(&first, "TERM");
    let output = first.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(143));
    let output = second.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    each_once(&rig, 21);
}

fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success());
}
