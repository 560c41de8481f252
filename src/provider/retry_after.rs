//! `Retry-After` (RFC 9110, section 10.2.3) in both of its forms.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// What asks for longer is cut: a wrong header must not stop a run for a day.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What the answer asks for: seconds, or a date that is compared with the answer's own `Date`, because our
/// clock may be wrong. A date that is past is no wait. `None` when there is none or it cannot be read, and
/// for a date without `Date`: our clock would decide how long the pause is.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    Some(asked_for(headers)?.min(LONGEST))
}

/// For the message of a pause: an answer that asks for more than it is given.
pub(super) fn cut(headers: &HeaderMap) -> &'static str {
    match asked_for(headers) {
        Some(wait) if wait > LONGEST => {
            "; it asks for longer, and 15 minutes are the most it is given"
        }
        Some(_) | None => "",
    }
}

fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds are still a number of seconds.
        text.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        until.duration_since(date(headers)?).unwrap_or_default()
    };
    Some(wait)
}

/// The answer's `Date`.
pub(super) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    proptest! {
        #[test]
        fn no_header_panics_or_waits_too_long(
            text in "[ -~\\x80-\\xff]{0,40}|[0-9]{1,40}|[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,5} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
            date in "[ -~]{0,40}|[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,5} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        ) {
            let mut headers = HeaderMap::new();
            for (name, text) in [(RETRY_AFTER, &text), (DATE, &date)] {
                if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                    headers.insert(name, value);
                }
            }
            prop_assert!(retry_after(&headers).is_none_or(|wait| wait <= LONGEST));
        }
    }

    fn read(retry_after: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        super::retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn row_40_seconds() {
        assert_eq!(read("0", None), Some(0));
        assert_eq!(read(" 120 ", None), Some(120));
        assert_eq!(read("86400", None), Some(900));
        assert_eq!(read("9223372036854775808000", None), Some(900));
        for (text, told) in [
            ("900", false),
            ("901", true),
            ("99999999999999999999999", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(cut(&headers).contains("15 minutes"), told, "{text}");
        }
        for unreadable in ["-1", "1.5", "abc", ""] {
            assert_eq!(read(unreadable, None), None, "{unreadable}");
        }
    }

    #[test]
    fn row_41_a_date_is_read_against_the_servers_clock() {
        let date = Some("Sun, 06 Nov 1994 08:49:07 GMT");
        for form in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(read(form, date), Some(30), "{form}");
        }
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(0));
        assert_eq!(read("Mon, 07 Nov 1994 08:49:37 GMT", date), Some(900));
        // Our clock, which may be set ahead, does not end the pause.
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
    }
}
