//! The organizations of the account.

use serde_json::{Value, json};

/// Assumption: every organization id is a validated organization of the account.
pub(super) fn name(id: u64) -> String {
    format!("Example Organization {id}")
}

pub(super) fn name_and_id(id: u64) -> Value {
    json!({"id": id, "name": name(id)})
}
