//! Approval by a person, and keys that may not apply.

use super::outcome;
use crate::rig::{Rig, action};

#[test]
fn nothing_is_sent_without_yes_off_a_terminal() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let ended = rig.certplan(&["apply"]).expect(64);
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    assert!(rig.changes().is_empty());
    assert!(!rig.path(".certplan").exists());
}

/// Runs apply under a pseudo-terminal and types this answer.
fn typed(rig: &Rig, answer: &str) -> (Option<i32>, String) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let binary = env!("CARGO_BIN_EXE_certplan");
    let inner = rig.command(&["apply"]);
    let mut script = Command::new("script");
    script
        .args(["-qec", &format!("{binary} apply"), "/dev/null"])
        .current_dir(rig.folder())
        .env_clear()
        .envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = script.spawn().expect("`script` of util-linux");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(format!("{answer}\n").as_bytes())
        .expect("typed");
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn on_a_terminal_only_yes_is_taken_as_approval() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let (code, shown) = typed(&rig, "y");
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("This buys 1 certificate and revokes 0 certificates."),
        "{shown}"
    );
    assert!(rig.changes().is_empty());
    let (code, shown) = typed(&rig, "yes");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(rig.effects("order_created").len(), 1);
    // With nothing to do there is nothing to ask.
    let (code, shown) = typed(&rig, "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("Carry this plan out"), "{shown}");
}

#[test]
fn a_view_only_key_plans_and_its_apply_fails_cleanly() {
    let mut rig = Rig::new();
    rig.set("DIGICERT_API_KEY", "sandbox-view-only-key");
    rig.orders(&["ada", "bob"], "");
    assert_eq!(rig.plan(&[])["summary"]["order"], 2);
    let report = rig.apply(&[], 1);
    assert!(rig.effects("order_created").is_empty());
    for address in ["orders.ada", "orders.bob"] {
        assert!(
            ["failed", "skipped"].contains(&outcome(&report, address)),
            "{report:#}"
        );
        let error = action(&report, address)["error"].as_str().unwrap();
        assert!(!error.contains("sandbox-view-only-key"), "{error}");
    }
    rig.set("DIGICERT_API_KEY", "sandbox-certcentral-key");
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["waiting"], 2);
}
