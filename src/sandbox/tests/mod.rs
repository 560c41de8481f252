//! The sandbox over a real socket: what a client sees, and what the ledger says happened.

mod account;
mod certcentral;
mod certificates;
mod chains;
mod clock;
mod documents;
mod faults;
mod folder;
mod habits;
mod ncloud;
mod stages;

use aws_lc_rs::hmac;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::{Options, Sandbox};

/// A running sandbox and a client for it.
struct Lab {
    sandbox: Sandbox,
    client: reqwest::Client,
}

/// A status and its body; `Null` when there was none.
type Reply = (u16, Value);

async fn read(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a whole body");
    (
        status,
        if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).expect("JSON")
        },
    )
}

impl Lab {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.expect("a sandbox");
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .expect("a client");
        Self { sandbox, client }
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self
            .client
            .request(method, format!("{}{path}", self.sandbox.certcentral_url()));
        let request = request.header("X-DC-DEVKEY", "sandbox-certcentral-key");
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    async fn get(&self, path: &str) -> Reply {
        read(self.request("GET", path, None)).await
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        read(self.request("PUT", path, Some(&body))).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        read(self.request("POST", path, Some(&body))).await
    }

    fn admin_request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}{path}", self.sandbox.admin_url()))
            .json(body)
    }

    async fn admin(&self, path: &str, body: Value) -> Value {
        let (status, answer) = read(self.admin_request(path, &body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn admin_get(&self, path: &str) -> Value {
        read(
            self.client
                .get(format!("{}{path}", self.sandbox.admin_url())),
        )
        .await
        .1
    }

    /// The effects that the ledger tells of, reads left out.
    async fn effects(&self) -> Vec<String> {
        let ledger = self.admin_get("/ledger").await;
        let entries = ledger.as_array().expect("a list").iter();
        let api =
            entries.filter(|entry| entry["provider"] != "sandbox" && entry["method"] != "GET");
        api.map(|entry| entry["effect"].as_str().expect("an effect").to_owned())
            .collect()
    }

    async fn ncloud(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let now = jiff::Timestamp::now().as_millisecond();
        read(self.signed(method, path, body, now, "sandbox-ncloud-secret-key")).await
    }

    fn signed(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        time: i64,
        secret: &str,
    ) -> reqwest::RequestBuilder {
        let access = "sandbox-ncloud-access-key";
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(
            &key,
            format!("{method} /api/v2{path}\n{time}\n{access}").as_bytes(),
        );
        let url = format!("{}{path}", self.sandbox.ncloud_url());
        let request = self
            .client
            .request(method.parse().expect("a method"), url)
            .header("x-ncp-apigw-timestamp", time.to_string())
            .header("x-ncp-iam-access-key", access)
            .header(
                "x-ncp-apigw-signature-v2",
                data_encoding::BASE64.encode(tag.as_ref()),
            );
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }
}

/// A new key's CSR, and the key.
fn csr() -> (String, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let csr = CertificateParams::default()
        .serialize_request(&key)
        .expect("a request");
    (csr.pem().expect("PEM"), key)
}

/// A client order as its document shows it.
fn client_order() -> Value {
    json!({
        "certificate": {
            "common_name": "Locke Cole",
            "emails": ["locke.cole@example.com"],
            "signature_hash": "sha256",
            "organization_units": ["Accounting"],
            "csr": csr().0,
        },
        "organization": {"id": 112_233},
        "container": {"id": 445_566},
        "validity_years": 1,
        "payment_method": "balance",
    })
}

fn with(mut order: Value, member: &str, value: Value) -> Value {
    order[member] = value;
    order
}

/// Where client certificates are ordered.
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
async fn an_address_that_others_can_reach_is_refused() {
    let options = Options {
        listen: ([0, 0, 0, 0], 0).into(),
        ..Options::default()
    };
    let error = Sandbox::start(options).await.expect_err("refused");
    assert!(
        matches!(error, super::SandboxError::NotLoopback(_)),
        "{error}"
    );
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port_and_ends_its_connections() {
    let lab = Lab::new().await;
    assert_eq!(lab.get("/user/me").await.0, 200);
    let Lab { sandbox, client } = lab;
    let url = format!("{}/user/me", sandbox.certcentral_url());
    sandbox.stop().await;
    assert!(client.get(url).send().await.is_err());
}
