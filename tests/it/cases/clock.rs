//! Case 11: a duration that guards money is not measured by a clock that can be set.

use std::time::Duration;

use serde_json::{Value, json};

use super::{automatic, manifest_with, orders_at_the_ca, person, sent};
use crate::rig::{Ended, Rig};

/// The tool that sets the clock, and the Debian package that brings it.
const FAKETIME: &str = "faketime";

/// Whether the tests of this file can run. Without the tool they fail where `CI` is set, and say by name
/// that they did not run elsewhere.
fn clock_can_be_set(test: &str) -> bool {
    let there = std::process::Command::new(FAKETIME)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        assert!(
            std::env::var_os("CI").is_none(),
            "the Debian package {FAKETIME} is missing"
        );
        println!("{test} was not run: the Debian package {FAKETIME} is missing");
    }
    there
}

/// Runs certplan on a host whose wall clock is set so far ahead or back. The clock since boot goes on as it is.
fn with_clock(rig: &Rig, offset: &str, args: &[&str]) -> Ended {
    let mut command = rig.command_under(FAKETIME, &["-f", offset], args);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Ended::new(command.output().expect("faketime runs"))
}

/// `ada` is there; the order of `bob` was lost before it arrived, a moment ago.
fn lost_a_moment_ago(doubt: &str) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    let section = format!("policy: {{ doubt: {doubt} }}\n");
    let people = ["ada", "bob"].map(|name| person(name, name, ""));
    manifest_with(&rig, &section, &people[..1], &[]);
    rig.apply(&[], 0);
    manifest_with(&rig, &section, &people, &[]);
    rig.faults(
        json!([{ "match": { "path_contains": "/client_premium_sha2", "method": "POST" },
        "fault": "cut_before", "times": 1 }]),
    );
    rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(sent(&rig).len(), 2);
    rig
}

const RESEND: &str = "{ quiet_period: 15m, then: resend }";

#[test]
fn case_11_a_clock_set_ahead_sends_nothing_again() {
    if !clock_can_be_set("case_11_a_clock_set_ahead_sends_nothing_again") {
        return;
    }
    for offset in ["+20m", "+2d"] {
        let rig = lost_a_moment_ago(RESEND);
        for _ in 0..4 {
            with_clock(&rig, offset, &["apply", "--yes"]).expect(3);
        }
        assert_eq!(sent(&rig).len(), 2, "{offset}: ordered again after seconds");
        assert_eq!(orders_at_the_ca(&rig), 1);
    }
}

#[test]
fn case_11_a_person_with_a_clock_set_ahead_settles_nothing_either() {
    if !clock_can_be_set("case_11_a_person_with_a_clock_set_ahead_settles_nothing_either") {
        return;
    }
    let rig = lost_a_moment_ago("{ quiet_period: 15m }");
    let args = ["resolve", "orders.bob", "--not-placed", "--yes"];
    for offset in ["+20m", "+400d", "+0s"] {
        let ended = with_clock(&rig, offset, &args);
        assert_eq!(
            ended.code,
            Some(5),
            "{offset}: {}{}",
            ended.stdout,
            ended.stderr
        );
        assert!(ended.stderr.contains("quiet"), "{}", ended.stderr);
    }
    rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(sent(&rig).len(), 2);
}

#[test]
fn case_11_a_clock_set_back_does_not_end_the_period_early_or_hold_it_for_ever() {
    if !clock_can_be_set(
        "case_11_a_clock_set_back_does_not_end_the_period_early_or_hold_it_for_ever",
    ) {
        return;
    }
    let rig = lost_a_moment_ago("{ quiet_period: 15s, then: resend }");
    with_clock(&rig, "-1h", &["apply", "--yes"]).expect(3);
    assert_eq!(sent(&rig).len(), 2);
    std::thread::sleep(Duration::from_secs(16));
    // While the clock is wrong nothing is given up, however long that lasts.
    for _ in 0..4 {
        with_clock(&rig, "-1h", &["apply", "--yes"]).expect(3);
    }
    assert_eq!(sent(&rig).len(), 2, "ordered again by a wrong clock");
    // Within one boot the clock since boot decides: the period does not begin anew once the clock is right.
    for _ in 0..6 {
        let ended = rig.certplan(&["apply", "--yes"]);
        if ended.code == Some(0) {
            break;
        }
        std::thread::sleep(Duration::from_secs(2));
    }
    assert_eq!(sent(&rig).len(), 3, "never ordered again");
    assert_eq!(orders_at_the_ca(&rig), 2);
}

#[test]
fn case_11_an_answer_that_comes_late_is_found_and_not_paid_twice() {
    if !clock_can_be_set("case_11_an_answer_that_comes_late_is_found_and_not_paid_twice") {
        return;
    }
    let rig = Rig::new();
    automatic(&rig);
    let section = format!("policy: {{ doubt: {RESEND} }}\n");
    let people = ["ada", "bob"].map(|name| person(name, name, ""));
    manifest_with(&rig, &section, &people[..1], &[]);
    rig.apply(&[], 0);
    manifest_with(&rig, &section, &people, &[]);
    // The answer is lost at once; the order itself shows in the indexes later.
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    rig.faults(
        json!([{ "match": { "path_contains": "/client_premium_sha2", "method": "POST" },
        "fault": "cut_after", "times": 1 }]),
    );
    rig.certplan(&["apply", "--yes"]).expect(3);
    for _ in 0..4 {
        with_clock(&rig, "+20m", &["apply", "--yes"]).expect(3);
    }
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    let report: Value = rig.apply(&[], 0);
    assert_eq!(report["summary"]["failed"], 0, "{report:#}");
    assert_eq!((sent(&rig).len(), orders_at_the_ca(&rig)), (2, 2));
}
