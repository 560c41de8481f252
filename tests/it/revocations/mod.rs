//! Revocations of every scope: what is sent, what dies, what a refusal or a change in between does.

mod between;
mod decisions;
mod ncloud;

use serde_json::{Value, json};

use crate::rig::{Rig, action};

/// One revocation of CertCentral.
fn revocation(name: &str, order_id: &str, scope: &str) -> String {
    format!(
        "revocations:
  {name}:
    order_id: {order_id}
    scope: {scope}
    reason: cessationOfOperation
    comments: left the company
"
    )
}

/// A rig with one seeded order, its duplicates and a revocation of it.
fn seeded(duplicates: u64, scope: &str) -> (Rig, String) {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 1, "duplicates_per_order": duplicates }));
    rig.manifest(&revocation("gone", &ids[0], scope));
    (rig, ids[0].clone())
}

/// Ids of the certificates that a step would kill, in the plan's order.
fn dying(plan: &Value, address: &str) -> Vec<String> {
    let pins = action(plan, address)["revokes"].as_array().expect("pins");
    pins.iter()
        .map(|pin| pin["certificate_id"].as_str().expect("a string").to_owned())
        .collect()
}

fn paths(plan: &Value, address: &str) -> Vec<String> {
    let requests = action(plan, address)["requests"].as_array().expect("list");
    requests
        .iter()
        .map(|request| request["path"].as_str().expect("a path").to_owned())
        .collect()
}

/// Paths of the changes that the sandbox saw.
fn sent(rig: &Rig) -> Vec<String> {
    rig.changes()
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().expect("a path");
            path.replace("/services/v2", "").replace("/api/v2", "")
        })
        .collect()
}

#[test]
fn a_whole_order_is_one_request_that_an_administrator_approves() {
    let (rig, id) = seeded(2, "order");
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.gone").len(), 3);
    assert_eq!(
        paths(&plan, "revocations.gone"),
        [format!("/order/certificate/{id}/revoke")]
    );

    let report = rig.apply(&["--detailed-exitcode"], 2);
    let step = action(&report, "revocations.gone");
    assert_eq!(step["outcome"], "waiting");
    let request = step["request_id"].as_str().expect("a request id");
    assert!(step["waiting_for"].as_str().unwrap().contains(request));
    assert_eq!(sent(&rig), [format!("/order/certificate/{id}/revoke")]);

    let again = rig.plan(&[]);
    let step = action(&again, "revocations.gone");
    assert_eq!(step["action"], "wait");
    assert_eq!(step["request_id"], request);

    rig.approve_all();
    let done = rig.plan(&[]);
    assert_eq!(action(&done, "revocations.gone")["action"], "keep");
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(sent(&rig).len(), 1);
}

#[test]
fn a_certificate_by_its_id_dies_alone() {
    let (rig, id) = seeded(2, "order");
    let all = dying(&rig.plan(&[]), "revocations.gone");
    rig.manifest(&revocation(
        "gone",
        &id,
        &format!("{{ certificate_id: {} }}", all[1]),
    ));
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.gone"), [all[1].clone()]);
    assert_eq!(action(&plan, "revocations.gone")["certificate_id"], all[1]);
    rig.apply(&[], 0);
    assert_eq!(sent(&rig), [format!("/certificate/{}/revoke", all[1])]);
    rig.approve_all();
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
    let state = rig.ask("state");
    assert_eq!(state["orders"]["issued"], 1);
}

#[test]
fn a_certificate_by_its_serial_number_is_found_whatever_its_spelling() {
    let (rig, id) = seeded(1, "order");
    let plan = rig.plan(&[]);
    let pin = action(&plan, "revocations.gone")["revokes"][1].clone();
    let serial = pin["serial_number"].as_str().expect("a serial number");
    let spelled = format!("00{}", serial.to_uppercase());
    rig.manifest(&revocation(
        "gone",
        &id,
        &format!("{{ serial_number: \"{spelled}\" }}"),
    ));
    let plan = rig.plan(&[]);
    assert_eq!(
        dying(&plan, "revocations.gone"),
        [pin["certificate_id"].as_str().unwrap()]
    );
    rig.apply(&[], 0);
    assert_eq!(sent(&rig).len(), 1);
}

#[test]
fn duplicates_die_and_the_original_lives() {
    let (rig, id) = seeded(3, "order");
    let all = dying(&rig.plan(&[]), "revocations.gone");
    rig.manifest(&revocation("gone", &id, "duplicates"));
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.gone"), all[1..]);
    let kinds: Vec<&Value> = action(&plan, "revocations.gone")["revokes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pin| &pin["kind"])
        .collect();
    assert_eq!(kinds, ["duplicate"; 3]);
    let report = rig.apply(&[], 0);
    assert_eq!(
        action(&report, "revocations.gone")["revoked"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(sent(&rig).len(), 3);
    assert!(!sent(&rig).iter().any(|path| path.contains(&all[0])));
    rig.approve_all();
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
    rig.tell("revoke", json!({ "certificate_id": all[0] }));
}

#[test]
fn an_account_that_needs_no_approval_answers_at_once() {
    let (rig, _) = seeded(0, "order");
    rig.tell("options", json!({ "approval": "automatic" }));
    let report = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(action(&report, "revocations.gone")["outcome"], "done");
    assert_eq!(action(&rig.plan(&[]), "revocations.gone")["action"], "keep");
}

#[test]
fn skip_approval_is_asked_for_only_where_the_manifest_says_so() {
    let (rig, id) = seeded(0, "order");
    let body = |plan: &Value| action(plan, "revocations.gone")["requests"][0]["body"].clone();
    assert_ne!(body(&rig.plan(&[]))["skip_approval"], true);
    let text = revocation("gone", &id, "order");
    rig.manifest(&format!("{text}    skip_approval: true\n"));
    assert_eq!(body(&rig.plan(&[]))["skip_approval"], true);
    let report = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(action(&report, "revocations.gone")["outcome"], "done");
}

#[test]
fn an_order_that_this_key_does_not_see_is_a_warning_and_nothing_is_sent() {
    let rig = Rig::new();
    rig.manifest(&revocation("gone", "999999999", "order"));
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "revocations.gone")["action"], "wait");
    assert!(
        plan["warnings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("999999999")
    );
    rig.apply(&[], 3);
    assert!(rig.changes().is_empty());
}

#[test]
fn a_certificate_that_the_order_does_not_have_is_a_warning_and_nothing_is_sent() {
    let (rig, id) = seeded(1, "order");
    rig.manifest(&revocation("gone", &id, "{ certificate_id: 424242 }"));
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "revocations.gone")["action"], "wait");
    assert!(
        plan["warnings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("424242")
    );
    rig.apply(&[], 3);
    assert!(rig.changes().is_empty());
}

#[test]
fn a_reason_that_the_ca_does_not_offer_is_found_without_a_key() {
    let mut rig = Rig::new();
    rig.unset("DIGICERT_API_KEY");
    rig.manifest(&revocation("gone", "1", "order").replace("cessationOfOperation", "cACompromise"));
    let ended = rig.certplan(&["validate"]).expect(1);
    assert!(ended.stderr.contains("cACompromise"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("cessationOfOperation"),
        "{}",
        ended.stderr
    );
    rig.certplan(&["plan"]).expect(1);
    assert!(rig.changes().is_empty());
}

#[test]
fn an_order_placed_in_this_run_is_revoked_by_the_next_plan_and_the_report_says_so() {
    let rig = Rig::new();
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.orders(
        &["ada"],
        "revocations:
  ada-gone:
    order: ada
    scope: order
    reason: superseded
    comments: only a trial
",
    );
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "revocations.ada-gone")["action"], "wait");
    let report = rig.apply(&["--detailed-exitcode"], 2);
    let step = action(&report, "revocations.ada-gone");
    assert_eq!(step["outcome"], "waiting");
    assert!(
        step["waiting_for"].as_str().unwrap().contains("next plan"),
        "{step}"
    );
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.ada-gone").len(), 1);
    rig.apply(&["--detailed-exitcode"], 0);
    let after = rig.plan(&[]);
    assert_eq!(action(&after, "revocations.ada-gone")["action"], "keep");
    assert_eq!(action(&after, "orders.ada")["action"], "keep");
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_order_that_the_manifest_revokes_is_not_bought_again_when_the_state_is_lost() {
    let rig = Rig::new();
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.orders(
        &["ada"],
        "revocations:
  ada-gone: { order: ada, scope: order, reason: superseded, comments: only a trial }
",
    );
    rig.apply(&[], 0);
    rig.apply(&["--detailed-exitcode"], 0);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["order"], 0, "{plan:#}");
    rig.apply(&[], 0);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}
