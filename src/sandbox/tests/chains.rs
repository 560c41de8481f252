//! Certificates and their chains as another program reads them: openssl.

use std::path::PathBuf;
use std::process::Command;

use super::*;

/// Standard output of openssl; the error is what it said.
fn openssl(arguments: &[&str]) -> Result<String, String> {
    let ended = Command::new("openssl").args(arguments).output();
    let ended = ended.expect("openssl");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ended.status.success() {
        Ok(text(&ended.stdout))
    } else {
        Err(text(&ended.stderr))
    }
}

/// Certificates in a folder, one file each.
struct Files {
    folder: tempfile::TempDir,
    count: usize,
}

impl Files {
    fn of(blocks: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (at, block) in blocks.iter().enumerate() {
            std::fs::write(folder.path().join(at.to_string()), block).expect("written");
        }
        let count = blocks.len();
        Self { folder, count }
    }

    fn path(&self, at: usize) -> String {
        let path: PathBuf = self.folder.path().join(at.to_string());
        path.to_str().expect("UTF-8").to_owned()
    }

    fn shown(&self, at: usize, what: &[&str]) -> String {
        let path = self.path(at);
        let arguments = [&["x509", "-noout", "-in", &path], what].concat();
        openssl(&arguments).expect("a certificate")
    }

    /// The last hexadecimal line of an extension.
    fn identifier(&self, at: usize, name: &str) -> String {
        let shown = self.shown(at, &["-ext", name]);
        let line = shown.lines().last().expect("a line").trim();
        line.trim_start_matches("keyid:").to_owned()
    }

    /// Whether the first one is trusted because of the last one, with the others between.
    fn verify(&self, time: i64) -> Result<String, String> {
        let (leaf, root) = (self.path(0), self.path(self.count - 1));
        let time = time.to_string();
        let mut arguments = vec!["verify", "-x509_strict", "-attime", &time, "-CAfile", &root];
        let between: Vec<String> = (1..self.count - 1).map(|at| self.path(at)).collect();
        for path in &between {
            arguments.extend(["-untrusted", path]);
        }
        arguments.push(&leaf);
        openssl(&arguments)
    }
}

fn blocks(pem: &str) -> Vec<String> {
    let parts = pem.split_inclusive("-----END CERTIFICATE-----\r\n");
    parts.map(str::to_owned).collect()
}

async fn pem(lab: &Lab, certificate: &Value, format: &str) -> String {
    let path = format!("/certificate/{certificate}/download/format/{format}");
    let response = lab
        .request("GET", &path, None)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
    response.text().await.expect("text")
}

async fn seconds(lab: &Lab) -> i64 {
    let ahead = lab.admin_get("/clock").await["ahead_seconds"].as_i64();
    jiff::Timestamp::now().as_second() + ahead.expect("a number")
}

fn common_name(pem: &str) -> String {
    Files::of(&[pem.to_owned()]).shown(0, &["-subject", "-nameopt", "multiline"])
}

#[tokio::test]
async fn openssl_reads_what_was_ordered_and_trusts_it_because_of_the_root() {
    let lab = Lab::new().await;
    lab.admin("/clock", json!({"to": "2027-04-01T10:00:00Z"}))
        .await;
    let (csr, key) = csr();
    let mut order = tls_order(&["a.example.com", "b.example.com"]);
    order["certificate"]["csr"] = json!(csr);
    let (_, placed) = lab.post("/order/certificate/ssl_basic", order).await;
    let certificate = &placed["certificate_id"];
    let all = blocks(&pem(&lab, certificate, "pem_all").await);
    assert_eq!(all.len(), 3);
    for block in &all {
        assert!(
            block.lines().count() > 3 && !block.replace("\r\n", "").contains('\n'),
            "{block:?}"
        );
    }
    let answered = placed["certificate_chain"].as_array().expect("a chain");
    let answered: Vec<&str> = answered
        .iter()
        .filter_map(|one| one["pem"].as_str())
        .collect();
    assert_eq!(answered, all);

    let files = Files::of(&all);
    let now = seconds(&lab).await;
    files.verify(now).expect("trusted");
    let leaf_and_root = [all[0].clone(), all[2].clone()];
    let error = Files::of(&leaf_and_root)
        .verify(now)
        .expect_err("a link is missing");
    assert!(error.contains("unable to get local issuer"), "{error}");
    for (at, issuer) in [(0, 1), (1, 2)] {
        let above = files.identifier(issuer, "subjectKeyIdentifier");
        assert_eq!(files.identifier(at, "authorityKeyIdentifier"), above);
        assert_ne!(files.identifier(at, "subjectKeyIdentifier"), above);
    }
    assert!(
        files
            .shown(0, &["-ext", "basicConstraints"])
            .contains("CA:FALSE")
    );
    assert!(
        files
            .shown(1, &["-ext", "basicConstraints"])
            .contains("CA:TRUE, pathlen:0")
    );

    assert_eq!(
        files.shown(0, &["-pubkey"]),
        key.public_key_pem().replace("\r\n", "\n")
    );
    let names = files.shown(0, &["-ext", "subjectAltName"]);
    assert!(
        names.contains("DNS:a.example.com, DNS:b.example.com\n"),
        "{names}"
    );
    let dates = files.shown(0, &["-startdate", "-enddate"]);
    assert_eq!(
        dates,
        "notBefore=Apr  1 00:00:00 2027 GMT\nnotAfter=Jul  9 23:59:59 2027 GMT\n"
    );
    let (_, info) = lab
        .get(&format!("/order/certificate/{}", placed["id"]))
        .await;
    let shown = &info["certificate"];
    let serial = shown["serial_number"].as_str().expect("text");
    assert_eq!(files.shown(0, &["-serial"]), format!("serial={serial}\n"));
    assert!(serial.len() == 32 && serial.starts_with('0'), "{serial}");
    let thumbprint = shown["thumbprint"].as_str().expect("text");
    let openssl_thumbprint = files.shown(0, &["-fingerprint", "-sha1"]).replace(':', "");
    assert!(
        openssl_thumbprint.ends_with(&format!("{thumbprint}\n")),
        "{openssl_thumbprint}"
    );
    assert_eq!(shown["valid_till"], "2027-07-09");

    // The day after its last one.
    lab.admin("/clock", json!({"to": "2027-07-10"})).await;
    let error = files.verify(seconds(&lab).await).expect_err("over");
    assert!(error.contains("expired"), "{error}");
}

#[tokio::test]
async fn a_download_can_be_a_neighbour_s_or_lack_a_link_or_stand_on_its_head() {
    let lab = Lab::new().await;
    let (_, placed) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com"]),
        )
        .await;
    let certificate = &placed["certificate_id"];
    let right = pem(&lab, certificate, "pem_all").await;
    let more = json!({"certificate": {"csr": csr().0}, "skip_approval": true});
    let path = format!("/order/certificate/{}/duplicate", placed["id"]);
    let (_, duplicate) = lab.post(&path, more).await;
    let other = pem(&lab, &duplicate["certificate_id"], "pem_all").await;
    let faulty =
        |fault: &str| json!([{"match": {"path_contains": "download"}, "fault": fault, "times": 2}]);

    lab.admin("/faults", faulty("neighbour")).await;
    assert_eq!(pem(&lab, certificate, "pem_all").await, other);
    assert_eq!(
        pem(&lab, &duplicate["certificate_id"], "pem_all").await,
        right
    );
    assert_eq!(
        pem(&lab, certificate, "pem_all").await,
        right,
        "twice, and no more"
    );

    lab.admin("/faults", faulty("short_chain")).await;
    let all = blocks(&right);
    assert_eq!(
        blocks(&pem(&lab, certificate, "pem_all").await),
        [all[0].clone(), all[2].clone()]
    );
    assert_eq!(
        blocks(&pem(&lab, certificate, "pem_noroot").await),
        [all[0].clone()]
    );

    lab.admin("/faults", faulty("reversed_chain")).await;
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    assert_eq!(blocks(&pem(&lab, certificate, "pem_all").await), reversed);

    let rule = json!([{"match": {"method": "POST"}, "fault": "short_chain"}]);
    lab.admin("/faults", rule).await;
    let (_, short) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["b.example.com"]),
        )
        .await;
    assert_eq!(short["certificate_chain"].as_array().map(Vec::len), Some(2));
    let alone = pem(&lab, &short["certificate_id"], "pem_all").await;
    lab.admin("/faults", faulty("neighbour")).await;
    assert_eq!(
        pem(&lab, &short["certificate_id"], "pem_all").await,
        alone,
        "it has no neighbour"
    );
}

#[tokio::test]
async fn the_answer_to_an_order_may_be_without_a_chain_and_a_person_s_without_an_end() {
    let lab = Lab::new().await;
    let habits = json!({"certificate_chain": "missing", "order_valid_till": "tls_only"});
    lab.admin("/options", json!({"habits": habits})).await;
    let (_, tls) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com"]),
        )
        .await;
    assert!(tls.get("certificate_chain").is_none(), "{tls}");
    assert_eq!(
        blocks(&pem(&lab, &tls["certificate_id"], "pem_all").await).len(),
        3
    );
    let person = issued(&lab).await;
    let (_, list) = lab.get("/order/certificate?sort=id").await;
    let ends: Vec<bool> = list["orders"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row.get("order_valid_till").is_some())
        .collect();
    assert_eq!(ends, [true, false]);
    let (_, info) = lab.get(&format!("/order/certificate/{person}")).await;
    assert!(
        info.get("order_valid_till").is_none() && info["certificate"]["valid_till"].is_string()
    );
}

#[tokio::test]
async fn what_was_edited_outside_is_in_the_certificate_too() {
    let lab = Lab::new().await;
    let (_, placed) = lab
        .post(
            "/order/certificate/ssl_basic",
            tls_order(&["a.example.com"]),
        )
        .await;
    let edit = json!({"order_id": placed["id"], "valid_till": "2031-02-03", "dns_names": ["c.example.com"]});
    lab.admin("/edit", edit).await;
    let all = blocks(&pem(&lab, &placed["certificate_id"], "pem_all").await);
    let files = Files::of(&all[..1]);
    assert_eq!(
        files.shown(0, &["-enddate"]),
        "notAfter=Feb  3 23:59:59 2031 GMT\n"
    );
    assert!(
        files
            .shown(0, &["-ext", "subjectAltName"])
            .contains("DNS:c.example.com\n")
    );
    // A name that no certificate can have is shown, and the certificate stays.
    let edit = json!({"order_id": placed["id"], "dns_names": ["m\u{fc}nchen.example.com"]});
    lab.admin("/edit", edit).await;
    let (_, info) = lab
        .get(&format!("/order/certificate/{}", placed["id"]))
        .await;
    assert_eq!(
        info["certificate"]["dns_names"][0],
        "m\u{fc}nchen.example.com"
    );
    assert_eq!(
        blocks(&pem(&lab, &placed["certificate_id"], "pem_all").await),
        all
    );
}

#[tokio::test]
async fn ncloud_exports_a_certificate_with_what_signed_it() {
    let lab = Lab::new().await;
    let (csr, key) = csr();
    let seed =
        json!({"ncloud_orders": 1, "certificates_per_order": 2, "certcentral": 1, "csr": csr});
    let seeded = lab.admin("/seed", seed).await;
    let order = seeded["ncloud_order_ids"][0].as_str().expect("an id");
    let (_, shown) = lab
        .ncloud("GET", &format!("/certificate/orders/{order}"), None)
        .await;
    let row = &shown["certificates"][0];
    let path = format!(
        "/certificate/exportCertificate/{}/chain",
        row["certificateNo"]
    );
    let exported = async || {
        let (status, answer) = lab.ncloud("GET", &path, None).await;
        assert_eq!(
            (status, &answer["returnCode"]),
            (200, &json!("0")),
            "{answer}"
        );
        answer
    };
    let chain = |answer: &Value| {
        let names = ["certificate", "subCaCertificate", "rootCaCertificate"];
        names.map(|name| answer[name].as_str().expect("PEM").to_owned())
    };
    let right = exported().await;
    let files = Files::of(&chain(&right));
    files.verify(seconds(&lab).await).expect("trusted");
    assert_eq!(
        files.shown(0, &["-pubkey"]),
        key.public_key_pem().replace("\r\n", "\n")
    );
    let serial = row["serialNumber"].as_str().expect("text");
    assert_eq!(files.shown(0, &["-serial"]), format!("serial={serial}\n"));
    assert_eq!(right["subjectCommonName"], row["commonName"]);
    assert_eq!(exported().await, right, "signed once");

    for (fault, wrong) in [("neighbour", 0), ("short_chain", 1), ("reversed_chain", 0)] {
        let rule = json!([{"match": {"path_contains": "/chain"}, "fault": fault, "times": 1}]);
        lab.admin("/faults", rule).await;
        let answer = exported().await;
        assert_ne!(chain(&answer)[wrong], chain(&right)[wrong], "{fault}");
    }
    assert_eq!(exported().await, right);
    let neighbour = chain(&right)[0].clone();
    assert!(common_name(&neighbour).contains(row["commonName"].as_str().expect("text")));

    let (status, unknown) = lab
        .ncloud("GET", "/certificate/exportCertificate/7/chain", None)
        .await;
    assert_eq!((status, &unknown["returnCode"]), (200, &json!("1006")));
    let (status, _) = lab
        .ncloud("GET", "/certificate/exportCertificate/x/chain", None)
        .await;
    assert_eq!(status, 400);

    // A seeded order of CertCentral has the key as well.
    let (_, info) = lab
        .get(&format!(
            "/order/certificate/{}",
            seeded["certcentral_order_ids"][0]
        ))
        .await;
    let all = blocks(&pem(&lab, &info["certificate"]["id"], "pem_all").await);
    let pubkey = Files::of(&all).shown(0, &["-pubkey"]);
    assert_eq!(pubkey, key.public_key_pem().replace("\r\n", "\n"));
    let refused = lab.admin_request("/seed", &json!({"certcentral": 1, "csr": "none"}));
    assert_eq!(read(refused).await.0, 400);
}
