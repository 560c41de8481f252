//! The time that budgets count in: one clock for all processes of a machine, which no one sets and which
//! goes on while the machine sleeps. Main type: [`Moment`].

use std::time::{Duration, SystemTime};

use crate::provider::since_boot;

/// Where Linux names the present boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A moment. Only within one boot are the microseconds since boot comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// Names the boot; empty where the system does not.
    pub(super) boot: String,
    /// Microseconds since boot, sleep included.
    pub(super) up: i64,
    /// Microseconds since 1970, as the wall clock says. Read across reboots alone.
    pub(super) wall: i64,
}

impl Moment {
    /// What has to be added to a time since boot to get the time on the wall.
    pub(super) fn offset(&self) -> i64 {
        self.wall.saturating_sub(self.up)
    }
}

/// Tells the time.
pub(super) trait Clock: Send + Sync {
    /// Now. Within one boot, never earlier than what any process was told before.
    fn now(&self) -> Moment;
}

/// The machine's clock.
pub(super) struct MachineClock {
    boot: String,
}

impl MachineClock {
    pub(super) fn new() -> Self {
        let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default();
        Self {
            boot: boot.trim().to_owned(),
        }
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Moment {
            boot: self.boot.clone(),
            up: micros(since_boot()),
            wall: micros(wall),
        }
    }
}

/// Whole microseconds, rounded up: what counts for longer is never wrong.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}
