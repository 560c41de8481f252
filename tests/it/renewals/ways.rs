//! The ways of a renewal, from the first order to the one that follows it.

use serde_json::json;

use super::{Calendar, WWW, entry, is};
use crate::rig::action;

#[test]
fn a_reissue_while_the_order_is_paid_and_then_an_order_that_follows_it() {
    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    let first = calendar.served();
    calendar.pass(100);
    assert_eq!(calendar.word(), is("keep", "in_force"));

    calendar.pass(40);
    let plan = calendar.rig.plan(&[]);
    let planned = action(&plan, WWW);
    assert_eq!(planned["reason_code"], "renewal_due");
    assert_eq!(planned["renewal"]["route"], "reissue");
    assert!(
        planned["renewal"]["gain_days"].as_i64() > Some(30),
        "{planned}"
    );
    assert_eq!(planned["key"]["state"], "to_make");
    let text = calendar.rig.certplan(&["plan"]).expect(0).stdout;
    assert!(text.contains("why        due since 20"), "{text}");
    assert!(
        text.contains("days more, buys nothing; the order is paid till 20"),
        "{text}"
    );
    let report = calendar.rig.apply(&[], 0);
    assert_eq!(action(&report, WWW)["outcome"], "done");
    let second = calendar.served();
    assert_ne!(first, second);
    assert_eq!(calendar.calls(), (1, 1));
    assert_eq!(calendar.word(), is("keep", "in_force"));

    // The certificates of the second half of the year are shorter, and their reissues more.
    while calendar.days < 330 {
        calendar.pass(10);
        calendar.rig.apply(&[], 0);
    }
    let (orders, reissues) = calendar.calls();
    assert_eq!(orders, 1);
    let before = calendar.served();
    calendar.pass(10);
    let plan = calendar.rig.plan(&[]);
    let planned = action(&plan, WWW);
    assert_eq!(
        (&planned["action"], &planned["renewal"]["route"]),
        (&json!("renew"), &json!("order"))
    );
    let text = calendar.rig.certplan(&["plan"]).expect(0).stdout;
    assert!(
        text.contains("route      renew order 70000001: a reissue would bring"),
        "{text}"
    );
    let report = calendar.rig.apply(&[], 0);
    let renewed = action(&report, WWW);
    assert_eq!(
        (&renewed["outcome"], &renewed["order_id"]),
        (&json!("done"), &json!("70000002"))
    );
    assert_eq!(calendar.calls(), (2, reissues));
    assert_ne!(calendar.served(), before, "its files follow");
    let status = calendar.status();
    assert_eq!(
        (&status["order_id"], &status["state"]),
        (&json!("70000002"), &json!("issued"))
    );
    assert!(status["renew_due"].is_string() && status["order_valid_till"].is_string());
    // The order that was renewed is no stranger, and nothing is revoked.
    let plan = calendar.rig.plan(&[]);
    assert_eq!(plan["warnings"], json!([]));
    assert_eq!(plan["summary"]["keep"], 1);
    calendar.rig.certplan(&["history", "--verify"]).expect(0);
}

#[test]
fn the_order_in_force_stays_until_its_renewal_is_issued() {
    let mut calendar = Calendar::new("{ before: 1% }");
    calendar.rig.apply(&[], 0);
    calendar.pass(180);
    calendar.rig.apply(&[], 0);
    let served = calendar.served();
    calendar
        .rig
        .tell("options", json!({ "approval": "required" }));
    calendar.pass(160);
    let report = calendar.rig.apply(&[], 0);
    let waiting = action(&report, WWW);
    assert_eq!(
        (&waiting["action"], &waiting["outcome"]),
        (&json!("renew"), &json!("waiting"))
    );
    let status = calendar.status();
    assert_eq!(status["successor_order_id"], "70000002");
    assert_eq!(status["order_id"], "70000001");
    assert_eq!(calendar.served(), served);
    let bought = calendar.calls();
    for _ in 0..3 {
        calendar.pass(1);
        calendar.rig.apply(&[], 0);
    }
    assert_eq!(calendar.calls(), bought, "it is bought once");
    calendar.rig.approve_all();
    let news = calendar.rig.plan(&[])["news"][0].clone();
    assert_eq!(
        (&news["what"], &news["order_id"]),
        (&json!("issued"), &json!("70000002"))
    );
    // The files of the new certificate come with the run that sees it.
    calendar.rig.apply(&[], 0);
    calendar.rig.apply(&[], 0);
    assert_ne!(calendar.served(), served);
    assert_eq!(calendar.status()["successor_order_id"], json!(null));
}

#[test]
fn a_renewal_that_is_refused_leaves_the_order_in_force() {
    let mut calendar = Calendar::new("{ route: order, order_before: 60d }");
    calendar.rig.apply(&[], 0);
    calendar
        .rig
        .tell("options", json!({ "approval": "required" }));
    calendar.pass(120);
    // The certificate ends long before the CA takes a renewal.
    assert_eq!(calendar.word(), is("keep", "in_force"));
    calendar.pass(30);
    assert_eq!(calendar.word(), is("wait", "renewal_too_early"));

    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    while calendar.days < 340 {
        calendar.pass(20);
        if calendar.days == 340 {
            calendar
                .rig
                .tell("options", json!({ "approval": "required" }));
        }
        calendar.rig.apply(&[], 0);
    }
    assert_eq!(calendar.status()["successor_order_id"], "70000002");
    calendar.rig.tell("reject", json!({ "order_id": 70000002 }));
    assert_eq!(calendar.word(), is("wait", "renewal_ended"));
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    let status = calendar.status();
    assert_eq!(
        (&status["state"], &status["order_id"]),
        (&json!("issued"), &json!("70000001"))
    );
    assert_eq!(status["waiting_code"], "decision_renewal_ended");
    let bought = calendar.calls();
    calendar.pass(2);
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(calendar.calls(), bought);
    calendar.says(&entry("www", "renew: {}, generation: 2, "));
    calendar
        .rig
        .tell("options", json!({ "approval": "automatic" }));
    calendar.rig.apply(&[], 0);
    assert_eq!(calendar.status()["order_id"], "70000003");
}

#[test]
fn an_order_that_is_over_is_followed_by_another_one() {
    let mut calendar = Calendar::new("{}");
    calendar.rig.apply(&[], 0);
    // Nobody ran anything for more than a year.
    calendar.pass(380);
    let plan = calendar.rig.certplan(&["plan"]).expect(0).stdout;
    assert!(plan.contains("another order after 70000001"), "{plan}");
    calendar.rig.apply(&[], 0);
    let call = calendar.rig.changes().pop().expect("a call");
    assert!(call["body"]["renewal_of_order_id"].is_null(), "{call}");
    assert_eq!(calendar.status()["order_id"], "70000002");
    // Another year later, and for longer than a month: a person decides.
    calendar.pass(400);
    assert_eq!(calendar.word(), is("wait", "renewal_no_way"));
    calendar.rig.certplan(&["apply", "--yes"]).expect(3);
}

#[test]
fn without_renew_and_with_never_nothing_is_due() {
    for renew in ["", "renew: never, "] {
        let mut calendar = Calendar::new("{}");
        calendar.says(&entry("www", renew));
        calendar.rig.apply(&[], 0);
        calendar.pass(199);
        let plan = calendar.rig.plan(&[]);
        assert_eq!(action(&plan, WWW)["action"], "keep");
        assert!(action(&plan, WWW)["renewal"].is_null());
        assert!(
            plan["warnings"].to_string().contains("which costs nothing"),
            "{plan}"
        );
    }
}
