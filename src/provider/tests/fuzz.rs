//! Whole adapters against random and mutated answers, over a socket: no panic, no endless read, no refusal
//! that the CA did not state, and never "not sent" for what the server has received.
//!
//! `PROPTEST_CASES=20000` tries more answers (256 without it).

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::scripted::{Say, Scripted};
use crate::model::{
    CertificateId, Part, RevocationReason, RevokeOperation, RevokeScope, Secret, Tag,
};
use crate::provider::*;

/// Good answers of both CAs, to be bent.
fn good() -> Vec<Value> {
    let order = json!({
        "id": 7, "status": "issued", "alternative_order_id": "c1-abc", "product": { "name_id": "ssl_plus" },
        "certificate": { "id": 8, "common_name": "a.example", "dns_names": ["a.example"], "serial_number": "0A",
            "valid_till": "2030-01-01", "csr": "x", "organization_units": ["u"] },
        "date_created": "2026-01-01T00:00:00+00:00", "organization": { "id": 1 }, "has_duplicates": true,
        "requests": [{ "id": 9, "type": "new_request", "status": "pending" }], "duplicates_count": 1,
        "is_renewed": false, "certificate_id": 8, "order_id": 7,
    });
    vec![
        order.clone(),
        json!({ "orders": [order.clone(), order.clone()], "page": { "total": 2, "limit": 1000, "offset": 0 } }),
        json!({ "orders": [order.clone()], "certificates": [order["certificate"]] }),
        json!({ "requests": [{ "id": 9, "type": "revoke", "status": "submitted", "order": { "id": 7 } }], "page": { "total": 1 } }),
        json!({ "account_id": 1, "id": 1, "username": "u", "balance": "12.50", "currency": "USD", "container": { "id": 3 } }),
        json!({ "errors": [{ "code": "invalid_value|order", "message": "no" }] }),
        json!({ "returnCode": "0", "returnMessage": "ok", "totalRows": 1, "certificateList": [
            { "orderId": "7", "certificateNo": 1, "commonName": "a.example", "statusCode": "1", "serialNo": "0A" }] }),
        json!({ "returnCode": "2000", "returnMessage": "no" }),
        json!({ "error": { "errorCode": "200", "message": "no", "details": "x" } }),
    ]
}

/// Where a value is bent, and into what.
#[derive(Debug, Clone)]
struct Bend {
    at: usize,
    into: Value,
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!([null, 1, "x"])),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1.5e300)),
        Just(json!(u64::MAX)),
        Just(json!(true)),
        Just(json!("")),
        any::<String>().prop_map(Value::from),
        Just(json!("9".repeat(4000))),
        Just(json!("2026-13-45T99:99:99Z")),
        Just(json!([[[[[[[[[[[]]]]]]]]]]])),
    ]
}

fn bend(value: &mut Value, left: &mut usize, into: &Value) -> bool {
    if *left == 0 {
        *value = into.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(members) => members.values_mut().any(|member| bend(member, left, into)),
        Value::Array(items) => items.iter_mut().any(|item| bend(item, left, into)),
        _ => false,
    }
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let bends = prop::collection::vec((0_usize..40, odd()), 0..4)
        .prop_map(|bends| bends.into_iter().map(|(at, into)| Bend { at, into }));
    let bent = (0..good().len(), bends, any::<bool>(), 0_usize..400).prop_map(
        |(which, bends, cut, length)| {
            let mut value = good().swap_remove(which);
            for Bend { at, into } in bends {
                bend(&mut value, &mut { at }, &into);
            }
            let mut bytes = value.to_string().into_bytes();
            if cut {
                bytes.truncate(length);
            }
            bytes
        },
    );
    prop_oneof![
        6 => bent,
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => Just("[".repeat(100_000).into_bytes()),
        1 => Just(b"<html>maintenance</html>".to_vec()),
    ]
}

#[derive(Debug, Clone)]
struct Odd {
    status: u16,
    json: bool,
    retry_after: Option<String>,
    body: Vec<u8>,
}

fn odd_answer() -> impl Strategy<Value = Odd> {
    let status = prop_oneof![
        3 => Just(200_u16), 2 => Just(201), 1 => Just(204), 1 => Just(400), 1 => Just(401), 1 => Just(403),
        1 => Just(404), 1 => Just(409), 1 => Just(422), 1 => Just(429), 1 => Just(500), 1 => Just(503),
        3 => 200_u16..=999,
    ];
    // What asks to wait is another test's: here it would only cost time.
    let retry_after =
        prop::option::of("0|-1|1\\.5|[a-zA-Z, :]{0,20}|Sun, 06 Nov 1994 08:49:37 GMT");
    (status, prop::bool::weighted(0.8), retry_after, body()).prop_map(
        |(status, json, retry_after, body)| Odd {
            status,
            json,
            retry_after,
            body,
        },
    )
}

impl Odd {
    fn bytes(&self) -> Vec<u8> {
        let kind = if self.json {
            "application/json"
        } else {
            "text/html"
        };
        let retry = self
            .retry_after
            .as_ref()
            .map_or_else(String::new, |text| format!("Retry-After: {text}\r\n"));
        let mut bytes = format!(
            "HTTP/1.1 {} X\r\nContent-Type: {kind}\r\n{retry}Connection: close\r\n\r\n",
            self.status
        )
        .into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// A second reading of the table, in the loosest terms: the CA's own error object and a status that
    /// refuses.
    fn may_be_a_refusal(&self, ncloud: bool) -> bool {
        let value: Value = serde_json::from_slice(&self.body).unwrap_or(Value::Null);
        if !ncloud {
            return matches!(self.status, 400..=404 | 422 | 429) && !value["errors"].is_null();
        }
        match self.status {
            200 => value["returnCode"] != "0" && !value["returnCode"].is_null(),
            400 | 401 | 404 | 413 | 429 => {
                !value["returnCode"].is_null() || !value["error"].is_null()
            }
            403 => self.body.is_empty(),
            _ => false,
        }
    }
}

/// Everything that can be read; what it says is not looked at, only that it comes to an end.
async fn read_all(account: &Arc<dyn Act>) {
    let id = OrderId::from("7");
    let _ = account.identity().await;
    let _ = account.orders().await;
    let _ = account.order(&id, Depth::Certificates).await;
    let _ = account.changes(Duration::from_secs(60)).await;
    let _ = account.revocation_requests().await;
    let tag: Result<Tag, _> = serde_json::from_value(json!("c1-abc"));
    if let Ok(tag) = tag {
        let _ = account.tagged(&tag).await;
    }
}

async fn change(account: &Arc<dyn Act>, part: Part) -> Option<ProviderError> {
    let operation = RevokeOperation {
        order_id: OrderId::from("7"),
        product: None,
        scope: RevokeScope::Order,
        reason: RevocationReason::Superseded,
        comments: None,
        skip_approval: false,
        generation: 1,
        pins: Vec::new(),
    };
    let call = RevokeCall {
        operation: &operation,
        part: &part,
    };
    account
        .revoke(
            account.permit(0).await,
            crate::model::Recorded::for_tests(),
            call,
        )
        .await
        .err()
}

async fn change_all(account: &Arc<dyn Act>, ncloud: bool) -> Vec<ProviderError> {
    let mut errors = Vec::new();
    for part in [Part::Order, Part::Certificate(CertificateId::from("8"))] {
        errors.extend(change(account, part).await);
    }
    if !ncloud {
        let order = crate::provider::certcentral::tests::order();
        let permit = account.permit(0).await;
        errors.extend(
            account
                .place_order(permit, crate::model::Recorded::for_tests(), &order, None)
                .await
                .err(),
        );
    }
    errors
}

fn keys(ncloud: bool) -> Keys {
    if ncloud {
        Keys::ncloud(Secret::new("a".to_owned()), Secret::new("s".to_owned()))
    } else {
        Keys::certcentral(Secret::new("key".to_owned()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_answer_makes_an_adapter_panic_hang_or_take_it_for_a_refusal(odd in odd_answer(), ncloud in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let played = runtime.block_on(async {
            let answer = odd.bytes();
            let server = Scripted::start(move |_, _| Say::Raw(answer.clone())).await;
            let mut settings = server.settings("/v2");
            settings.deadlines.whole = Duration::from_secs(5);
            let account = open(settings, keys(ncloud)).unwrap();
            let played = async {
                // After a 429 the account pauses, longer each time: one call shows what there is to see.
                if odd.status == 429 {
                    return change(&account, Part::Order).await.into_iter().collect();
                }
                read_all(&account).await;
                change_all(&account, ncloud).await
            };
            tokio::time::timeout(Duration::from_secs(60), played).await
        });
        let errors = played.expect("it comes to an end");
        for error in errors {
            match error.verdict {
                Verdict::InDoubt => {}
                Verdict::Rejected => prop_assert!(odd.may_be_a_refusal(ncloud), "{error}"),
                // A call that this adapter does not have is refused without the server.
                Verdict::NotSent => prop_assert_eq!(error.kind, ErrorKind::Unsupported, "{}", error),
            }
        }
    }
}
