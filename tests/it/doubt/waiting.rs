//! Orders that wait for an administrator, where the look-up by tag and the lists leave them out: the requests
//! show them, and nothing is bought twice.

use serde_json::{Value, json};

use crate::between::Between;
use crate::crash::truth::{
    ASK, RESEND, exactly_once, header, known, manifest, order_calls, orders_by_tag, words,
};
use crate::rig::{Rig, csr};

/// Everything that the documents leave open about orders that wait.
fn hidden() -> Vec<Value> {
    let hidden = |more: Value| {
        let mut habits = json!({ "waiting_orders": "unlisted", "waiting_by_tag": "not_found" });
        for (name, value) in more.as_object().expect("habits") {
            habits[name] = value.clone();
        }
        habits
    };
    vec![
        hidden(json!({})),
        hidden(json!({ "request_orders": "id_only" })),
        hidden(json!({ "new_requests": "submitted" })),
        hidden(json!({ "unknown_alternative_id": "not_found", "certcentral_ids": "strings" })),
    ]
}

/// `ada` is in force and serves as the control; what waits is hidden.
fn with_a_control(doubt: &str, habits: &Value) -> Rig {
    let rig = Rig::new();
    manifest(&rig, &header(4, doubt), &["ada"], "");
    rig.apply(&[], 0);
    rig.approve_all();
    rig.tell("options", json!({ "habits": habits }));
    manifest(&rig, &header(4, doubt), &["ada", "bob"], "");
    rig
}

/// Somebody else's order that waits: it is no candidate.
fn somebody_elses(rig: &Rig, name: &str) {
    let body = json!({
        "certificate": { "common_name": name, "emails": [format!("{name}@example.com")],
            "csr": csr(name), "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "validity_years": 1,
    });
    rig.certcentral("POST", "/order/certificate/client_premium_sha2", &body);
}

fn lost_after() -> Value {
    json!([{ "match": { "method": "POST" }, "fault": "cut_after", "times": 1 }])
}

#[test]
fn an_order_that_waits_and_no_look_up_shows_is_not_bought_again() {
    for habits in hidden() {
        let rig = with_a_control(RESEND, &habits);
        somebody_elses(&rig, "eve");
        rig.faults(lost_after());
        rig.apply(&["--wait", "20s"], 0);
        assert_eq!(order_calls(&rig), 3, "{habits}: sent again");
        let tags = orders_by_tag(&rig);
        assert!(
            tags.values().all(|ids| ids.len() == 1),
            "{habits}: {tags:?}"
        );
        assert_eq!(known(&rig)["orders.bob"], "70000003", "{habits}");
        rig.approve_all();
        rig.apply(&[], 0);
        assert_eq!(order_calls(&rig), 3, "{habits}");
    }
}

#[test]
fn what_waits_is_found_although_the_entry_changed_during_the_doubt() {
    let habits = &hidden()[0];
    let rig = with_a_control(RESEND, habits);
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "cut_after", "times": 1 },
        { "match": { "path_contains": "/order/alternate/" }, "fault": "forbidden" }
    ]));
    rig.apply(&[], 3);
    rig.faults(json!([]));
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    let other = text.replace("common_name: bob", "common_name: bobby");
    assert_ne!(text, other);
    rig.write("certplan.yaml", other);
    rig.certplan(&["apply", "--yes", "--wait", "20s"]);
    assert_eq!(order_calls(&rig), 2, "sent again");
    // Found, and told to a person: it is not what the entry asks for by now.
    let words = words(&rig, "orders.bob");
    assert!(!words.contains(&"dead".to_owned()), "{words:?}");
}

#[test]
fn not_placed_is_refused_while_a_request_shows_the_order() {
    for habits in hidden() {
        let rig = with_a_control(ASK, &json!({}));
        rig.tell("options", json!({ "index_lag_ms": 600_000 }));
        rig.faults(lost_after());
        rig.apply(&[], 3);
        rig.tell("options", json!({ "index_lag_ms": 0, "habits": habits }));
        let ended = rig
            .certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
            .expect(5);
        assert!(
            ended.stderr.contains("--found 70000002"),
            "{}",
            ended.stderr
        );
        rig.apply(&[], 0);
        exactly_once(&rig, 2, &habits.to_string());
        assert_eq!(order_calls(&rig), 2, "{habits}");
    }
}

/// A list of requests that cannot be read proves nothing: the doubt stays.
#[test]
fn requests_that_cannot_be_read_prove_nothing() {
    let rig = with_a_control(RESEND, &hidden()[0]);
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "cut_after", "times": 1 },
        // The plan may read them.
        { "match": { "path_contains": "/request" }, "fault": "forbidden", "skip": 2 }
    ]));
    rig.apply(&["--wait", "5s"], 3);
    assert_eq!(order_calls(&rig), 2, "sent again");
    let ended = rig
        .certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
        .expect(1);
    assert!(!ended.stderr.is_empty());
    rig.faults(json!([]));
    rig.apply(&[], 0);
    exactly_once(&rig, 2, "found by its request");
}

/// Where the account really has none, a second order is placed as before.
#[test]
fn what_never_arrived_is_ordered_again_beside_what_others_wait_for() {
    let rig = with_a_control(RESEND, &hidden()[0]);
    somebody_elses(&rig, "eve");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    rig.apply(&["--wait", "20s"], 0);
    assert_eq!(
        words(&rig, "orders.bob"),
        [
            "intended",
            "doubted",
            "looked_up",
            "looked_up",
            "looked_up",
            "dead",
            "intended",
            "accepted"
        ]
    );
}

#[test]
fn a_reissue_that_waits_and_the_order_does_not_show_is_not_asked_for_again() {
    for requests in ["pending", "submitted"] {
        let mut rig = Rig::new();
        // The status of the order is a step behind: nothing but the list of requests shows the reissue.
        let behind = Between::new(&mut rig, |asked, mut answered| {
            if asked.method == "GET" && asked.path.contains("/order/certificate") {
                let text = String::from_utf8_lossy(&answered.body);
                answered.body = text.replace("reissue_pending", "issued").into_bytes();
            }
            answered.bytes()
        });
        manifest(&rig, &header(4, RESEND), &["ada"], "");
        rig.apply(&[], 0);
        rig.approve_all();
        rig.tell(
            "options",
            json!({ "habits": { "order_info_requests": "missing", "new_requests": requests } }),
        );
        rig.write("ada.csr", csr("ada"));
        rig.faults(json!([
            { "match": { "method": "POST" }, "fault": "cut_after", "times": 1 },
        ]));
        rig.certplan(&["apply", "--yes", "--wait", "5s"]);
        let reissues = rig.effects("reissue_created");
        assert_eq!(reissues.len(), 1, "{requests}: asked for again");
        let words = words(&rig, "orders.ada");
        assert!(!words.contains(&"dead".to_owned()), "{requests}: {words:?}");
        let settled = words.iter().filter(|word| *word == "accepted").count();
        assert_eq!(settled, 2, "{requests}: {words:?}");
        drop(behind);
    }
}

#[test]
fn a_revocation_that_waits_and_the_order_does_not_show_is_not_asked_for_again() {
    for requests in ["pending", "submitted"] {
        let rig = Rig::new();
        manifest(&rig, &header(4, ASK), &["ada"], "");
        rig.apply(&[], 0);
        rig.approve_all();
        rig.tell(
            "options",
            json!({ "habits": { "order_info_requests": "missing", "new_requests": requests } }),
        );
        manifest(
            &rig,
            &header(4, ASK),
            &[],
            "revocations:\n  ada: { order_id: 70000001, scope: order, reason: superseded, comments: a test }\n",
        );
        rig.faults(json!([{ "match": { "method": "PUT" }, "fault": "cut_after", "times": 1 }]));
        rig.certplan(&["apply", "--yes", "--wait", "2s"]);
        rig.certplan(&["apply", "--yes"]);
        let asked = rig.effects("revocation_requested");
        assert_eq!(asked.len(), 1, "{requests}: asked for again");
    }
}

/// `import --all` takes over what waits as well.
#[test]
fn an_inventory_has_the_orders_that_no_list_shows() {
    for habits in hidden() {
        let rig = with_a_control(ASK, &habits);
        rig.apply(&[], 0);
        let printed = rig
            .certplan(&["import", "--all", "--account", "digicert"])
            .expect(0);
        assert!(
            printed.stdout.contains("common_name: bob"),
            "{habits}: {}",
            printed.stdout
        );
    }
}
