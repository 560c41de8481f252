//! Manifests that are wrong, and files that are none.

use super::{FAILED, REFUSED, USAGE, refused, sound};
use crate::rig::{ACCOUNTS, Rig, client_order, csr};

/// What follows the accounts; what the message points at; the code; what else it says.
type Case = (&'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "revocations:\n  a: { order_id: 1, scope: order, reason: superseded, coments: x }\n",
        "coments",
        "unknown_member",
        "comments",
    ),
    (
        "revocations:\n  a: { account: digicart, order_id: 1, scope: order, reason: superseded, comments: x }\n",
        "digicart",
        "unknown_account",
        "digicert",
    ),
    (
        "revocations:\n  a: { order: ada, scope: order, reason: superseded, comments: x }\n",
        "order: ada",
        "unknown_name",
        "ada",
    ),
    (
        "revocations:\n  a: { order_id: 1, scope: order, reason: superseded, comments: x, after: [{ order: nobody, until: issued }] }\n",
        "nobody",
        "unknown_name",
        "nobody",
    ),
    (
        "revocations:\n  a: { order_id: 1, reason: superseded, comments: x }\n",
        "a: {",
        "missing_scope",
        "scope",
    ),
    (
        "revocations:\n  a: { order_id: 1, scope: order, comments: x }\n",
        "a: {",
        "missing_reason",
        "reason",
    ),
    (
        "revocations:\n  a: { account: navercloud, order_id: '1', scope: { certificate_no: 0 }, reason: superseded }\n",
        "certificate_no: 0",
        "certificate_no_zero",
        "scope: order",
    ),
    (
        "revocations:\n  a: { order_id: 1, scope: order, reason: certificateHold, comments: x }\n",
        "certificateHold",
        "reason_not_offered",
        "superseded",
    ),
    (
        "revocations:\n  a: { order_id: 1, scope: order, reason: superseded, comments: x }\n  a: { order_id: 2, scope: order, reason: superseded, comments: x }\n",
        "order_id: 2",
        "duplicate_name",
        "a",
    ),
    (
        "revocations:\n  a: { order_id: 1, scope: order, reason: superseded, comments: x, after: [{ revocation: b, until: revoked }] }\n  b: { order_id: 2, scope: order, reason: superseded, comments: x, after: [{ revocation: a, until: revoked }] }\n",
        "revocation: b",
        "cycle",
        "revocations.b",
    ),
    (
        "orders:\n  ada:\n    product: client_premium_sha2\n    certificate: { common_name: ada, emails: [a@example.com], signature_hash: sha256, csr: { file: gone.csr } }\n    validity_years: 1\n",
        "gone.csr",
        "csr_unreadable",
        "gone.csr",
    ),
    (
        "orders:\n  ada:\n    product: client_premium_sha2\n    certificate: { common_name: ada, emails: [a@example.com], signature_hash: sha256, csr: { file: ../../etc/passwd } }\n    validity_years: 1\n",
        "../../etc/passwd",
        "csr_outside",
        "etc/passwd",
    ),
    (
        "orders:\n  ada:\n    product: client_premium_sha2\n    certificate: { common_name: ada, emails: [a@example.com], signature_hash: sha256, csr: { pem: hello } }\n    validity_years: 1\n",
        "hello",
        "csr_not_valid",
        "PEM",
    ),
    ("orders:\n  ada: [1, 2]\n", "[1, 2]", "wrong_type", ""),
    (
        "orders: &a { x: 1 }\nrevocations:\n  <<: *a\n",
        "<<",
        "merge_key",
        "",
    ),
    (
        "revocations: {}\n---\nversion: 1\n",
        "---",
        "second_document",
        "",
    ),
    ("revocations: [\n", "", "syntax", ""),
    (
        "revocations:\n  a: !!python/object:os.system { order_id: 1 }\n",
        "!!python",
        "tag",
        "",
    ),
];

#[test]
fn each_fault_is_told_with_its_place_and_nothing_is_sent() {
    let rig = Rig::new();
    for (rest, needle, code, said) in CASES {
        rig.manifest(rest);
        let text = format!("{ACCOUNTS}{rest}");
        let line = ACCOUNTS.lines().count()
            + 1
            + rest
                .lines()
                .position(|line| !needle.is_empty() && line.contains(needle))
                .unwrap_or(0);
        let code = format!("certplan::manifest::{code}");
        let mut phrases = vec![code.as_str(), said];
        let place = format!("certplan.yaml:{line}:");
        if !needle.is_empty() {
            phrases.push(&place);
        }
        for args in [
            &["validate"][..],
            &["plan"],
            &["apply", "--yes"],
            &["status"],
        ] {
            let ended = refused(&rig, args, FAILED, &phrases);
            assert_eq!(ended.stdout, "", "{text}");
        }
    }
    assert_eq!(rig.reads(), 0, "no CA was asked");
}

#[test]
fn a_wrong_date_is_told_with_its_place() {
    let rig = Rig::new();
    rig.write("ada.csr", csr("ada"));
    for date in ["2027-02-30", "27-1-1", "tomorrow", "2027-13-01", "''"] {
        let order = client_order("ada").replace(
            "validity_years: 1",
            &format!("custom_expiration_date: {date}"),
        );
        rig.manifest(&format!("orders:\n{order}"));
        let line = ACCOUNTS.lines().count() + 5;
        let place = format!("certplan.yaml:{line}:");
        refused(&rig, &["plan"], FAILED, &[&place]);
    }
}

#[test]
fn every_fault_is_found_in_one_run() {
    let rig = Rig::new();
    rig.manifest(
        "revocations:\n  a: { order_id: 1, reason: superseded, comments: x }\n  b: { order_id: 1, scope: order, comments: x }\n  c: { account: nobody, order_id: 1, scope: order, reason: superseded }\n",
    );
    refused(
        &rig,
        &["validate"],
        FAILED,
        &[
            "missing_scope",
            "missing_reason",
            "unknown_account",
            "3 problems",
        ],
    );
}

#[test]
fn files_that_are_no_text_are_told_apart() {
    let rig = Rig::new();
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(ACCOUNTS.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut latin1 = ACCOUNTS.as_bytes().to_vec();
    latin1.extend(b"# caf\xe9\n");
    let mut nul = ACCOUNTS.as_bytes().to_vec();
    nul.extend(b"# \0\n");
    let line = ACCOUNTS.lines().count() + 1;
    let place = format!("certplan.yaml:{line}:");
    for (bytes, said) in [
        (utf16, ["utf16", "iconv -f UTF-16"]),
        (latin1, ["not_utf8", place.as_str()]),
        (nul, ["certplan::manifest::nul", place.as_str()]),
        (Vec::new(), ["empty_file", "certplan.yaml"]),
        (vec![0x1f, 0x8b, 8, 0, 0xff], ["not_utf8", "certplan.yaml"]),
    ] {
        rig.write("certplan.yaml", bytes);
        refused(&rig, &["plan"], FAILED, &said);
    }
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let rig = Rig::new();
    let long = format!(
        "revocations:\n  a: {{ comments: {} }}\n",
        "x".repeat(10 << 20)
    );
    let mut bomb = String::from("orders:\n  l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let below = vec![format!("*l{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("  l{level}: &l{level} [{below}]\n"));
    }
    let deep = format!("orders: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let deep_block: String = (0..3_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    for (rest, codes) in [
        (long, ["scalar_too_long", "certplan.yaml"]),
        (bomb, ["alias", "certplan.yaml"]),
        (deep, ["too_deep", "certplan.yaml"]),
        (deep_block, ["too_deep", "certplan.yaml"]),
    ] {
        rig.manifest(&rest);
        let ended = refused(&rig, &["plan"], FAILED, &codes);
        assert!(ended.stderr.len() < 100_000, "the message is a bomb itself");
    }
}

#[test]
fn a_policy_of_the_manifest_stops_the_plan_with_its_own_code() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "policy: { max_orders: 1 }\n");
    let said = ["max_orders"];
    refused(&rig, &["plan"], REFUSED, &said);
    refused(&rig, &["apply", "--yes"], REFUSED, &said);
}

#[test]
fn inputs_that_are_not_there_are_named() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("empty")).expect("a folder");
    rig.write("bare/readme.txt", "no manifest");
    refused(
        &rig,
        &["plan"],
        FAILED,
        &["unreadable_file", "certplan.yaml", "certplan init"],
    );
    refused(
        &rig,
        &["plan", "-f", "gone.yaml"],
        FAILED,
        &["gone.yaml", "No such file"],
    );
    for folder in ["empty", "bare"] {
        refused(
            &rig,
            &["plan", "-f", folder],
            FAILED,
            &["no_manifest", folder],
        );
    }
    rig.manifest("");
    refused(
        &rig,
        &["plan", "-f", "-", "-f", "-"],
        USAGE,
        &["stands twice"],
    );
    refused(
        &rig,
        &["plan", "-f", "-"],
        FAILED,
        &["empty_file", "<stdin>"],
    );
    refused(
        &rig,
        &["plan", "--policy", "gone.yaml"],
        FAILED,
        &["gone.yaml"],
    );
    rig.write("policy.yaml", "max_order: 1\n");
    refused(
        &rig,
        &["plan", "--policy", "policy.yaml"],
        FAILED,
        &["policy.yaml:1:", "max_orders"],
    );
}

#[test]
fn a_name_that_two_files_give_is_shown_in_both() {
    let rig = Rig::new();
    let entry =
        "revocations:\n  a: { order_id: 1, scope: order, reason: superseded, comments: x }\n";
    rig.manifest("");
    rig.write("more/one.yaml", format!("version: 1\n{entry}"));
    rig.write("more/two.yml", format!("version: 1\n{entry}"));
    refused(
        &rig,
        &["plan", "-f", "certplan.yaml", "-f", "more"],
        FAILED,
        &["duplicate_name", "one.yaml:3:", "two.yml:3:"],
    );
}

#[test]
fn text_that_would_steer_a_terminal_is_not_shown_raw() {
    let rig = Rig::new();
    rig.manifest(
        "revocations:\n  a: { order_id: 1, scope: order, reason: superseded, comments: x, wrong: \"\u{202e}\u{9b}2J \u{200b}\" }\n",
    );
    rig.write("\u{1b}]0;owned\u{7}.yaml", "version: [\u{85}\u{2066}\n");
    for args in [
        &["plan"][..],
        &["validate", "--color", "always"],
        &["validate", "--format", "json"],
        &["plan", "-f", "\u{1b}]0;owned\u{7}.yaml"],
        &["plan", "-f", "\u{1b}]0;owned\u{7}-gone"],
        &["apply", "\u{1b}]0;owned\u{7}-gone"],
        &["plan", "--target", "orders.\u{1b}[2J"],
        &["plan", "--endpoint", "\u{1b}[2J=x"],
        &["plan", "--state", "\u{1b}]0;x\u{7}/state.db", "--offline"],
        &["history", "--state", "\u{1b}]0;x\u{7}/state.db"],
    ] {
        let ended = rig.certplan(args);
        sound(&ended, &args.join(" "));
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!super::steers(text), "{args:?}: {text:?}");
        }
    }
}
