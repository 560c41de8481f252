//! The time that budgets count in: one clock for all processes of a machine. Nobody sets it, and it goes on
//! while the machine sleeps. Main type: [`Reading`].

use std::time::{Duration, SystemTime};

use crate::files::clock;

/// What the clocks show. Only within one boot are the microseconds since boot comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Names the boot; empty where the system does not.
    pub(super) boot: String,
    /// Microseconds since boot, sleep included.
    pub(super) up: i64,
    /// Microseconds since 1970, as the wall clock says. Used across reboots alone.
    pub(super) wall: i64,
}

impl Reading {
    /// What has to be added to a time since boot to get the time on the wall.
    pub(super) fn offset(&self) -> i64 {
        self.wall.saturating_sub(self.up)
    }
}

/// Tells the time.
pub(super) trait Clock: Send + Sync {
    /// Now. Within one boot, never earlier than what any process was told before.
    fn now(&self) -> Reading;
}

/// The machine's clock.
pub(super) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Reading {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Reading {
            boot: clock::boot_id().unwrap_or_default().to_owned(),
            up: micros(clock::since_boot()),
            wall: micros(wall),
        }
    }
}

/// Whole microseconds, rounded up: counting for longer is never wrong.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}
