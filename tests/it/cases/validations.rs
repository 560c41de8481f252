//! Case 34: what waits for a domain or a mailbox is not what waits for an administrator.

use serde_json::json;

use super::{applied, automatic, csr, manifest, planned, standing, status_of, waiting_code};
use crate::rig::{Rig, action};

fn dv(method: &str) -> String {
    format!(
        "  shop: {{ product: ssl_dv_geotrust, dcv_method: {method}, order_validity: {{ years: 1 }}, certificate: {{ \
         common_name: shop.example.com, dns_names: [shop.example.com, www.shop.example.com], \
         signature_hash: sha256, server_platform: {{ id: 2 }}, csr: {{ file: shop.csr }} }} }}\n"
    )
}

/// The token that the sandbox wants to see for the first order.
fn token(rig: &Rig) -> String {
    let path = "/order/certificate/70000001/dcv-random-value";
    let value = rig.certcentral("PUT", path, &json!({}));
    value["dcv_random_value"]
        .as_str()
        .expect("a token")
        .to_owned()
}

#[test]
fn case_34_a_dv_order_waits_for_its_validation_with_method_and_token() {
    for method in ["dns-txt-token", "dns-cname-token", "http-token"] {
        let rig = Rig::new();
        automatic(&rig);
        manifest(&rig, &[dv(method)], &[]);
        let ended = rig
            .certplan(&["apply", "--yes", "--report", "json=report.json"])
            .expect(0);
        let token = token(&rig);
        for part in ["validation", "shop.example.com", method, token.as_str()] {
            assert!(
                ended.stdout.contains(part),
                "{part} is not in\n{}",
                ended.stdout
            );
        }
        assert!(
            !ended.stdout.contains("approval of request"),
            "{}",
            ended.stdout
        );
        let report = std::fs::read_to_string(rig.path("report.json")).expect("a report");
        let document: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        let step = action(&document, "orders.shop");
        assert_eq!(step["outcome"], "waiting", "{step:#}");
        assert_eq!(step["waiting_code"], "validation", "{step:#}");
        assert!(
            report.contains(&token) && report.contains(method),
            "{report}"
        );

        // The next runs know it too, from the journal.
        rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
            .expect(2);
        let entry = standing(&rig, "orders.shop");
        assert_eq!(entry["waiting_code"], "validation", "{entry:#}");
        assert_eq!(waiting_code(&rig, "orders.shop"), "validation");
        let plan = rig.certplan(&["plan"]).expect(0).stdout;
        assert!(plan.contains(&token), "{plan}");

        rig.tell("validate", json!({ "all": true }));
        rig.apply(&["--detailed-exitcode"], 0);
        assert_eq!(standing(&rig, "orders.shop")["state"], "issued");
    }
}

#[test]
fn case_34_approval_comes_first_and_the_validation_after_it() {
    let rig = Rig::new();
    rig.tell(
        "options",
        json!({ "habits": { "order_info_tokens": "shown" } }),
    );
    manifest(&rig, &[dv("dns-txt-token")], &[]);
    rig.apply(&[], 0);
    assert_eq!(waiting_code(&rig, "orders.shop"), "approval");
    assert_eq!(standing(&rig, "orders.shop")["waiting_code"], "approval");
    rig.approve_all();
    let ended = rig.certplan(&["apply", "--yes"]).expect(0);
    assert_eq!(waiting_code(&rig, "orders.shop"), "validation");
    let token = token(&rig);
    assert!(
        ended.stdout.contains(&token) || rig.certplan(&["plan"]).expect(0).stdout.contains(&token),
        "order info has the token, and nobody is told: {}",
        ended.stdout
    );
    let plan = rig.certplan(&["plan"]).expect(0).stdout;
    for part in ["shop.example.com", "dns-txt-token", token.as_str()] {
        assert!(plan.contains(part), "{part} is not in\n{plan}");
    }
    rig.tell("validate", json!({ "all": true }));
    rig.apply(&["--detailed-exitcode"], 0);
}

/// Where order info is silent about the tokens, it says at least that the request was granted. An order that
/// needs no validation of its own is not read for it.
#[test]
fn case_34_an_order_that_was_approved_later_waits_for_no_approval() {
    let rig = Rig::new();
    manifest(
        &rig,
        &[
            dv("dns-txt-token"),
            super::tls("other", &["other.example.com"], ""),
        ],
        &[],
    );
    rig.apply(&[], 0);
    rig.tell("options", json!({ "validation": "open" }));
    rig.approve_all();
    let (code, reads) = super::reads_of(&rig, || waiting_code(&rig, "orders.shop"));
    assert_eq!(code, "issuance");
    let infos = reads
        .iter()
        .filter(|path| path.contains("/order/certificate/7"));
    assert_eq!(infos.count(), 1, "{reads:?}");
}

#[test]
fn case_34_approved_and_not_issued_is_waiting_and_never_done() {
    // By whichever member the CA tells of it; with a certificate id, and the feed silent.
    for silent in [false, true] {
        let rig = Rig::new();
        automatic(&rig);
        rig.tell("options", json!({ "validation": "open" }));
        if silent {
            rig.faults(json!([{ "match": { "path_contains": "status-changes" },
                "fault": "answer_before", "body": { "orders": [] } }]));
        }
        let entries = [super::person("card", "P", ""), super::shop("shop", "")];
        manifest(&rig, &entries, &[]);
        let report = rig.apply(&["--detailed-exitcode"], 2);
        assert_eq!(report["summary"]["waiting"], 2, "{report:#}");
        for address in ["orders.card", "orders.shop"] {
            let step = action(&report, address);
            assert_eq!(step["outcome"], "waiting", "{step:#}");
            assert!(step["certificate_id"].is_string(), "{step:#}");
            let code = waiting_code(&rig, address);
            assert!(
                ["validation", "issuance", "pending"].contains(&code.as_str()),
                "{code}"
            );
            assert_ne!(standing(&rig, address)["state"], "issued");
        }
        for _ in 0..2 {
            rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
                .expect(2);
        }
        // `--wait` does not take it for done either.
        rig.certplan(&["apply", "--yes", "--wait", "1s", "--detailed-exitcode"])
            .expect(2);
        rig.tell("validate", json!({ "all": true }));
        rig.faults(json!([]));
        rig.apply(&["--detailed-exitcode"], 0);
    }
}

#[test]
fn case_34_a_reissue_whose_validation_is_open_is_under_way() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[super::shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig.tell("options", json!({ "validation": "open" }));
    rig.write("shop.csr", csr());
    let report = rig.apply(&["--detailed-exitcode"], 2);
    let step = action(&report, "orders.shop");
    assert_eq!(
        (&step["action"], &step["outcome"]),
        (&json!("reissue"), &json!("waiting"))
    );
    let code = waiting_code(&rig, "orders.shop");
    assert_ne!(code, "approval", "it is approved");
    assert_eq!(planned(&rig)["summary"]["reissue"], 0, "asked for once");
    rig.tell("validate", json!({ "all": true }));
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(status_of(&rig, "70000001"), "issued");
}

#[test]
fn case_34_an_order_without_a_csr_waits_for_whoever_picks_it_up() {
    let rig = Rig::new();
    automatic(&rig);
    let entry = "  card: { product: client_premium_sha2, validity_years: 1, certificate: { common_name: P, \
                 emails: [p@example.com], signature_hash: sha256 } }\n";
    manifest(&rig, &[entry.to_owned()], &[]);
    rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(waiting_code(&rig, "orders.card"), "pickup");
}

#[test]
fn case_34_metrics_tell_validations_from_approvals() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[dv("dns-txt-token")], &[]);
    rig.certplan(&["apply", "--yes", "--metrics", "m.prom"])
        .expect(0);
    let metrics = std::fs::read_to_string(rig.path("m.prom")).expect("metrics");
    let count = |cause: &str| {
        let label = format!("cause=\"{cause}\"");
        let line = metrics
            .lines()
            .find(|line| line.starts_with("certplan_waiting_items{") && line.contains(&label));
        let value = line.and_then(|line| line.rsplit(' ').next());
        value.map_or(0.0, |value| value.parse::<f64>().expect("a number"))
    };
    assert_eq!(count("approval"), 0.0, "{metrics}");
    assert_eq!(count("validation"), 1.0, "{metrics}");
    let (_, report) = applied(&rig);
    assert_eq!(report["summary"]["waiting"], 1);
}
