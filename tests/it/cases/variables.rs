//! Case 49: variables that are empty, belong to nobody, or hold what cannot be used.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::rig::{ACCOUNTS, Ended, Rig};

/// Every variable of certplan, also those that only a later version knows.
const OURS: [&str; 8] = [
    "CERTPLAN_STATE",
    "CERTPLAN_BUDGET_DIR",
    "CERTPLAN_PING_URL",
    "CERTPLAN_ENDPOINT_NAVERCLOUD",
    "CERTPLAN_ENDPOINT_NOBODY",
    "CERTPLAN_PROXY",
    "CERTPLAN_FILES_DIR",
    "CERTPLAN_PROBE_ALLOW",
];

/// The same manifest with its account under another name, as somebody leaves it who forgets the variable.
fn renamed(rig: &Rig) -> [&'static str; 2] {
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("a manifest");
    let text = text
        .replace("  digicert:\n", "  dc:\n")
        .replace("account: digicert", "account: dc");
    rig.write("renamed.yaml", text);
    ["-f", "renamed.yaml"]
}

fn with(rig: &Rig, args: &[&str], file: &[&str]) -> Ended {
    rig.certplan(&[args, file].concat())
}

#[test]
fn case_49_an_empty_variable_is_an_unset_one() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    let endpoint = |rig: &Rig| {
        let command = rig.command(&[]);
        let mut found = command.get_envs();
        let found = found.find(|(name, _)| *name == "CERTPLAN_ENDPOINT_NAVERCLOUD");
        found.and_then(|(_, value)| value?.to_str().map(str::to_owned))
    };
    let navercloud = endpoint(&rig).expect("an endpoint");
    for variable in OURS {
        rig.set(variable, "");
        for args in [
            &["plan", "--detailed-exitcode"][..],
            &["apply", "--yes"],
            &["status"],
            &["status", "--offline"],
            &["history"],
            &["validate"],
        ] {
            let ended = rig.certplan(args);
            assert_eq!(ended.code, Some(0), "{variable} {args:?}: {ended:?}");
        }
        rig.unset(variable);
        if variable.contains("NAVERCLOUD") {
            rig.set(variable, &navercloud);
        }
    }
    assert_eq!(rig.effects("order_created").len(), 1);
    // Nothing was made in the place of a default.
    for entry in std::fs::read_dir(rig.folder()).expect("the folder") {
        let name = entry.expect("an entry").file_name();
        let known = ["ada.csr", "certplan.yaml", "report.json", ".certplan"];
        assert!(known.iter().any(|known| name == *known), "{name:?}");
    }
}

#[test]
fn case_49_the_empty_variable_of_a_key_is_named() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.set("DIGICERT_API_KEY", "");
    for args in [&["plan"][..], &["apply", "--yes"]] {
        let ended = rig.certplan(args).expect(1);
        assert!(ended.stderr.contains("DIGICERT_API_KEY is empty"));
    }
}

#[test]
fn case_49_an_endpoint_of_no_account_stops_whatever_calls_a_ca() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    let file = renamed(&rig);
    for args in [
        &["plan"][..],
        &["apply", "--yes"],
        &["status"],
        &["doctor"],
        &["import", "orders.ada", "70000001"],
        &["import", "--all", "--account", "dc"],
        &["resolve", "orders.ada", "--found", "70000001", "--yes"],
    ] {
        let ended = with(&rig, args, &file).expect(64);
        for said in [
            "CERTPLAN_ENDPOINT_DIGICERT",
            "dc, navercloud",
            "CERTPLAN_ENDPOINT_DC",
        ] {
            assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
        }
    }
    assert!(!rig.path(".certplan").exists());
    // Who calls nobody does not care.
    for args in [
        &["validate"][..],
        &["plan", "--offline"],
        &["status", "--offline"],
        &["history"],
        &["schema"],
    ] {
        with(&rig, args, &file).expect(0);
    }
    // An empty one is no endpoint, for whoever it is.
    rig.set("CERTPLAN_ENDPOINT_DC", "");
    with(&rig, &["plan"], &file).expect(64);
    // With an account that calls the CA itself, each spelling that no account has is one.
    for variable in [
        "CERTPLAN_ENDPOINT",
        "CERTPLAN_ENDPOINT_",
        "CERTPLAN_ENDPOINT_dc",
        "CERTPLAN_ENDPOINTS_DC",
    ] {
        rig.unset("CERTPLAN_ENDPOINT_DIGICERT");
        rig.set(variable, "http://127.0.0.1:1/services/v2");
        let ended = with(&rig, &["plan"], &file).expect(64);
        assert!(ended.stderr.contains(&format!("{variable}:")));
        rig.unset(variable);
    }
    assert_eq!(rig.reads(), 0);
}

#[test]
fn case_49_one_endpoint_more_does_no_harm_where_each_account_has_its_own() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.set("CERTPLAN_ENDPOINT_OTHER", "http://127.0.0.1:1/services/v2");
    rig.certplan(&["plan"]).expect(0);
    let ended = rig.certplan(&["doctor"]);
    assert!(ended.stdout.contains("note  CERTPLAN_ENDPOINT_OTHER"));
    // The flag counts as the account's own.
    let file = renamed(&rig);
    let endpoint = format!("dc={}", rig.base());
    with(&rig, &["plan", "--endpoint", &endpoint], &file).expect(0);
    // The endpoint that the flag names for one account says nothing of the other.
    rig.unset("CERTPLAN_ENDPOINT_NAVERCLOUD");
    let ended = with(&rig, &["plan", "--endpoint", &endpoint], &file).expect(64);
    assert!(ended.stderr.contains("`navercloud`"), "{}", ended.stderr);
}

#[test]
fn case_49_a_message_about_a_variable_names_it_and_not_the_flag() {
    let mut rig = Rig::new();
    rig.write("certplan.yaml", format!("{ACCOUNTS}orders: {{}}\n"));
    for (variable, flag, value) in [
        ("CERTPLAN_STATE", "--state", "mysql://u:hunter2@h/db"),
        (
            "CERTPLAN_BUDGET_DIR",
            "--budget-dir",
            "postgres:/u:hunter2@h/db",
        ),
        ("CERTPLAN_PING_URL", "--ping", "http://u:hunter2@h/"),
    ] {
        rig.set(variable, value);
        let ended = rig.certplan(&["apply", "--yes"]).expect(64);
        assert!(ended.stderr.contains(variable), "{}", ended.stderr);
        assert!(!ended.stderr.contains(flag), "{}", ended.stderr);
        rig.unset(variable);
        let ended = rig.certplan(&["apply", "--yes", flag, value]).expect(64);
        assert!(ended.stderr.contains(flag), "{}", ended.stderr);
        assert!(!ended.stderr.contains(variable), "{}", ended.stderr);
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
    }
    for variable in ["CERTPLAN_STATE", "CERTPLAN_PING_URL"] {
        let output = rig
            .command(&["apply", "--yes"])
            .env(variable, OsStr::from_bytes(b"\xff"))
            .output()
            .expect("the binary runs");
        let ended = Ended::new(output).expect(64);
        let said = format!("error: {variable}: it is not plain text\n");
        assert_eq!(ended.stderr, said);
    }
    assert_eq!(rig.reads(), 0);
}
