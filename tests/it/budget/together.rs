//! Runs that follow each other, run beside each other, are stopped or killed.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::*;

#[track_caller]
fn well(child: Child) {
    let (code, said) = said_by(child);
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a process");
    kill_process(pid, signal).expect("a signal");
}

fn apply(rig: &Rig, manifest: &str) -> Child {
    rig.spawn(&["apply", "--yes", "--quiet", "-f", manifest])
}

/// How many orders the CA has.
fn placed(rig: &Rig) -> usize {
    rig.effects("order_created").len()
}

#[test]
fn row_42_two_runs_under_one_key_keep_every_window_together() {
    let rig = enforcing();
    let both = ["one", "two"].map(|name| manifest(&rig, name, LIMITS, 40));
    let children = both.map(|manifest| apply(&rig, &manifest));
    for child in children {
        well(child);
    }
    assert_eq!(placed(&rig), 80);
    kept(&rig);
    // Every call was drawn, and what was drawn was told back before its process ended.
    assert_eq!(rows(&rig, "flights"), 0);
    assert_eq!(usize::try_from(rows(&rig, "calls")), Ok(times(&rig).len()));
}

#[test]
fn what_follows_a_run_at_once_finds_the_windows_as_it_left_them() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 15);
    well(apply(&rig, &one));
    for command in ["plan", "status", "doctor", "plan"] {
        rig.certplan(&[command, "-f", &one]).expect(0);
    }
    rig.certplan(&["import", "--all", "-f", &one]).expect(0);
    assert!(times(&rig).len() > 30, "{}", times(&rig).len());
    kept(&rig);
    assert_eq!(usize::try_from(rows(&rig, "calls")), Ok(times(&rig).len()));
}

#[test]
fn the_stricter_windows_hold_for_whoever_has_them() {
    let rig = enforcing();
    // The bold run's calls count for the careful one as well.
    let strict = "[{ requests: 10, per: 1s }, { requests: 50, per: 4s }]";
    let careful = manifest(&rig, "careful", strict, 12);
    let bold = manifest(&rig, "bold", LIMITS, 30);
    let children = [bold, careful].map(|manifest| apply(&rig, &manifest));
    for child in children {
        well(child);
    }
    assert_eq!(placed(&rig), 42);
    kept(&rig);
}

#[test]
fn a_run_that_is_killed_keeps_its_slots_until_nothing_of_it_can_arrive() {
    let rig = enforcing();
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 60_000 }]));
    let one = manifest(&rig, "one", LIMITS, 40);
    let mut child = apply(&rig, &one);
    rig.until("calls in flight", || {
        !budgets(&rig).is_empty() && made_rows(&rig, "flights") == Ok(16)
    });
    child.kill().expect("a kill");
    child.wait().expect("an end");
    assert_eq!(rows(&rig, "flights"), 16);
    rig.faults(json!([]));
    let two = manifest(&rig, "two", LIMITS, 30);
    well(apply(&rig, &two));
    // Whoever came later had what was left of every window: 20 - 16 in a second.
    assert_eq!(rows(&rig, "flights"), 16);
    let times = times(&rig);
    let second = SignedDuration::from_secs(1);
    let mut own = times[times.len() - 30..].windows(5);
    assert!(own.all(|five| five[4].duration_since(five[0]) >= second));
    assert_eq!(rig.ask("state")["rate_limited"], 0);
}

#[test]
fn a_run_that_is_stopped_and_goes_on_overruns_nothing() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 60);
    let child = apply(&rig, &one);
    rig.until("some orders", || placed(&rig) >= 10);
    let two = manifest(&rig, "two", LIMITS, 20);
    let other = apply(&rig, &two);
    for _ in 0..3 {
        signal(&child, Signal::STOP);
        let since = Instant::now();
        rig.until("a second", || since.elapsed() > Duration::from_secs(1));
        signal(&child, Signal::CONT);
        rig.until("a moment", || {
            since.elapsed() > Duration::from_millis(1_300)
        });
    }
    well(child);
    well(other);
    assert_eq!(placed(&rig), 80);
    kept(&rig);
}

#[test]
fn a_refusal_that_one_run_sees_slows_the_other() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 5);
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "rate_limit", "retry_after": 3, "times": 1 },
    ]));
    let child = apply(&rig, &one);
    rig.until("the refusal", || rig.ask("state")["rate_limited"] == 1);
    rig.certplan(&["plan", "-f", &one]).expect(0);
    well(child);
    let ledger = rig.ask("ledger");
    let entries = ledger.as_array().expect("a list");
    let time = |entry: &serde_json::Value| -> Timestamp {
        entry["time"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time")
    };
    let refused = entries
        .iter()
        .position(|entry| entry["answered"] == 429)
        .expect("a refusal");
    // Calls that were under way already, and then none for three seconds.
    let pause = SignedDuration::from_secs(3);
    let first = entries[refused..]
        .iter()
        .find(|entry| entry["method"] == "GET")
        .expect("the other run's first call");
    assert!(time(first).duration_since(time(&entries[refused])) >= pause);
    assert_eq!(placed(&rig), 5);
}
