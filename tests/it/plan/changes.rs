//! What a change of the manifest, or of an order at the CA, comes to.

use serde_json::json;

use super::{automatic, text, tls, warnings};
use crate::rig::{Rig, action, csr};

#[test]
fn an_order_that_left_the_manifest_is_named_and_never_revoked() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada", "bob"], "");
    rig.apply(&[], 0);
    rig.orders(&["bob2"], "");
    rig.manifest("");
    let plan = rig.plan(&[]);
    assert_eq!(plan["actions"], json!([]));
    for address in ["orders.ada", "orders.bob"] {
        assert!(
            warnings(&plan, address).contains("no longer managed"),
            "{plan:#}"
        );
    }
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 2);
}

#[test]
fn a_rejected_canceled_or_revoked_order_is_bought_again_only_with_a_new_generation() {
    for end in ["reject", "cancel", "revoke"] {
        let rig = Rig::new();
        rig.orders(&["ada"], "");
        let csr = std::fs::read_to_string(rig.path("ada.csr")).unwrap();
        let report = rig.apply(&[], 0);
        let id = action(&report, "orders.ada")["order_id"].clone();
        match end {
            "reject" => rig.tell("reject", json!({ "all": true })),
            "cancel" => rig.tell("cancel", json!({ "order_id": id })),
            _ => {
                rig.approve_all();
                rig.tell("revoke", json!({ "order_id": id }))
            }
        };
        let plan = rig.plan(&[]);
        let step = action(&plan, "orders.ada");
        assert_eq!(step["action"], "wait", "{end}: {step:#}");
        assert!(
            warnings(&plan, "orders.ada").contains("`generation: 2`"),
            "{end}: {plan:#}"
        );
        // The second generation, planned before any run has seen the end of the first.
        rig.orders(&["ada"], "    generation: 2\n");
        rig.write("ada.csr", &csr);
        let plan = rig.plan(&[]);
        assert_eq!(
            action(&plan, "orders.ada")["action"],
            "order",
            "{end}: {plan:#}"
        );
        rig.apply(&[], 0);
        assert_eq!(rig.effects("order_created").len(), 2, "{end}");
        rig.approve_all();
        assert_eq!(rig.plan(&[])["summary"]["keep"], 1, "{end}");
    }
}

#[test]
fn other_terms_wait_for_the_next_renewal() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada"], "    container: { id: 445566 }\n");
    rig.apply(&[], 0);
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    rig.write(
        "certplan.yaml",
        text.replace("validity_years: 1", "validity_years: 2"),
    );
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "keep");
    assert!(
        warnings(&plan, "orders.ada").contains("next renewal"),
        "{plan:#}"
    );
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn a_new_key_is_a_reissue_of_the_same_order_and_kills_nothing() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("tls.csr", csr("shop.example.com"));
    rig.manifest(&tls(&["shop.example.com", "www.shop.example.com"]));
    let report = rig.apply(&[], 0);
    let id = action(&report, "orders.shop")["order_id"].clone();
    rig.write("tls.csr", csr("shop.example.com"));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.shop");
    assert_eq!(
        (&step["action"], &step["order_id"]),
        (&json!("reissue"), &id)
    );
    assert_eq!(step["revokes"], json!([]));
    assert!(!step["changes"].as_array().unwrap().is_empty());
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.shop")["order_id"], id);
    assert_eq!(rig.effects("order_created").len(), 1);
    assert_eq!(action(&rig.plan(&[]), "orders.shop")["action"], "keep");
}

#[test]
fn a_reissue_that_takes_a_name_away_shows_every_certificate_that_goes_with_it() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("tls.csr", csr("shop.example.com"));
    rig.manifest(&tls(&["shop.example.com", "www.shop.example.com"]));
    let report = rig.apply(&[], 0);
    let id = action(&report, "orders.shop")["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{id}/duplicate"),
        &json!({ "certificate": { "common_name": "shop.example.com",
            "dns_names": ["shop.example.com", "www.shop.example.com"],
            "csr": csr("shop.example.com"), "signature_hash": "sha256",
            "server_platform": { "id": 45 } } }),
    );
    rig.manifest(&tls(&[
        "shop.example.com",
        "www.shop.example.com",
        "new.shop.example.com",
    ]));
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.shop")["revokes"], json!([]));
    rig.manifest(&tls(&["shop.example.com"]));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.shop");
    assert_eq!(step["action"], "reissue");
    assert_eq!(step["revokes"].as_array().unwrap().len(), 2, "{step:#}");
    assert_eq!(plan["revoked_certificates"], 2);
    let shown = text(&rig, &[]);
    assert!(shown.contains("2 certificates will die"), "{shown}");
    rig.manifest(&format!(
        "policy: {{ max_revocations: 1 }}\n{}",
        tls(&["shop.example.com"])
    ));
    rig.certplan(&["plan"]).expect(5);
    rig.apply(&["--allow-revocations", "2"], 0);
    assert_eq!(action(&rig.plan(&[]), "orders.shop")["action"], "keep");
}
