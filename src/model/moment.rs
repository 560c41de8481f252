//! A moment on two clocks, and how long ago it was. Main types: [`Moment`] and [`BootTime`].
//!
//! A person or a time server can set the wall clock, and a virtual machine that is resumed may show a wrong
//! one. So durations that guard money are measured by the time since boot, as long as both moments belong
//! to one boot. Otherwise they are measured by the CA's clock, as far as its answers told it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A moment, as the clocks of one machine showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// What the wall clock showed.
    pub at: Timestamp,
    /// The time since boot; `None` where the system does not name its boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootTime>,
    /// What the CA's clock showed; `None` where no answer told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ca: Option<Timestamp>,
}

impl Moment {
    /// The same moment, with how far the CA's clock is ahead of the wall clock.
    pub fn with_ca(mut self, ahead: Option<SignedDuration>) -> Self {
        self.at_ca = ahead.and_then(|ahead| self.at.checked_add(ahead).ok());
        self
    }

    /// By the best clock that two machines, or two boots, have in common.
    fn date(&self) -> Timestamp {
        self.at_ca.unwrap_or(self.at)
    }
}

/// The time since a boot, sleep included. Nobody can set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// Names the boot.
    #[serde(rename = "id")]
    pub boot_id: String,
    /// How long ago that boot was. JSON has whole microseconds.
    #[serde(rename = "us", with = "micros")]
    pub since_boot: Duration,
}

/// How long ago `then` was. Within one boot this is the difference of the times since boot, whatever the
/// wall clocks show. Across boots, or where a time since boot is missing, it is the difference by the CA's
/// clock; the wall clock stands in where the CA's is not known. Never negative.
pub fn age(then: &Moment, now: &Moment) -> SignedDuration {
    let age = match (&then.boot, &now.boot) {
        (Some(then), Some(now)) if then.boot_id == now.boot_id => {
            let passed = now.since_boot.saturating_sub(then.since_boot);
            SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX)
        }
        _ => {
            let passed = now.date().duration_since(then.date());
            // What the CA shows has whole seconds.
            let round = SignedDuration::from_secs(then.at_ca.is_some().into());
            passed.saturating_sub(round)
        }
    };
    age.max(SignedDuration::ZERO)
}

/// A duration as whole microseconds.
mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(wall: i64, boot: Option<(&str, u64)>) -> Moment {
        Moment {
            at: Timestamp::from_second(1_700_000_000 + wall).unwrap(),
            boot: boot.map(|(boot_id, seconds)| BootTime {
                boot_id: boot_id.to_owned(),
                since_boot: Duration::from_secs(seconds),
            }),
            at_ca: None,
        }
    }

    fn seconds(then: &Moment, now: &Moment) -> i64 {
        let age = age(then, now);
        assert!(!age.is_negative());
        age.as_secs()
    }

    #[test]
    fn within_one_boot_the_wall_clock_is_not_read() {
        let then = moment(0, Some(("a", 100)));
        for set in [1200, -1200, 0, 86_400 * 3650] {
            assert_eq!(seconds(&then, &moment(5 + set, Some(("a", 105)))), 5);
        }
        // No clock does this.
        assert_eq!(seconds(&then, &moment(5, Some(("a", 90)))), 0);
    }

    #[test]
    fn across_boots_the_wall_clocks_are_compared() {
        let then = moment(0, Some(("a", 100_000)));
        assert_eq!(seconds(&then, &moment(70, Some(("b", 10)))), 70);
        assert_eq!(seconds(&then, &moment(-70, Some(("b", 100_070)))), 0);
    }

    #[test]
    fn across_boots_a_wall_clock_that_was_set_is_not_read_where_the_ca_told_the_time() {
        let ahead = |seconds| Some(SignedDuration::from_secs(seconds));
        let then = moment(0, Some(("a", 100_000))).with_ca(ahead(0));
        let set = moment(86_470, Some(("b", 10))).with_ca(ahead(-86_400));
        assert_eq!(seconds(&then, &set), 69);
        let behind = moment(-86_400, Some(("a", 100_000))).with_ca(ahead(86_400));
        assert_eq!(seconds(&behind, &moment(70, Some(("b", 10)))), 69);
    }

    #[test]
    fn without_a_time_since_boot_the_wall_clocks_are_compared() {
        let named = Some(("a", 100));
        for (then, now) in [(None, None), (named, None), (None, named)] {
            assert_eq!(seconds(&moment(0, then), &moment(70, now)), 70);
            assert_eq!(seconds(&moment(0, then), &moment(-70, now)), 0);
        }
    }

    #[test]
    fn json_is_short_and_a_moment_without_boot_is_read() {
        let mut then = moment(0, Some(("0c4f", 100)));
        let text = r#"{"at":"2023-11-14T22:13:20Z","boot":{"id":"0c4f","us":100000000}}"#;
        assert_eq!(serde_json::to_string(&then).unwrap(), text);
        assert_eq!(serde_json::from_str::<Moment>(text).unwrap(), then);
        then.boot = None;
        let text = r#"{"at":"2023-11-14T22:13:20Z"}"#;
        assert_eq!(serde_json::to_string(&then).unwrap(), text);
        assert_eq!(serde_json::from_str::<Moment>(text).unwrap(), then);
    }

    proptest! {
        #[test]
        fn no_setting_of_the_wall_clock_makes_a_moment_older_within_its_boot(
            up in 0u64..1_000_000, passed in 0u64..1_000_000,
            walls in prop::collection::vec(-1_000_000_000i64..1_000_000_000, 2),
        ) {
            let then = moment(walls[0], Some(("a", up)));
            let now = moment(walls[1], Some(("a", up + passed)));
            prop_assert_eq!(age(&then, &now).as_secs(), passed.cast_signed());
        }

        #[test]
        fn no_two_moments_have_a_negative_age(
            walls in prop::collection::vec(any::<i32>(), 2),
            ups in prop::collection::vec(prop::option::of(any::<u64>()), 2),
            boots in prop::collection::vec("[ab]", 2),
        ) {
            let at = |at: usize| moment(walls[at].into(), ups[at].map(|up| (boots[at].as_str(), up)));
            prop_assert!(!age(&at(0), &at(1)).is_negative());
        }
    }
}
