//! Command lines and variables that ask for what cannot be.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{FAILED, USAGE, refused, sound};
use crate::rig::{Rig, action};

#[test]
fn an_endpoint_that_cannot_be_used_is_a_wrong_command_line() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    for (endpoint, said) in [
        ("digicert", "ACCOUNT=URL"),
        ("https://ca.example/services/v2", "ACCOUNT=URL"),
        ("=https://ca.example/", "ACCOUNT=URL"),
        (
            "other=https://ca.example/",
            "no account `other`; it has digicert, navercloud",
        ),
        ("digicert=", "like https://"),
        ("digicert=ca.example", "like https://"),
        (
            "digicert=http://ca.example/services/v2",
            "http is for loopback",
        ),
        (
            "digicert=http://10.0.0.1/services/v2",
            "http is for loopback",
        ),
        (
            "digicert=http://127.0.0.1.ca.example/",
            "http is for loopback",
        ),
        ("digicert=ftp://127.0.0.1/", "use https"),
        ("digicert=file:///etc/passwd", ""),
        ("digicert=https://user:hunter2@ca.example/", "user name"),
        ("digicert=https://ca.example/?key=hunter2", "`?`"),
        ("digicert=https://ca.example/#hunter2", "`#`"),
        // The account was forgotten: what is before the first `=` may be a password.
        ("https://user:hunter2@ca.example/?a=b", "ACCOUNT=URL"),
    ] {
        for args in [
            &["plan", "--endpoint", endpoint][..],
            &["apply", "--yes", "--endpoint", endpoint],
            &["status", "--endpoint", endpoint],
            &["doctor", "--endpoint", endpoint],
        ] {
            let ended = refused(&rig, args, USAGE, &["--endpoint", said]);
            assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
        }
    }
    assert_eq!(rig.reads(), 0);
}

/// The warning about the policy comes before whatever else is wrong.
#[test]
fn a_bad_endpoint_does_not_hide_that_resend_has_no_effect() {
    let rig = Rig::new();
    rig.orders(
        &["ada"],
        "policy: { doubt: { quiet_period: 1s, then: resend } }\n",
    );
    let state = "postgres://nobody@127.0.0.1:1/certplan";
    let args = [
        "plan",
        "--state",
        state,
        "--endpoint",
        "digicert=ca.example",
    ];
    let said = ["--endpoint", "has no effect with a state in PostgreSQL"];
    refused(&rig, &args, USAGE, &said);
}

#[test]
fn an_endpoint_variable_is_held_to_the_same() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    for (url, said) in [
        ("http://ca.example/services/v2", "http is for loopback"),
        ("https://user:hunter2@ca.example/", "user name"),
        ("nonsense", "like https://"),
        (" ", "like https://"),
    ] {
        rig.set("CERTPLAN_ENDPOINT_DIGICERT", url);
        let said = ["CERTPLAN_ENDPOINT_DIGICERT", said];
        let ended = refused(&rig, &["plan"], USAGE, &said);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
        refused(&rig, &["apply", "--yes"], USAGE, &said);
    }
    // Not plain text: the key must not go to the CA's own address instead.
    let ended = rig
        .command(&["plan"])
        .env(
            "CERTPLAN_ENDPOINT_DIGICERT",
            OsStr::from_bytes(b"http://127.0.0.1/\xff"),
        )
        .output()
        .expect("the binary runs");
    assert_eq!(ended.status.code(), Some(USAGE));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("CERTPLAN_ENDPOINT_DIGICERT"));
    assert_eq!(rig.reads(), 0);
}

#[test]
fn the_command_line_wins_over_the_variable() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    let command = rig.command(&[]);
    let url = command
        .get_envs()
        .find(|(name, _)| *name == "CERTPLAN_ENDPOINT_DIGICERT")
        .and_then(|(_, value)| value)
        .expect("an endpoint")
        .to_str()
        .expect("text")
        .to_owned();
    rig.set(
        "CERTPLAN_ENDPOINT_DIGICERT",
        "http://127.0.0.1:9/services/v2",
    );
    let plan = rig.plan(&["--endpoint", &format!("digicert={url}")]);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");
}

#[test]
fn words_that_clap_does_not_know_are_a_wrong_command_line() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    for args in [
        &[][..],
        &["plann"],
        &["plan", "--no-such-flag"],
        &["plan", "--format", "xml"],
        &["plan", "--target", "nonsense"],
        &["plan", "--target", "orders.UPPER"],
        &["plan", "--target", "orders.nobody"],
        &["plan", "--offline", "--out", "plan.json"],
        &["plan", "--allow-orders", "-1"],
        &["apply"],
        &["apply", "--yes", "--wait", "soon"],
        &["apply", "--yes", "--wait", "-5s"],
        &["apply", "--yes", "--report", "report.json"],
        &["apply", "--yes", "--report", "xml=report.xml"],
        &["apply", "--yes", "--report", "json="],
        &["apply", "--yes", "--expect", "latest"],
        &[
            "apply",
            "plan.json",
            "--expect",
            &format!("sha256:{}", "0".repeat(64)),
        ],
        &["resolve"],
        &["resolve", "orders.ada", "--found", "../1"],
        &["resolve", "orders.ada", "--found", "1", "--not-placed"],
        &["import", "orders.ada"],
        &["import", "--all", "orders.ada", "1"],
        &["history", "--limit", "x"],
        &["schema", "nothing"],
        &["completions", "tcl"],
    ] {
        refused(&rig, args, USAGE, &[]);
    }
    assert_eq!(rig.reads(), 0);
}

#[test]
fn a_state_url_is_refused_without_its_password() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    for (url, code) in [
        ("postgres://certplan:hunter2@db/state", FAILED),
        ("postgresql://certplan:hunter2@db/state", FAILED),
        ("https://certplan:hunter2@db/state", USAGE),
        ("", USAGE),
    ] {
        for args in [
            &["plan", "--state", url][..],
            &["apply", "--yes", "--state", url],
            &["history", "--state", url],
            &["doctor", "--state", url],
        ] {
            let ended = refused(&rig, args, code, &["state"]);
            assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
        }
        if url.is_empty() {
            continue;
        }
        rig.set("CERTPLAN_STATE", url);
        let said = if code == USAGE {
            "CERTPLAN_STATE"
        } else {
            "state"
        };
        let ended = refused(&rig, &["plan"], code, &[said]);
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
        // The help of a command shows the variable's name, not its value.
        for args in [
            &["plan", "--help"][..],
            &["--help"],
            &["help", "apply"],
            &["plan", "--what"],
        ] {
            let ended = rig.certplan(args);
            assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
        }
        rig.unset("CERTPLAN_STATE");
    }
}

#[test]
fn the_state_variable_names_the_state_and_the_flag_wins() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.set("CERTPLAN_STATE", "elsewhere/state.db");
    rig.apply(&[], 0);
    assert!(rig.path("elsewhere/state.db").is_file());
    assert!(!rig.path(".certplan").exists());
    rig.apply(&["--state", "third/state.db"], 0);
    assert!(rig.path("third/state.db").is_file());
    assert_eq!(
        rig.effects("order_created").len(),
        1,
        "adopted, not bought again"
    );
}

#[test]
fn a_report_that_has_no_place_is_refused_before_anything_is_sent() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    fs::create_dir(rig.path("folder")).expect("a folder");
    for report in [
        "json=gone/report.json",
        "markdown=folder",
        "json=certplan.yaml/x",
    ] {
        refused(
            &rig,
            &["apply", "--yes", "--report", report],
            FAILED,
            &["report", "cannot be written", "nothing was sent"],
        );
    }
    assert_eq!(rig.reads(), 0);
}

#[test]
fn a_plan_is_not_saved_over_what_is_no_plan_file() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    fs::create_dir(rig.path("folder")).expect("a folder");
    rig.write("precious", "keep me");
    symlink("precious", rig.path("link")).expect("a link");
    mknodat(
        CWD,
        rig.path("pipe"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .expect("a pipe");
    for place in ["folder", "link", "pipe"] {
        refused(
            &rig,
            &["plan", "--out", place],
            FAILED,
            &[place, "not a regular file"],
        );
    }
    refused(
        &rig,
        &["plan", "--out", "gone/plan.json"],
        FAILED,
        &["gone/plan.json"],
    );
    assert_eq!(
        fs::read(rig.path("precious")).expect("still there"),
        b"keep me"
    );
}

#[test]
fn files_that_never_end_hold_nothing_up() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    mknodat(
        CWD,
        rig.path("pipe"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .expect("a pipe");
    for (args, said) in [
        (
            &["plan", "--extra-root", "pipe"][..],
            "pipe: is not a regular file",
        ),
        (
            &["plan", "--extra-root", "/dev/zero"],
            "/dev/zero: is not a regular file",
        ),
        (
            &["plan", "--extra-root", "gone.pem"],
            "gone.pem: cannot be read",
        ),
        (&["plan", "--extra-root", "."], "is not a regular file"),
        (&["apply", "pipe"], "not a regular file"),
        (&["apply", "/dev/zero"], "not a regular file"),
        (&["plan", "-f", "/dev/zero"], "larger than 64 MiB"),
    ] {
        refused(&rig, args, FAILED, &[said]);
    }
}

#[test]
fn a_closed_standard_output_changes_nothing_about_a_run() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    for args in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["schema"],
        &["--help"],
        &["man"],
        &["completions", "bash"],
    ] {
        let mut child = rig
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    }
    // A full disk behind it is told, and loses nothing of the run.
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a full device");
    let output = rig
        .command(&["apply", "--yes", "--report", "json=report.json"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("standard output cannot be written"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(rig.effects("order_created").len(), 2);
    let ended = rig.certplan(&["history", "--verify"]).expect(0);
    sound(&ended, "history");
    assert!(rig.path("report.json").is_file());
}
