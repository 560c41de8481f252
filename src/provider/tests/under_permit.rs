//! [`Act::order_under`] at both CAs, over a real socket: it reads what [`Observe::order`] reads, with a
//! `max_in_flight` of 1, under windows of every width.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::scripted::{Say, Scripted, Seen};
use crate::model::{Part, RateLimit, RevocationReason, RevokeOperation, RevokeScope, Secret};
use crate::provider::*;

fn certcentral(request: &Seen, _before: usize) -> Say {
    match request.target.as_str() {
        "/api/order/certificate/7" => Say::Json(
            200,
            json!({
                "id": 7, "status": "issued", "duplicates_count": 1, "reissues_count": 1,
                "certificate": {"id": 70, "serial_number": "0A"},
            }),
        ),
        "/api/order/certificate/7/duplicate?show_archived=true" => Say::Json(
            200,
            json!({"certificates": [{"id": 71, "status": "issued"}]}),
        ),
        "/api/order/certificate/7/reissue?show_archived=true" => Say::Json(
            200,
            json!({"certificates": [{"id": 72, "status": "issued"}]}),
        ),
        _ => Say::Text(204, "", String::new()),
    }
}

/// Without a state the order's own answer is not complete, so the list is read.
fn ncloud(request: &Seen, _before: usize) -> Say {
    let certificates =
        |state: &str| json!([{"certificateNo": 70, "statusCode": state, "serialNumber": "0A"}]);
    Say::Json(
        200,
        match request.target.split('?').next() {
            Some("/api/certificate/orders/7") => {
                json!({"returnCode": "0", "orderId": "7", "certificates": certificates("")})
            }
            Some("/api/certificate/getPaidCertificates") => {
                json!({"returnCode": "0", "totalCount": 1, "orders": [
                    {"orderId": "7", "certificates": certificates("2")}
                ]})
            }
            _ => json!({"returnCode": "0", "totalRows": 1}),
        },
    )
}

fn open_at(server: &Scripted, ca: &str, requests: Option<u32>) -> Arc<dyn Act> {
    let settings = Settings {
        max_in_flight: 1,
        rate_limits: requests
            .map(|requests| RateLimit {
                requests,
                per: Duration::from_millis(20),
            })
            .into_iter()
            .collect(),
        ..server.settings("/api")
    };
    let secret = || Secret::new("SECRET".to_owned());
    let keys = match ca {
        "certcentral" => Keys::certcentral(secret()),
        _ => Keys::ncloud(secret(), secret()),
    };
    open(settings, keys).unwrap()
}

fn revocation() -> RevokeOperation {
    RevokeOperation {
        order_id: OrderId::from("7"),
        product: None,
        scope: RevokeScope::Order,
        reason: RevocationReason::Superseded,
        comments: None,
        skip_approval: true,
        generation: 1,
        pins: Vec::new(),
    }
}

async fn start(ca: &str) -> Scripted {
    match ca {
        "certcentral" => Scripted::start(certcentral).await,
        _ => Scripted::start(ncloud).await,
    }
}

#[tokio::test]
async fn reads_and_call_fit_into_one_place_whatever_the_windows() {
    let operation = revocation();
    for (ca, gets) in [("certcentral", 3), ("ncloud", 2)] {
        let server = start(ca).await;
        let alone = open_at(&server, ca, None);
        let order = alone.order(&operation.order_id, Depth::Certificates).await;
        let order = order.unwrap().unwrap();
        assert_eq!(server.seen().len(), gets, "{ca}");
        for requests in [None, Some(1), Some(2), Some(3), Some(4)] {
            let account = open_at(&server, ca, requests);
            let before = server.seen().len();
            for drawn in [0, 1, account.reads(Depth::Certificates)] {
                let mut permit = account.permit(drawn).await;
                let read = account
                    .order_under(&mut permit, &operation.order_id, Depth::Certificates)
                    .await;
                assert_eq!(read.unwrap().as_ref(), Some(&order), "{ca} {requests:?}");
                let call = RevokeCall {
                    operation: &operation,
                    part: &Part::Order,
                };
                account
                    .revoke(permit, crate::model::Recorded::for_tests(), call)
                    .await
                    .unwrap();
            }
            assert_eq!(server.seen().len() - before, 3 * (gets + 1));
        }
    }
}

#[tokio::test]
async fn a_read_that_is_repeated_keeps_the_place() {
    let server = Scripted::start(|request, before| match before {
        0 => Say::Cut,
        1 => Say::Json(503, json!({})),
        2 => Say::Text(429, "Retry-After: 0\r\n", String::new()),
        _ => certcentral(request, before),
    })
    .await;
    let account = open_at(&server, "certcentral", Some(2));
    let mut permit = account.permit(1).await;
    let id = OrderId::from("7");
    let read = account.order_under(&mut permit, &id, Depth::Order).await;
    assert!(read.unwrap().is_some());
    assert_eq!(server.seen().len(), 4);
    // The place is free again, and so is everything that was not spent.
    drop(permit);
    drop(account.permit(0).await);
}

#[tokio::test]
async fn a_read_that_fails_gives_everything_back_with_the_permit() {
    let server = Scripted::start(|_, _| Say::refuse(403, "access_denied")).await;
    let account = open_at(&server, "certcentral", None);
    for _ in 0..3 {
        let mut permit = account.permit(3).await;
        let id = OrderId::from("7");
        let read = account.order_under(&mut permit, &id, Depth::Order).await;
        assert_eq!(read.unwrap_err().kind, ErrorKind::Forbidden);
    }
}
