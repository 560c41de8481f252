//! A revocation of several certificates names every one that failed or waits, not only the first.

use serde_json::{Value, json};

use super::{
    ask_to_revoke, automatic, by_hand, duplicate, manifest, planned, revoke, sent, shop, warnings,
};
use crate::rig::{Rig, action};

/// An order with so many duplicates; their ids.
fn with_duplicates(count: usize) -> (Rig, Vec<String>) {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    let ids = (0..count).map(|_| duplicate(&rig, "70000001")).collect();
    (rig, ids)
}

fn refuse(rig: &Rig, ids: &[String], fault: &Value) {
    let rules: Vec<Value> = ids
        .iter()
        .map(|id| {
            let mut rule = fault.clone();
            rule["match"] =
                json!({ "method": "PUT", "path_contains": format!("/certificate/{id}/revoke") });
            rule
        })
        .collect();
    rig.faults(json!(rules));
}

fn of(entry: &Value, member: &str) -> Vec<String> {
    let parts = entry["parts"].as_array().expect("parts").iter();
    parts
        .map(|part| part[member].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_certificate_that_is_refused_is_named_and_the_others_are_revoked() {
    let (rig, ids) = with_duplicates(8);
    let gone = revoke("gone", "order: shop", "duplicates");
    manifest(&rig, &[shop("shop", "")], &[gone]);
    let body = json!({ "errors": [{ "code": "certificate_not_revocable", "message": "no" }] });
    let rule = json!({ "fault": "answer_before", "status": 400, "body": body });
    refuse(&rig, &ids[1..], &rule);
    let args = [
        "apply",
        "--yes",
        "--report",
        "json=r.json",
        "--report",
        "markdown=r.md",
    ];
    let ended = rig.certplan(&args).expect(1);
    let calls = sent(&rig);
    for id in &ids {
        assert!(
            calls.contains(&format!("/certificate/{id}/revoke")),
            "{calls:?}"
        );
    }
    let read = |name: &str| std::fs::read_to_string(rig.path(name)).expect("a report");
    let report: Value = serde_json::from_str(&read("r.json")).expect("JSON");
    let entry = action(&report, "revocations.gone");
    let error = entry["error"].as_str().expect("an error").to_owned();
    for shown in [&error, &ended.stdout, &ended.stderr, &read("r.md")] {
        for id in &ids[1..6] {
            assert!(
                shown.contains(&format!("certificate {id}: ")),
                "{id}: {shown}"
            );
        }
        for part in [
            "7 of 8 certificates went wrong",
            "certificate_not_revocable",
            "and 2 more",
            "1 was taken by the CA",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
    assert_eq!(
        entry["parts"].as_array().map(Vec::len),
        Some(8),
        "{entry:#}"
    );
    let outcomes = of(entry, "outcome");
    assert_eq!(outcomes.iter().filter(|one| *one == "failed").count(), 7);
    assert_eq!(outcomes.iter().filter(|one| *one == "done").count(), 1);
    let named = of(entry, "certificate_id");
    assert!(ids.iter().all(|id| named.contains(id)), "{entry:#}");
    // What was refused is asked for again, and nothing else.
    rig.faults(json!([]));
    let before = sent(&rig).len();
    rig.apply(&[], 0);
    assert_eq!(sent(&rig).len(), before + 7);
}

#[test]
fn what_was_not_tried_is_named_as_well() {
    let (rig, ids) = with_duplicates(4);
    let gone = revoke("gone", "order: shop", "duplicates");
    manifest(&rig, &[shop("shop", "")], &[gone]);
    refuse(&rig, &ids[1..2], &json!({ "fault": "unauthorized" }));
    let report = rig.apply(&[], 1);
    let entry = action(&report, "revocations.gone");
    let error = entry["error"].as_str().expect("an error");
    for part in [
        format!("certificate {}: revoke certificate", ids[1]),
        format!("not tried: certificate {}, certificate {}", ids[2], ids[3]),
        "1 of 4 certificates went wrong".to_owned(),
    ] {
        assert!(error.contains(&part), "{part}: {error}");
    }
    assert_eq!(
        of(entry, "outcome"),
        ["done", "failed", "skipped", "skipped"]
    );
    assert_eq!(entry["revoked"].as_array().map(Vec::len), Some(1));
}

#[test]
fn every_request_that_waits_is_named_with_its_certificate() {
    let (rig, ids) = with_duplicates(7);
    by_hand(&rig);
    let gone = ask_to_revoke("gone", "order: shop", "duplicates");
    manifest(&rig, &[shop("shop", "")], &[gone]);
    let ended = rig
        .certplan(&["apply", "--yes", "--report", "json=r.json"])
        .expect(0);
    let text = std::fs::read(rig.path("r.json")).expect("a report");
    let report: Value = serde_json::from_slice(&text).expect("JSON");
    let entry = action(&report, "revocations.gone");
    let requests = of(entry, "request_id");
    assert_eq!(requests.len(), 7);
    assert!(requests.iter().all(|id| !id.is_empty()), "{entry:#}");
    assert!(of(entry, "outcome").iter().all(|one| one == "waiting"));
    let first = format!("requests {} and 2 more", requests[..5].join(", "));
    let waits = entry["waiting_for"].as_str().expect("a cause");
    assert!(waits.contains(&first), "{waits}");
    let named = of(entry, "certificate_id");
    for (id, request) in named.iter().zip(&requests).take(5) {
        let line = format!("certificate {id}, request {request}");
        assert!(ended.stdout.contains(&line), "{line}: {}", ended.stdout);
    }
    let more = ended
        .stdout
        .lines()
        .any(|line| line.trim() == "open       and 2 more");
    assert!(more, "{}", ended.stdout);
    let plan = planned(&rig);
    let step = action(&plan, "revocations.gone");
    assert_eq!(step["action"], "wait");
    let reason = step["reason"].as_str().expect("a reason");
    for id in &named[..5] {
        assert!(reason.contains(&format!("certificate {id}")), "{reason}");
    }
    assert!(reason.contains("and 2 more of order 70000001"), "{reason}");
    assert!(
        step["waits_for"]
            .as_str()
            .expect("a cause")
            .contains(&first)
    );
    assert!(ids.iter().all(|id| named.contains(id)));

    // Two are refused by an administrator: both are named.
    for request in &requests[1..3] {
        let id: u64 = request.parse().expect("a number");
        rig.tell("reject", json!({ "request_id": id }));
    }
    let said = warnings(&planned(&rig));
    let both = format!(
        "refused the revocation of certificate {}, certificate {} of order 70000001",
        named[1], named[2]
    );
    assert!(said.contains(&both), "{said}");
}
