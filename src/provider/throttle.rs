//! The rate limits of one account: several rolling windows that all hold at once, a cap on calls in
//! flight, first come first served.
//!
//! The CA counts a call when it arrives there, some time between its sending and its answer. So a call
//! in flight counts in every window, and once answered it counts until `answer + window`: whatever the
//! latency was, no window at the CA ever sees more than its limit.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::RateLimit;

/// The first pause after a refusal that names no time; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is not asked for by the CA.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The limiter of one account. Clones share the same limits.
#[derive(Debug, Clone)]
pub(super) struct Throttle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Held by the one caller at the head of the queue. Tokio's mutex is fair, so this is the queue;
    /// those behind it sleep and cost nothing.
    turn: tokio::sync::Mutex<()>,
    /// Told whenever a slot comes back or a pause changes.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    windows: Vec<Window>,
    in_flight: usize,
    max_in_flight: usize,
    paused_until: Instant,
    next_pause: Duration,
}

#[derive(Debug)]
struct Window {
    requests: usize,
    length: Duration,
    /// When each answered call leaves the window, in order.
    leaves: VecDeque<Instant>,
}

/// The right to send one call. Dropped before it was sent, it goes back unspent.
#[derive(Debug)]
pub(super) struct Slot {
    shared: Arc<Shared>,
    sent: bool,
}

impl Throttle {
    /// Limits of zero are raised to one: the manifest's rules refuse them, and a limiter that never
    /// lets anything pass would hang instead of telling.
    pub(super) fn new(limits: &[RateLimit], max_in_flight: usize) -> Self {
        let windows = limits
            .iter()
            .map(|limit| Window {
                requests: (limit.requests as usize).max(1),
                // One per cent longer, for clocks that run at another pace.
                length: limit.per + limit.per / 100,
                leaves: VecDeque::new(),
            })
            .collect();
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                windows,
                in_flight: 0,
                max_in_flight: max_in_flight.max(1),
                paused_until: Instant::now(),
                next_pause: FIRST_PAUSE,
            }),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        }))
    }

    /// Waits for its turn, for every window and for the end of any pause.
    pub(super) async fn acquire(&self) -> Slot {
        let _turn = self.0.turn.lock().await;
        loop {
            let changed = self.0.changed.notified();
            let take = self.0.state().take(Instant::now());
            match take {
                Take::Taken => {
                    return Slot {
                        shared: Arc::clone(&self.0),
                        sent: false,
                    };
                }
                Take::Until(moment) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(moment) => {}
                        () = changed => {}
                    }
                }
                Take::OnReturn => changed.await,
            }
        }
    }

    /// The CA refused a call because of its limits: nothing is let through for `wait`, or, where the CA
    /// names no time, for a pause that doubles from one second to one minute. Returns the pause when it is
    /// one that did not hold already.
    pub(super) fn slow_down(&self, wait: Option<Duration>) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.0.state();
        let pause = match wait {
            Some(wait) => wait,
            // Sixteen calls in flight that are all refused are one refusal.
            None if now < state.paused_until => return None,
            None => {
                let pause = state.next_pause;
                state.next_pause = (pause * 2).min(LONGEST_PAUSE);
                pause
            }
        };
        let longer = now + pause > state.paused_until;
        state.paused_until = state.paused_until.max(now + pause);
        drop(state);
        self.0.changed.notify_one();
        longer.then_some(pause)
    }

    /// The CA took a call: the next refusal pauses for one second again.
    pub(super) fn recovered(&self) {
        let mut state = self.0.state();
        if Instant::now() >= state.paused_until {
            state.next_pause = FIRST_PAUSE;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Take {
    Taken,
    Until(Instant),
    /// Only a call in flight that ends can make room.
    OnReturn,
}

impl State {
    fn take(&mut self, now: Instant) -> Take {
        if now < self.paused_until {
            return Take::Until(self.paused_until);
        }
        if self.in_flight >= self.max_in_flight {
            return Take::OnReturn;
        }
        let mut until = now;
        for window in &mut self.windows {
            while window.leaves.front().is_some_and(|&leaves| leaves <= now) {
                window.leaves.pop_front();
            }
            if self.in_flight + window.leaves.len() >= window.requests {
                match window.leaves.front() {
                    Some(&leaves) => until = until.max(leaves),
                    None => return Take::OnReturn,
                }
            }
        }
        if until > now {
            return Take::Until(until);
        }
        self.in_flight += 1;
        Take::Taken
    }
}

impl Slot {
    /// A slot of a limiter of its own.
    #[cfg(test)]
    pub(super) fn unlimited() -> Self {
        Self {
            shared: Throttle::new(&[], 1).0,
            sent: false,
        }
    }

    /// From here on the call may reach the CA: it counts, whatever becomes of it.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.shared.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        if self.sent {
            for window in &mut state.windows {
                let leaves = now + window.length;
                window.leaves.push_back(leaves);
            }
        }
        drop(state);
        self.shared.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(requests: u32, millis: u64) -> RateLimit {
        RateLimit {
            requests,
            per: Duration::from_millis(millis),
        }
    }

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
    }

    /// Sends a call for each pair (time to the CA, time back) and returns when each arrived there.
    async fn arrivals(throttle: &Throttle, latencies: &[(u64, u64)]) -> Vec<Instant> {
        let calls = latencies.iter().map(|&(there, back)| {
            let throttle = throttle.clone();
            async move {
                let mut slot = throttle.acquire().await;
                slot.sent();
                tokio::time::sleep(Duration::from_millis(there)).await;
                let arrived = Instant::now();
                tokio::time::sleep(Duration::from_millis(back)).await;
                arrived
            }
        });
        let mut arrived = futures::future::join_all(calls).await;
        arrived.sort();
        arrived
    }

    fn most_in_any(arrived: &[Instant], window: Duration) -> usize {
        let mut first = 0;
        let mut most = 0;
        for last in 0..arrived.len() {
            while arrived[last] - arrived[first] >= window {
                first += 1;
            }
            most = most.max(last - first + 1);
        }
        most
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_window_at_the_ca_sees_more_than_its_limit(
            latencies in prop::collection::vec((0u64..3000, 0u64..3000), 1..120),
            short in 1u32..8, more in 0u32..20, max_in_flight in 1usize..20,
        ) {
            paused().block_on(async {
                let limits = [limit(short, 500), limit(short + more, 4000)];
                let throttle = Throttle::new(&limits, max_in_flight);
                let arrived = arrivals(&throttle, &latencies).await;
                for limit in limits {
                    let most = most_in_any(&arrived, limit.per);
                    prop_assert!(most <= limit.requests as usize, "{most} in {:?}", limit.per);
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn what_is_allowed_is_used() {
        paused().block_on(async {
            let throttle = Throttle::new(&[limit(100, 5000)], 16);
            let start = Instant::now();
            let arrived = arrivals(&throttle, &[(50, 50); 2000]).await;
            let took = (*arrived.last().unwrap() - start).as_secs_f64();
            // 2,000 calls at 100 in 5 s; the first hundred are free.
            assert!(1900.0 / took >= 0.95 * 20.0, "{took} s");
        });
    }

    #[test]
    fn first_come_first_served() {
        paused().block_on(async {
            let throttle = Throttle::new(&[limit(3, 1000)], 2);
            let order = Arc::new(Mutex::new(Vec::new()));
            let calls = (0..50).map(|number| {
                let (throttle, order) = (throttle.clone(), Arc::clone(&order));
                async move {
                    let mut slot = throttle.acquire().await;
                    order.lock().unwrap().push(number);
                    slot.sent();
                    tokio::time::sleep(Duration::from_millis(number * 37 % 90)).await;
                }
            });
            futures::future::join_all(calls).await;
            assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<u64>>());
        });
    }

    #[test]
    fn ten_thousand_waiters_are_served_within_the_limit() {
        paused().block_on(async {
            let throttle = Throttle::new(&[limit(100, 1000)], 16);
            let arrived = arrivals(&throttle, &[(5, 5); 10_000]).await;
            assert_eq!(arrived.len(), 10_000);
            assert_eq!(most_in_any(&arrived, Duration::from_secs(1)), 100);
        });
    }

    #[test]
    fn no_more_than_the_cap_are_in_flight() {
        paused().block_on(async {
            let throttle = Throttle::new(&[], 3);
            let now = Arc::new(Mutex::new((0, 0)));
            let calls = (0..40).map(|_| {
                let (throttle, now) = (throttle.clone(), Arc::clone(&now));
                async move {
                    let _slot = throttle.acquire().await;
                    {
                        let mut now = now.lock().unwrap();
                        now.0 += 1;
                        now.1 = now.1.max(now.0);
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    now.lock().unwrap().0 -= 1;
                }
            });
            futures::future::join_all(calls).await;
            assert_eq!(now.lock().unwrap().1, 3);
        });
    }

    #[test]
    fn an_unsent_slot_goes_back() {
        paused().block_on(async {
            let throttle = Throttle::new(&[limit(1, 60_000)], 1);
            let start = Instant::now();
            for _ in 0..10 {
                drop(throttle.acquire().await);
            }
            assert_eq!(Instant::now(), start);
            throttle.acquire().await.sent();
            drop(throttle.acquire().await);
            assert!(Instant::now() - start >= Duration::from_secs(60));
        });
    }

    #[test]
    fn a_waiter_that_gives_up_leaves_the_queue() {
        paused().block_on(async {
            let throttle = Throttle::new(&[], 1);
            let held = throttle.acquire().await;
            let gives_up = tokio::time::timeout(Duration::from_secs(1), throttle.acquire()).await;
            assert!(gives_up.is_err());
            drop(held);
            let next = tokio::time::timeout(Duration::from_secs(1), throttle.acquire()).await;
            assert!(next.is_ok());
        });
    }

    #[test]
    fn row_43_a_pause_holds_everyone_and_doubles_until_the_ca_recovers() {
        paused().block_on(async {
            let throttle = Throttle::new(&[], 16);
            let waited = async || {
                let start = Instant::now();
                throttle.acquire().await.sent();
                (Instant::now() - start).as_secs()
            };
            throttle.slow_down(Some(Duration::from_secs(7)));
            assert_eq!(waited().await, 7);
            for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
                throttle.slow_down(None);
                throttle.slow_down(None);
                assert_eq!(waited().await, seconds);
            }
            throttle.recovered();
            throttle.slow_down(None);
            assert_eq!(waited().await, 1);
        });
    }
}
