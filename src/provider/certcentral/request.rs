//! What is sent to CertCentral: method, path and body of each change, the same for previews, digests
//! and the call itself.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::model::{
    CertificateRequest, OrderId, OrderOperation, Part, ReissueOperation, RenewalOf,
    RevocationReason, RevokeOperation, sent_name,
};
use crate::provider::adapter::Change;

/// The member that carries an order's tag.
pub(super) const TAG: &str = "alternative_order_id";

/// `POST /order/certificate/{product_name_id}`: only members that are set. With `renewal_of` unknown, a
/// renewal of an item shows where the id will come from.
pub(super) fn order(operation: &OrderOperation, renewal_of: Option<&OrderId>) -> Change {
    let order = &operation.order;
    let mut body = order.term_members.map();
    body.extend(order.members.map());
    body.extend(order.call_members.map());
    send_a_labels(&mut body);
    // A member of the manifest stands for a member of an object that holds nothing else.
    if let Some(hint) = body.remove("product_type_hint") {
        body.insert("product".to_owned(), json!({ "type_hint": hint }));
    }
    body.insert("certificate".to_owned(), certificate(&order.certificate));
    body.insert(TAG.to_owned(), json!(operation.tag.as_str()));
    let renewed = match (renewal_of, &order.renewal_of) {
        (Some(id), _) | (None, Some(RenewalOf::OrderId(id))) => Some(number(id.as_str())),
        (None, Some(RenewalOf::Item(name))) => Some(json!(format!("(known after orders.{name})"))),
        (None, None) => None,
    };
    if let Some(renewed) = renewed {
        body.insert("renewal_of_order_id".to_owned(), renewed);
    }
    Change {
        method: Method::POST,
        path: format!("/order/certificate/{}", segment(&order.product)),
        body: Value::Object(body),
    }
}

/// `POST /order/certificate/{order_id}/reissue`.
pub(super) fn reissue(operation: &ReissueOperation) -> Change {
    /// What of an order's members a reissue takes beside `certificate`.
    const TAKEN: [&str; 2] = ["skip_approval", "comments"];
    let order = &operation.order;
    let mut body: Map<String, Value> = order
        .call_members
        .map()
        .into_iter()
        .filter(|(name, _)| TAKEN.contains(&name.as_str()))
        .collect();
    body.insert("certificate".to_owned(), certificate(&order.certificate));
    Change {
        method: Method::POST,
        path: format!(
            "/order/certificate/{}/reissue",
            segment(operation.order_id.as_str())
        ),
        body: Value::Object(body),
    }
}

/// `PUT /order/certificate/{order_id}/revoke` or `PUT /certificate/{certificate_id}/revoke`.
pub(super) fn revoke(operation: &RevokeOperation, part: &Part) -> Change {
    #[cfg(feature = "planted-bugs")]
    let part = crate::planted::whole_order_revoke(part);
    let path = match part {
        Part::Order => format!(
            "/order/certificate/{}/revoke",
            segment(operation.order_id.as_str())
        ),
        Part::Certificate(id) => format!("/certificate/{}/revoke", segment(id.as_str())),
    };
    let mut body = Map::new();
    // The documentation's table says `comment`, its samples and every client say `comments`.
    if let Some(comments) = &operation.comments {
        body.insert("comments".to_owned(), json!(comments));
    }
    if operation.skip_approval {
        body.insert("skip_approval".to_owned(), json!(true));
    }
    if operation.product.as_deref().is_some_and(is_tls) {
        body.insert(
            "revocation_reason".to_owned(),
            json!(spelling(operation.reason)),
        );
    }
    Change {
        method: Method::PUT,
        path,
        body: Value::Object(body),
    }
}

fn certificate(request: &CertificateRequest) -> Value {
    let mut certificate = request.members.map();
    certificate.extend(request.delivery.map());
    let mut set = |name: &str, value: Value| certificate.insert(name.to_owned(), value);
    if let Some(common_name) = &request.common_name {
        set("common_name", json!(sent_name(common_name)));
    }
    for (name, list) in [
        ("dns_names", &request.dns_names),
        ("emails", &request.emails),
    ] {
        if !list.is_empty() {
            let sent: Vec<_> = list.iter().map(|name| sent_name(name)).collect();
            set(name, json!(sent));
        }
    }
    if !request.organization_units.is_empty() {
        set("organization_units", json!(request.organization_units));
    }
    match (&request.csr, &request.key) {
        (Some(csr), _) => set("csr", json!(csr.pem)),
        // Only a plan has neither: the key is made right before the call.
        (None, Some(key)) => set(
            "csr",
            json!(format!("({}, to be made)", key.generate.word())),
        ),
        (None, None) => None,
    };
    Value::Object(certificate)
}

/// The names in `dcv_emails` are those of the order.
fn send_a_labels(body: &mut Map<String, Value>) {
    let list = body.get_mut("dcv_emails").and_then(Value::as_array_mut);
    for given in list.into_iter().flatten() {
        for member in ["dns_name", "email"] {
            if let Some(Value::String(name)) = given.get_mut(member) {
                *name = sent_name(name).into_owned();
            }
        }
    }
}

/// The documentation gives a reason a meaning for TLS products alone.
pub(super) fn is_tls(product: &str) -> bool {
    ["ssl", "wildcard", "cloud", "private_ssl"]
        .iter()
        .any(|start| product.starts_with(start))
}

/// Assumption `revocation-reasons`: `superseded` is the one documented value; the others are written in the API's snake_case.
fn spelling(reason: RevocationReason) -> String {
    let mut text = String::new();
    for c in reason.name().chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Ids of CertCentral are integers.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id))
}

/// One segment of a path: everything but letters, digits, `-` and `_` is percent-encoded.
pub(super) fn segment(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Authority;

    #[test]
    fn reasons_are_spelt_in_snake_case() {
        let reasons = super::super::CertCentralAuthority.reasons().iter();
        let spelt: Vec<String> = reasons.map(|&reason| spelling(reason)).collect();
        assert_eq!(
            spelt,
            [
                "unspecified",
                "key_compromise",
                "affiliation_changed",
                "superseded",
                "cessation_of_operation"
            ]
        );
    }

    #[test]
    fn a_reason_is_for_tls_products() {
        for product in [
            "ssl_plus",
            "wildcard_dv_geotrust",
            "cloud_dv_geotrust",
            "private_ssl_plus",
        ] {
            assert!(is_tls(product), "{product}");
        }
        for product in [
            "client_premium",
            "secure_email_mailbox",
            "code_signing",
            "private_client_premium",
        ] {
            assert!(!is_tls(product), "{product}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("../a?b#c/d"), "%2E%2E%2Fa%3Fb%23c%2Fd");
        assert_eq!(segment("c1-ab_9"), "c1-ab_9");
    }
}
