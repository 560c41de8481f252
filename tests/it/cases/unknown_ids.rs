//! Case 44: an id that the CA does not know waits for a person, not for the CA.

use serde_json::json;

use super::{
    applied, manifest, needs_a_person, planned, revoke, shop, standing, waiting_code, word,
};
use crate::rig::{Rig, action};

const SUCCESS: &str = "certplan_last_success_timestamp_seconds";

/// Beside a good entry: the wrong one is named in every run, the good one is carried out.
#[track_caller]
fn asks_for_a_correction(rig: &Rig, address: &str, id: &str, code: &str) {
    rig.certplan(&["plan"]).expect(0);
    let plan = planned(rig);
    let step = action(&plan, address);
    assert_eq!(step["action"], "wait", "{step:#}");
    let warned = plan["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .any(|warning| {
            warning["address"] == address && warning.to_string().to_lowercase().contains(id)
        });
    assert!(warned, "no warning names {id}: {plan:#}");

    let args = [
        "apply",
        "--yes",
        "--quiet",
        "--metrics",
        "m.prom",
        "--report",
        "json=report.json",
    ];
    for turn in ["first", "second"] {
        let ended = rig.certplan(&args).expect(3);
        let said = ended.stderr.to_lowercase();
        assert!(
            said.contains(address) && said.contains(id),
            "{turn}: {}",
            ended.stderr
        );
        let metrics = std::fs::read_to_string(rig.path("m.prom")).expect("metrics");
        let success = metrics
            .lines()
            .find(|line| line.starts_with(SUCCESS))
            .expect("a sample");
        let value = success.rsplit(' ').next().expect("a value");
        assert_eq!(value.parse(), Ok(0.0), "{turn}: {success}");
    }
    let report = std::fs::read(rig.path("report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    let step = action(&report, address);
    assert_eq!(step["outcome"], "waiting", "{step:#}");
    assert_eq!(step["waiting_code"], code, "{step:#}");
    let entry = standing(rig, address);
    assert_eq!(entry["waiting_code"], code, "{entry:#}");
    let status = rig.certplan(&["status"]);
    assert!(
        status.stdout.to_lowercase().contains(id),
        "{}",
        status.stdout
    );
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
}

fn two_orders() -> Rig {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 2, "duplicates_per_order": 1 }));
    rig
}

fn other() -> String {
    revoke("other", "order_id: 70000002", "order")
}

#[test]
fn case_44_an_order_that_the_ca_does_not_know_is_told_until_it_is_corrected() {
    let rig = two_orders();
    let wrong = revoke("leaver", "order_id: 70000010", "order");
    manifest(&rig, &[], &[wrong, other()]);
    let (code, report) = applied(&rig);
    assert_eq!(code, 3, "{report:#}");
    assert_eq!(action(&report, "revocations.other")["outcome"], "done");
    asks_for_a_correction(
        &rig,
        "revocations.leaver",
        "70000010",
        "decision_unknown_order",
    );

    let right = revoke("leaver", "order_id: 70000001", "order");
    manifest(&rig, &[], &[right, other()]);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(super::status_of(&rig, "70000001"), "revoked");
}

#[test]
fn case_44_a_certificate_that_the_order_does_not_have_is_told() {
    for (scope, id) in [
        ("{ certificate_id: 123 }", "123"),
        // Of another order.
        ("{ certificate_id: 90000003 }", "90000003"),
        ("{ serial_number: \"7A1B2C\" }", "7a1b2c"),
    ] {
        let rig = two_orders();
        let part = revoke("part", "order_id: 70000001", scope);
        manifest(&rig, &[], &[part]);
        asks_for_a_correction(&rig, "revocations.part", id, "decision_unknown_certificate");
        assert_eq!(super::died(&rig), [""; 0], "{scope}");
        let right = revoke("part", "order_id: 70000001", "{ certificate_id: 90000001 }");
        manifest(&rig, &[], &[right]);
        rig.apply(&[], 0);
        assert_eq!(super::died(&rig), ["90000001"]);
    }
}

fn ncloud(order: &str, scope: &str) -> String {
    format!(
        "  shop: {{ account: navercloud, order_id: \"{order}\", scope: {scope}, reason: superseded }}\n"
    )
}

#[test]
fn case_44_at_ncloud_order_and_certificate_number_are_told() {
    for (order, scope, id, code) in [
        ("999", "order", "999", "decision_unknown_order"),
        (
            "999",
            "{ certificate_no: 500 }",
            "999",
            "decision_unknown_order",
        ),
        (
            "77",
            "{ certificate_no: 512 }",
            "512",
            "decision_unknown_certificate",
        ),
    ] {
        let rig = Rig::new();
        rig.seed(
            json!({ "ncloud_orders": 1, "ncloud_order_ids": ["77"], "first_certificate_no": 500 }),
        );
        manifest(&rig, &[], &[ncloud(order, scope)]);
        asks_for_a_correction(&rig, "revocations.shop", id, code);
        assert_eq!(rig.changes().len(), 0, "{order} {scope}");
        manifest(&rig, &[], &[ncloud("77", "{ certificate_no: 500 }")]);
        rig.apply(&[], 0);
        assert_eq!(rig.changes().len(), 1);
    }
}

#[test]
fn case_44_an_existing_order_id_that_is_not_there_is_told_and_nothing_is_bought() {
    let rig = two_orders();
    let entry = shop("shop", "existing_order_id: 70000010");
    manifest(&rig, &[entry], &[]);
    asks_for_a_correction(&rig, "orders.shop", "70000010", "decision_unknown_order");
    assert_eq!(rig.changes().len(), 0);
}

#[test]
fn case_44_an_existing_order_id_of_other_names_or_another_product_is_told() {
    for product in ["ssl_multi_domain", "client_premium_sha2"] {
        let rig = Rig::new();
        rig.seed(json!({ "certcentral": 1, "product": product }));
        manifest(&rig, &[shop("shop", "existing_order_id: 70000001")], &[]);
        for _ in 0..2 {
            needs_a_person(&rig, "orders.shop");
        }
        assert_eq!(
            waiting_code(&rig, "orders.shop"),
            "decision_differs",
            "{product}"
        );
        assert_eq!(rig.changes().len(), 0, "{product}");
    }
}

/// An order of ours that the list does not show yet is no mistyped one.
#[test]
fn case_44_an_order_of_ours_that_does_not_show_yet_is_no_mistake() {
    let rig = Rig::new();
    super::automatic(&rig);
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    manifest(
        &rig,
        &[shop("shop", "")],
        &[super::ask_to_revoke("leaver", "order: shop", "order")],
    );
    let (code, report) = applied(&rig);
    assert_eq!(code, 0, "{report:#}");
    let step = action(&report, "revocations.leaver");
    assert_ne!(step["waiting_code"], "decision_unknown_order", "{step:#}");
    rig.tell("options", json!({ "index_lag_ms": 0 }));
    rig.certplan(&["apply", "--yes"]).expect(0);
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(super::status_of(&rig, "70000001"), "revoked");
}

/// By name, in the run that places the order.
#[test]
fn case_44_a_revocation_by_name_of_an_order_that_is_not_placed_is_no_mistake() {
    let rig = Rig::new();
    let leaver = super::ask_to_revoke("leaver", "order: shop", "order");
    manifest(&rig, &[shop("shop", "")], &[leaver]);
    rig.apply(&[], 0);
    assert!(
        ["dependency", "next_run", "approval", "issuance", "pending"]
            .contains(&waiting_code(&rig, "revocations.leaver").as_str())
    );
}

#[test]
fn case_44_a_read_that_fails_is_not_an_unknown_id() {
    for (fault, times) in [
        ("error_before", 100),
        ("forbidden", 100),
        ("cut_before", 100),
    ] {
        let rig = two_orders();
        let entry = revoke("leaver", "order_id: 70000001", "order");
        manifest(&rig, &[], &[entry]);
        rig.faults(
            json!([{ "match": { "method": "GET", "path_contains": "/order/certificate" },
            "fault": fault, "times": times }]),
        );
        rig.certplan(&["apply", "--yes", "--quiet"]).expect(1);
        assert_eq!(super::died(&rig), [""; 0], "{fault}");
    }
}

#[test]
fn case_44_a_renewal_of_an_order_that_is_not_there_is_told() {
    let rig = two_orders();
    manifest(&rig, &[shop("shop", "renewal_of_order_id: 70000010")], &[]);
    asks_for_a_correction(&rig, "orders.shop", "70000010", "decision_unknown_order");
    assert_eq!(word(&rig, "orders.shop"), "wait");
}
