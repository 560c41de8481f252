//! What a CA hands out is looked at before a byte is written: the wrong thing changes nothing, and the next run
//! collects.

use std::fs;

use serde_json::{Value, json};

use super::{Desk, FULL, P256, WWW, outcome};
use crate::rig::action;

/// Downloads go wrong in this way.
fn download(fault: &str, more: Value) -> Value {
    let mut rule = json!({ "match": { "path_contains": "/download/" }, "fault": fault });
    for (name, value) in more.as_object().into_iter().flatten() {
        rule[name] = value.clone();
    }
    json!([rule])
}

/// Every way in which a download can be wrong, with what must be said of it.
fn wrongs() -> Vec<(Value, &'static str)> {
    vec![
        (
            download("short_chain", json!({})),
            "certplan::files::not_ours",
        ),
        (download("html", json!({})), "certplan::files::not_ours"),
        (download("empty", json!({})), "certplan::files::not_ours"),
        (download("truncate", json!({})), ""),
        (
            download(
                "answer_before",
                json!({ "body": "-----BEGIN CERTIFICATE-----" }),
            ),
            "certplan::files::not_ours",
        ),
        (download("error_before", json!({})), "500"),
        (download("error_before", json!({ "status": 503 })), "503"),
        (download("error_before", json!({ "status": 404 })), "404"),
        (download("cut_before", json!({})), ""),
        (download("cut_after", json!({})), ""),
        (download("huge", json!({ "bytes": 4_000_000 })), ""),
        (download("redirect", json!({})), ""),
        (download("forbidden", json!({})), "403"),
    ]
}

#[test]
fn a_certificate_that_is_not_the_one_asked_for_changes_nothing() {
    for (rules, told) in wrongs() {
        let desk = Desk::new(P256, FULL);
        desk.rig.faults(rules.clone());
        let report = desk.apply(&[], 1);
        assert_eq!(outcome(&report), "failed", "{rules}: {report:#}");
        let of = action(&report, WWW);
        assert_eq!(of["order_id"], "70000001", "{rules}: {of:#}");
        assert!(of.to_string().contains(told), "{rules}: {of:#}");
        assert!(!desk.files.join("live/www").exists(), "{rules}");
        assert_eq!(desk.names("pending/www").len(), 1, "{rules}");
        desk.is_to_collect("not_collected");
        // As long as it lasts, each run says so, and buys nothing.
        let report = desk.apply(&[], 1);
        assert_eq!(outcome(&report), "failed", "{rules}");
        assert_eq!(desk.bought(), (1, 0), "{rules}");
        desk.rig.faults(json!([]));
        desk.apply(&[], 0);
        desk.opens();
        desk.is_settled();
        assert_eq!(desk.bought(), (1, 0), "{rules}");
    }
}

#[test]
fn what_is_live_stays_live_while_a_new_certificate_cannot_be_had() {
    for (rules, told) in wrongs() {
        let desk = Desk::collected();
        let (version, key) = (desk.version(), desk.read("privkey.pem"));
        desk.rewrite("key: { generate: p-384 }", FULL);
        desk.rig.faults(rules.clone());
        let report = desk.apply(&[], 1);
        assert_eq!(outcome(&report), "failed", "{rules}");
        assert!(report.to_string().contains(told), "{rules}: {report:#}");
        assert_eq!(desk.version(), version, "{rules}");
        assert_eq!(desk.read("privkey.pem"), key, "{rules}");
        desk.opens();
        desk.is_to_collect("not_collected");
        desk.rig.faults(json!([]));
        desk.apply(&[], 0);
        assert_ne!(desk.version(), version, "{rules}");
        desk.opens();
        desk.is_settled();
        assert_eq!(desk.bought(), (1, 1), "{rules}");
    }
}

#[test]
fn a_neighbours_certificate_is_not_taken_even_when_key_and_names_are_the_same() {
    for key in [P256, "key: { generate: p-256, reuse: true }"] {
        let desk = Desk::new(key, FULL);
        desk.apply(&[], 0);
        let version = desk.version();
        let other = super::www(key, FULL).replace("sha256", "sha384");
        desk.rig.manifest(&format!("orders:\n{other}"));
        desk.rig.faults(download("neighbour", json!({})));
        let report = desk.apply(&[], 1);
        assert_eq!(outcome(&report), "failed", "{key}");
        let told = report.to_string();
        assert!(told.contains("certplan::files::not_ours"), "{report:#}");
        assert_eq!(desk.version(), version);
        desk.is_to_collect("not_collected");
        desk.rig.faults(json!([]));
        desk.apply(&[], 0);
        assert_ne!(desk.version(), version);
        desk.opens();
        desk.is_settled();
        assert_eq!(desk.bought(), (1, 1));
    }
}

#[test]
fn a_chain_that_begins_with_the_root_is_put_into_order() {
    let desk = Desk::new(P256, FULL);
    desk.rig.faults(download("reversed_chain", json!({})));
    desk.apply(&[], 0);
    desk.opens();
    let chain = desk.live("chain.pem");
    let chain = chain.to_str().expect("text");
    super::openssl(
        &["verify", "-partial_chain", "-CAfile", chain],
        &desk.live("cert.pem"),
    );
    desk.is_settled();
}

#[test]
fn a_limit_of_requests_is_waited_for() {
    let desk = Desk::new(P256, FULL);
    desk.rig.faults(download(
        "rate_limit",
        json!({ "times": 2, "retry_after": 0 }),
    ));
    desk.apply(&[], 0);
    desk.opens();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_certificate_that_is_over_is_not_made_into_files() {
    let desk = Desk::new(P256, FULL);
    desk.rig.faults(download("html", json!({})));
    desk.apply(&[], 1);
    desk.rig.faults(json!([]));
    desk.rig.tell("clock", json!({ "advance": "500d" }));
    let ended = desk.run(&["apply", "--yes"]);
    assert_ne!(ended.code, Some(64), "{}", ended.stderr);
    assert!(!desk.files.join("live/www").exists());
    assert!(fs::read_dir(desk.files.join("archive")).map_or(0, Iterator::count) == 0);
}

/// Two names whose certificates are issued at once, with a chain in the answers.
fn answered() -> Desk {
    let desk = Desk::new(P256, FULL);
    let habits = json!({ "certificate_chain": "shown" });
    desk.rig.tell("options", json!({ "habits": habits }));
    desk
}

#[test]
fn a_chain_in_the_answer_to_the_order_saves_the_download() {
    let desk = answered();
    desk.apply(&[], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!((desk.downloads(), desk.bought()), (0, (1, 0)));
    let same = Desk::new(P256, FULL);
    same.apply(&[], 0);
    let blocks = |desk: &Desk, file: &str| {
        let text = String::from_utf8(desk.read(file)).expect("text");
        text.matches("BEGIN CERTIFICATE").count()
    };
    for file in ["cert.pem", "chain.pem", "fullchain.pem"] {
        assert_eq!(blocks(&desk, file), blocks(&same, file), "{file}");
    }
    assert_eq!(same.downloads(), 1);
    // What was lost later is downloaded.
    fs::remove_file(desk.version().join("cert.pem")).expect("removed");
    desk.apply(&[], 0);
    assert_eq!(desk.downloads(), 1);
}

#[test]
fn a_chain_in_the_answer_that_is_not_right_is_not_taken() {
    for fault in ["short_chain", "reversed_chain", "missing"] {
        let desk = answered();
        let rule = json!({ "match": { "path_contains": "/order/certificate/", "method": "POST" },
            "fault": fault, "times": 1 });
        if fault == "missing" {
            let habits = json!({ "certificate_chain": "missing" });
            desk.rig.tell("options", json!({ "habits": habits }));
        } else {
            desk.rig.faults(json!([rule]));
        }
        desk.apply(&[], 0);
        desk.opens();
        desk.is_settled();
        let is_right = usize::from(fault != "reversed_chain");
        assert_eq!(
            (desk.downloads(), desk.bought()),
            (is_right, (1, 0)),
            "{fault}"
        );
    }
}
