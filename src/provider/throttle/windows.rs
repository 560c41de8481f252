//! The rolling windows of one account, in this process alone. Main type: [`State`].

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{RateLimit, TOLD_PAUSE};

#[derive(Debug)]
pub(super) struct State {
    pub(super) windows: Vec<Window>,
    /// Slots that somebody has: each counts in every window.
    pub(super) held: usize,
    pub(super) paused_until: Instant,
    pub(super) next_pause: Duration,
    /// The end of the last pause that people were told of.
    pub(super) told_until: Instant,
}

#[derive(Debug)]
pub(super) struct Window {
    pub(super) requests: usize,
    pub(super) length: Duration,
    /// When each answered call leaves the window, in order.
    pub(super) leaves: VecDeque<Instant>,
}

pub(super) enum Room {
    /// For so many calls.
    Now {
        free: usize,
    },
    At(Instant),
    /// Only a slot that comes back can make room.
    OnReturn,
}

/// The limit we enforce: the CA's window plus 1 % for clock drift. The manifest's rules refuse a limit of
/// zero requests; here it counts as one, because a run that waits for ever tells nobody why.
pub(super) fn padded(limit: &RateLimit) -> RateLimit {
    RateLimit {
        requests: limit.requests.max(1),
        per: limit.per + limit.per / 100,
    }
}

impl State {
    /// Whether people are to be told of a pause with this end: once, and again only where it has grown by as much
    /// as is told at all.
    pub(super) fn is_to_be_told(&mut self, now: Instant, until: Instant) -> bool {
        let is_long = |since: Instant| until >= since + TOLD_PAUSE;
        let told = is_long(now) && is_long(self.told_until);
        if told {
            self.told_until = until;
        }
        told
    }

    /// Whether `count` calls may go out under this process's own windows.
    pub(super) fn room(&mut self, now: Instant, count: usize) -> Room {
        if now < self.paused_until {
            return Room::At(self.paused_until);
        }
        let mut until = now;
        let mut free = usize::MAX;
        for window in &mut self.windows {
            while window.leaves.front().is_some_and(|&leaves| leaves <= now) {
                window.leaves.pop_front();
            }
            let used = self.held + window.leaves.len();
            free = free.min(window.requests.saturating_sub(used));
            let too_many = (used + count).saturating_sub(window.requests);
            if let Some(last) = too_many.checked_sub(1) {
                match window.leaves.get(last) {
                    Some(&leaves) => until = until.max(leaves),
                    None => return Room::OnReturn,
                }
            }
        }
        if until > now {
            return Room::At(until);
        }
        Room::Now { free }
    }
}
