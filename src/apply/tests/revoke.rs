//! Revocations: one call after the other, each for what the plan pinned.

use std::time::Duration;

use super::{REFUSED, Say, World, at_the_ca, certificate, revocation};
use crate::apply::Outcome;
use crate::model::{
    CertificateKind, Decision, OrderId, Part, PartState, RequestId, RequestStatus, Scope,
};
use crate::plan::Action;

const OLD: &str = "revocations.old";

/// Order 9 with certificates 90 (the original), 91 and 92 (duplicates).
fn two_duplicates(scope: Scope) -> World {
    let world = World::of(vec![revocation("old", 9, scope)]);
    let mut books = world.ca.books();
    books.show(at_the_ca(9, None, None));
    books.add(9, certificate(91, CertificateKind::Duplicate));
    books.add(9, certificate(92, CertificateKind::Duplicate));
    drop(books);
    world
}

fn part(world: &World, certificate: u64) -> Option<PartState> {
    let part = Part::Certificate(certificate.into());
    world.record(OLD).part(&OrderId::from(9), &part).cloned()
}

fn requested(request: u64) -> Option<PartState> {
    Some(PartState::Requested {
        request_id: Some(RequestId::from(request)),
    })
}

#[tokio::test(start_paused = true)]
async fn a_doubt_about_one_certificate_is_not_settled_by_the_request_for_another() {
    let mut world = two_duplicates(Scope::Duplicates);
    world
        .ca
        .says([Say::Taken(51), Say::LostBefore, Say::Taken(52)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    let calls = [
        "revoke old: certificate 91",
        "revoke old: certificate 92",
        "revoke old: certificate 92",
    ];
    assert_eq!(world.log.of(&["revoke"]), calls);
    assert_eq!(part(&world, 91), requested(51));
    assert_eq!(part(&world, 92), requested(52));
    world.ca.books().decide(51, RequestStatus::Approved);
    world.ca.books().decide(52, RequestStatus::Approved);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Kept);
    assert_eq!(world.log.of(&["revoke"]), calls);
}

/// A request shows no certificate: where one alone is in force, it is for that.
#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_was_lost_is_taken_where_it_can_be_for_nothing_else() {
    let mut world = World::of(vec![revocation("old", 9, Scope::Order)]);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says([Say::LostAfter(51)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]).len(), 1);
    assert_eq!(ran.of(OLD).request_id, Some(RequestId::from(51)));

    // Asking twice revokes nothing more.
    let mut world = two_duplicates(Scope::Duplicates);
    world
        .ca
        .says([Say::Taken(51), Say::LostAfter(52), Say::Taken(53)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]).len(), 3);
    assert_eq!(part(&world, 92), requested(53));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_always_lost_on_its_way_is_made_three_times_in_a_run() {
    let mut world = two_duplicates(Scope::Order);
    world.ca.says([Say::LostBefore; 3]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Failed);
    assert_eq!(world.log.of(&["revoke"]).len(), 3);
    // Each was proved to be without effect, so the next run asks again.
    assert_eq!(world.record(OLD).open, None);
    world.ca.says([Say::Done(50)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_whose_order_cannot_be_read_is_settled_by_a_later_run() {
    let mut world = World::of(vec![revocation("old", 9, Scope::Order)]);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.books().sick.insert("read");
    world.ca.says([Say::LostAfter(51)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Unknown);
    world.ca.books().sick.clear();
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]).len(), 1);
    let whole = world.record(OLD);
    let whole = whole.part(&OrderId::from(9), &Part::Order).cloned();
    assert_eq!(whole, requested(51));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_revocation_follows_in_the_run_that_settles_it() {
    let mut world = two_duplicates(Scope::Duplicates);
    world.ca.books().sick.insert("read");
    world.ca.says([Say::LostBefore]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Unknown);
    world.ca.books().sick.clear();
    world.ca.says([Say::Taken(51), Say::Taken(52)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    let calls = [
        "revoke old: certificate 91",
        "revoke old: certificate 91",
        "revoke old: certificate 92",
    ];
    assert_eq!(world.log.of(&["revoke"]), calls);
    let parts = (part(&world, 91), part(&world, 92));
    assert_eq!(parts, (requested(51), requested(52)));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_second_keeps_what_the_first_came_to() {
    let mut world = two_duplicates(Scope::Duplicates);
    world.ca.says([Say::Taken(51), REFUSED]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(OLD), Outcome::Failed);
    let revoked = &ran.of(OLD).revoked;
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].certificate_id, 91.into());
    // The next run asks for the second alone.
    world.ca.says([Say::Taken(52)]);
    world.apply().await;
    let calls = world.log.times("revoke old: certificate 91");
    assert_eq!(calls.len(), 1);
    assert_eq!(part(&world, 92), requested(52));
}

#[tokio::test(start_paused = true)]
async fn what_an_administrator_declined_is_asked_for_again_by_the_next_generation_alone() {
    let mut world = two_duplicates(Scope::Order);
    world.ca.says([Say::Taken(51)]);
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        ca.books().decide(51, RequestStatus::Rejected);
    });
    let ran = world.apply().await;
    assert!(world.log.now().as_secs() < 120);
    let decisions: Vec<&Decision> = ran.report.decisions().map(|(_, what)| what).collect();
    assert_eq!(decisions, [&Decision::Declined { generation: 2 }]);
    world.wait = Duration::ZERO;
    for _ in 0..2 {
        let ran = world.apply().await;
        assert!(ran.report.decisions().next().is_some());
    }
    assert_eq!(world.log.of(&["revoke"]).len(), 1);
    if let crate::model::Wanted::Revocation(wanted) = &mut world.items[0].wanted {
        wanted.generation = 2;
    }
    assert_eq!(world.plan().steps[0].action, Action::Revoke);
    world.ca.says([Say::Taken(52)]);
    world.apply().await;
    assert_eq!(world.log.of(&["revoke"]).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_entries_of_one_order_do_not_take_each_others_requests() {
    let mut world = two_duplicates(Scope::CertificateId(91.into()));
    let second = revocation("more", 9, Scope::CertificateId(92.into()));
    world.items.push(second);
    world.max_in_flight = 2;
    world
        .ca
        .says([Say::Taken(51), Say::LostBefore, Say::Taken(52)]);
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Waiting), 2);
    let mut calls = world.log.of(&["revoke"]);
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 2, "{calls:?}");
    let more = world.record("revocations.more");
    let request = more.revocation_requests().next().unwrap().2.clone();
    let old = world.record(OLD);
    assert_ne!(&request, old.revocation_requests().next().unwrap().2);
}
