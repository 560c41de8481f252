//! An order in doubt: looked up, adopted, left to a person, or placed again.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Ran, Say, World, at_the_ca, order};
use crate::apply::Outcome;
use crate::model::{Doubt, DoubtRule, OrderId, Phase, Wanted};
use crate::plan::Action;

const BOB: &str = "orders.bob";

/// `ada` is in force as order 1, and serves as the control of look-ups; `bob` is new.
async fn with_a_control() -> World {
    let mut world = World::with_issued(&["ada"]).await;
    world.items.push(order("bob"));
    world
}

fn is_adopted(world: &World, ran: &Ran) {
    assert_eq!(ran.outcome(BOB), Outcome::Waiting, "{}", ran.error(BOB));
    assert_eq!(world.bound("bob").as_deref(), Some("7"));
    assert_eq!(world.log.of(&["place"]), ["place bob"]);
}

#[track_caller]
fn stays_unknown(world: &World, ran: &Ran) {
    assert_eq!(ran.outcome(BOB), Outcome::Unknown);
    assert_eq!(world.bound("bob"), None);
    assert_eq!(world.log.of(&["place"]), ["place bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up_and_the_order_adopted() {
    let mut world = with_a_control().await;
    world.ca.says([Say::LostAfter(7)]);
    let ran = world.apply().await;
    is_adopted(&world, &ran);
    assert_eq!(world.look_ups("bob"), 1);
    // By its tag the journal knows with what it was ordered.
    assert_eq!(world.plan().steps[1].action, Action::Wait);
    let facts = world.log.of(&["intended", "doubted", "adopted", "seen"]);
    assert_eq!(
        facts,
        ["intended bob", "doubted bob", "adopted bob", "seen bob"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_late_is_asked_three_times_in_seconds() {
    for seconds in [1, 3] {
        let mut world = with_a_control().await;
        world.ca.says([Say::LostAfter(7)]);
        world.ca.books().unindexed.insert(OrderId::from(7));
        let ca = world.ca.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            ca.books().unindexed.clear();
        });
        let ran = world.apply().await;
        is_adopted(&world, &ran);
        assert_eq!(world.look_ups("bob"), if seconds == 1 { 2 } else { 3 });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_found_stays_unknown_and_a_later_run_adopts_it() {
    let mut world = with_a_control().await;
    world.ca.says([Say::LostAfter(7)]);
    world.ca.books().unindexed.insert(OrderId::from(7));
    let ran = world.apply().await;
    stays_unknown(&world, &ran);
    assert_eq!(world.look_ups("bob"), 3);
    assert!(
        ran.error(BOB).contains("proves nothing"),
        "{}",
        ran.error(BOB)
    );
    let ran = world.apply().await;
    stays_unknown(&world, &ran);
    world.ca.books().unindexed.clear();
    let ran = world.apply().await;
    is_adopted(&world, &ran);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_never_arrived_is_placed_again_after_the_quiet_period_alone() {
    let mut world = with_a_control().await;
    world.resend_after(Duration::from_secs(60));
    world.wait = Duration::from_secs(600);
    world.ca.says([Say::LostBefore, Say::Taken(8)]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(BOB), Outcome::Waiting);
    assert_eq!(world.bound("bob").as_deref(), Some("8"));
    let placed = world.log.times("place bob");
    assert_eq!(placed.len(), 2);
    let between = placed[1] - placed[0];
    assert!((60..100).contains(&between.as_secs()), "{between:?}");
}

/// Loses a call, and lets a run look again after each of these pauses; how often the order was placed.
async fn placed_after(mut world: World, pauses: &[(u64, i64)]) -> usize {
    world.resend_after(Duration::from_secs(60));
    world.ca.says([Say::LostBefore, Say::Taken(8)]);
    world.apply().await;
    for (seconds, set) in pauses {
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
        world.set_wall_clock(SignedDuration::from_secs(*set));
        world.apply().await;
    }
    world.log.times("place bob").len()
}

#[tokio::test(start_paused = true)]
async fn the_quiet_period_is_measured_by_the_time_since_boot() {
    const DAY: i64 = 86_400;
    // A clock that is set ahead does not end it, and one that is set back does not make it longer.
    for (pauses, placed) in [
        (&[(0, 0), (0, 0)][..], 1),
        (&[(10, DAY), (10, DAY)], 1),
        (&[(10, -DAY), (60, 0)], 2),
        (&[(61, 0)], 2),
    ] {
        let world = with_a_control().await;
        assert_eq!(placed_after(world, pauses).await, placed, "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_look_ups_are_not_three() {
    let mut world = with_a_control().await;
    world.resend_after(Duration::from_secs(60));
    world.ca.says([Say::LostBefore, Say::Taken(8)]);
    world.ca.books().sick.insert("look-up");
    let ran = world.apply().await;
    stays_unknown(&world, &ran);
    world.ca.books().sick.clear();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    for _ in 0..2 {
        let ran = world.apply().await;
        stays_unknown(&world, &ran);
    }
    // The third one that found nothing.
    let ran = world.apply().await;
    assert_eq!(ran.outcome(BOB), Outcome::Waiting);
    assert_eq!(world.log.of(&["looked_up"]).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_misses_its_control_proves_nothing() {
    let mut world = with_a_control().await;
    world.resend_after(Duration::from_secs(1));
    world.ca.says([Say::LostBefore]);
    world.ca.books().unindexed.insert(OrderId::from(1));
    for _ in 0..5 {
        let ran = world.apply().await;
        stays_unknown(&world, &ran);
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    assert_eq!(world.log.of(&["looked_up"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_a_control_under_a_lease_or_with_ask_a_person_decides() {
    let mut alone = World::of(vec![order("bob")]);
    alone.resend_after(Duration::from_secs(1));
    let mut leased = with_a_control().await;
    leased.resend_after(Duration::from_secs(1));
    leased.under_a_lease();
    let mut asks = with_a_control().await;
    asks.doubt = Doubt {
        quiet_period: Duration::from_secs(1),
        then: DoubtRule::Ask,
    };
    for mut world in [alone, leased, asks] {
        world.ca.says([Say::LostBefore]);
        world.wait = Duration::from_secs(600);
        let begun = world.log.now();
        for _ in 0..3 {
            let ran = world.apply().await;
            stays_unknown(&world, &ran);
            assert!(ran.error(BOB).contains("certplan resolve orders.bob"));
        }
        // Nothing to wait for.
        assert!((world.log.now() - begun).as_secs() < 60);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_places_an_order_a_second_time_and_no_third_time() {
    let mut world = with_a_control().await;
    world.resend_after(Duration::from_secs(1));
    world.wait = Duration::from_secs(600);
    world.ca.says([Say::LostBefore; 2]);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(BOB), Outcome::Unknown);
    assert_eq!(world.log.times("place bob").len(), 2);
    assert!(ran.error(BOB).contains("a second time already"));
}

#[tokio::test(start_paused = true)]
async fn a_stray_of_the_look_up_is_never_adopted_and_proves_nothing() {
    // The order of another name, and one that shows another tag.
    for stray in [1, 5] {
        let mut world = with_a_control().await;
        let (Wanted::Order(wanted), tag) = (&world.items[1].wanted, world.tag("eve")) else {
            panic!("an order");
        };
        let foreign = at_the_ca(5, Some(wanted), Some(&tag));
        world.ca.books().show(foreign);
        world.edit("bob", |order| order.allow_similar = true);
        world.resend_after(Duration::from_secs(1));
        world.ca.books().strays = vec![OrderId::from(stray)];
        world.ca.says([Say::LostBefore]);
        for _ in 0..3 {
            let ran = world.apply().await;
            stays_unknown(&world, &ran);
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(world.log.of(&["looked_up"]), Vec::<String>::new());
    }
}

/// The order is at the CA and cannot be found; then this happens to it, and it can.
async fn found_changed(change: impl FnOnce(&mut World)) -> (World, Ran) {
    let mut world = with_a_control().await;
    world.resend_after(Duration::from_secs(1));
    world.ca.says([Say::LostAfter(7)]);
    world.ca.books().unindexed.insert(OrderId::from(7));
    world.ca.books().sick.insert("look-up");
    let ran = world.apply().await;
    stays_unknown(&world, &ran);
    world.ca.books().sick.clear();
    world.ca.books().unindexed.clear();
    change(&mut world);
    let ran = world.apply().await;
    (world, ran)
}

#[tokio::test(start_paused = true)]
async fn what_carries_the_tag_and_differs_is_left_to_a_person() {
    let changes: [fn(&mut World); 4] = [
        |world| world.ca.books().order(7).product = Some("other".to_owned()),
        |world| world.ca.books().order(7).names = vec!["eve@example.com".to_owned()],
        |world| {
            world.ca.books().order(7).created_at = Some("2026-11-20T00:00:00Z".parse().unwrap())
        },
        |world| {
            let mut second = world.ca.books().order(7).clone();
            second.id = OrderId::from(8);
            world.ca.books().show(second);
        },
    ];
    for change in changes {
        let (mut world, ran) = found_changed(change).await;
        stays_unknown(&world, &ran);
        assert!(ran.error(BOB).contains("order"), "{}", ran.error(BOB));
        let open = world.record(BOB).open.unwrap();
        assert!(matches!(open.phase, Phase::Parked { .. }), "{open:?}");
        // No later run sends it again.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let ran = world.apply().await;
        stays_unknown(&world, &ran);
    }
    let (world, ran) = found_changed(|_| ()).await;
    is_adopted(&world, &ran);
}

#[tokio::test(start_paused = true)]
async fn what_carries_the_tag_and_cannot_be_read_yet_is_looked_up_again() {
    let mut world = with_a_control().await;
    world.resend_after(Duration::from_secs(1));
    world.ca.says([Say::LostAfter(7)]);
    world.ca.books().unreadable.insert(OrderId::from(7));
    for _ in 0..2 {
        let ran = world.apply().await;
        stays_unknown(&world, &ran);
        assert!(ran.error(BOB).contains("order 7"), "{}", ran.error(BOB));
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    world.ca.books().unreadable.clear();
    let ran = world.apply().await;
    is_adopted(&world, &ran);
}

#[tokio::test(start_paused = true)]
async fn an_order_is_adopted_as_what_was_asked_for_then() {
    let (world, ran) = found_changed(|world| {
        world.edit("bob", |order| {
            order.certificate.organization_units = vec!["Accounting".to_owned()];
        });
    })
    .await;
    is_adopted(&world, &ran);
    let record = world.record(BOB);
    let mut then = world.items[1].clone();
    let Wanted::Order(wanted) = &mut then.wanted else {
        panic!("an order");
    };
    wanted.certificate.organization_units.clear();
    let digest = wanted.certificate.digest();
    assert_eq!(record.live.unwrap().certificate, Some(digest));
    // So the change of the entry is seen once it is issued.
    world.ca.books().issue(7);
    assert_eq!(world.plan().steps[1].action, Action::Reissue);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_between_intent_and_outcome_leaves_a_doubt() {
    let mut world = with_a_control().await;
    world.ca.says([Say::Taken(7)]);
    world.ca.pace().call = Duration::from_secs(3600);
    let killed = tokio::time::timeout(Duration::from_secs(10), world.apply());
    assert!(killed.await.is_err());
    assert_eq!(world.record(BOB).open.unwrap().phase, Phase::Sending);
    world.ca.pace().call = Duration::ZERO;
    let ran = world.apply().await;
    is_adopted(&world, &ran);
}
