//! Orders from plan to issued.

use serde_json::json;

use crate::rig::{Rig, action};

#[test]
fn an_order_waits_for_approval_and_is_in_force_after_it() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["order"], 1);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");

    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.ada")["outcome"], "waiting");
    assert_eq!(rig.effects("order_created").len(), 1);

    let again = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(action(&again, "orders.ada")["action"], "wait");
    assert_eq!(rig.effects("order_created").len(), 1);

    rig.approve_all();
    let last = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(action(&last, "orders.ada")["outcome"], "kept");
    assert_eq!(rig.plan(&[])["summary"]["keep"], 1);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_answer_that_is_lost_after_the_effect_is_found_by_its_tag() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob", "cleo"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "cut_after", "skip": 1, "times": 1 }]),
    );
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["waiting"], 3);
    assert_eq!(rig.effects("order_created").len(), 3);
}
