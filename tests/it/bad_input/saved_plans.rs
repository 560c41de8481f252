//! Plan files that are not what was reviewed: refused with code 5 before anything is sent.

use std::fs;

use certplan::plan::file;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FAILED, REFUSED, refused};
use crate::rig::{Rig, csr};

fn saved() -> Rig {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.certplan(&["plan", "--out", "plan.json"]).expect(0);
    rig
}

#[test]
fn a_file_that_was_edited_cut_or_made_by_hand_is_refused() {
    let rig = saved();
    let text = fs::read_to_string(rig.path("plan.json")).expect("the plan");
    let mut newer: Value = serde_json::from_str(&text).expect("JSON");
    newer["format_version"] = json!(2);
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    other["certplan_version"] = json!("99.0.0");
    for (bytes, said) in [
        (text.replace("\"ada\"", "\"eve\""), "edited"),
        (text.replacen("digicert", "navercloud", 1), ""),
        (text.replacen('{', "{ ", 1), "edited"),
        (format!("{text}\n"), "edited"),
        (text[..text.len() / 2].to_owned(), "not a saved plan"),
        (String::new(), "not a saved plan"),
        ("{}".to_owned(), "not a saved plan"),
        ("[1, 2]".to_owned(), "not a saved plan"),
        ("<html></html>".to_owned(), "not a saved plan"),
        ("[".repeat(200_000), "not a saved plan"),
        (newer.to_string(), "was saved by"),
        (other.to_string(), "99.0.0"),
        (rig.plan(&[]).to_string(), "plan.json"),
    ] {
        rig.write("plan.json", bytes);
        refused(&rig, &["apply", "plan.json"], REFUSED, &["plan.json", said]);
    }
    rig.write("plan.json", b"\xff\xfe\x00");
    refused(
        &rig,
        &["apply", "plan.json"],
        REFUSED,
        &["not a saved plan"],
    );
    // The untouched text is still good.
    rig.write("plan.json", text);
    rig.certplan(&["apply", "plan.json"]).expect(0);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_plan_that_is_not_there_is_a_failure() {
    let rig = saved();
    refused(
        &rig,
        &["apply", "gone.json"],
        FAILED,
        &["gone.json", "No such file"],
    );
    refused(&rig, &["apply", "."], FAILED, &["not a regular file"]);
}

#[test]
fn a_plan_whose_manifest_state_or_ca_moved_on_is_refused() {
    let rig = saved();
    rig.write("ada.csr", csr("ada"));
    refused(
        &rig,
        &["apply", "plan.json"],
        REFUSED,
        &["another manifest", "plan again"],
    );

    let rig = saved();
    rig.apply(&[], 0);
    let ended = refused(
        &rig,
        &["apply", "plan.json"],
        REFUSED,
        &["stale", "plan again"],
    );
    assert!(!ended.stderr.contains("panicked"));
    assert_eq!(rig.effects("order_created").len(), 1);

    let rig = Rig::new();
    let order = &rig.seed(json!({ "certcentral": 1, "product": "ssl_basic" }))[0];
    rig.manifest(&format!(
        "revocations:\n  gone: {{ order_id: {order}, scope: order, reason: superseded, comments: x }}\n"
    ));
    rig.certplan(&["plan", "--out", "plan.json"]).expect(0);
    rig.tell(
        "edit",
        json!({ "order_id": order, "dns_names": ["new.example.com"] }),
    );
    refused(
        &rig,
        &["apply", "plan.json"],
        REFUSED,
        &["stale", "revocations.gone", "plan again"],
    );
    assert_eq!(rig.effects("order_revoked").len(), 0);
}

#[test]
fn a_plan_for_another_endpoint_is_refused() {
    let mut rig = saved();
    let other = Rig::new();
    let url = other
        .command(&[])
        .get_envs()
        .find(|(name, _)| *name == "CERTPLAN_ENDPOINT_DIGICERT")
        .and_then(|(_, value)| value?.to_str())
        .expect("an endpoint")
        .to_owned();
    rig.set("CERTPLAN_ENDPOINT_DIGICERT", &url);
    refused(
        &rig,
        &["apply", "plan.json"],
        REFUSED,
        &["stale", "`digicert` is another one"],
    );
    assert_eq!(other.changes().len(), 0);
}

#[test]
fn an_expected_digest_that_is_another_is_refused() {
    let rig = saved();
    let other = format!("sha256:{}", "0".repeat(64));
    refused(
        &rig,
        &["apply", "--yes", "--expect", &other],
        REFUSED,
        &["not the expected", "nothing was sent"],
    );
}

#[test]
fn no_change_to_a_plan_file_is_taken_or_panics() {
    let rig = saved();
    let path = rig.path("plan.json");
    let good = fs::read(&path).expect("the plan");
    assert!(file::decode(&good).is_ok());
    let length = good.len();
    let change = prop_oneof![
        (0..length, any::<u8>()).prop_map(|(at, byte)| (at, at + 1, vec![byte])),
        (0..length, 0..40_usize).prop_map(|(at, cut)| (at, at + cut, Vec::new())),
        (0..length, prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, more)| (at, at, more)),
        (0..length).prop_map(move |at| (at, length, Vec::new())),
    ];
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(500)
    };
    proptest!(config, |((from, to, put) in change)| {
        let mut bytes = good.clone();
        bytes.splice(from..to.min(length), put);
        prop_assume!(bytes != good);
        prop_assert!(file::decode(&bytes).is_err());
    });
}
