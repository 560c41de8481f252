//! The adapter over a real socket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::model::{
    Address, CertificateId, CertificateKind, CertificateRequest, CertificateState, Csr, Digest,
    KeyStatus, Operation, Order, OrderOperation, OrderStatus, Part, Provider, ReissueOperation,
    RenewalOf, RequestId, RequestKind, RequestStatus, RevocationReason, RevokeCall,
    RevokeOperation, RevokeScope, TagParts, Untrusted,
};
use crate::provider::tests::scripted::provider_of;
use crate::provider::tests::scripted::{Say, Scripted, Seen};
use crate::provider::{Act, Keys, Placed, RevokeAnswer, body_digest, open, preview};

const KEY: &str = "KEY-OF-THE-ACCOUNT";
const CSR: &str = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n";

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../../tests/fixtures/certcentral/",
            $name
        )))
        .unwrap()
    };
}

mod changes;
mod reads;
mod states;

fn account(server: &Scripted) -> std::sync::Arc<dyn Act> {
    let keys = Keys::certcentral(Secret::new(KEY.to_owned()));
    open(server.settings("/services/v2"), keys).unwrap()
}

fn provider() -> Provider {
    provider_of("certcentral")
}

fn tag() -> Tag {
    let account: AccountName = "main".parse().unwrap();
    let address: Address = "orders.mail".parse().unwrap();
    Tag::derive(TagParts {
        renews: None,
        provider: "certcentral",
        endpoint: "https://ca.example/services/v2",
        account: &account,
        address: &address,
        generation: 1,
    })
}

fn members(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(in crate::provider) fn order() -> OrderOperation {
    OrderOperation {
        renews: None,
        tag: tag(),
        order: Order {
            renew: None,
            files: None,
            product: "client_premium_sha2".to_owned(),
            generation: 1,
            certificate: CertificateRequest {
                key: None,
                common_name: Some("Locke Cole".to_owned()),
                dns_names: Vec::new(),
                emails: vec!["locke.cole@example.test".to_owned()],
                organization_units: vec!["Accounting".to_owned()],
                csr: Some(Csr {
                    pem: CSR.to_owned(),
                    public_key: Digest::of(b"key"),
                }),
                members: members(json!({"signature_hash": "sha256"})).into(),
                delivery: crate::model::Members::default(),
            },
            renewal_of: None,
            allow_similar: false,
            existing_order_id: None,
            term_members: crate::model::Members::default(),
            call_members: members(json!({"skip_approval": true})).into(),
            members: members(json!({
                "organization": {"id": 112_233},
                "container": {"id": 445_566},
                "validity_years": 1,
                "payment_method": "balance",
            }))
            .into(),
        },
    }
}

fn revocation(product: &str) -> RevokeOperation {
    RevokeOperation {
        order_id: OrderId::from("98765"),
        product: Some(product.to_owned()),
        scope: RevokeScope::Order,
        reason: RevocationReason::CessationOfOperation,
        comments: Some("Not in use any more".to_owned()),
        skip_approval: false,
        generation: 1,
        pins: Vec::new(),
    }
}

async fn revoke(
    server: &Scripted,
    operation: &RevokeOperation,
    part: Part,
) -> Result<RevokeAnswer, ProviderError> {
    let account = account(server);
    let permit = account.permit(0).await;
    let call = RevokeCall {
        operation,
        part: &part,
    };
    account
        .revoke(permit, crate::model::Recorded::for_tests(), call)
        .await
}

async fn place(server: &Scripted, operation: &OrderOperation) -> Result<Placed, ProviderError> {
    let account = account(server);
    let permit = account.permit(0).await;
    account
        .place_order(permit, crate::model::Recorded::for_tests(), operation, None)
        .await
}

fn assert_headers(seen: &Seen, expected: &[(&str, &str)]) {
    let mut expected: BTreeMap<String, String> = expected
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in [
        ("x-dc-devkey", KEY),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        (
            "user-agent",
            concat!("certplan/", env!("CARGO_PKG_VERSION")),
        ),
        ("host", &seen.headers["host"]),
    ] {
        expected.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(seen.headers, expected);
}

fn assert_change(seen: &Seen, method: &str, target: &str, body: &Value) {
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        (method, target)
    );
    assert_headers(
        seen,
        &[
            ("content-type", "application/json"),
            ("connection", "close"),
            ("content-length", &seen.body.len().to_string()),
        ],
    );
    assert_eq!(seen.json(), *body);
}

fn only(server: &Scripted) -> Seen {
    let mut seen = server.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.remove(0)
}
