//! Cases 01 and 02: what an order has reached is asked of what its entry asks for now, and of a certificate
//! that is in force.

use serde_json::{Value, json};

use super::{
    applied, ask_to_revoke, automatic, by_hand, certificate_of, info, manifest, new_key,
    orders_at_the_ca, planned, revoke, sent, shop, standing, status_of, tls, waiting_code,
};
use crate::rig::{Rig, action};

const LONG: &str = "after: [{ order: shop, until: issued }]";
const SHORT: &str = "after: [shop]";

/// The seeded order, whose name `shop` takes over.
const OLD: &str = "70000001";
const SHOP: &str = "70000002";

fn old(after: &str) -> String {
    revoke("old", &format!("order_id: {OLD}, {after}"), "order")
}

/// `shop` is issued; then it is to have the old order's name as well, and the old order is to go.
fn taken_over(after: &str) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    assert_eq!(rig.seed(json!({ "certcentral": 1 })), [OLD]);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    by_hand(&rig);
    with_both_names(&rig, after);
    rig
}

fn with_both_names(rig: &Rig, after: &str) {
    let names = ["shop.example.com", "host-70000001.example.com"];
    manifest(rig, &[tls("shop", &names, "")], &[old(after)]);
}

#[track_caller]
fn waits_behind(report: &Value) {
    let step = action(report, "revocations.old");
    assert_eq!(step["outcome"], "waiting", "{step:#}");
    assert_eq!(step["waiting_code"], "dependency", "{step:#}");
}

#[test]
fn case_01_a_revocation_waits_for_the_reissue_and_goes_when_it_is_issued() {
    for after in [LONG, SHORT] {
        let rig = taken_over(after);
        for turn in ["first", "second"] {
            let (code, report) = applied(&rig);
            assert_eq!(status_of(&rig, OLD), "issued", "{after}, {turn} apply");
            assert_eq!(code, 0, "{after}, {turn} apply");
            waits_behind(&report);
            let reissue = action(&report, "orders.shop");
            let codes = [json!("approval"), json!("reissue")];
            assert!(codes.contains(&reissue["waiting_code"]), "{reissue:#}");
        }
        assert_eq!(sent(&rig).len(), 2, "one order, one reissue: {after}");
        rig.approve_all();
        rig.apply(&[], 0);
        rig.apply(&["--detailed-exitcode"], 0);
        assert_eq!(status_of(&rig, OLD), "revoked", "{after}");
        assert_eq!(status_of(&rig, SHOP), "issued", "{after}");
    }
}

#[test]
fn case_01_what_comes_after_a_refused_reissue_is_skipped() {
    for after in [LONG, SHORT] {
        let rig = taken_over(after);
        rig.faults(
            json!([{ "match": { "method": "POST", "path_contains": "/reissue" },
            "fault": "error_before", "status": 400 }]),
        );
        for _ in 0..2 {
            let (code, report) = applied(&rig);
            assert_eq!(code, 1, "{report:#}");
            assert_eq!(action(&report, "orders.shop")["outcome"], "failed");
            assert_eq!(action(&report, "revocations.old")["outcome"], "skipped");
            assert_eq!(status_of(&rig, OLD), "issued", "{after}");
        }
        rig.faults(json!([]));
        rig.apply(&[], 0);
        rig.approve_all();
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, OLD), "revoked", "{after}");
    }
}

#[test]
fn case_01_a_reissue_that_an_administrator_rejects_opens_no_gate() {
    let rig = taken_over(LONG);
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    for turn in ["first", "second"] {
        let ended = rig.certplan(&["apply", "--yes", "--quiet"]).expect(3);
        assert!(ended.stderr.contains("orders.shop"), "{}", ended.stderr);
        assert_eq!(status_of(&rig, OLD), "issued", "{turn} apply");
    }
    assert_eq!(
        waiting_code(&rig, "orders.shop"),
        "decision_reissue_rejected"
    );
    waits_behind(&applied(&rig).1);
    let reissues = sent(&rig)
        .iter()
        .filter(|path| path.ends_with("/reissue"))
        .count();
    assert_eq!(reissues, 1, "asked for again: {:?}", sent(&rig));

    // Asked for what is in force, the entry has it, and the gate opens.
    manifest(&rig, &[shop("shop", "")], &[old(LONG)]);
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, OLD), "revoked");
    assert_eq!(status_of(&rig, SHOP), "issued");
}

#[test]
fn case_01_a_reissue_in_doubt_opens_no_gate() {
    for fault in ["cut_before", "cut_after", "error_after"] {
        let rig = taken_over(LONG);
        rig.faults(
            json!([{ "match": { "path_contains": "/reissue", "method": "POST" },
            "fault": fault, "times": 1 }]),
        );
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(status_of(&rig, OLD), "issued", "{fault}");
        for _ in 0..3 {
            rig.certplan(&["apply", "--yes"]);
            assert_eq!(status_of(&rig, OLD), "issued", "{fault}: settled");
        }
        let placed = info(&rig, SHOP)["reissues_count"].clone();
        if fault == "cut_before" {
            // It never arrived; whether it is asked for again is for a person to say.
            assert!(placed == 0 || placed == 1, "asked for {placed} times");
            continue;
        }
        assert_eq!(placed, 1, "{fault}: asked for once");
        rig.approve_all();
        rig.certplan(&["apply", "--yes"]);
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, OLD), "revoked", "{fault}");
    }
}

#[test]
fn case_01_a_new_key_that_is_under_way_opens_no_gate() {
    let rig = taken_over(SHORT);
    manifest(&rig, &[shop("shop", "")], &[old(SHORT)]);
    new_key(&rig, "shop.csr");
    let (code, report) = applied(&rig);
    assert_eq!(code, 0);
    assert_eq!(action(&report, "orders.shop")["action"], "reissue");
    waits_behind(&report);
    assert_eq!(status_of(&rig, OLD), "issued");
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, OLD), "revoked");
}

/// `shop` is issued as the old order; `shop-next` renews it, and what it has goes when that is there.
fn renewed(after: &str) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    rig.renewals_at_any_time();
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    by_hand(&rig);
    let orders = [shop("shop", ""), shop("shop-next", "renewal_of: shop")];
    manifest(&rig, &orders, &[old(after)]);
    rig
}

#[test]
fn case_01_a_renewal_in_the_same_run_opens_no_gate_before_it_is_issued() {
    for after in [
        "after: [{ order: shop-next, until: issued }]",
        "after: [shop-next]",
    ] {
        let rig = renewed(after);
        for turn in ["first", "second"] {
            let (code, report) = applied(&rig);
            assert_eq!(code, 0, "{turn}: {report:#}");
            let renewal = action(&report, "orders.shop-next");
            assert_eq!(renewal["outcome"], "waiting", "{turn}");
            waits_behind(&report);
            assert_eq!(status_of(&rig, OLD), "issued", "{after}, {turn} apply");
        }
        assert_eq!(orders_at_the_ca(&rig), 2);
        rig.approve_all();
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, OLD), "revoked", "{after}");
        assert_eq!(status_of(&rig, SHOP), "issued", "{after}");
    }
}

#[test]
fn case_01_a_renewal_that_is_rejected_opens_no_gate() {
    let rig = renewed("after: [shop-next]");
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    for _ in 0..2 {
        rig.certplan(&["apply", "--yes"]).expect(3);
        assert_eq!(status_of(&rig, OLD), "issued");
    }
}

/// A name whose order ended gets a new one; until that is issued, the name has nothing.
#[test]
fn case_01_a_replacement_under_the_same_name_opens_no_gate_before_it_is_issued() {
    let rig = taken_over(SHORT);
    rig.tell("revoke", json!({ "order_id": SHOP }));
    manifest(&rig, &[shop("shop", "generation: 2")], &[old(SHORT)]);
    for turn in ["first", "second"] {
        let (code, report) = applied(&rig);
        assert_eq!(code, 0, "{turn}: {report:#}");
        waits_behind(&report);
        assert_eq!(status_of(&rig, OLD), "issued", "{turn} apply");
    }
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, OLD), "revoked");
}

/// `shop` is issued, and nobody can use what it has; the old order waits for it.
fn with_a_dead_certificate(kill: impl FnOnce(&Rig)) -> Rig {
    let rig = taken_over(LONG);
    manifest(&rig, &[shop("shop", "")], &[]);
    let before = standing(&rig, "orders.shop");
    assert_eq!(before["state"], "issued");
    kill(&rig);
    rig
}

/// No run lets the old order die, and every output says that `shop` has nothing in force.
#[track_caller]
fn holds_the_old_one(rig: &Rig, state: &str) {
    assert_eq!(standing(rig, "orders.shop")["state"], state);
    manifest(rig, &[shop("shop", "")], &[old(LONG)]);
    let plan = planned(rig);
    let step = action(&plan, "orders.shop");
    assert_ne!(step["reason_code"], "in_force", "{step:#}");
    for turn in ["first", "second"] {
        let (_, report) = applied(rig);
        waits_behind(&report);
        assert_eq!(status_of(rig, OLD), "issued", "{turn} apply");
    }
    rig.certplan(&["status", "--metrics", "m.prom"]);
    let metrics = std::fs::read_to_string(rig.path("m.prom")).expect("metrics");
    // What ran out is named with the time of its end, which is over; what was revoked is not named.
    let now = jiff::Timestamp::now().as_second() as f64;
    let in_force = metrics
        .lines()
        .filter(|line| line.starts_with("certplan_certificate_not_after_timestamp_seconds"))
        .filter(|line| line.contains("orders.shop"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .any(|end| state != "expired" || end > now);
    assert!(!in_force, "the metrics count it as in force:\n{metrics}");
    assert_eq!(orders_at_the_ca(rig), 2, "nothing was bought");
}

#[test]
fn case_02_a_certificate_that_was_revoked_alone_opens_no_gate() {
    let rig = with_a_dead_certificate(|rig| {
        let certificate = certificate_of(rig, SHOP);
        rig.tell("revoke", json!({ "certificate_id": certificate }));
    });
    assert_eq!(status_of(&rig, SHOP), "issued", "the order stays");
    holds_the_old_one(&rig, "certificate-revoked");
}

#[test]
fn case_02_a_certificate_that_ran_out_opens_no_gate() {
    // The order ended with it, or has months left.
    for whole_order in [true, false] {
        let rig = with_a_dead_certificate(|rig| {
            let edit = if whole_order {
                json!({ "order_id": SHOP, "valid_till": "2026-01-20" })
            } else {
                json!({ "certificate_id": certificate_of(rig, SHOP), "valid_till": "2026-01-20" })
            };
            rig.tell("edit", edit);
        });
        assert_eq!(status_of(&rig, SHOP), "issued", "the order stays");
        holds_the_old_one(&rig, "expired");
    }
}

#[test]
fn case_02_a_reissued_certificate_that_was_revoked_opens_no_gate() {
    let rig = with_a_dead_certificate(|rig| {
        // A new key: the first certificate stays in force beside the new one.
        new_key(rig, "shop.csr");
        automatic(rig);
        rig.apply(&[], 0);
        let certificate = certificate_of(rig, SHOP);
        assert_eq!(info(rig, SHOP)["reissues_count"], 1);
        rig.tell("revoke", json!({ "certificate_id": certificate }));
    });
    holds_the_old_one(&rig, "certificate-revoked");
}

#[test]
fn case_02_an_order_that_goes_with_its_last_certificate_opens_no_gate() {
    let rig = with_a_dead_certificate(|rig| {
        rig.tell(
            "options",
            json!({ "habits": { "last_certificate_revoked": "revokes_order" } }),
        );
        let certificate = certificate_of(rig, SHOP);
        rig.tell("revoke", json!({ "certificate_id": certificate }));
    });
    assert_eq!(status_of(&rig, SHOP), "revoked");
    manifest(&rig, &[shop("shop", "")], &[old(LONG)]);
    for _ in 0..2 {
        let ended = rig.certplan(&["apply", "--yes", "--quiet"]).expect(3);
        assert!(ended.stderr.contains("orders.shop"), "{}", ended.stderr);
        assert_eq!(status_of(&rig, OLD), "issued");
    }
}

#[test]
fn case_02_a_dead_certificate_is_dead_without_the_state_too() {
    let rig = with_a_dead_certificate(|rig| {
        let certificate = certificate_of(rig, SHOP);
        rig.tell("revoke", json!({ "certificate_id": certificate }));
        super::lose_state(rig);
    });
    manifest(&rig, &[shop("shop", "")], &[old(LONG)]);
    for _ in 0..2 {
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(status_of(&rig, OLD), "issued");
    }
    assert_eq!(orders_at_the_ca(&rig), 2, "nothing was bought");
}

#[test]
fn case_02_a_revocation_that_is_only_asked_for_does_not_kill_yet() {
    // Until an administrator approves it, the certificate works and the gate is open.
    let rig = taken_over(LONG);
    manifest(
        &rig,
        &[shop("shop", "")],
        &[
            ask_to_revoke(
                "later",
                &format!("order_id: {SHOP}"),
                &format!("{{ certificate_id: {} }}", certificate_of(&rig, SHOP)),
            ),
            old(LONG),
        ],
    );
    rig.certplan(&["apply", "--yes", "--target", "revocations.later"])
        .expect(0);
    assert_eq!(standing(&rig, "orders.shop")["state"], "issued");
    rig.approve_all();
    assert_eq!(
        standing(&rig, "orders.shop")["state"],
        "certificate-revoked"
    );
}

#[test]
fn case_01_units_that_the_certificate_does_not_have_open_no_gate_after_a_lost_state() {
    let rig = Rig::new();
    automatic(&rig);
    assert_eq!(rig.seed(json!({ "certcentral": 1 })), [OLD]);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    by_hand(&rig);
    super::lose_state(&rig);
    let with_units =
        shop("shop", "").replace("dns_names:", "organization_units: [Web], dns_names:");
    let both = [old(LONG)];
    manifest(&rig, std::slice::from_ref(&with_units), &both);
    for turn in [
        "it is bound",
        "its reissue is asked for",
        "its reissue waits",
    ] {
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(status_of(&rig, OLD), "issued", "{turn}");
    }
    assert_eq!(orders_at_the_ca(&rig), 2, "nothing was bought");
    assert_eq!(sent(&rig).len(), 2, "one order, one reissue");
    rig.approve_all();
    rig.apply(&[], 0);
    rig.approve_all();
    assert_eq!(status_of(&rig, OLD), "revoked");
    // The certificate has the units now: neither another reissue, nor one after the state is lost once more.
    rig.apply(&["--detailed-exitcode"], 0);
    super::lose_state(&rig);
    rig.certplan(&["apply", "--yes"]);
    rig.certplan(&["apply", "--yes"]);
    assert_eq!(
        sent(&rig).len(),
        3,
        "one order, one reissue, one revocation"
    );
}
