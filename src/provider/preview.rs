//! What will be sent, for plans and for the journal: the very bodies that the adapters send.

use serde_json::Value;

use super::adapter::Change;
use super::authorities::adapter;
use super::http::body_bytes;
use crate::model::{Digest, Members, Operation, OrderId, Part, Provider, RequestPreview};

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
            body: change
                .body
                .as_object()
                .map(Members::from)
                .unwrap_or_default(),
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
    adapter(provider.authority)?.change(operation, part, renewal_of)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{
        CertificateKind, CertificatePin, RevocationReason, RevokeOperation, RevokeScope,
    };
    use crate::provider::tests::scripted::provider_of;

    fn revocation(ids: &[&str]) -> Operation {
        let pins = ids.iter().map(|&id| CertificatePin {
            certificate_id: id.into(),
            serial_number: None,
            names: Vec::new(),
            valid_till: None,
            kind: CertificateKind::Duplicate,
        });
        Operation::Revoke(Box::new(RevokeOperation {
            order_id: "900001".into(),
            product: Some("ssl_plus".to_owned()),
            scope: RevokeScope::Certificates,
            reason: RevocationReason::Superseded,
            comments: Some("why".to_owned()),
            skip_approval: false,
            generation: 1,
            pins: pins.collect(),
        }))
    }

    #[test]
    fn each_call_is_shown() {
        let certcentral = provider_of("certcentral");
        let shown: Vec<_> = preview(&certcentral, &revocation(&["1", "2"]))
            .into_iter()
            .map(|call| (call.method, call.path, Value::Object(call.body.map())))
            .collect();
        let call = |path: &str| {
            let body = json!({"comments": "why", "revocation_reason": "superseded"});
            ("PUT".to_owned(), path.to_owned(), body)
        };
        let expected = [call("/certificate/1/revoke"), call("/certificate/2/revoke")];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_ncloud_does_not_take_is_not_shown() {
        let ncloud = provider_of("ncloud");
        let shown = preview(&ncloud, &revocation(&["7", "0"]));
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].path, "/certificate/revoke");
        assert_eq!(
            Value::Object(shown[0].body.map()),
            json!({"orderId": "900001", "certificateNo": 7, "revokeType": "superseded"})
        );
    }

    #[test]
    fn the_digest_tells_each_call_from_the_others() {
        let ncloud = provider_of("ncloud");
        let operation = revocation(&["7"]);
        let one = Part::Certificate("7".into());
        let digest = |part| body_digest(&ncloud, &operation, part, None);
        assert_eq!(digest(Some(&one)), digest(Some(&one)));
        assert_ne!(digest(Some(&one)), digest(Some(&Part::Order)));
        assert_eq!(digest(None), digest(Some(&Part::Order)));
    }
}
