//! Revocations and reissues in doubt: settled by reading what they were about.

use serde_json::{Value, json};

use super::lost::DEFAULT;
use crate::crash::truth::{ASK, header, manifest, revocation, words};
use crate::rig::{Rig, action, csr};

fn lost(fault: &str) -> Value {
    json!([{ "match": { "provider": "certcentral", "method": "PUT" }, "fault": fault, "times": 1 }])
}

#[test]
fn row_67_a_revocation_in_doubt_is_settled_by_reading() {
    for fault in [
        "cut_after",
        "cut_before",
        "error_after",
        "error_before",
        "truncate",
        "html",
    ] {
        let rig = Rig::new();
        let order = &rig.seed(json!({ "certcentral": 1 }))[0];
        manifest(&rig, &header(4, DEFAULT), &[], &revocation("old", order));
        rig.faults(lost(fault));
        // What was answered with 200 is not sent again by the run that sent it.
        let first = if fault == "html" { 3 } else { 0 };
        rig.apply(&["--allow-revocations", "5"], first);
        let report = rig.apply(&["--allow-revocations", "5"], 0);
        assert_eq!(
            action(&report, "revocations.old")["outcome"],
            "waiting",
            "{fault}"
        );
        assert_eq!(rig.effects("revocation_requested").len(), 1, "{fault}");
        let words = words(&rig, "revocations.old");
        assert_eq!(words[..3], ["targeted", "intended", "doubted"], "{fault}");
        rig.apply(&[], 0);
        assert_eq!(rig.effects("revocation_requested").len(), 1, "{fault}");
    }
}

/// A CertCentral order whose revocation the manifest asks for.
fn to_revoke() -> (Rig, String) {
    let rig = Rig::new();
    let order = rig.seed(json!({ "certcentral": 1 })).remove(0);
    manifest(&rig, &header(4, DEFAULT), &[], &revocation("old", &order));
    (rig, format!("/order/certificate/{order}"))
}

#[test]
fn a_revocation_whose_order_cannot_be_read_stays_in_doubt() {
    // How often the order is read before the call, as a run without faults shows.
    let (twin, path) = to_revoke();
    twin.apply(&["--allow-revocations", "5"], 0);
    let ledger = twin.ask("ledger");
    let entries = ledger.as_array().expect("a list").iter();
    let reads = entries
        .take_while(|entry| entry["method"] != "PUT")
        .filter(|entry| {
            entry["path"]
                .as_str()
                .is_some_and(|known| known.contains(&path))
        })
        .count();

    let (rig, path) = to_revoke();
    rig.faults(json!([
        { "match": { "method": "PUT" }, "fault": "cut_after", "times": 1 },
        { "match": { "method": "GET", "path_contains": path }, "fault": "forbidden", "skip": reads },
    ]));
    let report = rig.apply(&["--allow-revocations", "5"], 3);
    assert_eq!(action(&report, "revocations.old")["outcome"], "unknown");
    rig.faults(json!([]));
    // A person cannot settle it with the number of another request.
    rig.certplan(&["resolve", "revocations.old", "--found", "4711"])
        .expect(5);
    rig.certplan(&["resolve", "revocations.old", "--not-placed", "--yes"])
        .expect(5);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("revocation_requested").len(), 1);
}

/// `ada` is issued, and its key is another one in the manifest now.
fn to_reissue(doubt: &str) -> Rig {
    let rig = Rig::new();
    manifest(&rig, &header(4, doubt), &["ada"], "");
    rig.apply(&[], 0);
    rig.approve_all();
    rig.apply(&[], 0);
    rig.write("ada.csr", csr("ada"));
    assert_eq!(rig.plan(&[])["summary"]["reissue"], 1);
    rig
}

#[test]
fn a_reissue_whose_answer_is_lost_is_found_by_reading_the_order() {
    let rig = to_reissue(DEFAULT);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_after", "times": 1 }]));
    rig.apply(&[], 0);
    assert_eq!(rig.effects("reissue_created").len(), 1);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("reissue_created").len(), 1);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_reissue_that_never_arrived_is_asked_for_again_after_the_quiet_period() {
    let rig = to_reissue(ASK);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    rig.apply(&[], 3);
    assert_eq!(rig.effects("reissue_created").len(), 0);
    // With --wait the run looks until the quiet period is over.
    rig.apply(&["--wait", "10s"], 0);
    assert_eq!(words(&rig, "orders.ada").last().expect("a fact"), "dead");
    rig.apply(&[], 0);
    assert_eq!(rig.effects("reissue_created").len(), 1);
}

/// Adds a unit to the certificate of the one order: names and key stay as they are.
fn add_a_unit(rig: &Rig) {
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    let with_unit = "signature_hash: sha256, organization_units: [Accounting],";
    assert!(text.contains("signature_hash: sha256,"));
    let text = text.replacen("signature_hash: sha256,", with_unit, 1);
    rig.write("certplan.yaml", text);
}

/// Names and key of the order are what is wanted, before the reissue as well as after it.
#[test]
fn a_reissue_for_a_unit_that_never_arrived_is_not_taken_for_done() {
    let rig = Rig::new();
    manifest(&rig, &header(4, ASK), &["ada"], "");
    rig.apply(&[], 0);
    rig.approve_all();
    rig.apply(&[], 0);
    add_a_unit(&rig);
    assert_eq!(rig.plan(&[])["summary"]["reissue"], 1);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    rig.apply(&[], 3);
    rig.apply(&["--wait", "10s"], 0);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("reissue_created").len(), 1);
}

/// The manifest goes back to the old key while the reissue for the new one is in doubt, and it was done.
#[test]
fn a_reissue_that_was_done_counts_although_the_manifest_wants_another_by_now() {
    let rig = Rig::new();
    manifest(&rig, &header(4, ASK), &["ada"], "");
    rig.apply(&[], 0);
    rig.approve_all();
    rig.apply(&[], 0);
    let old = std::fs::read_to_string(rig.path("ada.csr")).expect("a CSR");
    rig.write("ada.csr", csr("ada"));
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "error_after" },
        { "match": { "method": "GET", "path_contains": "/order/certificate/" }, "fault": "forbidden", "skip": 2 },
    ]));
    rig.apply(&[], 3);
    rig.approve_all();
    rig.faults(json!([]));
    rig.write("ada.csr", old);
    rig.apply(&["--wait", "3s"], 0);
    let words = words(&rig, "orders.ada");
    assert!(!words.contains(&"dead".to_owned()), "{words:?}");
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "reissue");
}
