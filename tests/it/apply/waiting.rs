//! `--wait`: what the run sees while it lasts, and what it does not wait for.

use serde_json::{Value, json};

use super::outcome;
use crate::rig::{Rig, action};

#[test]
fn wait_picks_up_an_approval_that_comes_during_the_run() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "55s",
        "--report",
        "json=report.json",
    ]);
    for orders in 1..=2 {
        rig.until("the order is placed", || {
            rig.effects("order_created").len() == orders
        });
        rig.approve_all();
    }
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(0));
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["summary"]["done"], 2, "{report:#}");
    assert!(action(&report, "orders.ada")["certificate_id"].is_string());
}

#[test]
fn wait_sees_an_order_of_an_earlier_run_come_into_force() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    let reads = rig.reads();
    let run = rig.spawn(&["apply", "--yes", "--wait", "55s", "--detailed-exitcode"]);
    rig.until("the run polls", || rig.reads() > reads + 3);
    rig.approve_all();
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_adopted_order_that_is_not_issued_waits_like_any_other() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    rig.apply(&[], 0);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let report = rig.apply(&["--detailed-exitcode"], 2);
    let ada = action(&report, "orders.ada");
    assert_eq!(
        (&ada["action"], &ada["outcome"]),
        (&json!("adopt"), &json!("waiting"))
    );

    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let reads = rig.reads();
    let run = rig.spawn(&["apply", "--yes", "--wait", "55s"]);
    rig.until("the run polls", || rig.reads() > reads + 6);
    rig.approve_all();
    rig.until("what builds on it is placed", || {
        rig.effects("order_created").len() == 2
    });
    rig.approve_all();
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

#[test]
fn a_run_does_not_wait_for_an_order_that_is_over() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    // It would take an hour if the run waited for what cannot come.
    let report = rig.apply(&["--wait", "1h"], 3);
    let step = action(&report, "orders.ada");
    assert_eq!(step["outcome"], "waiting");
    assert_eq!(step["waiting_for"], "`generation: 2`");
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn what_builds_on_an_order_that_is_over_says_so_and_is_not_sent() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    let report = rig.apply(&["--wait", "1h"], 3);
    let bob = action(&report, "orders.bob");
    assert_eq!(bob["outcome"], "waiting");
    assert!(
        bob["waiting_for"].as_str().unwrap().contains("is rejected"),
        "{bob}"
    );
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_rejection_during_the_run_is_left_to_a_person_and_what_builds_on_it_waits() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "55s",
        "--report",
        "json=report.json",
    ]);
    rig.until("the order is placed", || {
        rig.effects("order_created").len() == 1
    });
    rig.tell("reject", json!({ "all": true }));
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(3));
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_eq!(outcome(&report, "orders.ada"), "waiting");
    let ada = action(&report, "orders.ada");
    assert_eq!(ada["waiting_code"], "decision_rejected");
    assert_eq!(outcome(&report, "orders.bob"), "waiting");
}
