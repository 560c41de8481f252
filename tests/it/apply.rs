//! Orders from plan to issued: dependencies, waiting, failures, the report.

use serde_json::{Value, json};

use crate::contract::assert_valid;
use crate::rig::{Rig, action};

fn outcome<'a>(report: &'a Value, address: &str) -> &'a str {
    action(report, address)["outcome"].as_str().expect("a word")
}

fn automatic(rig: &Rig) {
    rig.tell("options", json!({ "approval": "automatic" }));
}

#[test]
fn an_order_waits_for_approval_and_is_in_force_after_it() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["order"], 1);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");

    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.ada")["outcome"], "waiting");
    assert_eq!(rig.effects("order_created").len(), 1);

    let again = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(action(&again, "orders.ada")["action"], "wait");
    assert_eq!(rig.effects("order_created").len(), 1);

    rig.approve_all();
    let last = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(action(&last, "orders.ada")["outcome"], "kept");
    assert_eq!(rig.plan(&[])["summary"]["keep"], 1);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_answer_that_is_lost_after_the_effect_is_found_by_its_tag() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob", "cleo"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "cut_after", "skip": 1, "times": 1 }]),
    );
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["waiting"], 3);
    assert_eq!(rig.effects("order_created").len(), 3);
}

/// Two orders and a revocation in a chain: ada issued, then bob, then the old order goes.
fn chain(rig: &Rig) -> String {
    let old = rig.seed(json!({ "certcentral": 1 })).remove(0);
    rig.orders(
        &["ada", "bob"],
        &format!(
            "    after: [{{ order: ada, until: issued }}]
revocations:
  old:
    order_id: {old}
    scope: order
    reason: superseded
    comments: replaced by bob
    after: [bob]
"
        ),
    );
    old
}

#[test]
fn a_chain_runs_through_in_one_run_when_nobody_has_to_approve() {
    let rig = Rig::new();
    automatic(&rig);
    let old = chain(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(
        action(&plan, "revocations.old")["dependencies"],
        json!([{ "address": "orders.bob", "until": "issued" }])
    );
    let report = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(report["summary"]["done"], 3, "{report:#}");
    let paths: Vec<String> = rig
        .changes()
        .iter()
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths.len(), 3);
    assert!(paths[2].ends_with(&format!("/{old}/revoke")), "{paths:?}");
    let again = rig.plan(&[]);
    assert_eq!(again["summary"]["keep"], 3);
}

#[test]
fn a_chain_waits_at_the_first_approval_and_the_next_run_goes_on() {
    let rig = Rig::new();
    chain(&rig);
    let report = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(report["summary"]["waiting"], 3);
    let bob = action(&report, "orders.bob");
    assert_eq!(bob["waiting_for"], "orders.ada (issued)");
    assert_eq!(rig.changes().len(), 1);

    rig.approve_all();
    let report = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(outcome(&report, "orders.ada"), "kept");
    assert_eq!(rig.changes().len(), 2);
    assert_eq!(
        action(&report, "revocations.old")["waiting_for"],
        "orders.bob (issued)"
    );
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 3);
}

#[test]
fn submitted_is_enough_where_the_manifest_says_so() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: submitted }]\n",
    );
    let report = rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 2);
    assert_eq!(report["summary"]["waiting"], 2);
}

#[test]
fn a_revocation_can_wait_for_another_to_be_in_force() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 2 }));
    rig.manifest(&format!(
        "revocations:
  first: {{ order_id: {}, scope: order, reason: superseded, comments: one }}
  second: {{ order_id: {}, scope: order, reason: superseded, comments: two, after: [first] }}
",
        ids[0], ids[1]
    ));
    let report = rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 1);
    assert_eq!(
        action(&report, "revocations.second")["waiting_for"],
        "revocations.first (revoked)"
    );
    rig.approve_all();
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 2);
}

#[test]
fn wait_picks_up_an_approval_that_comes_during_the_run() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "55s",
        "--report",
        "json=report.json",
    ]);
    for orders in 1..=2 {
        rig.until("the order is placed", || {
            rig.effects("order_created").len() == orders
        });
        rig.approve_all();
    }
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(0));
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["summary"]["done"], 2, "{report:#}");
    assert!(action(&report, "orders.ada")["certificate_id"].is_string());
}

#[test]
fn wait_sees_an_order_of_an_earlier_run_come_into_force() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    let reads = rig.reads();
    let run = rig.spawn(&["apply", "--yes", "--wait", "55s", "--detailed-exitcode"]);
    rig.until("the run polls", || rig.reads() > reads + 3);
    rig.approve_all();
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_adopted_order_that_is_not_issued_waits_like_any_other() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    rig.apply(&[], 0);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let report = rig.apply(&["--detailed-exitcode"], 2);
    let ada = action(&report, "orders.ada");
    assert_eq!(
        (&ada["action"], &ada["outcome"]),
        (&json!("adopt"), &json!("waiting"))
    );

    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
    let reads = rig.reads();
    let run = rig.spawn(&["apply", "--yes", "--wait", "55s"]);
    rig.until("the run polls", || rig.reads() > reads + 6);
    rig.approve_all();
    rig.until("what builds on it is placed", || {
        rig.effects("order_created").len() == 2
    });
    rig.approve_all();
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

#[test]
fn a_run_does_not_wait_for_an_order_that_is_over() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    // It would take an hour if the run waited for what cannot come.
    let report = rig.apply(&["--wait", "1h"], 0);
    let step = action(&report, "orders.ada");
    assert_eq!(step["outcome"], "waiting");
    assert_eq!(step["waiting_for"], "`generation: 2`");
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn what_builds_on_an_order_that_is_over_says_so_and_is_not_sent() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    let report = rig.apply(&["--wait", "1h"], 0);
    let bob = action(&report, "orders.bob");
    assert_eq!(bob["outcome"], "waiting");
    assert!(
        bob["waiting_for"].as_str().unwrap().contains("is rejected"),
        "{bob}"
    );
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_rejection_during_the_run_fails_the_order_and_skips_what_builds_on_it() {
    let rig = Rig::new();
    rig.orders(
        &["ada", "bob"],
        "    after: [{ order: ada, until: issued }]\n",
    );
    let run = rig.spawn(&[
        "apply",
        "--yes",
        "--wait",
        "55s",
        "--report",
        "json=report.json",
    ]);
    rig.until("the order is placed", || {
        rig.effects("order_created").len() == 1
    });
    rig.tell("reject", json!({ "all": true }));
    let output = run.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(1));
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_eq!(outcome(&report, "orders.ada"), "failed");
    assert_eq!(outcome(&report, "orders.bob"), "skipped");
}

#[test]
fn one_failure_skips_what_depends_on_it_and_nothing_else() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(
        &["ada", "bob", "cleo"],
        "    after: [bob]
  dora:
    product: client_premium_sha2
    certificate: { common_name: dora, emails: [dora@example.com], signature_hash: sha256, csr: { file: dora.csr } }
    validity_years: 1
",
    );
    rig.write("dora.csr", crate::rig::csr("dora"));
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    // The CA refuses this: no such product there, which only it can know.
    let broken = text.replacen(
        "  bob:\n    product: client_premium_sha2",
        "  bob:\n    product: client_of_tomorrow",
        1,
    );
    assert_ne!(text, broken);
    rig.write("certplan.yaml", broken);
    let ended = rig
        .certplan(&[
            "apply",
            "--yes",
            "--report",
            "json=report.json",
            "--report",
            "markdown=report.md",
        ])
        .expect(1);
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("report.json")).unwrap()).unwrap();
    assert_valid("report", &report);
    assert_eq!(outcome(&report, "orders.ada"), "done");
    assert_eq!(outcome(&report, "orders.bob"), "failed");
    assert_eq!(outcome(&report, "orders.cleo"), "skipped");
    assert_eq!(outcome(&report, "orders.dora"), "done");
    let error = action(&report, "orders.cleo")["error"].as_str().unwrap();
    assert!(error.contains("orders.bob"), "{error}");
    assert!(ended.stdout.contains("orders.bob"), "{}", ended.stdout);
    let markdown = std::fs::read_to_string(rig.path("report.md")).unwrap();
    for address in ["orders.bob", "orders.cleo"] {
        assert!(markdown.contains(address), "{markdown}");
    }
    // The CA's no is no end: the next plan asks again and says why.
    let plan = rig.plan(&[]);
    let bob = action(&plan, "orders.bob");
    assert_eq!(bob["action"], "order");
    assert!(bob["reason"].as_str().unwrap().contains("refused"), "{bob}");
}

#[test]
fn the_report_counts_its_requests_and_holds_to_its_schema() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 1 }));
    rig.orders(
        &["ada"],
        &format!(
            "revocations:
  old: {{ order_id: {}, scope: order, reason: superseded, comments: old }}
",
            ids[0]
        ),
    );
    let seen = || rig.reads() + rig.changes().len();
    let before = seen();
    let report = rig.apply(&[], 0);
    assert_valid("report", &report);
    assert_eq!(report["requests"]["digicert"], seen() - before);
    for address in ["orders.ada", "revocations.old"] {
        let step = action(&report, address);
        for id in ["order_id", "request_id"] {
            assert!(step[id].is_string(), "{id} of {step}");
        }
    }
    for time in ["started_at", "finished_at"] {
        let text = report[time].as_str().unwrap();
        assert!(
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            "{text}"
        );
    }
}

#[test]
fn a_renewal_of_a_name_placed_in_the_same_run_carries_its_id() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada", "ada2"], "    renewal_of: ada\n");
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada2")["action"], "renew");
    assert_eq!(
        action(&plan, "orders.ada2")["dependencies"],
        json!([{ "address": "orders.ada", "until": "submitted" }])
    );
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["done"], 2, "{report:#}");
    let (first, second) = (
        action(&report, "orders.ada")["order_id"].as_str().unwrap(),
        action(&report, "orders.ada2")["order_id"].as_str().unwrap(),
    );
    assert!(renews(&rig, second, first));
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

/// Asks the sandbox whether `order` renewed `old`: a second renewal of `old` would be refused.
fn renews(rig: &Rig, order: &str, old: &str) -> bool {
    let shown = rig.certcentral("GET", &format!("/order/certificate/{old}"), &Value::Null);
    let id = |value: &Value| value.to_string().trim_matches('"').to_owned();
    shown["is_renewed"] == true && id(&shown["renewed_order_id"]) == order
}

#[test]
fn a_renewal_by_order_id_is_sent_with_it() {
    let rig = Rig::new();
    automatic(&rig);
    let old = rig
        .seed(json!({ "certcentral": 1, "product": "client_premium_sha2" }))
        .remove(0);
    rig.orders(&["ada"], &format!("    renewal_of_order_id: {old}\n"));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada");
    assert_eq!(step["action"], "renew");
    let sent = &step["requests"][0]["body"]["renewal_of_order_id"];
    assert_eq!(sent.to_string().trim_matches('"'), old);
    let report = rig.apply(&[], 0);
    let new = action(&report, "orders.ada")["order_id"].as_str().unwrap();
    assert!(renews(&rig, new, &old));
}

#[test]
fn every_order_carries_its_own_tag() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    let plan = rig.plan(&[]);
    let planned: Vec<&Value> = ["orders.ada", "orders.bob"]
        .map(|address| &action(&plan, address)["requests"][0]["body"]["alternative_order_id"])
        .to_vec();
    assert!(planned[0].is_string() && planned[0] != planned[1]);
    rig.apply(&[], 0);
    let mut seen: Vec<Value> = rig
        .effects("order_created")
        .iter()
        .map(|entry| entry["alternative_order_id"].clone())
        .collect();
    seen.sort_by_key(Value::to_string);
    let mut planned: Vec<Value> = planned.into_iter().cloned().collect();
    planned.sort_by_key(Value::to_string);
    assert_eq!(seen, planned);
}

#[test]
fn skip_approval_issues_an_order_at_once() {
    let rig = Rig::new();
    rig.orders(&["ada"], "    skip_approval: true\n");
    assert_eq!(
        action(&rig.plan(&[]), "orders.ada")["requests"][0]["body"]["skip_approval"],
        true
    );
    let report = rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(outcome(&report, "orders.ada"), "done");
    assert!(action(&report, "orders.ada")["certificate_id"].is_string());
}

#[test]
fn nothing_is_sent_without_yes_off_a_terminal() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let ended = rig.certplan(&["apply"]).expect(64);
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    assert!(rig.changes().is_empty());
    assert!(!rig.path(".certplan").exists());
}

/// Runs apply under a pseudo-terminal and types this answer.
fn typed(rig: &Rig, answer: &str) -> (Option<i32>, String) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let binary = env!("CARGO_BIN_EXE_certplan");
    let inner = rig.command(&["apply"]);
    let mut script = Command::new("script");
    script
        .args(["-qec", &format!("{binary} apply"), "/dev/null"])
        .current_dir(rig.folder())
        .env_clear()
        .envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = script.spawn().expect("`script` of util-linux");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(format!("{answer}\n").as_bytes())
        .expect("typed");
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn on_a_terminal_only_yes_is_taken_as_approval() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let (code, shown) = typed(&rig, "y");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("This buys 1"), "{shown}");
    assert!(rig.changes().is_empty());
    let (code, shown) = typed(&rig, "yes");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(rig.effects("order_created").len(), 1);
    // With nothing to do there is nothing to ask.
    let (code, shown) = typed(&rig, "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("Carry this plan out"), "{shown}");
}

#[test]
fn a_view_only_key_plans_and_its_apply_fails_cleanly() {
    let mut rig = Rig::new();
    rig.set("DIGICERT_API_KEY", "sandbox-view-only-key");
    rig.orders(&["ada", "bob"], "");
    assert_eq!(rig.plan(&[])["summary"]["order"], 2);
    let report = rig.apply(&[], 1);
    assert!(rig.effects("order_created").is_empty());
    for address in ["orders.ada", "orders.bob"] {
        assert!(
            ["failed", "skipped"].contains(&outcome(&report, address)),
            "{report:#}"
        );
        let error = action(&report, address)["error"].as_str().unwrap();
        assert!(!error.contains("sandbox-view-only-key"), "{error}");
    }
    rig.set("DIGICERT_API_KEY", "sandbox-certcentral-key");
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["waiting"], 2);
}

#[test]
fn a_report_that_cannot_be_written_fails_after_the_run_was_recorded() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let ended = rig
        .certplan(&["apply", "--yes", "--report", "json=no/such/folder/r.json"])
        .expect(1);
    assert!(ended.stderr.contains("no/such/folder"), "{}", ended.stderr);
    assert!(ended.stdout.contains("orders.ada"), "{}", ended.stdout);
    assert_eq!(rig.effects("order_created").len(), 1);
    assert_eq!(rig.plan(&[])["summary"]["wait"], 1);
}
