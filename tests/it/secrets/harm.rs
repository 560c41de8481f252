//! A plan of a stranger's manifest cannot harm: it reads no file outside, runs nothing, sends GET alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::rig::{ACCOUNTS, Rig, action, csr};

/// Every file below a folder with its bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    files
}

/// The system calls of a command that open, connect or run something; `None` without strace.
fn traced(rig: &Rig, args: &[&str]) -> Option<String> {
    let trace = TempDir::new().expect("a folder");
    let file = trace.path().join("trace");
    let plain = rig.command(args);
    let mut command = Command::new("strace");
    command
        .args([
            "-f",
            "-qq",
            "-s",
            "4096",
            "-e",
            "trace=open,openat,connect,execve",
            "-o",
        ])
        .arg(&file)
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(rig.folder())
        .env_clear();
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let output = command.output().ok()?;
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    let text = fs::read_to_string(file).ok()?;
    // Where tracing is forbidden there is nothing to see.
    text.contains("execve(").then_some(text)
}

fn order_with(csr: &str) -> String {
    format!(
        "orders:\n  ada:\n    product: client_premium_sha2\n    certificate: {{ common_name: ada, emails: [a@example.com], signature_hash: sha256, csr: {{ file: \"{csr}\" }} }}\n    validity_years: 1\n"
    )
}

#[test]
fn a_hostile_manifest_reads_nothing_outside_its_folder() {
    let mut rig = Rig::new();
    let outside = TempDir::new().expect("a folder");
    let secret = outside.path().join("outside-secret.csr");
    fs::write(&secret, csr("ada")).expect("a file");
    rig.set("HOME", outside.path().to_str().expect("text"));
    rig.set("SECRET_NAME", "outside-secret");
    fs::create_dir(rig.path("csr")).expect("a folder");
    symlink(&secret, rig.path("csr/link.csr")).expect("a link");
    symlink(outside.path(), rig.path("csr/folder")).expect("a link");
    let up = format!(
        "{}{}",
        "../".repeat(rig.folder().components().count()),
        secret.strip_prefix("/").expect("absolute").display()
    );
    let absolute = secret.display().to_string();
    for path in [
        absolute.as_str(),
        &up,
        &format!("csr/../{up}"),
        "csr/link.csr",
        "csr/folder/outside-secret.csr",
        "~/outside-secret.csr",
        "$HOME/outside-secret.csr",
        "${HOME}/outside-secret.csr",
        "%HOME%/outside-secret.csr",
        "$SECRET_NAME.csr",
        &format!("file://{absolute}"),
        "/proc/self/environ",
        "/dev/stdin",
        "`cat ~/outside-secret.csr`",
        "$(cat ~/outside-secret.csr)",
        "|cat ~/outside-secret.csr",
    ] {
        rig.manifest(&order_with(path));
        let ended = rig.certplan(&["plan"]).expect(1);
        assert!(
            ended.stderr.contains("certplan::manifest::csr_"),
            "{path}: {}",
            ended.stderr
        );
        let Some(trace) = traced(&rig, &["plan"]) else {
            continue;
        };
        for line in trace.lines().filter(|line| line.contains("open")) {
            let opened = !line.contains("= -1");
            assert!(
                !(opened && line.contains("outside-secret")),
                "{path}: {line}"
            );
            assert!(!line.contains("/proc/self/environ"), "{path}: {line}");
        }
        assert_eq!(
            trace.matches("execve(").count(),
            1,
            "{path}: a program was run"
        );
        assert!(!trace.contains("connect("), "{path}: something was called");
    }
    assert_eq!(rig.reads() + rig.changes().len(), 0);
}

#[test]
fn row_107_a_manifest_can_name_no_server_and_no_program() {
    let rig = Rig::new();
    for member in [
        "base_url", "url", "endpoint", "server", "host", "proxy", "command", "exec",
    ] {
        rig.write(
            "certplan.yaml",
            format!(
                "version: 1\naccounts:\n  digicert: {{ provider: certcentral, api_key: {{ env: DIGICERT_API_KEY }}, {member}: \"https://evil.example/\" }}\n"
            ),
        );
        let ended = rig.certplan(&["plan"]).expect(1);
        assert!(
            ended.stderr.contains("certplan::manifest::"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(member), "{}", ended.stderr);
    }
    rig.write(
        "certplan.yaml",
        ACCOUNTS.replace("DIGICERT_API_KEY", "$(id)"),
    );
    rig.certplan(&["plan"]).expect(1);
}

#[test]
fn a_plan_only_reads_and_leaves_the_folder_as_it_was() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig.approve_all();
    rig.orders(&["ada", "bob"], "");
    let (before, sent) = (tree(rig.folder()), rig.changes().len());
    for args in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["plan", "--offline"],
        &["status"],
        &["doctor"],
        &["validate"],
        &["history", "--verify"],
    ] {
        rig.certplan(args).expect(0);
        assert_eq!(tree(rig.folder()), before, "{args:?} wrote something");
    }
    assert_eq!(rig.changes().len(), sent);
    if let Some(trace) = traced(&rig, &["plan"]) {
        assert_eq!(trace.matches("execve(").count(), 1, "a program was run");
        for line in trace.lines().filter(|line| line.contains("connect(")) {
            let loopback = line.contains("127.0.0.1") || line.contains("AF_UNIX");
            assert!(loopback, "{line}");
        }
    }
}

#[test]
fn a_key_that_can_only_look_is_enough_for_a_plan() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.set(
        "DIGICERT_API_KEY",
        &certplan::sandbox::Options::default().certcentral_view_key,
    );
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");
    for args in [&["status"][..], &["doctor"]] {
        rig.certplan(args).expect(0);
    }
    assert_eq!(rig.changes().len(), 0);
    let report = rig.apply(&[], 1);
    assert_eq!(action(&report, "orders.ada")["outcome"], "failed");
    assert_eq!(rig.effects("order_created").len(), 0);
}
