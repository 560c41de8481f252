//! The CAs' clock, which can be moved, and times as the two APIs write them. The sandbox keeps UTC.
//! Main type: [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// What time it is at both CAs: the time of this machine, and how far it was moved. Copies move together.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    /// In nanoseconds: with fewer digits it would be a moment before midnight where midnight is meant.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        let moved = Timestamp::now().checked_add(self.ahead());
        moved.unwrap_or(Timestamp::MAX)
    }

    pub(super) fn today(&self) -> Date {
        date_of(self.now())
    }

    /// How far it is ahead of this machine's clock; negative when it is behind.
    pub(super) fn ahead(&self) -> SignedDuration {
        SignedDuration::from_nanos(self.ahead.load(Ordering::Relaxed))
    }

    pub(super) fn set_ahead(&self, ahead: SignedDuration) {
        let nanos = i64::try_from(ahead.as_nanos()).unwrap_or_default();
        self.ahead.store(nanos, Ordering::Relaxed);
    }

    /// Moves it so that it is `time` now.
    pub(super) fn set(&self, time: Timestamp) {
        self.set_ahead(time.duration_since(Timestamp::now()));
    }
}

/// CertCentral's form, `2026-01-02T03:04:05+00:00`.
pub(super) fn iso8601(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// ncloud's form, `2026-01-02 03:04:05`.
pub(super) fn spaced(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The form of the header `Date`.
pub(super) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(super) fn date_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The first second of a day.
pub(super) fn start_of(day: Date) -> Timestamp {
    let midnight = day.to_zoned(TimeZone::UTC);
    midnight.map_or(Timestamp::MAX, |time| time.timestamp())
}

/// The last second of a day.
pub(super) fn end_of(day: Date) -> Timestamp {
    let end = day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC);
    end.map_or(Timestamp::MAX, |time| time.timestamp())
}

/// Whole days from `from` to `to`, negative when `to` is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// The day so many days later, or earlier.
pub(super) fn plus_days(date: Date, days: i64) -> Date {
    date.checked_add(days.clamp(-100_000, 100_000).days())
        .unwrap_or(date)
}

pub(super) fn plus_years(date: Date, years: i64) -> Date {
    date.checked_add(years.clamp(0, 100).years())
        .unwrap_or(date)
}
