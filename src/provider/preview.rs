//! What will be sent, for plans and for the journal: the very bodies that the adapters send.

use serde_json::Value;

use super::certcentral::request::{self, Change};
use super::http::body_bytes;
use super::ncloud;
use crate::model::{Digest, Operation, OrderId, Part, Provider, RequestPreview};

/// Every call of an operation: method, path and body, never a key or a signature. A renewal of an item
/// whose id is not known yet shows where it will come from. Empty where the CA does not offer it.
pub fn preview(provider: &Provider, operation: &Operation) -> Vec<RequestPreview> {
    let parts: Vec<Option<Part>> = match operation {
        Operation::Revoke(revoke) => revoke.parts().into_iter().map(Some).collect(),
        Operation::Order(_) | Operation::Reissue(_) => vec![None],
    };
    parts
        .iter()
        .filter_map(|part| change(provider, operation, part.as_ref(), None))
        .map(|change| RequestPreview {
            method: change.method.to_string(),
            path: change.path,
            body: change.body,
        })
        .collect()
}

/// The digest of the body that one call sends, byte for byte. `part` is needed for a revocation alone;
/// without it, the whole order is meant. What cannot be sent has the digest of `null`.
pub fn body_digest(
    provider: &Provider,
    operation: &Operation,
    part: Option<&Part>,
    renewal_of: Option<&OrderId>,
) -> Digest {
    let body = change(provider, operation, part, renewal_of).map_or(Value::Null, |call| call.body);
    Digest::of(&body_bytes(&body))
}

fn change(
    provider: &Provider,
    operation: &Operation,
    part: Option<&Part>,
    renewal_of: Option<&OrderId>,
) -> Option<Change> {
    let part = part.unwrap_or(&Part::Order);
    match (provider, operation) {
        (Provider::CertCentral { .. }, Operation::Order(order)) => {
            Some(request::order(order, renewal_of))
        }
        (Provider::CertCentral { .. }, Operation::Reissue(reissue)) => {
            Some(request::reissue(reissue))
        }
        (Provider::CertCentral { .. }, Operation::Revoke(revoke)) => {
            Some(request::revoke(revoke, part))
        }
        (Provider::Ncloud { .. }, Operation::Revoke(revoke)) => Some(Change {
            method: reqwest::Method::POST,
            path: ncloud::REVOKE_PATH.to_owned(),
            body: ncloud::revoke_body(revoke, part).ok()?,
        }),
        (Provider::Ncloud { .. }, Operation::Order(_) | Operation::Reissue(_)) => None,
    }
}
