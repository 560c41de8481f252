//! Case 31: the sandbox shows the stages that the documents have, and each start is another account.

use certplan::sandbox::{Options, RateLimits};
use serde_json::{Value, json};

use super::{automatic, info, manifest, orders_at_the_ca, shop, status_of, waiting_code};
use crate::rig::Rig;

/// Calls CertCentral with this key and returns the HTTP status alone.
fn status(rig: &Rig, method: &str, path: &str, body: &Value) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build();
        let url = format!("{}{path}", rig.base());
        let call = client
            .expect("a client")
            .request(method.parse().expect("a method"), url)
            .header("X-DC-DEVKEY", "sandbox-certcentral-key")
            .json(body);
        call.send().await.expect("an answer").status().as_u16()
    })
}

#[test]
fn case_31_an_order_is_seen_in_each_of_its_stages() {
    let rig = Rig::new();
    rig.tell("options", json!({ "validation": "open" }));
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    let order = "70000001";
    assert_eq!(status_of(&rig, order), "needs_approval");
    assert_eq!(info(&rig, order)["certificate"]["id"], Value::Null);
    let asked = waiting_code(&rig, "orders.shop");
    rig.approve_all();
    assert_eq!(status_of(&rig, order), "pending");
    let approved = waiting_code(&rig, "orders.shop");
    assert_ne!(asked, approved, "approved, and validation is open");
    rig.tell("validate", json!({ "all": true }));
    assert_eq!(status_of(&rig, order), "issued");
}

#[test]
fn case_31_a_revocation_needs_no_comment() {
    for body in [
        json!({ "skip_approval": true }),
        json!({ "comments": "", "skip_approval": true }),
        json!({ "comment": "", "skip_approval": true }),
        json!({ "revocation_reason": "superseded", "skip_approval": true }),
    ] {
        let rig = Rig::new();
        automatic(&rig);
        manifest(&rig, &[shop("shop", "")], &[]);
        rig.apply(&[], 0);
        let path = "/order/certificate/70000001/revoke";
        assert_eq!(status(&rig, "PUT", path, &body), 204, "{body}");
        assert_eq!(status_of(&rig, "70000001"), "revoked");
    }
}

/// The state of a sandbox that is gone says nothing about the next one, even at the same address.
#[test]
fn case_31_a_state_of_another_sandbox_is_told_as_such() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    let first = rig.certcentral("GET", "/user/me", &Value::Null)["account_id"].to_string();
    let address = rig.base();
    let address = address.trim_start_matches("http://");
    let listen = address.trim_end_matches("/services/v2").parse();
    let listen = listen.expect("an address");
    let rig = rig.with_another_sandbox(Options {
        listen,
        rate_limits: RateLimits::Off,
        ..Options::default()
    });
    let second = rig.certcentral("GET", "/user/me", &Value::Null)["account_id"].to_string();
    assert_ne!(first, second);
    for command in [&["plan"][..], &["apply", "--yes"], &["status"]] {
        let ended = rig.certplan(command);
        assert_ne!(ended.code, Some(0), "{command:?}: {}", ended.stdout);
        let told = ended.stderr.contains(&first) && ended.stderr.contains(&second);
        assert!(told, "{command:?}: {}", ended.stderr);
    }
    assert_eq!(orders_at_the_ca(&rig), 0);
}
