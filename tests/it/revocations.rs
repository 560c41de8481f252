//! Revocations of every scope: what is sent, what dies, what a refusal or a change in between does.

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
    rig.apply(&[], 0);
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
fn a_refusal_during_the_run_fails_the_step() {
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
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    let step = action(&report, "revocations.gone");
    assert_eq!(step["outcome"], "failed");
    assert!(step["error"].as_str().unwrap().contains("refused"));
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

/// Plans, lets something happen at the CA, then carries the saved plan out with the re-read alone
/// standing between it and the revocation.
fn changes_between_plan_and_send(rig: &Rig, happens: impl Fn()) -> Value {
    // The list answers late, so that the change falls between the plan's reads and the send.
    rig.faults(json!([
        { "match": { "method": "POST", "path_contains": "/order/certificate/" },
          "fault": "delay", "ms": 3000, "times": 1 }
    ]));
    let before = rig.reads();
    let run = rig.spawn(&["apply", "--yes", "--report", "json=report.json"]);
    rig.until("the order is on its way", || {
        rig.reads() > before && !rig.effects("order_created").is_empty()
    });
    happens();
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap()
}

/// A revocation that comes after an order, so that something can happen in between.
fn after_an_order(rig: &Rig, id: &str) {
    rig.tell("options", json!({ "approval": "automatic" }));
    let rest = revocation("gone", id, "order");
    rig.orders(
        &["ada"],
        &format!("{rest}    after: [{{ order: ada, until: issued }}]\n"),
    );
}

#[test]
fn a_certificate_that_appears_after_the_plan_stops_the_revocation() {
    let rig = Rig::new();
    let id = rig.seed(json!({ "certcentral": 1 })).remove(0);
    after_an_order(&rig, &id);
    let report = changes_between_plan_and_send(&rig, || {
        let body = json!({ "certificate": {
            "common_name": format!("host-{id}.example.com"),
            "dns_names": [format!("host-{id}.example.com")],
            "csr": crate::rig::csr("x"), "signature_hash": "sha256",
            "server_platform": { "id": 45 } } });
        rig.certcentral("POST", &format!("/order/certificate/{id}/duplicate"), &body);
    });
    let step = action(&report, "revocations.gone");
    assert_eq!(step["outcome"], "failed");
    let error = step["error"].as_str().unwrap();
    assert!(
        error.contains("nothing was sent") && error.contains("now also has certificate"),
        "{error}"
    );
    assert!(!sent(&rig).iter().any(|path| path.ends_with("/revoke")));
}

#[test]
fn a_certificate_that_was_reissued_after_the_plan_stops_the_revocation() {
    let rig = Rig::new();
    let id = rig.seed(json!({ "certcentral": 1 })).remove(0);
    after_an_order(&rig, &id);
    let report = changes_between_plan_and_send(&rig, || {
        let body = json!({ "certificate": {
            "common_name": format!("host-{id}.example.com"),
            "csr": crate::rig::csr("x"), "signature_hash": "sha256",
            "server_platform": { "id": 45 } } });
        rig.certcentral("POST", &format!("/order/certificate/{id}/reissue"), &body);
    });
    let step = action(&report, "revocations.gone");
    assert_eq!(step["outcome"], "failed");
    assert!(step["error"].as_str().unwrap().contains("nothing was sent"));
    assert!(!sent(&rig).iter().any(|path| path.ends_with("/revoke")));
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
    rig.apply(&[], 0);
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
    rig.apply(&[], 0);
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

/// A revocation at ncloud.
fn ncloud(order: &str, scope: &str) -> String {
    format!(
        "revocations:
  shop:
    account: navercloud
    order_id: \"{order}\"
    scope: {scope}
    reason: superseded
"
    )
}

/// A rig with one ncloud order of so many certificates; its id and the first number.
fn ncloud_rig(certificates: u64) -> (Rig, String) {
    let rig = Rig::new();
    let seeded = rig.tell(
        "seed",
        json!({ "ncloud_orders": 1, "certificates_per_order": certificates,
                "first_certificate_no": 500 }),
    );
    let id = seeded["ncloud_order_ids"][0].as_str().unwrap().to_owned();
    (rig, id)
}

#[test]
fn one_ncloud_certificate_goes_by_its_number() {
    let (rig, order) = ncloud_rig(3);
    rig.manifest(&ncloud(&order, "{ certificate_no: 501 }"));
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.shop"), ["501"]);
    let body = &action(&plan, "revocations.shop")["requests"][0]["body"];
    assert_eq!(body["certificateNo"], 501);
    rig.apply(&[], 0);
    let changes = rig.changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["ids"]["certificate_ids"], json!([501]));
}

#[test]
fn a_whole_ncloud_order_is_the_only_way_to_certificate_number_0() {
    let (rig, order) = ncloud_rig(3);
    rig.manifest(&ncloud(&order, "order"));
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.shop").len(), 3);
    let requests = action(&plan, "revocations.shop")["requests"]
        .as_array()
        .unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["body"]["certificateNo"], 0);
    rig.apply(&[], 0);
    assert_eq!(
        rig.changes()[0]["ids"]["certificate_ids"],
        json!([500, 501, 502])
    );

    rig.manifest(&ncloud(&order, "{ certificate_no: 0 }"));
    let refused = rig.certplan(&["plan"]).expect(1);
    assert!(
        refused.stderr.contains("scope: order"),
        "{}",
        refused.stderr
    );
}

#[test]
fn ncloud_takes_its_time_and_the_run_waits_for_it() {
    let (rig, order) = ncloud_rig(2);
    rig.tell("options", json!({ "ncloud_revoke_delay_ms": 60_000 }));
    rig.manifest(&ncloud(&order, "{ certificate_no: 500 }"));
    let report = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(action(&report, "revocations.shop")["outcome"], "waiting");
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "revocations.shop")["action"], "wait");
    assert_eq!(rig.ask("state")["ncloud_certificates"]["-7"], 1);

    rig.tell("options", json!({ "ncloud_revoke_delay_ms": 1_500 }));
    rig.manifest(&ncloud(&order, "{ certificate_no: 501 }").replace("shop:", "second:"));
    let report = rig.apply(&["--wait", "50s", "--detailed-exitcode"], 0);
    assert_eq!(action(&report, "revocations.second")["outcome"], "done");
    assert_eq!(
        action(&rig.plan(&[]), "revocations.second")["action"],
        "keep"
    );
}

#[test]
fn an_ncloud_order_is_in_force_as_revoked_only_when_its_last_certificate_is() {
    let (rig, order) = ncloud_rig(2);
    rig.tell(
        "revoke",
        json!({ "provider": "ncloud", "order_id": order, "certificate_id": 500 }),
    );
    rig.tell("options", json!({ "ncloud_revoke_delay_ms": 60_000 }));
    rig.manifest(&ncloud(&order, "order"));
    assert_eq!(dying(&rig.plan(&[]), "revocations.shop"), ["501"]);
    let report = rig.apply(&["--wait", "3s"], 0);
    assert_eq!(action(&report, "revocations.shop")["outcome"], "waiting");
    assert_eq!(action(&rig.plan(&[]), "revocations.shop")["action"], "wait");
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
