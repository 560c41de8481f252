//! Times as the two APIs write them. The sandbox keeps UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// CertCentral's form, `2026-01-02T03:04:05+00:00`.
pub(super) fn iso8601(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// ncloud's form, `2026-01-02 03:04:05`.
pub(super) fn spaced(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn date_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Whole days from `from` to `to`, negative when `to` is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

pub(super) fn plus_days(date: Date, days: i64) -> Date {
    date.checked_add(days.clamp(0, 100_000).days())
        .unwrap_or(date)
}

pub(super) fn plus_years(date: Date, years: i64) -> Date {
    date.checked_add(years.clamp(0, 100).years())
        .unwrap_or(date)
}
