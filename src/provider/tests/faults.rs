//! What the transport does when a CA or the way to it misbehaves, over real sockets.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::scripted::{Say, Scripted, settings};
use crate::model::{
    CertificateRequest, Order, RevocationReason, RevokeOperation, RevokeScope, Secret, TagParts,
};
use crate::provider::*;

const KEY: &str = "KEY-OF-THE-ACCOUNT";

fn opened(settings: Settings) -> Arc<dyn Act> {
    let keys = Keys::certcentral(Secret::new(KEY.to_owned()));
    open(settings, keys).unwrap()
}

fn operation() -> OrderOperation {
    let account: AccountName = "main".parse().unwrap();
    let address = "orders.a".parse().unwrap();
    OrderOperation {
        renews: None,
        tag: Tag::derive(TagParts {
            renews: None,
            provider: "certcentral",
            endpoint: "e",
            account: &account,
            address: &address,
            generation: 1,
        }),
        order: Order {
            renew: None,
            files: None,
            product: "ssl_plus".to_owned(),
            generation: 1,
            certificate: CertificateRequest {
                key: None,
                common_name: Some("a.example".to_owned()),
                dns_names: Vec::new(),
                emails: Vec::new(),
                organization_units: Vec::new(),
                csr: None,
                members: crate::model::Members::default(),
                delivery: crate::model::Members::default(),
            },
            renewal_of: None,
            allow_similar: false,
            existing_order_id: None,
            term_members: crate::model::Members::default(),
            call_members: crate::model::Members::default(),
            members: crate::model::Members::default(),
        },
    }
}

async fn place(account: &Arc<dyn Act>) -> Result<Placed, ProviderError> {
    let permit = account.permit(0).await;
    account
        .place_order(
            permit,
            crate::model::Recorded::for_tests(),
            &operation(),
            None,
        )
        .await
}

/// Places an order at a server that says one thing; it must have been asked exactly once.
async fn doubted(say: impl Fn() -> Say + Send + Sync + 'static) -> ProviderError {
    doubted_with(say, |_| {}).await
}

async fn doubted_with(
    say: impl Fn() -> Say + Send + Sync + 'static,
    change: fn(&mut Settings),
) -> ProviderError {
    let server = Scripted::start(move |_, _| say()).await;
    let mut settings = server.settings("/services/v2");
    change(&mut settings);
    let error = place(&opened(settings)).await.unwrap_err();
    assert_eq!(server.seen().len(), 1, "a change is sent once: {error}");
    assert_eq!(error.verdict, Verdict::InDoubt, "{error}");
    assert_eq!(error.message.to_string(), error.message.raw(), "one line");
    error
}

fn raw(head: &str, body: &str) -> Say {
    Say::Raw(format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes())
}

#[tokio::test]
async fn row_22_a_lost_answer_is_in_doubt() {
    assert_eq!(doubted(|| Say::Cut).await.kind, ErrorKind::Interrupted);
}

#[tokio::test]
async fn row_24_an_answer_cut_at_any_byte_is_in_doubt() {
    let whole = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
                 Content-Length: 8\r\n\r\n{\"id\":7}";
    for length in 1..whole.len() {
        doubted(move || Say::Raw(whole.as_bytes()[..length].to_vec())).await;
    }
    let server = Scripted::start(move |_, _| Say::Raw(whole.as_bytes().to_vec())).await;
    let placed = place(&opened(server.settings("/services/v2"))).await;
    assert_eq!(placed.unwrap().order_id, OrderId::from("7"));
}

#[tokio::test]
async fn rows_18_21_a_refused_connection_is_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/services/v2", listener.local_addr().unwrap());
    drop(listener);
    let account = opened(settings(&url));
    let error = place(&account).await.unwrap_err();
    assert_eq!(
        (error.kind, error.verdict),
        (ErrorKind::Connect, Verdict::NotSent),
        "{error}"
    );
    assert_eq!(account.requests_sent(), 1);
    assert_eq!(
        account.identity().await.unwrap_err().kind,
        ErrorKind::Connect
    );
    assert_eq!(account.requests_sent(), 5, "a read is tried four times");
}

#[tokio::test]
async fn a_server_without_tls_is_not_sent_anything() {
    let server = Scripted::start(|_, _| Say::Cut).await;
    let url = server.url("/services/v2").replace("http:", "https:");
    let mut settings = settings(&url);
    settings.deadlines.connect = Duration::from_secs(1);
    let error = place(&opened(settings)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.verdict),
        (ErrorKind::Connect, Verdict::NotSent),
        "{error}"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn rows_16_25_no_answer_within_the_deadline_is_in_doubt() {
    let error = doubted_with(
        || Say::Hang,
        |settings| settings.deadlines.head = Duration::from_secs(1),
    )
    .await;
    assert_eq!(error.kind, ErrorKind::Interrupted);
}

#[tokio::test]
async fn row_26_an_answer_that_stops_or_never_ends_is_in_doubt() {
    // The head promises more than comes, and the connection stays open.
    let server = Scripted::start(|_, _| {
        Say::Text(
            201,
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nX: ",
            "1\r\n{\r\n".to_owned(),
        )
    })
    .await;
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(3600));
    for (body, whole) in [(short, long), (long, short)] {
        let mut settings = server.settings("/services/v2");
        (settings.deadlines.body, settings.deadlines.whole) = (body, whole);
        let account = opened(settings);
        let placed = tokio::time::timeout(Duration::from_secs(120), place(&account)).await;
        let error = placed.expect("a deadline passed long ago").unwrap_err();
        assert_eq!(
            (error.kind, error.verdict),
            (ErrorKind::Interrupted, Verdict::InDoubt),
            "{error}"
        );
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn servers_in_trouble_are_in_doubt() {
    for status in [408, 409, 500, 502, 503, 504, 520] {
        let error = doubted(move || Say::refuse(status, "internal_error")).await;
        assert_eq!(error.status, Some(status));
    }
    let html = || {
        Say::Text(
            200,
            "Content-Type: text/html\r\n",
            "<p>maintenance".to_owned(),
        )
    };
    assert_eq!(doubted(html).await.kind, ErrorKind::Malformed);
    doubted(|| {
        Say::Text(
            429,
            "Content-Type: text/html\r\nRetry-After: 0\r\n",
            String::new(),
        )
    })
    .await;
    doubted(|| {
        raw(
            "201 X\r\nContent-Type: application/json\r\nContent-Length: 7",
            "{\"id\":7",
        )
    })
    .await;
    doubted(|| raw("201 X\r\nContent-Type: application/json", "{\"id\":NaN}")).await;
    doubted(|| Say::Json(201, json!([7]))).await;
    let packed = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    doubted(move || Say::Text(201, packed, "{\"id\":7}".to_owned())).await;
}

#[tokio::test]
async fn row_27_an_answer_without_end_is_cut_off() {
    let error = doubted(|| {
        // Without the cap this would be a good answer.
        let mut answer =
            b"HTTP/1.1 201 X\r\nContent-Type: application/json\r\n\r\n{\"id\":7}".to_vec();
        answer.resize(answer.len() + (9 << 20), b' ');
        Say::Raw(answer)
    })
    .await;
    assert_eq!(error.kind, ErrorKind::Malformed);
}

#[tokio::test]
async fn the_cas_own_429_is_a_refusal_and_pauses_the_account() {
    let server = Scripted::start(|_, before| match before {
        0 => Say::Text(
            429,
            "Content-Type: application/json\r\nRetry-After: 1\r\n",
            json!({"errors": [{"code": "request_limit_exceeded", "message": "m"}]}).to_string(),
        ),
        _ => Say::Json(201, json!({"id": 7})),
    })
    .await;
    let account = opened(server.settings("/services/v2"));
    let error = place(&account).await.unwrap_err();
    assert_eq!(
        (error.kind, error.verdict, error.retry_after),
        (
            ErrorKind::RateLimited,
            Verdict::Rejected,
            Some(Duration::from_secs(1))
        )
    );
    let start = std::time::Instant::now();
    assert!(place(&account).await.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn reads_are_repeated_where_that_is_safe() {
    let server = Scripted::start(|_, before| match before {
        0 => Say::Cut,
        1 => Say::refuse(500, "internal_error"),
        2 => Say::Text(
            429,
            "Content-Type: text/html\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            String::new(),
        ),
        _ => Say::Json(200, json!({"account_id": 1})),
    })
    .await;
    let account = opened(server.settings("/services/v2"));
    assert!(account.identity().await.unwrap().is_some());
    assert_eq!(server.seen().len(), 4);
    assert_eq!(account.requests_sent(), 4);
    assert!(account.clock_skew().unwrap() < jiff::SignedDuration::from_hours(-24 * 365));
}

#[tokio::test]
async fn a_date_that_is_missing_or_unreadable_says_nothing_of_the_clocks() {
    for dates in [
        "",
        "Date: yesterday\r\n",
        "Date: \r\n",
        "Date: Sun, 99 Nov 1994 08:49:37 GMT\r\n",
    ] {
        let server = Scripted::start(move |_, _| {
            let headers = format!("Content-Type: application/json\r\n{dates}");
            Say::Text(200, headers.leak(), json!({"account_id": 1}).to_string())
        })
        .await;
        let account = opened(server.settings("/services/v2"));
        assert!(account.identity().await.unwrap().is_some(), "{dates:?}");
        assert_eq!(account.clock(), None, "{dates:?}");
    }
}

#[tokio::test]
async fn a_full_window_slows_a_read_down_and_does_not_fail_it() {
    let server = Scripted::start(|_, before| match before {
        0..6 => Say::Text(429, "Retry-After: 0\r\n", String::new()),
        _ => Say::Json(200, json!({"account_id": 1})),
    })
    .await;
    let account = opened(server.settings("/services/v2"));
    assert!(account.identity().await.unwrap().is_some());
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn reads_give_up_after_four_tries_and_at_once_on_a_refusal() {
    let server = Scripted::start(|_, _| Say::refuse(503, "internal_error")).await;
    let account = opened(server.settings("/services/v2"));
    let error = account.identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Server);
    assert_eq!(server.seen().len(), 4);
    let server =
        Scripted::start(|_, _| Say::refuse(403, "access_denied|access_denied_invalid_key")).await;
    let account = opened(server.settings("/services/v2"));
    let error = account.identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(server.seen().len(), 1);
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
async fn rows_31_37_each_change_has_a_connection_of_its_own() {
    let server = Scripted::start(|_, _| Say::Json(201, json!({"id": 7}))).await;
    let account = opened(server.settings("/services/v2"));
    for _ in 0..3 {
        assert!(place(&account).await.is_ok());
    }
    for seen in server.seen() {
        assert_eq!(seen.headers["connection"], "close");
    }
}

#[test]
fn a_key_that_is_none_is_refused_without_being_shown() {
    for key in ["", "line\nbreak"] {
        let keys = Keys::certcentral(Secret::new(key.to_owned()));
        let Err(error) = open(settings("http://127.0.0.1:1/x"), keys) else {
            panic!("taken: {key:?}");
        };
        assert_eq!(error.verdict, Verdict::NotSent);
        assert!(!error.to_string().contains("break"));
    }
    let bad_root = Settings {
        extra_root: Some(b"no certificate".to_vec()),
        ..settings("https://ca.example/services/v2")
    };
    let keys = Keys::certcentral(Secret::new(KEY.to_owned()));
    assert!(observe_only(bad_root, keys).is_err());
}

/// An answer near to a good one, or anything at all.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let good = r#"{"id":7,"requests":[{"id":8,"status":"approved","type":"revoke"}],"type":"revoke","returnCode":"0","errors":[{"code":"not_found"}]}"#;
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (0..good.len(), any::<u8>()).prop_map(move |(place, byte)| {
            let mut bytes = good.as_bytes().to_vec();
            bytes[place] = byte;
            bytes
        }),
        (0..good.len()).prop_map(move |length| good.as_bytes()[..length].to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_answer_of_2xx_proves_that_nothing_was_done(
        body in bodies(), status in 200u16..300, json in any::<bool>(), ncloud in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let kind = if json { "application/json" } else { "text/html" };
            let mut answer = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
            ).into_bytes();
            answer.extend_from_slice(&body);
            let server = Scripted::start(move |_, _| Say::Raw(answer.clone())).await;
            let keys = if ncloud {
                Keys::ncloud(Secret::new("a".to_owned()), Secret::new("s".to_owned()))
            } else {
                Keys::certcentral(Secret::new(KEY.to_owned()))
            };
            let account = open(server.settings("/v2"), keys).unwrap();
            let revocation = RevokeOperation {
                order_id: OrderId::from("7"),
                product: None,
                scope: RevokeScope::Order,
                reason: RevocationReason::Superseded,
                comments: None,
                skip_approval: false,
            generation: 1,
                pins: Vec::new(),
            };
            let permit = account.permit(0).await;
            let part = crate::model::Part::Order;
            let call = RevokeCall { operation: &revocation, part: &part };
            let mut errors = vec![account.revoke(permit, crate::model::Recorded::for_tests(), call).await.err()];
            if !ncloud {
                errors.push(place(&account).await.err());
            }
            for error in errors.into_iter().flatten() {
                prop_assert_eq!(error.verdict, Verdict::InDoubt, "{}", error);
            }
            Ok(())
        })?;
    }
}
