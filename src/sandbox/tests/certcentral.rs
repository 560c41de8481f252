//! CertCentral: orders, approvals, revocations, lists, keys, limits.

use std::time::Duration;

use x509_parser::prelude::FromDer as _;

use super::*;
use crate::sandbox::{Approval, RateLimits};

const CLIENT: &str = "/order/certificate/client_premium_sha2";

fn tls_order(names: &[&str]) -> Value {
    json!({
        "certificate": {"common_name": names[0], "dns_names": names, "csr": csr().0, "signature_hash": "sha256"},
        "organization": {"id": 112_233},
        "order_validity": {"years": 1},
        "skip_approval": true,
    })
}

async fn issued(lab: &Lab) -> u64 {
    let (status, answer) = lab
        .post(CLIENT, with(client_order(), "skip_approval", json!(true)))
        .await;
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_u64().expect("an id")
}

#[tokio::test]
async fn an_order_waits_for_approval_and_becomes_a_certificate_with_the_requested_key() {
    let lab = Lab::new().await;
    let (pem, key) = csr();
    let mut order = with(client_order(), "alternative_order_id", json!("tag-1"));
    order["certificate"]["csr"] = json!(pem);
    let (status, placed) = lab.post(CLIENT, order).await;
    assert_eq!(
        (status, &placed["requests"][0]["status"]),
        (201, &json!("pending"))
    );
    assert!(placed.get("certificate_id").is_none() && placed.get("certificate_chain").is_none());
    let (id, request) = (
        placed["id"].to_string(),
        placed["requests"][0]["id"].to_string(),
    );

    let (_, before) = lab.get(&format!("/order/certificate/{id}")).await;
    assert_eq!(before["status"], "pending");
    assert!(
        before["certificate"].get("id").is_none()
            && before["certificate"].get("serial_number").is_none()
    );

    let approval = lab
        .put(
            &format!("/request/{request}/status"),
            json!({"status": "approved"}),
        )
        .await;
    assert_eq!(approval, (204, Value::Null));
    let again = lab
        .put(
            &format!("/request/{request}/status"),
            json!({"status": "rejected"}),
        )
        .await;
    assert_eq!(
        (again.0, &again.1["errors"][0]["code"]),
        (400, &json!("request_already_processed"))
    );

    let (_, info) = lab.get(&format!("/order/certificate/{id}")).await;
    assert_eq!(
        (&info["status"], &info["alternative_order_id"]),
        (&json!("issued"), &json!("tag-1"))
    );
    assert_eq!(info["certificate"]["csr"], json!(pem));
    assert_eq!(info["price"], json!(32.5));
    let certificate = info["certificate"]["id"].to_string();
    let download = lab.request(
        "GET",
        &format!("/certificate/{certificate}/download/format/pem_all"),
        None,
    );
    let chain = download
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----\r\n").count(), 2);
    let (rest, leaf) = x509_parser::pem::parse_x509_pem(chain.as_bytes()).expect("PEM");
    let leaf = leaf.parse_x509().expect("a certificate");
    let (_, ca) = x509_parser::pem::parse_x509_pem(rest).expect("PEM");
    let ca = ca.parse_x509().expect("a certificate");
    leaf.verify_signature(Some(ca.public_key()))
        .expect("signed by the CA");
    assert_eq!(
        leaf.public_key().subject_public_key.data.as_ref(),
        key.public_key_raw()
    );
    let serial = data_encoding::HEXUPPER.encode(leaf.raw_serial());
    assert_eq!(info["certificate"]["serial_number"], json!(serial));
    let emails = leaf
        .subject_alternative_name()
        .expect("readable")
        .expect("present");
    let emails: Vec<String> = emails
        .value
        .general_names
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(emails, ["RFC822Name(locke.cole@example.com)"]);

    for name in [
        serial.to_lowercase(),
        info["certificate"]["thumbprint"]
            .as_str()
            .expect("text")
            .to_owned(),
    ] {
        assert_eq!(
            lab.get(&format!("/order/certificate/{name}")).await.1["id"].to_string(),
            id
        );
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_refused_with_every_member_named() {
    let lab = Lab::new().await;
    let (status, answer) = lab
        .post(CLIENT, json!({"certificate": {"emails": [], "csr": "x"}}))
        .await;
    let codes: Vec<&str> = answer["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|error| error["code"].as_str())
        .collect();
    assert_eq!(status, 400);
    assert_eq!(
        codes,
        [
            "required_param:certificate.emails",
            "required_param:certificate.common_name",
            "required_param:certificate.signature_hash",
            "csr_invalid_cannot_parse",
            "required_param:organization.id",
            "required_param:validity_years",
        ]
    );
    for (member, value, code) in [
        ("validity_years", json!(3), "invalid_value:validity_years"),
        ("validity_years", json!("1"), "invalid_value:validity_years"),
        (
            "custom_expiration_date",
            json!("2027-01-01"),
            "invalid_value:order_validity",
        ),
        (
            "renewal_of_order_id",
            json!(1),
            "invalid_value:renewal_of_order_id",
        ),
        (
            "payment_method",
            json!("gold"),
            "invalid_value:payment_method",
        ),
        (
            "custom_fields",
            json!({"metadata_id": 1}),
            "invalid_custom_field_value",
        ),
        ("skip_approval", json!("yes"), "invalid_value:skip_approval"),
    ] {
        let (status, answer) = lab.post(CLIENT, with(client_order(), member, value)).await;
        assert_eq!(
            (status, &answer["errors"][0]["code"]),
            (400, &json!(code)),
            "{answer}"
        );
    }
    let mut far = client_order();
    far.as_object_mut()
        .expect("an object")
        .remove("validity_years");
    let date = crate::sandbox::clock::plus_days(crate::sandbox::clock::today(), 826).to_string();
    let (_, answer) = lab
        .post(
            CLIENT,
            with(far.clone(), "custom_expiration_date", json!(date)),
        )
        .await;
    assert_eq!(
        answer["errors"][0]["code"],
        "invalid_value:custom_expiration_date"
    );
    let date = crate::sandbox::clock::plus_days(crate::sandbox::clock::today(), 825).to_string();
    assert_eq!(
        lab.post(CLIENT, with(far, "custom_expiration_date", json!(date)))
            .await
            .0,
        201
    );
    let (status, answer) = lab.post("/order/certificate/gold", client_order()).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (404, &json!("not_found|product"))
    );
    assert_eq!(
        lab.effects()
            .await
            .iter()
            .filter(|effect| *effect == "order_created")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_csr_whose_signature_is_wrong_is_refused() {
    let lab = Lab::new().await;
    let der = x509_parser::pem::parse_x509_pem(csr().0.as_bytes())
        .expect("PEM")
        .1
        .contents;
    let mut broken = der.clone();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let (_, request) =
        x509_parser::certification_request::X509CertificationRequest::from_der(&broken)
            .expect("still a request");
    assert!(request.verify_signature().is_err());
    let body = data_encoding::BASE64.encode(&broken);
    let pem =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
    let mut order = client_order();
    order["certificate"]["csr"] = json!(pem);
    let (status, answer) = lab.post(CLIENT, order).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (400, &json!("csr_invalid_cannot_parse"))
    );
}

#[tokio::test]
async fn revocation_is_a_request_or_done_at_once() {
    let lab = Lab::new().await;
    let (first, second) = (issued(&lab).await, issued(&lab).await);
    let path = format!("/order/certificate/{first}/revoke");
    assert_eq!(lab.put(&path, json!({})).await.0, 400);
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
    assert_eq!(
        lab.get("/order/certificate/status-changes?minutes=10080&seconds=1")
            .await
            .0,
        400
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
        lab.get("/order/certificate/status-changes?minutes=5")
            .await
            .1["orders"],
        json!([])
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
        json!({"order_id": placed["id"], "status": "pending"})
    );
}

#[tokio::test]
async fn an_order_without_a_csr_waits_for_pickup_and_can_be_canceled() {
    let lab = Lab::with(Options {
        approval: Approval::Automatic,
        ..Options::default()
    })
    .await;
    let mut order = client_order();
    order["certificate"]
        .as_object_mut()
        .expect("an object")
        .remove("csr");
    let (_, placed) = lab.post(CLIENT, order).await;
    assert!(placed["certificate_id"].is_u64() && placed.get("certificate_chain").is_none());
    let path = format!("/order/certificate/{}", placed["id"]);
    assert_eq!(lab.get(&path).await.1["status"], "waiting_pickup");
    assert_eq!(
        lab.put(&format!("{path}/revoke"), json!({"comment": "x"}))
            .await
            .0,
        400
    );
    assert_eq!(
        lab.put(
            &format!("{path}/status"),
            json!({"status": "CANCELED", "note": "not needed"})
        )
        .await
        .0,
        204
    );
    let (_, info) = lab.get(&path).await;
    assert_eq!(
        (&info["status"], &info["notes"][0]["text"]),
        (&json!("canceled"), &json!("not needed"))
    );
}

#[tokio::test]
async fn a_rejected_order_is_rejected_and_a_second_renewal_refused() {
    let lab = Lab::new().await;
    let (_, placed) = lab.post(CLIENT, client_order()).await;
    lab.admin(
        "/reject",
        json!({"request_id": placed["requests"][0]["id"], "comment": "no"}),
    )
    .await;
    assert_eq!(
        lab.get(&format!("/order/certificate/{}", placed["id"]))
            .await
            .1["status"],
        "rejected"
    );
    let renewed = issued(&lab).await;
    let renewal = || with(client_order(), "renewal_of_order_id", json!(renewed));
    assert_eq!(lab.post(CLIENT, renewal()).await.0, 201);
    let (status, answer) = lab.post(CLIENT, renewal()).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (400, &json!("order_renewed_already"))
    );
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
        Some(2)
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

#[tokio::test]
async fn a_domain_validated_order_has_an_empty_array_for_its_organization_and_money_is_text() {
    let lab = Lab::new().await;
    let mut order = tls_order(&["a.example.com"]);
    order
        .as_object_mut()
        .expect("an object")
        .remove("organization");
    assert_eq!(
        lab.post("/order/certificate/ssl_basic", order.clone())
            .await
            .0,
        400
    );
    let (_, placed) = lab.post("/order/certificate/ssl_dv_rapidssl", order).await;
    assert_eq!(
        lab.get(&format!("/order/certificate/{}", placed["id"]))
            .await
            .1["organization"],
        json!([])
    );
    assert_eq!(lab.get("/finance/balance").await.1["balance"], "999825.00");
}
