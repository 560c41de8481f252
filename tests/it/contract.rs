//! The command line as scripts rely on it: formats against their schemas, exit codes, every command.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rig::{ACCOUNTS, Rig, action};

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
        "certplan.yaml: valid, 1 orders and 0 revocations.\n"
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

/// A manifest whose CertCentral account names this key.
fn with_key(rig: &Rig, key: u64) {
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    let plain: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("key_id:"))
        .collect();
    let text = plain.join("\n") + "\n";
    rig.write(
        "certplan.yaml",
        text.replace(
            "    provider: certcentral\n",
            &format!("    provider: certcentral\n    key_id: {key}\n"),
        ),
    );
}

#[test]
fn doctor_names_the_key_and_finds_what_is_wrong() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    let good = rig.certplan(&["doctor"]).expect(0).stdout;
    for part in ["manifest: 1 items", "account 654321", "orders are visible"] {
        assert!(good.contains(part), "{part} in {good}");
    }
    with_key(&rig, 184);
    let good = rig.certplan(&["doctor"]).expect(0).stdout;
    assert!(
        good.contains("key 184") && good.contains("is active"),
        "{good}"
    );
    with_key(&rig, 15);
    let acme = rig.certplan(&["doctor"]).expect(0).stdout;
    assert!(acme.contains("ACME key"), "{acme}");
    with_key(&rig, 185);
    let revoked = rig.certplan(&["doctor"]).expect(1).stdout;
    assert!(revoked.contains("is revoked"), "{revoked}");
    with_key(&rig, 184);
    rig.set("DIGICERT_API_KEY", "a-wrong-key-0123456789");
    let wrong = rig.certplan(&["doctor"]).expect(1);
    assert!(wrong.stdout.contains("FAIL"), "{}", wrong.stdout);
    assert!(!wrong.stdout.contains("a-wrong-key"), "{}", wrong.stdout);
    rig.unset("DIGICERT_API_KEY");
    let none = rig.certplan(&["doctor"]).expect(1);
    assert!(none.stdout.contains("DIGICERT_API_KEY"), "{}", none.stdout);
    assert!(rig.changes().is_empty());
}

#[test]
fn each_kind_of_key_may_do_what_it_is_for() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    // The ACME key: named by plan, refused by apply.
    with_key(&rig, 15);
    let plan = rig.certplan(&["plan"]).expect(0);
    assert!(plan.stderr.contains("ACME key"), "{}", plan.stderr);
    let apply = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(apply.stderr.contains("ACME key"), "{}", apply.stderr);
    // A revoked key: refused by both.
    with_key(&rig, 185);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let ended = rig.certplan(command).expect(1);
        assert!(ended.stderr.contains("is revoked"), "{}", ended.stderr);
    }
    // View only: it can plan.
    with_key(&rig, 186);
    rig.certplan(&["plan"]).expect(0);
    let apply = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(apply.stderr.contains("view only"), "{}", apply.stderr);
    assert!(rig.changes().is_empty());
    with_key(&rig, 184);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_order_at_the_ca_is_bound_to_a_name_once() {
    let rig = Rig::new();
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.orders(&["ada", "bob"], "");
    rig.certplan(&["apply", "--yes", "--target", "orders.ada"])
        .expect(0);
    let id = rig.effects("order_created")[0]["ids"]["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let taken = rig.certplan(&["import", "orders.bob", &id]).expect(1);
    assert!(taken.stderr.contains("orders.ada"), "{}", taken.stderr);

    std::fs::remove_dir_all(rig.path(".certplan")).unwrap();
    rig.certplan(&["import", "orders.ada", &id]).expect(0);
    assert_eq!(action(&rig.plan(&[]), "orders.ada")["action"], "keep");
    rig.certplan(&["import", "orders.ada", "999999999"])
        .expect(1);
    rig.certplan(&["import", "orders.ada", "1/../2"]).expect(64);
    rig.certplan(&["import", "orders.eve", &id]).expect(64);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn the_manifest_of_an_account_validates_and_its_imports_leave_nothing_to_do() {
    let rig = Rig::new();
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.orders(&["ada", "bob"], "");
    rig.apply(&[], 0);
    rig.seed(json!({ "certcentral": 1 }));
    let ended = rig
        .certplan(&["import", "--all", "--account", "digicert"])
        .expect(0);
    let printed = ended.stdout;
    // The seeded order's CSR is for another name: no manifest can ask for it.
    assert!(ended.stderr.contains("is left out"), "{}", ended.stderr);
    rig.write("all/certplan.yaml", &printed);
    let valid = rig.certplan(&["validate", "-f", "all/certplan.yaml"]);
    let valid = valid.expect(0);
    assert!(
        valid.stdout.contains("2 orders"),
        "{}\n{printed}",
        valid.stdout
    );
    let commands: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("#   certplan "))
        .collect();
    assert_eq!(commands.len(), 2, "{printed}");
    for command in commands {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.extend(["-f", "all/certplan.yaml"]);
        rig.certplan(&args).expect(0);
    }
    let plan = rig.plan(&["-f", "all/certplan.yaml"]);
    assert_eq!(plan["summary"]["keep"], 2, "{plan:#}\n{printed}");
    let ambiguous = rig.certplan(&["import", "--all"]).expect(64);
    assert!(
        ambiguous.stderr.contains("--account"),
        "{}",
        ambiguous.stderr
    );
}

#[test]
fn completions_and_the_manual_page_name_every_command() {
    let rig = Rig::new();
    let commands = [
        "init",
        "validate",
        "plan",
        "apply",
        "status",
        "resolve",
        "import",
        "history",
        "doctor",
        "schema",
        "sandbox",
        "demo",
        "completions",
        "man",
    ];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = rig.certplan(&["completions", shell]).expect(0).stdout;
        for command in commands {
            assert!(script.contains(command), "{command} in {shell}");
        }
    }
    let man = rig.certplan(&["man"]).expect(0).stdout;
    assert!(man.contains(".TH"), "{man}");
    let help = rig.certplan(&["--help"]).expect(0).stdout;
    let shown: BTreeSet<&str> = help.split_whitespace().collect();
    for command in commands {
        assert!(shown.contains(command), "{command} in {help}");
        assert!(man.contains(command), "{command}");
    }
}

#[test]
fn a_wrong_command_line_is_64_and_touches_nothing() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    for args in [
        &["plan", "--no-such-flag"][..],
        &["plan", "--target", "orders.eve"],
        &["plan", "--target", "eve"],
        &["plan", "--format", "xml"],
        &["plan", "--offline", "--out", "p.json"],
        &[
            "plan",
            "--endpoint",
            "digicert=http://ca.example.com/services/v2",
        ],
        &[
            "plan",
            "--endpoint",
            "nobody=https://ca.example.com/services/v2",
        ],
        &["plan", "--endpoint", "digicert"],
        &["apply", "--yes", "--wait", "soon"],
        &["apply", "--yes", "--report", "xml=r"],
        &["apply", "--yes", "--report", "json="],
        &["apply", "--yes", "--expect", "sha256:12"],
        &["import", "orders.ada"],
        &["schema", "no"],
        &[],
    ] {
        let ended = rig.certplan(args);
        assert_eq!(ended.code, Some(64), "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{args:?}: {}", ended.stdout);
    }
    let near = rig
        .certplan(&["plan", "--target", "orders.adda"])
        .expect(64);
    assert!(
        near.stderr.contains("did you mean orders.ada?"),
        "{}",
        near.stderr
    );
    assert_eq!(rig.reads(), 0);
    assert!(rig.changes().is_empty());
}

#[test]
fn a_missing_key_or_an_unreachable_ca_is_1() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.unset("DIGICERT_API_KEY");
    let ended = rig.certplan(&["plan"]).expect(1);
    assert!(
        ended.stderr.contains("DIGICERT_API_KEY"),
        "{}",
        ended.stderr
    );
    rig.certplan(&["plan", "--offline"]).expect(0);
    rig.set("DIGICERT_API_KEY", "a-wrong-key-0123456789");
    let ended = rig.certplan(&["plan"]).expect(1);
    assert!(!ended.stderr.contains("a-wrong-key"), "{}", ended.stderr);
    rig.certplan(&["plan", "-f", "missing.yaml"]).expect(1);
    assert!(rig.changes().is_empty());
}

#[test]
fn a_manifest_can_come_from_standard_input_or_several_files() {
    use std::io::Write;
    let rig = Rig::new();
    rig.write("m/a.yaml", ACCOUNTS);
    rig.write(
        "m/b.yml",
        "version: 1\norders:\n  ada: { product: client_premium_sha2, validity_years: 1, certificate: { common_name: ada, emails: [a@example.com], signature_hash: sha256 } }\n",
    );
    assert_eq!(rig.plan(&["-f", "m"])["summary"]["order"], 1);
    let both = rig.plan(&["-f", "m/a.yaml", "-f", "m/b.yml"]);
    assert_eq!(both["summary"]["order"], 1);
    let twice = rig.certplan(&["plan", "-f", "m", "-f", "m/b.yml"]);
    assert_eq!(twice.code, Some(1), "{}", twice.stdout);

    let mut command = rig.command(&["plan", "-f", "-", "--format", "json"]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let text = format!(
        "{ACCOUNTS}{}",
        "orders:\n  ada: { product: client_premium_sha2, validity_years: 1, certificate: { common_name: ada, emails: [a@example.com], signature_hash: sha256 } }\n"
    );
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["summary"]["order"], 1);
}
