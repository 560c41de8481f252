//! Case 05: `forget` parts a name from its order, and nothing binds or buys it again unasked.

use serde_json::json;

use super::{
    automatic, manifest, manifest_with, needs_a_person, orders_at_the_ca, planned, shop, status_of,
    waiting_code, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

fn placed() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig
}

/// `shop` was parted from its order, and its entry is still there.
fn forgotten() -> Rig {
    let rig = placed();
    let ended = rig.certplan(&["forget", "orders.shop", "--yes"]).expect(0);
    for part in ["orders.shop", ORDER] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
    rig
}

/// The CSR of `shop` under another entry's name.
fn same_key(rig: &Rig, name: &str) {
    let key = std::fs::read(rig.path("shop.csr")).expect("a CSR");
    rig.write(&format!("{name}.csr"), key);
}

#[track_caller]
fn is_a_twin(rig: &Rig, address: &str) {
    assert_eq!(word(rig, address), "wait");
    assert_eq!(waiting_code(rig, address), "decision_twin");
    for _ in 0..2 {
        let said = needs_a_person(rig, address);
        assert!(
            said.contains(ORDER) && said.contains("allow_similar"),
            "{said}"
        );
    }
    assert_eq!(orders_at_the_ca(rig), 1, "bought beside a twin");
}

#[test]
fn case_05_forget_frees_the_name_and_leaves_the_order_a_twin() {
    let rig = forgotten();
    is_a_twin(&rig, "orders.shop");
    assert_eq!(status_of(&rig, ORDER), "issued");
    let history = rig.certplan(&["history", "orders.shop"]).expect(0).stdout;
    assert!(history.contains("forgotten"), "{history}");
    rig.certplan(&["history", "--verify"]).expect(0);
    // Freed, it can stand under another name.
    same_key(&rig, "shop-prod");
    manifest(&rig, &[shop("shop-prod", "")], &[]);
    is_a_twin(&rig, "orders.shop-prod");
    rig.certplan(&["import", "orders.shop-prod", ORDER, "--yes"])
        .expect(0);
    assert_eq!(word(&rig, "orders.shop-prod"), "keep");
}

#[test]
fn case_05_a_forgotten_order_is_a_twin_of_other_entries_too() {
    let rig = forgotten();
    same_key(&rig, "other");
    manifest(&rig, &[shop("shop", ""), shop("other", "")], &[]);
    for address in ["orders.shop", "orders.other"] {
        assert_eq!(waiting_code(&rig, address), "decision_twin");
    }
    rig.certplan(&["apply", "--yes"]).expect(3);
    assert_eq!(orders_at_the_ca(&rig), 1);
}

/// The list shows no names: the order is known by what was forgotten.
#[test]
fn case_05_a_forgotten_order_without_names_in_the_list_is_a_twin() {
    for habit in ["nameless", "unlisted"] {
        let rig = Rig::new();
        manifest(&rig, &[shop("shop", "")], &[]);
        rig.apply(&[], 0);
        rig.tell("options", json!({ "habits": { "waiting_orders": habit } }));
        rig.certplan(&["forget", "orders.shop", "--yes"]).expect(0);
        is_a_twin(&rig, "orders.shop");
    }
}

#[test]
fn case_05_what_was_forgotten_is_taken_over_again_where_the_entry_says_so() {
    let rig = forgotten();
    manifest(
        &rig,
        &[shop("shop", &format!("existing_order_id: {ORDER}"))],
        &[],
    );
    assert_eq!(word(&rig, "orders.shop"), "adopt");
    rig.apply(&[], 0);
    manifest(&rig, &[shop("shop", "")], &[]);
    assert_eq!(word(&rig, "orders.shop"), "keep");
    let rig = forgotten();
    rig.certplan(&["import", "orders.shop", ORDER]).expect(0);
    assert_eq!(word(&rig, "orders.shop"), "keep");
}

/// The next order of the name carries the same tag: a lost answer is not settled with the forgotten one.
#[test]
fn case_05_a_doubt_is_not_settled_with_what_was_forgotten() {
    for (fault, orders) in [("cut_before", 1), ("cut_after", 2)] {
        let rig = forgotten();
        let policy = "policy: { doubt: { quiet_period: 1s, then: ask } }\n";
        let entry = shop("shop", "allow_similar: true");
        manifest_with(&rig, policy, &[entry], &[]);
        assert_eq!(word(&rig, "orders.shop"), "order");
        rig.faults(json!([{ "match": { "method": "POST" }, "fault": fault, "times": 1 }]));
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(orders_at_the_ca(&rig), orders, "{fault}");
        let plan = planned(&rig);
        let step = action(&plan, "orders.shop");
        assert_ne!(step["order_id"], ORDER, "{fault}: {step:#}");
        if fault == "cut_after" {
            assert_eq!(
                (&step["action"], &step["order_id"]),
                (&json!("keep"), &json!("70000002"))
            );
        } else {
            std::thread::sleep(std::time::Duration::from_millis(1100));
            let resolve = ["resolve", "orders.shop", "--not-placed", "--yes"];
            rig.certplan(&resolve).expect(0);
            rig.apply(&[], 0);
            assert_eq!(orders_at_the_ca(&rig), 2);
        }
    }
}

#[test]
fn case_05_forget_is_refused_where_it_says_too_little_or_too_much() {
    let rig = placed();
    let refused = |args: &[&str], code: i32, said: &str| {
        let ended = rig.certplan(args).expect(code);
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        assert_eq!(word(&rig, "orders.shop"), "keep");
    };
    refused(&["forget"], 64, "ADDRESS");
    refused(&["forget", "orders.shop"], 64, "--yes");
    refused(&["forget", "revocations.shop", "--yes"], 64, "only orders");
    refused(
        &["forget", "orders.shop", "orders.shpo", "--yes"],
        1,
        "orders.shpo",
    );
    // All of them, and twice is once.
    rig.certplan(&["forget", "orders.shop", "orders.shop", "--yes"])
        .expect(0);
    rig.certplan(&["forget", "orders.shop", "--yes"]).expect(1);
}

#[test]
fn case_05_an_order_in_doubt_is_not_forgotten() {
    let rig = Rig::new();
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    rig.apply(&[], 3);
    let ended = rig.certplan(&["forget", "orders.shop", "--yes"]).expect(1);
    assert!(
        ended.stderr.contains("certplan resolve orders.shop"),
        "{}",
        ended.stderr
    );
    assert_eq!(word(&rig, "orders.shop"), "settle");
}

/// The entry was renamed first: the old name is gone from the manifest.
#[test]
fn case_05_a_name_that_is_gone_from_the_manifest_is_forgotten_too() {
    let rig = placed();
    same_key(&rig, "shop-prod");
    let entry = shop("shop-prod", &format!("existing_order_id: {ORDER}"));
    manifest(&rig, &[entry], &[]);
    assert_eq!(
        waiting_code(&rig, "orders.shop-prod"),
        "decision_foreign_tag"
    );
    rig.certplan(&["forget", "orders.shop", "--yes"]).expect(0);
    let warnings = planned(&rig)["warnings"].to_string();
    assert!(!warnings.contains("orders.shop is"), "{warnings}");
    rig.certplan(&["import", "orders.shop-prod", ORDER, "--yes"])
        .expect(0);
    assert_eq!(word(&rig, "orders.shop-prod"), "keep");
}
