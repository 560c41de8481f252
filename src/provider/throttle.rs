//! The rate limits of one account: several rolling windows that all hold at once, a cap on calls in
//! flight, first come first served. Main types: [`Throttle`] and [`Reservation`].
//!
//! The CA counts a call when it arrives there, some time between its sending and its answer. So a call
//! in flight counts in every window, and once answered it counts until `answer + window`: whatever the
//! latency was, no window at the CA ever sees more than its limit.
//!
//! Where the key has a [`Budget`], each slot is drawn from it as well. The throttle keeps its own windows
//! too: they hold if the budget breaks.

mod drawing;
mod left;
mod reservation;
mod windows;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::drawing::{Drawing, GATHERING, Turn};
pub(super) use self::reservation::Reservation;
use self::windows::{Room, State, Window, padded};
use super::budget::{Budget, BudgetSlot, Spent, Wait};
use super::settings::Settings;
use crate::model::{AccountName, RateLimit, pause_end};

/// The first pause after a refusal that names no time; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is not asked for by the CA.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a call waits, as people are told.
const OWN_LIMITS: &str = "its rate limits are used up";
const SHARED_LIMITS: &str =
    "other runs under the same key used its rate limits up, or were asked to pause";

/// The limiter of one account. Clones share the same limits.
#[derive(Clone)]
pub(super) struct Throttle(Arc<Shared>);

struct Shared {
    /// For what people are told; none in tests.
    account: Option<AccountName>,
    state: Mutex<State>,
    /// The places of `max_in_flight`. A caller takes its place first and its slots then; nobody who has
    /// slots waits for a place.
    places: Arc<Semaphore>,
    /// Held by the caller at the head of the queue for slots: Tokio's mutex is fair, and those behind it
    /// sleep.
    turn: tokio::sync::Mutex<Turn>,
    /// How many slots the callers in the queue want, its head included.
    wanted: AtomicUsize,
    /// Notified whenever a slot comes back or a pause changes.
    changed: Notify,
    drawing: Option<Drawing>,
}

/// The right to send one call. Dropped before it was sent, it goes back unspent.
pub(super) struct Slot {
    shared: Arc<Shared>,
    sent: bool,
    drawn: Option<BudgetSlot>,
    /// Of a slot that was acquired alone; a [`Reservation`] keeps its place itself.
    place: Option<OwnedSemaphorePermit>,
}

impl Throttle {
    /// The limits of an account.
    pub(super) fn of(settings: &Settings) -> Self {
        let drawing = drawn_from(
            settings.budget.clone(),
            &settings.rate_limits,
            settings.deadlines.whole,
        );
        let account = Some(settings.account.clone());
        Self::with(
            &settings.rate_limits,
            settings.max_in_flight,
            drawing,
            account,
        )
    }

    fn with(
        limits: &[RateLimit],
        max_in_flight: usize,
        drawing: Option<Drawing>,
        account: Option<AccountName>,
    ) -> Self {
        let windows = limits
            .iter()
            .map(padded)
            .map(|limit| Window {
                requests: limit.requests as usize,
                length: limit.per,
                leaves: VecDeque::new(),
            })
            .collect();
        Self(Arc::new(Shared {
            account,
            state: Mutex::new(State {
                windows,
                held: 0,
                paused_until: Instant::now(),
                next_pause: FIRST_PAUSE,
                told_until: Instant::now(),
            }),
            places: Arc::new(Semaphore::new(
                max_in_flight.clamp(1, Semaphore::MAX_PERMITS),
            )),
            turn: tokio::sync::Mutex::default(),
            wanted: AtomicUsize::new(0),
            changed: Notify::new(),
            drawing,
        }))
    }

    /// Waits for a place among the calls in flight.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // Nothing closes the semaphore, so there always is one.
        Arc::clone(&self.0.places).acquire_owned().await.ok()
    }

    /// Waits for a place and for a slot.
    pub(super) async fn acquire(&self) -> Slot {
        let place = self.place().await;
        let (mut slot, _) = self.slots(1).await;
        slot.place = place;
        slot
    }

    /// This number, or what the smallest window lets through.
    fn at_most(&self, count: usize) -> usize {
        let state = self.0.state();
        let requests = state.windows.iter().map(|window| window.requests);
        requests.fold(count, usize::min)
    }

    /// Waits for its turn, for every window and for the end of any pause, and takes `count` slots at once,
    /// one of them apart: fewer where a window is smaller than that, or where other processes leave no more.
    async fn slots(&self, count: usize) -> (Slot, Vec<Slot>) {
        let count = self.at_most(count);
        // Dropped after the turn.
        let _waiting = Waiting::join(&self.0, count);
        let mut turn = self.0.turn.lock().await;
        let mut gathered_until = None;
        loop {
            let changed = self.0.changed.notified();
            let room = self.0.state().room(Instant::now(), count);
            let again = match room {
                // Whoever has the turn is alone in taking room, so it is still there after the draw.
                Room::Now { free } => match self.0.draw(&mut turn, count, free).await {
                    None => return self.take(count, &mut turn),
                    Some(wait) => {
                        let now = Instant::now();
                        if !turn.drawn.is_empty() {
                            let until = *gathered_until.get_or_insert(now + GATHERING);
                            if now >= until {
                                return self.take(turn.drawn.len(), &mut turn);
                            }
                        }
                        self.0.tell(now + wait.whole, SHARED_LIMITS);
                        now + wait.again
                    }
                },
                Room::At(moment) => {
                    turn.drawn.clear();
                    gathered_until = None;
                    self.0.tell(moment, OWN_LIMITS);
                    moment
                }
                Room::OnReturn => {
                    turn.drawn.clear();
                    gathered_until = None;
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

    /// Makes slots of the room that is there and of what was drawn for it.
    fn take(&self, count: usize, turn: &mut Turn) -> (Slot, Vec<Slot>) {
        self.0.state().held += count.max(1);
        let drawn = turn.drawn.len().min(count);
        let mut drawn = turn.drawn.drain(..drawn);
        let mut slot = || Slot {
            shared: Arc::clone(&self.0),
            sent: false,
            drawn: drawn.next(),
            place: None,
        };
        (slot(), (1..count).map(|_| slot()).collect())
    }

    /// The CA refused a call because of its limits: nothing is let through for `wait`, or, where the CA
    /// names no time, for a pause that doubles from one second to one minute. Returns the pause when it is
    /// one that did not hold already.
    pub(super) fn slow_down(&self, wait: Option<Duration>) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.0.state();
        let pause = match wait {
            Some(wait) => wait,
            // Sixteen calls in flight that are all refused count as one refusal.
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
            drawing.pause(pause);
        }
        self.0.changed.notify_one();
        longer.then_some(pause)
    }

    /// Whether people are to be told of a pause that begins now. Calls in flight that are all refused are one
    /// pause.
    pub(super) fn is_to_be_told(&self, pause: Duration) -> bool {
        let now = Instant::now();
        self.0.state().is_to_be_told(now, now + pause)
    }

    /// The CA took a call: the next refusal pauses for one second again.
    pub(super) fn recovered(&self) {
        let mut state = self.0.state();
        if Instant::now() >= state.paused_until {
            state.next_pause = FIRST_PAUSE;
        }
    }
}

/// Draws from a budget too, if there is one and anything is limited. No call takes longer than `call`.
fn drawn_from(
    budget: Option<Arc<dyn Budget>>,
    limits: &[RateLimit],
    call: Duration,
) -> Option<Drawing> {
    budget
        .filter(|_| !limits.is_empty())
        .map(|budget| Drawing::new(budget, limits, call))
}

impl Shared {
    /// Tells people of a long pause until then, once.
    fn tell(&self, until: Instant, why: &str) {
        let now = Instant::now();
        if let Some(account) = &self.account
            && self.state().is_to_be_told(now, until)
        {
            tracing::info!(
                target: "certplan::run",
                "account `{account}`: {why}: the next call goes out {}",
                pause_end(until.saturating_duration_since(now))
            );
        }
    }

    /// Draws from the budget, if there is one. The time to wait where there is less than `count` now.
    async fn draw(&self, turn: &mut Turn, count: usize, free: usize) -> Option<Wait> {
        let drawing = self.drawing.as_ref()?;
        drawing.draw(turn, count, free, &self.wanted).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No statement that could panic leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller in the queue for slots.
struct Waiting<'a> {
    shared: &'a Shared,
    count: usize,
}

impl<'a> Waiting<'a> {
    fn join(shared: &'a Shared, count: usize) -> Self {
        shared.wanted.fetch_add(count, Ordering::Relaxed);
        Self { shared, count }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let before = self.shared.wanted.fetch_sub(self.count, Ordering::Relaxed);
        // Those behind may have given up: what was drawn for them goes back.
        if before == self.count
            && let Ok(mut turn) = self.shared.turn.try_lock()
        {
            turn.drawn.clear();
        }
    }
}

impl Slot {
    /// From here on the call may reach the CA: it counts, whatever becomes of it.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            drawn.finish(if self.sent {
                Spent::Ended
            } else {
                Spent::Never
            });
        }
        let now = Instant::now();
        let mut state = self.shared.state();
        state.held = state.held.saturating_sub(1);
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
