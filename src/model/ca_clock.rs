//! How this machine's clock stands against a CA's: [`CaClock`]. Each answer of a CA says what time it is there.

use jiff::civil::{Date, date};
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRound, Timestamp, Unit};

/// Two clocks this far apart agree: an answer takes its time, and a `Date` has whole seconds.
const TOLERATED: SignedDuration = SignedDuration::from_secs(60);
/// Months and years have other lengths in other years. They are counted from here.
const COUNTED_FROM: Date = date(2026, 1, 1);

/// The clock of a CA, as its last answer showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaClock {
    /// How far it is ahead of this machine's; negative where this machine's is ahead.
    pub ahead: SignedDuration,
    /// From this difference on the CA may refuse what this machine signs; `None` where no time is signed.
    pub refuses_from: Option<SignedDuration>,
}

impl CaClock {
    /// True when the clocks do not agree.
    pub fn is_off(&self) -> bool {
        self.ahead.abs() > TOLERATED
    }

    /// True when the CA may refuse what this machine signs.
    pub fn refuses(&self) -> bool {
        self.refuses_from
            .is_some_and(|limit| self.ahead.abs() > limit)
    }

    /// `this machine's clock is 10 minutes behind the CA's`.
    pub fn words(&self) -> String {
        let direction = if self.ahead.is_negative() {
            "ahead of"
        } else {
            "behind"
        };
        format!(
            "this machine's clock is {} {direction} the CA's",
            duration_words(self.ahead)
        )
    }
}

/// The day by the CA's clock, or by this machine's where the CA's is not known. In UTC.
pub fn ca_day(clock: Option<CaClock>, now: Timestamp) -> Date {
    clock
        .and_then(|clock| now.checked_add(clock.ahead).ok())
        .unwrap_or(now)
        .to_zoned(TimeZone::UTC)
        .date()
}

/// A duration for people, without its sign: `10 minutes`, `about 2 years`.
pub fn duration_words(duration: SignedDuration) -> String {
    let duration = SignedDuration::try_from(duration.unsigned_abs()).unwrap_or(SignedDuration::MAX);
    let (largest, smallest) = match duration.as_hours() {
        _ if duration < SignedDuration::from_mins(2) => (Unit::Second, Unit::Second),
        ..24 => (Unit::Hour, Unit::Minute),
        24..720 => (Unit::Day, Unit::Hour),
        720..8_760 => (Unit::Month, Unit::Day),
        _ => (Unit::Year, Unit::Month),
    };
    let round = SpanRound::new()
        .largest(largest)
        .smallest(smallest)
        .relative(COUNTED_FROM);
    // Only what no calendar holds cannot be rounded.
    let Ok(span) = Span::try_from(duration).and_then(|span| span.round(round)) else {
        return "an unknown time".to_owned();
    };
    let printer = SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators);
    let about = if smallest > Unit::Minute {
        "about "
    } else {
        ""
    };
    format!("{about}{}", printer.span_to_string(&span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_words() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (61, "61 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (599, "10 minutes"),
            (600, "10 minutes"),
            (601, "10 minutes"),
            (3_599, "1 hour"),
            (5_400, "1 hour 30 minutes"),
            (86_399, "24 hours"),
            (86_400, "about 1 day"),
            (93_600, "about 1 day 2 hours"),
            (40 * 86_400, "about 1 month 9 days"),
            (63_072_000, "about 2 years"),
            (63_071_999, "about 2 years"),
            (46_656_000, "about 1 year 6 months"),
        ] {
            for sign in [1, -1] {
                let duration = SignedDuration::from_secs(seconds * sign);
                assert_eq!(duration_words(duration), words, "{seconds}");
            }
        }
        assert_eq!(duration_words(SignedDuration::MAX), "an unknown time");
        assert_eq!(duration_words(SignedDuration::MIN), "an unknown time");
        let fine = SignedDuration::new(600, 772_016_597);
        assert_eq!(duration_words(fine), "10 minutes");
    }

    fn clock(ahead: i64) -> CaClock {
        CaClock {
            ahead: SignedDuration::from_secs(ahead),
            refuses_from: Some(SignedDuration::from_mins(4)),
        }
    }

    #[test]
    fn more_than_a_minute_is_off_in_both_directions() {
        for (ahead, off, refuses) in [
            (0, false, false),
            (60, false, false),
            (-60, false, false),
            (61, true, false),
            (-61, true, false),
            (240, true, false),
            (241, true, true),
            (-241, true, true),
        ] {
            let clock = clock(ahead);
            assert_eq!((clock.is_off(), clock.refuses()), (off, refuses), "{ahead}");
        }
        let behind = clock(600).words();
        assert_eq!(behind, "this machine's clock is 10 minutes behind the CA's");
        let ahead = clock(-63_072_000).words();
        assert_eq!(
            ahead,
            "this machine's clock is about 2 years ahead of the CA's"
        );
    }

    #[test]
    fn the_day_is_the_ca_s_where_its_clock_is_known() {
        let now: Timestamp = "2026-05-01T23:59:30Z".parse().unwrap();
        assert_eq!(ca_day(None, now).to_string(), "2026-05-01");
        assert_eq!(ca_day(Some(clock(60)), now).to_string(), "2026-05-02");
        assert_eq!(ca_day(Some(clock(-86_400)), now).to_string(), "2026-04-30");
        // A clock that no calendar holds is none.
        assert_eq!(ca_day(Some(clock(i64::MAX)), now).to_string(), "2026-05-01");
    }
}
