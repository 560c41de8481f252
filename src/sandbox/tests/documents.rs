//! CertCentral: what its documents show of downloads, CSRs, filters, sort keys, feeds and accounts.

use super::*;

/// An answer as it comes: its status, type and bytes.
async fn download(lab: &Lab, path: &str) -> (u16, String, Vec<u8>) {
    let answer = lab.request("GET", path, None).send().await;
    let answer = answer.expect("an answer");
    let kind = answer.headers().get("content-type");
    let kind = kind.map(|kind| kind.to_str().expect("text").to_owned());
    let status = answer.status().as_u16();
    let body = answer.bytes().await.expect("a whole body").to_vec();
    (status, kind.unwrap_or_default(), body)
}

#[tokio::test]
async fn downloads_have_their_documented_formats() {
    let lab = Lab::new().await;
    let (_, placed) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com"]),
        )
        .await;
    let (order, certificate) = (&placed["id"], &placed["certificate_id"]);
    let by_certificate = format!("/certificate/{certificate}/download");
    let by_order = format!("/certificate/download/order/{order}");
    for start in [by_certificate.as_str(), by_order.as_str()] {
        for (format, blocks) in [("pem_all", 3), ("pem_noroot", 2), ("pem_nointermediate", 1)] {
            let (status, kind, body) = download(&lab, &format!("{start}/format/{format}")).await;
            assert_eq!((status, kind.as_str()), (200, "application/x-pem-file"));
            let text = String::from_utf8(body).expect("text");
            assert_eq!(text.matches("BEGIN CERTIFICATE-----\r\n").count(), blocks);
        }
        for format in ["p7b", "cer"] {
            let (status, kind, body) = download(&lab, &format!("{start}/format/{format}")).await;
            assert_eq!(status, 200);
            assert_eq!(kind, "application/x-pkcs7-certificates");
            let (_, block) = x509_parser::pem::parse_x509_pem(&body).expect("PEM");
            assert_eq!(block.label, "PKCS7");
            let (_, leaf, _) = three_blocks(&lab, certificate).await;
            assert!(block.contents.windows(leaf.len()).any(|part| part == leaf));
        }
        for format in ["default", "default_pem", "default_cer", "apache"] {
            let (status, kind, body) = download(&lab, &format!("{start}/format/{format}")).await;
            assert_eq!((status, kind.as_str()), (200, "application/zip"));
            assert!(body.starts_with(b"PK\x03\x04") && body.len() > 1000);
        }
        let (status, _, _) = download(&lab, &format!("{start}/format/pdf")).await;
        assert_eq!(status, 400);
    }
    assert_eq!(download(&lab, &by_order).await.1, "application/zip");
    for (platform, kind) in [
        ("/platform", "application/zip"),
        ("/platform/45", "application/zip"),
        ("/platform/-1", "application/zip"),
        ("/platform/29", "application/x-pem-file"),
    ] {
        let (status, shown, _) = download(&lab, &format!("{by_certificate}{platform}")).await;
        assert_eq!((status, shown.as_str()), (200, kind), "{platform}");
    }
    let (_, above) = lab.get(&format!("/certificate/{certificate}/chain")).await;
    assert_eq!(above["intermediates"].as_array().map(Vec::len), Some(2));
}

/// The three certificates of `pem_all`.
async fn three_blocks(lab: &Lab, certificate: &Value) -> (u16, Vec<u8>, Vec<u8>) {
    let path = format!("/certificate/{certificate}/download/format/pem_all");
    let (status, _, body) = download(lab, &path).await;
    let (rest, leaf) = x509_parser::pem::parse_x509_pem(&body).expect("PEM");
    (status, leaf.contents, rest.to_vec())
}

#[tokio::test]
async fn what_is_not_issued_is_not_downloaded() {
    let lab = Lab::new().await;
    let (_, placed) = lab.post(CLIENT, client_order()).await;
    for path in ["", "/format/pem_all"] {
        let path = format!("/certificate/download/order/{}{path}", placed["id"]);
        assert!(download(&lab, &path).await.0 >= 400, "{path}");
    }
}

#[tokio::test]
async fn a_csr_is_taken_in_every_form_that_clients_send() {
    let lab = Lab::new().await;
    let (pem, _) = csr();
    let bare = || pem.lines().filter(|line| !line.starts_with('-'));
    let one_line: String = bare().collect();
    let forms = [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        one_line.clone(),
        bare().collect::<Vec<_>>().join("\n"),
        format!("-----BEGIN CERTIFICATE REQUEST-----{one_line}-----END CERTIFICATE REQUEST-----"),
        format!(
            "-----BEGIN NEW CERTIFICATE REQUEST-----\n{one_line}\n-----END NEW CERTIFICATE REQUEST-----"
        ),
        format!("a comment\n{pem}and more"),
    ];
    for form in forms {
        let mut order = client_order();
        order["certificate"]["csr"] = json!(form);
        let (status, answer) = lab.post(CLIENT, order).await;
        assert_eq!(status, 201, "{form}: {answer}");
    }
    for form in [
        "-----BEGIN CERTIFICATE REQUEST-----",
        "-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----",
        "no base64 at all",
    ] {
        let mut order = client_order();
        order["certificate"]["csr"] = json!(form);
        let (status, answer) = lab.post(CLIENT, order).await;
        assert_eq!(answer["errors"][0]["code"], "csr_invalid_cannot_parse");
        assert_eq!(status, 400, "{form}");
    }
}

fn ids(list: &Value) -> Vec<u64> {
    let rows = list["orders"].as_array().expect("a list").iter();
    rows.map(|row| row["id"].as_u64().expect("an id")).collect()
}

#[tokio::test]
async fn the_list_has_its_documented_filters_and_sort_keys() {
    let lab = Lab::new().await;
    for (name, field) in [("b.example.com", 12), ("a.example.com", 13)] {
        let mut order = tls_order(&[name]);
        order["custom_fields"] = json!([{"metadata_id": field, "value": "CC-9"}]);
        order["disable_renewal_notifications"] = json!(field == 12);
        lab.post("/order/certificate/ssl_basic", order).await;
    }
    issued(&lab).await;
    let (b, a, client) = (70_000_001, 70_000_002, 70_000_003);
    for (query, expected) in [
        ("filters[metadata_id]=12", vec![b]),
        ("filters[disable_renewal_notifications]=1", vec![b]),
        ("filters[origin]=migrated", vec![]),
        ("filters[origin]=certcentral", vec![client, a, b]),
        ("filters[product_name_id]=ssl_basic", vec![a, b]),
        ("filters[common_name]=%25.example.com", vec![a, b]),
        ("sort=order_id", vec![b, a, client]),
        ("sort=date_created", vec![b, a, client]),
        ("sort=-order_id", vec![client, a, b]),
        (
            "sort=common_name&filters[product_name_id]=ssl_basic",
            vec![a, b],
        ),
        ("sort=product_name_id,common_name", vec![client, a, b]),
        ("sort=-product_name_id,-common_name", vec![b, a, client]),
        ("", vec![client, a, b]),
    ] {
        let (status, list) = lab.get(&format!("/order/certificate?{query}")).await;
        assert_eq!((status, ids(&list)), (200, expected), "{query}");
    }
    for query in [
        "filters[nothing]=1",
        "sort=nothing",
        "sort=order_id,nothing",
    ] {
        let (status, _) = lab.get(&format!("/order/certificate?{query}")).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn requests_are_found_by_a_custom_field_a_division_and_a_name() {
    let lab = Lab::new().await;
    let mut order = client_order();
    order["custom_fields"] = json!([{"metadata_id": 12, "value": "CC-9"}]);
    lab.post(CLIENT, order).await;
    lab.post(CLIENT, client_order()).await;
    for (query, expected) in [
        ("filters[metadata_id]=12&filters[metadata_value]=CC-9", 1),
        ("filters[metadata_id]=13", 0),
        ("filters[metadata_value]=CC-8", 0),
        ("filters[container_id]=445566", 2),
        ("filters[container_id]=1", 0),
        ("filters[search]=locke%25", 2),
        ("filters[search]=terra", 0),
        (
            "filters[type]=new_request&filters[status]=pending&sort=date",
            2,
        ),
    ] {
        let (status, list) = lab.get(&format!("/request?{query}")).await;
        assert_eq!(
            (status, &list["page"]["total"]),
            (200, &json!(expected)),
            "{query}"
        );
    }
    assert_eq!(lab.get("/request?filters[nothing]=1").await.0, 400);
}

#[tokio::test]
async fn the_feed_reaches_back_a_week_and_says_so() {
    let lab = Lab::new().await;
    for query in ["seconds=604801", "minutes=10081", "minutes=10080&seconds=1"] {
        let path = format!("/order/certificate/status-changes?{query}");
        let (status, answer) = lab.get(&path).await;
        assert_eq!(status, 400, "{query}");
        assert_eq!(
            answer["errors"][0]["code"], "time_frame_too_long",
            "{query}"
        );
    }
    let feed = "/order/certificate/status-changes";
    assert_eq!(
        lab.get(&format!("{feed}?minutes=10080")).await,
        (200, json!({}))
    );
    assert_eq!(lab.get("/order/certificate").await.1["orders"], json!([]));
    issued(&lab).await;
    let (_, changed) = lab.get(&format!("{feed}?seconds=604800")).await;
    assert_eq!(changed["orders"].as_array().map(Vec::len), Some(1));
    for range in [
        "2020-01-01...2099-01-01",
        "2020-01-01%2000:00:00...2099-01-01%2000:00:00",
    ] {
        let path = format!("{feed}?filters[status_last_updated]={range}");
        let (status, changed) = lab.get(&path).await;
        assert_eq!(status, 200, "{range}: {changed}");
        assert_eq!(
            changed["orders"].as_array().map(Vec::len),
            Some(1),
            "{range}"
        );
    }
}

#[tokio::test]
async fn each_start_is_an_account_of_its_own_unless_a_folder_has_its_id() {
    let account = async |options: Options| {
        let lab = Lab::with(options).await;
        let (_, user) = lab.get("/user/me").await;
        let (_, account) = lab.get("/account").await;
        assert_eq!(user["account_id"], account["id"]);
        lab.sandbox.stop().await;
        user["account_id"].as_u64().expect("an id")
    };
    assert_ne!(
        account(Options::default()).await,
        account(Options::default()).await
    );
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Options {
        data: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let first = account(kept()).await;
    assert_eq!(account(kept()).await, first);
    // A folder of a sandbox that did not keep any id.
    std::fs::remove_file(folder.path().join("account-id")).expect("gone");
    assert_eq!(account(kept()).await, 654_321);
    assert_eq!(account(kept()).await, 654_321);
}
