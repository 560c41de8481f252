//! The limits are kept, what they allow is used, nobody is overtaken; and the shared budget has its say.

mod reserving;
mod sharing;

use proptest::prelude::*;

use super::*;

impl Throttle {
    /// One that draws from no budget.
    pub(in crate::provider) fn new(limits: &[RateLimit], max_in_flight: usize) -> Self {
        Self::with(limits, max_in_flight, None, None)
    }

    /// Draws from a budget too, if there is one and anything is limited. No call takes longer than `call`.
    fn drawing(
        limits: &[RateLimit],
        max_in_flight: usize,
        budget: Option<Arc<dyn Budget>>,
        call: Duration,
    ) -> Self {
        let drawing = drawn_from(budget, limits, call);
        Self::with(limits, max_in_flight, drawing, None)
    }
}

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

#[tokio::test(start_paused = true)]
async fn a_long_pause_is_told_once_and_again_where_it_has_grown() {
    let throttle = Throttle::new(&[], 8);
    let told = |seconds| throttle.is_to_be_told(Duration::from_secs(seconds));
    assert!(!told(4));
    assert!(told(6));
    // Sixteen calls in flight are refused for the same reason.
    for _ in 0..16 {
        assert!(!told(6));
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!told(9));
    assert!(told(10));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(told(5));
}
