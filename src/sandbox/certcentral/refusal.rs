//! How CertCentral says no: [`Refusal`].

use serde_json::{Value, json};

use crate::sandbox::answer::Answer;

/// A refusal in CertCentral's shape, `{"errors":[{"code","message"}]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Refusal {
    pub(super) status: u16,
    pub(super) errors: Vec<(String, String)>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![(code.into(), message.into())],
        }
    }

    pub(super) fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            404,
            format!("not_found|{what}"),
            format!("The {what} was not found."),
        )
    }

    /// The codes and messages in one line, for the admin endpoints.
    pub(in crate::sandbox) fn text(&self) -> String {
        self.errors
            .iter()
            .map(|(code, message)| format!("{code}: {message}"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let errors: Vec<Value> = refusal
            .errors
            .iter()
            .map(|(code, message)| json!({"code": code, "message": message}))
            .collect();
        Self::json(refusal.status, &json!({"errors": errors}))
    }
}

/// What an endpoint comes to.
pub(super) type Outcome = Result<Answer, Refusal>;
