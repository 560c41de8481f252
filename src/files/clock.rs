//! The clocks of this machine: the one reader of [`Moment`]s.

use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

use crate::model::{BootTime, Moment};

/// Where Linux names the present boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Now, on the wall clock and since boot.
pub fn now() -> Moment {
    Moment {
        at: Timestamp::now(),
        boot: boot_id().map(|boot_id| BootTime {
            boot_id: boot_id.to_owned(),
            since_boot: since_boot(),
        }),
        at_ca: None,
    }
}

/// The time since this machine was started, sleep included: the same in every process on it.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    // Neither clock is ever negative.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// The name of the present boot; `None` where the system does not tell.
pub fn boot_id() -> Option<&'static str> {
    static READ: OnceLock<Option<String>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let text = std::fs::read_to_string(BOOT_ID).ok()?;
        Some(text.trim().to_owned()).filter(|name| !name.is_empty())
    });
    read.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::age;

    #[test]
    fn what_was_just_now_is_not_long_ago_and_never_in_the_future() {
        let then = now();
        let later = now();
        if cfg!(target_os = "linux") {
            let boot = then.boot.as_ref().unwrap();
            assert_eq!(boot.boot_id.len(), 36, "{boot:?}");
            let again = later.boot.as_ref().unwrap();
            assert_eq!(boot.boot_id, again.boot_id);
            assert!(boot.since_boot <= again.since_boot);
        }
        assert!(age(&then, &later).as_secs() < 3600);
    }
}
