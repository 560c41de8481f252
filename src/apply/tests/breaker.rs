//! What stops an account: lost answers, errors of the CA, a key that is refused, no funds.

use super::{Ran, Say, World, at_the_ca, order, revocation};
use crate::apply::{Event, Outcome};
use crate::model::Scope;
use crate::provider::{ErrorKind, Verdict};

fn many(count: usize, max_in_flight: usize) -> World {
    let items = (0..count).map(|number| order(&format!("n{number}")));
    let mut world = World::of(items.collect());
    world.max_in_flight = max_in_flight;
    world
}

fn pauses(ran: &Ran) -> usize {
    let events = ran.events.iter();
    events
        .filter(|event| matches!(event, Event::Paused { .. }))
        .count()
}

#[tokio::test(start_paused = true)]
async fn three_lost_answers_stop_the_account() {
    // Those in flight beside the third are not cut short.
    for (max_in_flight, calls) in [(1, 3), (4, 4)] {
        let mut world = many(20, max_in_flight);
        world.ca.says([Say::LostBefore; 20]);
        let ran = world.apply().await;
        assert_eq!(ran.count(Outcome::Unknown), calls, "{max_in_flight}");
        assert_eq!(ran.count(Outcome::Skipped), 20 - calls);
        assert_eq!(pauses(&ran), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_was_found_does_not_count() {
    let mut world = many(8, 1);
    world.ca.says((1..=8).map(Say::LostAfter));
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Waiting), 8);
    assert_eq!(pauses(&ran), 0);
}

#[tokio::test(start_paused = true)]
async fn what_earlier_runs_left_open_does_not_count() {
    let mut world = many(3, 1);
    world.ca.says([Say::LostBefore; 3]);
    world.apply().await;
    world.items.push(order("new"));
    world.ca.says([Say::Taken(9)]);
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Unknown), 3);
    assert_eq!(ran.outcome("orders.new"), Outcome::Waiting);
    assert_eq!(pauses(&ran), 0);
}

#[tokio::test(start_paused = true)]
async fn five_errors_of_the_ca_in_a_row_stop_the_account() {
    let mut world = many(20, 1);
    world.ca.says((1..=20).map(Say::ErrorAfter));
    let ran = world.apply().await;
    // Each of them was found by its tag.
    assert_eq!(ran.count(Outcome::Waiting), 5);
    assert_eq!(ran.count(Outcome::Skipped), 15);

    let mut world = many(9, 1);
    for number in 1..=9 {
        world.ca.says([if number == 5 {
            Say::Taken(number)
        } else {
            Say::ErrorAfter(number)
        }]);
    }
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Waiting), 9, "four in a row, twice");
}

/// Orders, and a revocation after them.
fn orders_and_a_revocation(say: Say) -> World {
    let mut world = many(3, 1);
    world.items.push(revocation("old", 9, Scope::Order));
    world.ca.books().show(at_the_ca(9, None, None));
    world.ca.says([say]);
    world
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_stops_everything_and_fails_nothing_for_good() {
    for kind in [ErrorKind::Unauthorized, ErrorKind::Forbidden] {
        let mut world = orders_and_a_revocation(Say::Fails(kind, Verdict::Rejected));
        let ran = world.apply().await;
        assert_eq!(ran.count(Outcome::Failed), 1);
        assert_eq!(ran.count(Outcome::Skipped), 3);
        assert_eq!(world.record("orders.n0").failure, None);
        assert_eq!(world.record("orders.n0").open, None);
    }
}

#[tokio::test(start_paused = true)]
async fn no_funds_stop_what_buys_and_nothing_else() {
    let mut world = orders_and_a_revocation(Say::Fails(ErrorKind::Funds, Verdict::Rejected));
    world.ca.says([Say::Taken(51)]);
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Failed), 1);
    assert_eq!(ran.count(Outcome::Skipped), 2);
    assert_eq!(ran.outcome("revocations.old"), Outcome::Waiting);
    assert_eq!(world.log.of(&["revoke"]).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_the_account_allows() {
    let mut world = many(12, 4);
    world.ca.pace().call = std::time::Duration::from_secs(10);
    world.ca.says((1..=12).map(Say::Taken));
    let ran = world.apply().await;
    assert_eq!(ran.count(Outcome::Waiting), 12);
    let mut by_second = std::collections::BTreeMap::new();
    for number in 0..12 {
        let at = world.log.times(&format!("place n{number}"))[0];
        *by_second.entry(at.as_secs()).or_insert(0) += 1;
    }
    assert_eq!(by_second.into_values().collect::<Vec<_>>(), [4, 4, 4]);
}
