//! Case 05: a name and its order can be parted, and nothing is bought beside a twin.

use serde_json::json;

use super::{
    automatic, bought_elsewhere, lose_state, manifest, needs_a_person, orders_at_the_ca, person,
    planned, shop, standing, tls, waiting_code, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

fn placed() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig
}

/// The entry under its new name, with the key that the order has.
fn renamed(rig: &Rig, more: &str) {
    let key = std::fs::read(rig.path("shop.csr")).expect("a CSR");
    rig.write("shop-prod.csr", key);
    manifest(rig, &[shop("shop-prod", more)], &[]);
}

/// A twin: nothing is bought, a person is told what to type, `plan` stays 0.
#[track_caller]
fn is_a_twin_of(rig: &Rig, address: &str, order: &str) {
    let plan = planned(rig);
    let step = action(&plan, address);
    assert_eq!(step["action"], "wait", "{step:#}");
    assert_eq!(step["waiting_code"], "decision_twin", "{step:#}");
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
    let before = orders_at_the_ca(rig);
    for _ in 0..2 {
        let said = needs_a_person(rig, address);
        assert!(said.contains(order), "{said}");
        assert!(said.contains("allow_similar"), "{said}");
    }
    assert_eq!(orders_at_the_ca(rig), before, "bought beside a twin");
}

#[test]
fn case_05_a_renamed_entry_is_a_twin_and_import_binds_it_anew() {
    let rig = placed();
    renamed(&rig, "");
    is_a_twin_of(&rig, "orders.shop-prod", ORDER);
    rig.certplan(&["import", "orders.shop-prod", ORDER, "--yes"])
        .expect(0);
    assert_eq!(word(&rig, "orders.shop-prod"), "keep");
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(orders_at_the_ca(&rig), 1);
    // The old name stands for nothing any more.
    let warnings = planned(&rig)["warnings"].to_string();
    assert!(!warnings.contains("orders.shop\""), "{warnings}");
}

#[test]
fn case_05_a_renamed_entry_is_a_twin_without_the_state_too() {
    let rig = placed();
    renamed(&rig, "");
    lose_state(&rig);
    is_a_twin_of(&rig, "orders.shop-prod", ORDER);
}

#[test]
fn case_05_an_entry_that_is_gone_leaves_its_order_as_a_twin() {
    // The names of the gone entry's order in other spellings, and in another order.
    for names in [
        &["b.example.com", "a.example.com"][..],
        &["A.example.com", "B.EXAMPLE.com"],
    ] {
        let rig = Rig::new();
        automatic(&rig);
        manifest(
            &rig,
            &[tls("old", &["a.example.com", "b.example.com"], "")],
            &[],
        );
        rig.apply(&[], 0);
        manifest(&rig, &[tls("new", names, "")], &[]);
        is_a_twin_of(&rig, "orders.new", ORDER);
    }
}

#[test]
fn case_05_allow_similar_buys_another_one() {
    let rig = placed();
    renamed(&rig, "allow_similar: true");
    assert_eq!(word(&rig, "orders.shop-prod"), "order");
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 2);
    assert_eq!(standing(&rig, "orders.shop-prod")["order_id"], "70000002");
    // Once only, and with the state lost not again.
    rig.apply(&["--detailed-exitcode"], 0);
    lose_state(&rig);
    assert_eq!(word(&rig, "orders.shop-prod"), "adopt");
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 2);
}

#[test]
fn case_05_existing_order_id_takes_the_order_over_under_the_new_name() {
    let rig = placed();
    renamed(&rig, &format!("existing_order_id: {ORDER}"));
    // The order carries the tag of the old name, which this account's journal gave away.
    let step = action(&planned(&rig), "orders.shop-prod").clone();
    match step["action"].as_str() {
        Some("adopt") => rig.apply(&[], 0),
        Some("wait") => {
            assert_eq!(step["waiting_code"], "decision_foreign_tag", "{step:#}");
            needs_a_person(&rig, "orders.shop-prod");
            rig.certplan(&["import", "orders.shop-prod", ORDER, "--yes"])
                .expect(0);
            rig.apply(&[], 0)
        }
        _ => panic!("{step:#}"),
    };
    assert_eq!(orders_at_the_ca(&rig), 1);
    assert_eq!(standing(&rig, "orders.shop-prod")["order_id"], ORDER);
    assert_eq!(word(&rig, "orders.shop-prod"), "keep");
}

#[test]
fn case_05_an_order_of_another_entrys_tag_is_not_taken_over_unasked() {
    let rig = placed();
    lose_state(&rig);
    let entry = shop("mine", &format!("existing_order_id: {ORDER}"));
    manifest(&rig, &[entry], &[]);
    assert_eq!(waiting_code(&rig, "orders.mine"), "decision_foreign_tag");
    needs_a_person(&rig, "orders.mine");
    assert_eq!(orders_at_the_ca(&rig), 1);
    rig.certplan(&["import", "orders.mine", ORDER, "--yes"])
        .expect(0);
    assert_eq!(standing(&rig, "orders.mine")["order_id"], ORDER);
}

#[test]
fn case_05_an_order_that_waits_is_a_twin_too() {
    let rig = Rig::new();
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    renamed(&rig, "");
    is_a_twin_of(&rig, "orders.shop-prod", ORDER);
    // Rejected, it is none any more.
    rig.tell("reject", json!({ "all": true }));
    assert_eq!(word(&rig, "orders.shop-prod"), "order");
}

#[test]
fn case_05_what_is_over_is_no_twin() {
    for end in ["revoked", "expired", "certificate revoked"] {
        let rig = placed();
        match end {
            "revoked" => rig.tell("revoke", json!({ "order_id": ORDER })),
            "expired" => rig.tell(
                "edit",
                json!({ "order_id": ORDER, "valid_till": "2026-01-20" }),
            ),
            _ => rig.tell("revoke", json!({ "certificate_id": "90000001" })),
        };
        renamed(&rig, "");
        assert_eq!(word(&rig, "orders.shop-prod"), "order", "{end}");
        rig.apply(&[], 0);
        assert_eq!(orders_at_the_ca(&rig), 2, "{end}");
    }
}

#[test]
fn case_05_an_entry_that_renews_the_order_buys() {
    let rig = placed();
    rig.renewals_at_any_time();
    renamed(&rig, &format!("renewal_of_order_id: {ORDER}"));
    assert_eq!(word(&rig, "orders.shop-prod"), "renew");
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 2);
}

#[test]
fn case_05_two_entries_of_one_manifest_are_no_twins_of_each_other() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("east", ""), shop("west", "")], &[]);
    assert_eq!(planned(&rig)["summary"]["order"], 2);
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 2);
    rig.apply(&["--detailed-exitcode"], 0);
    // A third one beside the two that the manifest stands for.
    manifest(
        &rig,
        &[shop("east", ""), shop("west", ""), shop("north", "")],
        &[],
    );
    assert_eq!(word(&rig, "orders.north"), "order");
}

#[test]
fn case_05_another_product_or_another_name_is_no_twin() {
    let rig = Rig::new();
    automatic(&rig);
    bought_elsewhere(&rig, &["shop.example.com", "www.example.com"]);
    rig.seed(json!({ "certcentral": 1, "product": "client_premium_sha2" }));
    manifest(
        &rig,
        &[shop("shop", ""), person("card", "Person 70000003", "")],
        &[],
    );
    let plan = planned(&rig);
    assert_eq!(plan["summary"]["order"], 2, "{plan:#}");
}
