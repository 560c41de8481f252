//! CertCentral: keys, rate limits, lists of orders.

use std::time::Duration;

use super::*;
use crate::sandbox::RateLimits;

#[tokio::test]
async fn keys_decide_who_may_do_what() {
    let lab = Lab::new().await;
    let url = format!("{}/user/me", lab.sandbox.certcentral_url());
    for request in [
        lab.client.get(&url),
        lab.client.get(&url).header("X-DC-DEVKEY", "guess"),
    ] {
        let (status, answer) = read(request).await;
        assert_eq!(
            (status, &answer["errors"][0]["code"]),
            (403, &json!("access_denied|access_denied_invalid_key"))
        );
    }
    let view =
        |request: reqwest::RequestBuilder| request.header("X-DC-DEVKEY", "sandbox-view-only-key");
    assert_eq!(read(view(lab.client.get(&url))).await.0, 200);
    let order = format!("{}{CLIENT}", lab.sandbox.certcentral_url());
    let (status, answer) = read(view(lab.client.post(order).json(&client_order()))).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (403, &json!("access_denied|missing_permission"))
    );
    assert_eq!(lab.effects().await, ["none"]);

    let (_, key) = lab.get("/key/184").await;
    let members: Vec<&str> = key
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let shown = [
        "create_date",
        "id",
        "is_legacy",
        "last_used_date",
        "name",
        "restricted_to_role_id",
        "status",
        "user",
    ];
    assert_eq!(members, shown);
    assert_eq!(lab.get("/key/185").await.1["status"], "revoked");
    assert_eq!(lab.get("/key/186").await.1["restricted_to_role_id"], 102);
    let (_, acme) = lab.get("/key/15").await;
    assert_eq!(
        (&acme["validity_days"], &acme["organization_id"]),
        (&json!("0"), &json!(123_456))
    );
    assert!(acme.get("last_used_date").is_none());
    assert_eq!(lab.get("/key/1").await.0, 404);
}

#[tokio::test]
async fn more_requests_than_the_window_takes_are_429_for_that_key_alone() {
    let limits = RateLimits::Custom(vec![(3, Duration::from_secs(3_600))]);
    let lab = Lab::with(Options {
        rate_limits: limits,
        ..Options::default()
    })
    .await;
    for expected in [200, 200, 200, 429, 429] {
        assert_eq!(lab.get("/user/me").await.0, expected);
    }
    let (_, answer) = lab.get("/user/me").await;
    assert_eq!(answer["errors"][0]["code"], "request_limit_exceeded");
    let url = format!("{}/user/me", lab.sandbox.certcentral_url());
    assert_eq!(
        read(
            lab.client
                .get(url)
                .header("X-DC-DEVKEY", "sandbox-view-only-key")
        )
        .await
        .0,
        200
    );
    let state = lab.admin_get("/state").await;
    assert_eq!(
        (
            &state["rate_limited"],
            &state["requests_seen"]["certcentral"]["GET"]
        ),
        (&json!(3), &json!(7))
    );
    lab.admin("/options", json!({"rate_limits": "off"})).await;
    assert_eq!(lab.get("/user/me").await.0, 200);
}

#[tokio::test]
async fn lists_are_paged_sorted_and_filtered() {
    let lab = Lab::with(Options {
        rate_limits: RateLimits::Off,
        ..Options::default()
    })
    .await;
    let seeded = lab
        .admin(
            "/seed",
            json!({"certcentral": 2_500, "alternative_order_ids": ["a", "b", "a"]}),
        )
        .await;
    let ids: Vec<u64> =
        serde_json::from_value(seeded["certcentral_order_ids"].clone()).expect("ids");
    let mut seen = Vec::new();
    for offset in [0, 1000, 2000] {
        let (_, page) = lab
            .get(&format!("/order/certificate?sort=order_id&offset={offset}"))
            .await;
        assert_eq!(
            page["page"],
            json!({"total": 2_500, "limit": 1000, "offset": offset})
        );
        seen.extend(
            page["orders"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|order| order["id"].as_u64()),
        );
    }
    assert_eq!(seen, ids);
    let (_, newest) = lab
        .get("/order/certificate?limit=1&sort=-date_created")
        .await;
    assert_eq!(newest["orders"][0]["id"], json!(ids[2_499]));
    let filter = format!(
        "/order/certificate?filters%5Bcommon_name%5D=host-{}.example.com",
        ids[7]
    );
    assert_eq!(lab.get(&filter).await.1["page"]["total"], 1);
    lab.admin("/revoke", json!({"order_id": ids[7]})).await;
    let (_, revoked) = lab.get("/order/certificate?filters[status]=revoked").await;
    assert_eq!(revoked["orders"][0]["id"], json!(ids[7]));
    let (_, certificate) = lab.get(&format!("/order/certificate/{}", ids[3])).await;
    let serial = certificate["certificate"]["serial_number"]
        .as_str()
        .expect("text")
        .to_owned();
    let (_, found) = lab
        .get(&format!(
            "/order/certificate?filters[serial_number]={serial}"
        ))
        .await;
    assert_eq!(found["orders"][0]["id"], json!(ids[3]));
    assert_eq!(lab.get("/order/certificate?limit=1001").await.0, 400);
    assert_eq!(
        lab.get("/order/certificate?filters[nothing]=1").await.0,
        400
    );

    let (_, tagged) = lab.get("/order/alternate/a").await;
    let tagged_ids: Vec<&Value> = tagged["orders"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|o| &o["order_id"])
        .collect();
    assert_eq!(tagged_ids, [&json!(ids[0]), &json!(ids[2])]);
    assert_eq!(
        lab.get("/order/alternate/none").await,
        (
            200,
            json!({"orders": [], "page": {"total": 0, "limit": 1000, "offset": 0}})
        )
    );
    let (_, changes) = lab
        .get("/order/certificate/status-changes?minutes=10080")
        .await;
    assert_eq!(changes["orders"].as_array().expect("a list").len(), 2_500);
    let (status, long) = lab
        .get("/order/certificate/status-changes?minutes=10080&seconds=1")
        .await;
    assert_eq!(
        (status, &long["errors"][0]["code"]),
        (400, &json!("time_frame_too_long"))
    );
}

#[tokio::test]
async fn a_new_order_is_missing_from_the_indexes_for_the_lag_but_not_by_its_id() {
    let lab = Lab::with(Options {
        index_lag: Duration::from_secs(3_600),
        ..Options::default()
    })
    .await;
    let (_, placed) = lab
        .post(
            CLIENT,
            with(client_order(), "alternative_order_id", json!("tag")),
        )
        .await;
    assert_eq!(lab.get("/order/alternate/tag").await.1["orders"], json!([]));
    assert_eq!(lab.get("/order/certificate").await.1["page"]["total"], 0);
    assert_eq!(
        lab.get("/order/certificate/status-changes?minutes=5").await,
        (200, json!({}))
    );
    assert_eq!(
        lab.get(&format!("/order/certificate/{}", placed["id"]))
            .await
            .0,
        200
    );
    lab.admin("/options", json!({"index_lag_ms": 0})).await;
    assert_eq!(
        lab.get("/order/alternate/tag").await.1["orders"][0],
        json!({"order_id": placed["id"], "status": "needs_approval"})
    );
}

#[tokio::test]
async fn the_other_habits_of_the_service_can_be_asked_for() {
    let lab = Lab::new().await;
    let habits = json!({
        "unknown_alternative_id": "not_found",
        "second_revocation": "accepted",
        "certcentral_ids": "strings",
        "ncloud_names": "older",
    });
    lab.admin("/options", json!({"habits": habits})).await;
    let (status, answer) = lab.get("/order/alternate/none").await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (404, &json!("not_found|order"))
    );
    let (_, placed) = lab
        .post(CLIENT, with(client_order(), "skip_approval", json!(true)))
        .await;
    let id = placed["id"].as_str().expect("a string");
    assert!(placed["certificate_id"].is_string() && placed["requests"][0]["id"].is_string());
    let path = format!("/order/certificate/{id}/revoke");
    let revoke = json!({"comments": "x", "skip_approval": true});
    assert_eq!(lab.put(&path, revoke.clone()).await.0, 204);
    assert_eq!(lab.put(&path, revoke).await.0, 204);
    assert_eq!(lab.put(&path, json!({"comments": "x"})).await.0, 201);
    lab.admin("/seed", json!({"ncloud_orders": 1})).await;
    let (_, paid) = lab
        .ncloud("GET", "/certificate/getPaidCertificates", None)
        .await;
    let order = &paid["orders"][0];
    assert_eq!(
        (&order["orderID"], order.get("orderId")),
        (&json!("900001"), None)
    );
    assert_eq!(
        order["certificates"][0]["certificateTypeCode"],
        "NCP_PAID_DV_01"
    );
    lab.admin("/options", json!({"habits": {}})).await;
    assert_eq!(lab.get("/order/alternate/none").await.0, 200);
}

#[tokio::test]
async fn no_filter_text_breaks_the_list() {
    let lab = Lab::new().await;
    lab.admin("/seed", json!({"certcentral": 1})).await;
    for text in [
        "%25",
        "%25%25",
        "a%C3%A9",
        "%3E",
        "%3C%3D",
        "...",
        "%3E%C3%A9",
        "%FF",
    ] {
        for filter in ["date_created", "valid_till", "common_name", "search", "id"] {
            let path = format!("/order/certificate?filters[{filter}]={text}");
            let (status, list) = lab.get(&path).await;
            assert_eq!(status, 200, "{filter} {text} {list}");
        }
    }
}
