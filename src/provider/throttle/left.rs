//! What is left of the rate limits at this moment: for a look from outside, nothing is taken.

use tokio::time::Instant;

use super::Throttle;
use super::windows::Window;

impl Throttle {
    /// How many calls each window would let through now, in the order of the limits; a slot that
    /// somebody has counts in every window.
    pub(in crate::provider) fn left(&self) -> Vec<u64> {
        let now = Instant::now();
        let state = self.0.state();
        let left = |window: &Window| {
            let gone = window.leaves.partition_point(|&leaves| leaves <= now);
            let counted = window.leaves.len() - gone + state.held;
            window.requests.saturating_sub(counted) as u64
        };
        state.windows.iter().map(left).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::RateLimit;

    #[test]
    fn calls_sent_and_in_flight_count_until_they_leave() {
        let limit = |requests, seconds| RateLimit {
            requests,
            per: Duration::from_secs(seconds),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let throttle = Throttle::new(&[limit(3, 5), limit(10, 300)], 16);
            assert_eq!(throttle.left(), [3, 10]);
            throttle.acquire().await.sent();
            let held = throttle.acquire().await;
            assert_eq!(throttle.left(), [1, 8]);
            drop(held);
            assert_eq!(throttle.left(), [2, 9]);
            tokio::time::sleep(Duration::from_secs(6)).await;
            assert_eq!(throttle.left(), [3, 9]);
        });
    }
}
