//! CertCentral: what documents leave open, in its other forms, and faults of lists.

use super::*;

async fn with_habits(habits: Value) -> Lab {
    let lab = Lab::new().await;
    lab.admin("/options", json!({"habits": habits})).await;
    lab
}

fn ids(list: &Value, member: &str) -> Vec<Value> {
    let rows = list["orders"].as_array().expect("a list").iter();
    rows.map(|row| row[member].clone()).collect()
}

#[tokio::test]
async fn orders_that_wait_may_be_missing_from_lists_or_from_look_ups() {
    let lab = with_habits(json!({"waiting_orders": "unlisted"})).await;
    let tagged = with(client_order(), "alternative_order_id", json!("tag"));
    let (_, placed) = lab.post(CLIENT, tagged).await;
    assert_eq!(lab.get("/order/certificate").await.1["orders"], json!([]));
    let feed = "/order/certificate/status-changes?minutes=5";
    assert_eq!(lab.get(feed).await, (200, json!({})));
    let (_, found) = lab.get("/order/alternate/tag").await;
    assert_eq!(ids(&found, "order_id"), [placed["id"].clone()]);
    let (_, waiting) = lab.get("/request?filters[status]=pending").await;
    assert_eq!(
        waiting["requests"][0]["order"]["certificate"]["common_name"],
        "Locke Cole"
    );

    let habits = json!({"waiting_by_tag": "not_found", "request_orders": "id_only"});
    lab.admin("/options", json!({"habits": habits})).await;
    assert_eq!(lab.get("/order/alternate/tag").await.1["orders"], json!([]));
    let (_, list) = lab.get("/order/certificate").await;
    assert_eq!(ids(&list, "id"), [placed["id"].clone()]);
    let (_, waiting) = lab.get("/request?filters[status]=pending").await;
    assert_eq!(waiting["requests"][0]["order"], json!({"id": placed["id"]}));

    lab.admin("/approve", json!({"all": true})).await;
    let (_, found) = lab.get("/order/alternate/tag").await;
    assert_eq!(ids(&found, "order_id"), [placed["id"].clone()]);
}

#[tokio::test]
async fn orders_that_wait_may_be_listed_without_their_names() {
    let lab = with_habits(json!({"waiting_orders": "nameless"})).await;
    let (_, placed) = lab.post(CLIENT, client_order()).await;
    let (_, list) = lab.get("/order/certificate").await;
    let row = &list["orders"][0];
    assert_eq!(
        (&row["id"], &row["status"]),
        (&placed["id"], &json!("needs_approval"))
    );
    assert!(row["certificate"].get("common_name").is_none());
    assert!(row["certificate"].get("dns_names").is_none());
    assert_eq!(row["product"]["name_id"], "client_premium_sha2");
    let (_, info) = lab
        .get(&format!("/order/certificate/{}", placed["id"]))
        .await;
    assert_eq!(info["certificate"]["common_name"], "Locke Cole");
    lab.admin("/approve", json!({"all": true})).await;
    let (_, list) = lab.get("/order/certificate").await;
    assert_eq!(
        list["orders"][0]["certificate"]["common_name"],
        "Locke Cole"
    );
}

#[tokio::test]
async fn an_empty_list_may_be_nothing_or_null() {
    let lab = Lab::new().await;
    let id = issued(&lab).await;
    let lists = [
        ("/order/alternate/none".to_owned(), "orders"),
        ("/order/certificate?filters[id]=1".to_owned(), "orders"),
        ("/request?filters[status]=pending".to_owned(), "requests"),
        (format!("/order/certificate/{id}/duplicate"), "certificates"),
        (format!("/order/certificate/{id}/reissue"), "certificates"),
        (
            "/order/certificate/status-changes?seconds=0".to_owned(),
            "orders",
        ),
    ];
    let as_lists = json!({"habits": {"empty_feed": "as_lists"}});
    lab.admin("/options", as_lists).await;
    for (path, member) in &lists {
        assert_eq!(lab.get(path).await.1[*member], json!([]), "{path}");
    }
    lab.admin("/options", json!({"habits": {"empty_lists": "missing"}}))
        .await;
    for (path, _) in &lists {
        assert_eq!(lab.get(path).await, (200, json!({})), "{path}");
    }
    let null = json!({"habits": {"empty_lists": "null", "empty_feed": "as_lists"}});
    lab.admin("/options", null).await;
    for (path, member) in &lists {
        let (status, answer) = lab.get(path).await;
        assert_eq!((status, answer.get(*member)), (200, Some(&Value::Null)));
    }
    let (_, list) = lab.get("/order/certificate").await;
    assert_eq!(ids(&list, "id"), [json!(id)], "what is there stays a list");
}

#[tokio::test]
async fn a_revocation_beside_a_pending_one_is_a_second_request_or_refused() {
    let lab = Lab::new().await;
    let id = issued(&lab).await;
    let order = format!("/order/certificate/{id}");
    let certificate = lab.get(&order).await.1["certificate"]["id"].clone();
    let (whole, one) = (
        format!("{order}/revoke"),
        format!("/certificate/{certificate}/revoke"),
    );
    for path in [&one, &one, &whole] {
        assert_eq!(lab.put(path, json!({})).await.0, 201);
    }
    lab.admin(
        "/options",
        json!({"habits": {"revocation_beside_another": "refused"}}),
    )
    .await;
    for path in [&one, &whole] {
        let (status, answer) = lab.put(path, json!({"comments": ""})).await;
        assert_eq!(
            (status, &answer["errors"][0]["code"]),
            (400, &json!("revocation_pending"))
        );
    }
    lab.admin("/approve", json!({"all": true})).await;
    let ledger = lab.admin_get("/ledger").await;
    let died = ledger.as_array().expect("a list").iter().filter(|entry| {
        entry["provider"] == "sandbox" && entry["ids"]["certificate_ids"] == json!([certificate])
    });
    assert_eq!(died.count(), 1, "a certificate dies once: {ledger:#}");
    assert_eq!(lab.get(&order).await.1["status"], "revoked");
}

#[tokio::test]
async fn the_last_certificate_may_take_its_order_along() {
    let lab = with_habits(json!({"last_certificate_revoked": "revokes_order"})).await;
    let seeded = lab
        .admin(
            "/seed",
            json!({"certcentral": 1, "duplicates_per_order": 1}),
        )
        .await;
    let path = format!("/order/certificate/{}", seeded["certcentral_order_ids"][0]);
    let original = lab.get(&path).await.1["certificate"]["id"].clone();
    let (_, list) = lab.get(&format!("{path}/duplicate")).await;
    let skip = json!({"skip_approval": true});
    let duplicate = &list["certificates"][0]["id"];
    for (certificate, then) in [(&original, "issued"), (duplicate, "revoked")] {
        let revoke = format!("/certificate/{certificate}/revoke");
        assert_eq!(lab.put(&revoke, skip.clone()).await.0, 204);
        assert_eq!(lab.get(&path).await.1["status"], then);
    }
}

#[tokio::test]
async fn an_archived_duplicate_is_listed_on_demand_and_dies_with_its_order() {
    let lab = Lab::new().await;
    let seeded = lab
        .admin(
            "/seed",
            json!({"certcentral": 1, "duplicates_per_order": 2}),
        )
        .await;
    let path = format!("/order/certificate/{}", seeded["certcentral_order_ids"][0]);
    let duplicates = format!("{path}/duplicate");
    let (_, list) = lab.get(&duplicates).await;
    let id = list["certificates"][0]["id"].clone();
    lab.admin(
        "/edit",
        json!({"certificate_id": id, "archived": true, "valid_till": "2030-01-02"}),
    )
    .await;
    let (_, shown) = lab.get(&duplicates).await;
    assert_eq!(shown["certificates"].as_array().map(Vec::len), Some(1));
    let (_, all) = lab.get(&format!("{duplicates}?show_archived=true")).await;
    let row = &all["certificates"][0];
    assert_eq!(
        (&row["id"], &row["archived"], &row["valid_till"]),
        (&id, &json!("1"), &json!("2030-01-02"))
    );
    let (_, info) = lab.get(&path).await;
    assert_ne!(info["certificate"]["valid_till"], "2030-01-02");
    let died = lab.admin("/revoke", json!({"order_id": info["id"]})).await;
    assert_eq!(died["certificate_ids"].as_array().map(Vec::len), Some(3));
    for wrong in [
        json!({"valid_till": "2030-01-02"}),
        json!({"certificate_id": id, "product": "ssl_basic"}),
    ] {
        assert_eq!(read(lab.admin_request("/edit", &wrong)).await.0, 400);
    }
}

#[tokio::test]
async fn an_order_can_end_later_than_its_certificate() {
    let lab = Lab::new().await;
    let id = issued(&lab).await;
    let path = format!("/order/certificate/{id}");
    let certificate = lab.get(&path).await.1["certificate"]["id"].clone();
    lab.admin(
        "/edit",
        json!({"certificate_id": certificate, "valid_till": "2025-03-04"}),
    )
    .await;
    let (_, info) = lab.get(&path).await;
    assert_eq!(info["certificate"]["valid_till"], "2025-03-04");
    assert!(info["order_valid_till"].as_str() > Some("2026-01-01"));
    lab.admin(
        "/edit",
        json!({"order_id": id, "order_valid_till": "2031-01-01"}),
    )
    .await;
    let (_, info) = lab.get(&path).await;
    assert_eq!(
        (
            &info["certificate"]["valid_till"],
            &info["order_valid_till"]
        ),
        (&json!("2025-03-04"), &json!("2031-01-01"))
    );
}

#[tokio::test]
async fn order_info_may_repeat_the_tokens() {
    let lab = with_habits(json!({"order_info_tokens": "shown"})).await;
    let order = with(
        tls_order(&["a.example.com"]),
        "dcv_method",
        json!("dns-cname-token"),
    );
    let (_, placed) = lab.post("/order/certificate/ssl_dv_rapidssl", order).await;
    let (_, info) = lab
        .get(&format!("/order/certificate/{}", placed["id"]))
        .await;
    assert_eq!(
        (&info["domains"], &info["dcv_random_value"]),
        (&placed["domains"], &placed["dcv_random_value"])
    );
}

#[tokio::test]
async fn a_list_can_hold_more_than_was_asked_for() {
    let lab = Lab::new().await;
    let seeded = lab
        .admin(
            "/seed",
            json!({"certcentral": 2, "alternative_order_ids": ["a", "b"]}),
        )
        .await;
    let all = seeded["certcentral_order_ids"]
        .as_array()
        .expect("ids")
        .clone();
    lab.admin(
        "/faults",
        json!([{"match": {"path_contains": "/order/"}, "fault": "unfiltered", "times": 2}]),
    )
    .await;
    let (_, found) = lab.get("/order/alternate/a").await;
    assert_eq!(ids(&found, "order_id"), all);
    let (_, found) = lab
        .get("/order/certificate?filters[status]=revoked&sort=order_id")
        .await;
    assert_eq!(ids(&found, "id"), all);
    let (_, found) = lab.get("/order/alternate/a").await;
    assert_eq!(ids(&found, "order_id"), all[..1]);
}

#[tokio::test]
async fn an_answer_can_be_given_word_for_word_with_and_without_the_effect() {
    let lab = Lab::new().await;
    let body = json!({"errors": [{"code": "order_already_revoked", "message": "so it is"}]});
    lab.admin(
        "/faults",
        json!([
            {"match": {"method": "POST"}, "fault": "answer_before", "status": 201, "body": {"id": 7001}, "times": 1},
            {"match": {"method": "PUT"}, "fault": "answer_after", "status": 400, "body": body},
        ]),
    )
    .await;
    assert_eq!(
        lab.post(CLIENT, client_order()).await,
        (201, json!({"id": 7001}))
    );
    assert_eq!(lab.get("/order/certificate").await.1["page"]["total"], 0);
    let id = issued(&lab).await;
    let revoke = format!("/order/certificate/{id}/revoke");
    let answer = lab.put(&revoke, json!({"skip_approval": true})).await;
    assert_eq!(answer, (400, body));
    assert_eq!(
        lab.get(&format!("/order/certificate/{id}")).await.1["status"],
        "revoked"
    );
    assert_eq!(
        lab.effects().await,
        ["none", "order_created", "order_revoked"]
    );
}
