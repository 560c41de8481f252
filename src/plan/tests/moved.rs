//! Renamed entries: the record goes on under the new name, and nothing is sent.

use super::{World, at_the_ca, order, order_item, placed, revocation_item, tag};
use crate::model::{
    Address, Attempt, Digest, FactBody, LiveOrder, LiveState, Milestone, ObservedOrder,
    OpenOperation, OperationKind, Order, OrderId, OrderStatus, Phase, Reason, Record,
    RevocationTarget, Scope, Standing, StatusChange, TagLookup, Target, Wanted, Why,
};
use crate::plan::{Action, Step};

/// `orders.b` was `orders.a`, which the journal has as issued.
fn renamed(order: Order) -> World {
    let mut world = World::of(vec![order_item("b", order.clone())]);
    world.renames("orders.a", "orders.b");
    world.knows("orders.a", placed(7, LiveState::Issued, &order));
    world
}

fn in_force() -> World {
    let mut world = renamed(order("a.example"));
    world.shows(at_the_ca(7, OrderStatus::Issued));
    world
}

fn moved() -> FactBody {
    FactBody::Moved {
        from: "orders.a".parse().unwrap(),
    }
}

#[track_caller]
fn sends_nothing(step: &Step) {
    assert!(step.operation.is_none() && step.requests.is_empty() && step.revokes.is_empty());
}

#[test]
fn an_order_in_force_moves_and_stays_in_force() {
    let step = in_force().step();
    assert_eq!(step.action, Action::Adopt);
    assert_eq!(step.reason.code(), "moved");
    assert_eq!(step.news.first(), Some(&moved()));
    assert_eq!(step.order_id, Some(7_u64.into()));
    assert_eq!(step.reached(), Some(Milestone::Issued));
    assert_eq!(step.state(), "issued");
    sends_nothing(&step);
    assert!(
        in_force().plan().warnings.is_empty(),
        "nothing is unmanaged"
    );
}

#[test]
fn it_moves_from_every_state() {
    let states = [
        (LiveState::Requested, OrderStatus::Issued),
        (LiveState::Issued, OrderStatus::Revoked),
        (LiveState::Issued, OrderStatus::ReissuePending),
        (LiveState::Issued, OrderStatus::Rejected),
        (LiveState::Issued, OrderStatus::Expired),
    ];
    for (known, shown) in states {
        for generation in [1, 2] {
            let mut wanted = order("a.example");
            wanted.generation = generation;
            let mut world = renamed(wanted);
            let live = world.records.values_mut().next().unwrap();
            let live = live.live.as_mut().unwrap();
            (live.state, live.generation) = (known.clone(), 1);
            world.shows(at_the_ca(7, shown.clone()));
            let step = world.step();
            assert_eq!(step.action, Action::Adopt, "{shown:?}");
            assert_eq!(step.news.first(), Some(&moved()), "{shown:?}");
            sends_nothing(&step);
        }
    }
}

#[test]
fn what_else_differs_is_shown_and_not_sent() {
    let mut world = in_force();
    let Wanted::Order(order) = &mut world.batch.items[0].wanted else {
        panic!()
    };
    order.certificate.dns_names = vec!["b.example".to_owned()];
    let step = world.step();
    assert_eq!(step.action, Action::Adopt);
    assert!(!step.changes.is_empty());
    sends_nothing(&step);
    assert_eq!(step.reached(), Some(Milestone::Submitted), "not as asked");
    let said = world.plan().warnings;
    assert!(said[0].message.contains("`reissue`"), "{said:?}");
}

#[test]
fn a_product_or_names_that_have_nothing_in_common_wait_for_a_person() {
    type Change = fn(&mut ObservedOrder);
    let changes: [(Change, &str); 3] = [
        (
            |shown| shown.product = Some("ssl_plus".to_owned()),
            "ssl_plus",
        ),
        (
            |shown| {
                shown.common_name = Some("z.example".to_owned());
                shown.names = vec!["z.example".to_owned(), "y.example".to_owned()];
            },
            "z.example",
        ),
        (
            |shown| {
                shown.common_name = None;
                shown.names = vec!["z.example".to_owned()];
            },
            "z.example",
        ),
    ];
    for (change, said) in changes {
        let mut shown = at_the_ca(7, OrderStatus::Issued);
        change(&mut shown);
        let mut world = renamed(order("a.example"));
        world.shows(shown);
        let step = world.step();
        assert_eq!(step.action, Action::Wait);
        assert_eq!(step.reason.code(), "move_differs");
        let decision = step.standing.waits().unwrap();
        assert_eq!(decision.code(), "decision_move_differs");
        assert!(step.news.is_empty(), "nothing follows a move that is not");
        assert!(world.warning().contains(said), "{}", world.warning());
        // The earlier name keeps its order.
        let warnings = world.plan().warnings;
        assert!(
            warnings
                .iter()
                .any(|warning| warning.address == Some("orders.a".parse().unwrap()))
        );
    }
}

#[test]
fn one_name_is_enough() {
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.common_name = Some("z.example".to_owned());
    shown.names = vec!["z.example".to_owned(), "a.example".to_owned()];
    let mut world = renamed(order("a.example"));
    world.shows(shown);
    assert_eq!(world.step().action, Action::Adopt);
}

#[test]
fn what_the_list_does_not_show_is_read_before_it_moves() {
    let mut listed = at_the_ca(7, OrderStatus::Issued);
    listed.common_name = None;
    listed.names.clear();
    let mut world = renamed(order("a.example"));
    let asked = |world: &World| world.questions().orders.contains(&OrderId::from(7));
    assert!(asked(&world), "the list does not have it");
    world.observed.orders.insert(7_u64.into(), listed);
    assert!(asked(&world), "the list shows no names");
    world.shows(at_the_ca(7, OrderStatus::Issued));
    assert!(!asked(&world));
    // An account that does not have the order is the wrong one.
    let mut world = renamed(order("a.example"));
    world.observed.details.insert(7_u64.into(), None);
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "order_unknown")
    );
    assert!(
        world.warning().contains("order 7 of orders.a"),
        "{}",
        world.warning()
    );
}

#[test]
fn a_name_with_a_record_of_its_own_waits_for_a_person() {
    let mut world = in_force();
    world.knows(
        "orders.b",
        placed(8, LiveState::Issued, &order("a.example")),
    );
    world.shows(at_the_ca(8, OrderStatus::Issued));
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "move_taken")
    );
    assert_eq!(step.standing.waits().unwrap().code(), "decision_move_taken");
    assert!(
        world.warning().contains("certplan forget orders.b"),
        "{}",
        world.warning()
    );
    // Parted from its order it is free.
    let mut parted = Record::default();
    parted.forgotten.insert(8_u64.into());
    world.knows("orders.b", parted);
    assert_eq!(world.step().action, Action::Adopt);
}

#[test]
fn a_move_that_was_made_or_that_is_about_nothing_has_no_effect() {
    let mut world = in_force();
    let mut record = world.records.remove(&address("orders.a")).unwrap();
    record.former_names = vec!["a".parse().unwrap()];
    world.knows("orders.b", record);
    assert_eq!(world.step().action, Action::Keep);
    let mut world = World::of(vec![order_item("b", order("a.example"))]);
    world.renames("orders.a", "orders.b");
    world.observed.tags.insert(tag("b"), TagLookup::default());
    world.observed.tags.insert(tag("a"), TagLookup::default());
    assert_eq!(world.step().action, Action::Order);
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn doubted(tag_of: &str) -> Record {
    let attempt = Attempt {
        public_key: None,
        renews: None,
        why: Why::default(),
        kind: OperationKind::Order,
        part: None,
        number: 1,
        generation: 1,
        order_id: None,
        replaces: None,
        tag: Some(tag(tag_of)),
        body: Digest::of(b"body"),
        certificate: None,
        terms: None,
        asked: None,
    };
    Record {
        open: Some(Box::new(OpenOperation {
            attempt,
            since: super::LONG_AGO.parse().unwrap(),
            phase: Phase::InDoubt {
                why: "timeout".into(),
                since: super::LONG_AGO.parse().unwrap(),
                boot: None,
                at_ca: None,
                looks: 0,
            },
        })),
        attempts: 1,
        ..Record::default()
    }
}

#[test]
fn an_open_doubt_moves_along() {
    let mut world = renamed(order("a.example"));
    world.knows("orders.a", doubted("a"));
    let step = world.step();
    assert_eq!(step.action, Action::Adopt);
    assert_eq!(step.news, [moved()]);
    assert_eq!(step.standing, Standing::InDoubt);
    assert_eq!(step.reached(), None);
    sends_nothing(&step);
    // What went to another account is not looked up in this one.
    world.knows("orders.a", doubted("elsewhere"));
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "move_differs")
    );
}

#[test]
fn with_a_lost_journal_the_tag_of_the_earlier_name_is_looked_up_as_well() {
    let mut world = World::of(vec![order_item("b", order("a.example"))]);
    world.renames("orders.a", "orders.b");
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.tag = Some(tag("a").to_string());
    let mut listed = shown.clone();
    (listed.tag, listed.certificates, listed.requests) = (None, None, None);
    world.observed.waiting_orders = Some(Vec::new());
    // One read of the order tells as much as two look-ups.
    world.observed.orders.insert(7_u64.into(), listed.clone());
    assert!(world.questions().orders.contains(&OrderId::from(7)));
    world.shows(shown);
    let step = world.step();
    assert_eq!((step.action, step.reason.code()), (Action::Adopt, "moved"));
    assert!(matches!(
        &step.news[0],
        FactBody::Adopted { order_id, tag: Some(carried), .. }
            if *order_id == OrderId::from(7) && *carried == tag("a")
    ));
    assert!(world.plan().warnings.is_empty());
    // Without the line it is a twin, as before.
    world.batch.moved.clear();
    assert_eq!(world.step().reason.code(), "twin");
}

#[test]
fn looking_up_asks_for_both_names() {
    let mut world = World::of(vec![order_item("b", order("a.example"))]);
    world.renames("orders.a", "orders.b");
    world.observed.waiting_orders = Some(Vec::new());
    // More orders than look-ups.
    for id in 1..9_u64 {
        let mut listed = at_the_ca(id, OrderStatus::Issued);
        (listed.certificates, listed.requests) = (None, None);
        world.observed.orders.insert(id.into(), listed);
    }
    let asked = world.questions().tags;
    assert!(asked.contains(&tag("a")) && asked.contains(&tag("b")));
    world.observed.tags.insert(tag("b"), TagLookup::default());
    assert!(
        world.questions().tags.contains(&tag("a")),
        "it is still open"
    );
    let hit = StatusChange {
        order_id: 3_u64.into(),
        certificate_id: None,
        status: OrderStatus::Issued,
    };
    let lookup = TagLookup { orders: vec![hit] };
    world.observed.tags.insert(tag("a"), lookup);
    assert!(world.questions().orders.contains(&OrderId::from(3)));
}

#[test]
fn an_earlier_name_that_another_entry_has_says_nothing() {
    // `b` was `a`, and `a` is another order by now.
    let mut ended = placed(7, LiveState::Issued, &order("a.example"));
    ended.former_names = vec!["a".parse().unwrap()];
    let mut again = order("a.example");
    again.generation = 2;
    let other = order_item("a", order("other.example"));
    let mut world = World::of(vec![order_item("b", again), other]);
    world.knows("orders.b", ended);
    let mut gone = at_the_ca(7, OrderStatus::Expired);
    gone.tag = Some(tag("a").to_string());
    world.shows(gone);
    let asked = world.questions().tags;
    assert!(!asked.contains(&tag("a")) || asked.len() == 1);
    let steps = world.plan().steps;
    let step = |name: &str| {
        let mut steps = steps.iter();
        steps.find(|step| step.address == address(name)).unwrap()
    };
    assert_eq!(step("orders.b").action, Action::Order);
    // Its own tag is carried by an order of another name: a person decides.
    assert_eq!(step("orders.a").reason.code(), "bound_elsewhere");
}

/// `revocations.r` is for the order that `orders.b` stands for.
fn revoking(name: &str) -> World {
    let mut world = in_force();
    let mut item = revocation_item("r", 0, Scope::Order);
    if let Wanted::Revocation(revocation) = &mut item.wanted {
        revocation.target = RevocationTarget::Order(name.parse().unwrap());
    }
    world.batch.items.push(item);
    world
}

fn targeted(name: &str, order: u64) -> Record {
    Record {
        target: Some(Box::new(Target {
            name: Some(name.parse().unwrap()),
            order_id: Some(order.into()),
            generation: 1,
        })),
        ..Record::default()
    }
}

#[test]
fn a_revocation_by_name_goes_on_for_the_order_that_it_was_shown_for() {
    // For order 6, which the name stood for before order 7.
    let mut world = revoking("b");
    world.knows("revocations.r", targeted("a", 6));
    world.shows(at_the_ca(6, OrderStatus::Revoked));
    let plan = world.plan();
    let step = plan
        .steps
        .iter()
        .find(|step| step.order_id == Some(6_u64.into()));
    assert_eq!(step.unwrap().action, Action::Keep, "{plan:#?}");
    assert!(plan.steps.iter().all(|step| step.revokes.is_empty()));
    // And after the move, without the line in the manifest.
    let mut record = world.records.remove(&address("orders.a")).unwrap();
    record.former_names = vec!["a".parse().unwrap()];
    world.knows("orders.b", record);
    world.batch.moved.clear();
    let plan = world.plan();
    assert!(plan.steps.iter().all(|step| step.revokes.is_empty()));
    // The name of an order that was never called so starts from nothing.
    world.knows("revocations.r", targeted("z", 6));
    let plan = world.plan();
    assert!(plan.steps.iter().any(|step| !step.revokes.is_empty()));
}

#[test]
fn a_revocation_in_the_same_plan_is_for_the_order_that_moves() {
    let plan = revoking("b").plan();
    let step = plan.steps.iter().find(|step| step.action == Action::Revoke);
    let step = step.unwrap();
    assert_eq!(step.order_id, Some(7_u64.into()));
    // One whose order does not move has none.
    let mut world = revoking("b");
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.product = Some("ssl_plus".to_owned());
    world.shows(shown);
    let plan = world.plan();
    assert!(plan.steps.iter().all(|step| step.revokes.is_empty()));
    assert!(
        plan.steps
            .iter()
            .any(|step| matches!(step.reason, Reason::NoOrderYet { .. }))
    );
}

#[test]
fn a_moved_revocation_keeps_its_pins() {
    let mut world = World::of(vec![revocation_item("s", 7, Scope::Order)]);
    world.renames("revocations.r", "revocations.s");
    world.shows(at_the_ca(7, OrderStatus::Issued));
    let mut record = targeted("x", 7);
    record.target.as_mut().unwrap().name = None;
    world.knows("revocations.r", record.clone());
    let step = world.step();
    assert_eq!((step.action, step.reason.code()), (Action::Adopt, "moved"));
    sends_nothing(&step);
    assert_eq!(
        step.news[0],
        FactBody::Moved {
            from: "revocations.r".parse().unwrap()
        }
    );
    // A name of its own is not taken, and `forget` is for orders.
    world.knows("revocations.s", record);
    let step = world.step();
    assert_eq!(step.reason.code(), "move_taken");
    assert!(!world.warning().contains("forget"), "{}", world.warning());
}

#[test]
fn a_live_order_of_another_kind_of_state_is_not_lost() {
    let live = |world: &World| -> Option<LiveOrder> {
        let records = world.records.values();
        records.filter_map(|record| record.live.clone()).next()
    };
    let world = in_force();
    let before = live(&world);
    let _ = world.plan();
    assert_eq!(live(&world), before, "planning writes nothing");
}
