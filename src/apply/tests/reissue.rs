//! A reissue in doubt is settled by reading its order.

use std::time::Duration;

use super::{Say, World};
use crate::apply::Outcome;
use crate::model::{LiveState, OrderId};
use crate::plan::Action;

const ADA: &str = "orders.ada";

/// `ada` is in force as order 1 and asks for another address.
async fn to_reissue() -> World {
    let mut world = World::with_issued(&["ada"]).await;
    world.edit("ada", |order| {
        order.certificate.emails.push("more@example.com".to_owned());
    });
    world
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_arrived_is_seen_under_way_or_issued() {
    for issued in [false, true] {
        let mut world = to_reissue().await;
        world.ca.books().sick.insert("read");
        world.ca.says([Say::LostAfter(70)]);
        let ran = world.apply().await;
        assert_eq!(ran.outcome(ADA), Outcome::Unknown);
        world.ca.books().sick.clear();
        if issued {
            world.ca.books().reissue(1);
        }
        let ran = world.apply().await;
        let outcome = if issued {
            Outcome::Done
        } else {
            Outcome::Waiting
        };
        assert_eq!(ran.outcome(ADA), outcome, "{}", ran.error(ADA));
        assert_eq!(world.log.of(&["reissue"]), ["reissue ada"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reissue_that_never_arrived_is_asked_for_again_after_the_quiet_period() {
    let mut world = to_reissue().await;
    world.resend_after(Duration::from_secs(60));
    world.ca.says([Say::LostBefore, Say::Taken(70)]);
    for _ in 0..2 {
        let ran = world.apply().await;
        assert_eq!(ran.outcome(ADA), Outcome::Unknown);
    }
    tokio::time::sleep(Duration::from_secs(61)).await;
    // Settled by this run, asked for by the next one.
    let ran = world.apply().await;
    assert_eq!(ran.outcome(ADA), Outcome::Waiting);
    assert_eq!(world.log.of(&["reissue"]).len(), 1);
    let ran = world.apply().await;
    assert_eq!(ran.outcome(ADA), Outcome::Waiting);
    assert_eq!(world.log.of(&["reissue"]).len(), 2);
    assert_eq!(world.bound("ada").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_order_is_a_doubt() {
    let mut world = to_reissue().await;
    world.ca.books().meanwhile = Some(Box::new(|books| {
        let mut other = books.order(1).clone();
        other.id = OrderId::from(2);
        other.tag = None;
        books.show(other);
    }));
    world.ca.says([Say::LostAfter(70)]);
    let ran = world.apply().await;
    // The read that settles it is of the order that was meant.
    assert_eq!(ran.outcome(ADA), Outcome::Waiting);
    assert_eq!(world.log.of(&["read"]), ["read 1"]);
    let live = world.record(ADA).live.unwrap();
    assert_eq!(live.state, LiveState::Reissuing);
    assert_eq!(world.plan().steps[0].action, Action::Wait);
}
