//! Nothing is bought twice: lost state, similar orders, lists that lag.

use serde_json::json;

use super::{automatic, lose_state, warnings};
use crate::rig::{Rig, action, csr};

#[test]
fn a_lost_state_adopts_what_was_bought() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada", "bob"], "");
    rig.apply(&[], 0);
    lose_state(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["adopt"], 2);
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(rig.effects("order_created").len(), 2);
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

#[test]
fn an_order_that_was_rejected_is_not_bought_again_when_the_state_is_lost() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    lose_state(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "adopt");
    assert!(
        warnings(&plan, "orders.ada").contains("`generation: 2`"),
        "{plan:#}"
    );
    rig.apply(&[], 3);
    assert_eq!(action(&rig.plan(&[]), "orders.ada")["action"], "wait");
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_order_that_is_bound_to_another_name_is_not_adopted_too() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada"], "");
    let csr = std::fs::read_to_string(rig.path("ada.csr")).unwrap();
    let report = rig.apply(&[], 0);
    let id = action(&report, "orders.ada")["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    lose_state(&rig);
    // A second order with the same name makes the plan look the tag up.
    rig.certcentral(
        "POST",
        "/order/certificate/client_premium_sha2",
        &json!({ "certificate": { "common_name": "ada", "emails": ["ada@example.com"],
            "signature_hash": "sha256", "csr": csr }, "organization": { "id": 112_233 },
            "validity_years": 1 }),
    );
    rig.orders(&["ada", "eve"], "");
    rig.write("ada.csr", &csr);
    rig.certplan(&["import", "orders.eve", &id, "--yes"])
        .expect(0);
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada");
    assert_eq!(step["action"], "wait", "{step:#}");
    assert!(
        warnings(&plan, "orders.ada").contains("bound to orders.eve"),
        "{plan:#}"
    );
}

#[test]
fn row_72_nothing_is_bought_beside_a_similar_order_without_our_tag() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.certcentral(
        "POST",
        "/order/certificate/client_premium_sha2",
        &json!({ "certificate": { "common_name": "ada", "emails": ["ada@example.com"],
            "signature_hash": "sha256", "csr": csr("ada") }, "organization": { "id": 112_233 },
            "validity_years": 1 }),
    );
    let theirs = rig.effects("order_created")[0]["ids"]["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada");
    assert_eq!(step["action"], "wait");
    assert_eq!(step["waiting_code"], "decision_twin");
    let warning = warnings(&plan, "orders.ada");
    assert!(
        warning.contains(&format!("existing_order_id: {theirs}"))
            && warning.contains("allow_similar"),
        "{warning}"
    );
}

#[test]
fn a_list_that_lags_behind_does_not_buy_twice() {
    let rig = Rig::new();
    rig.tell("options", json!({ "index_lag_ms": 3_600_000 }));
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "wait");
    assert_eq!(warnings(&plan, "orders.ada"), "");
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
}
