//! The last day of a certificate or an order: [`ValidTill`]. Parsed where an answer is read, so that
//! nothing beyond the provider compares dates as text.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The last day on which a certificate or an order is valid, in UTC.
///
/// Assumption `valid-till-day`: CertCentral writes a day alone (`2027-06-30`) and means its end in UTC. A time of day that
/// another CA writes after it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidTill(Date);

impl ValidTill {
    /// True when the day lies before `today`.
    pub fn is_past(self, today: Date) -> bool {
        self.0 < today
    }

    /// Whole days from `today` until then; negative when it is over.
    pub fn days_left(self, today: Date) -> i64 {
        self.0
            .since(today)
            .map_or(0, |span| i64::from(span.get_days()))
    }

    /// The first second of the day; the beginning of the calendar where it has none.
    pub fn begin(self) -> Timestamp {
        let begin = self.0.to_zoned(TimeZone::UTC);
        begin.map_or(Timestamp::MIN, |begin| begin.timestamp())
    }

    /// How many days lie between two days; negative where the other one is later.
    pub fn days_since(self, other: Self) -> i64 {
        self.days_left(other.0)
    }

    /// The last second of the day; `None` at the end of the calendar.
    pub fn end(self) -> Option<Timestamp> {
        let end = self.0.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?;
        Some(end.timestamp())
    }
}

/// Text that does not begin with a day `yyyy-MM-dd`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a day")]
pub struct NotADay;

impl FromStr for ValidTill {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let day = text.get(..10).ok_or(NotADay)?;
        day.parse().map(Self).map_err(|_| NotADay)
    }
}

impl fmt::Display for ValidTill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for ValidTill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ValidTill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads a day that an earlier version wrote as the CA had it: what is no day is left out.
pub(super) fn lenient<'de, D>(deserializer: D) -> Result<Option<ValidTill>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_with_and_without_a_time_and_nothing_else() {
        for good in ["2027-06-30", "2027-06-30 12:00:00", "2027-06-30T12:00:00Z"] {
            assert_eq!(good.parse::<ValidTill>().unwrap().to_string(), "2027-06-30");
        }
        for bad in [
            "",
            "2027-06",
            "30.06.2027",
            "2027-02-30",
            "\u{1F600}\u{1F600}\u{1F600}",
        ] {
            assert_eq!(bad.parse::<ValidTill>(), Err(NotADay), "{bad}");
        }
    }

    #[test]
    fn the_last_day_itself_is_not_past() {
        let till: ValidTill = "2027-06-30".parse().unwrap();
        assert!(!till.is_past("2027-06-30".parse().unwrap()));
        assert!(till.is_past("2027-07-01".parse().unwrap()));
        assert_eq!(till.days_left("2027-07-02".parse().unwrap()), -2);
        assert_eq!(till.days_left("2026-06-30".parse().unwrap()), 365);
    }
}
