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
    /// Asking for a revocation while a request for the same one is undecided.
    pub(super) revocation_beside_another: RevocationBesideAnother,
    /// What becomes of an order whose last certificate in force is revoked alone.
    pub(super) last_certificate_revoked: LastCertificateRevoked,
    /// Orders that wait for an administrator, in `GET /order/certificate` and in the status changes.
    pub(super) waiting_orders: WaitingOrders,
    /// The same orders in `GET /order/alternate`.
    pub(super) waiting_by_tag: WaitingByTag,
    /// The status of a request that nobody has decided.
    pub(super) new_requests: NewRequests,
    /// What `GET /request` tells of the order of a request.
    pub(super) request_orders: RequestOrders,
    /// Whether order info repeats the tokens of an open validation.
    pub(super) order_info_tokens: OrderInfoTokens,
    /// Whether order info shows the requests of the order.
    pub(super) order_info_requests: OrderInfoRequests,
    /// A list that has nothing in it.
    pub(super) empty_lists: EmptyLists,
    /// What `duplicates_count` counts.
    pub(super) duplicates_count: DuplicatesCount,
    /// Status changes where nothing changed.
    pub(super) empty_feed: EmptyFeed,
    /// Whether the answer to an order that is issued at once brings the certificates.
    pub(super) certificate_chain: CertificateChain,
    /// Whether orders for people show when they end.
    pub(super) order_valid_till: OrderValidTill,
    /// Until and from when an order can be renewed.
    pub(super) renewals: Renewals,
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
pub(super) enum RevocationBesideAnother {
    /// A second request comes to be.
    #[default]
    Accepted,
    Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LastCertificateRevoked {
    #[default]
    LeavesOrder,
    /// An account can be set so that the order is `revoked` with it.
    RevokesOrder,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaitingOrders {
    #[default]
    Listed,
    /// Listed without a name of theirs.
    Nameless,
    /// Only `GET /request` and order info know of them.
    Unlisted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaitingByTag {
    #[default]
    Found,
    NotFound,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NewRequests {
    #[default]
    Pending,
    /// Where two people approve, the first one has to decide.
    Submitted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequestOrders {
    /// With common name, organization, container and product.
    #[default]
    Named,
    /// The id alone.
    IdOnly,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderInfoTokens {
    /// The tokens are in the answer to the order, and in that to `dcv-random-value`.
    #[default]
    Missing,
    Shown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderInfoRequests {
    #[default]
    Shown,
    Missing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyLists {
    /// `[]`.
    #[default]
    Lists,
    /// `{}` is the whole answer.
    Missing,
    /// `null` in place of the list.
    Null,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DuplicatesCount {
    #[default]
    All,
    /// Those that are not archived.
    Listed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyFeed {
    /// `{}`, as the documented sample has it.
    #[default]
    Missing,
    /// As every other list that has nothing in it.
    AsLists,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CertificateChain {
    #[default]
    Shown,
    /// They have to be downloaded.
    Missing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderValidTill {
    #[default]
    Shown,
    /// Orders for people are without `order_valid_till`.
    TlsOnly,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Renewals {
    /// From 90 days before the end of the order until then.
    #[default]
    #[serde(rename = "within_90_days")]
    Within90Days,
    AnyTime,
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

/// An answer with one list in it, in the form that an empty list has at this service.
pub(super) fn empty(habits: &Habits, mut answer: Value) -> Value {
    let nothing = |(_, value): &(&String, &Value)| value.as_array().is_some_and(Vec::is_empty);
    let name = answer
        .as_object()
        .and_then(|members| members.iter().find(nothing))
        .map(|(name, _)| name.clone());
    let Some(name) = name else {
        return answer;
    };
    match habits.empty_lists {
        EmptyLists::Lists => answer,
        EmptyLists::Missing => Value::Object(serde_json::Map::new()),
        EmptyLists::Null => {
            answer[name.as_str()] = Value::Null;
            answer
        }
    }
}

/// The status changes, in the form that they have where nothing changed.
pub(super) fn feed(habits: &Habits, answer: Value) -> Value {
    let nothing = answer["orders"].as_array().is_some_and(Vec::is_empty);
    match habits.empty_feed {
        EmptyFeed::Missing if nothing => Value::Object(serde_json::Map::new()),
        EmptyFeed::Missing | EmptyFeed::AsLists => empty(habits, answer),
    }
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
