//! What the trials of assumptions look at: a sample of the orders, and the two reads that several of them need.

use serde_json::Value;

use super::request::segment;
use crate::model::Evidence;
use crate::provider::trying::{Seen, Trying, id, rows};

/// The words that are known.
const STATUSES: &[&str] = &[
    "pending",
    "processing",
    "needs_approval",
    "needs_csr",
    "waiting_pickup",
    "issued",
    "approved",
    "reissue_pending",
    "expired",
    "revoked",
    "rejected",
    "canceled",
    "denied",
];

/// Orders of both ends of the list.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) rows: Vec<Value>,
    /// True when these are all orders that the list shows.
    pub(super) whole: bool,
    pub(super) answered: bool,
}

pub(super) fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn status(evidence: Evidence, order: &Value) -> Evidence {
    evidence.word("status", text(order, "status"), STATUSES)
}

/// The order ids that a look-up by tag finds; `None` where it is refused otherwise than as not found.
pub(super) async fn look_up(trying: &mut Trying<'_>, tag: &str) -> Option<(Seen, Vec<String>)> {
    let path = format!("/order/alternate/{}", segment(tag));
    let seen = trying.get(&path).await?;
    let hits = rows(&seen.body, "orders").iter();
    let hits = hits.filter_map(|row| id(row.get("order_id")?)).collect();
    Some((seen, hits))
}

/// Reads an order that is known to carry a tag; `None` where it cannot be read.
pub(super) async fn order_info(trying: &mut Trying<'_>, order: &str) -> Option<Value> {
    let path = format!("/order/certificate/{}", segment(order));
    let seen = trying.get(&path).await.filter(|seen| seen.status == 200)?;
    let same = seen.body.get("id").and_then(id).as_deref() == Some(order);
    same.then_some(seen.body)
}
