//! A key that is not let in is named by where it was read from, and an answer that is not the CA's by the URL that
//! was asked and the path that is expected.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{automatic, manifest, person};
use crate::rig::{Rig, action};

const WRONG: &str = "a-wrong-key-0123456789abcdef";

/// Commands that ask the CA something before anything else; each fails.
const COMMANDS: [&[&str]; 6] = [
    &["plan"],
    &["apply", "--yes"],
    &["status"],
    &["doctor"],
    &["import", "orders.ada", "70000001"],
    &["import", "--all", "--account", "digicert"],
];

#[track_caller]
fn all_say(rig: &Rig, commands: &[&[&str]], parts: &[&str]) {
    for args in commands {
        let ended = rig.certplan(args).expect(1);
        let shown = format!("{}{}", ended.stdout, ended.stderr);
        for part in parts {
            assert!(
                shown.contains(part),
                "{args:?} does not say {part}:\n{shown}"
            );
        }
        assert!(!shown.contains(WRONG), "{args:?} shows the key:\n{shown}");
    }
}

fn key_file(rig: &Rig, name: &str, key: &str) -> String {
    rig.write(name, key);
    fs::set_permissions(rig.path(name), Permissions::from_mode(0o600)).expect("a mode");
    rig.path(name).display().to_string()
}

/// One account with its keys from files.
fn from_files(rig: &Rig, account: &str, orders: &str) {
    rig.write(
        "certplan.yaml",
        format!(
            "version: 1\naccounts:\n{account}defaults:\n  orders: {{ account: digicert, organization: {{ id: 112233 }} }}\n{orders}"
        ),
    );
}

#[test]
fn a_wrong_key_names_its_variable_or_its_file_in_every_command() {
    let mut rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let right = rig.certplan(&["plan"]).expect(0);
    assert!(
        !right.stderr.contains("DIGICERT_API_KEY"),
        "{}",
        right.stderr
    );
    rig.set("DIGICERT_API_KEY", WRONG);
    let said = [
        "access_denied|access_denied_invalid_key",
        "`api_key` was read from the environment variable DIGICERT_API_KEY",
    ];
    all_say(&rig, &COMMANDS, &said);

    let path = key_file(&rig, "keys/digicert", WRONG);
    from_files(
        &rig,
        "  digicert: { provider: certcentral, api_key: { file: keys/digicert } }\n",
        &format!("orders:\n{}", person("ada", "Ada", "")),
    );
    let file = ["`api_key` was read from the file ", "keys/digicert"];
    all_say(&rig, &COMMANDS, &file);
    let shown = rig.certplan(&["plan"]).expect(1).stderr;
    assert!(
        shown.contains(&path) || shown.contains("file keys"),
        "{shown}"
    );
}

#[test]
fn a_wrong_key_is_named_where_an_outcome_is_settled() {
    let mut rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before" }]));
    rig.apply(&[], 3);
    rig.set("DIGICERT_API_KEY", WRONG);
    let said = ["`api_key` was read from the environment variable DIGICERT_API_KEY"];
    let resolve = ["resolve", "orders.ada", "--found", "70000001"];
    all_say(&rig, &[&resolve], &said);
}

/// The other forms of 401 and 403: in a form of its own, of a lacking permission, and of a front proxy.
#[test]
fn every_form_of_a_refused_key_names_it() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let source = "was read from the environment variable DIGICERT_API_KEY";
    let own = |code: &str| json!({ "errors": [{ "code": code, "message": "no" }] });
    for (rule, url) in [
        (json!({ "fault": "unauthorized" }), false),
        (json!({ "fault": "forbidden" }), false),
        (
            json!({ "fault": "answer_before", "status": 401, "body": own("access_denied") }),
            false,
        ),
        (
            json!({ "fault": "answer_before", "status": 401, "body": { "error": "no" } }),
            true,
        ),
        (json!({ "fault": "answer_before", "status": 403 }), true),
        (json!({ "fault": "html", "status": 401 }), true),
        (json!({ "fault": "html", "status": 403 }), true),
    ] {
        rig.faults(json!([rule]));
        for args in [&["plan"][..], &["doctor"]] {
            let ended = rig.certplan(args).expect(1);
            let shown = format!("{}{}", ended.stdout, ended.stderr);
            assert!(shown.contains(source), "{rule}: {shown}");
            let asked = format!("GET {}/", rig.base());
            assert_eq!(shown.contains(&asked), url, "{rule}: {shown}");
        }
    }
}

#[test]
fn both_keys_of_ncloud_are_named() {
    let mut rig = Rig::new();
    let path = key_file(&rig, "secret", WRONG);
    from_files(
        &rig,
        "  navercloud: { provider: ncloud, access_key: { env: NCLOUD_ACCESS_KEY }, secret_key: { file: secret } }\n",
        "revocations:\n  gone: { account: navercloud, order_id: \"1\", scope: order, reason: superseded }\n",
    );
    // The default for orders names an account that is not there.
    let text = fs::read_to_string(rig.path("certplan.yaml")).expect("a manifest");
    let text = text.replace(
        "defaults:\n  orders: { account: digicert, organization: { id: 112233 } }\n",
        "",
    );
    rig.write("certplan.yaml", text);
    rig.unset("CERTPLAN_ENDPOINT_DIGICERT");
    let sources = [
        "`access_key` was read from the environment variable NCLOUD_ACCESS_KEY",
        "`secret_key` was read from the file ",
    ];
    let commands: [&[&str]; 3] = [&["plan"], &["apply", "--yes"], &["doctor"]];
    all_say(&rig, &commands, &sources);
    let shown = rig.certplan(&["plan"]).expect(1).stderr;
    assert!(shown.contains("secret"), "{path}: {shown}");
    for rule in [
        json!({ "fault": "unauthorized" }),
        json!({ "fault": "empty", "status": 403 }),
        json!({ "fault": "html", "status": 403 }),
    ] {
        rig.faults(json!([rule]));
        all_say(&rig, &commands, &sources);
    }
}

/// The key is revoked between the plan and the call.
#[test]
fn a_call_that_is_not_let_in_names_the_key_in_the_report() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "unauthorized" }]));
    let report = rig.apply(&[], 1);
    let error = action(&report, "orders.ada")["error"].as_str();
    let error = error.expect("an error");
    assert!(
        error.contains("environment variable DIGICERT_API_KEY"),
        "{error}"
    );
}

#[test]
fn a_wrong_path_of_the_endpoint_names_the_one_to_write() {
    let mut rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let origin = rig.base().replace("/services/v2", "");
    for wrong in ["", "/", "/services", "/v2", "/services/v2/services/v2/x"] {
        rig.set("CERTPLAN_ENDPOINT_DIGICERT", &format!("{origin}{wrong}"));
        let asked = format!("GET {origin}{}/", wrong.trim_end_matches('/'));
        let typed = format!("write `--endpoint digicert={origin}/services/v2`");
        all_say(&rig, &COMMANDS, &[&asked, &typed, "/services/v2"]);
        let endpoint = format!("digicert={origin}/services/v2");
        rig.certplan(&["plan", "--endpoint", &endpoint]).expect(0);
    }
}

#[test]
fn a_wrong_path_of_ncloud_names_the_one_to_write() {
    let mut rig = Rig::new();
    let origin = rig.base().replace("/services/v2", "");
    rig.manifest(
        "revocations:\n  gone: { account: navercloud, order_id: \"1\", scope: order, reason: superseded }\n",
    );
    for wrong in ["", "/v2", "/elsewhere/v2"] {
        rig.set("CERTPLAN_ENDPOINT_NAVERCLOUD", &format!("{origin}{wrong}"));
        let typed = format!("write `--endpoint navercloud={origin}/api/v2`");
        let asked = format!("GET {origin}{wrong}/");
        all_say(&rig, &[&["plan"], &["doctor"]], &[&asked, &typed]);
    }
}

/// What answers in the CA's place: pages, JSON of others, redirects, and the CA's own word for no such path.
#[test]
fn an_answer_that_is_not_the_cas_names_what_was_asked() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let route = json!({ "errors": [{ "code": "not_found|route", "message": "no" }] });
    let rules = [
        json!({ "fault": "html", "status": 404 }),
        json!({ "fault": "html", "status": 405 }),
        json!({ "fault": "html", "status": 200 }),
        json!({ "fault": "html", "status": 410 }),
        json!({ "fault": "empty", "status": 404 }),
        json!({ "fault": "answer_before", "status": 404, "body": { "detail": "Not Found" } }),
        json!({ "fault": "answer_before", "status": 404, "body": { "error": "Not Found", "status": 404 } }),
        json!({ "fault": "answer_before", "status": 405, "body": {} }),
        json!({ "fault": "answer_before", "status": 404, "body": route }),
        json!({ "fault": "redirect", "status": 301 }),
        json!({ "fault": "redirect", "status": 302 }),
        json!({ "fault": "redirect", "status": 307 }),
        json!({ "fault": "redirect", "status": 308, "location": "https://login.example/sso?next=secret-part" }),
    ];
    let asked = format!("GET {}/", rig.base());
    for rule in rules {
        rig.faults(json!([rule]));
        for args in [&["plan"][..], &["doctor"], &["apply", "--yes"]] {
            let ended = rig.certplan(args).expect(1);
            let shown = format!("{}{}", ended.stdout, ended.stderr);
            for part in [asked.as_str(), "its path /services/v2 is right"] {
                assert!(
                    shown.contains(part),
                    "{rule}, {args:?}: no {part}:\n{shown}"
                );
            }
            let redirected = rule["fault"] == "redirect";
            assert_eq!(
                shown.contains("is not followed"),
                redirected,
                "{rule}: {shown}"
            );
            assert!(!shown.contains("secret-part"), "{rule}: {shown}");
        }
    }
}

/// An order that the CA does not know is no fault of the address.
#[test]
fn a_missing_order_is_no_wrong_address() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let ended = rig.certplan(&["import", "orders.ada", "70009999"]);
    assert_ne!(ended.code, Some(0));
    assert!(!ended.stderr.contains(" was asked"), "{}", ended.stderr);
}

/// The same for a call that changes something: nobody knows what became of it, and the report says where it went.
#[test]
fn a_change_that_somebody_else_answers_names_the_url() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "html", "status": 404, "times": 1 }]),
    );
    let report: Value = rig.apply(&[], 3);
    let error = action(&report, "orders.ada")["error"].as_str();
    let error = error.expect("an error");
    let asked = format!(
        "POST {}/order/certificate/client_premium_sha2 was asked",
        rig.base()
    );
    assert!(error.contains(&asked), "{error}");
}
