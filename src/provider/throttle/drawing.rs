//! How a throttle draws from the budget that other processes draw from as well. Main type: [`Drawing`].
//!
//! The head of the queue draws for itself and for those behind it: a draw costs two switches between
//! threads and a transaction, whatever the number of slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::windows::padded;
use crate::model::RateLimit;
use crate::provider::budget::{Budget, BudgetError, BudgetSlot, Drawn, Wait};

/// How long a slot of the budget may be held before its call begins. Longer than the slowest disk takes to
/// write an intent. A call that begins later still counts from its end.
pub(super) const BEFORE_CALL: Duration = Duration::from_secs(30);
/// How long a caller gathers slots of the budget one by one while other processes take most of them. After
/// that it goes on with those it has.
pub(super) const GATHERING: Duration = Duration::from_secs(10);
/// The least time between two draws from the budget. Callers that come in this time draw together.
const BETWEEN_DRAWS: Duration = Duration::from_millis(1);

/// What a throttle draws from, together with other processes.
pub(super) struct Drawing {
    budget: Arc<dyn Budget>,
    windows: Vec<RateLimit>,
    /// How long a slot is ours: the time until its call begins, and the call's own deadline.
    lease: Duration,
    /// The budget could not be used. It is not asked again, and this run goes on under its own windows.
    broken: AtomicBool,
}

/// What the head of the queue has.
#[derive(Default)]
pub(super) struct Turn {
    /// Slots of the budget for itself and for those behind it.
    pub(super) drawn: Vec<BudgetSlot>,
    last_draw: Option<Instant>,
}

impl Drawing {
    /// Draws under these limits. No call takes longer than `call`.
    pub(super) fn new(budget: Arc<dyn Budget>, limits: &[RateLimit], call: Duration) -> Self {
        Self {
            budget,
            windows: limits.iter().map(padded).collect(),
            lease: BEFORE_CALL + call,
            broken: AtomicBool::new(false),
        }
    }

    /// Draws from the budget what is lacking of `count`, and as much of the `free` room as those behind in the
    /// queue want, who are counted in `wanted`. The time to wait where there is less than `count` now.
    pub(super) async fn draw(
        &self,
        turn: &mut Turn,
        count: usize,
        free: usize,
        wanted: &AtomicUsize,
    ) -> Option<Wait> {
        if turn.drawn.len() >= count || self.broken.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(last) = turn.last_draw {
            tokio::time::sleep_until(last + BETWEEN_DRAWS).await;
        }
        let wanted = wanted.load(Ordering::Relaxed).min(free).max(count);
        let take = |_| self.budget.take(&self.windows, self.lease);
        let mut wait: Option<Wait> = None;
        // What is asked for together, a budget answers together.
        for answer in join_all((turn.drawn.len()..wanted).map(take)).await {
            match answer {
                Ok(Drawn::Slot(slot)) => turn.drawn.push(slot),
                Ok(Drawn::Wait(time)) => wait = Some(wait.map_or(time, |known| time.min(known))),
                Err(error) => self.give_up(&error),
            }
        }
        turn.last_draw = Some(Instant::now());
        wait.filter(|_| turn.drawn.len() < count && !self.broken.load(Ordering::Relaxed))
    }

    /// Tells the other processes of a pause.
    pub(super) fn pause(&self, pause: Duration) {
        self.budget.pause(pause);
    }

    fn give_up(&self, error: &BudgetError) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the rate budget that is shared with other runs cannot be used: {error}; this run keeps to the limits by itself"
            );
        }
    }
}
