//! The adapter over a real socket: what is sent, byte for byte, and what the answers become.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::model::{
    AccountName, Address, CertificateKind, CertificateRequest, CertificateState, Csr, Digest,
    KeyStatus, Operation, Order, OrderStatus, Provider, Reason, Region, RenewalOf, RequestKind,
    RequestStatus, RevokeOperation, RevokeScope, SecretSource, TagParts, Untrusted,
};
use crate::provider::scripted::{Say, Scripted, Seen};
use crate::provider::{Keys, body_digest, open, preview};

const KEY: &str = "KEY-OF-THE-ACCOUNT";
const CSR: &str = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n";

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../tests/fixtures/certcentral/",
            $name
        )))
        .unwrap()
    };
}

fn account(server: &Scripted) -> std::sync::Arc<dyn Act> {
    let keys = Keys::CertCentral {
        api_key: Secret::new(KEY.to_owned()),
    };
    open(server.settings("/services/v2"), keys).unwrap()
}

fn provider() -> Provider {
    Provider::CertCentral {
        region: Region::Us,
        api_key: SecretSource::Env("KEY".to_owned()),
        key_id: None,
    }
}

fn tag() -> Tag {
    let account: AccountName = "main".parse().unwrap();
    let address: Address = "orders.mail".parse().unwrap();
    Tag::derive(TagParts {
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
        tag: tag(),
        order: Order {
            product: "client_premium_sha2".to_owned(),
            generation: 1,
            certificate: CertificateRequest {
                common_name: Some("Locke Cole".to_owned()),
                dns_names: Vec::new(),
                emails: vec!["locke.cole@example.test".to_owned()],
                organization_units: vec!["Accounting".to_owned()],
                csr: Some(Csr {
                    pem: CSR.to_owned(),
                    public_key: Digest::of(b"key"),
                }),
                members: members(json!({"signature_hash": "sha256"})),
            },
            renewal_of: None,
            members: members(json!({
                "skip_approval": true,
                "organization": {"id": 112_233},
                "container": {"id": 445_566},
                "validity_years": 1,
                "payment_method": "balance",
            })),
        },
    }
}

fn revocation(product: &str) -> RevokeOperation {
    RevokeOperation {
        order_id: OrderId::from("98765"),
        product: Some(product.to_owned()),
        scope: RevokeScope::Order,
        reason: Reason::CessationOfOperation,
        comments: Some("Not in use any more".to_owned()),
        skip_approval: false,
        pins: Vec::new(),
    }
}

async fn revoke(
    server: &Scripted,
    operation: &RevokeOperation,
    part: Part,
) -> Result<RevokeAnswer, ProviderError> {
    let account = account(server);
    let permit = account.permit().await;
    let call = RevokeCall {
        operation,
        part: &part,
    };
    account.revoke(permit, call).await
}

async fn place(server: &Scripted, operation: &OrderOperation) -> Result<Placed, ProviderError> {
    let account = account(server);
    let permit = account.permit().await;
    account.place_order(permit, operation, None).await
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

#[tokio::test]
async fn an_order_is_revoked() {
    let server = Scripted::start(|_, _| Say::Json(201, fixture!("revoke_order_201.json"))).await;
    let answer = revoke(&server, &revocation("client_premium"), Part::Order).await;
    let requested = RevokeAnswer::Requested {
        request_id: Some(RequestId::from("1")),
        certificates: None,
    };
    assert_eq!(answer.unwrap(), requested);
    let body = json!({"comments": "Not in use any more"});
    let target = "/services/v2/order/certificate/98765/revoke";
    assert_change(&only(&server), "PUT", target, &body);
}

#[tokio::test]
async fn a_certificate_is_revoked_without_approval_and_with_a_reason_for_tls() {
    let server = Scripted::start(|_, _| Say::Text(204, "", String::new())).await;
    let operation = RevokeOperation {
        skip_approval: true,
        ..revocation("ssl_plus")
    };
    let part = Part::Certificate("12345".into());
    let answer = revoke(&server, &operation, part).await;
    assert_eq!(answer.unwrap(), RevokeAnswer::Revoked);
    let body = json!({
        "comments": "Not in use any more",
        "skip_approval": true,
        "revocation_reason": "cessation_of_operation",
    });
    let target = "/services/v2/certificate/12345/revoke";
    assert_change(&only(&server), "PUT", target, &body);
}

#[tokio::test]
async fn other_answers_to_a_revocation_are_in_doubt() {
    for say in [
        (200, json!({"id": 1, "type": "revoke"})),
        (202, json!({"id": 1, "type": "revoke"})),
        (201, json!({"id": 0, "type": "revoke"})),
        (201, json!({"id": 1, "type": "new_request"})),
        (201, json!({})),
        (201, json!([])),
    ] {
        let (status, body) = say.clone();
        let server = Scripted::start(move |_, _| Say::Json(status, body.clone())).await;
        let error = revoke(&server, &revocation("ssl_plus"), Part::Order).await;
        assert_eq!(error.unwrap_err().verdict, Verdict::InDoubt, "{say:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_client_certificate_is_ordered() {
    let server = Scripted::start(|_, before| {
        Say::Json(
            201,
            match before {
                0 => fixture!("order_pending.json"),
                1 => fixture!("order_submitted.json"),
                _ => fixture!("order_approved.json"),
            },
        )
    })
    .await;
    for (status, certificate) in [
        (RequestStatus::Pending, None),
        (RequestStatus::Submitted, None),
        (RequestStatus::Approved, Some(CertificateId::from("113"))),
    ] {
        let placed = place(&server, &order()).await.unwrap();
        let expected = Placed {
            order_id: OrderId::from("112233"),
            request: Some((RequestId::from("113"), status)),
            certificate_id: certificate,
        };
        assert_eq!(placed, expected);
    }
    let mut body = fixture!("order_client_request.json");
    body["alternative_order_id"] = json!(tag().as_str());
    for seen in server.seen() {
        let target = "/services/v2/order/certificate/client_premium_sha2";
        assert_change(&seen, "POST", target, &body);
        let digest = Digest::of(&seen.body);
        let operation = Operation::Order(Box::new(order()));
        assert_eq!(body_digest(&provider(), &operation, None, None), digest);
    }
}

#[tokio::test]
async fn an_answer_without_a_usable_order_id_is_in_doubt() {
    let ids = [
        json!(0),
        json!(-7),
        json!("x"),
        json!(""),
        json!(1.5),
        json!(null),
    ];
    for id in ids
        .into_iter()
        .map(|id| json!({"id": id}))
        .chain([json!({}), json!([])])
    {
        let answer = id.clone();
        let server = Scripted::start(move |_, _| Say::Json(201, answer.clone())).await;
        let error = place(&server, &order()).await.unwrap_err();
        assert_eq!(
            (error.kind, error.verdict),
            (ErrorKind::Malformed, Verdict::InDoubt),
            "{id}"
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn ids_may_be_text_and_only_documented_statuses_count() {
    let answer = json!({"id": "112233", "requests": [], "certificate_id": "9"});
    for (status, taken) in [(200, true), (201, true), (202, false), (204, false)] {
        let answer = answer.clone();
        let server = Scripted::start(move |_, _| Say::Json(status, answer.clone())).await;
        let placed = place(&server, &order()).await;
        assert_eq!(placed.is_ok(), taken, "{status}");
        match placed {
            Ok(placed) => assert_eq!(placed.order_id, OrderId::from("112233")),
            Err(error) => assert_eq!(error.verdict, Verdict::InDoubt),
        }
    }
}

#[tokio::test]
async fn a_renewal_names_the_order_before() {
    let answer = || Say::Json(201, json!({"id": 1, "requests": []}));
    let server = Scripted::start(move |_, _| answer()).await;
    let mut operation = order();
    operation.order.renewal_of = Some(RenewalOf::Item("before".parse().unwrap()));
    let error = place(&server, &operation).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::NotSent);
    assert!(server.seen().is_empty());
    let shown = preview(&provider(), &Operation::Order(Box::new(operation.clone())));
    assert_eq!(
        shown[0].body["renewal_of_order_id"],
        json!("(known after orders.before)")
    );
    let account = account(&server);
    let before = OrderId::from("4711");
    let permit = account.permit().await;
    let placed = account.place_order(permit, &operation, Some(&before)).await;
    assert!(placed.is_ok());
    let sent = only(&server);
    assert_eq!(sent.json()["renewal_of_order_id"], json!(4711));
    let digest = body_digest(
        &provider(),
        &Operation::Order(Box::new(operation)),
        None,
        Some(&before),
    );
    assert_eq!(digest, Digest::of(&sent.body));
}

#[tokio::test]
async fn an_order_is_reissued() {
    let server =
        Scripted::start(|_, _| Say::Json(201, json!({"id": 4711, "requests": [{"id": 5}]}))).await;
    let account = account(&server);
    let mut operation = ReissueOperation {
        order_id: OrderId::from("4711"),
        order: order().order,
        collateral: Vec::new(),
    };
    let permit = account.permit().await;
    let placed = account.reissue(permit, &operation).await.unwrap();
    assert_eq!(placed.order_id, operation.order_id);
    let unknown = RequestStatus::Other(Untrusted::new("no status"));
    assert_eq!(placed.request, Some((RequestId::from("5"), unknown)));
    let mut body = fixture!("order_client_request.json");
    let certificate = body["certificate"].take();
    let body = json!({"certificate": certificate, "skip_approval": true});
    let target = "/services/v2/order/certificate/4711/reissue";
    assert_change(&only(&server), "POST", target, &body);
    // An answer about another order proves nothing about this one.
    operation.order_id = OrderId::from("4712");
    let permit = account.permit().await;
    let error = account.reissue(permit, &operation).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::InDoubt);
}

#[tokio::test]
async fn an_id_cannot_lead_to_another_path() {
    let server = Scripted::start(|_, _| Say::Text(204, "", String::new())).await;
    for id in ["..", ".", "", "../../certificate/1"] {
        let operation = RevokeOperation {
            order_id: OrderId::from(id),
            ..revocation("ssl_plus")
        };
        let answer = revoke(&server, &operation, Part::Order).await;
        match answer {
            Err(error) => assert_eq!(error.verdict, Verdict::NotSent, "{id}"),
            Ok(_) => {
                let target = server.seen().pop().unwrap().target;
                assert_eq!(
                    target,
                    "/services/v2/order/certificate/%2E%2E%2F%2E%2E%2Fcertificate%2F1/revoke"
                );
            }
        }
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn duplicates_are_listed() {
    let server = Scripted::start(|seen, _| {
        let target = seen.target.as_str();
        match target {
            "/services/v2/order/certificate/1" => Say::Json(
                200,
                json!({
                    "id": "1",
                    "status": "issued",
                    "certificate": {
                        "id": 50, "common_name": "Example.Test", "serial_number": "0A1B",
                        "dns_names": ["b.example.test", "a.example.test"],
                        "valid_till": "2999-01-01"
                    },
                    "organization": [],
                    "product": {"name_id": "ssl_plus"},
                    "alternative_order_id": "c1-tag",
                    "date_created": "2016-03-25T21:01:40+00:00",
                    "price": 0,
                    "reissues_count": 0,
                    "requests": [{"id": 8, "type": "new_request", "status": "approved"}]
                }),
            ),
            "/services/v2/order/certificate/1/duplicate" => {
                Say::Json(200, fixture!("duplicates.json"))
            }
            _ => Say::refuse(404, "not_found|route"),
        }
    })
    .await;
    let id = OrderId::from("1");
    let order = account(&server).order(&id, Depth::Certificates).await;
    let order = order.unwrap().unwrap();
    assert_eq!(order.tag.as_deref(), Some("c1-tag"));
    assert_eq!(order.price, None);
    assert_eq!(
        order.names,
        ["a.example.test", "b.example.test", "example.test"]
    );
    assert_eq!(order.requests.unwrap()[0].kind, RequestKind::NewRequest);
    let certificates: Vec<_> = order
        .certificates
        .unwrap()
        .into_iter()
        .map(|known| (known.id.to_string(), known.kind, known.state))
        .collect();
    let expected = [
        ("50", CertificateKind::Original, CertificateState::Issued),
        (
            "12345",
            CertificateKind::Duplicate,
            CertificateState::Expired,
        ),
        (
            "23456",
            CertificateKind::Duplicate,
            CertificateState::Failed,
        ),
        (
            "34567",
            CertificateKind::Duplicate,
            CertificateState::Pending,
        ),
    ]
    .map(|(id, kind, state)| (id.to_owned(), kind, state));
    assert_eq!(certificates, expected);
    let seen = server.seen();
    assert_eq!(
        seen.len(),
        2,
        "no reissues are counted: they are not asked for"
    );
    for seen in seen {
        assert_eq!(seen.method, "GET");
        assert!(seen.body.is_empty());
        assert_headers(&seen, &[]);
    }
}

#[tokio::test]
async fn a_key_is_shown() {
    let server = Scripted::start(|seen, _| match seen.target.as_str() {
        "/services/v2/key/184" => Say::Json(200, fixture!("key.json")),
        "/services/v2/key/15" => Say::Json(200, fixture!("key_acme.json")),
        _ => Say::refuse(404, "not_found"),
    })
    .await;
    let account = account(&server);
    let key = account.key(&KeyId::from("184")).await.unwrap().unwrap();
    let expected = KeyFacts {
        id: KeyId::from("184"),
        name: Untrusted::new("Batch key"),
        status: KeyStatus::Active,
        restricted_to_role_id: 0,
        acme: false,
        user: Untrusted::new("Relm Arrowny"),
    };
    assert_eq!(key, expected);
    let acme = account.key(&KeyId::from("15")).await.unwrap().unwrap();
    assert!(acme.acme);
    assert_eq!(account.key(&KeyId::from("9")).await.unwrap(), None);
    for seen in server.seen() {
        assert_headers(&seen, &[]);
    }
}

#[tokio::test]
async fn a_tag_finds_none_one_or_many_and_never_takes_an_error_for_none() {
    let tag = tag();
    let found = |say: fn() -> Say| {
        let tag = tag.clone();
        async move {
            let server = Scripted::start(move |_, _| say()).await;
            let answer = account(&server).tagged(&tag).await;
            let target = format!("/services/v2/order/alternate/{tag}?offset=0&limit=1000");
            assert_eq!(server.seen()[0].target, target);
            answer
        }
    };
    let two = found(|| {
        Say::Json(
            200,
            json!({"orders": [
                {"order_id": 10, "certificate_id": 7, "status": "pending"},
                {"order_id": "9", "status": "issued"}
            ], "page": {"total": 2, "limit": 1000, "offset": 0}}),
        )
    });
    let orders = two.await.unwrap().orders;
    assert_eq!(orders[0].order_id, OrderId::from("9"));
    assert_eq!(orders[0].status, OrderStatus::Issued);
    assert_eq!(orders[1].certificate_id, Some(CertificateId::from("7")));
    for none in [
        (|| Say::refuse(404, "not_found|order")) as fn() -> Say,
        || Say::Json(200, json!({"orders": []})),
        || Say::Json(200, json!({"page": {"total": 0}})),
    ] {
        assert_eq!(found(none).await.unwrap(), TagLookup::default());
    }
    for error in [
        (|| Say::refuse(404, "not_found|route")) as fn() -> Say,
        || Say::refuse(403, "access_denied|missing_permission"),
        || {
            Say::Text(
                404,
                "Content-Type: text/html\r\n",
                "<p>not_found".to_owned(),
            )
        },
        || {
            Say::Text(
                200,
                "Content-Type: text/html\r\n",
                "{\"orders\":[]}".to_owned(),
            )
        },
        || Say::Json(200, json!({})),
        || Say::Json(200, json!([])),
        || Say::Json(200, json!({"orders": {}})),
        || Say::Json(200, json!({"orders": [{"status": "issued"}]})),
        || Say::Json(200, json!({"orders": [], "page": {"total": 1}})),
        || Say::Json(500, json!({"orders": []})),
        || Say::Cut,
    ] {
        assert!(found(error).await.is_err());
    }
}

#[tokio::test]
async fn small_reads() {
    let server = Scripted::start(|seen, _| match seen.target.as_str() {
        "/services/v2/user/me" => Say::Json(
            200,
            json!({"id": 1, "account_id": 77, "username": "u", "access_roles": [{"id": 1, "name": "Administrator"}]}),
        ),
        "/services/v2/finance/balance" => Say::Json(
            200,
            json!({"balance": "10.50", "currency": "USD", "total_available_funds": "1010.50"}),
        ),
        "/services/v2/order/certificate/status-changes?seconds=61" => {
            Say::Json(200, json!({"orders": [{"order_id": 3, "certificate_id": 4, "status": "revoked"}]}))
        }
        "/services/v2/request?filters%5Btype%5D=revoke&offset=0&limit=1000" => Say::Json(
            200,
            json!({"requests": [{"id": 5, "type": "revoke", "status": "pending", "order": {"id": 3}}], "page": {"total": 1}}),
        ),
        _ => Say::refuse(404, "not_found|route"),
    })
    .await;
    let account = account(&server);
    let identity = account.identity().await.unwrap().unwrap();
    assert_eq!(identity.account_id, "77");
    assert_eq!(identity.roles, [Untrusted::new("Administrator")]);
    let funds = account.funds().await.unwrap();
    assert_eq!(funds, Some(("1010.50".parse().unwrap(), "USD".to_owned())));
    let changes = account.changes(Duration::from_millis(60_001)).await;
    assert_eq!(changes.unwrap()[0].status, OrderStatus::Revoked);
    let requests = account.revocation_requests().await.unwrap();
    assert_eq!(requests[0].order_id, Some(OrderId::from("3")));
    assert_eq!(account.requests_sent(), 4);
}
