//! Case 14: an order that an entry stands for is nobody else's.

use serde_json::{Value, json};

use super::{
    applied, automatic, lose_state, manifest_with, orders_at_the_ca, person, planned, sent,
};
use crate::rig::{Rig, action};

const RESEND: &str = "policy: { doubt: { quiet_period: 1s, then: resend } }\n";

/// Two entries for one person, with the same request.
fn alike(rig: &Rig, section: &str) {
    let both = ["a", "b"].map(|name| {
        person(name, "Locke Cole", "")
            .replace(&format!("{name}@example.com"), "locke@example.com")
            .replace(&format!("{name}.csr"), "one.csr")
    });
    manifest_with(rig, section, &both, &[]);
}

/// The look-up by tag answers with whatever there is.
fn unfiltered() -> Value {
    json!({ "match": { "path_contains": "/order/alternate/" }, "fault": "unfiltered" })
}

fn bound(rig: &Rig) -> Vec<Option<String>> {
    let status = rig
        .certplan(&["status", "--offline", "--format", "json"])
        .json();
    let entries = status["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| entry["order_id"].as_str().map(str::to_owned))
        .collect()
}

#[track_caller]
fn nobody_shares(rig: &Rig) {
    let bound = bound(rig);
    assert_eq!(bound.len(), 2);
    let mut ids: Vec<&String> = bound.iter().flatten().collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "two entries stand for one order: {bound:?}");
}

/// The second of two POSTs is lost before it arrives, and the look-up answers with the first one's order.
fn the_second_is_lost(rig: &Rig) {
    rig.faults(json!([
        unfiltered(),
        { "match": { "path_contains": "/client_premium_sha2", "method": "POST" },
          "fault": "cut_before", "skip": 1, "times": 1 },
    ]));
}

#[test]
fn case_14_a_look_up_that_answers_with_another_names_order_binds_nothing() {
    let rig = Rig::new();
    automatic(&rig);
    alike(&rig, "");
    the_second_is_lost(&rig);
    let (code, report) = applied(&rig);
    assert_eq!(code, 3, "{report:#}");
    let outcomes: Vec<&Value> = ["orders.a", "orders.b"]
        .iter()
        .map(|address| &action(&report, address)["outcome"])
        .collect();
    assert!(outcomes.contains(&&json!("unknown")), "{report:#}");
    assert!(outcomes.contains(&&json!("done")), "{report:#}");
    nobody_shares(&rig);
    for _ in 0..2 {
        rig.certplan(&["apply", "--yes"]).expect(3);
        nobody_shares(&rig);
    }
    assert_eq!(orders_at_the_ca(&rig), 1);
}

#[test]
fn case_14_once_the_look_up_tells_the_truth_the_second_is_placed() {
    let rig = Rig::new();
    automatic(&rig);
    alike(&rig, RESEND);
    the_second_is_lost(&rig);
    rig.certplan(&["apply", "--yes"]).expect(3);
    rig.faults(json!([]));
    rig.certplan(&["apply", "--yes", "--wait", "20s"]).expect(0);
    nobody_shares(&rig);
    assert_eq!((orders_at_the_ca(&rig), sent(&rig).len()), (2, 3));
}

#[test]
fn case_14_an_answer_with_an_id_that_another_name_holds_is_unknown() {
    let rig = Rig::new();
    automatic(&rig);
    alike(&rig, "");
    rig.faults(json!([{
        "match": { "path_contains": "/client_premium_sha2", "method": "POST" }, "skip": 1, "times": 1,
        "fault": "answer_before", "status": 201, "body": { "id": 70_000_001,
            "requests": [{ "id": 88_001, "status": "approved" }], "certificate_id": 90_000_001 },
    }]));
    let (code, report) = applied(&rig);
    assert_eq!(code, 3, "{report:#}");
    nobody_shares(&rig);
    rig.certplan(&["apply", "--yes"]).expect(3);
    nobody_shares(&rig);
}

/// The order that the look-up answers with is nobody's here, and carries somebody else's tag.
#[test]
fn case_14_a_look_up_that_answers_with_a_strangers_order_binds_nothing() {
    for tag in [Some("another-system-7"), None] {
        let rig = Rig::new();
        automatic(&rig);
        let mut body = json!({
            "certificate": { "common_name": "Locke Cole", "emails": ["locke@example.com"], "signature_hash": "sha256" },
            "organization": { "id": 112_233 }, "validity_years": 1, "skip_approval": true,
        });
        if let Some(tag) = tag {
            body["alternative_order_id"] = json!(tag);
        }
        let elsewhere = rig.certcentral("POST", "/order/certificate/client_premium_sha2", &body);
        let stranger = elsewhere["id"].to_string();
        let entry = person("a", "Locke Cole", "allow_similar: true")
            .replace("a@example.com", "locke@example.com");
        manifest_with(&rig, "", &[entry], &[]);
        rig.faults(json!([
            unfiltered(),
            { "match": { "path_contains": "/client_premium_sha2", "method": "POST" },
              "fault": "cut_before", "times": 1 },
        ]));
        let ended = rig.certplan(&["apply", "--yes"]);
        assert_eq!(
            ended.code,
            Some(3),
            "{tag:?}: {}{}",
            ended.stdout,
            ended.stderr
        );
        let status = rig
            .certplan(&["status", "--offline", "--format", "json"])
            .json();
        assert_ne!(status["entries"][0]["order_id"], json!(stranger), "{tag:?}");
    }
}

#[test]
fn case_14_with_the_state_lost_each_finds_its_own() {
    let rig = Rig::new();
    automatic(&rig);
    alike(&rig, "");
    rig.apply(&[], 0);
    let before = bound(&rig);
    lose_state(&rig);
    rig.faults(json!([unfiltered()]));
    let plan = planned(&rig);
    for address in ["orders.a", "orders.b"] {
        assert_ne!(action(&plan, address)["action"], "order", "{plan:#}");
    }
    rig.certplan(&["apply", "--yes"]);
    nobody_shares(&rig);
    rig.faults(json!([]));
    rig.certplan(&["apply", "--yes"]);
    assert_eq!(bound(&rig), before, "each has the order that it had");
    assert_eq!(orders_at_the_ca(&rig), 2);
}

#[test]
fn case_14_a_person_cannot_bind_what_another_name_holds() {
    let rig = Rig::new();
    automatic(&rig);
    alike(&rig, "");
    the_second_is_lost(&rig);
    let (_, report) = applied(&rig);
    let open = if action(&report, "orders.a")["outcome"] == "done" {
        "orders.b"
    } else {
        "orders.a"
    };
    rig.faults(json!([]));
    let refused = rig.certplan(&["resolve", open, "--found", "70000001", "--yes"]);
    assert_eq!(
        refused.code,
        Some(5),
        "{}{}",
        refused.stdout,
        refused.stderr
    );
    assert!(refused.stderr.contains("70000001"), "{}", refused.stderr);
    rig.certplan(&["import", open, "70000001", "--yes"])
        .expect(1);
    nobody_shares(&rig);
}
