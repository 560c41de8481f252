//! What CertCentral's refusals prove: the reviewed table of which status and which code mean that
//! nothing was done. Everything that is not in it is in doubt.
//!
//! Source: the errors page of the Services API (`errors`, an array of `{code, message}`).

use serde::Deserialize;

use crate::model::Untrusted;
use crate::provider::lenient::{List, Text};
use crate::provider::reply::Reply;
use crate::provider::{ErrorKind, ProviderError, Verdict};

/// How many characters of one message of the CA are shown, so that what to do is still seen.
const MESSAGE_SHOWN: usize = 120;
/// The same for its code, which is a word.
const CODE_SHOWN: usize = 200;
const CHECK_ENDPOINT: &str = "check the endpoint; if it is right, try again later";
/// How many errors of one answer are shown; of the others, their number.
const ERRORS_SHOWN: usize = 10;

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: List<OneError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OneError {
    code: Text,
    message: Text,
}

/// The CA's own words, if the answer is one of its refusals: the first error decides what it proves.
struct Stated {
    code: String,
    said: String,
}

fn stated(reply: &Reply) -> Option<Stated> {
    // One public fixture has `errors` as an object: `List` takes that too.
    let Errors { errors: List(all) } = reply.object()?;
    let code = all.first()?.code.get().filter(|code| is_code(code))?;
    let shown: Vec<String> = all.iter().take(ERRORS_SHOWN).map(OneError::shown).collect();
    let said = match (shown.as_slice(), all.len().saturating_sub(shown.len())) {
        ([one], _) => format!(" {one}"),
        (several, 0) => format!(" with {} errors: {}", all.len(), several.join(" | ")),
        (several, more) => format!(
            " with {} errors: {} | and {more} more",
            all.len(),
            several.join(" | ")
        ),
    };
    Some(Stated {
        code: code.to_owned(),
        said,
    })
}

impl OneError {
    fn shown(&self) -> String {
        let short = |text: &Text, most: usize| -> String {
            let text = text.get().unwrap_or_default();
            Untrusted::new(text.chars().take(most).collect::<String>()).to_string()
        };
        let code = short(&self.code, CODE_SHOWN);
        let message = short(&self.message, MESSAGE_SHOWN);
        match (code.is_empty(), message.is_empty()) {
            (false, true) => code,
            (true, false) => message,
            _ => format!("{code}: {message}"),
        }
    }
}

/// Codes are words like `invalid_value:order_validity` or `not_found|order`: a front proxy's own error
/// object must not pass for one.
fn is_code(code: &str) -> bool {
    code.len() <= 200
        && code.starts_with(|c: char| c.is_ascii_lowercase())
        && code.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '|' | ':' | '.' | '-' | '[' | ']')
        })
}

/// The table: what an answer that is no success means.
pub(super) fn refusal(what: &str, reply: &Reply) -> ProviderError {
    let stated = stated(reply);
    let status = reply.status;
    let (kind, verdict) = match (&stated, status) {
        (Some(stated), _) => judge(status, &stated.code),
        (None, 401) => (ErrorKind::Unauthorized, Verdict::InDoubt),
        (None, 403) => (ErrorKind::Forbidden, Verdict::InDoubt),
        (None, _) => (without_code(status), Verdict::InDoubt),
    };
    let said = match &stated {
        Some(stated) => format!("HTTP {status}{}", stated.said),
        None => format!("HTTP {status} without an error of CertCentral's own form"),
    };
    let advice = if is_no_route(status, stated.as_ref()) {
        format!("{CHECK_ENDPOINT}{}", reply.address())
    } else {
        advice(kind, verdict, reply)
    };
    ProviderError {
        kind,
        verdict,
        status: Some(status),
        code: stated.map(|stated| Untrusted::new(stated.code)),
        message: Untrusted::new(format!("{what}: {said}; {advice}")),
        retry_after: reply.retry_after(),
    }
}

fn judge(status: u16, code: &str) -> (ErrorKind, Verdict) {
    // `kind|detail` or `kind:field`.
    let family = code.split(['|', ':']).next().unwrap_or(code);
    let kind = match family {
        _ if status >= 500 => ErrorKind::Server,
        // Assumption `funds-code`: public clients name `insufficient_subscription` alone; other shortages are taken
        // to start with the same word.
        _ if family.starts_with("insufficient_") => ErrorKind::Funds,
        // Code and status are documented together: HTTP 403, not 401.
        "access_denied" if code.ends_with("|access_denied_invalid_key") => ErrorKind::Unauthorized,
        _ => match status {
            401 => ErrorKind::Unauthorized,
            402 => ErrorKind::Funds,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            400 | 422 => ErrorKind::Invalid,
            429 => ErrorKind::RateLimited,
            other => without_code(other),
        },
    };
    let verdict = match status {
        // `order_already_revoked` and `order_is_revoked` are among these: a refusal, never a success
        // by its text alone.
        400 | 401 | 402 | 403 | 404 | 422 => Verdict::Rejected,
        429 if family == "request_limit_exceeded" => Verdict::Rejected,
        // 409, 408, 3xx, 5xx: it may have been done.
        _ => Verdict::InDoubt,
    };
    (kind, verdict)
}

fn without_code(status: u16) -> ErrorKind {
    match status {
        408 => ErrorKind::Interrupted,
        409 => ErrorKind::Invalid,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Malformed,
    }
}

/// What to do, with what was asked or where the key came from where that may be wrong.
fn advice(kind: ErrorKind, verdict: Verdict, reply: &Reply) -> String {
    let more = match (verdict, kind) {
        (Verdict::Rejected, ErrorKind::Unauthorized | ErrorKind::Forbidden) => reply.asked.keys(),
        (_, ErrorKind::Unauthorized | ErrorKind::Forbidden) => {
            format!("{}{}", reply.asked.keys(), reply.address())
        }
        (_, ErrorKind::Malformed) => reply.address(),
        _ => String::new(),
    };
    format!("{}{more}", words(kind, verdict))
}

fn words(kind: ErrorKind, verdict: Verdict) -> &'static str {
    match (verdict, kind) {
        (Verdict::Rejected, ErrorKind::Unauthorized) => {
            "check the API key and its region (us or eu)"
        }
        (Verdict::Rejected, ErrorKind::Forbidden) => {
            "the key may not do this: check its role and its division"
        }
        (Verdict::Rejected, ErrorKind::NotFound) => "it does not exist, or this key may not see it",
        (Verdict::Rejected, ErrorKind::Funds) => "add funds or licences, then run again",
        (Verdict::Rejected, ErrorKind::RateLimited) => "too many requests: wait, then run again",
        (Verdict::Rejected, _) => "nothing was done; correct it, then run again",
        (_, ErrorKind::Unauthorized | ErrorKind::Forbidden) => {
            "a proxy or a firewall may be in the way: check the endpoint and the key"
        }
        (_, ErrorKind::Server | ErrorKind::RateLimited) => "the CA has a problem: try again later",
        _ => CHECK_ENDPOINT,
    }
}

/// The CA's own word for a path that it does not have: the base URL is wrong.
fn is_no_route(status: u16, stated: Option<&Stated>) -> bool {
    status == 404 && stated.is_some_and(|stated| stated.code.ends_with("|route"))
}

/// True for the CA's own word that an object does not exist. A route that does not exist is another
/// thing: a wrong base URL must never look like "no such order".
pub(super) fn says_absent(error: &ProviderError) -> bool {
    let code = error.code.as_ref().map_or("", Untrusted::raw);
    error.status == Some(404)
        && error.verdict == Verdict::Rejected
        && code.split(['|', ':']).next() == Some("not_found")
        && !code.ends_with("|route")
}

/// An answer of 2xx that cannot be read: it may have been done.
pub(super) fn unreadable(what: &str, reply: &Reply, why: &str) -> ProviderError {
    ProviderError {
        status: Some(reply.status),
        ..ProviderError::new(
            ErrorKind::Malformed,
            Verdict::InDoubt,
            format!(
                "{what}: HTTP {} with an answer that cannot be read: {why}; check the endpoint{}",
                reply.status,
                if reply.is_json() {
                    String::new()
                } else {
                    reply.address()
                }
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap};

    use super::*;

    fn reply(status: u16, content_type: &'static str, body: &str) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Reply {
            status,
            headers,
            body: body.as_bytes().to_vec(),
            asked: Default::default(),
        }
    }

    fn with_code(status: u16, code: &str) -> (ErrorKind, Verdict) {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"m"}}]}}"#);
        let error = refusal("order x", &reply(status, "application/json", &body));
        assert_eq!(error.status, Some(status));
        assert_eq!(error.code.as_ref().map(Untrusted::raw), Some(code));
        (error.kind, error.verdict)
    }

    #[test]
    fn rows_50_69_the_table() {
        use ErrorKind as K;
        use Verdict::{InDoubt, Rejected};
        for (status, code, kind, verdict) in [
            (400, "invalid_value:order_validity", K::Invalid, Rejected),
            (400, "order_already_revoked", K::Invalid, Rejected),
            (400, "order_is_revoked", K::Invalid, Rejected),
            (400, "insufficient_subscription", K::Funds, Rejected),
            (402, "insufficient_funds", K::Funds, Rejected),
            (401, "access_denied", K::Unauthorized, Rejected),
            (
                403,
                "access_denied|access_denied_invalid_key",
                K::Unauthorized,
                Rejected,
            ),
            (
                403,
                "access_denied|missing_permission",
                K::Forbidden,
                Rejected,
            ),
            (404, "not_found|order", K::NotFound, Rejected),
            (422, "bad_request_format", K::Invalid, Rejected),
            (429, "request_limit_exceeded", K::RateLimited, Rejected),
            (429, "something_else", K::RateLimited, InDoubt),
            (408, "request_timeout", K::Interrupted, InDoubt),
            (409, "order_already_exists", K::Invalid, InDoubt),
            (500, "internal_error", K::Server, InDoubt),
            (500, "insufficient_funds", K::Server, InDoubt),
            (
                502,
                "access_denied|access_denied_invalid_key",
                K::Server,
                InDoubt,
            ),
            (503, "request_limit_exceeded", K::Server, InDoubt),
            (301, "moved", K::Malformed, InDoubt),
        ] {
            assert_eq!(with_code(status, code), (kind, verdict), "{status} {code}");
        }
    }

    #[test]
    fn every_error_of_an_answer_is_shown() {
        let one = |number: usize| {
            let message = "é".repeat(500);
            format!(r#"{{"code":"invalid_value:field_{number}","message":"{number} {message}"}}"#)
        };
        for (errors, shown) in [(2, 2), (10, 10), (11, 10), (300, 10)] {
            let list: Vec<String> = (0..errors).map(one).collect();
            let body = format!(r#"{{"errors":[{}]}}"#, list.join(","));
            let error = refusal("order x", &reply(400, "application/json", &body));
            assert_eq!(error.verdict, Verdict::Rejected);
            let text = error.to_string();
            assert!(text.contains(&format!("with {errors} errors")), "{text}");
            for number in 0..shown {
                assert!(
                    text.contains(&format!("field_{number}: {number} é")),
                    "{text}"
                );
            }
            assert!(!text.contains(&format!("field_{shown}:")), "{text}");
            let more = format!("and {} more", errors - shown);
            assert_eq!(text.contains(&more), errors > shown, "{text}");
            assert!(text.ends_with("correct it, then run again"), "{text}");
        }
    }

    #[test]
    fn the_first_error_decides_and_one_without_a_code_is_shown_too() {
        let second = r#"{"message":"no code\u001b[2J"}"#;
        let body =
            format!(r#"{{"errors":[{{"code":"required_param:csr","message":"m"}},{second}]}}"#);
        let error = refusal("order x", &reply(400, "application/json", &body));
        assert_eq!(error.verdict, Verdict::Rejected);
        let text = error.to_string();
        assert!(
            text.contains("required_param:csr: m | no code\\u{1b}[2J;"),
            "{text}"
        );
        let body = format!(r#"{{"errors":[{second},{{"code":"required_param:csr"}}]}}"#);
        let error = refusal("order x", &reply(400, "application/json", &body));
        assert_eq!(error.verdict, Verdict::InDoubt);
    }

    #[test]
    fn an_object_of_errors_is_read_like_a_list() {
        let body = r#"{"errors":{"code":"not_found|order","message":"no"}}"#;
        let error = refusal("order 1", &reply(404, "application/json", body));
        assert_eq!(error.verdict, Verdict::Rejected);
        assert!(says_absent(&error));
    }

    #[test]
    fn row_54_what_is_not_the_cas_own_form_is_in_doubt() {
        for status in [300, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503] {
            for (content_type, body) in [
                ("text/html", "<html>Forbidden</html>"),
                ("text/html", r#"{"errors":[{"code":"not_found"}]}"#),
                ("application/json", ""),
                ("application/json", "[]"),
                ("application/json", r#"{"errors":[]}"#),
                ("application/json", r#"{"errors":[{"message":"x"}]}"#),
                (
                    "application/json",
                    r#"{"errors":[{"code":"Access Denied <b>"}]}"#,
                ),
                ("application/json", r#"{"errors":[{"code":404}]}"#),
                ("application/json", r#"{"errors":[{"code":"not_found""#),
                ("application/json", r#"{"error":{"code":"not_found"}}"#),
            ] {
                let error = refusal("order x", &reply(status, content_type, body));
                assert_eq!(error.verdict, Verdict::InDoubt, "{status} {body}");
                assert!(!says_absent(&error));
            }
        }
    }

    #[test]
    fn a_missing_route_is_not_a_missing_order() {
        let body = r#"{"errors":[{"code":"not_found|route","message":"no"}]}"#;
        let error = refusal("order 1", &reply(404, "application/json", body));
        assert!(!says_absent(&error));
    }

    #[test]
    fn the_message_is_one_line_and_says_what_to_do() {
        let body = r#"{"errors":[{"code":"access_denied|access_denied_invalid_key","message":"no\n\u001b[31mway"}]}"#;
        let error = refusal(
            "order certificate client_premium",
            &reply(403, "application/json", body),
        );
        assert_eq!(
            error.to_string(),
            "order certificate client_premium: HTTP 403 access_denied|access_denied_invalid_key: \
             no\\u{a}\\u{1b}[31mway; check the API key and its region (us or eu)"
        );
    }
}
