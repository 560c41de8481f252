//! Habits of the services on which their documents, or the clients in use, disagree. The default is what the
//! documents say; `POST /sandbox/options` takes the other form, so that a client is tested under both.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Habits {
    /// `GET /order/alternate` with a value that no order has.
    pub(super) unknown_alternative_id: UnknownAlternativeId,
    /// Revoking an order or certificate that is revoked.
    pub(super) second_revocation: SecondRevocation,
    /// CertCentral's ids in answers.
    pub(super) certcentral_ids: Ids,
    /// ncloud's member names in the list of Advanced certificates.
    pub(super) ncloud_names: Names,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownAlternativeId {
    #[default]
    EmptyList,
    NotFound,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecondRevocation {
    #[default]
    Refused,
    Accepted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ids {
    #[default]
    Numbers,
    /// Strings of digits.
    Strings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Names {
    /// `orderId`, `certificateType`.
    #[default]
    Current,
    /// `orderID`, `certificateTypeCode`, as documents before 2026-09-17 have it.
    Older,
}

/// Every id of an answer as a string of digits.
pub(super) fn ids_as_strings(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let is_id = name == "id" || name.ends_with("_id");
                let value = match value {
                    Value::Number(number) if is_id => Value::String(number.to_string()),
                    other => ids_as_strings(other),
                };
                (name, value)
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(ids_as_strings).collect(),
        other => other,
    }
}
