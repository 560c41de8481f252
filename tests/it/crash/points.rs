//! SIGKILL at each request in turn: after it has taken effect and before its answer, and after it was
//! sent and before it takes effect.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::truth::{exactly_once, header, manifest, recover, revocation};
use crate::rig::Rig;

/// Longer than a request stays under way after its sender was killed (`LATE`).
const DOUBT: &str = "{ quiet_period: 3s, then: resend }";
const LATE: u64 = 800;

/// Requests of the two APIs that arrived so far.
fn arrived(rig: &Rig) -> u64 {
    let state = rig.ask("state");
    let counts = state["requests_seen"].as_object().expect("counts").values();
    counts
        .flat_map(|methods| methods.as_object().expect("methods").values())
        .filter_map(Value::as_u64)
        .sum()
}

/// Waits until each request that arrived has taken its effect, also the one whose sender was killed.
fn all_took_effect(rig: &Rig) {
    let done = || {
        let ledger = rig.ask("ledger");
        let entries = ledger.as_array().expect("a list").iter();
        let calls = entries.filter(|entry| entry["provider"] != "sandbox");
        u64::try_from(calls.count()).expect("a count")
    };
    while done() < arrived(rig) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn prepared() -> Rig {
    let rig = Rig::new();
    let order = &rig.seed(json!({ "certcentral": 1 }))[0];
    manifest(
        &rig,
        &header(1, DOUBT),
        &["ada", "bob"],
        &revocation("old", order),
    );
    rig
}

/// Kills the run when its request number `skip` (from 0) has arrived. False when the run ended first.
fn kill_at(rig: &Rig, skip: u64, fault: &Value) -> bool {
    let mut rule = fault.clone();
    rule["fault"] = json!("delay");
    rule["skip"] = json!(skip);
    rule["times"] = json!(1);
    let before = arrived(rig);
    rig.faults(json!([rule]));
    let mut child = rig.spawn(&["apply", "--yes", "-q"]);
    let killed = loop {
        if child.try_wait().expect("a child").is_some() {
            break false;
        }
        if arrived(rig) > before + skip {
            child.kill().expect("a kill");
            child.wait().expect("an end");
            break true;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    rig.faults(json!([]));
    killed
}

/// A revocation is asked for again as soon as a read shows nothing of it, and not only after the quiet
/// period: it may be urgent, and one that arrives late does no harm. Both name the same order for the same
/// reason, so what dies is the same as with one, and nothing is paid.
fn revoked_once(rig: &Rig, late: bool, what: &str) {
    all_took_effect(rig);
    let asked = rig.effects("revocation_requested");
    let most = if late { 2 } else { 1 };
    assert!((1..=most).contains(&asked.len()), "{asked:?}: {what}");
    for member in ["path", "body_digest", "ids"] {
        let of = |entry: &Value| match member {
            "ids" => entry["ids"]["order_id"].clone(),
            _ => entry[member].clone(),
        };
        assert!(
            asked.iter().all(|entry| of(entry) == of(&asked[0])),
            "{asked:?}: {what}"
        );
    }
    rig.approve_all();
    let changes = rig.changes().len();
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), changes, "asked again: {what}");
    assert_eq!(rig.ask("state")["orders"]["revoked"], 1, "{what}");
    let status = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    let entries = status["entries"].as_array().expect("entries");
    let old = entries
        .iter()
        .find(|entry| entry["address"] == "revocations.old");
    assert_eq!(old.expect("an entry")["state"], "revoked", "{what}");
}

/// Every request in turn, four at once; returns how many there were.
fn each_request(fault: &Value) -> u64 {
    let next = AtomicU64::new(0);
    let most = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let skip = next.fetch_add(1, Ordering::Relaxed);
                    let rig = prepared();
                    let killed = kill_at(&rig, skip, fault);
                    let what = format!("killed at request {skip} with {fault}");
                    recover(&rig, &what);
                    exactly_once(&rig, 2, &what);
                    revoked_once(&rig, fault["late"] == true, &what);
                    if !killed {
                        return;
                    }
                    most.fetch_max(skip + 1, Ordering::Relaxed);
                }
            });
        }
    });
    most.into_inner()
}

#[test]
fn row_04_killed_after_each_request_took_effect_and_before_its_answer() {
    let requests = each_request(&json!({ "ms": 60_000 }));
    assert!(requests >= 6, "only {requests} requests were seen");
}

#[test]
fn row_35_killed_at_each_request_that_takes_effect_later() {
    let requests = each_request(&json!({ "ms": LATE, "late": true }));
    assert!(requests >= 6, "only {requests} requests were seen");
}
