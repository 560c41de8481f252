//! A pause that people are told of: how long it is, and what the clock shows at its end.

use std::time::Duration;

use jiff::{SignedDuration, Zoned};

use super::ca_clock::duration_words;

/// A pause from this length on is told.
pub const TOLD_PAUSE: Duration = Duration::from_secs(5);

/// `at 14:03:22 CEST, in 40 seconds`: the end of a pause that begins now.
pub fn pause_end(pause: Duration) -> String {
    let (clock, words) = (clock_after(pause), duration_words(signed(pause)));
    format!("at {clock}, in {words}")
}

/// What this machine's clock shows when so much time has passed: `14:03:22 CEST`, with its day where that is
/// another one.
pub fn clock_after(time: Duration) -> String {
    after(&Zoned::now(), time)
}

fn after(now: &Zoned, time: Duration) -> String {
    let Ok(end) = now.checked_add(signed(time)) else {
        return "an unknown time".to_owned();
    };
    let form = if end.date() == now.date() {
        "%H:%M:%S %Z"
    } else {
        "%Y-%m-%d %H:%M:%S %Z"
    };
    end.strftime(form).to_string()
}

/// Whole seconds: nobody waits for less. A pause is never over before the time that is told.
fn signed(time: Duration) -> SignedDuration {
    let seconds = time
        .as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0));
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn the_end_is_a_time_of_day_and_names_its_zone() {
        let now: Timestamp = "2026-11-28T23:59:00Z".parse().unwrap();
        let now = now.to_zoned(TimeZone::UTC);
        for (seconds, shown) in [
            (6, "23:59:06 UTC"),
            (59, "23:59:59 UTC"),
            (60, "2026-11-29 00:00:00 UTC"),
            (86_400, "2026-11-29 23:59:00 UTC"),
        ] {
            assert_eq!(after(&now, Duration::from_secs(seconds)), shown);
        }
        assert_eq!(after(&now, Duration::from_millis(5_001)), "23:59:06 UTC");
        assert_eq!(after(&now, Duration::MAX), "an unknown time");
        assert!(pause_end(Duration::from_secs(40)).ends_with(", in 40 seconds"));
        assert!(pause_end(Duration::MAX).contains("unknown"));
    }
}
