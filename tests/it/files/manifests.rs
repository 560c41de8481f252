//! What a manifest may say of keys and files, and what is refused before anything is sent.

use super::{Desk, FULL, P256, www};
use crate::rig::csr;

#[track_caller]
fn refused(key: &str, files: &str, code: &str, told: &str) {
    let desk = Desk::new(key, files);
    desk.rig.write("www.csr", csr("www.example.com"));
    for command in [&["validate"][..], &["plan"], &["apply", "--yes"]] {
        let ended = desk.run(command);
        assert_eq!(
            ended.code,
            Some(1),
            "{key} {files} {command:?}: {}",
            ended.stderr
        );
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(code), "{key} {files}: {said}");
        assert!(said.contains(told), "{key} {files}: {said}");
    }
    assert!(!desk.files.exists());
    assert_eq!(
        (desk.rig.changes().len(), desk.rig.reads()),
        (0, 0),
        "{key} {files}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let csr = "csr: { file: www.csr }";
    for (key, files, code, told) in [
        (
            "key: { generate: p-256 }, csr: { file: www.csr }",
            FULL,
            "key_and_csr",
            "remove one",
        ),
        (
            csr,
            "kinds: [combined]",
            "files_without_key",
            "key: { generate: p-256 }",
        ),
        (csr, "kinds: [cert, p12]", "files_without_key", "`p12`"),
        (P256, "kinds: []", "kinds", "at least 1 entry"),
        (
            P256,
            "kinds: []",
            "bad_value",
            "write for example `[fullchain]`",
        ),
        (P256, "p12: modern", "missing_member", "kinds: [fullchain]"),
        (P256, "kinds: [cert, privkey]", "privkey", "fullchain"),
        (P256, "kinds: [p12.pass]", "p12.pass", "p12"),
        (P256, "kinds: [fulchain]", "fulchain", "fullchain"),
        (P256, "kinds: [p12], p12: old", "old", "legacy"),
        ("key: { generate: p-521 }", FULL, "p-521", "p-256"),
        ("key: { generate: rsa-1024 }", FULL, "rsa-1024", "rsa-2048"),
        ("key: { reuse: true }", FULL, "missing_member", "generate"),
        ("key: {}", FULL, "missing_member", "generate"),
        ("key: p-256", FULL, "wrong_type", "mapping"),
        ("key: { file: k.pem }", FULL, "unknown_member", "reuse"),
        (
            "key: { generate: p-256, reuse: sometimes }",
            FULL,
            "reuse",
            "true",
        ),
        (P256, "kinds: cert", "wrong_type", "a list"),
        (
            P256,
            "kinds: [cert], path: /etc/ssl",
            "unknown_member",
            "passphrase",
        ),
        (
            P256,
            "kinds: [p12], passphrase: { env: A, file: B }",
            "two_sources",
            "remove one",
        ),
    ] {
        refused(key, files, code, told);
    }
}

#[test]
fn a_passphrase_in_the_manifest_is_refused_and_not_repeated() {
    let secret = "Zq8-plain-words-77";
    for files in [
        format!("kinds: [p12], passphrase: {secret}"),
        format!("kinds: [p12], passphrase: \"{secret}\""),
        format!("kinds: [p12], passphrase: {{ value: {secret} }}"),
        format!("kinds: [p12], passphrase: [{secret}]"),
        format!("kinds: [p12], passphrase: {{ generate: {secret} }}"),
        format!("kinds: [p12], passphrase: {{ {secret}: true }}"),
    ] {
        let desk = Desk::new(P256, &files);
        for command in [
            &["validate"][..],
            &["validate", "--format", "json"],
            &["plan"],
            &["-vv", "apply", "--yes"],
        ] {
            let ended = desk.run(command);
            assert_eq!(ended.code, Some(1), "{files}: {}", ended.stderr);
            for text in [&ended.stdout, &ended.stderr] {
                assert!(!text.contains(secret), "{files} {command:?}:\n{text}");
            }
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(said.contains("passphrase"), "{files}: {said}");
        }
    }
}

#[test]
fn a_manifest_without_keys_and_files_makes_no_folder() {
    let desk = Desk::new("csr: { file: www.csr }", "");
    desk.rig.write("www.csr", csr("www.example.com"));
    desk.apply(&[], 0);
    assert!(!desk.files.exists());
    // A folder that could not be used is not even looked at.
    desk.rig.write(".certplan/files", "a file in its place");
    desk.run(&["plan"]).expect(0);
    desk.rig.manifest(&format!("orders:\n{}", www(P256, FULL)));
    desk.run(&["plan"]).expect(1);
}

#[test]
fn files_that_all_orders_have_are_said_once() {
    let desk = Desk::new(P256, "");
    let text = std::fs::read_to_string(desk.rig.path("certplan.yaml")).expect("a manifest");
    let text = text.replace(
        "organization: { id: 112233 } }",
        "organization: { id: 112233 }, files: { kinds: [fullchain] } }",
    );
    desk.rig.write("certplan.yaml", text);
    desk.apply(&[], 0);
    assert_eq!(
        super::names(&desk.version()),
        ["fullchain.pem", "privkey.pem"]
    );
    desk.is_settled();
}
