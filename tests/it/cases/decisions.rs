//! Case 28: what waits for a decision that no later run can take is told, with exit code 3, every time.

use serde_json::json;

use super::{
    applied, ask_to_revoke, automatic, bought_elsewhere, manifest, needs_a_person, person, shop,
    standing, waiting_code,
};
use crate::rig::{Rig, action};

/// Every apply ends with 3 and names the address, `plan` does not mind, and the code says what it is.
#[track_caller]
fn waits_for_a_decision(rig: &Rig, address: &str, code: &str, typed: &str) {
    for turn in ["first", "second"] {
        let said = needs_a_person(rig, address);
        assert!(said.contains(typed), "{turn}: `{typed}` is not in\n{said}");
    }
    // The same without --quiet and with --detailed-exitcode: of 3 and 2 the first holds.
    rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
        .expect(3);
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(waiting_code(rig, address), code);
    assert_eq!(standing(rig, address)["waiting_code"], code);
    let (_, report) = applied(rig);
    let step = action(&report, address);
    assert_eq!(step["outcome"], "waiting", "{step:#}");
    assert_eq!(step["waiting_code"], code, "{step:#}");
}

fn card() -> String {
    person("card", "P", "")
}

#[test]
fn case_28_an_approval_that_is_pending_is_no_decision_of_ours() {
    let rig = Rig::new();
    manifest(&rig, &[card()], &[]);
    for _ in 0..2 {
        let ended = rig.certplan(&["apply", "--yes", "--quiet"]).expect(0);
        assert_eq!(ended.stderr, "");
    }
    rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
        .expect(2);
    assert_eq!(waiting_code(&rig, "orders.card"), "approval");
}

#[test]
fn case_28_a_rejected_order_is_told_in_every_run_until_it_is_decided() {
    let rig = Rig::new();
    manifest(&rig, &[card()], &[]);
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    waits_for_a_decision(&rig, "orders.card", "decision_rejected", "generation: 2");
    manifest(&rig, &[person("card", "P", "generation: 2")], &[]);
    rig.apply(&[], 0);
    assert_eq!(waiting_code(&rig, "orders.card"), "approval");
}

#[test]
fn case_28_a_revocation_behind_a_rejected_order_is_not_lost_in_silence() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1 }));
    let leak = ask_to_revoke("leak", "order_id: 70000001, after: [card]", "order");
    manifest(&rig, &[card()], std::slice::from_ref(&leak));
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    needs_a_person(&rig, "orders.card");
    let (code, report) = applied(&rig);
    assert_eq!(code, 3);
    let rejected = action(&report, "orders.card");
    assert_eq!(
        rejected["waiting_code"], "decision_rejected",
        "{rejected:#}"
    );
    let step = action(&report, "revocations.leak");
    assert_eq!(
        step["outcome"], "waiting",
        "hangs behind what waits: {step:#}"
    );
    assert_eq!(step["waiting_code"], "dependency", "{step:#}");
}

#[test]
fn case_28_a_canceled_order_is_told() {
    for by_the_api in [true, false] {
        let rig = Rig::new();
        rig.tell("options", json!({ "validation": "open" }));
        manifest(&rig, &[shop("shop", "")], &[]);
        rig.apply(&[], 0);
        rig.approve_all();
        rig.apply(&[], 0);
        if by_the_api {
            let cancel = json!({ "status": "canceled", "note": "not wanted" });
            rig.certcentral("PUT", "/order/certificate/70000001/status", &cancel);
        } else {
            rig.tell("cancel", json!({ "order_id": 70_000_001 }));
        }
        waits_for_a_decision(&rig, "orders.shop", "decision_canceled", "generation: 2");
    }
}

#[test]
fn case_28_an_order_revoked_outside_is_told() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig.tell("revoke", json!({ "order_id": 70_000_001 }));
    waits_for_a_decision(&rig, "orders.shop", "decision_revoked", "generation: 2");
}

#[test]
fn case_28_an_order_that_the_manifest_revokes_is_no_question() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    manifest(
        &rig,
        &[shop("shop", "")],
        &[super::revoke("leaver", "order: shop", "order")],
    );
    rig.apply(&[], 0);
    rig.apply(&["--detailed-exitcode"], 0);
}

#[test]
fn case_28_a_refused_revocation_is_told() {
    for scope in ["order", "{ certificate_id: 90000001 }", "duplicates"] {
        let rig = Rig::new();
        rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 1 }));
        let leak = ask_to_revoke("leak", "order_id: 70000001", scope);
        manifest(&rig, &[], &[leak]);
        rig.apply(&[], 0);
        rig.tell("reject", json!({ "all": true }));
        waits_for_a_decision(
            &rig,
            "revocations.leak",
            "decision_declined",
            "generation: 2",
        );
        let again = ask_to_revoke("leak", "generation: 2, order_id: 70000001", scope);
        manifest(&rig, &[], &[again]);
        rig.apply(&[], 0);
        rig.approve_all();
        rig.apply(&["--detailed-exitcode"], 0);
    }
}

#[test]
fn case_28_a_twin_is_told() {
    let rig = Rig::new();
    automatic(&rig);
    let order = bought_elsewhere(&rig, &["shop.example.com"]);
    manifest(&rig, &[shop("shop", "")], &[]);
    let typed = format!("existing_order_id: {order}");
    waits_for_a_decision(&rig, "orders.shop", "decision_twin", &typed);
    manifest(&rig, &[shop("shop", &typed)], &[]);
    rig.apply(&[], 0);
}

/// What else there is to do is done all the same, and a failure is worse than a decision.
#[test]
fn case_28_the_rest_is_carried_out_and_a_failure_comes_first() {
    let rig = Rig::new();
    manifest(&rig, &[card()], &[]);
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    automatic(&rig);
    manifest(&rig, &[card(), person("other", "O", "")], &[]);
    let (code, report) = applied(&rig);
    assert_eq!(code, 3);
    assert_eq!(action(&report, "orders.other")["outcome"], "done");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "error_before", "status": 400 }]));
    manifest(
        &rig,
        &[card(), person("other", "O", ""), person("third", "T", "")],
        &[],
    );
    let (code, _) = applied(&rig);
    assert_eq!(code, 1);
    // An unknown outcome comes before both.
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before" }]));
    let fourth = [card(), person("other", "O", ""), person("fourth", "F", "")];
    manifest(&rig, &fourth, &[]);
    let (code, report) = applied(&rig);
    assert_eq!(code, 3);
    assert_eq!(report["summary"]["unknown"], 1, "{report:#}");
}
