//! What a run learns while it waits for the CA and for people.

use std::time::Duration;

use super::{Books, Ran, Say, World, at_the_ca, order, revocation};
use crate::apply::{Event, Outcome};
use crate::model::{
    Ending, LiveState, OrderId, OrderStatus, Part, RequestStatus, Scope, Standing, Untrusted,
};

const ADA: &str = "orders.ada";
const OLD: &str = "revocations.old";

/// One order that waits at the CA; this happens to it after a minute. How long the run waited, too.
async fn a_minute_later(happens: fn(&mut Books)) -> (World, Ran, u64) {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::Taken(1)]);
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        happens(&mut ca.books());
    });
    let ran = world.apply().await;
    let waited = world.log.now().as_secs();
    (world, ran, waited)
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_issued_ends_the_wait() {
    let (world, ran, waited) = a_minute_later(|books| books.issue(1)).await;
    assert_eq!(ran.outcome(ADA), Outcome::Done);
    assert!((60..100).contains(&waited), "{waited}");
    assert_eq!(ran.of(ADA).certificate_id, Some(10.into()));
    assert_eq!(world.record(ADA).live.unwrap().state, LiveState::Issued);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_ends_is_left_to_a_person_and_ends_the_wait() {
    let (world, ran, waited) = a_minute_later(|books| {
        books.order(1).status = OrderStatus::Rejected;
    })
    .await;
    assert_eq!(ran.outcome(ADA), Outcome::Waiting);
    assert!(ran.report.decisions().next().is_some());
    assert!((60..100).contains(&waited), "{waited}");
    let state = world.record(ADA).live.unwrap().state;
    assert_eq!(state, LiveState::Ended(Ending::Rejected));
}

#[tokio::test(start_paused = true)]
async fn a_word_that_certplan_does_not_know_is_no_end() {
    let (_, ran, waited) = a_minute_later(|books| {
        books.order(1).status = OrderStatus::Other(Untrusted::new("glimmering"));
    })
    .await;
    assert_eq!(ran.outcome(ADA), Outcome::Waiting);
    assert_eq!(ran.report.decisions().next(), None);
    assert_eq!(waited, 600);
}

#[tokio::test(start_paused = true)]
async fn polls_become_rarer_and_are_told() {
    let (world, ran, _) = a_minute_later(|_| ()).await;
    let mut told: Vec<u64> = Vec::new();
    for event in &ran.events {
        if let Event::Polling {
            waiting,
            pause,
            seconds_left,
            quiet_left,
        } = event
        {
            assert!(*pause <= Duration::from_secs(30) && quiet_left.is_none());
            assert_eq!(waiting, &1);
            told.push(600 - seconds_left);
        }
    }
    assert_eq!(told[..7], [1, 2, 4, 8, 16, 32, 62]);
    // One request each, and one right after the order was taken.
    assert_eq!(world.log.times("poll orders").len(), told.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_fails_is_asked_again() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::Done(1)]);
    world.ca.books().sick.insert("feed");
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        ca.books().sick.clear();
    });
    let ran = world.apply().await;
    assert_eq!(ran.outcome(ADA), Outcome::Done);
    assert!(world.log.now().as_secs() < 100);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_shows_the_old_certificate_is_not_reissued() {
    let mut world = World::with_issued(&["ada"]).await;
    world.edit("ada", |order| {
        order.certificate.emails.push("more@example.com".to_owned());
    });
    world.ca.says([Say::Taken(70)]);
    world.wait = Duration::from_secs(100);
    let ca = world.ca.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        // The status is back before the certificate is there.
        ca.books().order(1).status = OrderStatus::Issued;
    });
    let ran = world.apply().await;
    assert_eq!(ran.outcome(ADA), Outcome::Waiting);
    let Standing::InForce {
        change,
        certificate,
        ..
    } = &ran.of(ADA).standing
    else {
        panic!("{:?}", ran.of(ADA));
    };
    assert!(change.is_some());
    assert_eq!(*certificate, Some(10.into()));
    assert!(world.record(ADA).live.unwrap().change.is_some());
}

/// The revocation of order 9, asked for under request 51.
async fn asked_for(happens: fn(&mut Books)) -> (World, Ran) {
    let mut world = World::of(vec![revocation("old", 9, Scope::Order)]);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says([Say::Taken(51)]);
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        happens(&mut ca.books());
    });
    let ran = world.apply().await;
    (world, ran)
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_in_force_when_the_order_shows_it() {
    let (world, ran) = asked_for(|books| books.decide(51, RequestStatus::Approved)).await;
    assert_eq!(ran.outcome(OLD), Outcome::Done);
    assert!(world.log.now().as_secs() < 100);
    // The order is read for that alone, and not while the request is undecided.
    assert_eq!(world.log.of(&["read"]).len(), 1);

    // A request that is granted is not yet a certificate that is revoked.
    let (world, ran) = asked_for(|books| {
        let order = books.order(9);
        order.requests.as_mut().unwrap()[0].status = RequestStatus::Approved;
    })
    .await;
    assert_eq!(ran.outcome(OLD), Outcome::Waiting);
    assert_eq!(world.log.now().as_secs(), 600);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_by_somebody_else_is_waited_for() {
    let mut world = World::of(vec![revocation("old", 9, Scope::Order)]);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says([Say::Taken(51)]);
    world.apply().await;
    world.items.push(revocation("same", 9, Scope::Order));
    // The second entry finds the request of the first.
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Waiting), 2);
    world.ca.books().decide(51, RequestStatus::Approved);
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Kept), 2);
    assert_eq!(world.log.of(&["revoke"]).len(), 1);
    let whole = world.ca.books().order(9).status.clone();
    assert_eq!(whole, OrderStatus::Revoked);
    assert_eq!(
        world.record(OLD).part(&OrderId::from(9), &Part::Order),
        Some(&crate::model::PartState::Revoked)
    );
}
