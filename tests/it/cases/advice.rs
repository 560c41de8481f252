//! Case 33: the end of a certificate is not the end of its order, and no advice buys what is paid.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::json;

use super::{
    automatic, csr, info, manifest, new_key, orders_at_the_ca, planned, shop, warnings, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

fn day(days: i64) -> String {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    today.saturating_add(days.days()).to_string()
}

/// The order of `shop`, whose certificate and which itself end in so many days.
fn ending(certificate: i64, order: i64) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    ends(&rig, certificate, order);
    rig
}

fn ends(rig: &Rig, certificate: i64, order: i64) {
    let edit = json!({ "order_id": ORDER, "valid_till": day(certificate), "order_valid_till": day(order) });
    rig.tell("edit", edit);
}

#[track_caller]
fn told(rig: &Rig, parts: &[&str], not: &[&str]) {
    let plan = planned(rig);
    assert_eq!(action(&plan, "orders.shop")["action"], "keep", "{plan:#}");
    let told = warnings(&plan);
    for part in parts {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    for part in not {
        assert!(!told.contains(part), "{part} is in: {told}");
    }
}

#[test]
fn case_33_before_the_end_the_way_that_costs_nothing_is_named() {
    let rig = ending(9, 190);
    let paid = day(190);
    told(
        &rig,
        &["in 9 days", &paid, "certificate.csr", "costs nothing"],
        &["renewal_of"],
    );
    // What it says works, and nothing is bought.
    new_key(&rig, "shop.csr");
    assert_eq!(word(&rig, "orders.shop"), "reissue");
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(orders_at_the_ca(&rig), 1);
    assert_eq!(info(&rig, ORDER)["reissues_count"], 1);
    for (certificate, order, told_of) in [
        (31, 190, None),
        (30, 190, Some("certificate.csr")),
        (30, 30, Some("certificate.csr")),
        (29, 29, Some("renewal_of: shop")),
        (1, 31, Some("tomorrow")),
        (0, 1, Some("ends today")),
    ] {
        let rig = ending(certificate, order);
        let told = warnings(&planned(&rig));
        match told_of {
            Some(part) => assert!(told.contains(part), "{certificate} {order}: {told}"),
            None => assert_eq!(told, "", "{certificate} {order}"),
        }
    }
}

#[test]
fn case_33_after_the_end_nothing_is_bought_while_the_order_is_paid() {
    let rig = ending(-9, 150);
    told(
        &rig,
        &["ran out on", &day(150), "a reissue at the CA costs nothing"],
        &["renewal_of", "generation"],
    );
    ends(&rig, -9, 12);
    told(
        &rig,
        &["costs nothing", &day(12), "renewal_of: shop"],
        &["generation"],
    );
    // Over: nothing is free any more, and the CA renews no order that is over.
    ends(&rig, -9, -9);
    told(
        &rig,
        &["no reissue is left", "`generation: 2` buys"],
        &["renewal_of"],
    );
    manifest(&rig, &[shop("shop", "generation: 2")], &[]);
    assert_eq!(word(&rig, "orders.shop"), "order");
}

#[test]
fn case_33_an_order_that_the_manifest_renews_needs_no_advice() {
    for certificate in [9, -9] {
        let rig = ending(certificate, 20);
        let next = super::tls("next", &["shop.example.com"], "renewal_of: shop");
        manifest(&rig, &[shop("shop", ""), next], &[]);
        told(&rig, &[], &["renewal_of", "order 70000001"]);
        rig.apply(&[], 0);
        told(&rig, &[], &["renewal_of", "order 70000001"]);
        let (_, reads) = super::reads_of(&rig, || planned(&rig));
        assert!(!reads.iter().any(|path| path.contains(ORDER)), "{reads:?}");
    }
}

#[test]
fn case_33_an_order_that_was_renewed_outside_names_its_follower() {
    for certificate in [9, -9] {
        let rig = ending(certificate, 20);
        let body = json!({
            "certificate": { "common_name": "shop.example.com", "csr": csr(), "signature_hash": "sha256" },
            "organization": { "id": 112_233 }, "order_validity": { "years": 1 },
            "renewal_of_order_id": 70_000_001, "skip_approval": true,
        });
        rig.certcentral("POST", "/order/certificate/ssl_multi_domain", &body);
        told(
            &rig,
            &[
                "renewed at the CA by order 70000002",
                "certplan forget orders.shop",
            ],
            &["renewal_of"],
        );
        // What it says works.
        rig.certplan(&["forget", "orders.shop", "--yes"]).expect(0);
        manifest(&rig, &[shop("shop", "existing_order_id: 70000002")], &[]);
        assert_eq!(word(&rig, "orders.shop"), "adopt");
        rig.apply(&[], 0);
        assert_eq!(orders_at_the_ca(&rig), 2);
    }
}

#[test]
fn case_33_without_the_ca_the_end_is_told_and_no_way() {
    let rig = ending(9, 190);
    rig.apply(&[], 0);
    let plan = rig
        .certplan(&["plan", "--offline", "--format", "json"])
        .json();
    let told = warnings(&plan);
    assert!(
        told.contains("in 9 days") && told.contains("asks the CA"),
        "{told}"
    );
    assert!(!told.contains("renewal_of"), "{told}");
}
