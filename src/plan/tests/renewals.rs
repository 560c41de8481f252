//! The rows of the table of renewals, with a CA whose lists are made by hand. It is 2026-11-21, and a certificate of
//! public TLS lives for 199 days.

use super::{SeenFolder, World, at_the_ca, order, order_item, placed, revocation_item};
use crate::model::*;
use crate::plan::{Action, Knowledge, Pace, RenewedBy, Step};

/// Order 7 of `orders.a`, whose certificate and order end on these days.
fn due(certificate: &str, paid: &str, renew: Renew) -> World {
    with(renew, |shown| {
        shown.valid_till = Some(certificate.parse().unwrap());
        shown.order_valid_till = Some(paid.parse().unwrap());
    })
}

fn with(renew: Renew, change: impl FnOnce(&mut ObservedOrder)) -> World {
    let wanted = Order {
        renew: Some(renew),
        ..order("a.example")
    };
    let mut world = World::of(vec![order_item("a", wanted.clone())]);
    world.knows("orders.a", placed(7, LiveState::Issued, &wanted));
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.valid_from = Some("2026-06-01".parse().unwrap());
    change(&mut shown);
    world.shows(shown);
    world
}

fn route(route: RenewRoute) -> Renew {
    Renew {
        route,
        ..Renew::default()
    }
}

fn record(world: &mut World) -> &mut Record {
    world.records.get_mut(&"orders.a".parse().unwrap()).unwrap()
}

fn shown(world: &mut World, change: impl Fn(&mut ObservedOrder)) {
    let id = OrderId::from(7);
    change(world.observed.orders.get_mut(&id).unwrap());
    change(
        world
            .observed
            .details
            .get_mut(&id)
            .unwrap()
            .as_mut()
            .unwrap(),
    );
}

fn operation(step: &Step) -> (Option<RenewalOf>, Option<OrderId>) {
    match &step.operation {
        Some(Operation::Order(order)) => (order.order.renewal_of.clone(), order.renews.clone()),
        _ => (None, None),
    }
}

#[test]
fn the_first_row_that_holds_decides() {
    use RenewRoute::{Auto, Order, Reissue};
    let rows = [
        // (certificate ends, order ends, route, action, the word of the reason)
        ("2027-03-01", "2027-12-01", Auto, Action::Keep, "in_force"),
        (
            "2026-12-16",
            "2027-12-01",
            Auto,
            Action::Reissue,
            "renewal_due",
        ),
        (
            "2026-12-16",
            "2027-12-01",
            Reissue,
            Action::Reissue,
            "renewal_due",
        ),
        (
            "2026-12-16",
            "2026-12-20",
            Auto,
            Action::Renew,
            "renewal_due",
        ),
        (
            "2026-12-16",
            "2026-12-20",
            Reissue,
            Action::Wait,
            "renewal_no_way",
        ),
        // The certificate would end before the CA takes a renewal.
        (
            "2026-12-16",
            "2027-12-01",
            Order,
            Action::Wait,
            "renewal_too_early",
        ),
        // It takes one, and waiting for the order's own day would leave a gap.
        (
            "2026-12-16",
            "2027-02-01",
            Order,
            Action::Renew,
            "renewal_due",
        ),
        (
            "2026-12-16",
            "2027-01-10",
            Order,
            Action::Keep,
            "renewal_later",
        ),
        // Less than a week more is not worth a reissue.
        (
            "2027-01-01",
            "2027-01-06",
            Auto,
            Action::Keep,
            "renewal_later",
        ),
        (
            "2026-11-22",
            "2026-11-22",
            Auto,
            Action::Renew,
            "renewal_due",
        ),
        (
            "2026-11-21",
            "2026-11-21",
            Auto,
            Action::Renew,
            "renewal_due",
        ),
        // The certificate ran out, and the order goes on.
        (
            "2026-11-01",
            "2027-12-01",
            Auto,
            Action::Reissue,
            "renewal_due",
        ),
        (
            "2026-11-01",
            "2026-12-01",
            Auto,
            Action::Renew,
            "renewal_due",
        ),
        // Over for less than a month, and for longer.
        (
            "2026-11-20",
            "2026-11-20",
            Auto,
            Action::Renew,
            "renewal_due",
        ),
        (
            "2026-10-23",
            "2026-10-23",
            Auto,
            Action::Renew,
            "renewal_due",
        ),
        (
            "2026-10-22",
            "2026-10-22",
            Auto,
            Action::Wait,
            "renewal_no_way",
        ),
        (
            "2026-11-20",
            "2026-11-20",
            Reissue,
            Action::Wait,
            "renewal_no_way",
        ),
    ];
    for (certificate, paid, by, action, word) in rows {
        let step = due(certificate, paid, route(by)).step();
        let found = (step.action, step.reason.code());
        assert_eq!(found, (action, word), "{certificate} {paid} {by:?}");
    }
}

#[test]
fn without_renew_nothing_is_ever_due() {
    let mut world = due("2026-11-22", "2026-11-22", Renew::default());
    let Wanted::Order(wanted) = &mut world.batch.items[0].wanted else {
        unreachable!()
    };
    wanted.renew = None;
    let step = world.step();
    assert_eq!((step.action, step.renewal), (Action::Keep, None));
    assert!(world.warning().contains("renewal_of: a"));
}

#[test]
fn a_renewal_names_the_order_that_it_follows_and_one_that_is_over_is_only_followed() {
    let seven = OrderId::from(7);
    let step = due("2026-12-16", "2026-12-20", Renew::default()).step();
    let renewed = RenewalOf::OrderId(seven.clone());
    assert_eq!(operation(&step), (Some(renewed), Some(seven.clone())));
    let world = due("2026-11-20", "2026-11-20", Renew::default());
    assert_eq!(operation(&world.step()), (None, Some(seven)));
    assert!(world.warning().contains("the CA renews it no more"));
    let renewal = step.renewal.unwrap();
    assert_eq!(renewal.route, Some(RenewedBy::Order));
    assert_eq!(renewal.gain_days, Some(4));
    assert_eq!(renewal.due.to_string(), "2026-11-20T00:00:00Z");
}

#[test]
fn each_link_has_a_tag_of_its_own() {
    let tag = |id: u64| {
        let mut world = due("2026-12-16", "2026-12-20", Renew::default());
        let live = record(&mut world).live.as_mut().unwrap();
        live.order_id = id.into();
        let mut order = at_the_ca(id, OrderStatus::Issued);
        order.valid_till = Some("2026-12-16".parse().unwrap());
        order.order_valid_till = Some("2026-12-20".parse().unwrap());
        world.shows(order);
        match world.step().operation {
            Some(Operation::Order(order)) => order.tag,
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(tag(7), tag(8));
    assert_ne!(tag(7), super::tag("a"), "that of the first order");
}

#[test]
fn a_renewal_by_reissue_buys_and_revokes_nothing_and_keeps_a_fixed_key() {
    let world = due("2026-12-16", "2027-12-01", Renew::default());
    let step = world.step();
    let Some(Operation::Reissue(reissue)) = &step.operation else {
        panic!("{step:?}")
    };
    assert_eq!((reissue.why, reissue.collateral.len()), (Why::Renewal, 0));
    assert!(step.revokes.is_empty() && step.changes.is_empty());
    assert!(world.warning().contains("the key stays the same"));
    let renewal = step.renewal.unwrap();
    assert_eq!(
        (renewal.route, renewal.gain_days),
        (Some(RenewedBy::Reissue), Some(174))
    );
}

#[test]
fn an_entry_without_a_key_is_not_reissued() {
    let mut world = due("2026-12-16", "2027-12-01", Renew::default());
    let Wanted::Order(wanted) = &mut world.batch.items[0].wanted else {
        unreachable!()
    };
    wanted.certificate.csr = None;
    wanted.existing_order_id = Some(7.into());
    let wanted = (**wanted).clone();
    world.knows("orders.a", placed(7, LiveState::Issued, &wanted));
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "renewal_without_key")
    );
}

#[test]
fn what_holds_a_renewal() {
    let reissue = || due("2026-12-16", "2027-12-01", Renew::default());
    let word = |world: &World| {
        let step = world.step();
        let code = step.standing.waits().map(Cause::code);
        (step.action, step.reason.code(), code)
    };
    for on in ["auto_renew", "auto_reissue"] {
        let mut world = reissue();
        shown(&mut world, |order| order.renews_itself = vec![on]);
        let held = (
            Action::Wait,
            "renews_itself",
            Some("decision_renews_itself"),
        );
        assert_eq!(word(&world), held);
        assert!(world.warning().contains(on));
    }
    let mut world = reissue();
    shown(&mut world, |order| {
        order.requests = Some(vec![ObservedRequest {
            id: 5.into(),
            kind: RequestKind::NewRequest,
            status: RequestStatus::Pending,
            order_id: None,
            date: None,
        }]);
    });
    assert_eq!(
        word(&world),
        (Action::Wait, "request_open", Some("approval"))
    );

    let mut world = reissue();
    let failure = |at: &str| Failure {
        kind: OperationKind::Reissue,
        code: None,
        message: "no".into(),
        at: at.parse().unwrap(),
        body: Digest::of(b"body"),
    };
    record(&mut world).failure = Some(Box::new(failure("2026-11-20T11:00:00Z")));
    assert_eq!(
        word(&world),
        (Action::Wait, "renewal_refused", Some("next_run"))
    );
    record(&mut world).failure = Some(Box::new(failure("2026-11-20T10:00:00Z")));
    assert_eq!(word(&world).0, Action::Reissue, "a day later");

    let mut world = reissue();
    world.observed.clock = Some(CaClock {
        ahead: jiff::SignedDuration::from_hours(25),
        refuses_from: None,
    });
    assert_eq!(
        word(&world),
        (Action::Wait, "wrong_clock", Some("decision_clock"))
    );

    let mut world = reissue();
    world.pace = Pace {
        no_renew: true,
        at_most: None,
    };
    assert_eq!(word(&world), (Action::Keep, "renewal_held", None));
    let counted = world.plan().warnings;
    assert!(
        counted
            .iter()
            .any(|one| one.message.contains("1 order is due")),
        "{counted:?}"
    );
}

#[test]
fn the_ca_s_clock_decides_what_is_due() {
    let mut world = due("2027-03-01", "2027-12-01", Renew::default());
    assert_eq!(world.step().action, Action::Keep);
    let mut world_later = due("2027-02-15", "2027-12-01", Renew::default());
    assert_eq!(world_later.step().action, Action::Keep, "due tomorrow");
    for world in [&mut world, &mut world_later] {
        world.observed.clock = Some(CaClock {
            ahead: jiff::SignedDuration::from_hours(23),
            refuses_from: None,
        });
    }
    assert_eq!(world.step().action, Action::Keep);
    assert_eq!(world_later.step().action, Action::Reissue);
}

#[test]
fn a_reissue_that_brought_nothing_is_not_repeated() {
    let mut world = due("2027-03-01", "2027-12-01", Renew::default());
    let taken = |till: &str| RenewalReissue {
        valid_till: till.parse().unwrap(),
        at: "2026-11-03T00:00:00Z".parse().unwrap(),
    };
    record(&mut world).live.as_mut().unwrap().renewal = Some(taken("2027-03-01"));
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "renewal_no_gain")
    );
    assert!(
        world
            .warning()
            .contains("the reissue of 2026-11-03 brought no longer validity")
    );
    record(&mut world).live.as_mut().unwrap().renewal = Some(taken("2027-02-28"));
    assert_eq!(world.step().action, Action::Keep, "it brought a day");
}

#[test]
fn an_order_that_is_to_die_is_not_renewed() {
    let mut world = due("2026-12-16", "2027-12-01", Renew::default());
    world
        .batch
        .items
        .push(revocation_item("r", 7, Scope::Order));
    let step = |world: &World| world.plan().steps.into_iter().next().unwrap();
    let held = step(&world);
    assert_eq!(
        (held.action, held.reason.code()),
        (Action::Keep, "to_be_revoked")
    );
    // A revocation of an earlier order of the name stops nothing.
    world.batch.items.pop();
    world
        .batch
        .items
        .push(revocation_item("r", 6, Scope::Order));
    assert_eq!(step(&world).action, Action::Reissue);
    // Nor does one of duplicates where none is in force.
    world.batch.items.pop();
    world
        .batch
        .items
        .push(revocation_item("r", 7, Scope::Duplicates));
    assert_eq!(step(&world).action, Action::Reissue);
}

#[test]
fn a_renewal_outside_is_told_and_nothing_is_bought() {
    let mut world = due("2026-12-16", "2026-12-20", Renew::default());
    shown(&mut world, |order| {
        order.renewed = true;
        order.renewed_by = Some(9.into());
    });
    // Whether it is ours its tag tells.
    let asked = world.questions();
    assert_eq!(asked.tags.len(), 1);
    let tag = asked.tags.into_iter().next().unwrap();
    world
        .observed
        .tags
        .insert(tag.clone(), TagLookup::default());
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "renewed_already")
    );
    assert!(world.warning().contains("certplan import orders.a 9"));

    let hit = StatusChange {
        order_id: 9.into(),
        certificate_id: None,
        status: OrderStatus::Issued,
    };
    world
        .observed
        .tags
        .insert(tag.clone(), TagLookup { orders: vec![hit] });
    let asked = world.questions();
    assert_eq!(
        asked.orders.into_iter().collect::<Vec<_>>(),
        [OrderId::from(9)]
    );
    let mut follower = at_the_ca(9, OrderStatus::Issued);
    follower.tag = Some(tag.to_string());
    follower.public_key = Some(Digest::of(b"key"));
    world.shows(follower);
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Adopt, "renewal_found")
    );
    let mut record = world.records[&"orders.a".parse().unwrap()].clone();
    for body in step.news {
        let fact = Fact {
            at: super::NOW.parse().unwrap(),
            run: RunId::from("run"),
            address: step.address.clone(),
            account: step.account.clone(),
            body,
        };
        record = record.next(&fact).unwrap();
    }
    assert_eq!(record.live.unwrap().order_id, 9.into());
    assert_eq!(record.previous[0].order_id, 7.into());
}

#[test]
fn a_renewal_that_waits_keeps_what_is_in_force() {
    let mut world = due("2026-12-16", "2026-12-20", Renew::default());
    let mut successor = placed(9, LiveState::Requested, &order("a.example"))
        .live
        .unwrap();
    successor.request_id = Some(5.into());
    record(&mut world).successor = Some(Box::new(successor));
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "renewal_under_way")
    );
    assert_eq!(
        step.reached(),
        Some(Milestone::Issued),
        "gates go by what is in force"
    );
    assert_eq!(step.state(), "issued");
    assert!(world.questions().orders.is_empty());
    // Once the list shows it as issued the name stands for it.
    world.shows(at_the_ca(9, OrderStatus::Issued));
    let step = world.step();
    assert_eq!((step.action, step.order_id), (Action::Keep, Some(9.into())));
    assert_eq!(step.news.len(), 1);
}

#[test]
fn a_renewal_that_was_refused_waits_for_the_next_generation() {
    let mut world = due("2026-12-16", "2026-12-20", Renew::default());
    let live = record(&mut world).live.as_mut().unwrap();
    live.renewal_ended = Some(Box::new(EndedRenewal {
        order_id: 9.into(),
        ending: Ending::Rejected,
        generation: 1,
        at: super::NOW.parse().unwrap(),
    }));
    let step = world.step();
    assert_eq!(
        (step.action, step.reason.code()),
        (Action::Wait, "renewal_ended")
    );
    assert!(
        world
            .warning()
            .contains("`generation: 2` asks for it again")
    );
    let Wanted::Order(wanted) = &mut world.batch.items[0].wanted else {
        unreachable!()
    };
    wanted.generation = 2;
    assert_eq!(world.step().action, Action::Renew);
}

#[test]
fn only_what_is_due_is_read() {
    let listed = |world: &mut World| world.observed.details.clear();
    let mut later = due("2027-03-01", "2027-12-01", Renew::default());
    listed(&mut later);
    assert!(later.questions().is_empty());
    let mut now = due("2026-12-16", "2027-12-01", Renew::default());
    listed(&mut now);
    assert_eq!(now.questions().orders.len(), 1);
    let mut kept = due("2027-01-01", "2027-01-06", Renew::default());
    listed(&mut kept);
    assert!(kept.questions().is_empty(), "nothing is done about it yet");
}

#[test]
fn a_state_that_may_lack_something_looks_before_it_buys() {
    let mut world = due("2026-12-16", "2026-12-20", Renew::default());
    assert!(world.questions().is_empty());
    world.knowledge = Knowledge::MayLack;
    assert_eq!(world.questions().tags.len(), 1);
    let mut reissue = due("2026-12-16", "2027-12-01", Renew::default());
    reissue.knowledge = Knowledge::MayLack;
    assert!(reissue.questions().is_empty(), "a reissue buys nothing");
}

#[test]
fn at_most_takes_what_ends_first() {
    let mut world = World::of(Vec::new());
    for (name, id, till) in [
        ("c", 3, "2026-12-18"),
        ("b", 2, "2026-12-16"),
        ("a", 1, "2026-12-17"),
    ] {
        let wanted = Order {
            renew: Some(Renew::default()),
            ..order(&format!("{name}.example"))
        };
        world.batch.items.push(order_item(name, wanted.clone()));
        world.knows(
            &format!("orders.{name}"),
            placed(id, LiveState::Issued, &wanted),
        );
        let mut shown = at_the_ca(id, OrderStatus::Issued);
        shown.names = vec![format!("{name}.example")];
        shown.common_name = Some(format!("{name}.example"));
        shown.valid_till = Some(till.parse().unwrap());
        shown.order_valid_till = Some("2027-12-01".parse().unwrap());
        world.shows(shown);
    }
    world
        .batch
        .items
        .push(order_item("new", order("new.example")));
    world.pace.at_most = Some(2);
    let plan = world.plan();
    let taken: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| step.action.is_change())
        .map(|step| step.address.to_string())
        .collect();
    assert_eq!(taken, ["orders.b", "orders.a"]);
    for step in plan.steps.iter().filter(|step| !step.action.is_change()) {
        let code = step.standing.waits().map(Cause::code);
        assert_eq!(
            (step.reason.code(), code),
            ("left_for_later", Some("next_run"))
        );
        assert!(step.operation.is_none());
    }
}

#[test]
fn spread_makes_it_due_earlier_and_always_by_the_same_part() {
    let renew = Renew {
        spread: 5 * 86_400,
        ..Renew::default()
    };
    let at = |name: &str| {
        let address: Address = format!("orders.{name}").parse().unwrap();
        Ends::part_of(&address, renew.spread)
    };
    let parts: Vec<i64> = (0..50).map(|number| at(&format!("n{number}"))).collect();
    assert!(parts.iter().all(|part| (0..5 * 86_400).contains(part)));
    assert!(parts.iter().any(|part| *part > 3 * 86_400));
    assert_eq!(at("www"), at("www"));
    let due = due("2027-03-01", "2027-12-01", renew)
        .step()
        .renewal
        .unwrap()
        .due;
    let plain: jiff::Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    assert_eq!(plain.duration_since(due).as_secs(), at("a"));
}

#[test]
fn a_lead_that_is_shorter_than_what_certificates_took_is_told() {
    let renew = Renew {
        before: Lead::Days(9),
        ..Renew::default()
    };
    let mut world = due("2027-03-01", "2027-12-01", renew);
    let took = |days: i64, at: &str| Took {
        seconds: days * 86_400,
        at: at.parse().unwrap(),
    };
    let live = |world: &mut World, took| record(world).live.as_mut().unwrap().took = Some(took);
    live(&mut world, took(7, super::LONG_AGO));
    assert!(
        world.warning().contains("took up to about 7 days"),
        "{}",
        world.warning()
    );
    assert!(
        world
            .warning()
            .contains("`before` leaves 9 days for orders.a")
    );
    live(&mut world, took(6, super::LONG_AGO));
    assert_eq!(world.warning(), "");
    live(&mut world, took(7, "2026-08-01T00:00:00Z"));
    assert_eq!(world.warning(), "", "more than 90 days ago");
}

#[test]
fn a_key_that_is_on_another_host_is_made_there() {
    let mut world = due("2026-12-16", "2026-12-20", Renew::default());
    let Wanted::Order(wanted) = &mut world.batch.items[0].wanted else {
        unreachable!()
    };
    wanted.certificate.csr = None;
    wanted.certificate.key = Some(WantedKey {
        generate: KeyKind::P256,
        reuse: false,
    });
    let wanted = (**wanted).clone();
    world.knows("orders.a", placed(7, LiveState::Issued, &wanted));
    world.folder = Some(SeenFolder {
        elsewhere: Some("0190a5f0-0000-7000-8000-000000000000".parse().unwrap()),
        ..SeenFolder::default()
    });
    assert_eq!(world.step().reason.code(), "other_host");
}

#[test]
fn a_renewal_in_doubt_is_settled_as_a_renewal() {
    let seven = OrderId::from(7);
    for (late, renewal_of) in [
        (false, Some(RenewalOf::OrderId(seven.clone()))),
        (true, None),
    ] {
        let mut world = due("2026-12-16", "2026-12-20", Renew::default());
        record(&mut world).open = Some(Box::new(OpenOperation {
            attempt: Attempt {
                kind: OperationKind::Renew,
                part: None,
                number: 2,
                generation: 1,
                order_id: (!late).then(|| seven.clone()),
                renews: Some(seven.clone()),
                why: Why::Change,
                replaces: None,
                tag: None,
                body: Digest::of(b"body"),
                public_key: None,
                certificate: None,
                terms: None,
                asked: None,
            },
            since: super::LONG_AGO.parse().unwrap(),
            phase: Phase::Sending,
        }));
        let step = world.step();
        assert_eq!(step.action, Action::Settle);
        assert_eq!(operation(&step), (renewal_of, Some(seven.clone())));
    }
}

#[test]
fn a_revocation_by_name_after_a_found_chain_is_for_a_person() {
    let mut world = due("2026-12-16", "2027-12-01", Renew::default());
    let mut revocation = revocation_item("r", 6, Scope::Order);
    let Wanted::Revocation(wanted) = &mut revocation.wanted else {
        unreachable!()
    };
    wanted.target = RevocationTarget::Order("a".parse().unwrap());
    world.batch.items.push(revocation);
    let named = record(&mut world);
    named.first_generation = Some(1);
    let past = |found| PastOrder {
        order_id: 6.into(),
        from: super::LONG_AGO.parse().unwrap(),
        to: super::NOW.parse().unwrap(),
        found,
    };
    named.previous = vec![past(true)];
    let steps = world.plan().steps;
    let words: Vec<_> = steps
        .iter()
        .map(|step| (step.action, step.reason.code()))
        .collect();
    let held = [
        (Action::Keep, "to_be_revoked"),
        (Action::Wait, "earlier_order"),
    ];
    assert_eq!(words, held, "neither is decided by itself");
    assert!(steps[1].revokes.is_empty());
    // A chain whose every renewal this journal placed leaves nothing open: an entry written now is for the order of now.
    record(&mut world).previous = vec![past(false)];
    assert_eq!(world.plan().steps[1].action, Action::Revoke);
    // The next generation of the entry says so as well.
    record(&mut world).previous = vec![past(true)];
    let Wanted::Revocation(wanted) = &mut world.batch.items[1].wanted else {
        unreachable!()
    };
    wanted.generation = 2;
    let pinned = Target {
        name: Some("a".parse().unwrap()),
        order_id: None,
        generation: 1,
    };
    let undecided = Record {
        target: Some(Box::new(pinned)),
        ..Record::default()
    };
    world.knows("revocations.r", undecided);
    assert_eq!(world.plan().steps[1].action, Action::Revoke);
}
