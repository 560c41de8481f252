//! Case 29: what became of items since the last run is told, once, by the run that notes it.

use serde_json::{Value, json};

use super::{
    applied, ask_to_revoke, automatic, by_hand, info, lose_state, manifest, person, shop, tls,
};
use crate::rig::Rig;

#[track_caller]
fn news(document: &Value) -> Vec<(String, String)> {
    let news = document["news"]
        .as_array()
        .unwrap_or_else(|| panic!("no news in {document:#}"));
    let mut told: Vec<(String, String)> = news
        .iter()
        .map(|one| {
            let text = |member: &str| {
                one[member]
                    .as_str()
                    .unwrap_or_else(|| panic!("no {member} in {one:#}"))
                    .to_owned()
            };
            let at = text("at");
            assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
            (text("address"), text("what"))
        })
        .collect();
    told.sort();
    told
}

fn pair(address: &str, what: &str) -> (String, String) {
    (address.to_owned(), what.to_owned())
}

/// A plan tells it as well, as long as no apply has noted it; then it is told no more.
#[track_caller]
fn told_once(rig: &Rig, expected: &[(String, String)]) -> Value {
    for _ in 0..2 {
        let plan = rig.certplan(&["plan", "--format", "json"]).json();
        assert_eq!(news(&plan), expected, "in the plan");
    }
    let (_, report) = applied(rig);
    assert_eq!(news(&report), expected, "in the report");
    for document in [applied(rig).1, super::planned(rig)] {
        assert_eq!(news(&document), [], "told twice");
    }
    report
}

#[test]
fn case_29_what_an_administrator_approved_is_news_with_its_ids() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1 }));
    manifest(
        &rig,
        &[person("card", "P", "")],
        &[ask_to_revoke("old", "order_id: 70000001", "order")],
    );
    let (_, first) = applied(&rig);
    assert_eq!(news(&first), [], "nothing had happened yet");
    rig.approve_all();
    let report = told_once(
        &rig,
        &[
            pair("orders.card", "issued"),
            pair("revocations.old", "revoked"),
        ],
    );
    let of = |address: &str| {
        let mut news = report["news"].as_array().expect("news").iter();
        let found = news.find(|one| one["address"] == address);
        found.expect("news").clone()
    };
    let issued = of("orders.card");
    let shown = info(&rig, "70000002");
    assert_eq!(issued["order_id"], "70000002");
    assert_eq!(
        issued["certificate_id"],
        shown["certificate"]["id"].to_string()
    );
    assert_eq!(issued["serial_number"], serial(&shown));
    assert!(
        issued["valid_till"]
            .as_str()
            .expect("a date")
            .starts_with(shown["certificate"]["valid_till"].as_str().expect("a date")),
        "{issued:#}"
    );
    assert_eq!(of("revocations.old")["order_id"], "70000001");
}

#[test]
fn case_29_text_and_markdown_tell_it_first() {
    let rig = Rig::new();
    manifest(&rig, &[person("card", "P", "")], &[]);
    rig.apply(&[], 0);
    rig.approve_all();
    let first = |text: &str| {
        let at = text
            .find("70000001")
            .unwrap_or_else(|| panic!("the order is not told:\n{text}"));
        // Markdown may have the numbers in its first line as well.
        let end = text
            .find("Nothing to do")
            .or_else(|| text.rfind("unchanged"));
        assert!(end.is_none_or(|end| at < end), "told too late:\n{text}");
        assert!(text.contains("issued"), "{text}");
    };
    first(&rig.certplan(&["plan"]).expect(0).stdout);
    first(
        &rig.certplan(&["plan", "--format", "markdown"])
            .expect(0)
            .stdout,
    );
    let ended = rig
        .certplan(&["apply", "--yes", "--report", "markdown=report.md"])
        .expect(0);
    first(&ended.stdout);
    first(&std::fs::read_to_string(rig.path("report.md")).expect("a report"));
    let again = rig.certplan(&["apply", "--yes"]).expect(0);
    assert!(
        !again.stdout.contains("70000001"),
        "told twice:\n{}",
        again.stdout
    );
}

#[test]
fn case_29_ends_are_news_too() {
    let rig = Rig::new();
    rig.tell("options", json!({ "validation": "open" }));
    let entries = [person("no", "N", ""), shop("stopped", "")];
    manifest(&rig, &entries, &[]);
    rig.apply(&[], 0);
    let rejected = super::standing(&rig, "orders.no")["order_id"].clone();
    let canceled = super::standing(&rig, "orders.stopped")["order_id"].clone();
    let number = |id: &Value| {
        id.as_str()
            .expect("an id")
            .parse::<u64>()
            .expect("a number")
    };
    rig.tell("reject", json!({ "order_id": number(&rejected) }));
    rig.tell("approve", json!({ "order_id": number(&canceled) }));
    rig.tell("cancel", json!({ "order_id": number(&canceled) }));
    told_once(
        &rig,
        &[
            pair("orders.no", "rejected"),
            pair("orders.stopped", "canceled"),
        ],
    );
}

#[test]
fn case_29_what_ran_out_or_was_revoked_outside_is_news() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("a", "A", ""), person("b", "B", "")], &[]);
    rig.apply(&[], 0);
    assert_eq!(news(&applied(&rig).1), []);
    let id = |name: &str| super::standing(&rig, &format!("orders.{name}"))["order_id"].clone();
    let (a, b) = (id("a"), id("b"));
    rig.tell("edit", json!({ "order_id": a, "valid_till": "2026-01-20" }));
    rig.tell("revoke", json!({ "order_id": b }));
    told_once(
        &rig,
        &[pair("orders.a", "lapsed"), pair("orders.b", "revoked")],
    );
}

#[test]
fn case_29_a_reissue_and_a_renewal_are_news() {
    let rig = Rig::new();
    automatic(&rig);
    rig.renewals_at_any_time();
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    by_hand(&rig);
    manifest(
        &rig,
        &[tls("shop", &["shop.example.com", "www.example.com"], "")],
        &[],
    );
    rig.apply(&[], 0);
    rig.approve_all();
    let report = told_once(&rig, &[pair("orders.shop", "reissued")]);
    let shown = info(&rig, "70000001");
    assert_eq!(report["news"][0]["serial_number"], serial(&shown));
    let names = ["shop.example.com", "www.example.com"];
    let orders = [
        tls("shop", &names, ""),
        tls("next", &names, "renewal_of: shop"),
    ];
    manifest(&rig, &orders, &[]);
    rig.apply(&[], 0);
    rig.approve_all();
    let (_, report) = applied(&rig);
    let [(address, what)] = &news(&report)[..] else {
        panic!("{:#}", report["news"]);
    };
    assert_eq!(address, "orders.next");
    assert!(["renewed", "issued"].contains(&what.as_str()), "{what}");
    assert_eq!(report["news"][0]["order_id"], "70000002");
}

#[test]
fn case_29_a_run_that_does_it_itself_has_no_news_of_it() {
    // What this run carried out is its outcome, not what happened since the last one.
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    assert_eq!(news(&applied(&rig).1), []);
    lose_state(&rig);
    assert_eq!(news(&applied(&rig).1), [], "found again is not new");
    assert_eq!(news(&applied(&rig).1), []);
}

#[test]
fn case_29_forty_orders_are_told_one_by_one() {
    let rig = Rig::new();
    let people: Vec<String> = (0..40)
        .map(|at| {
            person(&format!("p{at}"), &format!("Person {at}"), "")
                .replace(&format!("p{at}.csr"), "p.csr")
        })
        .collect();
    manifest(&rig, &people, &[]);
    rig.apply(&[], 0);
    rig.approve_all();
    let (_, report) = applied(&rig);
    let news = news(&report);
    assert_eq!(news.len(), 40);
    assert!(news.iter().all(|(_, what)| what == "issued"));
}

/// As certplan writes serial numbers: in lower case.
fn serial(shown: &Value) -> String {
    let serial = shown["certificate"]["serial_number"].as_str();
    serial.expect("a serial number").to_lowercase()
}
