//! Durations as people write them, in a manifest and on the command line. Main function: [`duration`].

use std::time::Duration;

use jiff::SignedDuration;

/// The longest duration that makes sense anywhere.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a text is no duration. Each is a predicate: "is ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDuration {
    /// It is something else.
    #[error("is not a duration")]
    Unreadable,
    /// It is longer than what makes sense.
    #[error("is at most a year")]
    TooLong,
}

/// Reads `5s`, `15m`, `1h 30m`. A sign says nothing that a duration needs.
pub fn duration(text: &str) -> Result<Duration, BadDuration> {
    let plain = Some(text).filter(|text| !text.starts_with(['+', '-']));
    let parsed = plain.and_then(|text| text.parse::<SignedDuration>().ok());
    let read = parsed.and_then(|read| Duration::try_from(read).ok());
    match read.ok_or(BadDuration::Unreadable)? {
        long if long > LONGEST => Err(BadDuration::TooLong),
        good => Ok(good),
    }
}

/// What to write for a text that is nearly a duration.
pub fn meant_duration(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('+').trim_start();
    let low = bare.to_lowercase();
    let days = low.trim_end_matches(['d', 'a', 'y', 's']).trim_end();
    let written = if duration(bare).is_ok() {
        bare.to_owned()
    } else if duration(&low).is_ok() {
        low
    } else if bare.parse::<u32>().is_ok() {
        format!("{bare}s")
    } else {
        let days: u32 = days.parse().ok().filter(|_| low.contains('d'))?;
        format!("{}h", u64::from(days) * 24)
    };
    let is_new = written != text && duration(&written).is_ok();
    is_new.then(|| format!("write `{written}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_a_duration() {
        for (text, meant) in [
            ("+5s", "write `5s`"),
            ("+ 5s", "write `5s`"),
            (" 5s ", "write `5s`"),
            ("5S", "write `5s`"),
            ("15M", "write `15m`"),
            ("1H30M", "write `1h30m`"),
            ("5", "write `5s`"),
            ("+90", "write `90s`"),
            ("1d", "write `24h`"),
            ("2 days", "write `48h`"),
        ] {
            assert!(duration(text).is_err(), "{text:?}");
            assert_eq!(meant_duration(text).as_deref(), Some(meant), "{text:?}");
        }
        for text in [
            "",
            "soon",
            "-5s",
            "-5",
            "1e3s",
            "400d",
            "99999999999d",
            "d",
            "1w",
            "0x5s",
        ] {
            assert!(duration(text).is_err(), "{text:?}");
            assert_eq!(meant_duration(text), None, "{text:?}");
        }
        assert_eq!(duration("9000h"), Err(BadDuration::TooLong));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
    }
}
