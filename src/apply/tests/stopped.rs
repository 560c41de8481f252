//! A signal: nothing new is sent, what is under way may finish, and what cannot is left to the next run.

use std::time::Duration;

use super::{Ran, Say, World, order};
use crate::apply::{Event, Outcome, Stop};
use crate::model::Phase;
use crate::plan::Action;
use crate::provider::{ErrorKind, Verdict};

/// Sends the signal after so long.
fn signal_after(world: &World, pause: Duration) {
    let stop = world.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        stop.send_replace(Some(Stop::Interrupt));
    });
}

fn is_stopped(ran: &Ran) {
    assert_eq!(ran.report.stopped, Some(Stop::Interrupt));
    let told = ran.events.iter();
    let told = told.filter(|event| matches!(event, Event::Stopping(_)));
    assert_eq!(told.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_is_finished_and_nothing_new_is_begun() {
    let mut world = World::of(vec![order("ada"), order("bob")]);
    world.ca.pace().call = Duration::from_secs(20);
    world.ca.says([Say::Taken(1)]);
    world.wait = Duration::from_secs(600);
    signal_after(&world, Duration::from_secs(10));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    assert_eq!(ran.outcome("orders.bob"), Outcome::Skipped);
    assert!(ran.error("orders.bob").contains("interrupted"));
    assert_eq!(world.log.of(&["place"]), ["place ada"]);
    assert_eq!(world.bound("ada").as_deref(), Some("1"));
    assert_eq!(world.log.now().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlasts_the_grace_is_unknown_and_the_next_run_finds_it() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.pace().call = Duration::from_secs(3600);
    world.ca.says([Say::Taken(1)]);
    signal_after(&world, Duration::from_secs(10));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Unknown);
    assert_eq!(world.log.now().as_secs(), 40);
    let open = world.record("orders.ada").open.unwrap();
    assert_eq!(open.phase, Phase::Sending);

    world.stop.send_replace(None);
    assert_eq!(world.plan().steps[0].action, Action::Settle);
    let ran = world.apply().await;
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    assert_eq!(world.log.of(&["place"]), ["place ada"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_slot_or_for_another_try_sends_nothing() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.pace().permit = Duration::from_secs(900);
    signal_after(&world, Duration::from_secs(10));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Skipped);
    assert_eq!(world.log.of(&["intended", "place"]), Vec::<String>::new());
    assert_eq!(world.log.now().as_secs(), 10);

    // The step ends in the moment of the signal: which of the two is seen first must not matter.
    for _ in 0..20 {
        let mut world = World::of(vec![order("ada")]);
        world
            .ca
            .says([Say::Fails(ErrorKind::RateLimited, Verdict::Rejected); 3]);
        signal_after(&world, Duration::from_millis(2500));
        let ran = world.apply().await;
        is_stopped(&ran);
        assert_eq!(ran.outcome("orders.ada"), Outcome::Skipped);
        assert_eq!(world.record("orders.ada").open, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_during_the_look_ups_leaves_the_doubt_to_the_next_run() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::LostBefore]);
    signal_after(&world, Duration::from_millis(500));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Unknown);
    assert_eq!(world.look_ups("ada"), 1);
    let open = world.record("orders.ada").open.unwrap();
    assert!(matches!(open.phase, Phase::InDoubt { .. }), "{open:?}");
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_at_once() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::Taken(1)]);
    world.wait = Duration::from_secs(3600);
    signal_after(&world, Duration::from_secs(100));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    assert_eq!(world.log.now().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_for_its_slot_does_not_hold_up_the_end() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::Taken(1)]);
    world.ca.pace().read = Duration::from_secs(900);
    world.wait = Duration::from_secs(3600);
    signal_after(&world, Duration::from_secs(100));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Waiting);
    assert_eq!(world.log.now().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_that_waits_for_its_look_up_does_not_hold_up_the_end() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::LostBefore]);
    world.wait = Duration::from_secs(3600);
    let ca = world.ca.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        ca.pace().read = Duration::from_secs(900);
    });
    signal_after(&world, Duration::from_secs(100));
    let ran = world.apply().await;
    is_stopped(&ran);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Unknown);
    assert_eq!(world.log.now().as_secs(), 130);
}

#[tokio::test(start_paused = true)]
async fn a_signal_after_the_last_step_stops_nothing() {
    let mut world = World::of(vec![order("ada")]);
    world.ca.says([Say::Done(1)]);
    let ran = world.apply().await;
    world.stop.send_replace(Some(Stop::Terminate));
    assert_eq!(ran.report.stopped, None);
    assert_eq!(ran.outcome("orders.ada"), Outcome::Done);
}
