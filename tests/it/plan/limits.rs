//! Guard rails: policy limits, the expected digest, the detailed exit code.

use serde_json::json;

use crate::contract::assert_valid;
use crate::rig::Rig;

#[test]
fn the_detailed_exit_code_is_2_only_when_apply_has_something_to_do() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
    rig.apply(&[], 0);
    // Waiting alone, then unchanged.
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
    rig.approve_all();
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
    rig.orders(&["ada", "bob"], "");
    rig.certplan(&["plan"]).expect(0);
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
}

/// Twenty seeded orders and a revocation of the first so many.
fn many(rig: &Rig, revoked: usize, policy: &str) {
    let ids = rig.seed(json!({ "certcentral": 20 }));
    let mut entries = format!("{policy}revocations:\n");
    for (at, id) in ids.iter().take(revoked).enumerate() {
        entries.push_str(&format!(
            "  r{at}: {{ order_id: {id}, scope: order, reason: superseded, comments: x }}\n"
        ));
    }
    rig.manifest(&entries);
}

#[test]
fn thirty_percent_is_the_limit_where_nobody_said_otherwise() {
    let rig = Rig::new();
    many(&rig, 6, "");
    assert_eq!(rig.plan(&[])["summary"]["revoke"], 6);
    let rig = Rig::new();
    many(&rig, 7, "");
    let refused = rig.certplan(&["plan"]).expect(5);
    assert!(refused.stdout.contains("7 to revoke"), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("max_revocation_percent"),
        "{}",
        refused.stderr
    );
    let json = rig.certplan(&["plan", "--format", "json"]).expect(5).json();
    assert_valid("plan", &json);
    assert_eq!(json["breaches"][0]["rule"], "max_revocation_percent");
    rig.certplan(&["apply", "--yes"]).expect(5);
    assert!(rig.changes().is_empty());
    rig.certplan(&["plan", "--allow-revocations", "6"])
        .expect(5);
    rig.certplan(&["plan", "--allow-revocations", "7"])
        .expect(0);
    rig.apply(&["--allow-revocations", "7"], 0);
    assert_eq!(rig.changes().len(), 7);
}

#[test]
fn fewer_than_twenty_certificates_have_no_limit_by_themselves() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 19 }));
    let entries: String = ids
        .iter()
        .enumerate()
        .map(|(at, id)| {
            format!(
                "  r{at}: {{ order_id: {id}, scope: order, reason: superseded, comments: x }}\n"
            )
        })
        .collect();
    rig.manifest(&format!("revocations:\n{entries}"));
    assert_eq!(rig.plan(&[])["summary"]["revoke"], 19);
    rig.manifest(&format!(
        "policy: {{ max_revocation_percent: 50 }}\nrevocations:\n{entries}"
    ));
    rig.certplan(&["plan"]).expect(5);
}

#[test]
fn the_policy_limits_orders_and_revocations() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "policy: { max_orders: 1 }\n");
    let refused = rig.certplan(&["plan"]).expect(5);
    assert!(refused.stderr.contains("max_orders"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("--allow-orders 2"),
        "{}",
        refused.stderr
    );
    rig.certplan(&["apply", "--yes"]).expect(5);
    assert!(rig.changes().is_empty());
    rig.certplan(&["plan", "--target", "orders.ada"]).expect(0);
    rig.certplan(&["plan", "--allow-orders", "2"]).expect(0);

    let rig = Rig::new();
    many(&rig, 3, "policy: { max_revocations: 2 }\n");
    let refused = rig.certplan(&["plan"]).expect(5);
    assert!(
        refused.stderr.contains("max_revocations"),
        "{}",
        refused.stderr
    );
    rig.certplan(&["plan", "--allow-revocations", "3"])
        .expect(0);
}

#[test]
fn a_policy_from_outside_is_tightened_and_never_loosened_by_the_manifest() {
    let rig = Rig::new();
    rig.write("policy.yaml", "max_orders: 1\n");
    rig.orders(&["ada", "bob"], "policy: { max_orders: 50 }\n");
    rig.certplan(&["plan"]).expect(0);
    rig.certplan(&["plan", "--policy", "policy.yaml"]).expect(5);
    rig.certplan(&["apply", "--yes", "--policy", "policy.yaml"])
        .expect(5);
    rig.write("policy.yaml", "max_orders: 50\n");
    rig.orders(&["ada", "bob"], "policy: { max_orders: 1 }\n");
    rig.certplan(&["plan", "--policy", "policy.yaml"]).expect(5);
    rig.write("policy.yaml", "max_order: 1\n");
    rig.certplan(&["plan", "--policy", "policy.yaml"]).expect(1);
    assert!(rig.changes().is_empty());
}

#[test]
fn apply_goes_on_only_with_the_expected_digest() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let id = rig.plan(&[])["plan_id"].as_str().unwrap().to_owned();
    let zeros = format!("sha256:{}", "0".repeat(64));
    let refused = rig
        .certplan(&["apply", "--yes", "--expect", &zeros])
        .expect(5);
    assert!(refused.stderr.contains(&id), "{}", refused.stderr);
    assert!(rig.changes().is_empty());
    rig.certplan(&["apply", "--yes", "--expect", &id]).expect(0);
    assert_eq!(rig.effects("order_created").len(), 1);
    rig.certplan(&["apply", "--yes", "--expect", &id]).expect(5);
}
