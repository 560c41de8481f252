//! The journal's disk fails, or the process dies, at each system call that writes the journal, and at each
//! that sends to the CA or receives from it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::tracing::{self, JOURNAL, Strike, Traced, WIRE};
use super::truth::{
    ASK, exactly_once, header, manifest, order_calls, orders_by_tag, recover, revocation,
};
use crate::rig::Rig;

const DOUBT: &str = "{ quiet_period: 1s, then: resend }";

fn prepared() -> Rig {
    let rig = Rig::new();
    let order = &rig.seed(json!({ "certcentral": 1 }))[0];
    // The state exists, and holds an order for the positive control.
    manifest(&rig, &header(1, DOUBT), &["zoe"], "");
    rig.apply(&[], 0);
    manifest(
        &rig,
        &header(1, DOUBT),
        &["ada", "bob", "zoe"],
        &revocation("old", order),
    );
    rig
}

/// Strikes every N-th call in turn until a run gets by unharmed, then recovers; returns how many struck.
fn each_call(strike: Strike<'_>, more: &str, check: impl Fn(&Rig, &Traced, &str) + Sync) -> u64 {
    let Strike { call, inject, .. } = strike;
    let next = AtomicU64::new(1);
    let most = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let rig = prepared();
                    let traced = tracing::apply(&rig, strike, &format!("{number}{more}"));
                    let said = &traced.ended;
                    let what = format!(
                        "{call} {number}: {inject}\n{}\n{}",
                        said.stdout, said.stderr
                    );
                    check(&rig, &traced, &what);
                    recover(&rig, &what);
                    exactly_once(&rig, 3, &what);
                    assert_eq!(rig.effects("revocation_requested").len(), 1, "{what}");
                    if !traced.struck {
                        return;
                    }
                    most.fetch_max(number, Ordering::Relaxed);
                }
            });
        }
    });
    let most = most.into_inner();
    println!("{most} calls of {call} struck with {inject}");
    most
}

fn killed<'a>(thread: &'a str, call: &'a str) -> Strike<'a> {
    let inject = "signal=SIGKILL";
    Strike {
        thread,
        call,
        inject,
    }
}

fn failed<'a>(call: &'a str, inject: &'a str) -> Strike<'a> {
    Strike {
        thread: JOURNAL,
        call,
        inject,
    }
}

/// Before each send nothing of a request has left, or all of the one before it; before each receive an
/// answer is there that nobody has read.
#[test]
fn rows_02_04_05_killed_at_each_send_and_each_receive() {
    if !tracing::available() {
        return;
    }
    let mut struck = 0;
    for call in ["writev", "recvfrom"] {
        struck += each_call(killed(WIRE, call), "", |_, traced, what| {
            assert_ne!(traced.ended.code, Some(101), "{what}");
        });
    }
    assert!(struck >= 15, "only {struck} sends and receives were struck");
}

#[test]
fn rows_01_05_killed_at_each_write_of_the_journal() {
    if !tracing::available() {
        return;
    }
    for (call, least) in [("fsync", 5), ("pwrite64", 10)] {
        let struck = each_call(killed(JOURNAL, call), "", |_, traced, what| {
            assert_ne!(traced.ended.code, Some(101), "{what}");
        });
        assert!(struck >= least, "only {struck} calls of {call} were struck");
    }
}

static UNNOTICED: AtomicU64 = AtomicU64::new(0);

/// After the first failure nothing more is sent: at most the call whose answer could not be noted.
fn nothing_after(rig: &Rig, traced: &Traced, what: &str) {
    if !traced.struck {
        assert_eq!(traced.ended.code, Some(0), "{what}");
        return;
    }
    match traced.ended.code {
        // SQLite itself drops the error of a flush that only its backup needs; no fact depends on it.
        Some(0) => UNNOTICED.fetch_add(1, Ordering::Relaxed),
        Some(1 | 3) => 0,
        _ => panic!("{what}"),
    };
    // With one call in flight each effect but the last has its fact: what the journal lacks is at
    // most one order or one revocation.
    let taken = rig.effects("order_created").len() + rig.effects("revocation_requested").len();
    let noted = super::truth::facts(rig)
        .iter()
        .filter(|fact| {
            ["accepted", "requested"].contains(&fact["body"]["fact"].as_str().unwrap_or_default())
        })
        .count();
    assert!(noted + 1 >= taken, "{taken} taken, {noted} noted: {what}");
    assert_eq!(
        order_calls(rig),
        rig.effects("order_created").len(),
        "{what}"
    );
}

#[test]
fn row_77_the_first_failed_flush_is_the_end_of_the_run() {
    if !tracing::available() {
        return;
    }
    let struck = each_call(failed("fsync", "error=EIO"), "", nothing_after);
    assert!(struck >= 5, "only {struck} flushes were struck");
    let unnoticed = UNNOTICED.load(Ordering::Relaxed);
    assert!(unnoticed <= 1, "{unnoticed} failed flushes went unnoticed");
}

#[test]
fn row_76_a_disk_that_fills_up_during_the_run_ends_it() {
    if !tracing::available() {
        return;
    }
    let struck = each_call(
        failed("pwrite64", "error=ENOSPC"),
        "+",
        |rig, traced, what| {
            nothing_after(rig, traced, what);
            let unrecorded: Vec<String> = std::fs::read_dir(rig.path(".certplan"))
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name())
                .filter_map(|name| name.into_string().ok())
                .filter(|name| name.starts_with("errored-"))
                .collect();
            let known = super::truth::known(rig);
            let orders = orders_by_tag(rig);
            let lost: Vec<&String> = orders
                .values()
                .flatten()
                .filter(|id| !known.values().any(|other| other == *id))
                .collect();
            // An order that the journal could not take has its id in the file.
            if let [id] = lost.as_slice() {
                let [file] = unrecorded.as_slice() else {
                    panic!("{unrecorded:?}: {what}");
                };
                let text =
                    std::fs::read_to_string(rig.path(".certplan").join(file)).expect("a file");
                assert!(text.contains(*id), "{text}: {what}");
            }
        },
    );
    assert!(struck >= 10, "only {struck} writes were struck");
}

/// `resolve` says what it has written down, also where the disk fails when the journal is closed.
#[test]
fn a_decision_is_told_once_it_is_durable_whatever_becomes_of_the_closing() {
    if !tracing::available() {
        return;
    }
    let mut closings = 0;
    for number in 1..20 {
        let rig = Rig::new();
        manifest(&rig, &header(1, ASK), &["bob"], "");
        rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
        rig.apply(&[], 3);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let args = ["resolve", "orders.bob", "--not-placed", "--yes"];
        let strike = failed("fsync", "error=EIO");
        let traced = tracing::run(&rig, &args, strike, &number.to_string());
        let decided = super::truth::words(&rig, "orders.bob")
            .iter()
            .any(|word| word == "decided_not_placed");
        let ended = &traced.ended;
        let told = ended.stdout.contains("settled as not placed");
        let what = format!("flush {number}: {}\n{}", ended.stdout, ended.stderr);
        assert!(decided || !told, "{what}");
        if !traced.struck {
            assert!(closings > 0, "no closing failed: {what}");
            return;
        }
        closings += usize::from(told && ended.code == Some(1));
    }
}
