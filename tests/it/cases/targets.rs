//! Cases 03 and 09: what is known of a revocation is known of one order and one certificate.

use serde_json::{Value, json};

use super::{
    applied, ask_to_revoke, automatic, died, info, lose_state, manifest, needs_a_person,
    orders_at_the_ca, planned, revoke, sent, shop, status_of, waiting_code, word,
};
use crate::rig::{Rig, action};

const FIRST: &str = "70000001";
const SECOND: &str = "70000002";

fn leak(more: &str) -> String {
    let more = super::members(more);
    revoke("leak", &format!("{more}order: shop"), "order")
}

/// `shop` is issued as the first order.
fn shop_is_issued() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig
}

/// Two more nights of cron; the second order lives.
#[track_caller]
fn the_replacement_lives(rig: &Rig, what: &str) {
    for night in ["first", "second"] {
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(status_of(rig, SECOND), "issued", "{what}, {night} night");
    }
    assert_eq!(orders_at_the_ca(rig), 2, "{what}");
}

/// Raised, the entry's own generation means the order that stands there now.
#[track_caller]
fn and_dies_when_it_is_meant(rig: &Rig, what: &str) {
    manifest(
        rig,
        &[shop("shop", "generation: 2")],
        &[leak("generation: 2")],
    );
    let plan = planned(rig);
    let step = action(&plan, "revocations.leak");
    assert_eq!(step["action"], "revoke", "{what}: {step:#}");
    rig.apply(&[], 0);
    assert_eq!(status_of(rig, SECOND), "revoked", "{what}");
}

#[test]
fn case_03_an_order_revoked_in_the_console_is_not_followed_to_its_replacement() {
    let rig = shop_is_issued();
    rig.tell("revoke", json!({ "order_id": FIRST }));
    manifest(&rig, &[shop("shop", "")], &[leak("")]);
    rig.certplan(&["apply", "--yes"]);
    manifest(&rig, &[shop("shop", "generation: 2")], &[leak("")]);
    rig.apply(&[], 0);
    the_replacement_lives(&rig, "revoked in the console");
    assert_eq!(word(&rig, "revocations.leak"), "keep");
    and_dies_when_it_is_meant(&rig, "revoked in the console");
}

/// The journal never saw the entry beside the first order: the plan that shows it first, shows it for that one.
#[test]
fn case_03_an_entry_that_comes_together_with_the_replacement_does_not_mean_it() {
    let rig = shop_is_issued();
    rig.tell("revoke", json!({ "order_id": FIRST }));
    rig.certplan(&["apply", "--yes"]);
    manifest(&rig, &[shop("shop", "generation: 2")], &[leak("")]);
    rig.certplan(&["apply", "--yes"]);
    the_replacement_lives(&rig, "bought beside the entry");
    and_dies_when_it_is_meant(&rig, "bought beside the entry");
}

#[test]
fn case_03_an_entry_that_was_carried_out_is_done_for_that_order_alone() {
    for by_hand in [false, true] {
        let rig = shop_is_issued();
        let entry = |more: &str| {
            if by_hand {
                let more = super::members(more);
                ask_to_revoke("leak", &format!("{more}order: shop"), "order")
            } else {
                leak(more)
            }
        };
        manifest(&rig, &[shop("shop", "")], &[entry("")]);
        rig.apply(&[], 0);
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, FIRST), "revoked");
        manifest(&rig, &[shop("shop", "generation: 2")], &[entry("")]);
        rig.apply(&[], 0);
        the_replacement_lives(&rig, "carried out");
        and_dies_when_it_is_meant(&rig, "carried out");
    }
}

#[test]
fn case_03_a_state_that_was_lost_in_between_makes_no_target() {
    for when in [
        "before the replacement",
        "after the replacement",
        "each time",
    ] {
        let rig = shop_is_issued();
        rig.tell("revoke", json!({ "order_id": FIRST }));
        manifest(&rig, &[shop("shop", "")], &[leak("")]);
        rig.certplan(&["apply", "--yes"]);
        if when != "after the replacement" {
            lose_state(&rig);
        }
        manifest(&rig, &[shop("shop", "generation: 2")], &[leak("")]);
        rig.certplan(&["apply", "--yes"]);
        if when != "before the replacement" {
            lose_state(&rig);
        }
        for _ in 0..3 {
            rig.certplan(&["apply", "--yes"]);
            if orders_at_the_ca(&rig) == 2 {
                assert_eq!(status_of(&rig, SECOND), "issued", "{when}");
            }
        }
        // Whether the entry was for an earlier order cannot be known: keep, or a person says so.
        let plan = planned(&rig);
        let step = action(&plan, "revocations.leak");
        match step["action"].as_str() {
            Some("keep") => {}
            Some("wait") => {
                assert_eq!(step["waiting_code"], "decision_earlier_order", "{step:#}");
                needs_a_person(&rig, "revocations.leak");
            }
            _ => panic!("{when}: {step:#}"),
        }
        if orders_at_the_ca(&rig) == 2 {
            and_dies_when_it_is_meant(&rig, when);
        }
    }
}

#[test]
fn case_03_after_a_rejection_the_order_bought_then_is_no_target() {
    let rig = Rig::new();
    manifest(&rig, &[shop("shop", "")], &[leak("")]);
    rig.certplan(&["apply", "--yes"]);
    rig.tell("reject", json!({ "all": true }));
    rig.certplan(&["apply", "--yes"]).expect(3);
    automatic(&rig);
    manifest(&rig, &[shop("shop", "generation: 2")], &[leak("")]);
    rig.certplan(&["apply", "--yes"]);
    the_replacement_lives(&rig, "after a rejection");
    and_dies_when_it_is_meant(&rig, "after a rejection");
}

#[test]
fn case_03_a_renewal_is_no_target_of_what_was_carried_out_before() {
    let rig = shop_is_issued();
    rig.renewals_at_any_time();
    manifest(&rig, &[shop("shop", "")], &[leak("")]);
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, FIRST), "revoked");
    let renewal = format!("generation: 2, renewal_of_order_id: {FIRST}");
    manifest(&rig, &[shop("shop", &renewal)], &[leak("")]);
    assert_eq!(word(&rig, "orders.shop"), "renew");
    rig.apply(&[], 0);
    assert_eq!(info(&rig, SECOND)["is_renewal"], true);
    the_replacement_lives(&rig, "renewed");
    assert_eq!(word(&rig, "revocations.leak"), "keep");
}

/// Asked for and not decided when the name gets its next order: it stays with the first one.
#[test]
fn case_03_what_waits_for_approval_stays_with_its_order() {
    let rig = shop_is_issued();
    super::by_hand(&rig);
    let entry = ask_to_revoke("leak", "order: shop", "order");
    manifest(&rig, &[shop("shop", "")], std::slice::from_ref(&entry));
    rig.apply(&[], 0);
    rig.tell("revoke", json!({ "order_id": FIRST }));
    automatic(&rig);
    manifest(
        &rig,
        &[shop("shop", "generation: 2")],
        std::slice::from_ref(&entry),
    );
    rig.certplan(&["apply", "--yes"]);
    the_replacement_lives(&rig, "undecided");
    rig.approve_all();
    the_replacement_lives(&rig, "decided");
    let path = format!("/order/certificate/{SECOND}/revoke");
    assert!(!sent(&rig).contains(&path), "{:?}", sent(&rig));
}

#[test]
fn case_03_one_certificate_of_a_name_is_pinned_to_the_order_it_was_planned_for() {
    // `scope: duplicates` by name: the duplicates of a later order are not meant.
    let rig = shop_is_issued();
    let first = super::duplicate(&rig, FIRST);
    let entry = revoke("leak", "order: shop", "duplicates");
    manifest(&rig, &[shop("shop", "")], std::slice::from_ref(&entry));
    rig.apply(&[], 0);
    assert_eq!(died(&rig), [first]);
    manifest(
        &rig,
        &[shop("shop", "generation: 2")],
        std::slice::from_ref(&entry),
    );
    rig.tell("revoke", json!({ "order_id": FIRST }));
    rig.certplan(&["apply", "--yes"]);
    rig.certplan(&["apply", "--yes"]);
    assert_eq!(orders_at_the_ca(&rig), 2);
    let later = super::duplicate(&rig, SECOND);
    rig.certplan(&["apply", "--yes"]);
    rig.certplan(&["apply", "--yes"]);
    assert!(!died(&rig).contains(&later), "{:?}", died(&rig));
}

/// `leaver` was used for the first of two seeded orders.
fn used_for_the_first(rest: &str, approve: bool) -> Rig {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 2, "duplicates_per_order": 1 }));
    leaver(&rig, &format!("order_id: {FIRST}{rest}"), "order");
    rig.apply(&[], 0);
    if approve {
        rig.approve_all();
    }
    rig
}

fn leaver(rig: &Rig, target: &str, scope: &str) {
    manifest(rig, &[], &[ask_to_revoke("leaver", target, scope)]);
}

/// Whatever the plan shows as a call is sent, and the report claims no other.
#[track_caller]
fn does_what_it_shows(rig: &Rig) -> (i32, Value) {
    let plan = planned(rig);
    let step = action(&plan, "revocations.leaver").clone();
    let before = sent(rig).len();
    let (code, report) = applied(rig);
    let mut calls: Vec<String> = sent(rig).split_off(before);
    let mut shown: Vec<String> = step["requests"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|_| step["action"] == "revoke")
        .map(|request| request["path"].as_str().expect("a path").to_owned())
        .collect();
    calls.sort();
    shown.sort();
    assert_eq!(calls, shown, "{step:#}\n{report:#}");
    let entry = action(&report, "revocations.leaver");
    if entry["outcome"] == "done" || (entry["outcome"] == "waiting" && entry["action"] == "revoke")
    {
        assert!(!calls.is_empty(), "nothing was sent: {entry:#}");
    }
    (code, report)
}

#[test]
fn case_09_another_order_id_starts_from_nothing() {
    for approve in [true, false] {
        let rig = used_for_the_first("", approve);
        leaver(&rig, &format!("order_id: {SECOND}"), "order");
        assert_eq!(word(&rig, "revocations.leaver"), "revoke", "{approve}");
        let (code, _) = does_what_it_shows(&rig);
        assert_eq!(code, 0);
        rig.approve_all();
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, SECOND), "revoked");
        assert_eq!(word(&rig, "revocations.leaver"), "keep");
    }
}

#[test]
fn case_09_another_order_id_and_generation_start_from_nothing() {
    for approve in [true, false] {
        let rig = used_for_the_first("", approve);
        leaver(&rig, &format!("order_id: {SECOND}, generation: 2"), "order");
        assert_eq!(word(&rig, "revocations.leaver"), "revoke");
        does_what_it_shows(&rig);
        let path = format!("/order/certificate/{SECOND}/revoke");
        assert_eq!(sent(&rig).last(), Some(&path), "{approve}");
        rig.approve_all();
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, SECOND), "revoked");
    }
}

#[test]
fn case_09_another_scope_starts_from_nothing() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 2 }));
    let order = format!("order_id: {FIRST}");
    leaver(&rig, &order, "{ certificate_id: 90000002 }");
    rig.apply(&[], 0);
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(died(&rig), ["90000002"]);

    leaver(&rig, &order, "{ certificate_id: 90000003 }");
    assert_eq!(word(&rig, "revocations.leaver"), "revoke");
    does_what_it_shows(&rig);
    // Its request is undecided when the scope changes again.
    leaver(&rig, &order, "order");
    assert_eq!(word(&rig, "revocations.leaver"), "revoke");
    does_what_it_shows(&rig);
    let path = format!("/order/certificate/{FIRST}/revoke");
    assert_eq!(sent(&rig).last(), Some(&path));
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, FIRST), "revoked");
    assert_eq!(word(&rig, "revocations.leaver"), "keep");
}

#[test]
fn case_09_a_refusal_for_one_order_is_none_for_another() {
    let rig = used_for_the_first("", false);
    rig.tell("reject", json!({ "all": true }));
    needs_a_person(&rig, "revocations.leaver");
    assert_eq!(
        waiting_code(&rig, "revocations.leaver"),
        "decision_declined"
    );
    leaver(&rig, &format!("order_id: {SECOND}"), "order");
    does_what_it_shows(&rig);
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, SECOND), "revoked");
    assert_eq!(status_of(&rig, FIRST), "issued");
}

#[test]
fn case_09_a_doubt_about_one_order_is_none_about_another() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 2 }));
    rig.faults(json!([{ "match": { "method": "PUT" }, "fault": "cut_before", "times": 1 }]));
    leaver(&rig, &format!("order_id: {FIRST}"), "order");
    rig.certplan(&["apply", "--yes"]);
    leaver(&rig, &format!("order_id: {SECOND}"), "order");
    for _ in 0..3 {
        rig.certplan(&["apply", "--yes"]);
        rig.approve_all();
    }
    assert_eq!(status_of(&rig, SECOND), "revoked", "{:?}", sent(&rig));
}

#[test]
fn case_09_from_an_id_to_a_name_and_back() {
    let rig = Rig::new();
    automatic(&rig);
    assert_eq!(rig.seed(json!({ "certcentral": 1 })), [FIRST]);
    let entry = |target: &str| [revoke("leaver", target, "order")];
    let by_id = format!("order_id: {FIRST}");
    manifest(&rig, &[shop("shop", "")], &entry(&by_id));
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, FIRST), "revoked");
    manifest(&rig, &[shop("shop", "")], &entry("order: shop"));
    if word(&rig, "revocations.leaver") == "wait" {
        // A name is not an id: a person says that what it stands for now is meant.
        assert_eq!(
            waiting_code(&rig, "revocations.leaver"),
            "decision_earlier_order"
        );
        needs_a_person(&rig, "revocations.leaver");
        manifest(
            &rig,
            &[shop("shop", "")],
            &entry("order: shop, generation: 2"),
        );
    }
    assert_eq!(word(&rig, "revocations.leaver"), "revoke");
    does_what_it_shows(&rig);
    assert_eq!(status_of(&rig, SECOND), "revoked");
    assert_eq!(info(&rig, SECOND)["certificate"]["status"], "revoked");
    manifest(&rig, &[shop("shop", "")], &entry(&by_id));
    assert_eq!(word(&rig, "revocations.leaver"), "keep");
}
