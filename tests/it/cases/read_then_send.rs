//! Case 10: what a call is about is read after the call has its slot, and compared with the plan.
//!
//! The call is made to wait, while a colleague changes the order; then it may go.

use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    automatic, csr, died, duplicate, info, manifest, new_key, revoke, sent, shop, status_of, tls,
};
use crate::rig::{ACCOUNTS, Ended, Rig};

const ORDER: &str = "70000001";

/// The first call to this path is answered with the CA's 429 and has to be made again three seconds later.
fn held_up(rig: &Rig, path: &str) {
    rig.faults(
        json!([{ "match": { "path_contains": path }, "fault": "rate_limit",
        "retry_after": 3, "times": 1 }]),
    );
}

fn was_held_up(rig: &Rig) -> bool {
    let ledger = rig.ask("ledger");
    let mut entries = ledger.as_array().expect("a list").iter();
    entries.any(|entry| entry["fault"] == "rate_limit")
}

/// Applies; while the call waits, `change` happens.
fn meanwhile(rig: &Rig, path: &str, more: &[&str], change: impl FnOnce(&Rig)) -> Ended {
    held_up(rig, path);
    let mut args = vec!["apply", "--yes", "--report", "json=report.json"];
    args.extend(more);
    let run = rig.spawn(&args);
    rig.until("the call is held up", || was_held_up(rig));
    change(rig);
    end(run)
}

fn end(run: Child) -> Ended {
    Ended::new(run.wait_with_output().expect("an end"))
}

/// Nothing was sent after the change, the run failed and says what is new.
#[track_caller]
fn told(rig: &Rig, ended: Ended, new: &str, calls: usize) {
    let ended = ended.expect(1);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(
        all.contains(new),
        "what is new is not named ({new}):\n{all}"
    );
    assert!(
        all.contains("plan again") || all.contains("certplan plan"),
        "{all}"
    );
    let mut sent = sent(rig);
    sent.retain(|path| !path.ends_with("/duplicate"));
    // The held-up call is in the ledger as well; it had no effect.
    assert_eq!(sent.len(), calls, "{sent:?}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).expect("a report"))
            .expect("JSON");
    assert_eq!(report["summary"]["failed"], 1, "{report:#}");
}

#[test]
fn case_10_a_duplicate_that_comes_while_a_revocation_waits_lives() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "product": "ssl_multi_domain" }));
    let entry = revoke("all", &format!("order_id: {ORDER}"), "order");
    manifest(&rig, &[], &[entry]);
    let mut new = String::new();
    let ended = meanwhile(&rig, "/revoke", &[], |rig| new = duplicate(rig, ORDER));
    assert_eq!(died(&rig), [""; 0], "what no plan showed died");
    told(&rig, ended, &new, 1);
    // Shown by a plan, it goes with the others.
    rig.apply(&[], 0);
    assert_eq!(died(&rig), ["90000001", new.as_str()]);
}

/// Which certificates die is open until the reissue has ended: the next plan waits for it.
#[test]
fn case_10_a_reissue_that_comes_while_a_revocation_waits_is_waited_for() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "product": "ssl_multi_domain" }));
    let entry = revoke("all", &format!("order_id: {ORDER}"), "order");
    manifest(&rig, &[], &[entry]);
    let path = format!("/order/certificate/{ORDER}/reissue");
    let body = json!({ "certificate": { "csr": csr(), "signature_hash": "sha256" } });
    let ended = meanwhile(&rig, "/revoke", &[], |rig| {
        rig.certcentral("POST", &path, &body);
    });
    assert_eq!(died(&rig), [""; 0]);
    // The held-up call and the colleague's.
    told(&rig, ended, "a reissue of order 70000001 is under way", 2);
    assert_eq!(super::waiting_code(&rig, "revocations.all"), "reissue");
}

/// The same with a narrow limit of the account's own: the call waits for its slot.
#[test]
fn case_10_a_duplicate_that_comes_while_a_revocation_waits_for_its_slot_lives() {
    let mut in_time = 0;
    for slots in [1, 3] {
        let rig = Rig::new();
        rig.seed(json!({ "certcentral": 1, "product": "ssl_multi_domain" }));
        let limits = format!("rate_limits: [{{ requests: {slots}, per: 1s }}]");
        let accounts = ACCOUNTS.replace("rate_limits: [{ requests: 100000, per: 1s }]", &limits);
        assert!(accounts.contains(&limits));
        let entry = revoke("all", &format!("order_id: {ORDER}"), "order");
        rig.write("certplan.yaml", format!("{accounts}revocations:\n{entry}"));
        let run = rig.spawn(&["apply", "--yes"]);
        // Every slot of the first window is spent, and the call is not out: whatever comes next waits.
        let spent = || {
            let ledger = rig.ask("ledger");
            let entries = ledger.as_array().expect("a list").iter();
            let calls = entries.filter(|entry| entry["provider"] == "certcentral");
            calls.count() >= slots
        };
        rig.until("the first window is spent", || {
            spent() || !died(&rig).is_empty()
        });
        std::thread::sleep(Duration::from_millis(300));
        if !died(&rig).is_empty() {
            end(run);
            continue;
        }
        let new = duplicate(&rig, ORDER);
        in_time += 1;
        let ended = end(run);
        let shown = ended.stdout.contains(&new) || ended.stderr.contains(&new);
        assert!(
            shown || !died(&rig).contains(&new),
            "{slots} slots: what no plan showed died:\n{}\n{}",
            ended.stdout,
            ended.stderr
        );
    }
    assert!(in_time > 0, "no run had to wait");
}

#[test]
fn case_10_a_reissue_that_comes_while_a_revocation_waits_is_not_killed() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "product": "ssl_multi_domain" }));
    let entry = revoke("all", &format!("order_id: {ORDER}"), "order");
    manifest(&rig, &[], &[entry]);
    let mut new = String::new();
    let ended = meanwhile(&rig, "/revoke", &[], |rig| {
        let body = json!({ "certificate": { "csr": csr(), "signature_hash": "sha256" },
            "skip_approval": true });
        let path = format!("/order/certificate/{ORDER}/reissue");
        new = rig.certcentral("POST", &path, &body)["certificate_id"].to_string();
    });
    assert_eq!(died(&rig), [""; 0], "what no plan showed died");
    ended.expect(1);
    assert_eq!(status_of(&rig, ORDER), "issued");
}

/// `shop` has two names, and one is taken away: CertCentral then revokes what was there before.
fn a_name_is_taken_away() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    let both = tls("shop", &["shop.example.com", "www.example.com"], "");
    manifest(&rig, &[both], &[]);
    rig.apply(&[], 0);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig
}

#[test]
fn case_10_a_duplicate_that_comes_while_a_reissue_waits_lives() {
    let rig = a_name_is_taken_away();
    let mut new = String::new();
    let ended = meanwhile(&rig, "/reissue", &[], |rig| {
        new = duplicate(rig, ORDER);
    });
    assert_eq!(
        info(&rig, ORDER)["reissues_count"],
        0,
        "the reissue went out"
    );
    told(&rig, ended, &new, 2);
    rig.apply(&[], 0);
    assert_eq!(info(&rig, ORDER)["reissues_count"], 1);
}

#[test]
fn case_10_a_reissue_that_waited_behind_another_item_reads_its_order_again() {
    let rig = a_name_is_taken_away();
    rig.tell("options", json!({ "approval": "required" }));
    // It comes after an order that an administrator has to approve; the run waits for it.
    let first = super::person("first", "First", "");
    let second = shop("shop", "after: [{ order: first, until: issued }]");
    manifest(&rig, &[first, second], &[]);
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "60s",
        "--report",
        "json=report.json",
    ]);
    rig.until("the first order", || {
        rig.effects("order_created").len() == 2
    });
    let new = duplicate(&rig, ORDER);
    rig.tell("approve", json!({ "order_id": 70_000_002 }));
    let ended = end(run);
    assert_eq!(
        info(&rig, ORDER)["reissues_count"],
        0,
        "the reissue went out"
    );
    let ended = ended.expect(1);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(all.contains(&new), "{all}");
}

/// A key alone is exchanged: nothing dies by it, but the order may be another one by now.
#[test]
fn case_10_an_order_revoked_meanwhile_is_not_reissued() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    let ended = meanwhile(&rig, "/reissue", &[], |rig| {
        rig.tell("revoke", json!({ "order_id": ORDER }));
    });
    assert_ne!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let calls = sent(&rig)
        .iter()
        .filter(|path| path.ends_with("/reissue"))
        .count();
    assert_eq!(calls, 1, "only the call that was held up");
}

#[test]
fn case_10_one_certificate_that_was_revoked_meanwhile_is_not_revoked_again() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 1 }));
    let entry = revoke(
        "one",
        &format!("order_id: {ORDER}"),
        "{ certificate_id: 90000002 }",
    );
    manifest(&rig, &[], &[entry]);
    let ended = meanwhile(&rig, "/revoke", &[], |rig| {
        rig.tell("revoke", json!({ "certificate_id": 90_000_002 }));
    });
    assert_eq!(died(&rig), ["90000002"]);
    assert_eq!(sent(&rig).len(), 1, "the call that was held up");
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    rig.apply(&["--detailed-exitcode"], 0);
}
