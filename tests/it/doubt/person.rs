//! `certplan resolve`: what a person is shown, and what they cannot do by mistake.

use serde_json::{Value, json};

use super::by_hand;
use super::lost::DEFAULT;
use crate::crash::truth::{
    ASK, exactly_once, facts, header, known, manifest, order_calls, orders_by_tag, words,
};
use crate::rig::{Rig, action, csr};

/// `bob` is in doubt and was not placed; `ada` is an older order.
fn in_doubt(doubt: &str) -> Rig {
    let rig = Rig::new();
    manifest(&rig, &header(4, doubt), &["ada"], "");
    rig.apply(&[], 0);
    manifest(&rig, &header(4, doubt), &["ada", "bob"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    rig.apply(&[], 3);
    rig
}

#[test]
fn row_113_not_placed_is_refused_before_the_quiet_period_is_over() {
    let rig = in_doubt(DEFAULT);
    let shown = rig.certplan(&["resolve", "orders.bob"]).expect(3);
    for part in [
        "tag c1-",
        "No order at the CA carries the tag",
        "Control: an older order was found",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let ended = rig
        .certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(5);
    assert!(ended.stderr.contains("quiet period"), "{}", ended.stderr);
    rig.apply(&[], 3);
    assert_eq!(order_calls(&rig), 2);
}

#[test]
fn row_111_not_placed_needs_yes_where_nobody_can_be_asked() {
    let rig = in_doubt(ASK);
    rig.certplan(&["resolve", "orders.bob", "--not-placed"])
        .expect(64);
    assert_eq!(rig.plan(&[])["summary"]["settle"], 1);
    rig.certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(0);
    assert_eq!(
        words(&rig, "orders.bob").last().expect("a fact"),
        "decided_not_placed"
    );
    rig.apply(&[], 0);
    exactly_once(&rig, 2, "ordered after the decision");
    // Nothing is open any more.
    rig.certplan(&["resolve", "orders.bob"]).expect(1);
}

#[test]
fn not_placed_is_refused_when_the_look_up_cannot_be_trusted() {
    let rig = in_doubt(ASK);
    rig.faults(
        json!([{ "match": { "path_contains": "/order/alternate/" }, "fault": "forbidden" }]),
    );
    rig.certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(1);
    rig.faults(json!([]));
    // The control was placed just now and the index does not show it yet.
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    let ended = rig
        .certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(5);
    assert!(ended.stderr.contains("proves nothing"), "{}", ended.stderr);
    assert_eq!(rig.plan(&[])["summary"]["settle"], 1);
}

#[test]
fn found_takes_the_right_order_and_no_other() {
    let rig = in_doubt(DEFAULT);
    let ada = known(&rig)["orders.ada"].clone();
    let ended = rig
        .certplan(&["resolve", "orders.bob", "--found", &ada])
        .expect(5);
    assert!(
        ended.stderr.contains("is not what orders.bob asks for"),
        "{}",
        ended.stderr
    );
    rig.certplan(&["resolve", "orders.bob", "--found", "999999"])
        .expect(1);
    // The same request, placed by hand and without a tag.
    manifest(&rig, &header(4, DEFAULT), &["ada", "bob"], "");
    let state = rig.path(".certplan/elsewhere.db");
    let plan = rig
        .certplan(&[
            "plan",
            "--format",
            "json",
            "--state",
            state.to_str().expect("text"),
        ])
        .expect(0)
        .json();
    let request = &action(&plan, "orders.bob")["requests"][0];
    let mut body = request["body"].clone();
    body.as_object_mut()
        .expect("members")
        .remove("alternative_order_id");
    let path = request["path"].as_str().expect("a path").to_owned();
    let id = by_hand::place(&rig, &(path, body));
    rig.certplan(&["resolve", "orders.bob", "--found", &id])
        .expect(0);
    assert_eq!(known(&rig)["orders.bob"], id);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 2);
}

#[test]
fn row_73_resolve_refuses_another_customers_key() {
    let mut rig = in_doubt(ASK);
    let other = Rig::new();
    let command = other.command(&[]);
    let elsewhere = command
        .get_envs()
        .find(|(name, _)| *name == "CERTPLAN_ENDPOINT_DIGICERT")
        .and_then(|(_, value)| value)
        .and_then(|value| value.to_str())
        .expect("an endpoint")
        .to_owned();
    rig.set("CERTPLAN_ENDPOINT_DIGICERT", &elsewhere);
    let ended = rig
        .certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(1);
    assert!(ended.stderr.contains("was written for"), "{}", ended.stderr);
}

/// `ada` was placed, nobody knows it, and since then its entry asks for more.
fn changed_while_in_doubt(change: (&str, &str)) -> (Rig, String) {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["ada"], "");
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_after", "times": 1 }]));
    rig.apply(&[], 3);
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    assert!(text.contains(change.0));
    rig.write("certplan.yaml", text.replacen(change.0, change.1, 1));
    let orders = orders_by_tag(&rig);
    let id = orders.into_values().flatten().next().expect("an order");
    (rig, id)
}

/// The last fact of this word about `ada`.
fn last_fact(rig: &Rig, word: &str) -> Value {
    let facts = facts(rig).into_iter().map(|fact| fact["body"].clone());
    let mut facts: Vec<Value> = facts.filter(|body| body["fact"] == word).collect();
    facts.pop().expect("a fact")
}

#[test]
fn what_a_person_found_is_bound_as_it_was_placed() {
    let (rig, id) = changed_while_in_doubt((
        "validity_years: 1",
        "validity_years: 2\n    generation: 2\n    comments: later",
    ));
    rig.certplan(&["resolve", "orders.ada", "--found", &id])
        .expect(0);
    let (placed, bound) = (last_fact(&rig, "intended"), last_fact(&rig, "adopted"));
    assert_eq!(bound["generation"], 1);
    for member in ["tag", "certificate", "terms"] {
        assert!(placed[member].is_string(), "{member}: {placed}");
        assert_eq!(bound[member], placed[member], "{member}");
    }
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    rig.approve_all();
    let plan = rig.plan(&[]);
    // The other terms come into force with a renewal: nothing is bought while the order is in force.
    assert_eq!(action(&plan, "orders.ada")["action"], "keep");
    assert!(
        plan.to_string()
            .contains("into force with its next renewal"),
        "{plan}"
    );
}

/// The look-up parks an order that is not what the manifest asks for by now; importing it by hand must
/// not make the journal believe that it is.
#[test]
fn an_import_during_a_doubt_is_bound_as_it_was_placed() {
    let (rig, id) =
        changed_while_in_doubt(("validity_years: 1", "validity_years: 1\n    # another key"));
    rig.write("ada.csr", csr("ada"));
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    rig.apply(&[], 3);
    assert_eq!(last_fact(&rig, "parked")["fact"], "parked");
    rig.certplan(&["resolve", "orders.ada", "--found", &id])
        .expect(5);
    rig.certplan(&["import", "orders.ada", &id, "--yes"])
        .expect(0);
    rig.approve_all();
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "reissue");
}
