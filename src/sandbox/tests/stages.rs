//! CertCentral: approval, validation, issuance; renewals and reissues that come to nothing; funds.

use super::*;
use crate::sandbox::Approval;

async fn automatic() -> Lab {
    Lab::with(Options {
        approval: Approval::Automatic,
        ..Options::default()
    })
    .await
}

fn dv_order(method: &str) -> Value {
    let mut order = with(
        tls_order(&["shop.example.com", "www.shop.example.com"]),
        "dcv_method",
        json!(method),
    );
    order
        .as_object_mut()
        .expect("an object")
        .remove("organization");
    order
}

async fn status(lab: &Lab, id: &Value) -> String {
    let (_, info) = lab.get(&format!("/order/certificate/{id}")).await;
    info["status"].as_str().expect("a status").to_owned()
}

#[tokio::test]
async fn a_dv_order_with_a_token_is_approved_and_pending_until_it_is_validated() {
    let lab = automatic().await;
    let path = "/order/certificate/ssl_dv_geotrust";
    let (code, placed) = lab.post(path, dv_order("dns-txt-token")).await;
    assert_eq!(code, 201, "{placed}");
    assert_eq!(placed["requests"][0]["status"], "approved");
    assert!(placed["certificate_id"].is_u64() && placed.get("certificate_chain").is_none());
    let token = placed["dcv_random_value"].as_str().expect("a token");
    let domains = placed["domains"].as_array().expect("a list");
    let names: Vec<&Value> = domains.iter().map(|domain| &domain["name"]).collect();
    assert_eq!(names, ["shop.example.com", "www.shop.example.com"]);
    assert!(domains.iter().all(|domain| {
        domain["dcv_token"]["token"] == token && domain["dcv_token"]["status"] == "pending"
    }));

    let order = format!("/order/certificate/{}", placed["id"]);
    let (_, info) = lab.get(&order).await;
    assert_eq!(
        (&info["status"], &info["requests"][0]["status"]),
        (&json!("pending"), &json!("approved"))
    );
    assert_eq!(info["dcv_method"], "dns-txt-token");
    assert!(info.get("domains").is_none() && info.get("dcv_random_value").is_none());
    let (code, value) = lab
        .put(&format!("{order}/dcv-random-value"), json!({}))
        .await;
    assert_eq!((code, &value["dcv_random_value"]), (200, &json!(token)));
    assert_eq!(
        lab.put(
            &format!("{order}/revoke"),
            json!({"comments": "x", "skip_approval": true})
        )
        .await
        .0,
        400
    );

    lab.admin("/validate", json!({"order_id": placed["id"]}))
        .await;
    let (_, info) = lab.get(&order).await;
    assert_eq!(
        (&info["status"], &info["certificate"]["id"]),
        (&json!("issued"), &placed["certificate_id"])
    );
    assert!(info["certificate"]["serial_number"].is_string());
    assert_eq!(
        lab.put(&format!("{order}/dcv-random-value"), json!({}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn the_stages_follow_each_other_and_each_can_end_the_order() {
    let lab = Lab::new().await;
    let path = "/order/certificate/ssl_dv_geotrust";
    let order = with(dv_order("http-token"), "skip_approval", json!(false));
    let (_, placed) = lab.post(path, order.clone()).await;
    assert!(placed.get("certificate_id").is_none() && placed.get("dcv_random_value").is_none());
    assert_eq!(status(&lab, &placed["id"]).await, "needs_approval");
    let cancel = json!({"status": "canceled", "note": "no"});
    let cancel_path = format!("/order/certificate/{}/status", placed["id"]);
    assert_eq!(
        lab.put(&cancel_path, cancel.clone()).await.0,
        400,
        "what waits for approval is rejected, not canceled"
    );
    lab.admin("/approve", json!({"all": true})).await;
    assert_eq!(status(&lab, &placed["id"]).await, "pending");
    assert_eq!(lab.put(&cancel_path, cancel).await.0, 204);
    assert_eq!(status(&lab, &placed["id"]).await, "canceled");
    let (_, second) = lab.post(path, order).await;
    lab.admin("/approve", json!({"all": true})).await;
    let done = lab.admin("/validate", json!({"all": true})).await;
    assert_eq!(done["order_ids"], json!([second["id"]]));
    assert_eq!(status(&lab, &second["id"]).await, "issued");
    assert_eq!(
        read(lab.admin_request("/validate", &json!({"order_id": second["id"]})))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn with_validations_held_open_every_order_and_reissue_waits() {
    let lab = automatic().await;
    lab.admin("/options", json!({"validation": "open"})).await;
    let (_, client) = lab.post(CLIENT, client_order()).await;
    let (_, tls) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com"]),
        )
        .await;
    assert!(client.get("domains").is_none() && client.get("dcv_random_value").is_none());
    assert_eq!(tls["domains"][0]["name"], "a.example.com");
    assert!(
        tls["domains"][0].get("dcv_token").is_none(),
        "no method, no token"
    );
    for placed in [&client, &tls] {
        assert_eq!(status(&lab, &placed["id"]).await, "pending");
    }
    lab.admin("/validate", json!({"all": true})).await;
    let path = format!("/order/certificate/{}", tls["id"]);
    let before = lab.get(&path).await.1["certificate"]["id"].clone();
    let more =
        json!({"certificate": {"csr": csr().0, "dns_names": ["a.example.com", "b.example.com"]}});
    let (code, reissue) = lab.post(&format!("{path}/reissue"), more).await;
    assert_eq!(
        (code, &reissue["requests"][0]["status"]),
        (201, &json!("approved"))
    );
    let (_, info) = lab.get(&path).await;
    assert_eq!(
        (&info["status"], &info["certificate"]["id"]),
        (&json!("reissue_pending"), &before)
    );
    lab.admin("/validate", json!({"order_id": tls["id"]})).await;
    let (_, info) = lab.get(&path).await;
    assert_eq!(info["status"], "issued");
    assert_ne!(info["certificate"]["id"], before);
}

#[tokio::test]
async fn a_renewal_that_came_to_nothing_leaves_its_order_renewable() {
    let lab = Lab::new().await;
    let old = issued(&lab).await;
    lab.admin("/clock", json!({"advance": "300d"})).await;
    let renewal = with(client_order(), "renewal_of_order_id", json!(old));
    let path = format!("/order/certificate/{old}");
    let (_, first) = lab.post(CLIENT, renewal.clone()).await;
    assert_eq!(lab.get(&path).await.1["is_renewed"], true);
    let (code, again) = lab.post(CLIENT, renewal.clone()).await;
    assert_eq!(
        (code, &again["errors"][0]["code"]),
        (400, &json!("order_renewed_already"))
    );
    lab.admin("/reject", json!({"order_id": first["id"]})).await;
    assert_eq!(status(&lab, &first["id"]).await, "rejected");
    assert_eq!(lab.get(&path).await.1["is_renewed"], false);
    assert_eq!(lab.post(CLIENT, renewal).await.0, 201);
}

#[tokio::test]
async fn a_rejected_reissue_leaves_the_order_as_it_was_and_its_request_tells_of_it() {
    let lab = Lab::new().await;
    let id = issued(&lab).await;
    let path = format!("/order/certificate/{id}");
    let (_, before) = lab.get(&path).await;
    let body = json!({"certificate": {"csr": csr().0}});
    assert_eq!(lab.post(&format!("{path}/reissue"), body).await.0, 201);
    let (_, meanwhile) = lab.get(&path).await;
    assert_eq!(
        (&meanwhile["status"], &meanwhile["has_pending_request"]),
        (&json!("reissue_pending"), &json!(true))
    );
    lab.admin("/reject", json!({"order_id": id, "comment": "not now"}))
        .await;
    let (_, after) = lab.get(&path).await;
    assert_eq!(
        (&after["status"], &after["has_pending_request"]),
        (&json!("issued"), &json!(false))
    );
    assert_eq!(after["certificate"], before["certificate"]);
    let last = after["requests"]
        .as_array()
        .expect("a list")
        .last()
        .expect("a request");
    assert_eq!(
        (&last["type"], &last["status"]),
        (&json!("reissue"), &json!("rejected"))
    );
    let (_, list) = lab.get(&format!("{path}/reissue")).await;
    assert_eq!(list["certificates"][0]["status"], "rejected");
}

#[tokio::test]
async fn a_reissue_is_canceled_whether_its_request_was_granted_or_not() {
    for granted in [false, true] {
        let lab = Lab::new().await;
        let path = format!("/order/certificate/{}", issued(&lab).await);
        lab.admin("/options", json!({"validation": "open"})).await;
        let body = json!({"certificate": {"csr": csr().0}, "skip_approval": granted});
        assert_eq!(lab.post(&format!("{path}/reissue"), body).await.0, 201);
        let (_, during) = lab.get(&path).await;
        assert_eq!(during["status"], "reissue_pending", "{granted}");
        let cancel = json!({"status": "canceled", "note": "not now"});
        assert_eq!(lab.put(&format!("{path}/status"), cancel).await.0, 204);
        let (_, after) = lab.get(&path).await;
        assert_eq!(after["status"], "issued", "{granted}");
        let last = after["requests"].as_array().expect("a list").last();
        assert_eq!(last.expect("a request")["status"], "rejected", "{granted}");
    }
}

#[tokio::test]
async fn what_the_account_cannot_pay_is_refused() {
    let lab = Lab::new().await;
    lab.admin("/options", json!({"funds": "70.00"})).await;
    assert_eq!(
        lab.get("/finance/balance").await.1["total_available_funds"],
        "70.00"
    );
    assert_eq!(lab.post(CLIENT, client_order()).await.0, 201);
    issued(&lab).await;
    let (code, answer) = lab.post(CLIENT, client_order()).await;
    assert_eq!(
        (code, &answer["errors"][0]["code"]),
        (400, &json!("insufficient_funds"))
    );
    assert_eq!(lab.get("/finance/balance").await.1["balance"], "37.50");
    for wrong in ["", "1.5", "-3.00", "1,00", "1.+5"] {
        let refused = lab.admin_request("/options", &json!({"funds": wrong}));
        assert_eq!(read(refused).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_request_without_pem_lines_is_taken_too() {
    let lab = Lab::new().await;
    let (pem, _) = csr();
    let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let mut order = client_order();
    order["certificate"]["csr"] = json!(bare);
    assert_eq!(lab.post(CLIENT, order.clone()).await.0, 201);
    order["certificate"]["csr"] = json!(&bare[1..]);
    assert_eq!(lab.post(CLIENT, order).await.0, 400);
}
