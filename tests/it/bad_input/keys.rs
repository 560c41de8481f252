//! Keys that are missing or cannot be trusted: named by account and member, never shown, nothing asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{FAILED, refused};
use crate::rig::{Rig, action};

/// A manifest with one revocation whose account reads its key from `key`.
fn with_key(rig: &Rig, source: &str) {
    rig.write(
        "certplan.yaml",
        format!(
            "version: 1\naccounts:\n  digicert:\n    provider: certcentral\n    api_key: {source}\nrevocations:\n  a: {{ account: digicert, order_id: 1, scope: order, reason: superseded, comments: x }}\n"
        ),
    );
}

fn write_key(rig: &Rig, text: impl AsRef<[u8]>, mode: u32) {
    rig.write("key", text);
    fs::set_permissions(rig.path("key"), Permissions::from_mode(mode)).expect("a mode");
}

const KEY: &str = "sandbox-certcentral-key";

/// The key that the sandbox takes, whatever its name is there.
fn sandbox_key(rig: &Rig) -> String {
    let command = rig.command(&[]);
    let key = command
        .get_envs()
        .find(|(name, _)| *name == "DIGICERT_API_KEY")
        .and_then(|(_, value)| value)
        .expect("the rig's key");
    key.to_str().expect("text").to_owned()
}

#[track_caller]
fn no_key(rig: &Rig, why: &str) {
    for args in [&["plan"][..], &["apply", "--yes"], &["status"]] {
        let ended = refused(rig, args, FAILED, &["account `digicert`: api_key", why]);
        assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
    }
    // `doctor` tells it among its findings.
    let ended = rig.certplan(&["doctor"]).expect(FAILED);
    assert!(ended.stdout.contains("FAIL"), "{}", ended.stdout);
    assert!(ended.stdout.contains(why), "{}", ended.stdout);
    assert_eq!(rig.reads(), 0, "the CA was asked without a key");
    // What needs no key is not disturbed.
    rig.certplan(&["validate"]).expect(0);
    rig.certplan(&["plan", "--offline"]).expect(0);
}

#[test]
fn a_key_file_that_is_closed_to_others_is_taken_whatever_its_line_end() {
    let rig = Rig::new();
    with_key(&rig, "{ file: key }");
    let key = sandbox_key(&rig);
    for text in [key.clone(), format!("{key}\n"), format!("{key}\r\n")] {
        write_key(&rig, text, 0o600);
        let plan = rig.plan(&[]);
        assert_eq!(action(&plan, "revocations.a")["action"], "wait");
    }
    write_key(&rig, key, 0o400);
    rig.certplan(&["plan"]).expect(0);
}

#[test]
fn row_106_a_key_file_that_others_can_read_is_refused() {
    let rig = Rig::new();
    with_key(&rig, "{ file: key }");
    for (mode, why) in [
        (0o644, "is open to others: `chmod 600"),
        (0o604, "is open to others: `chmod 600"),
        (0o620, "can be written by others: `chmod 600"),
        (0o601, "is open to others: `chmod 600"),
    ] {
        write_key(&rig, KEY, mode);
        no_key(&rig, why);
    }
}

#[test]
fn what_is_no_file_is_refused_and_holds_nothing_up() {
    let rig = Rig::new();
    with_key(&rig, "{ file: key }");
    no_key(&rig, "No such file");

    mknodat(
        CWD,
        rig.path("key"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .expect("a pipe");
    no_key(&rig, "is not a regular file");
    fs::remove_file(rig.path("key")).expect("removed");

    fs::create_dir(rig.path("key")).expect("a folder");
    no_key(&rig, "is not a regular file");
    fs::remove_dir(rig.path("key")).expect("removed");

    rig.write("real", KEY);
    fs::set_permissions(rig.path("real"), Permissions::from_mode(0o600)).expect("a mode");
    symlink("real", rig.path("key")).expect("a link");
    no_key(&rig, "is a symbolic link");
    fs::remove_file(rig.path("key")).expect("removed");

    symlink("/dev/zero", rig.path("key")).expect("a link");
    no_key(&rig, "is a symbolic link");
}

#[test]
fn a_key_file_that_holds_no_key_is_refused_without_showing_it() {
    let rig = Rig::new();
    with_key(&rig, "{ file: key }");
    let two_lines = format!("{KEY}\n{KEY}\n");
    let huge = "k".repeat(100_000);
    for (text, why) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("\r\n", "is empty"),
        (two_lines.as_str(), "no key has"),
        (" sandbox-certcentral-key", "no key has"),
        ("sandbox-certcentral-key\u{a0}", "no key has"),
        ("sandbox\0key", "no key has"),
        (huge.as_str(), "is larger than"),
    ] {
        write_key(&rig, text, 0o600);
        no_key(&rig, why);
    }
    write_key(&rig, b"\xff\xfe\x00", 0o600);
    no_key(&rig, "cannot read");
}

#[test]
fn a_key_file_of_somebody_else_is_refused() {
    let rig = Rig::new();
    with_key(&rig, "{ file: key }");
    write_key(&rig, KEY, 0o600);
    // Only root can give a file away; anyone else cannot read the file that results.
    if chown(rig.path("key"), Some(12_345), None).is_ok() {
        no_key(&rig, "belongs to another user");
    } else {
        fs::set_permissions(rig.path("key"), Permissions::from_mode(0o000)).expect("a mode");
        no_key(&rig, "cannot read");
    }
}

#[test]
fn a_variable_that_is_not_there_or_holds_no_key_is_named() {
    let mut rig = Rig::new();
    with_key(&rig, "{ env: DIGICERT_API_KEY }");
    rig.unset("DIGICERT_API_KEY");
    no_key(&rig, "the environment variable DIGICERT_API_KEY is not set");
    for (value, why) in [
        ("", "DIGICERT_API_KEY is empty"),
        ("\n", "DIGICERT_API_KEY is empty"),
        ("sandbox-certcentral-key\nX-Other: 1", "no key has"),
        ("sandbox certcentral key", "no key has"),
        ("\u{feff}sandbox-certcentral-key", "no key has"),
    ] {
        rig.set("DIGICERT_API_KEY", value);
        no_key(&rig, why);
    }
}

#[test]
fn both_keys_of_ncloud_are_named_on_their_own() {
    let mut rig = Rig::new();
    rig.manifest(
        "revocations:\n  a: { account: navercloud, order_id: '1', scope: order, reason: superseded }\n",
    );
    rig.unset("NCLOUD_SECRET_KEY");
    let said = [
        "account `navercloud`: secret_key",
        "NCLOUD_SECRET_KEY is not set",
    ];
    refused(&rig, &["plan"], FAILED, &said);
    rig.unset("NCLOUD_ACCESS_KEY");
    refused(
        &rig,
        &["plan"],
        FAILED,
        &["access_key", "NCLOUD_ACCESS_KEY is not set"],
    );
    assert_eq!(rig.reads(), 0);
}

#[test]
fn a_key_that_the_ca_does_not_take_is_a_failure_of_access() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.set("DIGICERT_API_KEY", "some-other-key-of-somebody");
    for args in [&["plan"][..], &["apply", "--yes"], &["status"]] {
        let ended = refused(
            &rig,
            args,
            FAILED,
            &["account `digicert`", "check the API key"],
        );
        assert!(!ended.stderr.contains("some-other-key-of-somebody"));
    }
}

#[test]
fn a_key_in_the_manifest_is_refused_and_masked() {
    let rig = Rig::new();
    for source in [
        "4f1ec0ffee4f1ec0ffee4f1ec0ffee42",
        "\"4f1ec0ffee4f1ec0ffee4f1ec0ffee42\"",
        "{ env: 4f1ec0ffee4f1ec0ffee4f1ec0ffee42 }",
        "{ value: 4f1ec0ffee4f1ec0ffee4f1ec0ffee42 }",
        "[4f1ec0ffee4f1ec0ffee4f1ec0ffee42]",
        "{ env: { key: 4f1ec0ffee4f1ec0ffee4f1ec0ffee42 } }",
        "{ file: key, env: KEY, token: 4f1ec0ffee4f1ec0ffee4f1ec0ffee42 }",
        "|\n      4f1ec0ffee4f1ec0ffee4f1ec0ffee42",
        "!key 4f1ec0ffee4f1ec0ffee4f1ec0ffee42",
        "&k 4f1ec0ffee4f1ec0ffee4f1ec0ffee42",
        "{ 4f1ec0ffee4f1ec0ffee4f1ec0ffee42: env }",
    ] {
        with_key(&rig, source);
        for args in [
            &["validate"][..],
            &["validate", "--format", "json"],
            &["plan"],
            &["doctor", "-vvv"],
        ] {
            let ended = rig.certplan(args).expect(FAILED);
            for text in [&ended.stdout, &ended.stderr] {
                assert!(!text.contains("4f1ec0ffee"), "{source}: {text}");
            }
            assert!(
                format!("{}{}", ended.stdout, ended.stderr).contains("certplan.yaml"),
                "{source}: the place is told"
            );
        }
    }
}
