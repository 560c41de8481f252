//! One call: what comes before it, what its answer proves, and what follows.

use std::time::Duration;

use super::{Books, REFUSED, Say, World, at_the_ca, certificate, order, revocation};
use crate::apply::Outcome;
use crate::model::{
    CertificateKind, CertificateState, OrderId, OrderStatus, Part, Reason, Scope, Wanted,
};
use crate::plan::Action;
use crate::provider::{ErrorKind, Verdict};

/// The steps of a call, in order.
const STEPS: [&str; 11] = [
    "permit",
    "reread",
    "intended",
    "place",
    "revoke",
    "accepted",
    "requested",
    "unsent",
    "refused",
    "doubted",
    "dead",
];

/// A world with order 9, whose revocation the manifest asks for.
fn old_order(scope: Scope) -> World {
    let world = World::of(vec![revocation("old", 9, scope)]);
    let shown = at_the_ca(9, None, None);
    world.ca.books().show(shown);
    world
}

#[tokio::test(start_paused = true)]
async fn an_intent_is_durable_before_its_only_call() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::Taken(7)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    let steps = ["permit", "intended ada", "place ada", "accepted ada"];
    assert_eq!(world.log.of(&STEPS), steps);
    // The next run has nothing to send.
    world.apply().await;
    assert_eq!(world.log.of(&STEPS), steps);
}

#[tokio::test(start_paused = true)]
async fn a_target_is_read_after_the_permit_and_right_before_the_intent() {
    let mut world = old_order(Scope::Order);
    world.ca.pace().permit = Duration::from_secs(900);
    world.ca.says([Say::Taken(50)]);
    world.apply().await;
    let steps = [
        "permit",
        "reread 9",
        "intended old",
        "revoke old: order 9",
        "requested old",
    ];
    assert_eq!(world.log.of(&STEPS), steps);
    let permit = world.log.times("permit")[0];
    let call = world.log.times("revoke old: order 9")[0];
    assert!(call - permit < Duration::from_millis(10), "{call:?}");
}

/// Something happens at the CA while the permit is waited for.
async fn changed_meanwhile(scope: Scope, change: fn(&mut Books)) -> World {
    let mut world = old_order(scope);
    let approved = crate::plan::approve(world.plan()).unwrap();
    world.ca.books().meanwhile = Some(Box::new(change));
    let ran = world.carry_out(approved.into()).await;
    assert_eq!(ran.outcome("revocations.old"), Outcome::Failed);
    let error = ran.error("revocations.old");
    assert!(
        error.starts_with("nothing was sent") && error.ends_with("plan again"),
        "{error}"
    );
    world
}

#[tokio::test(start_paused = true)]
async fn a_target_that_changed_while_the_slot_was_waited_for_gets_no_call() {
    let changes: [fn(&mut Books); 5] = [
        |books| books.add(9, certificate(91, CertificateKind::Duplicate)),
        |books| books.order(9).certificates.as_mut().unwrap()[0].serial_number = None,
        |books| {
            books.order(9).certificates.as_mut().unwrap()[0].state = CertificateState::Expired;
        },
        |books| books.order(9).certificates.as_mut().unwrap().clear(),
        |books| books.orders.clear(),
    ];
    for change in changes {
        let world = changed_meanwhile(Scope::Order, change).await;
        assert_eq!(world.log.of(&STEPS), ["permit", "reread 9"]);
    }
    // Of one certificate the names count, and others of its order do not.
    let one = || Scope::CertificateId("90".into());
    let world = changed_meanwhile(one(), |books| {
        books.order(9).certificates.as_mut().unwrap()[0].names = vec!["other.example".to_owned()];
    })
    .await;
    assert_eq!(world.log.of(&STEPS), ["permit", "reread 9"]);
    let mut world = old_order(one());
    world.ca.books().meanwhile = Some(Box::new(|books| {
        books.add(9, certificate(91, CertificateKind::Duplicate));
    }));
    world.ca.says([Say::Taken(50)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("revocations.old"), Outcome::Waiting);
}

#[tokio::test(start_paused = true)]
async fn what_was_revoked_meanwhile_is_done_without_a_call() {
    let mut world = old_order(Scope::Order);
    let approved = crate::plan::approve(world.plan()).unwrap();
    world.ca.books().meanwhile = Some(Box::new(|books| {
        books.revoke(&OrderId::from(9), &Part::Order);
    }));
    let ran = world.carry_out(approved.into()).await;
    assert_eq!(ran.outcome("revocations.old"), Outcome::Done);
    assert_eq!(world.log.of(&STEPS), ["permit", "reread 9"]);
    assert_eq!(world.plan().steps[0].action, Action::Keep);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_read_gets_no_call() {
    let mut world = old_order(Scope::Order);
    world.ca.books().sick.insert("reread");
    let ran = world.apply().await;
    assert_eq!(ran.outcome("revocations.old"), Outcome::Failed);
    assert_eq!(world.log.of(&STEPS), ["permit", "reread 9"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_sent_is_made_again_under_a_new_intent() {
    let unsent = Say::Fails(ErrorKind::Connect, Verdict::NotSent);
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([unsent, unsent, Say::Taken(7)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    let made = world.log.times("place ada");
    let pauses: Vec<u64> = made.windows(2).map(|w| (w[1] - w[0]).as_secs()).collect();
    assert_eq!(pauses, [1, 2]);
    assert_eq!(world.record("orders.ada").attempts, 3);

    // Five times, and no more in one run.
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([unsent; 5]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Failed);
    assert_eq!(world.log.times("place ada").len(), 5);
    assert_eq!(world.record("orders.ada").open, None);
    assert_eq!(world.plan().steps[0].action, Action::Order);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_rate_limits_is_patient() {
    let limited = Say::Fails(ErrorKind::RateLimited, Verdict::Rejected);
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([limited; 19]);
    world.ca.says([Say::Taken(7)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    assert_eq!(world.log.of(&["refused"]), Vec::<String>::new());

    let mut world = World::of(vec![order("ada")]);
    world.ca.says([limited; 20]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Failed);
    assert_eq!(world.record("orders.ada").failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_for_this_run_and_told_by_the_next_plan() {
    let mut world = World::of(vec![order("ada"), order("bob")]);
    world.ca.says([REFUSED, Say::Taken(7)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Failed);
    assert_eq!(ran.outcome("orders.bob"), Outcome::Waiting);
    assert_eq!(world.log.times("place ada").len(), 1);
    let step = &world.plan().steps[0];
    assert_eq!(step.action, Action::Order);
    assert!(matches!(step.reason, Reason::AskedAgain { .. }), "{step:?}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_take_the_intent_stops_everything_before_the_call() {
    let mut world = World::of(vec![order("ada"), order("bob")]);
    *world.journal.breaks_at.lock().unwrap() = Some("intended");
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Failed);
    assert!(ran.error("orders.ada").contains("nothing was sent"));
    assert_eq!(ran.outcome("orders.bob"), Outcome::Skipped);
    assert_eq!(world.log.of(&["place"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_number_could_not_be_noted_is_unknown_and_named() {
    let mut world = World::of(vec![order("ada"), order("bob")]);
    world.ca.says([Say::Taken(7)]);
    *world.journal.breaks_at.lock().unwrap() = Some("accepted");
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Unknown);
    assert_eq!(ran.of("orders.ada").order_id, Some(OrderId::from(7)));
    assert_eq!(ran.outcome("orders.bob"), Outcome::Skipped);
    assert_eq!(world.log.of(&["place"]), ["place ada"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_the_order_of_another_name_binds_nothing() {
    let mut world = World::with_issued(&["ada"]).await;
    world.items.push(order("bob"));
    world.ca.says([Say::Misnamed(2, 1)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.bob"), Outcome::Unknown);
    assert!(ran.error("orders.bob").contains("orders.ada"));
    assert_eq!(world.bound("bob"), None);
    // It is found by its tag.
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.bob"), Outcome::Waiting);
    assert_eq!(world.bound("bob").as_deref(), Some("2"));
    assert_eq!(world.log.of(&["place"]), ["place bob"]);
}

#[tokio::test(start_paused = true)]
async fn what_this_run_took_over_is_nobody_elses() {
    let mut existing = order("ada");
    let Wanted::Order(wanted) = &mut existing.wanted else {
        panic!("an order");
    };
    let shown = at_the_ca(5, Some(wanted), None);
    wanted.existing_order_id = Some(OrderId::from(5));
    let mut world = World::of(vec![existing, order("bob"), order("cleo"), order("dan")]);
    world.ca.books().show(shown);
    world
        .ca
        .says([Say::Misnamed(6, 5), Say::LostAfter(7), Say::Misnamed(8, 7)]);
    let ran = world.apply().await;
    assert_eq!(world.bound("ada").as_deref(), Some("5"));
    assert_eq!(world.bound("cleo").as_deref(), Some("7"));
    for (name, other) in [("orders.bob", "orders.ada"), ("orders.dan", "orders.cleo")] {
        assert_eq!(ran.outcome(name), Outcome::Unknown);
        assert!(ran.error(name).contains(other), "{}", ran.error(name));
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_at_the_ca_whose_status_is_no_longer_issued_is_not_reissued() {
    for status in [
        OrderStatus::ReissuePending,
        OrderStatus::Revoked,
        OrderStatus::Expired,
    ] {
        let mut world = World::with_issued(&["ada"]).await;
        world.edit("ada", |order| {
            order.certificate.emails.push("more@example.com".to_owned());
        });
        let approved = crate::plan::approve(world.plan()).unwrap();
        assert_eq!(approved.plan().steps[0].action, Action::Reissue);
        let becomes = status.clone();
        world.ca.books().meanwhile = Some(Box::new(move |books| {
            books.order(1).status = becomes;
        }));
        let ran = world.carry_out(approved.into()).await;
        assert_eq!(ran.outcome("orders.ada"), Outcome::Failed, "{status:?}");
        assert_eq!(world.log.of(&STEPS), ["permit", "reread 1"], "{status:?}");
    }
}
