//! Rows about the plan as a whole: its sequence, and what it says without (all of) the CA.

use super::{World, order, order_item, placed};
use crate::model::{After, LiveState, Milestone};
use crate::plan::Action;

#[test]
fn dependencies_come_first_and_a_target_brings_them() {
    let mut first = order_item("a", order("a.example"));
    let second = order_item("b", order("b.example"));
    first.after = vec![After {
        address: second.address.clone(),
        until: Milestone::Issued,
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

#[test]
fn an_order_that_is_missing_for_long_is_a_warning_and_not_bought_again() {
    let mut world = World::of(vec![order_item("a", order("a.example"))]);
    world.knows(
        "orders.a",
        placed(7, LiveState::Requested, &order("a.example")),
    );
    assert_eq!(world.step().action, Action::Wait);
    assert!(
        world.warning().contains("does not see it"),
        "{}",
        world.warning()
    );
    let mut young = placed(7, LiveState::Requested, &order("a.example"));
    young.live.as_mut().unwrap().since = super::NOW.parse().unwrap();
    world.knows("orders.a", young);
    assert_eq!(world.warning(), "");
}
