//! What changes between the plan and the send stops a revocation.

use serde_json::{Value, json};

use super::{revocation, sent};
use crate::rig::{Rig, action};

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
