//! Case 25: what ran out is not revoked. Dates decide, not the order's status.

use serde_json::{Value, json};

use super::{
    applied, certificate_of, died, info, manifest, planned, revoke, sent, status_of, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";
const ENDED: &str = "2026-01-20";

fn on_the_order(name: &str, scope: &str) -> String {
    revoke(name, &format!("order_id: {ORDER}"), scope)
}

/// One seeded order with so many duplicates; all its certificates ran out, and the order too or not.
fn ran_out(duplicates: u64, order_too: bool) -> Rig {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": duplicates }));
    for at in 1..=duplicates + 1 {
        let id = 90_000_000 + at;
        rig.tell("edit", json!({ "certificate_id": id, "valid_till": ENDED }));
    }
    if order_too {
        rig.tell(
            "edit",
            json!({ "order_id": ORDER, "order_valid_till": ENDED }),
        );
    }
    assert_eq!(status_of(&rig, ORDER), "issued");
    rig
}

/// Every entry is kept, in every run, and nothing is sent or counted.
#[track_caller]
fn kept(rig: &Rig, entries: &[String], what: &str) {
    manifest(rig, &[], entries);
    let plan = planned(rig);
    for step in plan["actions"].as_array().expect("actions") {
        assert_eq!(step["action"], "keep", "{what}: {step:#}");
        let dying = step["revokes"].as_array().map_or(0, Vec::len);
        assert_eq!(dying, 0, "{what}: {step:#}");
    }
    for turn in ["first", "second"] {
        let (code, report) = applied(rig);
        assert_eq!(code, 0, "{what}, {turn} apply: {report:#}");
    }
    assert_eq!(sent(rig), [""; 0], "{what}");
    rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
        .expect(0);
}

#[test]
fn case_25_an_order_that_ran_out_is_kept() {
    for order_too in [true, false] {
        let rig = ran_out(0, order_too);
        let one = format!("{{ certificate_id: {} }}", certificate_of(&rig, ORDER));
        let entries = [on_the_order("whole", "order"), on_the_order("one", &one)];
        kept(&rig, &entries, &format!("the order too: {order_too}"));
    }
}

#[test]
fn case_25_an_order_that_ran_out_with_its_duplicates_is_kept() {
    for order_too in [true, false] {
        let rig = ran_out(2, order_too);
        let serial = format!(
            "{{ serial_number: {} }}",
            info(&rig, ORDER)["certificate"]["serial_number"]
        );
        let entries = [
            on_the_order("whole", "order"),
            on_the_order("copies", "duplicates"),
            on_the_order("copy", "{ certificate_id: 90000003 }"),
            on_the_order("serial", &serial),
        ];
        kept(&rig, &entries, &format!("the order too: {order_too}"));
    }
}

#[test]
fn case_25_many_orders_that_ran_out_cost_no_read_each() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 30 }));
    let mut entries = Vec::new();
    for id in &ids {
        rig.tell("edit", json!({ "order_id": id, "valid_till": ENDED }));
        entries.push(revoke(
            &format!("r{id}"),
            &format!("order_id: {id}"),
            "order",
        ));
    }
    // 30 of 30 are more than a plan may revoke; none of them is revoked.
    manifest(&rig, &[], &entries);
    let (plan, reads) = super::reads_of(&rig, || {
        rig.certplan(&["plan", "--format", "json"]).expect(0).json()
    });
    assert_eq!(plan["summary"]["keep"], 30, "{plan:#}");
    assert!(reads.len() < 20, "the list told it: {} reads", reads.len());
}

#[test]
fn case_25_a_duplicate_that_still_runs_is_revoked() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 1 }));
    rig.tell(
        "edit",
        json!({ "certificate_id": 90_000_001, "valid_till": ENDED }),
    );
    manifest(&rig, &[], &[on_the_order("whole", "order")]);
    let plan = planned(&rig);
    let step = action(&plan, "revocations.whole");
    assert_eq!(step["action"], "revoke", "{step:#}");
    let dying: Vec<&Value> = step["revokes"]
        .as_array()
        .expect("pins")
        .iter()
        .map(|pin| &pin["certificate_id"])
        .collect();
    assert_eq!(dying, [&json!("90000002")], "{step:#}");
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, ORDER), "revoked");
    assert_eq!(word(&rig, "revocations.whole"), "keep");
}

#[test]
fn case_25_a_certificate_that_runs_today_is_revoked() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1 }));
    let today = jiff::Timestamp::now().to_string();
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    for date in [&today[..10], &tomorrow.to_string()[..10]] {
        rig.tell("edit", json!({ "order_id": ORDER, "valid_till": date }));
        manifest(&rig, &[], &[on_the_order("whole", "order")]);
        assert_eq!(word(&rig, "revocations.whole"), "revoke", "till {date}");
    }
    rig.apply(&[], 0);
    assert_eq!(died(&rig), ["90000001"]);
}

#[test]
fn case_25_what_runs_out_while_the_revocation_waits_is_done_with() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1 }));
    let entry = super::ask_to_revoke("whole", &format!("order_id: {ORDER}"), "order");
    manifest(&rig, &[], &[entry]);
    rig.apply(&["--detailed-exitcode"], 2);
    rig.tell("edit", json!({ "order_id": ORDER, "valid_till": ENDED }));
    rig.apply(&[], 0);
    assert_eq!(word(&rig, "revocations.whole"), "keep");
    assert_eq!(sent(&rig).len(), 1);
}
