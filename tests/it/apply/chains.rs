//! Dependencies: `after`, renewals of names, revocations that follow orders.

use serde_json::{Value, json};

use super::{automatic, outcome};
use crate::rig::{Rig, action};

/// Two orders and a revocation in a chain: ada issued, then bob, then the old order goes.
fn chain(rig: &Rig) -> String {
    let old = rig.seed(json!({ "certcentral": 1 })).remove(0);
    rig.orders(
        &["ada", "bob"],
        &format!(
            "    after: [{{ order: ada, until: issued }}]
revocations:
  old:
    order_id: {old}
    scope: order
    reason: superseded
    comments: replaced by bob
    after: [bob]
"
        ),
    );
    old
}

#[test]
fn a_chain_runs_through_in_one_run_when_nobody_has_to_approve() {
    let rig = Rig::new();
    automatic(&rig);
    let old = chain(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(
        action(&plan, "revocations.old")["dependencies"],
        json!([{ "address": "orders.bob", "until": "issued" }])
    );
    let report = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(report["summary"]["done"], 3, "{report:#}");
    let paths: Vec<String> = rig
        .changes()
        .iter()
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths.len(), 3);
    assert!(paths[2].ends_with(&format!("/{old}/revoke")), "{paths:?}");
    let again = rig.plan(&[]);
    assert_eq!(again["summary"]["keep"], 3);
}

#[test]
fn row_104_a_chain_waits_at_the_first_approval_and_the_next_run_goes_on() {
    let rig = Rig::new();
    chain(&rig);
    let report = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(report["summary"]["waiting"], 3);
    let bob = action(&report, "orders.bob");
    assert_eq!(bob["waiting_for"], "orders.ada (issued)");
    assert_eq!(rig.changes().len(), 1);

    rig.approve_all();
    let report = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(outcome(&report, "orders.ada"), "kept");
    assert_eq!(rig.changes().len(), 2);
    assert_eq!(
        action(&report, "revocations.old")["waiting_for"],
        "orders.bob (issued)"
    );
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 3);
}

#[test]
fn submitted_is_enough_where_the_manifest_says_so() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: submitted }]\n",
    );
    let report = rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 2);
    assert_eq!(report["summary"]["waiting"], 2);
}

#[test]
fn a_revocation_can_wait_for_another_to_be_in_force() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 2 }));
    rig.manifest(&format!(
        "revocations:
  first: {{ order_id: {}, scope: order, reason: superseded, comments: one }}
  second: {{ order_id: {}, scope: order, reason: superseded, comments: two, after: [first] }}
",
        ids[0], ids[1]
    ));
    let report = rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 1);
    assert_eq!(
        action(&report, "revocations.second")["waiting_for"],
        "revocations.first (revoked)"
    );
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 2);
}

#[test]
fn a_renewal_of_a_name_placed_in_the_same_run_carries_its_id() {
    let rig = Rig::new();
    automatic(&rig);
    rig.renewals_at_any_time();
    rig.orders(&["ada", "ada2"], "    renewal_of: ada\n");
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada2")["action"], "renew");
    assert_eq!(
        action(&plan, "orders.ada2")["dependencies"],
        json!([{ "address": "orders.ada", "until": "submitted" }])
    );
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["done"], 2, "{report:#}");
    let (first, second) = (
        action(&report, "orders.ada")["order_id"].as_str().unwrap(),
        action(&report, "orders.ada2")["order_id"].as_str().unwrap(),
    );
    assert!(renews(&rig, second, first));
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

/// Asks the sandbox whether `order` renewed `old`: a second renewal of `old` would be refused.
fn renews(rig: &Rig, order: &str, old: &str) -> bool {
    let shown = rig.certcentral("GET", &format!("/order/certificate/{old}"), &Value::Null);
    let id = |value: &Value| value.to_string().trim_matches('"').to_owned();
    shown["is_renewed"] == true && id(&shown["renewed_order_id"]) == order
}

#[test]
fn a_renewal_by_order_id_is_sent_with_it() {
    let rig = Rig::new();
    automatic(&rig);
    rig.renewals_at_any_time();
    let old = rig
        .seed(json!({ "certcentral": 1, "product": "client_premium_sha2" }))
        .remove(0);
    rig.orders(&["ada"], &format!("    renewal_of_order_id: {old}\n"));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada");
    assert_eq!(step["action"], "renew");
    let sent = &step["requests"][0]["body"]["renewal_of_order_id"];
    assert_eq!(sent.to_string().trim_matches('"'), old);
    let report = rig.apply(&[], 0);
    let new = action(&report, "orders.ada")["order_id"].as_str().unwrap();
    assert!(renews(&rig, new, &old));
}
