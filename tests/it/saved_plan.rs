//! A saved plan is carried out exactly, or refused before anything was sent.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::rig::{Ended, Rig, action};

/// A rig with one new order and one revocation, saved as `plan.json`; the revoked order's id.
fn saved() -> (Rig, String) {
    let rig = Rig::new();
    let id = rig.seed(json!({ "certcentral": 1 })).remove(0);
    rig.orders(
        &["ada", "bob"],
        &format!(
            "revocations:
  gone: {{ order_id: {id}, scope: order, reason: superseded, comments: left }}
"
        ),
    );
    rig.certplan(&["plan", "--out", "plan.json"]).expect(0);
    (rig, id)
}

/// Applies `plan.json`, which must be refused; returns how.
#[track_caller]
fn refused(rig: &Rig, changes: usize) -> Ended {
    let ended = rig.certplan(&["apply", "plan.json"]).expect(5);
    assert_eq!(rig.changes().len(), changes);
    assert!(!ended.stderr.trim().is_empty());
    ended
}

#[test]
fn a_saved_plan_is_carried_out_without_a_question() {
    let (rig, id) = saved();
    let shown = rig.plan(&[]);
    let ended = rig
        .certplan(&["apply", "plan.json", "--report", "json=report.json"])
        .expect(0);
    assert!(ended.stdout.contains("orders.ada"), "{}", ended.stdout);
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["plan_id"], shown["plan_id"]);
    assert_eq!(report["summary"]["waiting"], 3);
    assert_eq!(rig.effects("order_created").len(), 2);
    assert!(
        rig.changes()
            .iter()
            .any(|entry| entry["path"].as_str().unwrap().contains(&id))
    );
    // Once is enough.
    let again = refused(&rig, 3);
    assert!(again.stderr.contains("stale"), "{}", again.stderr);
}

#[test]
fn only_its_owner_can_read_it_and_no_secret_is_in_it() {
    let (rig, _) = saved();
    let path = rig.path("plan.json");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    for secret in ["sandbox-certcentral-key", "sandbox-ncloud-secret-key"] {
        assert!(!text.contains(secret));
    }
    let saved: Value = serde_json::from_str(&text).unwrap();
    let shown = rig.plan(&[]);
    assert_eq!(saved["plan"]["plan_id"], shown["plan_id"]);
    assert_eq!(saved["plan"]["manifest"], shown["manifest"]);
    assert_eq!(saved["plan"]["state"]["serial"], 0);
}

#[test]
fn row_97_an_edited_or_cut_file_is_refused() {
    let (rig, _) = saved();
    let good = std::fs::read_to_string(rig.path("plan.json")).unwrap();
    for bad in [
        good.replace("left", "right"),
        good.replacen("\"superseded\"", "\"key_compromise\"", 1),
        good[..good.len() / 2].to_owned(),
        good[..good.len() - 2].to_owned(),
        format!("{good} "),
        String::new(),
        "{}".to_owned(),
    ] {
        assert_ne!(bad, good);
        rig.write("plan.json", bad);
        refused(&rig, 0);
    }
    rig.write("plan.json", &good);
    rig.certplan(&["apply", "plan.json"]).expect(0);
    rig.certplan(&["apply", "missing.json"]).expect(1);
}

#[test]
fn row_94_a_plan_is_stale_when_the_state_has_moved_on() {
    let (rig, _) = saved();
    rig.certplan(&["apply", "--yes", "--target", "orders.ada"])
        .expect(0);
    let ended = refused(&rig, 1);
    assert!(ended.stderr.contains("stale"), "{}", ended.stderr);
    // Another state altogether.
    let (rig, _) = saved();
    rig.certplan(&[
        "apply",
        "--yes",
        "--target",
        "orders.ada",
        "--state",
        "other.db",
    ])
    .expect(0);
    rig.certplan(&["plan", "--out", "plan.json", "--state", "other.db"])
        .expect(0);
    refused(&rig, 1);
}

#[test]
fn row_98_another_manifest_is_refused() {
    let (rig, _) = saved();
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    rig.write(
        "certplan.yaml",
        text.replace("comments: left", "comments: gone"),
    );
    let ended = refused(&rig, 0);
    assert!(
        ended.stderr.contains("another manifest"),
        "{}",
        ended.stderr
    );
    // The same meaning in other words is the same manifest.
    rig.write("certplan.yaml", format!("# reviewed\n{text}"));
    rig.certplan(&["apply", "plan.json"]).expect(0);
}

#[test]
fn an_object_that_changed_at_the_ca_is_refused() {
    let (rig, id) = saved();
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{id}/duplicate"),
        &json!({ "certificate": { "common_name": format!("host-{id}.example.com"),
            "dns_names": [format!("host-{id}.example.com")], "csr": crate::rig::csr("x"),
            "signature_hash": "sha256", "server_platform": { "id": 45 } } }),
    );
    rig.approve_all();
    let ended = refused(&rig, 1);
    assert!(
        ended.stderr.contains("revocations.gone"),
        "{}",
        ended.stderr
    );

    let (rig, id) = saved();
    rig.tell("revoke", json!({ "order_id": id }));
    let ended = refused(&rig, 0);
    assert!(
        ended.stderr.contains("revocations.gone"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_does_not_matter_to_the_plan_may_change_at_the_ca() {
    let (rig, _) = saved();
    rig.seed(json!({ "certcentral": 3 }));
    rig.certplan(&["apply", "plan.json"]).expect(0);
    assert_eq!(rig.effects("order_created").len(), 2);
}

#[test]
fn row_96_another_endpoint_is_refused() {
    let (rig, _) = saved();
    let other = Rig::new();
    let endpoint = format!("digicert={}", other.base());
    let ended = rig
        .certplan(&["apply", "plan.json", "--endpoint", &endpoint])
        .expect(5);
    assert!(!ended.stderr.is_empty());
    assert!(rig.changes().is_empty() && other.changes().is_empty());
}

#[test]
fn the_targets_of_the_plan_are_kept() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    rig.certplan(&["plan", "--out", "plan.json", "--target", "orders.ada"])
        .expect(0);
    rig.certplan(&["apply", "plan.json"]).expect(0);
    assert_eq!(rig.effects("order_created").len(), 1);
    assert_eq!(action(&rig.plan(&[]), "orders.bob")["action"], "order");
}

#[test]
fn a_plan_that_breaks_the_policy_is_refused_when_it_is_applied_too() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "policy: { max_orders: 1 }\n");
    rig.certplan(&["plan", "--out", "plan.json"]).expect(5);
    if rig.path("plan.json").exists() {
        refused(&rig, 0);
    }
    rig.certplan(&["plan", "--out", "plan.json", "--allow-orders", "2"])
        .expect(0);
    refused(&rig, 0);
    rig.certplan(&["apply", "plan.json", "--allow-orders", "2"])
        .expect(0);
    assert_eq!(rig.effects("order_created").len(), 2);
}

#[test]
fn another_key_in_a_csr_file_is_another_manifest() {
    let (rig, _) = saved();
    rig.write("ada.csr", crate::rig::csr("ada"));
    let ended = refused(&rig, 0);
    assert!(
        ended.stderr.contains("another manifest"),
        "{}",
        ended.stderr
    );
}
