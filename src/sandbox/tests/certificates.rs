//! CertCentral: revocations, duplicates, reissues.

use super::*;

#[tokio::test]
async fn revocation_is_a_request_or_done_at_once() {
    let lab = Lab::new().await;
    let (first, second) = (issued(&lab).await, issued(&lab).await);
    let path = format!("/order/certificate/{first}/revoke");
    assert_eq!(lab.put(&path, json!({"comments": 7})).await.0, 400);
    let (status, request) = lab.put(&path, json!({"comments": "left"})).await;
    assert_eq!(status, 201);
    let members: Vec<&str> = request
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        ["comments", "date", "id", "requester", "status", "type"]
    );
    assert_eq!(
        (&request["type"], &request["status"]),
        (&json!("revoke"), &json!("pending"))
    );
    assert_eq!(
        lab.get(&format!("/order/certificate/{first}")).await.1["status"],
        "issued"
    );
    lab.admin("/approve", json!({"all": true})).await;
    let (_, revoked) = lab.get(&format!("/order/certificate/{first}")).await;
    assert_eq!(
        (&revoked["status"], &revoked["certificate"]["status"]),
        (&json!("revoked"), &json!("revoked"))
    );

    let path = format!("/order/certificate/{second}/revoke");
    let done = lab
        .put(&path, json!({"comment": "left", "skip_approval": true}))
        .await;
    assert_eq!(done, (204, Value::Null));
    let (status, again) = lab
        .put(&path, json!({"comment": "left", "skip_approval": true}))
        .await;
    assert_eq!(
        (status, &again["errors"][0]["code"]),
        (400, &json!("order_already_revoked"))
    );
    let (_, info) = lab.get(&format!("/order/certificate/{second}")).await;
    let types: Vec<&Value> = info["requests"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["type"])
        .collect();
    assert_eq!(
        types,
        ["new_request"],
        "no request object comes of a revocation without approval"
    );
    let ledger = lab.admin_get("/ledger").await;
    let spelling = |effect: &str| {
        let entry = ledger
            .as_array()
            .expect("a list")
            .iter()
            .find(|entry| entry["effect"] == effect && entry["provider"] == "certcentral");
        entry.expect("an entry")["comment_member"].clone()
    };
    assert_eq!(
        (spelling("revocation_requested"), spelling("order_revoked")),
        (json!("comments"), json!("comment"))
    );
}

#[tokio::test]
async fn one_certificate_is_revoked_by_its_serial_number_and_the_order_stays() {
    let lab = Lab::new().await;
    let id = issued(&lab).await;
    let (_, info) = lab.get(&format!("/order/certificate/{id}")).await;
    let serial = info["certificate"]["serial_number"]
        .as_str()
        .expect("text")
        .to_owned();
    let path = format!("/certificate/{serial}/revoke");
    assert_eq!(
        lab.put(&path, json!({"comments": "x", "skip_approval": true}))
            .await
            .0,
        204
    );
    let (_, info) = lab.get(&format!("/order/certificate/{id}")).await;
    assert_eq!(
        (&info["status"], &info["certificate"]["status"]),
        (&json!("issued"), &json!("revoked"))
    );
    assert_eq!(lab.put(&path, json!({"comments": "x"})).await.0, 400);
}

#[tokio::test]
async fn a_tls_certificate_is_capped_and_its_duplicates_are_listed_as_documented() {
    let lab = Lab::new().await;
    let (_, placed) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com", "b.example.com"]),
        )
        .await;
    assert_eq!(
        placed["certificate_chain"].as_array().map(Vec::len),
        Some(3)
    );
    let path = format!("/order/certificate/{}", placed["id"]);
    let (_, info) = lab.get(&path).await;
    assert_eq!(info["certificate"]["days_remaining"], 199);
    let wrong = json!({"certificate": {"common_name": "c.example.com", "csr": csr().0}});
    assert_eq!(lab.post(&format!("{path}/duplicate"), wrong).await.0, 400);
    let duplicate = json!({"certificate": {"csr": csr().0, "server_platform": {"id": 45}}, "skip_approval": true});
    let (status, made) = lab.post(&format!("{path}/duplicate"), duplicate).await;
    assert_eq!(
        (status, &made["id"], &made["sub_id"]),
        (201, &placed["id"], &json!("001"))
    );
    let waiting = json!({"certificate": {"csr": csr().0}});
    assert_eq!(lab.post(&format!("{path}/duplicate"), waiting).await.0, 201);
    let (_, list) = lab.get(&format!("{path}/duplicate")).await;
    let members = |row: &Value| {
        row.as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<String>>()
    };
    let mut all = [
        "id",
        "thumbprint",
        "serial_number",
        "common_name",
        "dns_names",
        "status",
        "date_created",
        "valid_from",
        "valid_till",
        "days_remaining",
        "csr",
        "server_platform",
        "signature_hash",
        "key_size",
        "ca_cert_id",
        "sub_id",
        "public_id",
        "archived",
        "user_id",
        "firstname",
        "lastname",
    ];
    all.sort_unstable();
    assert_eq!(members(&list["certificates"][0]), all);
    let unissued = [
        "thumbprint",
        "serial_number",
        "valid_from",
        "valid_till",
        "days_remaining",
    ];
    let fewer: Vec<&str> = all
        .into_iter()
        .filter(|name| !unissued.contains(name))
        .collect();
    assert_eq!(members(&list["certificates"][1]), fewer);
    assert_eq!(
        (
            &list["certificates"][0]["status"],
            &list["certificates"][0]["archived"]
        ),
        (&json!("approved"), &json!("0"))
    );
}

#[tokio::test]
async fn a_reissue_that_takes_a_name_away_revokes_what_came_before() {
    let lab = Lab::new().await;
    let (_, placed) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com", "b.example.com"]),
        )
        .await;
    let path = format!("/order/certificate/{}", placed["id"]);
    let same = json!({"certificate": {"csr": csr().0}});
    let (status, made) = lab.post(&format!("{path}/reissue"), same).await;
    assert_eq!((status, &made["id"]), (201, &placed["id"]));
    assert_eq!(lab.get(&path).await.1["status"], "reissue_pending");
    lab.admin("/approve", json!({"order_id": placed["id"]}))
        .await;
    let (_, info) = lab.get(&path).await;
    assert_eq!(
        (&info["status"], &info["certificate"]["status"]),
        (&json!("issued"), &json!("issued"))
    );
    assert_ne!(info["certificate"]["id"], placed["certificate_id"]);
    let fewer = json!({"certificate": {"csr": csr().0, "dns_names": ["a.example.com"]}, "skip_approval": true});
    assert_eq!(lab.post(&format!("{path}/reissue"), fewer).await.0, 201);
    let (_, list) = lab.get(&format!("{path}/reissue")).await;
    assert_eq!(
        (
            &list["certificates"][0]["status"],
            &list["certificates"][1]["status"]
        ),
        (&json!("revoked"), &json!("approved"))
    );
}
