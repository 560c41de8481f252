//! Reads and the call after them: nothing waits between them where the windows allow it, and nothing waits
//! for ever where they do not.

use std::collections::VecDeque;

use futures::future::{BoxFuture, join_all};
use proptest::prelude::*;

use crate::provider::throttle::*;
use crate::provider::{BudgetError, BudgetSlot, Drawn};

const LATENCY: Duration = Duration::from_millis(50);

fn limit(requests: u32, millis: u64) -> RateLimit {
    RateLimit {
        requests,
        per: Duration::from_millis(millis),
    }
}

async fn exchange(mut slot: Slot) {
    slot.sent();
    tokio::time::sleep(LATENCY).await;
}

/// Reads and calls, and tells when each slot was there.
async fn read_then_call(reservation: &mut Reservation, reads: usize) -> Vec<Instant> {
    let mut moments = Vec::new();
    for _ in 0..reads {
        let slot = reservation.for_read().await;
        moments.push(Instant::now());
        exchange(slot).await;
    }
    reservation.ready().await;
    let slot = reservation.for_call().await;
    moments.push(Instant::now());
    exchange(slot).await;
    moments
}

fn waits(moments: &[Instant]) -> Vec<u64> {
    moments
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).saturating_sub(LATENCY).as_millis() as u64)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_between_the_reads_and_the_call() {
    let throttle = Throttle::new(&[limit(5, 10_000)], 16);
    for _ in 0..2 {
        throttle.acquire().await.sent();
    }
    // Three are left, four are needed: it waits here, and not later.
    let mut reservation = throttle.reserve(3).await;
    let others: Vec<_> = (0..9)
        .map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move { exchange(throttle.acquire().await).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let moments = read_then_call(&mut reservation, 3).await;
    assert_eq!(waits(&moments), [0, 0, 0]);
    drop(reservation);
    join_all(others).await;
}

#[tokio::test(start_paused = true)]
async fn a_single_slot_is_the_reads_and_the_call_takes_the_next() {
    let throttle = Throttle::new(&[limit(1, 1_000)], 1);
    let mut reservation = throttle.reserve(1).await;
    let moments = read_then_call(&mut reservation, 1).await;
    assert_eq!(waits(&moments), [1_010]);
}

#[tokio::test(start_paused = true)]
async fn in_a_window_that_is_too_small_the_wait_is_before_the_last_read() {
    let throttle = Throttle::new(&[limit(2, 1_000)], 1);
    let mut reservation = throttle.reserve(3).await;
    let moments = read_then_call(&mut reservation, 3).await;
    assert_eq!(waits(&moments), [1_010, 1_010, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_was_not_planned_keeps_the_place_and_a_slot_for_the_call() {
    let throttle = Throttle::new(&[limit(4, 1_000)], 1);
    for _ in 0..3 {
        throttle.acquire().await.sent();
    }
    let mut reservation = throttle.reserve(0).await;
    let other = tokio::spawn({
        let throttle = throttle.clone();
        async move {
            exchange(throttle.acquire().await).await;
            Instant::now()
        }
    });
    tokio::task::yield_now().await;
    let moments = read_then_call(&mut reservation, 2).await;
    assert_eq!(waits(&moments), [0, 0]);
    drop(reservation);
    assert!(other.await.unwrap() > *moments.last().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_repeat_waits_without_slots_and_keeps_the_place() {
    let throttle = Throttle::new(&[limit(3, 1_000)], 1);
    let mut reservation = throttle.reserve(2).await;
    exchange(reservation.for_read().await).await;
    reservation.rest();
    assert_eq!(throttle.left(), [2]);
    let waits_for_a_place = tokio::time::timeout(LATENCY, throttle.acquire()).await;
    assert!(waits_for_a_place.is_err());
    // The repeat, the other read and the call: the first read has to leave the window.
    let begun = Instant::now();
    let moments = read_then_call(&mut reservation, 2).await;
    assert_eq!((moments[0] - begun).as_millis(), 960);
    assert_eq!(waits(&moments), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_spent_goes_back() {
    let throttle = Throttle::new(&[limit(4, 60_000)], 1);
    let begun = Instant::now();
    for _ in 0..10 {
        drop(throttle.reserve(3).await);
    }
    let mut reservation = throttle.reserve(3).await;
    assert_eq!(throttle.left(), [0]);
    exchange(reservation.for_read().await).await;
    let call = reservation.for_call().await;
    // One read has ended, and the call is on its way.
    assert_eq!(throttle.left(), [2]);
    exchange(call).await;
    drop(reservation);
    assert_eq!(throttle.left(), [2]);
    assert_eq!(begun.elapsed(), 2 * LATENCY);
}

/// A budget that other processes draw from as well: gives what a script says, then everything.
#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<bool>>,
    given_back: Arc<Mutex<Vec<Spent>>>,
}

impl Budget for Shared {
    fn take<'a>(
        &'a self,
        _: &'a [RateLimit],
        _: Duration,
    ) -> BoxFuture<'a, Result<Drawn, BudgetError>> {
        Box::pin(async move {
            if !self.answers.lock().unwrap().pop_front().unwrap_or(true) {
                return Ok(Drawn::Wait(Duration::from_secs(1).into()));
            }
            let given_back = Arc::clone(&self.given_back);
            Ok(Drawn::Slot(BudgetSlot::new(move |spent| {
                given_back.lock().unwrap().push(spent);
            })))
        })
    }

    fn pause(&self, _: Duration) {}
}

fn sharing(answers: impl IntoIterator<Item = bool>) -> (Throttle, Arc<Shared>) {
    let budget = Arc::new(Shared {
        answers: Mutex::new(answers.into_iter().collect()),
        given_back: Arc::default(),
    });
    let shared = Arc::clone(&budget) as Arc<dyn Budget>;
    let throttle = Throttle::drawing(&[limit(100, 1_000)], 8, Some(shared), LATENCY);
    (throttle, budget)
}

#[tokio::test(start_paused = true)]
async fn slots_that_others_leave_are_gathered_before_the_first_read() {
    let (throttle, budget) = sharing([true, true, false, false, true, false]);
    let begun = Instant::now();
    let mut reservation = throttle.reserve(3).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    let moments = read_then_call(&mut reservation, 3).await;
    assert_eq!(waits(&moments), [0, 0, 0]);
    assert_eq!(*budget.given_back.lock().unwrap(), [Spent::Ended; 4]);
}

#[tokio::test(start_paused = true)]
async fn where_others_leave_too_little_the_call_goes_on_with_what_there_is() {
    let refusals = std::iter::repeat_n(false, 1_000);
    let (throttle, budget) = sharing([true].into_iter().chain(refusals));
    let begun = Instant::now();
    let reservation = throttle.reserve(1).await;
    assert_eq!(begun.elapsed(), GATHERING);
    drop(reservation);
    assert_eq!(*budget.given_back.lock().unwrap(), [Spent::Never]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn nobody_waits_for_ever_and_no_window_is_overrun(
        callers in prop::collection::vec((0u32..5, 0usize..6, 0u8..8), 1..30),
        short in 1u32..6, more in 0u32..6, max_in_flight in 1usize..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let limits = [limit(short, 500), limit(short + more, 4000)];
            let throttle = Throttle::new(&limits, max_in_flight);
            let calls = callers.iter().map(|&(planned, reads, what)| {
                let throttle = throttle.clone();
                async move {
                    if what == 0 {
                        let slot = throttle.acquire().await;
                        let moment = Instant::now();
                        exchange(slot).await;
                        return vec![moment];
                    }
                    let mut reservation = throttle.reserve(planned).await;
                    if what == 1 {
                        return Vec::new();
                    }
                    if what == 2 {
                        reservation.rest();
                    }
                    read_then_call(&mut reservation, reads).await
                }
            });
            // An hour is far more than all of them need; the clock jumps when nothing else is to be done.
            let all = tokio::time::timeout(Duration::from_secs(3600), join_all(calls)).await;
            prop_assert!(all.is_ok(), "somebody waits for ever");
            let mut moments = all.unwrap().concat();
            moments.sort();
            for limit in limits {
                for (first, next) in moments.iter().zip(moments.iter().skip(limit.requests as usize)) {
                    prop_assert!(*next - *first >= limit.per, "more than {limit:?}");
                }
            }
            prop_assert_eq!(throttle.0.state().held, 0);
            prop_assert_eq!(throttle.0.places.available_permits(), max_in_flight);
            Ok(())
        })?;
    }
}
