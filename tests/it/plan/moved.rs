//! A renamed entry goes on with what it had, and nothing is bought or revoked for the new name.

use serde_json::{Value, json};

use super::{automatic, lose_state, warnings};
use crate::rig::{Rig, action};

/// The entry `NAME`, for the names of `www`, with the CSR that was made first.
fn entry(name: &str, more: &str) -> String {
    format!(
        "  {name}: {{ product: ssl_multi_domain, {more}order_validity: {{ years: 1 }}, certificate: {{ \
         common_name: www.example.com, dns_names: [www.example.com], signature_hash: sha256, \
         server_platform: {{ id: 2 }}, csr: {{ file: www.csr }} }} }}\n"
    )
}

fn revoke(name: &str, target: &str) -> String {
    format!(
        "  {name}: {{ {target}, scope: order, reason: superseded, comments: a test, skip_approval: true }}\n"
    )
}

const MOVED: &str = "moved: [{ from: www-old, to: www }]\n";

fn manifest(rig: &Rig, moved: &str, orders: &str, revocations: &str) {
    if !rig.path("www.csr").exists() {
        rig.write("www.csr", crate::rig::csr("www.example.com"));
    }
    let revocations = match revocations {
        "" => String::new(),
        entries => format!("revocations:\n{entries}"),
    };
    rig.manifest(&format!("{moved}orders:\n{orders}{revocations}"));
}

/// `www-old` is in force, and its entry is called `www` by now.
fn renamed() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, "", &entry("www-old", ""), "");
    rig.apply(&[], 0);
    manifest(&rig, MOVED, &entry("www", ""), "");
    rig
}

fn bought(rig: &Rig) -> usize {
    rig.effects("order_created").len()
}

#[track_caller]
fn codes(plan: &Value, address: &str) -> (String, String) {
    let step = action(plan, address);
    let text = |member: &str| step[member].as_str().unwrap_or_default().to_owned();
    (text("action"), text("reason_code"))
}

#[track_caller]
fn waits(rig: &Rig, reason: &str, says: &str) {
    let plan = rig.plan(&[]);
    assert_eq!(
        codes(&plan, "orders.www"),
        ("wait".to_owned(), reason.to_owned()),
        "{plan:#}"
    );
    let changes = rig.changes().len();
    let ended = rig.certplan(&["apply", "--yes"]).expect(3);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains(says), "{said}");
    assert_eq!(rig.changes().len(), changes, "something was sent");
}

#[test]
fn an_order_goes_on_under_its_new_name() {
    let rig = renamed();
    let plan = rig.plan(&[]);
    assert_eq!(codes(&plan, "orders.www"), ("adopt".into(), "moved".into()));
    assert_eq!(plan["summary"]["adopt"], 1);
    assert_eq!(plan["warnings"], json!([]));
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
    let status = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    let www = &status["entries"][0];
    assert_eq!(
        (&www["address"], &www["state"]),
        (&json!("orders.www"), &json!("issued"))
    );
    rig.certplan(&["plan", "--out", "saved.plan"]).expect(0);
    rig.certplan(&["apply", "saved.plan"]).expect(0);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(codes(&rig.plan(&[]), "orders.www").0, "keep");
    // The line has no effect any more, which `-v` says.
    let told = rig.certplan(&["plan", "-v"]).expect(0).stderr;
    assert_eq!(told.matches("moved: ").count(), 1, "{told}");
    assert!(
        told.contains("orders.www has the record of orders.www-old already"),
        "{told}"
    );
    assert!(!rig.certplan(&["plan"]).expect(0).stderr.contains("moved: "));
    rig.certplan(&["history", "--verify"]).expect(0);
    let history = rig.certplan(&["history", "orders.www"]).expect(0).stdout;
    assert!(
        history
            .lines()
            .next()
            .is_some_and(|line| line.contains("moved: from orders.www-old")),
        "{history}"
    );
    rig.certplan(&["validate"]).expect(0);
    rig.certplan(&["doctor"]).expect(0);
    assert_eq!(bought(&rig), 1);
    // And it can be called something else again.
    manifest(
        &rig,
        "moved: [{ from: www, to: shop }]\n",
        &entry("shop", ""),
        "",
    );
    assert_eq!(rig.apply(&[], 0)["actions"][0]["outcome"], "done");
    manifest(&rig, "", &entry("shop", ""), "");
    assert_eq!(codes(&rig.plan(&[]), "orders.shop").0, "keep");
    assert_eq!(bought(&rig), 1);
}

#[test]
fn a_name_that_nobody_knows_has_no_effect() {
    let rig = renamed();
    manifest(
        &rig,
        "moved: [{ from: nobody, to: www }]\n",
        &entry("www", ""),
        "",
    );
    let told = rig.certplan(&["plan", "-v"]).expect(0).stderr;
    assert_eq!(told.matches("moved: ").count(), 1, "{told}");
    assert!(told.contains("nothing of orders.nobody"), "{told}");
    assert_eq!(codes(&rig.plan(&[]), "orders.www").1, "twin");
    assert_eq!(bought(&rig), 1);
}

#[test]
fn with_a_lost_state_the_tag_of_the_earlier_name_finds_the_order() {
    let rig = renamed();
    lose_state(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(
        codes(&plan, "orders.www"),
        ("adopt".into(), "moved".into()),
        "{plan:#}"
    );
    rig.apply(&[], 0);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(codes(&rig.plan(&[]), "orders.www").0, "keep");
    assert_eq!(bought(&rig), 1);
    // Without the line the tag is that of a stranger.
    lose_state(&rig);
    manifest(&rig, "", &entry("www", ""), "");
    assert_eq!(codes(&rig.plan(&[]), "orders.www").1, "twin");
}

#[test]
fn what_cannot_move_waits_for_a_person() {
    // Another product; names that have nothing in common.
    let rig = renamed();
    let other = entry("www", "").replace("ssl_multi_domain", "ssl_plus");
    manifest(&rig, MOVED, &other, "");
    waits(&rig, "move_differs", "ssl_multi_domain");
    let other = entry("www", "").replace("www.example.com", "other.example.com");
    manifest(&rig, MOVED, &other.replace("www.csr", "other.csr"), "");
    rig.write("other.csr", crate::rig::csr("other.example.com"));
    waits(&rig, "move_differs", "none of its names");
    // Corrected, it moves.
    manifest(&rig, MOVED, &entry("www", ""), "");
    rig.apply(&[], 0);
    assert_eq!(bought(&rig), 1);
}

#[test]
fn a_name_that_has_an_order_of_its_own_is_parted_from_it_first() {
    let rig = Rig::new();
    automatic(&rig);
    let both = [entry("www-old", ""), entry("www", "")].concat();
    manifest(&rig, "", &both, "");
    let report = rig.apply(&[], 0);
    let order = action(&report, "orders.www-old")["order_id"].clone();
    assert_eq!(bought(&rig), 2);
    manifest(&rig, MOVED, &entry("www", ""), "");
    waits(&rig, "move_taken", "certplan forget orders.www");
    rig.certplan(&["forget", "orders.www", "--yes"]).expect(0);
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.www")["reason_code"], "moved");
    let known = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(known["entries"][0]["order_id"], order);
    assert_eq!(bought(&rig), 2);
    assert!(rig.effects("revoked").is_empty());
}

#[test]
fn other_differences_are_shown_and_sent_by_the_next_run() {
    let rig = renamed();
    let more = entry("www", "").replace("dns_names: [", "dns_names: [api.example.com, ");
    manifest(&rig, MOVED, &more, "");
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.www");
    assert_eq!(step["reason_code"], "moved");
    assert_eq!(step["requests"], json!([]));
    assert!(
        step["changes"].to_string().contains("api.example.com"),
        "{step:#}"
    );
    assert!(
        warnings(&plan, "orders.www").contains("`reissue`"),
        "{plan:#}"
    );
    let changes = rig.changes().len();
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), changes);
    assert_eq!(codes(&rig.plan(&[]), "orders.www").0, "reissue");
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), changes + 1);
    assert_eq!(bought(&rig), 1);
}

#[test]
fn gates_and_revocations_that_name_the_entry_go_on() {
    let rig = renamed();
    let other = rig.seed(json!({ "certcentral": 1 }))[0].clone();
    let gated = format!(
        "  gone: {{ order_id: {other}, scope: order, reason: superseded, comments: a test, skip_approval: true, after: [www] }}\n"
    );
    manifest(&rig, MOVED, &entry("www", ""), &gated);
    // The order is in force, so the gate is open in the run that moves it.
    rig.apply(&[], 0);
    let changes = rig.changes();
    assert!(
        changes
            .iter()
            .any(|call| call["path"].to_string().contains("/revoke"))
    );
    // A revocation that was carried out for an earlier order of the name is never for a later one.
    let rig = Rig::new();
    automatic(&rig);
    manifest(
        &rig,
        "",
        &entry("www-old", ""),
        &revoke("leak", "order: www-old"),
    );
    rig.apply(&[], 0);
    rig.apply(&[], 0);
    let died = rig.changes().len();
    manifest(
        &rig,
        "",
        &entry("www-old", "generation: 2, "),
        &revoke("leak", "order: www-old"),
    );
    rig.apply(&[], 0);
    assert_eq!(bought(&rig), 2);
    let moved = "moved: [{ from: www-old, to: www }, { from: leak, to: leaked }]\n";
    manifest(
        &rig,
        moved,
        &entry("www", "generation: 2, "),
        &revoke("leaked", "order: www"),
    );
    let plan = rig.plan(&[]);
    assert_eq!(
        codes(&plan, "revocations.leaked"),
        ("adopt".into(), "moved".into())
    );
    for _ in 0..2 {
        rig.apply(&[], 0);
    }
    manifest(
        &rig,
        "",
        &entry("www", "generation: 2, "),
        &revoke("leaked", "order: www"),
    );
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(
        rig.changes().len(),
        died + 1,
        "only the second order was sent"
    );
    let status = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(status["entries"][0]["state"], "issued");
}

#[test]
fn a_doubt_moves_along_and_nothing_is_bought_twice() {
    let rig = Rig::new();
    automatic(&rig);
    let doubt = "policy: { doubt: { quiet_period: 1s, then: resend } }\n";
    manifest(&rig, doubt, &entry("www-old", ""), "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 20000, "late": false, "times": 1 }]));
    let mut run = rig.spawn(&["apply", "--yes"]);
    rig.until("the order", || bought(&rig) == 1);
    run.kill().expect("killed");
    run.wait().expect("it ends");
    rig.faults(json!([]));
    manifest(&rig, &format!("{doubt}{MOVED}"), &entry("www", ""), "");
    assert_eq!(
        codes(&rig.plan(&[]), "orders.www"),
        ("adopt".into(), "moved".into())
    );
    let report = rig.apply(&[], 3);
    assert_eq!(action(&report, "orders.www")["outcome"], "unknown");
    assert_eq!(codes(&rig.plan(&[]), "orders.www").0, "settle");
    rig.apply(&[], 0);
    assert_eq!(codes(&rig.plan(&[]), "orders.www").0, "keep");
    assert_eq!(bought(&rig), 1);
}

#[test]
fn the_earlier_name_can_be_used_again() {
    let rig = renamed();
    rig.apply(&[], 0);
    let other = entry("www-old", "generation: 2, ").replace("www.example.com", "old.example.com");
    let both = [entry("www", ""), other.replace("www.csr", "old.csr")].concat();
    rig.write("old.csr", crate::rig::csr("old.example.com"));
    manifest(&rig, "", &both, "");
    rig.apply(&[], 0);
    assert_eq!(bought(&rig), 2);
    rig.apply(&["--detailed-exitcode"], 0);
    let known = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    let ids: Vec<_> = known["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["order_id"].clone())
        .collect();
    assert_eq!(ids, [json!("70000001"), json!("70000002")]);
}
