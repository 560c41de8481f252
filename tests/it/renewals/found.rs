//! Renewals that the state does not know of: they are found by their tags, and nothing is bought or reissued for that.

use std::fs;

use serde_json::json;

use super::{Calendar, WWW, is};
use crate::rig::action;

/// A calendar whose `www` was renewed twice.
fn renewed_twice() -> Calendar {
    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    while calendar.status()["order_id"] != "70000003" {
        calendar.pass(20);
        calendar.rig.apply(&[], 0);
        assert!(calendar.days < 800, "{:?}", calendar.orders());
    }
    calendar
}

#[test]
fn a_lost_state_walks_the_chain_of_orders() {
    let calendar = renewed_twice();
    let calls = calendar.calls();
    let served = calendar.served();
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(calendar.rig.path(&format!(".certplan/{file}")));
    }
    let plan = calendar.rig.plan(&[]);
    assert_eq!(action(&plan, WWW)["action"], "adopt");
    calendar.rig.apply(&[], 0);
    assert_eq!(calendar.status()["order_id"], "70000003");
    calendar.rig.apply(&[], 0);
    assert_eq!(
        calendar.calls(),
        calls,
        "nothing is bought and nothing is reissued"
    );
    assert_eq!(calendar.served(), served);
    assert_eq!(calendar.word(), is("keep", "in_force"));
}

#[test]
fn a_state_from_before_the_renewal_finds_it() {
    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    while calendar.days < 320 {
        calendar.pass(20);
        calendar.rig.apply(&[], 0);
    }
    let state = calendar.rig.path(".certplan/state.db");
    fs::copy(&state, calendar.rig.path("before.db")).expect("a copy");
    calendar.pass(20);
    calendar.rig.apply(&[], 0);
    assert_eq!(calendar.status()["order_id"], "70000002");
    let calls = calendar.calls();
    for log in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(calendar.rig.path(&format!(".certplan/{log}")));
    }
    fs::copy(calendar.rig.path("before.db"), &state).expect("a copy");
    let (action, reason) = calendar.word();
    assert_eq!(
        (action.as_str(), reason.as_str()),
        ("adopt", "renewal_found")
    );
    calendar.rig.apply(&[], 0);
    assert_eq!(calendar.status()["order_id"], "70000002");
    calendar.rig.apply(&[], 0);
    assert_eq!(calendar.calls(), calls);
}

#[test]
fn a_renewal_whose_answer_is_lost_is_bought_once() {
    for fault in ["cut_after", "cut_before"] {
        let mut calendar = Calendar::new("{}");
        calendar.rig.apply(&[], 0);
        while calendar.days < 320 {
            calendar.pass(20);
            calendar.rig.apply(&[], 0);
        }
        calendar.pass(20);
        calendar.rig.faults(json!([
            { "match": { "method": "POST", "path_contains": "/order/certificate/ssl_basic" }, "fault": fault, "times": 1 }
        ]));
        calendar.rig.certplan(&["apply", "--yes"]);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        for _ in 0..4 {
            calendar.rig.certplan(&["apply", "--yes"]);
        }
        assert_eq!(calendar.orders()["www"].len(), 2, "{fault}");
        assert_eq!(calendar.status()["order_id"], "70000002", "{fault}");
    }
}

#[test]
fn a_renewal_outside_is_taken_over_by_hand() {
    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    while calendar.days < 320 {
        calendar.pass(20);
        calendar.rig.apply(&[], 0);
    }
    let first = &calendar.orders()["www"][0];
    let body = json!({
        "certificate": { "common_name": "www.example.com", "dns_names": ["www.example.com"],
            "csr": crate::rig::csr("www.example.com"), "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "order_validity": { "years": 1 },
        "renewal_of_order_id": first["id"],
    });
    calendar
        .rig
        .certcentral("POST", "/order/certificate/ssl_basic", &body);
    calendar.pass(20);
    let calls = calendar.calls();
    let plan = calendar.rig.plan(&[]);
    let held = action(&plan, WWW);
    assert_eq!(
        (&held["action"], &held["reason_code"]),
        (&json!("wait"), &json!("renewed_already"))
    );
    assert!(
        plan["warnings"]
            .to_string()
            .contains("certplan import orders.www 70000002"),
        "{plan}"
    );
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(calendar.calls(), calls);
    calendar
        .rig
        .certplan(&["import", WWW, "70000002", "--yes"])
        .expect(0);
    assert_eq!(calendar.status()["order_id"], "70000002");
    assert_eq!(calendar.calls(), calls);
}

#[test]
fn a_revocation_of_an_earlier_order_never_takes_the_present_one() {
    let calendar = renewed_twice();
    let manifest = fs::read_to_string(calendar.rig.path("certplan.yaml")).expect("a manifest");
    let revocation =
        "revocations:\n  old: { order: www, scope: order, reason: superseded, comments: a test }\n";
    calendar
        .rig
        .write("certplan.yaml", format!("{manifest}{revocation}"));
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(calendar.rig.path(&format!(".certplan/{file}")));
    }
    for _ in 0..3 {
        calendar.rig.certplan(&["apply", "--yes"]);
    }
    assert_eq!(calendar.rig.effects("revocation_requested").len(), 0);
    let plan = calendar.rig.plan(&[]);
    let held = action(&plan, "revocations.old");
    assert_eq!(
        (&held["action"], &held["reason_code"]),
        (&json!("wait"), &json!("earlier_order"))
    );
    assert_eq!(held["waiting_code"], "decision_earlier_order");
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
}
