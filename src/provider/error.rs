//! What can go wrong at a CA, and what it proves.

use std::time::Duration;

use crate::model::Untrusted;

/// What an error proves about a change that was asked for. Three verdicts, not two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not one byte of the request left: DNS, TCP, TLS.
    NotSent,
    /// The CA's own well-formed refusal: nothing was done.
    Rejected,
    /// Everything else, a 5xx included: it may have been done.
    InDoubt,
}

/// What kind of trouble it is: decides messages and what a run does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection: DNS, TCP, TLS.
    Connect,
    /// The connection broke or a deadline passed after the request had left.
    Interrupted,
    /// The key is not accepted (CertCentral 403 `access_denied|access_denied_invalid_key`, ncloud 401).
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// No such object, or not visible to this key.
    NotFound,
    /// Refused because of rate limits.
    RateLimited,
    /// Balance, licences or spending limits do not allow it.
    Funds,
    /// The request itself is refused: a wrong value, a state that does not allow it.
    Invalid,
    /// The CA had an error of its own (5xx).
    Server,
    /// An answer that cannot be read: HTML, truncated, too large, other types.
    Malformed,
    /// The adapter does not offer this at this CA.
    Unsupported,
}

/// An error from a CA or on the way to it. Its text is safe to print: CA text is escaped, and keys are never
/// in it. A URL is in it where the answer shows that the address may be wrong, without its query.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", message.whole())]
pub struct ProviderError {
    /// What kind of trouble.
    pub kind: ErrorKind,
    /// What it proves.
    pub verdict: Verdict,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The CA's own code, for example `invalid_value:order_validity`.
    pub code: Option<Untrusted>,
    /// One line for people: what was asked, what came back, what to do.
    pub message: Untrusted,
    /// What `Retry-After` asked for.
    pub retry_after: Option<Duration>,
}

impl ProviderError {
    /// An error without an answer behind it.
    pub fn new(kind: ErrorKind, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            kind,
            verdict,
            status: None,
            code: None,
            message: Untrusted::new(message),
            retry_after: None,
        }
    }

    /// A call that cannot be made like this: nothing was sent.
    pub(super) fn unusable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, Verdict::NotSent, message)
    }
}
