//! What administrators and others decide: refusals, requests and revocations made elsewhere.

use serde_json::{Value, json};

use super::{revocation, seeded, sent};
use crate::rig::{Rig, action};

#[test]
fn a_refused_revocation_is_not_asked_for_again_until_its_generation_rises() {
    let (rig, id) = seeded(0, "order");
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true, "comment": "not now" }));

    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "revocations.gone")["action"], "wait");
    let warning = &plan["warnings"][0];
    assert_eq!(warning["address"], "revocations.gone");
    assert!(
        warning["message"]
            .as_str()
            .unwrap()
            .contains("`generation: 2`"),
        "{warning}"
    );
    rig.apply(&[], 3);
    assert_eq!(sent(&rig).len(), 1);

    let text = revocation("gone", &id, "order");
    rig.manifest(&format!("{text}    generation: 2\n"));
    assert_eq!(
        action(&rig.plan(&[]), "revocations.gone")["action"],
        "revoke"
    );
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "revocations.gone")["outcome"], "waiting");
    assert_eq!(sent(&rig).len(), 2);
    rig.approve_all();
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
}

#[test]
fn a_refusal_during_the_run_is_left_to_a_person() {
    let (rig, _) = seeded(0, "order");
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "50s",
        "--report",
        "json=report.json",
    ]);
    rig.until("the request is open", || {
        rig.ask("state")["requests_pending"] == 1
    });
    rig.tell("reject", json!({ "all": true }));
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    let step = action(&report, "revocations.gone");
    assert_eq!(step["outcome"], "waiting");
    assert_eq!(step["waiting_code"], "decision_declined");
}

#[test]
fn what_is_revoked_already_is_kept_with_and_without_state() {
    let (rig, id) = seeded(1, "order");
    rig.tell("revoke", json!({ "order_id": id }));
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
    rig.apply(&["--detailed-exitcode"], 0);
    assert!(rig.changes().is_empty());

    let (rig, _) = seeded(0, "order");
    rig.apply(&[], 0);
    rig.approve_all();
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
    rig.apply(&[], 0);
    assert_eq!(sent(&rig).len(), 1);
}

#[test]
fn a_request_that_somebody_else_made_is_waited_for() {
    let (rig, _) = seeded(0, "order");
    rig.apply(&[], 0);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let step = action(&rig.plan(&[]), "revocations.gone").clone();
    assert_eq!(step["action"], "wait");
    assert!(
        step["waits_for"]
            .as_str()
            .unwrap()
            .contains(step["request_id"].as_str().expect("the request"))
    );
    rig.apply(&[], 0);
    assert_eq!(sent(&rig).len(), 1);
}

#[test]
fn the_run_sees_the_end_of_a_request_that_somebody_else_made() {
    let (rig, _) = seeded(0, "order");
    rig.apply(&[], 0);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let reads = rig.reads();
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "50s",
        "--report",
        "json=report.json",
    ]);
    rig.until("the run reads", || rig.reads() > reads + 4);
    rig.approve_all();
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(0));
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    let waits = action(&report, "revocations.gone")["waiting_for"].clone();
    assert!(waits.as_str().unwrap().contains("decided"), "{report:#}");
}

#[test]
fn two_entries_for_one_order_revoke_it_once_and_both_are_done() {
    let rig = Rig::new();
    let old = rig.seed(json!({ "certcentral": 1 })).remove(0);
    rig.manifest(&format!(
        "revocations:
  whole: {{ order_id: {old}, scope: order, reason: superseded, comments: x, skip_approval: true }}
  twin: {{ order_id: {old}, scope: order, reason: superseded, comments: x, skip_approval: true, after: [whole] }}
"
    ));
    let report = rig.apply(&["--allow-revocations", "2"], 0);
    assert_eq!(action(&report, "revocations.whole")["outcome"], "done");
    assert_eq!(action(&report, "revocations.twin")["outcome"], "done");
    assert_eq!(rig.effects("order_revoked").len(), 1);
    assert_eq!(rig.changes().len(), 1);
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}
