//! What ncloud's answers prove. A failure may come as HTTP 200 with another `returnCode` than "0", so
//! the status alone decides nothing. Everything that is not in the table is in doubt.

use jiff::Timestamp;

use super::signature::REFUSED_FROM;
use super::wire::Envelope;
use crate::model::{CaClock, Untrusted};
use crate::provider::reply::Reply;
use crate::provider::retry_after::date;
use crate::provider::{ErrorKind, ProviderError, Verdict};

/// How many characters of the message are shown, so that what to do still fits the line.
const MESSAGE_SHOWN: usize = 120;

/// The envelope of a success: HTTP 200 and `returnCode` "0".
///
/// # Errors
///
/// Everything else, judged by the table.
pub(super) fn success(what: &str, reply: &Reply) -> Result<Envelope, ProviderError> {
    let envelope: Envelope = reply.object().unwrap_or_default();
    if reply.status == 200 && envelope.return_code.get() == Some("0") {
        return Ok(envelope);
    }
    let (kind, verdict) = judge(reply, &envelope);
    let code = envelope
        .return_code
        .owned()
        .or_else(|| Some(envelope.error.code?.to_string()));
    let message = envelope
        .return_message
        .owned()
        .or_else(|| envelope.error.message.clone());
    let shown = |text: &str| {
        let short: String = text.chars().take(MESSAGE_SHOWN).collect();
        Untrusted::new(short).to_string()
    };
    let mut said = format!("HTTP {}", reply.status);
    if let Some(code) = &code {
        said = format!("{said} code {}", shown(code));
    }
    match &message {
        Some(message) => said = format!("{said}: {}", shown(message)),
        None if reply.body.is_empty() => said = format!("{said} without a body"),
        None => {}
    }
    if let Some(trace) = reply.headers.get("x-ncp-trace-id") {
        said = format!(
            "{said} (trace {})",
            shown(&String::from_utf8_lossy(trace.as_bytes()))
        );
    }
    Err(ProviderError {
        kind,
        verdict,
        status: Some(reply.status),
        code: code.map(Untrusted::new),
        message: Untrusted::new(format!(
            "{what}: {said}; {}",
            match wrong_clock(kind, reply) {
                Some(clock) if clock.refuses() => format!(
                    "{}, and the CA refuses what is signed by a clock 5 minutes off: set it right",
                    clock.words()
                ),
                Some(clock) => format!("{}; {}", advice(kind, verdict, reply), clock.words()),
                // Without a `Date` the clock may be what is wrong.
                None if kind == ErrorKind::Unauthorized && date(&reply.headers).is_none() => {
                    format!(
                        "check the access key, the secret key (signature) and this machine's clock{}",
                        reply.asked.keys()
                    )
                }
                None => advice(kind, verdict, reply),
            }
        )),
        retry_after: reply.retry_after(),
    })
}

/// The table. Sources: the overview page's service codes, the gateway's error page.
fn judge(reply: &Reply, envelope: &Envelope) -> (ErrorKind, Verdict) {
    use ErrorKind as K;
    use Verdict::{InDoubt, Rejected};
    let service = envelope.return_code.get();
    match (reply.status, service, envelope.error.code) {
        (200, Some("1006" | "2200"), _) => (K::NotFound, Rejected),
        (
            200,
            Some("1002" | "1004" | "2000" | "2100" | "2101" | "2201" | "2202" | "26034" | "26040"),
            _,
        )
        | (400, Some("2000" | "2100" | "2101"), _)
        | (400, None, Some(100))
        | (413, None, Some(430)) => (K::Invalid, Rejected),
        // The gateway refuses before the service is reached.
        (401, None, Some(200 | 210)) => (K::Unauthorized, Rejected),
        (404, None, Some(300)) => (K::NotFound, Rejected),
        (429, None, Some(400 | 410 | 420)) => (K::RateLimited, Rejected),
        // A key of a sub account: version 2 answers with nothing at all.
        (403, None, None) if reply.body.is_empty() => (K::Forbidden, Rejected),
        (401, _, _) => (K::Unauthorized, InDoubt),
        (403, _, _) => (K::Forbidden, InDoubt),
        (408, _, _) => (K::Interrupted, InDoubt),
        (429, _, _) => (K::RateLimited, InDoubt),
        (500.., _, _) => (K::Server, InDoubt),
        // A code that is not in the table, 1000 among them: its text was never seen.
        (200 | 400, Some(_), _) => (K::Invalid, InDoubt),
        _ => (K::Malformed, InDoubt),
    }
}

/// What to do, with what was asked or where the keys came from where that may be wrong.
fn advice(kind: ErrorKind, verdict: Verdict, reply: &Reply) -> String {
    let more = match (verdict, kind) {
        (Verdict::Rejected, ErrorKind::Unauthorized | ErrorKind::Forbidden) => reply.asked.keys(),
        (_, ErrorKind::Unauthorized | ErrorKind::Forbidden) => {
            format!("{}{}", reply.asked.keys(), reply.address())
        }
        (_, ErrorKind::Malformed) => reply.address(),
        // The gateway's own word for a path that it does not have.
        (Verdict::Rejected, ErrorKind::NotFound) if reply.status == 404 => reply.address(),
        _ => String::new(),
    };
    format!("{}{more}", words(kind, verdict))
}

fn words(kind: ErrorKind, verdict: Verdict) -> &'static str {
    match (verdict, kind) {
        (Verdict::Rejected, ErrorKind::Unauthorized) => {
            "check the access key and the secret key (signature)"
        }
        (Verdict::Rejected, ErrorKind::Forbidden) => {
            "version 2 of this API needs a key of the main account"
        }
        (Verdict::Rejected, ErrorKind::NotFound) => {
            "it does not exist; if it does, check the endpoint"
        }
        (Verdict::Rejected, ErrorKind::RateLimited) => "too many requests: wait, then run again",
        (Verdict::Rejected, _) => "nothing was done; correct it, then run again",
        (_, ErrorKind::Unauthorized | ErrorKind::Forbidden) => {
            "a proxy or a firewall may be in the way: check the endpoint and the keys"
        }
        (_, ErrorKind::Server | ErrorKind::RateLimited) => "the CA has a problem: try again later",
        _ => "check the endpoint; if it is right, try again later",
    }
}

/// A signature five minutes off is refused like a wrong key: the answer's own `Date` tells which it is.
fn wrong_clock(kind: ErrorKind, reply: &Reply) -> Option<CaClock> {
    let theirs = date(&reply.headers).and_then(|date| Timestamp::try_from(date).ok())?;
    let clock = CaClock {
        ahead: theirs.duration_since(Timestamp::now()),
        refuses_from: Some(REFUSED_FROM),
    };
    (kind == ErrorKind::Unauthorized && clock.is_off()).then_some(clock)
}

/// True for the service's own code 2200: a search that found nothing.
pub(super) fn says_nothing_found(error: &ProviderError) -> bool {
    let code = error.code.as_ref().map(Untrusted::raw);
    error.status == Some(200) && error.verdict == Verdict::Rejected && code == Some("2200")
}

/// An answer that cannot be read: it may have been done.
pub(super) fn unreadable(what: &str, why: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Malformed,
        Verdict::InDoubt,
        format!("{what}: {why}; check the endpoint; if it is right, try again later"),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{CONTENT_TYPE, HeaderMap};

    use super::*;

    fn judged(status: u16, body: &str) -> (ErrorKind, Verdict) {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            "application/json;charset=UTF-8".parse().unwrap(),
        );
        let reply = Reply {
            status,
            headers,
            body: body.as_bytes().to_vec(),
            asked: Default::default(),
        };
        let error = success("revoke", &reply).unwrap_err();
        assert_eq!(error.status, Some(status));
        (error.kind, error.verdict)
    }

    #[test]
    fn service_codes() {
        use ErrorKind as K;
        use Verdict::{InDoubt, Rejected};
        for (status, code, kind, verdict) in [
            (200, "1004", K::Invalid, Rejected),
            (200, "1006", K::NotFound, Rejected),
            (200, "2200", K::NotFound, Rejected),
            (200, "2101", K::Invalid, Rejected),
            (400, "2000", K::Invalid, Rejected),
            (400, "2100", K::Invalid, Rejected),
            (400, "1004", K::Invalid, InDoubt),
            (200, "1000", K::Invalid, InDoubt),
            (200, "7777", K::Invalid, InDoubt),
            (201, "0", K::Malformed, InDoubt),
            (500, "0", K::Server, InDoubt),
        ] {
            let body = format!(r#"{{"returnCode":"{code}","returnMessage":"m"}}"#);
            assert_eq!(judged(status, &body), (kind, verdict), "{status} {code}");
        }
    }

    #[test]
    fn gateway_codes_as_text_and_as_numbers() {
        use ErrorKind as K;
        use Verdict::{InDoubt, Rejected};
        for (status, code, kind, verdict) in [
            (400, 100, K::Invalid, Rejected),
            (401, 200, K::Unauthorized, Rejected),
            (401, 210, K::Unauthorized, Rejected),
            (404, 300, K::NotFound, Rejected),
            (429, 410, K::RateLimited, Rejected),
            (429, 999, K::RateLimited, InDoubt),
            (503, 500, K::Server, InDoubt),
            (504, 510, K::Server, InDoubt),
        ] {
            for written in [code.to_string(), format!("\"{code}\"")] {
                let body = format!(r#"{{"error":{{"errorCode":{written},"message":"m"}}}}"#);
                assert_eq!(judged(status, &body), (kind, verdict), "{status} {written}");
            }
        }
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let message = |date: &str, status: u16| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
            headers.insert(reqwest::header::DATE, date.parse().unwrap());
            let body = br#"{"error":{"errorCode":"200","message":"m"}}"#.to_vec();
            let reply = Reply {
                status,
                headers,
                body,
                asked: Default::default(),
            };
            success("revoke", &reply).unwrap_err().to_string()
        };
        let past = message("Sun, 06 Nov 1994 08:49:37 GMT", 401);
        assert!(past.contains("ahead of the CA's, and"), "{past}");
        assert!(!past.contains("secret key"), "{past}");
        let after = |seconds| std::time::SystemTime::now() + Duration::from_secs(seconds);
        let future = message(&httpdate::fmt_http_date(after(3600)), 401);
        let said = "this machine's clock is 1 hour behind the CA's, and";
        assert!(future.contains(said), "{future}");
        // Too little to be refused for it: the key may be wrong as well.
        let little = message(&httpdate::fmt_http_date(after(180)), 401);
        let said = "secret key (signature); this machine's clock is 3 minutes behind the CA's";
        assert!(little.ends_with(said), "{little}");
        let now = httpdate::fmt_http_date(std::time::SystemTime::now());
        assert!(message(&now, 401).ends_with("secret key (signature)"));
        assert!(message("yesterday", 401).ends_with("and this machine's clock"));
        assert!(!message("Sun, 06 Nov 1994 08:49:37 GMT", 500).contains("ahead"));
    }

    #[test]
    fn an_empty_403_is_a_sub_account() {
        assert_eq!(judged(403, ""), (ErrorKind::Forbidden, Verdict::Rejected));
        assert_eq!(
            judged(403, "<html>"),
            (ErrorKind::Forbidden, Verdict::InDoubt)
        );
        assert_eq!(judged(429, ""), (ErrorKind::RateLimited, Verdict::InDoubt));
        assert_eq!(judged(200, ""), (ErrorKind::Malformed, Verdict::InDoubt));
    }
}
