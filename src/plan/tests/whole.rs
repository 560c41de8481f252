//! Rows about the plan as a whole: its sequence, and what it says without the CA.

use super::{World, order, order_item, placed};
use crate::model::{After, LiveState, Until};
use crate::plan::Action;

#[test]
fn dependencies_come_first_and_a_target_brings_them() {
    let mut first = order_item("a", order("a.example"));
    let second = order_item("b", order("b.example"));
    first.after = vec![After {
        address: second.address.clone(),
        until: Until::Issued,
    }];
    let third = order_item("c", order("c.example"));
    let mut world = World::of(vec![first, second, third]);
    let names = |world: &World| -> Vec<String> {
        let steps = world.plan().steps;
        steps.iter().map(|step| step.address.to_string()).collect()
    };
    assert_eq!(names(&world), ["orders.b", "orders.a", "orders.c"]);
    world.targets = vec!["orders.a".parse().unwrap()];
    assert_eq!(names(&world), ["orders.b", "orders.a"]);
}

#[test]
fn offline_asks_the_journal_alone() {
    let mut world = World::of(vec![order_item("a", order("a.example"))]);
    world.offline = true;
    assert_eq!(world.step().action, Action::Order);
    world.knows(
        "orders.a",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    assert_eq!(world.step().action, Action::Keep);
    assert!(world.plan().offline);
}
