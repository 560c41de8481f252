//! A request without an answer: why, and what that proves. Main type: [`Lost`].

use std::error::Error as _;

use super::error::{ErrorKind, ProviderError, Verdict};

/// Why there is no answer.
pub(super) struct Lost {
    /// True only when not one byte of the request was written.
    pub(super) unsent: bool,
    pub(super) kind: ErrorKind,
    pub(super) why: String,
}

impl Lost {
    pub(super) fn interrupted(why: impl Into<String>) -> Self {
        Self {
            unsent: false,
            kind: ErrorKind::Interrupted,
            why: why.into(),
        }
    }

    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self {
            unsent: false,
            kind: ErrorKind::Malformed,
            why: why.into(),
        }
    }

    pub(super) fn error(self, what: &str, advice: &str) -> ProviderError {
        let verdict = if self.unsent {
            Verdict::NotSent
        } else {
            Verdict::InDoubt
        };
        ProviderError::new(self.kind, verdict, format!("{what}: {}{advice}", self.why))
    }
}

/// An error and what is behind it, without URLs.
pub(super) fn causes(error: &reqwest::Error) -> String {
    // The outermost text only repeats that a request failed, and may name the URL.
    let mut text = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // "client error (Connect)" and the like only name the layer.
        if text.last() != Some(&cause_text) && !cause_text.starts_with("client error (") {
            text.push(cause_text);
        }
        source = cause.source();
    }
    if text.is_empty() {
        "no reason given".to_owned()
    } else {
        text.join(": ")
    }
}
