//! ncloud: the signature, revocations that wait, lists.

use std::time::Duration;

use super::*;

const REVOKE: &str = "/certificate/revoke";

async fn seeded(delay: Duration) -> Lab {
    let lab = Lab::with(Options {
        ncloud_revoke_delay: delay,
        ..Options::default()
    })
    .await;
    let asked = json!({
        "ncloud_orders": 2, "certificates_per_order": 3, "ncloud_order_ids": ["1"], "first_certificate_no": 1,
    });
    assert_eq!(
        lab.admin("/seed", asked).await["ncloud_order_ids"],
        json!(["1", "900001"])
    );
    lab
}

async fn codes(lab: &Lab, order: &str) -> Vec<String> {
    let (_, info) = lab
        .ncloud("GET", &format!("/certificate/orders/{order}"), None)
        .await;
    let rows = info["certificates"].as_array().expect("a list").iter();
    rows.map(|row| row["statusCode"].as_str().expect("text").to_owned())
        .collect()
}

fn revocation(order: &str, number: u64) -> Option<Value> {
    Some(json!({"orderId": order, "certificateNo": number, "revokeType": "superseded"}))
}

#[tokio::test]
async fn a_revocation_is_requested_first_and_in_force_later() {
    let lab = seeded(Duration::from_secs(3_600)).await;
    let answer = lab.ncloud("POST", REVOKE, revocation("1", 1)).await;
    assert_eq!(
        answer,
        (
            200,
            json!({"returnCode": "0", "returnMessage": "Success", "totalRows": 1})
        )
    );
    assert_eq!(codes(&lab, "1").await, ["-7", "1", "1"]);
    let (_, again) = lab.ncloud("POST", REVOKE, revocation("1", 1)).await;
    assert_eq!(
        (&again["returnCode"], &again["totalRows"]),
        (&json!("26034"), &json!(0))
    );
    lab.admin("/options", json!({"ncloud_revoke_delay_ms": 0}))
        .await;
    let (_, rest) = lab.ncloud("POST", REVOKE, revocation("1", 0)).await;
    assert_eq!(rest["totalRows"], 2);
    assert_eq!(codes(&lab, "1").await, ["-7", "-5", "-5"]);
    assert_eq!(codes(&lab, "900001").await, ["1", "1", "1"]);
    assert_eq!(
        lab.effects().await,
        ["revocation_requested", "none", "revocation_requested"]
    );
}

#[tokio::test]
async fn the_wait_ends_by_itself() {
    let lab = seeded(Duration::from_millis(300)).await;
    lab.ncloud("POST", REVOKE, revocation("1", 2)).await;
    let mut seen = vec![codes(&lab, "1").await[1].clone()];
    while seen.last().is_some_and(|code| code == "-7") {
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen.push(codes(&lab, "1").await[1].clone());
    }
    assert_eq!(
        (
            seen.first().map(String::as_str),
            seen.last().map(String::as_str)
        ),
        (Some("-7"), Some("-5"))
    );
    let (_, paid) = lab
        .ncloud(
            "GET",
            "/certificate/getPaidCertificates?certificateName=shop-2",
            None,
        )
        .await;
    assert_eq!(
        (
            &paid["totalCount"],
            &paid["orders"][0]["certificates"][0]["statusCode"]
        ),
        (&json!(1), &json!("-5"))
    );
    assert!(paid["orders"][0]["certificates"][0]["revokeDate"].is_string());
}

#[tokio::test]
async fn wrong_members_and_unknown_targets_change_nothing() {
    let lab = seeded(Duration::ZERO).await;
    for body in [
        json!({"orderId": 1, "certificateNo": 1, "revokeType": "superseded"}),
        json!({"orderId": "1", "certificateNo": "1", "revokeType": "superseded"}),
        json!({"orderId": "1", "revokeType": "superseded"}),
        json!({"orderId": "1", "certificateNo": 1, "revokeType": "keyCompromise"}),
    ] {
        let (status, answer) = lab.ncloud("POST", REVOKE, Some(body)).await;
        assert_eq!((status, &answer["returnCode"]), (400, &json!("2000")));
    }
    for (order, number) in [("2", 1), ("1", 99)] {
        let (status, answer) = lab.ncloud("POST", REVOKE, revocation(order, number)).await;
        assert_eq!((status, &answer["returnCode"]), (200, &json!("1006")));
    }
    let (status, answer) = lab
        .ncloud(
            "POST",
            "/certificate/requestPaidCertificateIssuance",
            Some(json!({})),
        )
        .await;
    assert_eq!((status, &answer["returnCode"]), (200, &json!("1000")));
    assert_eq!(codes(&lab, "1").await, ["1", "1", "1"]);
}

#[tokio::test]
async fn the_gateway_checks_route_signature_and_clock() {
    let lab = seeded(Duration::ZERO).await;
    let (now, path) = (
        jiff::Timestamp::now().as_millisecond(),
        "/certificate/orders?page=1&pageSize=20",
    );
    let secret = "sandbox-ncloud-secret-key";
    assert_eq!(
        read(lab.signed("GET", path, None, now, secret)).await.0,
        200
    );
    let wrong = "Invalid authentication information.";
    for request in [
        lab.signed("GET", path, None, now, "another"),
        lab.signed("GET", path, None, now - 301_000, secret),
        lab.signed("GET", path, None, now + 301_000, secret),
    ] {
        let (status, answer) = read(request).await;
        assert_eq!(
            (
                status,
                &answer["error"]["errorCode"],
                &answer["error"]["details"]
            ),
            (401, &json!("200"), &json!(wrong))
        );
    }
    let signed = lab
        .signed("GET", path, None, now, secret)
        .build()
        .expect("a request");
    let mut moved = signed.try_clone().expect("a copy");
    moved.url_mut().set_query(Some("page=2&pageSize=20"));
    assert_eq!(
        lab.client
            .execute(moved)
            .await
            .expect("an answer")
            .status()
            .as_u16(),
        401
    );
    let answer = lab.client.execute(signed).await.expect("an answer");
    assert!(answer.headers().contains_key("x-ncp-trace-id"));
    let (status, answer) = read(
        lab.client
            .get(format!("{}{path}", lab.sandbox.ncloud_url())),
    )
    .await;
    assert_eq!(
        (status, &answer["error"]["details"]),
        (401, &json!("Authentication information are missing."))
    );
    let (status, answer) = lab.ncloud("GET", "/certificate/nothing", None).await;
    assert_eq!(
        (status, &answer["error"]["errorCode"]),
        (404, &json!("300"))
    );
}

#[tokio::test]
async fn lists_are_paged_and_recent_changes_want_one_window() {
    let lab = seeded(Duration::ZERO).await;
    let (_, all) = lab.ncloud("GET", "/certificate/orders", None).await;
    assert_eq!(
        (&all["totalCount"], all["orders"].as_array().map(Vec::len)),
        (&json!(2), Some(2))
    );
    let (_, page) = lab
        .ncloud("GET", "/certificate/orders?page=2&pageSize=1", None)
        .await;
    assert_eq!(
        (&page["totalCount"], &page["orders"][0]["orderId"]),
        (&json!(2), &json!("900001"))
    );
    let (_, rows) = lab
        .ncloud("GET", "/certificate/certificates?page=2&pageSize=4", None)
        .await;
    assert_eq!(rows["sslCertificateList"].as_array().map(Vec::len), Some(2));
    let (_, changes) = lab
        .ncloud("GET", "/certificate/recentChanges?minutes=60", None)
        .await;
    assert_eq!(changes["totalCount"], 6);
    let (_, none) = lab
        .ncloud(
            "GET",
            "/certificate/recentChanges?minutes=60&seconds=1",
            None,
        )
        .await;
    assert_eq!(
        (&none["returnCode"], &none["totalCount"]),
        (&json!("0"), &json!(0))
    );
    assert_eq!(
        lab.ncloud("GET", "/certificate/recentChanges", None)
            .await
            .1["returnCode"],
        "2101"
    );
    assert_eq!(
        lab.ncloud("GET", "/certificate/recentChanges?minutes=10081", None)
            .await
            .1["returnCode"],
        "2000"
    );
}
