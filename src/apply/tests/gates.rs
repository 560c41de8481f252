//! What an item waits for in `after`: a gate opens on what the entry asks for now.

use std::time::Duration;

use super::{REFUSED, Say, World, at_the_ca, order, revocation, waits_for};
use crate::apply::Outcome;
use crate::model::{
    Cause, Decision, Milestone, OrderId, OrderStatus, RenewalOf, RequestStatus, Scope, Wanted,
};
use crate::plan::Action;

const OLD: &str = "revocations.old";

/// `ada` is in force as order 1; the revocation of order 9 waits until it is issued as the entry asks for
/// it now, and that is with another name.
async fn reissue_before_a_revocation() -> World {
    let mut world = World::with_issued(&["ada"]).await;
    world.edit("ada", |order| {
        order.certificate.emails.push("more@example.com".to_owned());
    });
    world.ca.books().show(at_the_ca(9, None, None));
    let old = revocation("old", 9, Scope::Order);
    let old = waits_for(old, "orders.ada", Milestone::Issued);
    world.items.push(old);
    world
}

/// A new order `ada`; the revocation of order 9 waits until it has come so far.
fn order_before_a_revocation(until: Milestone) -> World {
    let old = waits_for(revocation("old", 9, Scope::Order), "orders.ada", until);
    let world = World::of(vec![order("ada"), old]);
    world.ca.books().show(at_the_ca(9, None, None));
    world
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_is_only_asked_for_keeps_the_gate_shut() {
    let mut world = reissue_before_a_revocation().await;
    world.ca.says([Say::Taken(70)]);
    // The first run asks, the second finds it under way.
    for _ in 0..2 {
        let ran = world.apply().await;
        assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
        assert_eq!(ran.outcome(OLD), Outcome::Waiting);
        let waits = ran.of(OLD).waits().unwrap();
        assert_eq!(waits.code(), "dependency");
        assert_eq!(world.log.of(&["reissue", "revoke"]), ["reissue ada"]);
    }
    world.ca.books().reissue(1);
    world.ca.says([Say::Taken(71)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Kept);
    assert_eq!(world.log.of(&["revoke"]), ["revoke old: order 9"]);
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_is_issued_while_the_run_waits_opens_the_gate() {
    let mut world = reissue_before_a_revocation().await;
    world.ca.says([Say::Taken(70), Say::Taken(71)]);
    world.wait = Duration::from_secs(3600);
    let (ca, log) = (world.ca.clone(), world.log.clone());
    let begun = world.log.now();
    let administrator = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(log.of(&["revoke"]), Vec::<String>::new());
        ca.books().reissue(1);
        tokio::time::sleep(Duration::from_secs(100)).await;
        ca.books().decide(71, RequestStatus::Approved);
    });
    let ran = world.apply().await;
    administrator.await.unwrap();
    assert_eq!(ran.outcome("orders.ada"), Outcome::Done);
    assert_eq!(ran.outcome(OLD), Outcome::Done);
    // It does not wait to the end.
    assert!((world.log.now() - begun).as_secs() < 300);
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_is_done_at_once_opens_the_gate_in_the_same_run() {
    let mut world = reissue_before_a_revocation().await;
    world.ca.says([Say::Done(70), Say::Done(71)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Done);
    assert_eq!(ran.outcome(OLD), Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_was_refused_skips_what_comes_after_it() {
    let mut world = reissue_before_a_revocation().await;
    world.ca.says([REFUSED]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Failed);
    assert_eq!(ran.outcome(OLD), Outcome::Skipped);
    assert!(ran.error(OLD).contains("orders.ada"), "{}", ran.error(OLD));
}

#[tokio::test(start_paused = true)]
async fn a_reissue_in_doubt_skips_what_comes_after_it() {
    let mut world = reissue_before_a_revocation().await;
    world.ca.says([Say::LostBefore]);
    for _ in 0..2 {
        let ran = world.apply().await;
        assert_eq!(ran.outcome("orders.ada"), Outcome::Unknown);
        assert_eq!(ran.outcome(OLD), Outcome::Skipped);
    }
    assert_eq!(world.log.of(&["reissue", "revoke"]), ["reissue ada"]);
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_an_administrator_rejected_keeps_the_gate_shut_for_good() {
    let mut world = reissue_before_a_revocation().await;
    world.ca.says([Say::Taken(70)]);
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    let administrator = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut books = ca.books();
        books.decide(70, RequestStatus::Rejected);
        let order = books.order(1);
        order.status = OrderStatus::Issued;
        order.names = vec!["ada".to_owned(), "ada@example.com".to_owned()];
    });
    let ran = world.apply().await;
    administrator.await.unwrap();
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    world.wait = Duration::ZERO;
    for _ in 0..2 {
        let ran = world.apply().await;
        let decisions: Vec<&Decision> = ran.report.decisions().map(|(_, what)| what).collect();
        assert_eq!(decisions, [&Decision::ReissueRejected { generation: 2 }]);
        assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    }
    assert_eq!(world.log.of(&["reissue", "revoke"]), ["reissue ada"]);
}

#[tokio::test(start_paused = true)]
async fn submitted_is_reached_by_an_order_that_waits_and_issued_is_not() {
    let mut world = order_before_a_revocation(Milestone::Submitted);
    world.ca.says([Say::Taken(1), Say::Taken(71)]);
    world.apply().await;
    let calls = ["place ada", "revoke old: order 9"];
    assert_eq!(world.log.of(&["place", "revoke"]), calls);

    let mut world = order_before_a_revocation(Milestone::Issued);
    world.ca.says([Say::Taken(1)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["place", "revoke"]), ["place ada"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_fails_or_is_in_doubt_skips_what_comes_after_it() {
    for (say, outcome) in [
        (REFUSED, Outcome::Failed),
        (Say::LostBefore, Outcome::Unknown),
    ] {
        for until in [Milestone::Submitted, Milestone::Issued] {
            let mut world = order_before_a_revocation(until);
            world.ca.says([say]);
            let ran = world.apply().await;
            assert_eq!(ran.outcome("orders.ada"), outcome);
            assert_eq!(ran.outcome(OLD), Outcome::Skipped);
            assert_eq!(world.log.of(&["revoke"]), Vec::<String>::new());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_rejected_while_the_run_waits_never_opens_its_gate() {
    let mut world = order_before_a_revocation(Milestone::Issued);
    world.ca.says([Say::Taken(1)]);
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    let administrator = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        ca.books().order(1).status = OrderStatus::Rejected;
    });
    let ran = world.apply().await;
    administrator.await.unwrap();
    // Only a person takes it further, so the run does not wait to the end.
    assert!(world.log.now().as_secs() < 120);
    assert!(ran.report.decisions().next().is_some());
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    world.wait = Duration::ZERO;
    let ran = world.apply().await;
    let Some(Cause::Dependency { after }) = ran.of(OLD).waits() else {
        panic!("{:?}", ran.of(OLD));
    };
    assert!(after[0].because.is_some(), "{after:?}");
    assert_eq!(world.log.of(&["revoke"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_gate_passes_on_over_a_chain_in_one_run() {
    let bob = waits_for(order("bob"), "orders.ada", Milestone::Issued);
    let cleo = waits_for(order("cleo"), "orders.bob", Milestone::Issued);
    let old = revocation("old", 9, Scope::Order);
    let old = waits_for(old, "orders.cleo", Milestone::Issued);
    let new = waits_for(order("new"), OLD, Milestone::Revoked);
    // Steps come in the plan's order, whatever the manifest's.
    let mut world = World::of(vec![new, old, cleo, bob, order("ada")]);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says((1..=5).map(Say::Done));
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Done), 5, "{:#?}", ran.report);
    let calls = [
        "place ada",
        "place bob",
        "place cleo",
        "revoke old: order 9",
        "place new",
    ];
    assert_eq!(world.log.of(&["place", "revoke"]), calls);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_two_starts_after_the_later_one() {
    let both = waits_for(order("cleo"), "orders.ada", Milestone::Issued);
    let both = waits_for(both, "orders.bob", Milestone::Issued);
    let mut world = World::of(vec![order("ada"), order("bob"), both]);
    world.ca.says([Say::Done(1), Say::Taken(2)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.cleo"), Outcome::Waiting);
    world.ca.books().issue(2);
    world.ca.says([Say::Done(3)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.cleo"), Outcome::Done);
}

/// `next` renews `ada`, which is placed in the same run.
fn renewal() -> World {
    let mut next = waits_for(order("next"), "orders.ada", Milestone::Submitted);
    let Wanted::Order(wanted) = &mut next.wanted else {
        panic!("an order");
    };
    wanted.renewal_of = Some(RenewalOf::Item("ada".parse().unwrap()));
    World::of(vec![next, order("ada")])
}

#[tokio::test(start_paused = true)]
async fn a_renewal_in_the_same_run_carries_the_number_that_the_ca_just_gave() {
    let mut world = renewal();
    assert_eq!(world.plan().steps[1].action, Action::Renew);
    world.ca.says([Say::Taken(41), Say::Taken(42)]);
    world.apply().await;
    let calls = ["place ada", "place next for 41"];
    assert_eq!(world.log.of(&["place"]), calls);
    assert_eq!(world.bound("next").as_deref(), Some("42"));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_of_what_was_refused_is_skipped() {
    let mut world = renewal();
    world.ca.says([REFUSED]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.next"), Outcome::Skipped);
    assert_eq!(world.log.of(&["place"]), ["place ada"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_certificate_is_dead_keeps_the_gate_shut() {
    let mut world = World::with_issued(&["ada"]).await;
    let old = revocation("old", 9, Scope::Order);
    let old = waits_for(old, "orders.ada", Milestone::Issued);
    world.items.push(old);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.books().order(1).certificate_revoked = true;
    for _ in 0..2 {
        let ran = world.apply().await;
        assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    }
    {
        let mut books = world.ca.books();
        books.order(1).certificate_revoked = false;
        books.order(1).valid_till = Some("2026-11-20".parse().unwrap());
    }
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_died_before_the_feed_called_it_issued_keeps_the_gate_shut() {
    let mut world = order_before_a_revocation(Milestone::Issued);
    world.ca.says([Say::Taken(1)]);
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    let administrator = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut books = ca.books();
        books.issue(1);
        books.order(1).certificate_revoked = true;
    });
    let ran = world.apply().await;
    administrator.await.unwrap();
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_entry_was_changed_meanwhile_keeps_the_gate_shut() {
    let mut world = order_before_a_revocation(Milestone::Issued);
    world.ca.says([Say::Taken(1)]);
    world.apply().await;
    world.edit("ada", |order| {
        order.certificate.emails.push("more@example.com".to_owned());
    });
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    let administrator = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        ca.books().issue(1);
    });
    let ran = world.apply().await;
    administrator.await.unwrap();
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    world.wait = Duration::ZERO;
    world.ca.says([Say::Taken(70)]);
    world.apply().await;
    assert_eq!(world.log.of(&["reissue", "revoke"]), ["reissue ada"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_in_doubt_whose_entry_was_changed_meanwhile_keeps_the_gate_shut() {
    let mut world = order_before_a_revocation(Milestone::Issued);
    world.ca.says([Say::LostAfter(1)]);
    world.ca.books().unindexed.insert(OrderId::from(1));
    world.apply().await;
    {
        let mut books = world.ca.books();
        books.unindexed.clear();
        books.issue(1);
    }
    // Units are what the CA does not show: the order that is found is adopted, and differs all the same.
    world.edit("ada", |order| {
        let units = &mut order.certificate.organization_units;
        units.push("Accounting".to_owned());
    });
    let ran = world.apply().await;
    assert_eq!(world.bound("ada").as_deref(), Some("1"));
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_reissue_by_somebody_else_is_not_taken_for_the_one_that_was_refused() {
    for waits in [0, 600] {
        let mut world = reissue_before_a_revocation().await;
        world.ca.says([Say::Taken(70)]);
        world.apply().await;
        world.wait = Duration::from_secs(waits);
        let ca = world.ca.clone();
        let people = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(waits / 10)).await;
            let mut books = ca.books();
            books.decide(70, RequestStatus::Rejected);
            books.reissue(1);
            books.order(1).names = vec!["ada".to_owned(), "ada@example.com".to_owned()];
        });
        if waits == 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let ran = world.apply().await;
        people.await.unwrap();
        let decisions: Vec<&Decision> = ran.report.decisions().map(|(_, what)| what).collect();
        assert_eq!(decisions, [&Decision::ReissueRejected { generation: 2 }]);
        assert_eq!(ran.outcome(OLD), Outcome::Waiting);
        assert_eq!(world.log.of(&["reissue", "revoke"]), ["reissue ada"]);
    }
}

/// A revocation by name waits for its order, which is over once the revocation has had its effect.
#[tokio::test(start_paused = true)]
async fn a_doubt_is_settled_even_where_the_gate_of_its_step_has_closed() {
    let mut world = World::with_issued(&["ada"]).await;
    let old = revocation("old", 1, Scope::Order);
    world
        .items
        .push(waits_for(old, "orders.ada", Milestone::Submitted));
    world.ca.says([Say::LostAfter(71)]);
    world.ca.books().sick.insert("read");
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Unknown);
    world.ca.books().sick.clear();
    world.ca.books().decide(71, RequestStatus::Approved);
    world.apply().await;
    assert_eq!(world.record(OLD).open, None);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Kept);
    assert_eq!(world.log.of(&["revoke"]), ["revoke old: order 1"]);
}

/// What was proved without effect is sent again when its gate is open, and not before.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_proved_lost_waits_for_its_gate_again() {
    let mut world = World::with_issued(&["ada"]).await;
    let old = revocation("old", 9, Scope::Order);
    world
        .items
        .push(waits_for(old, "orders.ada", Milestone::Issued));
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says([Say::LostBefore]);
    world.ca.books().sick.insert("read");
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Unknown);
    world.ca.books().sick.clear();
    world.ca.books().order(1).certificate_revoked = true;
    for _ in 0..2 {
        let ran = world.apply().await;
        assert_eq!(ran.outcome(OLD), Outcome::Waiting);
        assert_eq!(world.record(OLD).open, None);
    }
    assert_eq!(world.log.of(&["revoke"]), ["revoke old: order 9"]);
    world.ca.books().order(1).certificate_revoked = false;
    world.ca.says([Say::Done(72)]);
    world.apply().await;
    assert_eq!(world.log.of(&["revoke"]).len(), 2);
}
