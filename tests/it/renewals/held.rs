//! What holds a renewal, and what a run takes of several.

use serde_json::json;

use super::{Calendar, WWW, entry, is};
use crate::rig::action;

/// A calendar on whose day `www` is due for a reissue.
fn due() -> Calendar {
    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    calendar.pass(140);
    calendar
}

#[test]
fn a_reissue_that_brings_nothing_is_asked_for_once() {
    let mut calendar = due();
    calendar
        .rig
        .tell("options", json!({ "reissue_gain": "none" }));
    // The run that sees it says so.
    calendar.rig.certplan(&["apply", "--yes"]);
    assert_eq!(calendar.calls(), (1, 1));
    for _ in 0..3 {
        calendar.pass(2);
        assert_eq!(calendar.word(), is("wait", "renewal_no_gain"));
        calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    }
    assert_eq!(calendar.calls(), (1, 1));
}

#[test]
fn what_the_ca_does_by_itself_is_not_done_twice() {
    let mut calendar = due();
    calendar
        .rig
        .tell("edit", json!({ "order_id": 70000001, "auto_renew": 1 }));
    assert_eq!(calendar.word(), is("wait", "renews_itself"));
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(calendar.calls(), (1, 0));
    calendar
        .rig
        .tell("edit", json!({ "order_id": 70000001, "auto_renew": 0 }));
    calendar.pass(1);
    assert_eq!(calendar.word(), is("reissue", "renewal_due"));
    // In one entry the two exclude each other.
    for both in ["auto_renew: 1", "auto_reissue: true"] {
        calendar.says(&entry("www", &format!("renew: {{}}, {both}, ")));
        let refused = calendar.rig.certplan(&["validate"]).expect(1);
        assert!(
            refused.stderr.contains("certplan::manifest::renewed_twice"),
            "{}",
            refused.stderr
        );
    }
    calendar.says(&entry("www", "renew: never, auto_renew: 1, "));
    calendar.rig.certplan(&["validate"]).expect(0);
}

#[test]
fn a_run_may_be_held_and_may_take_a_part() {
    let mut calendar = Calendar::new("{}");
    let names = ["a", "b", "c"];
    let all: String = names
        .iter()
        .map(|name| entry(name, "renew: {}, "))
        .collect();
    calendar.says(&all);
    calendar.rig.apply(&[], 0);
    calendar.pass(145);
    let report = calendar.rig.apply(&["--no-renew"], 0);
    assert_eq!(report["summary"]["kept"], 3);
    let plan = calendar
        .rig
        .certplan(&["plan", "--no-renew"])
        .expect(0)
        .stdout;
    assert!(
        plan.contains("3 orders are due, and they stay as before"),
        "{plan}"
    );
    let report = calendar.rig.apply(&["--at-most", "2"], 0);
    assert_eq!(report["summary"]["done"], 2);
    assert_eq!(action(&report, "orders.c")["waiting_code"], "next_run");
    let metrics = calendar.rig.path("m.prom");
    calendar
        .rig
        .certplan(&["plan", "--metrics", metrics.to_str().expect("text")])
        .expect(0);
    let text = std::fs::read_to_string(&metrics).expect("metrics");
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .expect(name);
        line.rsplit(' ').next().expect("a value").to_owned()
    };
    assert_eq!(value("certplan_renewals_due{"), "1");
    assert_eq!(value("certplan_renewals_overdue{"), "1");
    // A saved plan keeps its pace.
    calendar
        .rig
        .certplan(&["plan", "--no-renew", "--out", "p.plan"])
        .expect(0);
    calendar.rig.certplan(&["apply", "p.plan"]).expect(0);
    assert_eq!(calendar.calls(), (3, 2));
    calendar.rig.apply(&[], 0);
    assert_eq!(calendar.calls(), (3, 3));
}

#[test]
fn two_clocks_that_are_more_than_a_day_apart_renew_nothing() {
    let mut calendar = due();
    crate::wall_clock::set(&mut calendar.rig, 0);
    assert_eq!(calendar.word(), is("wait", "wrong_clock"));
    let told = calendar.rig.plan(&[])["warnings"].to_string();
    assert!(
        told.contains("and nothing is renewed until this clock is set right"),
        "{told}"
    );
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(calendar.calls(), (1, 0));
}

#[test]
fn an_order_that_is_to_die_is_not_renewed() {
    let calendar = due();
    let manifest = std::fs::read_to_string(calendar.rig.path("certplan.yaml")).expect("a manifest");
    let revocation =
        "revocations:\n  old: { order: www, scope: order, reason: superseded, comments: a test }\n";
    calendar
        .rig
        .write("certplan.yaml", format!("{manifest}{revocation}"));
    assert_eq!(calendar.word(), is("keep", "to_be_revoked"));
    let plan = calendar.rig.plan(&[]);
    assert_eq!(action(&plan, WWW)["action"], "keep");
}

#[test]
fn a_csr_is_sent_again_and_its_doubt_is_left_to_a_person() {
    let mut calendar = Calendar::new("{}");
    calendar
        .rig
        .write("www.csr", crate::rig::csr("www.example.com"));
    let with_csr =
        entry("www", "renew: {}, ").replace("key: { generate: p-256 }", "csr: { file: www.csr }");
    calendar.says(&with_csr);
    calendar.rig.apply(&[], 0);
    calendar.pass(140);
    let plan = calendar.rig.plan(&[]);
    assert!(
        plan["warnings"]
            .to_string()
            .contains("the key stays the same since serial"),
        "{plan}"
    );
    calendar.rig.faults(json!([
        { "match": { "method": "POST", "path_contains": "/reissue" }, "fault": "cut_before", "times": 1 }
    ]));
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(calendar.calls().0, 1);
    assert_eq!(calendar.status()["state"], "parked");
}
