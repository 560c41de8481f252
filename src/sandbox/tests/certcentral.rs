//! CertCentral: orders, what is wrong with them, approvals.

use x509_parser::prelude::FromDer as _;

use super::*;
use crate::sandbox::Approval;

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
    assert_eq!(before["status"], "needs_approval");
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
    assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----\r\n").count(), 3);
    let (rest, leaf) = x509_parser::pem::parse_x509_pem(chain.as_bytes()).expect("PEM");
    let leaf = leaf.parse_x509().expect("a certificate");
    let (rest, ca) = x509_parser::pem::parse_x509_pem(rest).expect("PEM");
    let ca = ca.parse_x509().expect("a certificate");
    leaf.verify_signature(Some(ca.public_key()))
        .expect("signed by the intermediate");
    let (_, root) = x509_parser::pem::parse_x509_pem(rest).expect("PEM");
    let root = root.parse_x509().expect("a certificate");
    ca.verify_signature(Some(root.public_key()))
        .expect("signed by the root");
    root.verify_signature(None).expect("signed by itself");
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
    // CertCentral's page: the date makes the years void, so a wrong date is refused beside good years.
    let years_too = with(
        client_order(),
        "custom_expiration_date",
        json!("2001-01-01"),
    );
    let (status, answer) = lab.post(CLIENT, years_too).await;
    assert_eq!(status, 400);
    assert_eq!(
        answer["errors"][0]["code"],
        "invalid_value:custom_expiration_date"
    );
    let mut far = client_order();
    far.as_object_mut()
        .expect("an object")
        .remove("validity_years");
    let date =
        crate::sandbox::clock::plus_days(crate::sandbox::clock::Clock::default().today(), 826)
            .to_string();
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
    let date =
        crate::sandbox::clock::plus_days(crate::sandbox::clock::Clock::default().today(), 825)
            .to_string();
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
    lab.admin("/clock", json!({"advance": "300d"})).await;
    let renewal = || with(client_order(), "renewal_of_order_id", json!(renewed));
    assert_eq!(lab.post(CLIENT, renewal()).await.0, 201);
    let (status, answer) = lab.post(CLIENT, renewal()).await;
    assert_eq!(
        (status, &answer["errors"][0]["code"]),
        (400, &json!("order_renewed_already"))
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

#[tokio::test]
async fn keys_of_every_usual_kind_are_signed_and_measured() {
    let lab = Lab::new().await;
    for (algorithm, bits) in [
        (&rcgen::PKCS_RSA_SHA256, 2048),
        (&rcgen::PKCS_ECDSA_P256_SHA256, 256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, 384),
        (&rcgen::PKCS_ED25519, 256),
    ] {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        // Names and extensions of the CSR are not taken over, and not in the way.
        let mut params = CertificateParams::new(["other.example.com".to_owned()]).expect("params");
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyEncipherment];
        let csr = params
            .serialize_request(&key)
            .expect("a request")
            .pem()
            .expect("PEM");
        let mut order = with(client_order(), "skip_approval", json!(true));
        order["certificate"]["csr"] = json!(csr);
        let (status, placed) = lab.post(CLIENT, order).await;
        assert_eq!(status, 201, "{placed}");
        let pem = placed["certificate_chain"][0]["pem"].as_str().expect("PEM");
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).expect("PEM");
        let leaf = pem.parse_x509().expect("a certificate");
        assert_eq!(
            leaf.public_key().subject_public_key.data.as_ref(),
            key.public_key_raw()
        );
        assert!(
            !pem.contents
                .windows(17)
                .any(|part| part == b"other.example.com")
        );
        let (_, info) = lab
            .get(&format!("/order/certificate/{}", placed["id"]))
            .await;
        assert_eq!(info["certificate"]["key_size"], bits);
    }
}

#[tokio::test]
async fn an_outside_edit_revocation_and_cancellation_show_in_the_order() {
    let lab = Lab::new().await;
    let id = issued(&lab).await;
    lab.admin(
        "/edit",
        json!({"order_id": id, "common_name": "Terra Branford"}),
    )
    .await;
    let path = format!("/order/certificate/{id}");
    assert_eq!(
        lab.get(&path).await.1["certificate"]["common_name"],
        "Terra Branford"
    );
    let certificate = lab.get(&path).await.1["certificate"]["id"].clone();
    lab.admin("/revoke", json!({"certificate_id": certificate}))
        .await;
    assert_eq!(lab.get(&path).await.1["certificate"]["status"], "revoked");
    assert_eq!(lab.get(&path).await.1["status"], "issued");
    lab.admin("/cancel", json!({"order_id": id})).await;
    assert_eq!(lab.get(&path).await.1["status"], "canceled");
    assert_eq!(
        read(lab.admin_request("/revoke", &json!({"order_id": 1})))
            .await
            .0,
        400
    );
    assert_eq!(
        lab.effects().await,
        ["order_created"],
        "what happens outside is no call of the API"
    );
}
