//! Case 22: an answer that names several errors is shown with all of them, in every output.

use serde_json::{Value, json};

use super::{automatic, info, manifest, new_key, person, revoke, shop};
use crate::rig::{Rig, action};

const CODES: [&str; 2] = [
    "required_param:certificate.server_platform",
    "invalid_custom_field_value",
];
const MESSAGES: [&str; 2] = [
    "The server platform is missing.",
    "The value of field 12 is not valid.",
];

fn refuse(rig: &Rig, method: &str, path: &str, errors: &Value) {
    rig.faults(
        json!([{ "match": { "method": method, "path_contains": path },
        "fault": "answer_before", "status": 400, "body": { "errors": errors } }]),
    );
}

fn two() -> Value {
    json!([{ "code": CODES[0], "message": MESSAGES[0] }, { "code": CODES[1], "message": MESSAGES[1] }])
}

#[track_caller]
fn names_both(what: &str, text: &str) {
    for part in CODES.iter().chain(&MESSAGES) {
        assert!(text.contains(part), "{what} does not say {part}:\n{text}");
    }
}

/// `apply` fails, and every output has both errors.
#[track_caller]
fn all_is_shown(rig: &Rig, address: &str) {
    let reports = ["--report", "json=r.json", "--report", "markdown=r.md"];
    let ended = rig
        .certplan(&[&["apply", "--yes"][..], &reports].concat())
        .expect(1);
    names_both("standard error", &ended.stderr);
    names_both("standard output", &ended.stdout);
    let read = |name: &str| std::fs::read_to_string(rig.path(name)).expect("a report");
    let report: Value = serde_json::from_str(&read("r.json")).expect("JSON");
    let error = action(&report, address)["error"]
        .as_str()
        .expect("an error");
    names_both("the report", error);
    names_both("the page", &read("r.md"));
    names_both(
        "history",
        &rig.certplan(&["history", address]).expect(0).stdout,
    );
    let json = rig
        .certplan(&["history", address, "--format", "json"])
        .expect(0);
    names_both("history in JSON", &json.stdout);
}

#[test]
fn case_22_every_error_of_a_refused_order_is_shown() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    refuse(
        &rig,
        "POST",
        "/order/certificate/client_premium_sha2",
        &two(),
    );
    all_is_shown(&rig, "orders.ada");
    // What is corrected goes through.
    rig.faults(json!([]));
    rig.apply(&[], 0);
}

#[test]
fn case_22_the_same_for_a_reissue_and_a_revocation() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    refuse(&rig, "POST", "/reissue", &two());
    all_is_shown(&rig, "orders.shop");
    manifest(&rig, &[], &[revoke("gone", "order_id: 70000001", "order")]);
    refuse(&rig, "PUT", "/revoke", &two());
    all_is_shown(&rig, "revocations.gone");
    assert_eq!(info(&rig, "70000001")["status"], "issued");
}

#[test]
fn case_22_the_same_for_a_read() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    refuse(&rig, "GET", "/order/certificate", &two());
    for args in [
        &["plan"][..],
        &["status"],
        &["apply", "--yes"],
        &["import", "--all", "--account", "digicert"],
    ] {
        let ended = rig.certplan(args).expect(1);
        names_both(args[0], &ended.stderr);
    }
}

#[test]
fn case_22_a_long_list_is_cut_with_its_number() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let many: Vec<Value> = (0..40)
        .map(|field| json!({ "code": format!("invalid_value:field_{field}"), "message": "m".repeat(9000) }))
        .collect();
    refuse(&rig, "POST", "/order/certificate/", &json!(many));
    let report = rig.apply(&[], 1);
    let error = action(&report, "orders.ada")["error"]
        .as_str()
        .expect("an error")
        .to_owned();
    let ended = rig.certplan(&["apply", "--yes"]).expect(1);
    for text in [&error, &ended.stderr, &ended.stdout] {
        for part in ["40 errors", "field_0:", "field_9:", "30 more", "correct it"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.len() < 8000, "{text}");
    }
}

/// Text of the answer is one line, whatever it holds.
#[test]
fn case_22_no_error_steers_a_terminal() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let hostile = json!([{ "code": CODES[0], "message": MESSAGES[0] },
        { "code": "x\u{1b}[2J", "message": "\n::set-output\u{202e}" }]);
    refuse(&rig, "POST", "/order/certificate/", &hostile);
    let ended = rig.certplan(&["apply", "--yes"]).expect(1);
    for text in [&ended.stderr, &ended.stdout] {
        assert!(
            text.contains("x\\u{1b}[2J: \\u{a}::set-output\\u{202e}"),
            "{text}"
        );
    }
}
