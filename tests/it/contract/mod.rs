//! The command line as scripts rely on it: formats against their schemas, exit codes, every command.

mod command_line;
mod imports;
mod keys;

use serde_json::{Value, json};

use crate::rig::{Rig, action};

/// Holds a document against the schema that `certplan schema NAME` prints.
#[track_caller]
pub(crate) fn assert_valid(schema: &str, document: &Value) {
    let path = format!(
        "{}/schemas/{schema}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect("a schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

/// Fails the test if an id anywhere in the document is not a string.
#[track_caller]
pub(crate) fn assert_ids_are_strings(document: &Value) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                // A request's body is what the CA takes, in its own types.
                if name == "body" {
                    continue;
                }
                if name == "id" || name.ends_with("_id") {
                    assert!(value.is_string() || value.is_null(), "{name}: {value}");
                }
                assert_ids_are_strings(value);
            }
        }
        Value::Array(values) => values.iter().for_each(assert_ids_are_strings),
        _ => {}
    }
}

#[test]
fn the_schemas_that_are_printed_are_the_checked_in_ones() {
    let rig = Rig::new();
    for name in ["manifest", "plan", "report", "status"] {
        let printed = rig.certplan(&["schema", name]).expect(0).json();
        let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let checked_in: Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(printed, checked_in, "{name}");
    }
    let default = rig.certplan(&["schema"]).expect(0).json();
    assert_eq!(default, rig.certplan(&["schema", "manifest"]).json());
}

#[test]
fn a_schema_refuses_what_is_not_the_document() {
    let outcome = std::panic::catch_unwind(|| assert_valid("plan", &json!({"plan_id": 1})));
    assert!(outcome.is_err());
    let outcome = std::panic::catch_unwind(|| assert_ids_are_strings(&json!([{"order_id": 1}])));
    assert!(outcome.is_err());
}

#[test]
fn init_writes_a_manifest_that_validates_and_overwrites_nothing() {
    let rig = Rig::new();
    rig.certplan(&["init"]).expect(0);
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    assert!(
        text.starts_with("# yaml-language-server: $schema="),
        "{text}"
    );
    rig.certplan(&["validate"]).expect(0);
    let again = rig.certplan(&["init"]).expect(1);
    assert!(again.stderr.contains("not overwritten"), "{}", again.stderr);
    assert_eq!(
        std::fs::read_to_string(rig.path("certplan.yaml")).unwrap(),
        text
    );
    rig.certplan(&["init", "other.yaml"]).expect(0);
    rig.certplan(&["validate", "-f", "other.yaml"]).expect(0);
}

#[test]
fn validate_needs_no_key_and_says_where_each_fault_is() {
    let mut rig = Rig::new();
    for name in ["DIGICERT_API_KEY", "NCLOUD_ACCESS_KEY", "NCLOUD_SECRET_KEY"] {
        rig.unset(name);
    }
    rig.orders(&["ada"], "");
    let good = rig.certplan(&["validate"]).expect(0);
    assert_eq!(
        good.stdout,
        "certplan.yaml: valid, 1 order and 0 revocations.\n"
    );
    let good = rig
        .certplan(&["validate", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!((&good["valid"], &good["orders"]), (&json!(true), &json!(1)));

    rig.orders(
        &["ada"],
        "    after: [bod]
revocations:
  gone: { order: adda, scope: order, reason: superseded, comments: x }
",
    );
    let bad = rig.certplan(&["validate"]).expect(1);
    assert!(bad.stdout.is_empty(), "{}", bad.stdout);
    for part in ["certplan::manifest::", "certplan.yaml", "did you mean"] {
        assert!(bad.stderr.contains(part), "{part} in {}", bad.stderr);
    }
    let bad = rig
        .certplan(&["validate", "--format", "json"])
        .expect(1)
        .json();
    let problems = bad["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{bad:#}");
    for problem in problems {
        assert!(problem["line"].is_u64() && problem["column"].is_u64());
        assert!(problem["code"].as_str().unwrap().starts_with("certplan::"));
    }
    assert_eq!(rig.reads(), 0);
}

#[test]
fn status_tells_where_everything_stands_in_three_formats() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 1 }));
    rig.orders(
        &["ada", "bob"],
        &format!(
            "revocations:
  old: {{ order_id: {}, scope: order, reason: superseded, comments: x }}
",
            ids[0]
        ),
    );
    let state = |rig: &Rig, address: &str| {
        let status = rig
            .certplan(&["status", "--format", "json"])
            .expect(0)
            .json();
        assert_valid("status", &status);
        assert_ids_are_strings(&status);
        let entries = status["entries"].as_array().unwrap();
        entries
            .iter()
            .find(|entry| entry["address"] == address)
            .unwrap()
            .clone()
    };
    assert_eq!(state(&rig, "orders.ada")["state"], "not-ordered");
    assert_eq!(state(&rig, "revocations.old")["state"], "not-requested");
    rig.apply(&[], 0);
    let ada = state(&rig, "orders.ada");
    assert_eq!(ada["state"], "pending");
    assert!(ada["waiting_for"].as_str().unwrap().contains("approval"));
    assert_eq!(state(&rig, "revocations.old")["state"], "requested");
    rig.approve_all();
    let ada = state(&rig, "orders.ada");
    assert_eq!(ada["state"], "issued");
    assert!(ada["valid_till"].is_string() && ada["certificate_id"].is_string());
    let days = ada["days_left"].as_i64().unwrap();
    assert!((360..=366).contains(&days), "{days}");
    assert_eq!(state(&rig, "revocations.old")["state"], "revoked");

    let text = rig.certplan(&["status"]).expect(0).stdout;
    assert!(
        text.contains("orders.ada") && text.contains("issued"),
        "{text}"
    );
    let markdown = rig.certplan(&["status", "--format", "markdown"]).expect(0);
    assert!(
        markdown.stdout.contains("| `orders.ada` |"),
        "{}",
        markdown.stdout
    );
    let changes = rig.changes().len();
    let reads = rig.reads();
    let offline = rig
        .certplan(&["status", "--offline", "--format", "json"])
        .expect(0)
        .json();
    assert_valid("status", &offline);
    assert_eq!((rig.reads(), rig.changes().len()), (reads, changes));
}

#[test]
fn history_shows_every_fact_and_its_chain_can_be_checked() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    let none = rig.certplan(&["history", "--verify"]).expect(0);
    assert!(none.stdout.contains("no journal"), "{}", none.stdout);
    let report = rig.apply(&[], 0);
    let shown = rig.certplan(&["history", "--format", "json"]).expect(0);
    for part in ["intended", "accepted", "orders.ada", "orders.bob"] {
        assert!(shown.stdout.contains(part), "{part} in {}", shown.stdout);
    }
    let ada = rig.certplan(&["history", "orders.ada"]).expect(0).stdout;
    assert!(
        ada.contains("orders.ada") && !ada.contains("orders.bob"),
        "{ada}"
    );
    let id = action(&report, "orders.ada")["order_id"].as_str().unwrap();
    assert!(ada.contains(id), "{ada}");
    let verified = rig
        .certplan(&["history", "--verify", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(verified["head"], report["state_head"]);
    assert!(verified["facts"].as_u64().unwrap() >= 4);
}
