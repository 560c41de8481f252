//! Cases 08 and 24: requests about an order, and what they say of one certificate of it.

use serde_json::json;

use super::{
    applied, ask_to_revoke, csr, died, info, manifest, planned, revoke, sent, standing, status_of,
    word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";
const ORIGINAL: &str = "90000001";
const ONE: &str = "90000002";
const OTHER: &str = "90000003";

fn certificate(id: &str) -> String {
    format!("{{ certificate_id: {id} }}")
}

/// One order with two duplicates; the connection of a call to `path` breaks before it arrives, once.
fn broken_at(path: &str) -> Rig {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 2 }));
    rig.faults(
        json!([{ "match": { "path_contains": path, "method": "PUT" }, "fault": "cut_before", "times": 1 }]),
    );
    rig
}

fn on_the_order(name: &str, scope: &str) -> String {
    ask_to_revoke(name, &format!("order_id: {ORDER}"), scope)
}

/// Some nights of cron, each followed by an administrator who approves.
fn nights(rig: &Rig) {
    for _ in 0..4 {
        rig.certplan(&["apply", "--yes"]);
        rig.approve_all();
    }
}

/// All of these died, nothing else did, and no entry has anything left to do.
#[track_caller]
fn just(rig: &Rig, certificates: &[&str], entries: &[&str]) {
    let mut died = died(rig);
    died.sort();
    died.dedup();
    assert_eq!(died, certificates, "sent: {:?}", sent(rig));
    for entry in entries {
        assert_eq!(word(rig, entry), "keep");
    }
    rig.apply(&["--detailed-exitcode"], 0);
}

#[test]
fn case_08_each_duplicate_is_asked_for_although_a_request_for_another_waits() {
    let rig = broken_at(&format!("/certificate/{OTHER}/revoke"));
    manifest(&rig, &[], &[on_the_order("leak", "duplicates")]);
    nights(&rig);
    just(&rig, &[ONE, OTHER], &["revocations.leak"]);
}

#[test]
fn case_08_the_first_of_two_is_asked_for_although_a_request_for_the_second_waits() {
    let rig = broken_at(&format!("/certificate/{ONE}/revoke"));
    manifest(&rig, &[], &[on_the_order("leak", "duplicates")]);
    nights(&rig);
    just(&rig, &[ONE, OTHER], &["revocations.leak"]);
}

#[test]
fn case_08_two_entries_of_one_order_do_not_settle_each_other() {
    for broken in [ONE, OTHER] {
        let rig = broken_at(&format!("/certificate/{broken}/revoke"));
        let entries = [
            on_the_order("first", &certificate(ONE)),
            on_the_order("second", &certificate(OTHER)),
        ];
        manifest(&rig, &[], &entries);
        nights(&rig);
        just(
            &rig,
            &[ONE, OTHER],
            &["revocations.first", "revocations.second"],
        );
    }
}

#[test]
fn case_08_a_request_for_one_certificate_does_not_settle_the_whole_order() {
    let rig = broken_at(&format!("/order/certificate/{ORDER}/revoke"));
    // A colleague's request for one certificate, which stays undecided.
    let path = format!("/certificate/{ONE}/revoke");
    rig.certcentral("PUT", &path, &json!({ "comments": "mine" }));
    manifest(&rig, &[], &[on_the_order("leak", "order")]);
    for _ in 0..3 {
        rig.certplan(&["apply", "--yes"]);
    }
    let whole = format!("/order/certificate/{ORDER}/revoke");
    let calls = sent(&rig).iter().filter(|path| **path == whole).count();
    assert!(
        calls >= 2,
        "the broken call was not repeated: {:?}",
        sent(&rig)
    );
    let requests = info(&rig, ORDER)["requests"].clone();
    let ours = requests
        .as_array()
        .and_then(|list| list.last())
        .expect("a request");
    rig.tell("approve", json!({ "request_id": ours["id"] }));
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, ORDER), "revoked");
    assert_eq!(word(&rig, "revocations.leak"), "keep");
}

#[test]
fn case_08_a_request_for_the_whole_order_does_not_lose_one_certificate() {
    let rig = broken_at(&format!("/certificate/{ONE}/revoke"));
    let path = format!("/order/certificate/{ORDER}/revoke");
    let theirs = rig.certcentral("PUT", &path, &json!({ "comments": "theirs" }));
    manifest(&rig, &[], &[on_the_order("leak", &certificate(ONE))]);
    for _ in 0..3 {
        rig.certplan(&["apply", "--yes"]);
    }
    // It is rejected in the end: the certificate has to go all the same.
    rig.tell("reject", json!({ "request_id": theirs["id"] }));
    nights(&rig);
    just(&rig, &[ONE], &["revocations.leak"]);
    assert_eq!(status_of(&rig, ORDER), "issued");
}

#[test]
fn case_08_a_rejected_request_for_another_certificate_declines_nothing() {
    let rig = broken_at(&format!("/certificate/{OTHER}/revoke"));
    let path = format!("/certificate/{ONE}/revoke");
    let theirs = rig.certcentral("PUT", &path, &json!({ "comments": "theirs" }));
    manifest(&rig, &[], &[on_the_order("leak", &certificate(OTHER))]);
    rig.certplan(&["apply", "--yes"]);
    rig.tell("reject", json!({ "request_id": theirs["id"] }));
    nights(&rig);
    just(&rig, &[OTHER], &["revocations.leak"]);
}

#[test]
fn case_08_an_answer_that_was_lost_after_the_request_came_to_be_ends_well() {
    // Asked again, the CA makes a second request, or refuses it.
    for habit in ["accepted", "refused"] {
        let rig = broken_at("nothing");
        rig.tell(
            "options",
            json!({ "habits": { "revocation_beside_another": habit } }),
        );
        rig.faults(
            json!([{ "match": { "path_contains": OTHER, "method": "PUT" },
            "fault": "cut_after", "times": 1 }]),
        );
        manifest(&rig, &[], &[on_the_order("leak", "duplicates")]);
        nights(&rig);
        just(&rig, &[ONE, OTHER], &["revocations.leak"]);
    }
}

/// The seeded order is being reissued, with the same name and another key.
fn being_reissued() -> Rig {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 1 }));
    let body = json!({ "certificate": { "common_name": "host-70000001.example.com",
        "csr": csr(), "signature_hash": "sha256",
        "server_platform": { "id": 2 } } });
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{ORDER}/reissue"),
        &body,
    );
    rig
}

fn puts(rig: &Rig) -> Vec<String> {
    let mut sent = sent(rig);
    sent.retain(|path| path.ends_with("/revoke"));
    sent
}

#[test]
fn case_24_a_certificate_of_an_order_that_is_being_reissued_waits_for_the_reissue() {
    let by_id = certificate(ORIGINAL);
    let serial = |rig: &Rig| {
        let serial = &info(rig, ORDER)["certificate"]["serial_number"];
        format!("{{ serial_number: {serial} }}")
    };
    for by_serial in [false, true] {
        let rig = being_reissued();
        let scope = if by_serial {
            serial(&rig)
        } else {
            by_id.clone()
        };
        let entry = revoke("c", &format!("order_id: {ORDER}"), &scope);
        manifest(&rig, &[], &[entry]);
        let plan = planned(&rig);
        let step = action(&plan, "revocations.c");
        assert_eq!(step["action"], "wait", "{step:#}");
        assert_eq!(step["waiting_code"], "reissue", "{step:#}");
        for _ in 0..2 {
            let (code, report) = applied(&rig);
            assert_eq!(code, 0, "{report:#}");
            assert_eq!(action(&report, "revocations.c")["outcome"], "waiting");
        }
        assert_eq!(puts(&rig), [""; 0], "a call that the CA must refuse");
        assert_eq!(standing(&rig, "revocations.c")["waiting_code"], "reissue");
    }
}

#[test]
fn case_24_a_rejected_reissue_ends_the_wait_too() {
    let rig = being_reissued();
    let entry = revoke("c", &format!("order_id: {ORDER}"), &certificate(ORIGINAL));
    manifest(&rig, &[], &[entry]);
    rig.apply(&[], 0);
    assert_eq!(puts(&rig), [""; 0]);
    rig.tell("reject", json!({ "all": true }));
    rig.apply(&[], 0);
    assert_eq!(died(&rig), [ORIGINAL]);
}

#[test]
fn case_24_an_order_that_was_renewed_is_not_renewed_again() {
    let rig = Rig::new();
    let old = rig.seed(json!({ "certcentral": 1, "product": "ssl_multi_domain" }));
    // A colleague renews it, in the console.
    let body = json!({
        "certificate": { "common_name": "host-70000001.example.com", "csr": csr(), "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "order_validity": { "years": 1 },
        "renewal_of_order_id": 70_000_001, "skip_approval": true,
    });
    rig.certcentral("POST", "/order/certificate/ssl_multi_domain", &body);
    let before = rig.changes().len();
    let renewal = format!("renewal_of_order_id: {}", old[0]);
    let entry = super::tls("host", &["host-70000001.example.com"], &renewal);
    manifest(&rig, &[entry], &[]);
    let plan = planned(&rig);
    let step = action(&plan, "orders.host");
    assert_eq!(step["action"], "wait", "{step:#}");
    assert!(
        step.to_string().contains("70000002"),
        "the renewal is not named: {step:#}"
    );
    super::needs_a_person(&rig, "orders.host");
    assert_eq!(
        rig.changes().len(),
        before,
        "a call that the CA must refuse"
    );
}
