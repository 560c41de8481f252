//! The clock that can be moved, and what follows it: dates, ends, windows, and what the CA does by itself.

use super::*;

/// Everything is issued at once, and it is noon of this day.
async fn on(day: &str) -> Lab {
    let lab = Lab::new().await;
    lab.admin("/options", json!({"approval": "automatic"}))
        .await;
    let moved = lab
        .admin("/clock", json!({"to": format!("{day}T12:00:00Z")}))
        .await;
    assert!(moved["now"].as_str().expect("a time").starts_with(day));
    lab
}

async fn order(lab: &Lab, product: &str, body: Value) -> Value {
    let path = format!("/order/certificate/{product}");
    let (status, answer) = lab.post(&path, body).await;
    assert_eq!(status, 201, "{answer}");
    answer["id"].clone()
}

async fn tls(lab: &Lab) -> Value {
    order(lab, "ssl_basic", tls_order(&["a.example.com"])).await
}

async fn advance(lab: &Lab, by: &str) -> Value {
    lab.admin("/clock", json!({"advance": by})).await
}

async fn info(lab: &Lab, id: &Value) -> Value {
    let (status, info) = lab.get(&format!("/order/certificate/{id}")).await;
    assert_eq!(status, 200, "{info}");
    info
}

async fn reissue(lab: &Lab, id: &Value) -> (u16, Value) {
    let body = json!({"certificate": {"csr": csr().0}, "skip_approval": true});
    lab.post(&format!("/order/certificate/{id}/reissue"), body)
        .await
}

/// The code of the refusal of a renewal, or "none".
async fn renewal(lab: &Lab, id: &Value) -> String {
    let body = with(
        tls_order(&["a.example.com"]),
        "renewal_of_order_id",
        id.clone(),
    );
    let (status, answer) = lab.post("/order/certificate/ssl_basic", body).await;
    match answer["errors"][0]["code"].as_str() {
        Some(code) => {
            assert_eq!(status, 400);
            code.to_owned()
        }
        None => "none".to_owned(),
    }
}

async fn row(lab: &Lab, id: &Value) -> Value {
    let (_, list) = lab
        .get(&format!("/order/certificate?filters[id]={id}"))
        .await;
    list["orders"][0].clone()
}

#[tokio::test]
async fn a_certificate_lives_as_long_as_browsers_allow_on_the_day_of_its_issue() {
    for (day, product, till) in [
        ("2026-12-01", "ssl_basic", "2027-06-18"),
        ("2027-03-14", "ssl_basic", "2027-09-29"),
        ("2027-03-15", "ssl_basic", "2027-06-22"),
        ("2029-03-14", "ssl_dv_rapidssl", "2029-06-21"),
        ("2029-03-15", "ssl_dv_rapidssl", "2029-04-30"),
        // Nobody outside trusts it.
        ("2029-03-15", "private_ssl_plus", "2030-03-15"),
    ] {
        let lab = on(day).await;
        let id = order(&lab, product, tls_order(&["a.example.com"])).await;
        let shown = info(&lab, &id).await;
        assert_eq!(shown["certificate"]["valid_from"], day);
        assert_eq!(shown["certificate"]["valid_till"], till, "{product}, {day}");
    }
}

#[tokio::test]
async fn dates_expiries_and_the_header_follow_the_clock() {
    let lab = on("2026-12-01").await;
    let id = tls(&lab).await;
    let moved = advance(&lab, "170d").await;
    assert_eq!(moved["now"], lab.admin_get("/clock").await["now"]);
    let response = lab.request("GET", "/user/me", None).send().await;
    let date = response.expect("an answer").headers()["date"].clone();
    let date = date.to_str().expect("text");
    assert!(date.starts_with("Thu, 20 May 2027 12:0"), "{date}");
    assert_eq!(row(&lab, &id).await["certificate"]["days_remaining"], 29);
    assert_eq!(row(&lab, &id).await["order_valid_till"], "2027-12-01");
    advance(&lab, "30d").await;
    // Over, and shown as issued all the same.
    let shown = row(&lab, &id).await;
    assert_eq!(shown["certificate"]["days_remaining"], -1);
    assert_eq!(shown["status"], "issued");
    let other = tls(&lab).await;
    let created = info(&lab, &other).await["date_created"].clone();
    assert!(created.as_str().expect("a time").starts_with("2027-06-19"));
    let (_, feed) = lab.get("/order/certificate/status-changes?minutes=5").await;
    assert_eq!(feed["orders"].as_array().map(Vec::len), Some(1));
    let ledger = lab.admin_get("/ledger").await;
    let last = ledger.as_array().expect("a list").last().expect("an entry");
    assert!(
        last["time"]
            .as_str()
            .expect("a time")
            .starts_with("2027-06-19")
    );
}

#[tokio::test]
async fn a_clock_goes_back_only_while_nothing_was_sold_and_nowhere_silly() {
    let lab = on("2030-01-01").await;
    advance(&lab, "-2y").await;
    assert!(
        lab.admin_get("/clock").await["now"]
            .as_str()
            .expect("a time")
            .starts_with("2028-01-01")
    );
    tls(&lab).await;
    for wrong in [
        json!({"advance": "-1s"}),
        json!({"to": "2027-01-01"}),
        json!({"advance": "soon"}),
        json!({"advance": "99999y"}),
        json!({"to": "tomorrow"}),
        json!({"advance": "1d", "to": "2030-01-01"}),
        json!({}),
        json!({"advance": 3}),
    ] {
        let (status, answer) = read(lab.admin_request("/clock", &wrong)).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    assert!(
        lab.admin_get("/clock").await["now"]
            .as_str()
            .expect("a time")
            .starts_with("2028-01-01")
    );
}

#[tokio::test]
async fn a_reissue_ends_with_its_lifetime_or_its_order_and_leaves_the_old_one_in_force() {
    let lab = on("2026-12-01").await;
    let id = tls(&lab).await;
    let first = info(&lab, &id).await["certificate"]["id"].clone();
    for (by, till) in [("170d", "2027-08-27"), ("170d", "2027-12-01")] {
        advance(&lab, by).await;
        assert_eq!(reissue(&lab, &id).await.0, 201);
        assert_eq!(info(&lab, &id).await["certificate"]["valid_till"], till);
        assert_eq!(row(&lab, &id).await["certificate"]["valid_till"], till);
    }
    let shown = info(&lab, &id).await;
    assert_ne!(shown["certificate"]["id"], first);
    let (_, list) = lab.get(&format!("/order/certificate/{id}/reissue")).await;
    let statuses = [
        &list["certificates"][0]["status"],
        &list["certificates"][1]["status"],
    ];
    assert_eq!(statuses, ["approved", "approved"]);
    let revoked = lab
        .put(
            &format!("/certificate/{first}/revoke"),
            json!({"skip_approval": true}),
        )
        .await;
    assert_eq!(revoked.0, 204, "the first one was in force until now");
}

#[tokio::test]
async fn a_reissue_may_bring_no_longer_validity() {
    let lab = on("2026-12-01").await;
    let id = tls(&lab).await;
    lab.admin("/options", json!({"reissue_gain": "none"})).await;
    advance(&lab, "100d").await;
    assert_eq!(reissue(&lab, &id).await.0, 201);
    assert_eq!(
        info(&lab, &id).await["certificate"]["valid_till"],
        "2027-06-18"
    );
    lab.admin("/options", json!({"reissue_gain": "full"})).await;
    assert_eq!(reissue(&lab, &id).await.0, 201);
    assert_ne!(
        info(&lab, &id).await["certificate"]["valid_till"],
        "2027-06-18"
    );
}

#[tokio::test]
async fn an_order_is_renewed_once_from_ninety_days_before_its_end_until_then() {
    let lab = on("2026-12-01").await;
    let id = tls(&lab).await;
    assert_eq!(renewal(&lab, &id).await, "renewal_window_closed");
    lab.admin("/clock", json!({"to": "2027-09-01"})).await;
    assert_eq!(renewal(&lab, &id).await, "renewal_window_closed");
    lab.admin("/clock", json!({"to": "2027-12-02"})).await;
    assert_eq!(renewal(&lab, &id).await, "cannot_renew_expired_order");
    assert_eq!(info(&lab, &id).await["is_renewed"], false);

    for day in ["2027-09-02", "2027-12-01T23:00:00Z"] {
        let lab = on("2026-12-01").await;
        let id = tls(&lab).await;
        lab.admin("/clock", json!({"to": day})).await;
        assert_eq!(renewal(&lab, &id).await, "none", "{day}");
        assert_eq!(renewal(&lab, &id).await, "order_renewed_already");
        let shown = info(&lab, &id).await;
        assert_eq!(shown["is_renewed"], true);
        let next = &shown["renewed_order_id"];
        assert_eq!(info(&lab, next).await["renewal_of_order_id"], id);
        assert_eq!(row(&lab, &id).await["is_renewed"], true);
    }
    let lab = on("2026-12-01").await;
    let id = tls(&lab).await;
    lab.admin("/options", json!({"habits": {"renewals": "any_time"}}))
        .await;
    assert_eq!(renewal(&lab, &id).await, "none");
}

#[tokio::test]
async fn the_ca_renews_and_reissues_by_itself_thirty_days_before_an_end() {
    let lab = on("2026-12-01").await;
    let body = with(tls_order(&["a.example.com"]), "auto_renew", json!(1));
    let body = with(body, "auto_reissue", json!(1));
    let id = order(
        &lab,
        "ssl_basic",
        with(body.clone(), "alternative_order_id", json!("tag")),
    )
    .await;
    let paid_by_card = order(
        &lab,
        "ssl_basic",
        with(body, "payment_method", json!("card")),
    )
    .await;
    let plain = tls(&lab).await;
    // The certificate ends on 2027-06-18.
    assert_eq!(advance(&lab, "168d").await["acted"], json!([]));
    let acted = advance(&lab, "1d").await;
    assert_eq!(acted["acted"][0]["effect"], "auto_reissued");
    assert_eq!(acted["acted"][0]["order_id"], id);
    assert_eq!(
        info(&lab, &id).await["certificate"]["valid_till"],
        "2027-08-26"
    );
    // One leap over what is left of three years: one renewal, and each reissue on its day.
    let acted = lab.admin("/clock", json!({"to": "2029-06-01"})).await;
    let effects: Vec<&str> = acted["acted"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["effect"].as_str().expect("text"))
        .collect();
    assert_eq!(
        effects.iter().filter(|one| **one == "auto_renewed").count(),
        1
    );
    let shown = info(&lab, &id).await;
    assert_eq!(shown["is_renewed"], true);
    let next = info(&lab, &shown["renewed_order_id"]).await;
    assert!(
        next["date_created"]
            .as_str()
            .expect("a time")
            .starts_with("2027-11-01")
    );
    assert_eq!(next["order_valid_till"], "2028-11-01");
    assert_eq!(
        (&next["auto_renew"], &next["certificate"]["csr"]),
        (&json!(0), &shown["certificate"]["csr"])
    );
    assert!(next.get("alternative_order_id").is_none());
    assert_eq!(
        next["certificate"]["valid_till"], "2028-11-01",
        "its reissues, of 99 days each, ended with it"
    );
    assert!(next["reissues_count"].as_u64() > Some(3), "{next}");
    for other in [paid_by_card, plain] {
        let shown = info(&lab, &other).await;
        assert_eq!(
            (&shown["is_renewed"], &shown["reissues_count"]),
            (&json!(false), &json!(0))
        );
    }
    let ledger = lab.admin_get("/ledger").await;
    let told = ledger
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["effect"] == "auto_renewed");
    assert_eq!(
        told.map(|one| &one["ids"]["order_id"]).collect::<Vec<_>>(),
        [&json!(shown["renewed_order_id"].to_string())]
    );
}

#[tokio::test]
async fn what_the_ca_cannot_do_by_itself_it_leaves() {
    let lab = on("2026-12-01").await;
    let both = json!({"auto_renew": 3, "auto_reissue": true});
    let edited = |id: &Value| {
        let mut edit = both.clone();
        edit["order_id"] = id.clone();
        edit
    };
    let (poor, dead) = (tls(&lab).await, tls(&lab).await);
    for id in [&poor, &dead] {
        lab.admin("/edit", edited(id)).await;
        assert_eq!(info(&lab, id).await["auto_renew"], 3);
        assert_eq!(info(&lab, id).await["auto_reissue"], true);
    }
    lab.admin("/revoke", json!({"order_id": dead})).await;
    lab.admin("/options", json!({"funds": "0.00", "reissue_gain": "none"}))
        .await;
    assert_eq!(advance(&lab, "364d").await["acted"], json!([]));
    assert_eq!(info(&lab, &poor).await["is_renewed"], false);
    lab.admin("/options", json!({"funds": "9999.00"})).await;
    assert_eq!(
        advance(&lab, "1d").await["acted"][0]["effect"],
        "auto_renewed"
    );
}

#[tokio::test]
async fn a_moved_clock_is_kept_in_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let keeping = || Options {
        data: Some(folder.path().to_owned()),
        ..Options::default()
    };
    for by in ["170d", "30d"] {
        let lab = Lab::with(keeping()).await;
        advance(&lab, by).await;
        lab.sandbox.stop().await;
    }
    let lab = Lab::with(keeping()).await;
    let ahead = lab.admin_get("/clock").await["ahead_seconds"]
        .as_i64()
        .expect("a number");
    assert_eq!((ahead + 60) / 86_400, 200);
}

#[tokio::test]
async fn ncloud_follows_the_clock_and_takes_a_signature_by_either() {
    let lab = Lab::new().await;
    let seeded = lab.admin("/seed", json!({"ncloud_orders": 1})).await;
    let order = format!(
        "/certificate/orders/{}",
        seeded["ncloud_order_ids"][0].as_str().expect("an id")
    );
    advance(&lab, "366d").await;
    let (_, shown) = lab.ncloud("GET", &order, None).await;
    let left = shown["remainingDays"].as_i64().expect("a number");
    assert!((-2..0).contains(&left), "{shown}");
    assert_eq!(shown["certificates"][0]["statusCode"], "-2");
    let ahead = lab.admin_get("/clock").await["ahead_seconds"]
        .as_i64()
        .expect("a number");
    let now = jiff::Timestamp::now().as_millisecond();
    for (time, status) in [(now + ahead * 1000, 200), (now + ahead * 500, 401)] {
        let request = lab.signed("GET", &order, None, time, "sandbox-ncloud-secret-key");
        assert_eq!(read(request).await.0, status);
    }
}

#[tokio::test]
async fn a_validation_is_used_again_for_199_days() {
    let lab = on("2026-12-01").await;
    lab.admin("/options", json!({"validation": "expiring"}))
        .await;
    let id = tls(&lab).await;
    let status = async |id: &Value| info(&lab, id).await["status"].clone();
    let duplicate = async || {
        let body = json!({"certificate": {"csr": csr().0}, "skip_approval": true});
        lab.post(&format!("/order/certificate/{id}/duplicate"), body)
            .await
    };
    advance(&lab, "199d").await;
    assert_eq!(reissue(&lab, &id).await.0, 201);
    assert_eq!(
        (status(&id).await, duplicate().await.0),
        (json!("issued"), 201)
    );
    advance(&lab, "1d").await;
    let (code, refused) = duplicate().await;
    assert_eq!(
        (code, &refused["errors"][0]["code"]),
        (400, &json!("dcv_expired"))
    );
    reissue(&lab, &id).await;
    assert_eq!(status(&id).await, "reissue_pending");
    // Another name is not concerned, another order of the same name is, and a wildcard of it too.
    let names = ["b.example.com", "*.a.example.com", "A.example.com"];
    let mut waits = Vec::new();
    for name in names {
        let other = order(&lab, "ssl_basic", tls_order(&[name])).await;
        waits.push(status(&other).await);
    }
    assert_eq!(waits, ["issued", "pending", "pending"]);
    lab.admin("/validate", json!({"order_id": id})).await;
    assert_eq!(
        (status(&id).await, duplicate().await.0),
        (json!("issued"), 201)
    );
    let later = tls(&lab).await;
    assert_eq!(status(&later).await, "issued");
}

#[tokio::test]
async fn days_of_validations_are_kept_in_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let keeping = || Options {
        data: Some(folder.path().to_owned()),
        approval: crate::sandbox::Approval::Automatic,
        ..Options::default()
    };
    let lab = Lab::with(keeping()).await;
    tls(&lab).await;
    lab.sandbox.stop().await;
    let lab = Lab::with(keeping()).await;
    advance(&lab, "200d").await;
    lab.sandbox.stop().await;
    let lab = Lab::with(keeping()).await;
    lab.admin("/options", json!({"validation": "expiring"}))
        .await;
    let id = tls(&lab).await;
    assert_eq!(info(&lab, &id).await["status"], "pending");
}
