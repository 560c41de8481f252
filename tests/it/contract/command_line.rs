//! The command line: what is wrong is 64, what cannot be read is 1.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rig::{ACCOUNTS, Rig};

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
        &["apply", "--yes", "--wait", "+5s"],
        &["apply", "--yes", "--wait", "1e3s"],
        &["apply", "--yes", "--lock-timeout", "-5s"],
        &["apply", "--yes", "--lock-timeout", "99999999999999999999h"],
        &["sandbox", "--index-lag", "5"],
        &["sandbox", "--rate-limits", "5/+1s"],
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
    let meant = rig
        .certplan(&["apply", "--yes", "--wait", "+5s"])
        .expect(64);
    assert!(meant.stderr.contains("write `5s`"), "{}", meant.stderr);
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
