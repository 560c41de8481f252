//! A sick CA must not turn many orders into many doubts, nor stop the other CA.

use serde_json::json;

use super::lost::DEFAULT;
use crate::crash::truth::{exactly_once, header, manifest, order_calls, orders_by_tag};
use crate::rig::{Rig, action};

fn fifty(rig: &Rig, in_flight: u32, rest: &str) {
    let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    manifest(rig, &header(in_flight, DEFAULT), &names, rest);
}

#[test]
fn three_lost_answers_stop_the_account_and_not_the_other_one() {
    for in_flight in [1, 4, 16] {
        let rig = Rig::new();
        rig.tell(
            "seed",
            json!({ "ncloud_orders": 1, "ncloud_order_ids": ["77"] }),
        );
        let other = "revocations:\n  shop: { account: navercloud, order_id: \"77\", scope: order, reason: superseded }\n";
        fifty(&rig, in_flight, other);
        rig.faults(json!([
            { "match": { "provider": "certcentral", "method": "POST" }, "fault": "cut_before" },
        ]));
        let report = rig.apply(&["--allow-revocations", "5"], 3);
        // Those in flight when the third was given up, and what took the places of the first two.
        let most = in_flight as usize + 2;
        let calls = order_calls(&rig);
        assert!(
            (3..=most).contains(&calls),
            "{calls} calls, {in_flight} in flight"
        );
        assert_eq!(report["summary"]["skipped"], 50 - calls);
        let shop = action(&report, "revocations.shop");
        assert!(
            shop["outcome"] == "waiting" || shop["outcome"] == "done",
            "{shop}"
        );
    }
}

#[test]
fn five_server_errors_in_a_row_stop_the_account() {
    let rig = Rig::new();
    fifty(&rig, 4, "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "error_after" }]));
    let report = rig.apply(&[], 1);
    let calls = order_calls(&rig);
    assert!((5..=5 + 3).contains(&calls), "{calls} calls");
    assert_eq!(report["summary"]["waiting"], calls);
    assert_eq!(report["summary"]["skipped"], 50 - calls);
    rig.faults(json!([]));
    rig.apply(&[], 0);
    exactly_once(&rig, 50, "after the CA recovered");
}

#[test]
fn what_earlier_runs_left_in_doubt_does_not_hold_up_other_work() {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["a", "b", "c", "d"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before" }]));
    rig.apply(&[], 3);
    rig.faults(json!([]));
    manifest(
        &rig,
        &header(4, DEFAULT),
        &["a", "b", "c", "d", "e", "f"],
        "",
    );
    let report = rig.apply(&[], 3);
    assert_eq!(report["summary"]["unknown"], 4);
    assert_eq!(report["summary"]["waiting"], 2, "{report:#}");
    assert_eq!(orders_by_tag(&rig).len(), 2);
}
