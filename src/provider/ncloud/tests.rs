//! The adapter over a real socket: what is sent, and what the answers become.

use serde_json::{Value, json};

use super::*;
use crate::model::{
    AccountName, CertificateState, Digest, Operation, OrderStatus, Provider, RevocationReason,
    RevokeScope,
};
use crate::provider::tests::scripted::provider_of;
use crate::provider::tests::scripted::{Say, Scripted, Seen};
use crate::provider::{Keys, body_digest, open, preview};

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../tests/fixtures/ncloud/",
            $name
        )))
        .unwrap()
    };
}

fn account(server: &Scripted) -> std::sync::Arc<dyn Act> {
    let keys = Keys::ncloud(
        Secret::new("ACCESS".to_owned()),
        Secret::new("SECRET".to_owned()),
    );
    open(server.settings("/api/v2"), keys).unwrap()
}

fn provider() -> Provider {
    provider_of("ncloud")
}

fn operation() -> RevokeOperation {
    RevokeOperation {
        order_id: OrderId::from("1"),
        product: None,
        scope: RevokeScope::Certificates,
        reason: RevocationReason::Superseded,
        comments: Some("kept here, not sent".to_owned()),
        skip_approval: false,
        generation: 1,
        pins: Vec::new(),
    }
}

async fn revoke(
    server: &Scripted,
    operation: &RevokeOperation,
    part: &Part,
) -> Result<RevokeAnswer, ProviderError> {
    let account = account(server);
    let permit = account.permit(0).await;
    account
        .revoke(
            permit,
            crate::model::Recorded::for_tests(),
            RevokeCall { operation, part },
        )
        .await
}

/// The signature covers the target exactly as it arrived.
fn assert_signed(seen: &Seen) {
    let timestamp = &seen.headers["x-ncp-apigw-timestamp"];
    assert!(
        timestamp.parse::<u64>().unwrap() > 1_700_000_000_000,
        "milliseconds"
    );
    assert_eq!(seen.headers["x-ncp-iam-access-key"], "ACCESS");
    assert_eq!(
        seen.headers["x-ncp-apigw-signature-v2"],
        signature::signature(&seen.method, &seen.target, timestamp, "ACCESS", "SECRET")
    );
}

#[tokio::test]
async fn a_certificate_is_revoked() {
    let server = Scripted::start(|_, _| Say::Json(200, fixture!("revoke_200.json"))).await;
    let part = Part::Certificate("1".into());
    let answer = revoke(&server, &operation(), &part).await.unwrap();
    let requested = RevokeAnswer::Requested {
        request_id: None,
        certificates: Some(1),
    };
    assert_eq!(answer, requested);
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let seen = &seen[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/api/v2/certificate/revoke")
    );
    assert_eq!(seen.json(), fixture!("revoke_request.json"));
    assert_signed(seen);
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["accept"], "application/json");
    assert_eq!(seen.headers["x-ncp-apigw-signature-v2"].len(), 44);
    assert!(
        seen.headers["x-ncp-apigw-timestamp"]
            .parse::<u64>()
            .unwrap()
            > 1_700_000_000_000
    );
    assert!(seen.headers.values().all(|value| !value.contains("SECRET")));
    let operation = Operation::Revoke(Box::new(operation()));
    let digest = body_digest(&provider(), &operation, Some(&part), None);
    assert_eq!(digest, Digest::of(&seen.body));
}

#[tokio::test]
async fn zero_means_the_order_and_comes_from_nothing_else() {
    let server = Scripted::start(|_, _| Say::Json(200, fixture!("revoke_200.json"))).await;
    for id in ["0", "", "-1", "x", "00"] {
        let part = Part::Certificate(id.into());
        let error = revoke(&server, &operation(), &part).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::NotSent, "{id}");
    }
    let wrong = RevokeOperation {
        reason: RevocationReason::KeyCompromise,
        ..operation()
    };
    let error = revoke(&server, &wrong, &Part::Order).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::NotSent);
    assert!(server.seen().is_empty());
    revoke(&server, &operation(), &Part::Order).await.unwrap();
    assert_eq!(server.seen()[0].json()["certificateNo"], json!(0));
}

#[tokio::test]
async fn row_58_a_failure_may_come_as_http_200() {
    for (code, verdict) in [
        (json!("1006"), Verdict::Rejected),
        (json!(2100), Verdict::Rejected),
        (json!("31337"), Verdict::InDoubt),
        (json!(null), Verdict::InDoubt),
    ] {
        let answer = json!({"returnCode": code, "returnMessage": "m", "totalRows": 1});
        let server = Scripted::start(move |_, _| Say::Json(200, answer.clone())).await;
        let error = revoke(&server, &operation(), &Part::Order)
            .await
            .unwrap_err();
        assert_eq!(error.verdict, verdict, "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn what_the_ca_refuses_says_what_to_do() {
    for (say, shown) in [
        (
            (|| {
                Say::Json(
                    401,
                    json!({"error": {"errorCode": "200", "message": "Authentication Failed"}}),
                )
            }) as fn() -> Say,
            "revoke order 1: HTTP 401 code 200: Authentication Failed; check the access key, the \
             secret key (signature) and this machine's clock",
        ),
        (
            || Say::Text(403, "x-ncp-trace-id: t1\r\n", String::new()),
            "revoke order 1: HTTP 403 without a body (trace t1); version 2 of this API needs a key \
             of the main account",
        ),
    ] {
        let server = Scripted::start(move |_, _| say()).await;
        let error = revoke(&server, &operation(), &Part::Order)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.verdict, Verdict::Rejected);
    }
}

#[tokio::test]
async fn orders_are_listed_in_every_spelling() {
    let server = Scripted::start(|_, _| {
        Say::Json(
            200,
            json!({"returnCode": 0, "totalCount": "2", "totalRows": 2, "orders": [
                {"orderID": "900001", "certificates": [
                    {"certificateNo": "7", "statusCode": 1, "certificateTypeCode": "NCP_PAID_DV_01",
                     "commonName": "Shop.example", "dnsName": "b.example, a.example",
                     "serialNumber": "0AFF", "notAfter": "2027-01-01 00:00:00"}
                ]},
                {"orderId": 900_002, "orderID": "900002", "certificates": [
                    {"certificateNo": 8, "statusCode": "-7", "certificateType": "NCP_PAID_OV_01",
                     "certificateTypeCode": "NCP_PAID_OV_01", "dnsName": ["c.example"]},
                    {"certificateNo": 9, "statusCode": "-5"}
                ]},
                {"orderId": "900001", "certificates": [{"certificateNo": 10, "statusCode": "-5"}]}
            ]}),
        )
    })
    .await;
    let orders = account(&server).orders().await.unwrap();
    assert_eq!(server.seen().len(), 1);
    assert_signed(&server.seen()[0]);
    assert_eq!(
        server.seen()[0].target,
        "/api/v2/certificate/getPaidCertificates?page=1&pageSize=1000"
    );
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[0].id, OrderId::from("900001"));
    assert_eq!(orders[0].status, OrderStatus::Issued);
    assert_eq!(orders[0].product.as_deref(), Some("NCP_PAID_DV_01"));
    assert_eq!(orders[0].names, ["a.example", "b.example", "shop.example"]);
    assert_eq!(orders[0].serial_number, Some("0aff".into()));
    assert_eq!(orders[0].certificates.as_ref().unwrap().len(), 2);
    assert_eq!(orders[1].status, OrderStatus::RevocationPending);
    assert_eq!(
        orders[1].certificates.as_ref().unwrap()[1].state,
        CertificateState::Revoked
    );
}

#[tokio::test]
async fn a_server_without_pages_ends_the_list() {
    let server = Scripted::start(|_, _| {
        let orders: Vec<Value> = (1..=1000)
            .map(|id| json!({"orderId": id.to_string(), "certificates": []}))
            .collect();
        Say::Json(200, json!({"returnCode": "0", "orders": orders}))
    })
    .await;
    assert_eq!(account(&server).orders().await.unwrap().len(), 1000);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn each_attempt_is_signed_when_its_turn_has_come() {
    let server = Scripted::start(|_, before| match before {
        0 => Say::Text(429, "Retry-After: 1\r\n", String::new()),
        _ => Say::Json(200, json!({"returnCode": "0", "orders": []})),
    })
    .await;
    assert_eq!(account(&server).orders().await.unwrap(), []);
    let stamps: Vec<u64> = server
        .seen()
        .iter()
        .map(|seen| seen.headers["x-ncp-apigw-timestamp"].parse().unwrap())
        .collect();
    assert!(stamps[1] - stamps[0] >= 900, "{stamps:?}");
    assert_signed(&server.seen()[1]);
}

#[tokio::test]
async fn an_account_without_orders_has_none_and_a_failure_is_no_empty_list() {
    for none in [
        json!({"returnCode": "2200", "returnMessage": "none"}),
        json!({"returnCode": "0", "orders": []}),
        json!({"returnCode": "0", "orders": null, "totalCount": 0}),
        json!({"returnCode": "0", "returnMessage": "Success"}),
    ] {
        let server = Scripted::start(move |_, _| Say::Json(200, none.clone())).await;
        assert_eq!(account(&server).orders().await.unwrap(), []);
    }
    for broken in [
        json!({}),
        json!([]),
        json!({"returnCode": "1000", "orders": []}),
        json!({"returnCode": "0", "orders": [{"certificates": []}]}),
        json!({"returnCode": "0", "orders": {}}),
        json!({"returnCode": "0", "totalCount": 3}),
        json!({"returnCode": "0", "totalCount": 0, "sslCertificateList": []}),
    ] {
        let say = broken.clone();
        let server = Scripted::start(move |_, _| Say::Json(200, say.clone())).await;
        assert!(account(&server).orders().await.is_err(), "{broken}");
    }
}

/// Orders 1 to `count` on pages of at most `most`, each with one certificate.
fn paged(target: &str, ids: std::ops::RangeInclusive<usize>, most: usize) -> Vec<Value> {
    let (_, page) = target.split_once("page=").unwrap();
    let (page, _) = page.split_once('&').unwrap();
    let page: usize = page.parse().unwrap();
    ids.skip((page - 1) * most)
        .take(most)
        .map(|id| {
            json!({"orderId": id.to_string(),
            "certificates": [{"certificateNo": id, "statusCode": "1"}]})
        })
        .collect()
}

#[tokio::test]
async fn every_order_is_read_whatever_the_answers_count() {
    for most in [1000, 100] {
        for total in [json!(1000), json!(0), json!(null), json!(2501)] {
            let counted = total.clone();
            let server = Scripted::start(move |seen, _| {
                let orders = paged(&seen.target, 1..=2501, most);
                Say::Json(
                    200,
                    json!({"returnCode": "0", "orders": orders, "totalCount": counted}),
                )
            })
            .await;
            let orders = account(&server).orders().await.unwrap();
            assert_eq!(orders.len(), 2501, "{total}, pages of {most}");
        }
    }
}

#[tokio::test]
async fn a_list_that_moves_or_falls_short_is_read_anew() {
    // An order before those of the second page goes away, or comes, while the first one is read.
    for (first, then) in [(1..=1500, 2..=1500), (2..=1500, 1..=1500)] {
        let server = Scripted::start(move |seen, before| {
            let ids = if before == 0 {
                first.clone()
            } else {
                then.clone()
            };
            let total = ids.clone().count();
            let orders = paged(&seen.target, ids, 1000);
            Say::Json(
                200,
                json!({"returnCode": "0", "orders": orders, "totalCount": total}),
            )
        })
        .await;
        let orders = account(&server).orders().await.unwrap();
        assert!(orders.iter().any(|order| order.id == OrderId::from("1001")));
        assert_eq!(server.seen().len(), 4);
    }
    let server = Scripted::start(|seen, _| {
        let orders = paged(&seen.target, 1..=20, 1000);
        Say::Json(
            200,
            json!({"returnCode": "0", "orders": orders, "totalCount": 30}),
        )
    })
    .await;
    assert!(account(&server).orders().await.is_err());
}

#[tokio::test]
async fn one_order_is_read_and_else_looked_for_in_the_list() {
    let server = Scripted::start(|seen, _| match seen.target.as_str() {
        "/api/v2/certificate/orders/1" => Say::Json(
            200,
            json!({"returnCode": "0", "orderId": "1",
                "certificates": [{"certificateNo": 5, "statusCode": "2", "serialNumber": "0A"}]}),
        ),
        "/api/v2/certificate/orders/6" => Say::Text(404, "", "no such page".to_owned()),
        "/api/v2/certificate/orders/2" => Say::Json(404, json!({"error": {"errorCode": 300}})),
        "/api/v2/certificate/orders/3" => Say::Json(
            200,
            json!({"returnCode": "0", "orderId": "3", "certificates": [{"name": "unknown form"}]}),
        ),
        "/api/v2/certificate/orders/4" => Say::Json(200, json!({"returnCode": "2200"})),
        "/api/v2/certificate/orders/5" => Say::Json(200, json!({"returnCode": "31337"})),
        _ => Say::Json(
            200,
            json!({"returnCode": "0", "orders": [
                {"orderId": "2", "certificates": [{"certificateNo": 6, "statusCode": "-5"}]},
                {"orderId": "3", "certificates": [{"certificateNo": 7, "statusCode": "0"}]},
                {"orderId": "6", "certificates": [{"certificateNo": 8, "statusCode": "1"}]}
            ]}),
        ),
    })
    .await;
    let account = account(&server);
    let status = async |id: &str| {
        let id = OrderId::from(id);
        account
            .order(&id, Depth::Order)
            .await
            .map(|order| order.map(|order| order.status))
    };
    assert_eq!(status("1").await.unwrap(), Some(OrderStatus::Issued));
    assert_eq!(server.seen().len(), 1);
    assert_eq!(status("2").await.unwrap(), Some(OrderStatus::Revoked));
    let pending = OrderStatus::Pending(crate::model::Stage::Unclear, "ongoing".into());
    assert_eq!(status("3").await.unwrap(), Some(pending));
    assert_eq!(status("4").await.unwrap(), None);
    assert_eq!(status("6").await.unwrap(), Some(OrderStatus::Issued));
    assert_eq!(status("5").await.unwrap_err().verdict, Verdict::InDoubt);
    assert_eq!(status("../x").await.unwrap_err().verdict, Verdict::NotSent);
}

#[tokio::test]
async fn orders_are_not_offered() {
    let server = Scripted::start(|_, _| Say::Cut).await;
    let account = account(&server);
    let name: AccountName = "main".parse().unwrap();
    assert_eq!(*account.account(), name);
    assert_eq!(account.identity().await.unwrap(), None);
    assert!(account.revocation_requests().await.unwrap().is_empty());
    let operation = crate::provider::certcentral::tests::order();
    let permit = account.permit(0).await;
    let error = account
        .place_order(
            permit,
            crate::model::Recorded::for_tests(),
            &operation,
            None,
        )
        .await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind, error.verdict),
        (ErrorKind::Unsupported, Verdict::NotSent)
    );
    assert!(server.seen().is_empty());
    let order = Operation::Order(Box::new(operation));
    assert!(preview(&provider(), &order).is_empty());
}
