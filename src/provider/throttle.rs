//! The rate limits of one account: several rolling windows that all hold at once, a cap on calls in
//! flight, first come first served.
//!
//! The CA counts a call when it arrives there, some time between its sending and its answer. So a call
//! in flight counts in every window, and once answered it counts until `answer + window`: whatever the
//! latency was, no window at the CA ever sees more than its limit.
//!
//! Where the key has a [`Budget`], each slot is drawn from it as well. Its own windows a throttle keeps
//! all the same: they hold if the budget breaks.

#[cfg(test)]
mod sharing;
#[cfg(test)]
mod tests;

mod left;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::budget::{Budget, BudgetError, BudgetSlot, Drawn, Spent, since_boot};
use crate::model::RateLimit;

/// The first pause after a refusal that names no time; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is not asked for by the CA.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A slot of the budget that was not used for this long is given back and drawn anew: its process slept,
/// and others may count it as gone. Longer than the slowest disk takes to write an intent.
const FRESH: Duration = Duration::from_secs(30);
/// Together with a slot, one in so many of those that every window still has are drawn for the calls to
/// come: in wide windows the draws would be what limits. Within 100 calls in 5 seconds there are none.
const AHEAD: usize = 200;

/// The limiter of one account. Clones share the same limits.
#[derive(Clone)]
pub(super) struct Throttle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Held by the caller at the head of the queue: Tokio's mutex is fair, and those behind it sleep.
    turn: tokio::sync::Mutex<()>,
    /// Told whenever a slot comes back or a pause changes.
    changed: Notify,
    drawing: Option<Drawing>,
}

/// What a throttle draws from, together with other processes.
struct Drawing {
    budget: Arc<dyn Budget>,
    windows: Vec<RateLimit>,
    /// How long a slot is ours: the time until its call begins, and the call's own deadline.
    lease: Duration,
    /// Slots for the calls to come.
    ahead: Mutex<VecDeque<Draw>>,
    /// Once it could not be used it is not asked again: this run goes on under its own windows.
    broken: AtomicBool,
}

/// A slot of the budget, and when it was drawn, as [`since_boot`] counts.
struct Draw {
    slot: BudgetSlot,
    at: Duration,
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
pub(super) struct Slot {
    shared: Arc<Shared>,
    sent: bool,
    drawn: Option<Draw>,
}

impl Throttle {
    #[cfg(test)]
    pub(super) fn new(limits: &[RateLimit], max_in_flight: usize) -> Self {
        Self::with(limits, max_in_flight, None)
    }

    /// Draws from a budget too, if there is one and anything is limited. No call takes longer than `call`.
    pub(super) fn drawing(
        limits: &[RateLimit],
        max_in_flight: usize,
        budget: Option<Arc<dyn Budget>>,
        call: Duration,
    ) -> Self {
        let drawing = budget.filter(|_| !limits.is_empty()).map(|budget| Drawing {
            budget,
            windows: limits.iter().map(kept).collect(),
            lease: FRESH + call,
            ahead: Mutex::default(),
            broken: AtomicBool::new(false),
        });
        Self::with(limits, max_in_flight, drawing)
    }

    fn with(limits: &[RateLimit], max_in_flight: usize, drawing: Option<Drawing>) -> Self {
        let windows = limits
            .iter()
            .map(kept)
            .map(|limit| Window {
                requests: limit.requests as usize,
                length: limit.per,
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
            drawing,
        }))
    }

    /// Waits for its turn, for every window and for the end of any pause.
    pub(super) async fn acquire(&self) -> Slot {
        let _turn = self.0.turn.lock().await;
        loop {
            let changed = self.0.changed.notified();
            let room = self.0.state().room(Instant::now());
            let again = match room {
                // Whoever has the turn is alone in taking room, so it is still there after the draw.
                Room::Now { ahead } => match self.0.draw(ahead).await {
                    Ok(drawn) => {
                        self.0.state().in_flight += 1;
                        return Slot {
                            shared: Arc::clone(&self.0),
                            sent: false,
                            drawn,
                        };
                    }
                    Err(wait) => Instant::now() + wait,
                },
                Room::At(moment) => moment,
                Room::OnReturn => {
                    changed.await;
                    continue;
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(again) => {}
                () = changed => {}
            }
        }
    }

    /// A slot as new as one that was just acquired: this one, or another if it was held for so long that
    /// other processes may have counted it as gone. Only a process that was stopped, or a machine that
    /// slept, waits here.
    pub(super) async fn fresh(&self, mut slot: Slot) -> Slot {
        while slot.is_stale() {
            drop(slot);
            slot = self.acquire().await;
        }
        slot
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
        if let Some(drawing) = self.0.drawing.as_ref().filter(|_| longer) {
            drawing.budget.pause(pause);
        }
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

    /// A slot of the budget, nothing where there is none to draw from, or the time to wait for one.
    async fn draw(&self, ahead: usize) -> Result<Option<Draw>, Duration> {
        let Some(drawing) = &self.drawing else {
            return Ok(None);
        };
        if drawing.broken.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if let Some(kept) = drawing.kept() {
            return Ok(Some(kept));
        }
        // Before the draw: what it counts from must not be later than what the budget counts from.
        let at = since_boot();
        let take = |_| drawing.budget.take(&drawing.windows, drawing.lease);
        let mut drawn = VecDeque::new();
        let mut wait = None;
        // What is asked for together, a budget answers together.
        for answer in join_all((0..=ahead).map(take)).await {
            match answer {
                Ok(Drawn::Slot(slot)) => drawn.push_back(Draw { slot, at }),
                Ok(Drawn::Wait(time)) => wait = Some(wait.map_or(time, |known| time.min(known))),
                Err(error) => drawing.give_up(&error),
            }
        }
        match (drawn.pop_front(), wait) {
            (None, Some(wait)) => Err(wait),
            (first, _) => {
                drawing.ahead().append(&mut drawn);
                Ok(first)
            }
        }
    }
}

impl Drawing {
    fn ahead(&self) -> MutexGuard<'_, VecDeque<Draw>> {
        // A queue is whole between any two statements that could panic.
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot that was drawn ahead. Those that became stale go back.
    fn kept(&self) -> Option<Draw> {
        let mut ahead = self.ahead();
        ahead.retain(|draw| !draw.is_stale());
        ahead.pop_front()
    }

    /// It is not asked again, and what was drawn from it is not used.
    fn give_up(&self, error: &BudgetError) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the rate budget that is shared with other runs cannot be used: {error}; this run keeps to the limits by itself"
            );
        }
        self.ahead().clear();
    }
}

impl Draw {
    fn is_stale(&self) -> bool {
        since_boot().saturating_sub(self.at) > FRESH
    }
}

/// A limit as it is kept: one per cent longer, for clocks that run at another pace. Zero is raised to
/// one: the manifest's rules refuse it, and what never lets anything pass would hang instead of telling.
fn kept(limit: &RateLimit) -> RateLimit {
    RateLimit {
        requests: limit.requests.max(1),
        per: limit.per + limit.per / 100,
    }
}

enum Room {
    /// And so many more are a small part of what every window still has.
    Now {
        ahead: usize,
    },
    At(Instant),
    /// Only a call in flight that ends can make room.
    OnReturn,
}

impl State {
    /// Whether a call may go out under this process's own windows.
    fn room(&mut self, now: Instant) -> Room {
        if now < self.paused_until {
            return Room::At(self.paused_until);
        }
        if self.in_flight >= self.max_in_flight {
            return Room::OnReturn;
        }
        let mut until = now;
        let mut ahead = self.max_in_flight;
        for window in &mut self.windows {
            while window.leaves.front().is_some_and(|&leaves| leaves <= now) {
                window.leaves.pop_front();
            }
            let used = self.in_flight + window.leaves.len();
            ahead = ahead.min(window.requests.saturating_sub(used) / AHEAD);
            if used >= window.requests {
                match window.leaves.front() {
                    Some(&leaves) => until = until.max(leaves),
                    None => return Room::OnReturn,
                }
            }
        }
        if until > now {
            return Room::At(until);
        }
        Room::Now { ahead }
    }
}

impl Slot {
    /// A slot of a limiter of its own.
    #[cfg(test)]
    pub(super) fn unlimited() -> Self {
        Self {
            shared: Throttle::with(&[], 1, None).0,
            sent: false,
            drawn: None,
        }
    }

    fn is_stale(&self) -> bool {
        self.drawn.as_ref().is_some_and(Draw::is_stale)
    }

    /// From here on the call may reach the CA: it counts, whatever becomes of it.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            drawn.slot.finish(if self.sent {
                Spent::Ended
            } else {
                Spent::Never
            });
        }
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

impl fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Slot")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
