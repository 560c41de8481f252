//! What each read asks, and what the answers become.

use super::*;

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
            "/services/v2/order/certificate/1/duplicate?show_archived=true" => {
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
async fn row_47_a_tag_finds_none_one_or_many_and_never_takes_an_error_for_none() {
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
        || Say::Json(200, json!({})),
        || Say::Json(200, json!({"orders": null})),
        || Say::Json(200, json!({"orders": null, "page": {"total": 0}})),
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
        || Say::Json(200, json!([])),
        || Say::Json(200, json!(null)),
        || Say::Json(200, json!({"status": "ok"})),
        || Say::Json(200, json!({"requests": []})),
        || Say::Json(200, json!({"page": {"total": 2}})),
        || Say::Json(200, json!({"orders": null, "page": {"total": 2}})),
        || Say::Text(200, "Content-Type: text/html\r\n", "{}".to_owned()),
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

/// A server that holds orders 1 to `count` and pages as documented.
fn rows(target: &str, ids: std::ops::RangeInclusive<usize>, limit: usize) -> Vec<Value> {
    let (_, query) = target.split_once("offset=").unwrap();
    let (offset, _) = query.split_once('&').unwrap();
    ids.skip(offset.parse().unwrap())
        .take(limit)
        .map(|id| json!({"id": id, "status": "issued"}))
        .collect()
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let server = Scripted::start(|seen, _| {
        let orders = rows(&seen.target, 1..=4500, 1000);
        Say::Json(200, json!({"orders": orders, "page": {"total": 4500}}))
    })
    .await;
    let orders = account(&server).orders().await.unwrap();
    let mut ids: Vec<usize> = orders
        .iter()
        .map(|order| order.id.as_str().parse().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=4500).collect::<Vec<_>>());
    let mut targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    targets.sort();
    let expected = [0, 1000, 2000, 3000, 4000].map(|offset| {
        format!("/services/v2/order/certificate?sort=order_id&offset={offset}&limit=1000")
    });
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn row_61_an_order_that_comes_meanwhile_is_read_too() {
    let server = Scripted::start(|seen, before| {
        let total = if before == 0 { 2000 } else { 2001 };
        let orders = rows(&seen.target, 1..=total, 1000);
        Say::Json(200, json!({"orders": orders, "page": {"total": total}}))
    })
    .await;
    assert_eq!(account(&server).orders().await.unwrap().len(), 2001);
}

#[tokio::test]
async fn behind_a_page_that_fell_short_the_list_goes_on() {
    let server = Scripted::start(|seen, before| {
        let orders = rows(&seen.target, 1..=1500, if before == 1 { 400 } else { 1000 });
        Say::Json(200, json!({"orders": orders, "page": {"total": 1500}}))
    })
    .await;
    assert_eq!(account(&server).orders().await.unwrap().len(), 1500);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_server_with_a_smaller_page_is_read_to_the_end() {
    let server = Scripted::start(|seen, _| {
        let orders = rows(&seen.target, 1..=250, 100);
        Say::Json(200, json!({"orders": orders, "page": {"total": 250}}))
    })
    .await;
    assert_eq!(account(&server).orders().await.unwrap().len(), 250);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn row_62_a_list_that_cannot_be_complete_is_an_error() {
    // The server does not heed the offset.
    let server = Scripted::start(|_, _| {
        let orders = rows("offset=0&", 1..=1000, 1000);
        Say::Json(200, json!({"orders": orders, "page": {"total": 3000}}))
    })
    .await;
    let error = account(&server).orders().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Malformed);
    // A row that cannot be named could be any order.
    let server = Scripted::start(|_, _| {
        let orders = json!([{"id": 1}, {"id": "x"}]);
        Say::Json(200, json!({"orders": orders, "page": {"total": 2}}))
    })
    .await;
    assert!(account(&server).orders().await.is_err());
}

/// How many orders of 2,501 are read, and how many requests that takes.
async fn all_of(total: Value, limit: Value, most: usize) -> (usize, usize) {
    let server = Scripted::start(move |seen, _| {
        let orders = rows(&seen.target, 1..=2501, most);
        let page = json!({"total": total, "limit": limit, "offset": 0});
        let answer = if total.is_null() && limit.is_null() {
            json!({"orders": orders})
        } else {
            json!({"orders": orders, "page": page})
        };
        Say::Json(200, answer)
    })
    .await;
    let orders = account(&server).orders().await.unwrap();
    (orders.len(), server.seen().len())
}

#[tokio::test]
async fn a_total_that_is_wrong_ends_no_list() {
    for total in [
        json!(1000),
        json!(2000),
        json!(0),
        json!(7),
        json!(null),
        json!("x"),
    ] {
        let (orders, requests) = all_of(total.clone(), json!(1000), 1000).await;
        assert_eq!(orders, 2501, "{total}");
        // Three pages, and one more because nobody says that they are all.
        assert_eq!(requests, 4, "{total}");
    }
    // A smaller limit of the server's own, told or not.
    for limit in [json!(100), json!(1000), json!(null)] {
        for total in [json!(0), json!(1000), json!(null), json!(2501)] {
            let (orders, _) = all_of(total.clone(), limit.clone(), 100).await;
            assert_eq!(orders, 2501, "{total} {limit}");
        }
    }
    assert_eq!(all_of(json!(100), json!(100), 100).await.0, 2501);
    assert_eq!(all_of(json!(2501), json!(1000), 1000).await, (2501, 3));
}

#[tokio::test]
async fn a_list_that_moves_between_its_pages_is_read_anew() {
    // An order goes away that was on the first page: the second begins one row later.
    for totals in [true, false] {
        let server = Scripted::start(move |seen, before| {
            let ids = if before == 0 { 1..=1500 } else { 2..=1500 };
            let total = totals.then(|| ids.clone().count());
            let orders = rows(&seen.target, ids, 1000);
            Say::Json(200, json!({"orders": orders, "page": {"total": total}}))
        })
        .await;
        let orders = account(&server).orders().await.unwrap();
        let shown = orders.iter().any(|order| order.id == OrderId::from("1001"));
        // Without a total nothing shows that a row is missing.
        assert_eq!(shown, totals);
    }
    // An order comes in front: the second page begins with a row that was there already.
    for totals in [true, false] {
        let server = Scripted::start(move |seen, before| {
            let ids = if before == 0 { 2..=1500 } else { 1..=1500 };
            let total = totals.then(|| ids.clone().count());
            let orders = rows(&seen.target, ids, 1000);
            Say::Json(200, json!({"orders": orders, "page": {"total": total}}))
        })
        .await;
        assert_eq!(account(&server).orders().await.unwrap().len(), 1500);
    }
    // One that never holds still cannot be read.
    let server = Scripted::start(|seen, before| {
        let orders = rows(&seen.target, 100 - before..=1600, 1000);
        Say::Json(
            200,
            json!({"orders": orders, "page": {"total": 1501 + before}}),
        )
    })
    .await;
    let error = account(&server).orders().await.map(|_| ()).unwrap_err();
    assert!(
        error.to_string().contains("changed while it was read"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_has_no_complete_list() {
    for (sent, complete) in [(1000, false), (1501, true), (7, true)] {
        let server = Scripted::start(move |_, _| {
            let orders = rows("offset=0&", 1..=sent, sent);
            Say::Json(200, json!({"orders": orders, "page": {"total": 0}}))
        })
        .await;
        let read = account(&server).orders().await;
        assert_eq!(read.is_ok(), complete, "{sent} rows in each answer");
    }
}

/// Every list that is read, with nothing in it.
#[tokio::test]
async fn nothing_is_nothing_in_every_list() {
    for nothing in [
        json!({}),
        json!({"page": {"total": 0, "limit": 1000, "offset": 0}}),
        json!({"orders": null, "requests": null, "certificates": null}),
    ] {
        let say = nothing.clone();
        let server = Scripted::start(move |seen, _| {
            let info = json!({"id": 1, "status": "issued", "certificate": {"id": 5}});
            let order = seen.target == "/services/v2/order/certificate/1";
            Say::Json(200, if order { info } else { say.clone() })
        })
        .await;
        let account = account(&server);
        assert_eq!(account.orders().await.unwrap(), [], "{nothing}");
        assert_eq!(account.tagged(&tag()).await.unwrap(), TagLookup::default());
        assert_eq!(account.revocation_requests().await.unwrap(), []);
        assert_eq!(account.waiting_orders().await.unwrap(), []);
        assert_eq!(account.changes(Duration::from_secs(60)).await.unwrap(), []);
        let one = Scope::CertificateId(CertificateId::from("7"));
        assert_eq!(account.holder(&one).await.unwrap(), None);
        let order = account
            .order(&OrderId::from("1"), Depth::Certificates)
            .await;
        let certificates = order.unwrap().unwrap().certificates.unwrap();
        assert_eq!(certificates.len(), 1);
    }
    for broken in [
        json!([]),
        json!({"errors": [{"code": "x", "message": "y"}]}),
        json!({"orders": {}, "requests": {}, "certificates": {}}),
        json!({"status": "maintenance"}),
    ] {
        let say = broken.clone();
        let server = Scripted::start(move |seen, _| {
            let info = json!({"id": 1, "status": "issued", "certificate": {"id": 5}});
            let order = seen.target == "/services/v2/order/certificate/1";
            Say::Json(200, if order { info } else { say.clone() })
        })
        .await;
        let account = account(&server);
        assert!(account.orders().await.is_err(), "{broken}");
        assert!(account.tagged(&tag()).await.is_err());
        assert!(account.revocation_requests().await.is_err());
        assert!(account.waiting_orders().await.is_err());
        assert!(account.changes(Duration::from_secs(60)).await.is_err());
        let one = Scope::CertificateId(CertificateId::from("7"));
        assert!(account.holder(&one).await.is_err());
        let order = account
            .order(&OrderId::from("1"), Depth::Certificates)
            .await;
        assert!(order.is_err(), "{broken}");
    }
}
