//! What became of items since the last run is told once, by the run that notes it.

use std::time::Duration;

use super::{REFUSED, Ran, Say, World, at_the_ca, order, revocation};
use crate::apply::{Event, Outcome};
use crate::model::{OrderStatus, RequestStatus, Scope};
use crate::plan::Happened;

fn told(ran: &Ran) -> Vec<(String, Happened)> {
    let news = ran.report.news.iter();
    news.map(|news| (news.address.to_string(), news.what))
        .collect()
}

/// Two orders and a revocation that wait.
async fn waiting() -> World {
    let mut world = World::of(vec![
        order("ada"),
        order("bob"),
        revocation("old", 9, Scope::Order),
    ]);
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says((1..=3).map(Say::Taken));
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Waiting), 3);
    assert_eq!(told(&ran), []);
    world
}

fn decide_all(world: &World) {
    let mut books = world.ca.books();
    books.issue(1);
    books.order(2).status = OrderStatus::Rejected;
    books.decide(3, RequestStatus::Approved);
}

fn all() -> Vec<(String, Happened)> {
    vec![
        ("orders.ada".to_owned(), Happened::Issued),
        ("orders.bob".to_owned(), Happened::Rejected),
        ("revocations.old".to_owned(), Happened::Revoked),
    ]
}

#[tokio::test(start_paused = true)]
async fn news_are_told_once() {
    let mut world = waiting().await;
    decide_all(&world);
    // Plans tell them without noting them.
    for _ in 0..2 {
        assert_eq!(world.plan().news.len(), 3);
    }
    let ran = world.apply().await;
    assert_eq!(told(&ran), all());
    assert!(ran.report.news.iter().all(|news| news.at.is_some()));
    let ada = &ran.report.news[0];
    assert_eq!(ada.certificate_id, Some(10.into()));
    assert!(ada.serial_number.is_some() && ada.valid_till.is_some());
    let ran = world.apply().await;
    assert_eq!(told(&ran), []);
}

#[tokio::test(start_paused = true)]
async fn news_that_come_while_the_run_waits_are_told_by_it_and_not_again() {
    let mut world = waiting().await;
    world.wait = Duration::from_secs(600);
    let ca = world.ca.clone();
    let books = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut books = ca.books();
        books.issue(1);
        books.order(2).status = OrderStatus::Rejected;
        books.decide(3, RequestStatus::Approved);
    });
    let ran = world.apply().await;
    books.await.unwrap();
    assert_eq!(told(&ran), all());
    // An action that was told as done is no news besides.
    let ran = world.apply().await;
    assert_eq!(told(&ran), []);
}

#[tokio::test(start_paused = true)]
async fn what_the_run_asked_for_itself_is_an_action_and_no_news() {
    let mut world = World::of(vec![order("ada"), order("bob")]);
    world.ca.says([Say::Done(1), REFUSED]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Done);
    assert_eq!(told(&ran), []);
    world.ca.says([REFUSED]);
    let ran = world.apply().await;
    assert_eq!(told(&ran), []);
}

#[tokio::test(start_paused = true)]
async fn news_that_could_not_be_noted_are_left_to_the_run_that_can() {
    let mut world = waiting().await;
    decide_all(&world);
    *world.journal.breaks_at.lock().unwrap() = Some("seen");
    let ran = world.apply().await;
    assert_eq!(told(&ran), []);
    assert!(
        !ran.events
            .iter()
            .any(|event| matches!(event, Event::News(_)))
    );
    world.journal.mend();
    let ran = world.apply().await;
    assert_eq!(told(&ran), all());
}
