//! Orders from plan to issued: dependencies, waiting, failures, the report.

mod asking;
mod chains;
mod waiting;

use serde_json::{Value, json};

use crate::contract::assert_valid;
use crate::rig::{Rig, action};

fn outcome<'a>(report: &'a Value, address: &str) -> &'a str {
    action(report, address)["outcome"].as_str().expect("a word")
}

fn automatic(rig: &Rig) {
    rig.tell("options", json!({ "approval": "automatic" }));
}

#[test]
fn an_order_waits_for_approval_and_is_in_force_after_it() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["order"], 1);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");

    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.ada")["outcome"], "waiting");
    assert_eq!(rig.effects("order_created").len(), 1);

    let again = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(action(&again, "orders.ada")["action"], "wait");
    assert_eq!(rig.effects("order_created").len(), 1);

    rig.approve_all();
    let last = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(action(&last, "orders.ada")["outcome"], "kept");
    assert_eq!(rig.plan(&[])["summary"]["keep"], 1);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_answer_that_is_lost_after_the_effect_is_found_by_its_tag() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob", "cleo"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "cut_after", "skip": 1, "times": 1 }]),
    );
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["waiting"], 3);
    assert_eq!(rig.effects("order_created").len(), 3);
}

#[test]
fn one_failure_skips_what_depends_on_it_and_nothing_else() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(
        &["ada", "bob", "cleo"],
        "    after: [bob]
  dora:
    product: client_premium_sha2
    certificate: { common_name: dora, emails: [dora@example.com], signature_hash: sha256, csr: { file: dora.csr } }
    validity_years: 1
",
    );
    rig.write("dora.csr", crate::rig::csr("dora"));
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    // The CA refuses this: no such product there, which only it can know.
    let broken = text.replacen(
        "  bob:\n    product: client_premium_sha2",
        "  bob:\n    product: client_of_tomorrow",
        1,
    );
    assert_ne!(text, broken);
    rig.write("certplan.yaml", broken);
    let ended = rig
        .certplan(&[
            "apply",
            "--yes",
            "--report",
            "json=report.json",
            "--report",
            "markdown=report.md",
        ])
        .expect(1);
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_valid("report", &report);
    assert_eq!(outcome(&report, "orders.ada"), "done");
    assert_eq!(outcome(&report, "orders.bob"), "failed");
    assert_eq!(outcome(&report, "orders.cleo"), "skipped");
    assert_eq!(outcome(&report, "orders.dora"), "done");
    let error = action(&report, "orders.cleo")["error"].as_str().unwrap();
    assert!(error.contains("orders.bob"), "{error}");
    assert!(ended.stdout.contains("orders.bob"), "{}", ended.stdout);
    let markdown = std::fs::read_to_string(rig.path("report.md")).unwrap();
    for address in ["orders.bob", "orders.cleo"] {
        assert!(markdown.contains(address), "{markdown}");
    }
    // The CA's no is no end: the next plan asks again and says why.
    let plan = rig.plan(&[]);
    let bob = action(&plan, "orders.bob");
    assert_eq!(bob["action"], "order");
    assert!(bob["reason"].as_str().unwrap().contains("refused"), "{bob}");
}

#[test]
fn the_report_counts_its_requests_and_holds_to_its_schema() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 1 }));
    rig.orders(
        &["ada"],
        &format!(
            "revocations:
  old: {{ order_id: {}, scope: order, reason: superseded, comments: old }}
",
            ids[0]
        ),
    );
    let seen = || rig.reads() + rig.changes().len();
    let before = seen();
    let report = rig.apply(&[], 0);
    assert_valid("report", &report);
    assert_eq!(report["requests"]["digicert"], seen() - before);
    for address in ["orders.ada", "revocations.old"] {
        let step = action(&report, address);
        for id in ["order_id", "request_id"] {
            assert!(step[id].is_string(), "{id} of {step}");
        }
    }
    for time in ["started_at", "finished_at"] {
        let text = report[time].as_str().unwrap();
        assert!(
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            "{text}"
        );
    }
}

#[test]
fn every_order_carries_its_own_tag() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    let plan = rig.plan(&[]);
    let planned: Vec<&Value> = ["orders.ada", "orders.bob"]
        .map(|address| &action(&plan, address)["requests"][0]["body"]["alternative_order_id"])
        .to_vec();
    assert!(planned[0].is_string() && planned[0] != planned[1]);
    rig.apply(&[], 0);
    let mut seen: Vec<Value> = rig
        .effects("order_created")
        .iter()
        .map(|entry| entry["alternative_order_id"].clone())
        .collect();
    seen.sort_by_key(Value::to_string);
    let mut planned: Vec<Value> = planned.into_iter().cloned().collect();
    planned.sort_by_key(Value::to_string);
    assert_eq!(seen, planned);
}

#[test]
fn skip_approval_issues_an_order_at_once() {
    let rig = Rig::new();
    rig.orders(&["ada"], "    skip_approval: true\n");
    assert_eq!(
        action(&rig.plan(&[]), "orders.ada")["requests"][0]["body"]["skip_approval"],
        true
    );
    let report = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(outcome(&report, "orders.ada"), "done");
    assert!(action(&report, "orders.ada")["certificate_id"].is_string());
}

#[test]
fn a_report_without_a_place_is_refused_before_anything_is_sent() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let ended = rig
        .certplan(&["apply", "--yes", "--report", "json=no/such/folder/r.json"])
        .expect(1);
    assert!(ended.stderr.contains("no/such/folder"), "{}", ended.stderr);
    assert!(rig.changes().is_empty());
}
