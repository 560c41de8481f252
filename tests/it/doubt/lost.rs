//! A lost answer to an order: before the effect, after it, and what the next runs do.

use serde_json::{Value, json};

use super::by_hand;
use crate::crash::truth::{
    ASK, RESEND, exactly_once, header, known, manifest, order_calls, orders_by_tag, words,
};
use crate::rig::{Rig, action};

/// The default: 15 minutes, then ask.
pub(super) const DEFAULT: &str = "{ quiet_period: 15m }";

fn lost(fault: &str) -> Value {
    json!({ "match": { "method": "POST" }, "fault": fault, "times": 1 })
}

#[test]
fn row_02_an_order_that_never_arrived_is_in_doubt_and_not_sent_again() {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["ada", "bob"], "");
    rig.faults(json!([lost("cut_before")]));
    let report = rig.apply(&[], 3);
    assert_eq!(report["summary"]["unknown"], 1);
    assert_eq!(report["summary"]["waiting"], 1);
    assert_eq!((order_calls(&rig), orders_by_tag(&rig).len()), (2, 1));
    for _ in 0..2 {
        assert_eq!(rig.plan(&[])["summary"]["settle"], 1);
        let ended = rig.certplan(&["apply", "--yes"]).expect(3);
        assert!(ended.stdout.contains("proves nothing"), "{}", ended.stdout);
    }
    assert_eq!(order_calls(&rig), 2, "sent again in the quiet period");
}

#[test]
fn row_23_an_answer_lost_in_any_way_after_the_effect_is_found_by_its_tag() {
    for fault in [
        "cut_after",
        "truncate",
        "empty",
        "wrong_types",
        "error_after",
    ] {
        let rig = Rig::new();
        manifest(&rig, &header(4, DEFAULT), &["ada", "bob"], "");
        rig.faults(json!([lost(fault)]));
        let report = rig.apply(&[], 0);
        assert_eq!(report["summary"]["waiting"], 2, "{fault}");
        exactly_once(&rig, 2, fault);
        assert_eq!(order_calls(&rig), 2, "{fault}");
        let adopted = ["ada", "bob"].map(|name| words(&rig, &format!("orders.{name}")));
        assert!(
            adopted
                .iter()
                .any(|words| words.ends_with(&["adopted".to_owned(), "seen".to_owned()])),
            "{fault}: {adopted:?}"
        );
    }
}

#[test]
fn row_60_an_order_that_the_index_shows_late_is_adopted_by_a_later_run() {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["ada"], "");
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    rig.faults(json!([lost("cut_after")]));
    rig.apply(&[], 3);
    rig.apply(&[], 3);
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.ada")["outcome"], "waiting");
    exactly_once(&rig, 1, "found late");
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn resend_orders_again_once_after_three_look_ups_with_a_control() {
    let rig = Rig::new();
    manifest(&rig, &header(4, RESEND), &["ada"], "");
    rig.apply(&[], 0);
    let control = orders_by_tag(&rig).into_keys().next().expect("a tag");
    manifest(&rig, &header(4, RESEND), &["ada", "bob"], "");
    rig.faults(json!([lost("cut_before")]));
    rig.apply(&["--wait", "20s"], 0);
    exactly_once(&rig, 2, "sent again");
    assert_eq!(order_calls(&rig), 3);
    assert_eq!(
        words(&rig, "orders.bob"),
        [
            "intended",
            "doubted",
            "looked_up",
            "looked_up",
            "looked_up",
            "dead",
            "intended",
            "accepted"
        ]
    );
    // Between the two calls the CA was asked three times for the tag, and for the older order.
    let ledger = rig.ask("ledger");
    let entries = ledger.as_array().expect("a list");
    let calls: Vec<usize> = (0..entries.len())
        .filter(|&at| entries[at]["method"] == "POST" && entries[at]["provider"] == "certcentral")
        .collect();
    let between = &entries[calls[1]..calls[2]];
    let asked = |tag: &str| {
        let path = |entry: &&Value| {
            entry["path"]
                .as_str()
                .is_some_and(|path| path.contains(tag))
        };
        between
            .iter()
            .filter(|entry| entry["method"] == "GET")
            .filter(path)
            .count()
    };
    let tag = entries[calls[1]]["alternative_order_id"]
        .as_str()
        .expect("a tag");
    assert_eq!((asked(tag), asked(&control)), (3, 3));
}

#[test]
fn resend_without_an_older_order_to_check_the_look_up_by_asks() {
    let rig = Rig::new();
    manifest(&rig, &header(4, RESEND), &["ada"], "");
    rig.faults(json!([lost("cut_before")]));
    rig.apply(&["--wait", "20s"], 3);
    rig.apply(&[], 3);
    assert_eq!((order_calls(&rig), orders_by_tag(&rig).len()), (1, 0));
}

#[test]
fn a_run_orders_a_second_time_and_never_a_third_time() {
    let rig = Rig::new();
    manifest(&rig, &header(4, RESEND), &["ada"], "");
    rig.apply(&[], 0);
    manifest(&rig, &header(4, RESEND), &["ada", "bob"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before" }]));
    rig.apply(&[], 3);
    assert_eq!(order_calls(&rig), 3, "ada once, bob twice");
}

#[test]
fn ask_never_orders_again_by_itself() {
    let rig = Rig::new();
    manifest(&rig, &header(4, ASK), &["ada"], "");
    rig.apply(&[], 0);
    manifest(&rig, &header(4, ASK), &["ada", "bob"], "");
    rig.faults(json!([lost("cut_before")]));
    rig.apply(&["--wait", "20s"], 3);
    for _ in 0..3 {
        let ended = rig.certplan(&["apply", "--yes"]).expect(3);
        assert!(
            ended.stdout.contains("certplan resolve orders.bob"),
            "{}",
            ended.stdout
        );
    }
    assert_eq!(order_calls(&rig), 2);
}

#[test]
fn row_66_an_order_that_was_changed_outside_is_parked_and_named() {
    let rig = Rig::new();
    manifest(&rig, &header(4, RESEND), &["ada"], "");
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    rig.faults(json!([lost("cut_after")]));
    rig.apply(&[], 3);
    let id = orders_by_tag(&rig)
        .into_values()
        .next()
        .expect("one")
        .remove(0);
    rig.tell(
        "edit",
        json!({ "order_id": id, "common_name": "Somebody Else" }),
    );
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    let report = rig.apply(&["--wait", "5s"], 3);
    let error = action(&report, "orders.ada")["error"].to_string();
    assert!(error.contains(&id) && error.contains("differs"), "{error}");
    assert_eq!(words(&rig, "orders.ada").last().expect("a fact"), "parked");
    rig.apply(&[], 3);
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn row_32_two_orders_with_our_tag_are_parked_and_both_named() {
    let rig = Rig::new();
    manifest(&rig, &header(4, RESEND), &["ada"], "");
    let request = by_hand::planned(&rig, "orders.ada");
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    rig.faults(json!([lost("cut_after")]));
    rig.apply(&[], 3);
    let second = by_hand::place(&rig, &request);
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    let ids = orders_by_tag(&rig).into_values().next().expect("a tag");
    assert_eq!(ids.len(), 2);
    let report = rig.apply(&[], 3);
    let error = action(&report, "orders.ada")["error"].to_string();
    assert!(ids.iter().all(|id| error.contains(id)), "{error}");
    // A person chooses.
    let shown = rig.certplan(&["resolve", "orders.ada"]).expect(3);
    assert!(
        ids.iter().all(|id| shown.stdout.contains(id)),
        "{}",
        shown.stdout
    );
    rig.certplan(&["resolve", "orders.ada", "--not-placed", "--yes"])
        .expect(5);
    rig.certplan(&["resolve", "orders.ada", "--found", &second])
        .expect(0);
    assert_eq!(known(&rig)["orders.ada"], second);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 2, "nothing was bought");
}

#[test]
fn row_49_a_call_that_was_given_up_and_arrives_all_the_same_is_told() {
    let rig = Rig::new();
    manifest(&rig, &header(4, ASK), &["ada", "bob"], "");
    let request = by_hand::planned(&rig, "orders.bob");
    manifest(&rig, &header(4, ASK), &["ada"], "");
    rig.apply(&[], 0);
    manifest(&rig, &header(4, ASK), &["ada", "bob"], "");
    rig.faults(json!([lost("cut_before")]));
    rig.apply(&[], 3);
    rig.certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(0);
    rig.apply(&[], 0);
    let told = |rig: &Rig| {
        rig.plan(&[])["warnings"]
            .to_string()
            .contains("bought twice")
    };
    assert!(!told(&rig));
    // The first call, after all.
    let late = by_hand::place(&rig, &request);
    let plan = rig.plan(&[]);
    let warnings = plan["warnings"].to_string();
    assert!(
        warnings.contains("bought twice") && warnings.contains(&late),
        "{warnings}"
    );
    assert_eq!(action(&plan, "orders.bob")["action"], "wait");
}

/// The manifest may change while an order is in doubt. The order that is found was placed with the old
/// content: adopting it must not make the journal believe in the new one.
fn found_after_the_manifest_changed(change: (&str, &str)) -> Rig {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.faults(json!([
        lost("cut_after"),
        { "match": { "path_contains": "/order/alternate/" }, "fault": "forbidden" }
    ]));
    rig.apply(&[], 3);
    rig.faults(json!([]));
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    assert!(text.contains(change.0));
    rig.write("certplan.yaml", text.replacen(change.0, change.1, 1));
    rig.apply(&[], 0);
    rig.approve_all();
    assert_eq!(order_calls(&rig), 1);
    rig
}

#[test]
fn a_unit_added_during_a_doubt_is_reissued_after_it() {
    let rig = found_after_the_manifest_changed((
        "signature_hash: sha256,",
        "signature_hash: sha256, organization_units: [Accounting],",
    ));
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "reissue");
}

#[test]
fn a_generation_raised_during_a_doubt_does_not_rename_the_older_order() {
    let rig = found_after_the_manifest_changed((
        "validity_years: 1",
        "validity_years: 1\n    generation: 2",
    ));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada");
    assert_eq!(step["action"], "keep");
    // Only when the first generation is over does the second one follow.
    rig.tell("revoke", json!({ "order_id": step["order_id"] }));
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");
}
