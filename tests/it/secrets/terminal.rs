//! What a CA says never steers a terminal, a log or a page.

use std::fs;

use serde_json::json;

use super::parrot::Parrot;
use crate::bad_input::steers;
use crate::rig::{Ended, Rig};

/// Colours, a title, a clear screen in 7 and 8 bits, a hyperlink, reversed and invisible text.
const HOSTILE: &str = "a\u{1b}[31mred\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}2J\u{1b}]8;;http://evil.example\u{1b}\\x\u{202e}gnp.exe\u{2066}\u{200b}\r\nfake line\u{2028}";

#[track_caller]
fn calm(ended: &Ended, what: &str) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!steers(text), "{what}: {text:?}");
        assert!(
            !text.contains("\nfake line"),
            "{what}: a line of its own: {text}"
        );
    }
}

#[track_caller]
fn calm_files(rig: &Rig) {
    for name in ["r.json", "r.md"] {
        let text = fs::read_to_string(rig.path(name)).expect("a report");
        assert!(!steers(&text), "{name}: {text:?}");
    }
}

#[test]
fn names_at_the_ca_are_shown_harmless() {
    let rig = Rig::new();
    let orders = rig.seed(json!({ "certcentral": 2 }));
    for order in &orders {
        rig.tell(
            "edit",
            json!({
                "order_id": order, "common_name": HOSTILE, "dns_names": [HOSTILE],
                "emails": [HOSTILE], "organization_units": [HOSTILE], "product": HOSTILE,
            }),
        );
    }
    rig.orders(
        &["ada"],
        &format!(
            "revocations:\n  gone: {{ order_id: {}, scope: order, reason: superseded, comments: x }}\n",
            orders[0]
        ),
    );
    let plan = rig.certplan(&["plan", "--format", "json"]).expect(0);
    assert!(
        plan.stdout.contains("owned"),
        "the name is shown at all: {}",
        plan.stdout
    );
    for args in [
        &["plan"][..],
        &["plan", "--color", "always"],
        &["plan", "--format", "json"],
        &["plan", "--format", "markdown"],
        &["import", "--all", "--account", "digicert"],
        &["import", "orders.ada", &orders[1]],
        &["plan", "--out", "plan.json"],
        &[
            "apply",
            "--yes",
            "--report",
            "json=r.json",
            "--report",
            "markdown=r.md",
        ],
        &["status"],
        &["status", "--format", "json"],
        &["history"],
        &["history", "--format", "json"],
        &["doctor"],
        &["-vvv", "plan"],
        &["-vvv", "--log-format", "json", "plan"],
    ] {
        let ended = rig.certplan(args);
        assert_ne!(ended.code, None, "{args:?}");
        calm(&ended, &args.join(" "));
    }
    calm_files(&rig);
}

#[test]
fn messages_of_the_ca_are_shown_harmless() {
    for status in [400, 403, 500] {
        let mut rig = Rig::new();
        let server = Parrot::new(Box::new(move |heard| {
            let refusal = json!({
                "errors": [{ "code": "invalid_value:x", "message": HOSTILE }],
                "error": { "errorCode": "210", "message": HOSTILE, "details": HOSTILE },
            });
            let empty = json!({ "orders": [], "requests": [], "page": { "total": 0 }, "id": 1, "account_id": "1", "username": HOSTILE, "first_name": HOSTILE });
            if heard.method == "GET" {
                (200, empty.to_string())
            } else {
                (status, refusal.to_string())
            }
        }));
        rig.set("CERTPLAN_ENDPOINT_DIGICERT", &server.url("/services/v2"));
        rig.orders(&["ada"], "");
        let ended = rig.certplan(&[
            "apply",
            "--yes",
            "--report",
            "json=r.json",
            "--report",
            "markdown=r.md",
        ]);
        calm(&ended, "apply");
        assert_eq!(
            ended.code,
            Some(if status == 500 { 3 } else { 1 }),
            "{}",
            ended.stderr
        );
        if status != 500 {
            assert!(
                ended.stderr.contains("owned"),
                "told at all: {}",
                ended.stderr
            );
        }
        calm_files(&rig);
        for args in [
            &["status"][..],
            &["history"],
            &["doctor"],
            &["plan", "-vvv"],
        ] {
            calm(&rig.certplan(args), &args.join(" "));
        }
    }
}
