//! Cases 08 and 24: requests about an order, and what they say of one certificate of it.

use serde_json::json;

use super::{
    applied, ask_to_revoke, automatic, csr, died, info, manifest, planned, revoke, sent, shop,
    standing, status_of, waiting_code, word,
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
        rig.approve_all();
        rig.apply(&[], 0);
        assert_eq!(died(&rig), [ORIGINAL]);
        assert_eq!(word(&rig, "revocations.c"), "keep");
    }
}

/// The order was reissued with the same name: its original is in force and in no list.
fn reissued() -> Rig {
    let rig = being_reissued();
    rig.approve_all();
    let shown = info(&rig, ORDER)["certificate"]["id"].to_string();
    assert_ne!(shown, ORIGINAL);
    rig
}

fn certificates_sent(rig: &Rig) -> Vec<String> {
    let mut sent = puts(rig);
    sent.retain(|path| path.starts_with("/certificate/"));
    sent
}

#[test]
fn case_24_a_certificate_that_no_list_shows_is_revoked_once() {
    let rig = reissued();
    let entry = revoke("c", &format!("order_id: {ORDER}"), &certificate(ORIGINAL));
    manifest(&rig, &[], &[entry]);
    let plan = planned(&rig);
    let step = action(&plan, "revocations.c");
    assert_eq!(step["action"], "revoke", "{step:#}");
    assert_eq!(step["revokes"][0]["certificate_id"], ORIGINAL, "{step:#}");
    assert_eq!(step["revokes"][0]["kind"], "unlisted", "{step:#}");
    rig.apply(&[], 0);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(died(&rig), [ORIGINAL]);
    assert_eq!(certificates_sent(&rig).len(), 1);
    assert_eq!(status_of(&rig, ORDER), "issued");
    assert_eq!(word(&rig, "revocations.c"), "keep");
}

#[test]
fn case_24_a_certificate_that_no_list_shows_waits_for_its_approval() {
    for decision in ["approve", "reject"] {
        let rig = reissued();
        manifest(&rig, &[], &[on_the_order("c", &certificate(ORIGINAL))]);
        rig.apply(&["--detailed-exitcode"], 2);
        rig.apply(&["--detailed-exitcode"], 2);
        assert_eq!(certificates_sent(&rig).len(), 1);
        rig.tell(decision, json!({ "all": true }));
        if decision == "approve" {
            rig.apply(&["--detailed-exitcode"], 0);
            assert_eq!(died(&rig), [ORIGINAL]);
            assert_eq!(word(&rig, "revocations.c"), "keep");
        } else {
            super::needs_a_person(&rig, "revocations.c");
            assert_eq!(
                super::waiting_code(&rig, "revocations.c"),
                "decision_declined"
            );
            assert_eq!(certificates_sent(&rig).len(), 1);
        }
    }
}

/// A filter that is not heeded answers with every order there is, a wrong one with another order.
#[test]
fn case_24_no_certificate_of_another_order_is_revoked() {
    for unfiltered in [false, true] {
        let rig = Rig::new();
        rig.seed(json!({ "certcentral": 2 }));
        if unfiltered {
            rig.faults(json!([{ "match": { "path_contains": "/order/certificate" }, "fault": "unfiltered" }]));
        }
        // Of the other order, and nobody's.
        for (order, id) in [
            (ORDER, "90000002"),
            ("70000002", "90000001"),
            ("70000002", "99999999"),
        ] {
            let entry = revoke("c", &format!("order_id: {order}"), &certificate(id));
            manifest(&rig, &[], &[entry]);
            let code = "decision_unknown_certificate";
            assert_eq!(super::waiting_code(&rig, "revocations.c"), code);
            super::needs_a_person(&rig, "revocations.c");
            assert_eq!(puts(&rig), [""; 0]);
        }
    }
}

/// Digits alone could be the id of another certificate: such a serial number is not sent in an id's place.
#[test]
fn case_24_a_serial_number_of_digits_is_not_sent_in_the_place_of_an_id() {
    let rig = reissued();
    // Whatever is looked up, the only order answers to it.
    rig.faults(
        json!([{ "match": { "path_contains": "/order/certificate" }, "fault": "unfiltered" }]),
    );
    let scope = format!("{{ serial_number: \"{ORIGINAL}\" }}");
    manifest(
        &rig,
        &[],
        &[revoke("c", &format!("order_id: {ORDER}"), &scope)],
    );
    let code = "decision_unknown_certificate";
    assert_eq!(super::waiting_code(&rig, "revocations.c"), code);
    super::needs_a_person(&rig, "revocations.c");
    assert_eq!(puts(&rig), [""; 0]);
}

/// Lost after its effect, the call is refused when it is made again: a person looks, and nothing is sent
/// every night.
#[test]
fn case_24_a_refusal_about_a_certificate_that_no_list_shows_is_left_to_a_person() {
    let rig = reissued();
    let call = format!("/certificate/{ORIGINAL}/revoke");
    rig.faults(
        json!([{ "match": { "path_contains": call, "method": "PUT" }, "fault": "cut_after", "times": 1 }]),
    );
    let entry = |more: &str| {
        revoke(
            "c",
            &format!("order_id: {ORDER}{more}"),
            &certificate(ORIGINAL),
        )
    };
    manifest(&rig, &[], &[entry("")]);
    rig.certplan(&["apply", "--yes"]);
    assert_eq!(died(&rig), [ORIGINAL]);
    let sent = certificates_sent(&rig).len();
    for _ in 0..2 {
        super::needs_a_person(&rig, "revocations.c");
    }
    assert_eq!(certificates_sent(&rig).len(), sent);
    // Raised by a person, it is asked once more.
    manifest(&rig, &[], &[entry(", generation: 2")]);
    assert_eq!(word(&rig, "revocations.c"), "revoke");
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

/// The reissue's request in order info.
fn reissue_request(rig: &Rig) -> String {
    let info = info(rig, ORDER);
    let mut requests = info["requests"].as_array().expect("requests").iter();
    let reissue = requests.find(|request| request["type"] == "reissue");
    reissue.expect("a reissue")["id"].to_string()
}

/// The wait of `address` names the request of the reissue, and the plan says what to do.
#[track_caller]
fn waits_for_its_reissue(rig: &Rig, address: &str, code: &str, advice: &str) {
    let request = reissue_request(rig);
    let plan = planned(rig);
    let step = action(&plan, address);
    assert_eq!(step["action"], "wait", "{step:#}");
    assert_eq!(step["waiting_code"], code, "{step:#}");
    assert_eq!(step["request_id"], json!(request), "{step:#}");
    let waits_for = step["waits_for"].to_string();
    assert!(waits_for.contains(&request), "{waits_for}");
    let warnings = plan["warnings"].to_string();
    assert!(
        warnings.contains(&request) && warnings.contains(advice),
        "{warnings}"
    );
    // Nobody has to change the manifest: it is no decision of the contract's exit code 3.
    rig.apply(&[], 0);
    rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(standing(rig, address)["waiting_code"], code);
    assert_eq!(puts(rig), [""; 0]);
}

fn whole_order() -> String {
    revoke("all", &format!("order_id: {ORDER}"), "order")
}

#[test]
fn case_24_a_whole_order_waits_for_its_reissue() {
    for decision in ["approve", "reject"] {
        let rig = being_reissued();
        manifest(&rig, &[], &[whole_order()]);
        waits_for_its_reissue(&rig, "revocations.all", "reissue", "approve or reject");
        rig.tell(decision, json!({ "all": true }));
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, ORDER), "revoked", "{decision}");
        assert_eq!(word(&rig, "revocations.all"), "keep");
    }
}

/// Granted, and not issued: nobody has anything to approve.
#[test]
fn case_24_a_reissue_that_the_ca_has_to_issue_is_told_from_one_that_a_person_decides() {
    let rig = being_reissued();
    rig.tell("options", json!({ "validation": "open" }));
    rig.approve_all();
    assert_eq!(status_of(&rig, ORDER), "reissue_pending");
    manifest(&rig, &[], &[whole_order()]);
    let code = "reissue_issuance";
    waits_for_its_reissue(&rig, "revocations.all", code, "cancel the reissue");
    // Canceled by a person at the CA, the wait is over.
    rig.certcentral(
        "PUT",
        &format!("/order/certificate/{ORDER}/status"),
        &json!({ "status": "canceled", "note": "a leak" }),
    );
    rig.apply(&[], 0);
    assert_eq!(status_of(&rig, ORDER), "revoked");
}

/// What a plan says that cannot be sent: nothing is sent, and a person is asked.
#[track_caller]
fn is_not_sent(rig: &Rig, address: &str, codes: &[&str]) {
    let plan = planned(rig);
    let step = action(&plan, address);
    assert_eq!(step["action"], "wait", "{step:#}");
    for _ in 0..2 {
        super::needs_a_person(rig, address);
    }
    assert_eq!(sent_orders(rig), 0, "a call that the CA must refuse");
    let code = waiting_code(rig, address);
    assert!(codes.contains(&code.as_str()), "{code}");
}

/// POSTs that place orders, whatever became of them.
fn sent_orders(rig: &Rig) -> usize {
    rig.changes()
        .iter()
        .filter(|call| call["effect"] == "none" || call["effect"] == "order_created")
        .count()
}

#[test]
fn case_24_an_order_that_was_renewed_is_not_renewed_again() {
    let rig = Rig::new();
    rig.renewals_at_any_time();
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

#[test]
fn case_24_an_order_that_the_account_does_not_have_is_not_renewed() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1 }));
    manifest(&rig, &[shop("shop", "renewal_of_order_id: 71234567")], &[]);
    is_not_sent(&rig, "orders.shop", &["decision_unknown_order"]);
}

/// Where no twin stands in the way, and where a twin may be bought.
#[test]
fn case_24_a_renewal_is_told_from_the_renewed_order_alone() {
    for (product, more) in [
        // Of another product, the renewal is no twin.
        ("ssl_basic", ""),
        ("ssl_multi_domain", ", allow_similar: true"),
    ] {
        let rig = Rig::new();
        rig.renewals_at_any_time();
        rig.seed(json!({ "certcentral": 1, "product": "ssl_multi_domain" }));
        let body = json!({
            "certificate": { "common_name": "host-70000001.example.com", "csr": csr(), "signature_hash": "sha256" },
            "organization": { "id": 112_233 }, "order_validity": { "years": 1 },
            "renewal_of_order_id": 70_000_001, "skip_approval": true,
        });
        rig.certcentral("POST", &format!("/order/certificate/{product}"), &body);
        let before = rig.changes().len();
        let renewal = format!("renewal_of_order_id: {ORDER}{more}");
        let entry = super::tls("host", &["host-70000001.example.com"], &renewal);
        manifest(&rig, &[entry], &[]);
        assert_eq!(waiting_code(&rig, "orders.host"), "decision_renewed");
        let told = super::needs_a_person(&rig, "orders.host");
        assert!(told.contains("70000002"), "which one is not named: {told}");
        assert_eq!(
            rig.changes().len(),
            before,
            "a call that the CA must refuse"
        );
        // Without the renewal it is an order like any other.
        let entry = super::tls(
            "host",
            &["host-70000001.example.com"],
            "allow_similar: true",
        );
        manifest(&rig, &[entry], &[]);
        assert_eq!(word(&rig, "orders.host"), "order");
    }
}

/// What the list shows is not read again, and what it does not show is read once.
#[test]
fn case_24_looking_a_renewed_order_up_is_cheap() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 2, "product": "ssl_multi_domain" }));
    // For another name, so that neither order could be the entry's own.
    let names = ["new.example.org"];
    let mut reads = Vec::new();
    for id in [ORDER, "71234567"] {
        let entry = super::tls(
            "host",
            &names,
            &format!("renewal_of_order_id: {id}, allow_similar: true"),
        );
        manifest(&rig, &[entry], &[]);
        let (_, read) = super::reads_of(&rig, || planned(&rig));
        reads.push(read.iter().filter(|path| path.ends_with(id)).count());
    }
    assert_eq!(reads, [0, 1]);
}

#[test]
fn case_24_more_money_than_there_is_shows_in_the_plan() {
    let rig = Rig::new();
    automatic(&rig);
    rig.tell("options", json!({ "funds": "70.00" }));
    let people = ["ada", "bob", "cleo"].map(|name| super::person(name, name, ""));
    // What one costs is known from the first: 32.50.
    manifest(&rig, &people[..1], &[]);
    rig.apply(&[], 0);
    manifest(&rig, &people, &[]);
    let text = rig.certplan(&["plan"]).expect(0);
    assert!(
        text.stdout.contains("37.50"),
        "the funds are not told: {}",
        text.stdout
    );
    let plan = planned(&rig);
    let warned = plan["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .any(|warning| {
            let text = warning["message"].as_str().unwrap_or_default();
            text.contains("funds") || text.contains("37.50") || text.contains("65.00")
        });
    assert!(warned, "no word of it: {plan:#}");
    // With enough, and for what is not paid from the funds, nothing is said.
    let silent = |rig: &Rig| {
        let warnings = planned(rig)["warnings"].to_string();
        assert!(!warnings.contains("funds"), "{warnings}");
    };
    manifest(&rig, &people[..2], &[]);
    silent(&rig);
    let by_card = people.map(|person| {
        person.replace(
            "validity_years: 1",
            "validity_years: 1, payment_method: card",
        )
    });
    manifest(&rig, &by_card, &[]);
    silent(&rig);
}
