//! "Nothing to do" is said only where nothing waits: for a person, for the CA, or for time.

use serde_json::json;

use super::{ask_to_revoke, automatic, bought_elsewhere, manifest, person, shop};
use crate::rig::Rig;

const IDLE: [&str; 4] = [
    "nothing to do",
    "no changes",
    "up to date",
    "nothing is to be done",
];

/// No output of a plan or an apply says that all is done, and the sentence stands in each of them.
#[track_caller]
fn says_who_is_waited_for(rig: &Rig, sentence: &str) {
    let apply = [
        "apply",
        "--yes",
        "--report",
        "markdown=r.md",
        "--report",
        "json=r.json",
    ];
    for args in [
        &["plan"][..],
        &["plan", "--format", "markdown"],
        &["plan", "--format", "json"],
        &apply,
    ] {
        let ended = rig.certplan(args);
        let mut shown = format!("{}{}", ended.stdout, ended.stderr);
        if args[0] == "apply" {
            for report in ["r.md", "r.json"] {
                shown += &std::fs::read_to_string(rig.path(report)).expect("a report");
            }
        }
        for idle in IDLE {
            assert!(
                !shown.to_lowercase().contains(idle),
                "{args:?} says `{idle}`:\n{shown}"
            );
        }
        let json = args.contains(&"json");
        assert_eq!(shown.contains(sentence), !json, "{args:?}:\n{shown}");
    }
    let plan = rig.certplan(&["plan", "--format", "json"]).json();
    assert_ne!(plan["summary"]["wait"], 0, "{plan:#}");
}

#[test]
fn an_order_that_waits_for_an_administrator() {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig.apply(&[], 0);
    says_who_is_waited_for(&rig, "1 item waits for an administrator at the CA.");
    rig.approve_all();
    rig.apply(&[], 0);
    let plan = rig.certplan(&["plan"]).expect(0).stdout;
    assert!(plan.contains("Nothing to do."), "{plan}");
}

#[test]
fn a_reissue_and_a_revocation_that_wait() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(
        &rig,
        &[person("ada", "Ada", ""), person("bob", "Bob", "")],
        &[],
    );
    rig.apply(&[], 0);
    super::by_hand(&rig);
    super::new_key(&rig, "ada.csr");
    let gone = ask_to_revoke("gone", "order_id: 70000002", "order");
    manifest(
        &rig,
        &[person("ada", "Ada", ""), person("bob", "Bob", "")],
        &[gone],
    );
    rig.apply(&[], 0);
    says_who_is_waited_for(
        &rig,
        "2 items wait: 1 for an administrator at the CA, 1 for an administrator or the CA.",
    );
}

#[test]
fn what_only_a_person_can_decide() {
    let rig = Rig::new();
    manifest(
        &rig,
        &[person("ada", "Ada", ""), person("bob", "Bob", "")],
        &[],
    );
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "request_id": 88001 }));
    says_who_is_waited_for(
        &rig,
        "2 items wait: 1 for a person's decision, 1 for an administrator at the CA.",
    );
}

#[test]
fn a_twin_and_what_waits_for_it() {
    let rig = Rig::new();
    automatic(&rig);
    bought_elsewhere(&rig, &["shop.example.com"]);
    let other = super::tls(
        "www",
        &["www.example.com"],
        "after: [{ order: shop, until: issued }]",
    );
    manifest(&rig, &[shop("shop", "")], &[]);
    says_who_is_waited_for(&rig, "1 item waits for a person's decision.");
    // What comes after it is still to be ordered: then the cost stands there.
    manifest(&rig, &[shop("shop", ""), other], &[]);
    let plan = rig.certplan(&["plan"]).expect(0).stdout;
    assert!(
        plan.contains("1 to order") && plan.contains("1 waiting"),
        "{plan}"
    );
}

#[test]
fn a_plan_that_asked_nobody_does_not_say_that_all_is_done() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig.apply(&[], 0);
    let plan = rig.certplan(&["plan", "--offline"]).expect(0).stdout;
    assert!(!plan.contains("Nothing to do"), "{plan}");
    assert!(plan.contains("The CA was not asked"), "{plan}");
}
