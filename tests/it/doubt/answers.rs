//! Answers of every kind to an order, and to the look-up of one in doubt.

use serde_json::{Value, json};

use super::lost::DEFAULT;
use crate::crash::truth::{
    exactly_once, header, manifest, order_calls, orders_by_tag, revocation, words,
};
use crate::rig::{Rig, action};

#[test]
fn row_46_a_look_up_that_fails_is_never_read_as_not_found() {
    let rig = Rig::new();
    // Even where the policy would order again at once.
    let doubt = "{ quiet_period: 1s, then: resend }";
    manifest(&rig, &header(4, doubt), &["ada"], "");
    rig.apply(&[], 0);
    manifest(&rig, &header(4, doubt), &["ada", "bob"], "");
    let look_up = |mut fault: Value| {
        fault["match"] = json!({ "path_contains": "/order/alternate/" });
        fault
    };
    let lost = json!({ "match": { "method": "POST" }, "fault": "cut_after", "times": 1 });
    rig.faults(json!([lost, look_up(json!({ "fault": "unauthorized" }))]));
    rig.apply(&[], 3);
    for fault in [
        json!({ "fault": "unauthorized" }),
        json!({ "fault": "forbidden" }),
        json!({ "fault": "html", "status": 404 }),
        json!({ "fault": "html" }),
        json!({ "fault": "error_before" }),
        json!({ "fault": "empty" }),
        json!({ "fault": "truncate" }),
        json!({ "fault": "redirect" }),
    ] {
        rig.faults(json!([look_up(fault.clone())]));
        let report = rig.apply(&[], 3);
        assert_eq!(
            action(&report, "orders.bob")["outcome"],
            "unknown",
            "{fault}"
        );
        assert!(
            !words(&rig, "orders.bob").contains(&"looked_up".to_owned()),
            "{fault} was taken for a look-up"
        );
    }
    rig.faults(json!([]));
    rig.apply(&[], 0);
    exactly_once(&rig, 2, "after eight failed look-ups");
    assert_eq!(order_calls(&rig), 2);
}

#[test]
fn row_38_server_errors_before_and_after_the_effect_are_told_apart_by_looking() {
    let rig = Rig::new();
    manifest(&rig, &header(1, DEFAULT), &["ada", "bob"], "");
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "error_before", "status": 503, "times": 1 },
        { "match": { "method": "POST" }, "fault": "error_after", "status": 502, "times": 1 },
    ]));
    let report = rig.apply(&[], 3);
    assert_eq!(report["summary"]["unknown"], 1);
    assert_eq!(report["summary"]["waiting"], 1);
    assert_eq!((order_calls(&rig), orders_by_tag(&rig).len()), (2, 1));
}

#[test]
fn row_39_a_429_in_the_cas_own_words_is_tried_again_and_another_is_a_doubt() {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["ada"], "");
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "rate_limit", "retry_after": 1, "times": 2 },
    ]));
    rig.apply(&[], 0);
    exactly_once(&rig, 1, "after two 429");
    assert_eq!(
        words(&rig, "orders.ada"),
        [
            "intended", "unsent", "intended", "unsent", "intended", "accepted"
        ]
    );
    manifest(&rig, &header(4, DEFAULT), &["ada", "bob"], "");
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "empty", "status": 429, "times": 1 },
    ]));
    rig.apply(&[], 0);
    exactly_once(&rig, 2, "after a 429 without a body");
    assert!(words(&rig, "orders.bob").contains(&"doubted".to_owned()));
}

#[test]
fn row_44_a_key_that_is_refused_mid_run_stops_the_account_and_fails_nothing_for_good() {
    for accepted in 0..4 {
        let rig = Rig::new();
        let names = ["ada", "bob", "cleo", "dan", "eve"];
        manifest(&rig, &header(1, DEFAULT), &names, "");
        rig.faults(json!([
            { "match": { "method": "POST" }, "fault": "unauthorized", "skip": accepted },
        ]));
        let report = rig.apply(&[], 1);
        assert_eq!(report["summary"]["waiting"], accepted, "{report:#}");
        assert_eq!(report["summary"]["failed"], 1, "{report:#}");
        assert_eq!(report["summary"]["skipped"], 4 - accepted, "{report:#}");
        assert_eq!(order_calls(&rig), accepted + 1);
        for name in names {
            let words = words(&rig, &format!("orders.{name}"));
            assert!(!words.contains(&"refused".to_owned()), "{name}: {words:?}");
        }
        rig.faults(json!([]));
        rig.apply(&[], 0);
        exactly_once(&rig, 5, "with a key that is let in again");
        assert_eq!(order_calls(&rig), 6);
    }
}

#[test]
fn row_45_a_missing_permission_stops_the_account_too() {
    let rig = Rig::new();
    manifest(&rig, &header(1, DEFAULT), &["ada", "bob", "cleo"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "forbidden", "skip": 1 }]));
    let report = rig.apply(&[], 1);
    assert_eq!(report["summary"]["skipped"], 1);
    assert_eq!(order_calls(&rig), 2);
}

#[test]
fn row_48_a_validation_error_is_the_end_of_one_order_and_of_no_other() {
    let rig = Rig::new();
    let text = "orders:
  bad: { product: client_digital_signature_plus, certificate: { common_name: bad, emails: [bad@example.com], signature_hash: sha256, csr: { file: bad.csr } }, validity_years: 1 }
";
    let refusal =
        json!({ "errors": [{ "code": "invalid_value:emails", "message": "Not allowed." }] });
    let orders_of_it =
        json!({ "method": "POST", "path_contains": "client_digital_signature_plus" });
    rig.faults(json!([
        { "match": orders_of_it, "fault": "answer_before", "status": 400, "body": refusal }
    ]));
    rig.write("bad.csr", crate::rig::csr("bad"));
    rig.write("good.csr", crate::rig::csr("good"));
    let good = crate::rig::client_order("good");
    rig.write(
        "certplan.yaml",
        format!("{}{text}{good}", header(1, DEFAULT)),
    );
    let report = rig.apply(&[], 1);
    assert_eq!(action(&report, "orders.bad")["outcome"], "failed");
    assert_eq!(action(&report, "orders.good")["outcome"], "waiting");
    assert_eq!(words(&rig, "orders.bad"), ["intended", "refused"]);
}

#[test]
fn row_51_no_funds_stops_orders_and_lets_revocations_go_on() {
    let rig = Rig::new();
    let order = rig.seed(json!({ "certcentral": 1 })).remove(0);
    let more = revocation("old", &order);
    let names = ["ada", "bob", "cleo", "dan"];
    manifest(&rig, &header(1, DEFAULT), &names, &more);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "error_before", "status": 402 }]));
    let report = rig.apply(&["--allow-revocations", "5"], 1);
    assert_eq!(order_calls(&rig), 1);
    assert_eq!(report["summary"]["skipped"], 3, "{report:#}");
    assert_eq!(action(&report, "revocations.old")["outcome"], "waiting");
    assert_eq!(rig.effects("revocation_requested").len(), 1);
    rig.faults(json!([]));
    rig.apply(&[], 0);
    exactly_once(&rig, 4, "with funds again");
}

#[test]
fn row_52_a_maintenance_page_is_a_doubt() {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["ada"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "html", "times": 1 }]));
    rig.apply(&[], 3);
    assert_eq!(words(&rig, "orders.ada")[..2], ["intended", "doubted"]);
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn row_28_a_redirect_is_a_doubt_and_is_not_followed() {
    let rig = Rig::new();
    manifest(&rig, &header(4, DEFAULT), &["ada"], "");
    let elsewhere = Rig::new();
    let target = elsewhere.command(&[]);
    let (_, url) = target
        .get_envs()
        .find(|(name, _)| *name == "CERTPLAN_ENDPOINT_DIGICERT")
        .expect("an endpoint");
    let url = url.and_then(|url| url.to_str()).expect("text").to_owned();
    for status in [302, 307, 308] {
        rig.faults(json!([
            { "match": { "method": "POST" }, "fault": "redirect", "status": status, "location": url, "times": 1 },
        ]));
        rig.apply(&[], 3);
    }
    assert_eq!(order_calls(&rig), 1);
    assert_eq!(elsewhere.ask("ledger"), json!([]), "the key went elsewhere");
}
