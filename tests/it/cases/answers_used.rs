//! Cases 24 and 34: what an answer or a read says is used, and not asked for again.

use serde_json::{Value, json};

use super::{
    applied, automatic, certificate_of, info, manifest, new_key, planned, revoke, shop, standing,
    status_of, waiting_code,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

/// The calls whose path holds a text.
fn calls(rig: &Rig, part: &str) -> usize {
    let sent = super::sent(rig);
    sent.iter().filter(|path| path.contains(part)).count()
}

fn answers(rig: &Rig, fault: &str, path: &str, status: u16, body: &Value) {
    let method = if path == "/revoke" { "PUT" } else { "POST" };
    rig.faults(
        json!([{ "match": { "method": method, "path_contains": path },
        "fault": fault, "status": status, "body": body }]),
    );
}

#[test]
fn case_34_a_waiting_reissue_keeps_its_request_number_everywhere() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    super::by_hand(&rig);
    new_key(&rig, "shop.csr");
    let report = rig.apply(&[], 0);
    let requests = info(&rig, ORDER)["requests"].clone();
    let mut requests = requests.as_array().expect("requests").iter();
    let request = requests
        .find(|request| request["type"] == "reissue")
        .expect("its request")["id"]
        .to_string();
    assert_eq!(action(&report, "orders.shop")["request_id"], json!(request));
    for _ in 0..2 {
        let plan = planned(&rig);
        let step = action(&plan, "orders.shop");
        assert_eq!(
            (&step["waiting_code"], &step["request_id"]),
            (&json!("reissue"), &json!(request))
        );
        let entry = standing(&rig, "orders.shop");
        assert_eq!(entry["request_id"], json!(request), "{entry:#}");
        let (_, report) = applied(&rig);
        assert_eq!(action(&report, "orders.shop")["request_id"], json!(request));
        for command in [&["plan"][..], &["status"], &["history"]] {
            let text = rig.certplan(command).expect(0).stdout;
            assert!(text.contains(&request), "{command:?}: {text}");
        }
    }
    // Decided, it waits for nobody's approval.
    rig.tell("options", json!({ "validation": "open" }));
    rig.approve_all();
    let plan = planned(&rig);
    let step = action(&plan, "orders.shop");
    assert_ne!(step["waiting_code"], "reissue", "{step:#}");
    assert_eq!(step["request_id"], json!(request), "{step:#}");
    rig.tell("validate", json!({ "all": true }));
    rig.apply(&["--detailed-exitcode"], 0);
}

#[test]
fn case_34_a_reissue_says_which_domain_waits_for_its_validation() {
    let rig = Rig::new();
    automatic(&rig);
    let entry = "  shop: { product: ssl_dv_geotrust, dcv_method: dns-txt-token, order_validity: { years: 1 }, \
                 certificate: { common_name: shop.example.com, signature_hash: sha256, \
                 csr: { file: shop.csr } } }\n";
    manifest(&rig, &[entry.to_owned()], &[]);
    rig.apply(&[], 0);
    rig.tell("validate", json!({ "all": true }));
    rig.apply(&["--detailed-exitcode"], 0);
    new_key(&rig, "shop.csr");
    let ended = rig.certplan(&["apply", "--yes"]).expect(0);
    let plan = rig.certplan(&["plan"]).expect(0).stdout;
    for text in [&ended.stdout, &plan] {
        assert!(text.contains("validation of shop.example.com"), "{text}");
    }
    assert_eq!(waiting_code(&rig, "orders.shop"), "validation");
    let entry = standing(&rig, "orders.shop");
    assert_eq!(entry["state"], "reissue-pending", "{entry:#}");
    rig.tell("validate", json!({ "all": true }));
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(status_of(&rig, ORDER), "issued");
}

#[test]
fn case_34_an_answer_whose_request_is_rejected_is_a_refusal() {
    let rig = Rig::new();
    manifest(&rig, &[shop("shop", "")], &[]);
    let body = json!({ "id": 70_000_001, "requests": [{ "id": 88_001, "status": "rejected" }] });
    answers(&rig, "answer_after", "/order/certificate/ssl", 201, &body);
    let (code, report) = applied(&rig);
    let step = action(&report, "orders.shop");
    assert_eq!((code, &step["outcome"]), (1, &json!("failed")), "{step:#}");
    assert!(
        step["error"]
            .to_string()
            .contains("request 88001 is rejected"),
        "{step:#}"
    );
    rig.faults(json!([]));
    rig.tell("reject", json!({ "all": true }));
    for _ in 0..2 {
        super::needs_a_person(&rig, "orders.shop");
    }
    assert_eq!(waiting_code(&rig, "orders.shop"), "decision_rejected");
    assert_eq!(super::orders_at_the_ca(&rig), 1, "asked for once");
}

#[test]
fn case_34_a_reissue_that_is_rejected_in_its_answer_is_a_refusal() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    let body = json!({ "id": 70_000_001, "requests": [{ "id": 88_044, "status": "rejected" }] });
    answers(&rig, "answer_before", "/reissue", 201, &body);
    let (code, report) = applied(&rig);
    let step = action(&report, "orders.shop");
    assert_eq!((code, &step["outcome"]), (1, &json!("failed")), "{step:#}");
    for _ in 0..2 {
        super::needs_a_person(&rig, "orders.shop");
    }
    assert_eq!(
        waiting_code(&rig, "orders.shop"),
        "decision_reissue_rejected"
    );
    assert_eq!(calls(&rig, "/reissue"), 1);
}

/// An order in force whose revocation is asked for by this entry.
fn to_revoke(scope: &str) -> Rig {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1 }));
    manifest(
        &rig,
        &[],
        &[revoke("gone", &format!("order_id: {ORDER}"), scope)],
    );
    rig
}

#[test]
fn case_34_a_revocation_that_is_rejected_in_its_answer_is_a_refusal() {
    let rig = to_revoke("order");
    let body = json!({ "id": 88_055, "type": "revoke", "status": "rejected" });
    answers(&rig, "answer_before", "/revoke", 201, &body);
    let (code, report) = applied(&rig);
    let step = action(&report, "revocations.gone");
    assert_eq!((code, &step["outcome"]), (1, &json!("failed")), "{step:#}");
    for _ in 0..2 {
        super::needs_a_person(&rig, "revocations.gone");
    }
    assert_eq!(calls(&rig, "/revoke"), 1);
    assert_eq!(status_of(&rig, ORDER), "issued");
}

#[test]
fn case_34_an_odd_success_of_a_revocation_is_settled_by_reading() {
    let one = format!(
        "{{ certificate_id: {} }}",
        certificate_of(&to_revoke("order"), ORDER)
    );
    for scope in ["order", one.as_str()] {
        for (status, body) in [
            (200, json!({})),
            (202, json!({ "status": "accepted" })),
            (201, json!({})),
            (200, Value::Null),
        ] {
            // It took effect: that is read, once.
            let rig = to_revoke(scope);
            answers(&rig, "answer_after", "/revoke", status, &body);
            let report = rig.apply(&["--detailed-exitcode"], 0);
            let step = action(&report, "revocations.gone");
            assert_eq!(step["outcome"], "done", "{status} {body}: {step:#}");
            assert_eq!(calls(&rig, "/revoke"), 1, "{status} {body}");

            // It shows no effect: it is not sent again, and the run does not call it done.
            let rig = to_revoke(scope);
            answers(&rig, "answer_before", "/revoke", status, &body);
            let (code, report) = applied(&rig);
            let step = action(&report, "revocations.gone");
            assert_eq!(step["outcome"], "unknown", "{status} {body}: {step:#}");
            assert_ne!(code, 0, "{status} {body}");
            assert_eq!(calls(&rig, "/revoke"), 1, "{status} {body}");
            rig.faults(json!([]));
            rig.apply(&["--detailed-exitcode"], 0);
        }
    }
}

/// A colleague's request waits, and the order does not show it in its status.
#[test]
fn case_24_a_request_that_waits_is_told_before_a_reissue_is_sent() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    for kind in ["reissue", "revoke"] {
        let mut shown = info(&rig, ORDER);
        let requests = shown["requests"].as_array_mut().expect("requests");
        requests.push(json!({ "id": 88_077, "date": "2026-11-01T00:00:00+00:00", "type": kind, "status": "pending" }));
        let path = format!("/order/certificate/{ORDER}");
        rig.faults(
            json!([{ "match": { "method": "GET", "path_contains": path },
            "fault": "answer_before", "body": shown }]),
        );
        let plan = planned(&rig);
        let step = action(&plan, "orders.shop");
        assert!(
            plan["warnings"].to_string().contains("88077"),
            "{kind}: {plan:#}"
        );
        if kind == "reissue" {
            assert_eq!(
                (&step["action"], &step["request_id"]),
                (&json!("wait"), &json!("88077"))
            );
            rig.apply(&[], 0);
            assert_eq!(calls(&rig, "/reissue"), 0);
        } else {
            assert_eq!(step["action"], "reissue", "{step:#}");
        }
        rig.faults(json!([]));
    }
    rig.apply(&["--detailed-exitcode"], 0);
}
