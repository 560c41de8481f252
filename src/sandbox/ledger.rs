//! The ledger: an append-only record of every request to the two APIs and of what it changed. Tests take
//! it for the truth, so an entry is made before its answer leaves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::Effect;
use super::call::{Call, Provider};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) time: Timestamp,
    pub(super) provider: Provider,
    pub(super) method: String,
    /// Path and query as sent.
    pub(super) path: String,
    /// Which key was used: its name, never its value.
    pub(super) key: String,
    pub(super) alternative_order_id: Option<String>,
    /// SHA-256 of the body in hex; null when there was none.
    pub(super) body_digest: Option<String>,
    pub(super) effect: String,
    pub(super) ids: Ids,
    /// Which member carried the comment of a revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment_member: Option<String>,
    /// The fault that struck, by its name in the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<Value>,
    /// The HTTP status, or `"cut"`.
    pub(super) answered: Value,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) certificate_ids: Vec<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
}

/// What every entry of one call has in common.
#[derive(Debug)]
pub(super) struct Happened<'a> {
    /// By the CAs' clock.
    pub(super) time: Timestamp,
    pub(super) key: &'a str,
    pub(super) fault: Option<Value>,
    pub(super) answered: Value,
}

impl Ledger {
    /// Appends an entry.
    pub(super) fn append(&mut self, call: &Call, happened: &Happened<'_>, effect: &Effect) {
        let body_digest = (!call.body.is_empty()).then(|| super::ca::sha256_hex(&call.body));
        let entry = Entry {
            seq: self.entries.last().map_or(1, |last| last.seq + 1),
            time: happened.time,
            provider: call.provider,
            method: call.method.clone(),
            path: call.target.clone(),
            key: happened.key.to_owned(),
            alternative_order_id: effect.alternative_order_id.clone(),
            body_digest,
            effect: effect.name.to_owned(),
            ids: Ids {
                order_id: effect.order_id.clone(),
                request_id: effect.request_id,
                certificate_ids: effect.certificate_ids.clone(),
            },
            comment_member: effect.comment_member.map(str::to_owned),
            fault: happened.fault.clone(),
            answered: happened.answered.clone(),
        };
        self.entries.push(entry);
    }
}
