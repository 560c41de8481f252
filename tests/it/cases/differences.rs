//! Case 15: what differs between an entry and its order is a reissue, or is told by name.

use serde_json::{Value, json};

use super::{
    applied, automatic, csr, info, lose_state, manifest, new_key, planned, shop, status_of, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

/// An order of the console, bound to `shop` by import. Its key is not that of `shop.csr`.
fn imported() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    super::bought_elsewhere(&rig, &["shop.example.com"]);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.certplan(&["import", "orders.shop", ORDER, "--yes"])
        .expect(0);
    rig
}

/// Every key beside the entry is a reissue, and it comes into force.
#[track_caller]
fn is_rekeyed(rig: &Rig, what: &str) {
    assert_eq!(word(rig, "orders.shop"), "reissue", "{what}");
    new_key(rig, "shop.csr");
    assert_eq!(word(rig, "orders.shop"), "reissue", "{what}: a later key");
    let before = info(rig, ORDER)["reissues_count"]
        .as_u64()
        .expect("a count");
    rig.apply(&[], 0);
    let shown = info(rig, ORDER);
    assert_eq!(shown["reissues_count"], before + 1, "{what}");
    let asked = std::fs::read_to_string(rig.path("shop.csr")).expect("a CSR");
    assert_eq!(shown["certificate"]["csr"], json!(asked), "{what}");
    assert_eq!(word(rig, "orders.shop"), "keep", "{what}: done once");
    assert_eq!(status_of(rig, ORDER), "issued");
}

#[test]
fn case_15_an_imported_order_is_rekeyed() {
    let rig = imported();
    is_rekeyed(&rig, "imported");
    // And again: every later key too.
    new_key(&rig, "shop.csr");
    is_rekeyed(&rig, "imported, later");
}

#[test]
fn case_15_an_imported_order_of_the_same_key_is_left_alone() {
    let rig = Rig::new();
    automatic(&rig);
    let key = csr();
    let body = json!({
        "certificate": { "common_name": "shop.example.com", "csr": key, "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "order_validity": { "years": 1 }, "skip_approval": true,
    });
    rig.certcentral("POST", "/order/certificate/ssl_multi_domain", &body);
    rig.write("shop.csr", key);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.certplan(&["import", "orders.shop", ORDER, "--yes"])
        .expect(0);
    assert_eq!(word(&rig, "orders.shop"), "keep");
    is_rekeyed_after_a_new_key(&rig, "imported with its key");
}

#[track_caller]
fn is_rekeyed_after_a_new_key(rig: &Rig, what: &str) {
    new_key(rig, "shop.csr");
    is_rekeyed(rig, what);
}

#[test]
fn case_15_an_adopted_order_is_rekeyed() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    lose_state(&rig);
    assert_eq!(word(&rig, "orders.shop"), "adopt");
    rig.apply(&[], 0);
    is_rekeyed_after_a_new_key(&rig, "adopted");
}

/// The key was changed while there was no state: the order is not bought again, and the key is not forgotten.
#[test]
fn case_15_a_key_that_was_changed_before_the_adoption_is_seen_after_it() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    lose_state(&rig);
    new_key(&rig, "shop.csr");
    let plan = planned(&rig);
    let step = action(&plan, "orders.shop");
    if step["action"] == "wait" {
        // An order whose key is another one may be taken over by a person alone.
        assert!(warnings(&plan, "orders.shop").contains("key"), "{plan:#}");
        rig.certplan(&["apply", "--yes"]).expect(3);
        rig.certplan(&["import", "orders.shop", ORDER, "--yes"])
            .expect(0);
    } else {
        assert_eq!(step["action"], "adopt", "{step:#}");
        rig.apply(&[], 0);
    }
    assert_eq!(info(&rig, ORDER)["reissues_count"], 0);
    assert_eq!(super::orders_at_the_ca(&rig), 1);
    is_rekeyed(&rig, "adopted with another key");
}

#[test]
fn case_15_an_order_taken_over_by_its_id_is_rekeyed() {
    let rig = Rig::new();
    automatic(&rig);
    super::bought_elsewhere(&rig, &["shop.example.com"]);
    manifest(
        &rig,
        &[shop("shop", &format!("existing_order_id: {ORDER}"))],
        &[],
    );
    assert_eq!(word(&rig, "orders.shop"), "adopt");
    rig.apply(&[], 0);
    assert_eq!(info(&rig, ORDER)["reissues_count"], 0);
    is_rekeyed(&rig, "taken over");
}

#[test]
fn case_15_an_order_that_was_bought_is_rekeyed() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    is_rekeyed_after_a_new_key(&rig, "bought");
    // Somebody rekeys it in the console: what the entry says comes back.
    let body = json!({ "certificate": { "csr": csr(), "signature_hash": "sha256" }, "skip_approval": true });
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{ORDER}/reissue"),
        &body,
    );
    let plan = planned(&rig);
    let step = action(&plan, "orders.shop");
    let told = step["action"] == "reissue" || !warnings(&plan, "orders.shop").is_empty();
    assert!(
        told,
        "a key of the console's is neither told nor exchanged: {step:#}"
    );
    rig.apply(&["--detailed-exitcode"], 0);
    let asked = std::fs::read_to_string(rig.path("shop.csr")).expect("a CSR");
    assert_eq!(info(&rig, ORDER)["certificate"]["csr"], json!(asked));
    assert_eq!(word(&rig, "orders.shop"), "keep");
}

/// Reads of the order in a fresh plan.
fn reads_of_the_order(rig: &Rig) -> usize {
    let (_, reads) = super::reads_of(rig, || planned(rig));
    let of_it = reads.iter().filter(|path| path.contains(ORDER));
    of_it.count()
}

/// Somebody reissues the order in the console.
fn reissued_in_the_console(rig: &Rig, csr: &str) {
    let body =
        json!({ "certificate": { "csr": csr, "signature_hash": "sha256" }, "skip_approval": true });
    let path = format!("/order/certificate/{ORDER}/reissue");
    rig.certcentral("POST", &path, &body);
}

/// The reissue is refused: the next plan knows of the other key all the same, whatever was noted meanwhile.
#[test]
fn case_15_a_key_of_the_console_is_not_forgotten_when_its_exchange_fails() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    assert_eq!(reads_of_the_order(&rig), 0, "nothing looks odd");
    reissued_in_the_console(&rig, &csr());
    rig.faults(
        json!([{ "match": { "method": "POST", "path_contains": "/reissue" },
        "fault": "answer_before", "status": 400,
        "body": { "errors": [{ "code": "invalid_value:csr", "message": "no" }] } }]),
    );
    for _ in 0..2 {
        rig.certplan(&["apply", "--yes"]).expect(1);
        assert_eq!(word(&rig, "orders.shop"), "reissue");
    }
    rig.faults(json!([]));
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(word(&rig, "orders.shop"), "keep");
    assert_eq!(reads_of_the_order(&rig), 0);
}

/// A colleague reissues the order with the very key of the entry: it is read once and is nobody's fault.
#[test]
fn case_15_an_exchange_for_the_same_key_is_kept_and_read_once() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    let key = std::fs::read_to_string(rig.path("shop.csr")).expect("a CSR");
    reissued_in_the_console(&rig, &key);
    assert_eq!(word(&rig, "orders.shop"), "keep");
    assert_eq!(warnings(&planned(&rig), "orders.shop"), "");
    assert_ne!(reads_of_the_order(&rig), 0);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(reads_of_the_order(&rig), 0, "it is known now");
    // The manifest follows what the console did first.
    let newer = csr();
    reissued_in_the_console(&rig, &newer);
    rig.write("shop.csr", newer);
    assert_eq!(word(&rig, "orders.shop"), "keep", "it is there already");
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(info(&rig, ORDER)["reissues_count"], 2);
}

fn warnings(plan: &Value, address: &str) -> String {
    let warnings = plan["warnings"].as_array().expect("warnings").iter();
    warnings
        .filter(|warning| warning["address"] == address)
        .map(|warning| warning["message"].as_str().expect("a message"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Order info without the request: what cannot be compared is told, and nothing is sent for it.
#[test]
fn case_15_a_key_that_cannot_be_compared_is_told_by_name() {
    let rig = imported();
    let mut shown = info(&rig, ORDER);
    shown["certificate"]
        .as_object_mut()
        .expect("an object")
        .remove("csr");
    rig.faults(json!([{ "match": { "method": "GET", "path_contains": format!("/order/certificate/{ORDER}") },
        "fault": "answer_before", "body": shown }]));
    new_key(&rig, "shop.csr");
    let plan = planned(&rig);
    let told = warnings(&plan, "orders.shop");
    assert!(told.contains("csr") || told.contains("key"), "{plan:#}");
    let (_, report) = applied(&rig);
    assert_eq!(report["summary"]["failed"], 0, "{report:#}");
    rig.faults(json!([]));
    assert_eq!(info(&rig, ORDER)["reissues_count"], 0);
}

#[test]
fn case_15_an_import_says_what_differs_and_the_next_plan_shows_it() {
    let rig = Rig::new();
    automatic(&rig);
    super::bought_elsewhere(&rig, &["shop.example.com", "www.example.com"]);
    manifest(&rig, &[shop("shop", "")], &[]);
    let ended = rig
        .certplan(&["import", "orders.shop", ORDER, "--yes"])
        .expect(0);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(all.contains("www.example.com"), "{all}");
    let plan = planned(&rig);
    let step = action(&plan, "orders.shop").to_string();
    let told = format!("{step}{}", warnings(&plan, "orders.shop"));
    assert!(told.contains("www.example.com"), "{plan:#}");
}
