//! What an endpoint answers and what it did: the ledger records the second whatever becomes of the first.

use serde_json::{Value, json};

/// What a request changed at the CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// A name such as `order_created`; `none` for reads and refusals.
    pub(super) name: &'static str,
    pub(super) order_id: Option<String>,
    pub(super) request_id: Option<u64>,
    pub(super) certificate_ids: Vec<u64>,
    pub(super) alternative_order_id: Option<String>,
    /// Which spelling of the comment a revocation carried.
    pub(super) comment_member: Option<&'static str>,
}

impl Effect {
    pub(super) const NONE: Self = Self {
        name: "none",
        order_id: None,
        request_id: None,
        certificate_ids: Vec::new(),
        alternative_order_id: None,
        comment_member: None,
    };

    pub(super) fn on_order(name: &'static str, order_id: impl ToString) -> Self {
        Self {
            name,
            order_id: Some(order_id.to_string()),
            ..Self::NONE
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) effect: Effect,
    /// What else one call of the admin endpoints did; each has its line in the ledger.
    pub(super) more_effects: Vec<Effect>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// A refusal of an admin call.
    pub(super) fn refused(message: &str) -> Self {
        Self::json(400, &json!({"error": message}))
    }

    pub(super) fn text(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
            effect: Effect::NONE,
            more_effects: Vec::new(),
        }
    }

    /// 204, the answer of most CertCentral calls that change something.
    pub(super) fn no_content() -> Self {
        Self::text(204, "", Vec::new())
    }

    pub(super) fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
