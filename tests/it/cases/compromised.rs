//! Case 20: a key that a revocation calls compromised is not to be used again.

use super::{applied, automatic, manifest, planned, revoke, standing, tls};
use crate::rig::Rig;

/// What `validate` says; it passes.
fn said(rig: &Rig) -> String {
    let ended = rig.certplan(&["validate"]).expect(0);
    format!("{}{}", ended.stdout, ended.stderr)
}

/// Addresses of the plan's warnings about a compromised key; an empty one for the whole plan.
fn warned(rig: &Rig) -> Vec<String> {
    let plan = planned(rig);
    let warnings = plan["warnings"].as_array().expect("warnings");
    warnings
        .iter()
        .filter(|warning| warning.to_string().contains("keyCompromise"))
        .map(|warning| warning["address"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn case_20_a_replacement_with_the_compromised_key_is_told_by_both_names() {
    let rig = Rig::new();
    let entries = |key: &str| {
        [
            tls("old", &["shop.example.com"], ""),
            tls("new", &["shop.example.com"], "renewal_of: old").replace("new.csr", key),
        ]
    };
    let leak = [revoke("leak", "order: old", "order")];
    manifest(&rig, &entries("old.csr"), &leak);
    let text = said(&rig);
    for name in ["`orders.new`", "`orders.old`", "`revocations.leak`"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    manifest(&rig, &entries("new.csr"), &leak);
    assert!(!said(&rig).contains("keyCompromise"), "{}", said(&rig));
    let superseded = [leak[0].replace("keyCompromise", "superseded")];
    manifest(&rig, &entries("old.csr"), &superseded);
    assert!(!said(&rig).contains("revokes for"), "{}", said(&rig));
}

#[test]
fn case_20_an_order_by_its_id_and_one_certificate_tell_of_a_key_too() {
    let rig = Rig::new();
    let orders = [
        tls("old", &["a.example.com"], "existing_order_id: 70000001"),
        tls("same", &["b.example.com"], "").replace("same.csr", "old.csr"),
    ];
    manifest(
        &rig,
        &orders,
        &[revoke("leak", "order_id: 70000001", "order")],
    );
    assert!(said(&rig).contains("`orders.same` has the key of `orders.old`"));
    let one = "{ certificate_id: 5 }";
    manifest(&rig, &orders, &[revoke("leak", "order: old", one)]);
    assert!(said(&rig).contains("`orders.same` has the key of `orders.old`"));
    manifest(&rig, &orders, &[revoke("leak", "order: old", "duplicates")]);
    assert!(!said(&rig).contains("has the key of"));
    // An order that is revoked as well needs no warning.
    let both = [
        revoke("leak", "order: old", "order"),
        revoke("also", "order: same", "order"),
    ];
    manifest(&rig, &orders, &both);
    assert!(!said(&rig).contains("has the key of"));
}

#[test]
fn case_20_the_plan_names_every_other_order_with_the_key() {
    let rig = Rig::new();
    automatic(&rig);
    let orders = [
        tls("old", &["a.example.com"], ""),
        tls("same", &["b.example.com"], "").replace("same.csr", "old.csr"),
        tls("other", &["c.example.com"], ""),
    ];
    manifest(&rig, &orders, &[]);
    assert_eq!(applied(&rig).0, 0);
    let leak = [revoke("leak", "order: old", "order")];
    manifest(&rig, &orders, &leak);
    assert_eq!(warned(&rig), ["orders.same"]);
    // Also by the order's id, after it was carried out, and until the other one has a new key.
    let id = standing(&rig, "orders.old")["order_id"].clone();
    let id = id.as_str().expect("an id");
    let leak = [revoke("leak", &format!("order_id: {id}"), "order")];
    manifest(&rig, &orders, &leak);
    assert_eq!(warned(&rig), ["orders.same"]);
    assert_eq!(applied(&rig).0, 0);
    assert_eq!(warned(&rig), ["orders.same"]);
    let orders = [
        orders[0].clone(),
        tls("same", &["b.example.com"], ""),
        orders[2].clone(),
    ];
    manifest(&rig, &orders, &leak);
    assert_eq!(applied(&rig).0, 0);
    assert_eq!(warned(&rig), Vec::<String>::new());
}

#[test]
fn case_20_the_order_that_is_revoked_is_no_other_order() {
    let rig = Rig::new();
    automatic(&rig);
    let orders = [tls("old", &["a.example.com"], "")];
    manifest(&rig, &orders, &[]);
    assert_eq!(applied(&rig).0, 0);
    let certificate = super::certificate_of(&rig, "70000001");
    let scope = format!("{{ certificate_id: {certificate} }}");
    let leak = [revoke("leak", "order: old", &scope)];
    manifest(&rig, &orders, &leak);
    assert_eq!(warned(&rig), Vec::<String>::new());
    assert_eq!(applied(&rig).0, 0);
    assert_eq!(warned(&rig), Vec::<String>::new());
}
