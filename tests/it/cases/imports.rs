//! Cases 06 and 07: taking orders over. A manifest of the account buys nothing, and an order that is not what an
//! entry asks for is bound only when a person says so.

use serde_json::{Value, json};

use super::{
    automatic, bought_elsewhere, csr, lose_state, manifest, new_key, orders_at_the_ca, person,
    planned, sent, shop, status_of, tls, word,
};
use crate::rig::{Ended, Rig, action};

/// `import --all`, written as the manifest; also what it said on the side.
#[track_caller]
fn take_over(rig: &Rig) -> Ended {
    let ended = rig
        .certplan(&["import", "--all", "--account", "digicert"])
        .expect(0);
    rig.write("certplan.yaml", &ended.stdout);
    rig.certplan(&["validate"]).expect(0);
    ended
}

/// Applied as it is, all is taken over, nothing is bought, and nothing is left to do.
#[track_caller]
fn is_taken_over(rig: &Rig, orders: usize) {
    let before = sent(rig);
    rig.apply(&["--detailed-exitcode"], 0);
    let plan = planned(rig);
    assert_eq!(plan["summary"]["keep"], orders, "{plan:#}");
    assert_eq!(plan["summary"]["wait"], 0, "{plan:#}");
    assert_eq!(sent(rig), before, "something was sent");
}

#[test]
fn case_06_a_manifest_of_the_account_takes_everything_over() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("ada", "Ada", ""), shop("shop", "")], &[]);
    rig.apply(&[], 0);
    bought_elsewhere(&rig, &["api.example.com", "www.example.com"]);
    bought_elsewhere(&rig, &["api.example.com"]);
    for product in ["ssl_basic", "client_premium_sha2", "private_ssl_plus"] {
        rig.seed(json!({ "certcentral": 2, "product": product }));
    }
    let all = usize::try_from(orders_at_the_ca(&rig)).expect("a number");
    for state in ["as it was", "lost"] {
        if state == "lost" {
            lose_state(&rig);
        }
        let printed = take_over(&rig).stdout;
        let entries = printed.matches("existing_order_id:").count();
        assert_eq!(entries, all, "{state}: {printed}");
        is_taken_over(&rig, all);
    }
}

#[test]
fn case_06_an_order_keeps_the_name_of_the_state_and_of_its_tag() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(
        &rig,
        &[
            person("hr-7", "Ada", ""),
            person("hr-8", "Ada", "allow_similar: true, generation: 2"),
        ],
        &[],
    );
    rig.apply(&[], 0);
    // Another order that would be called like an entry that the state knows.
    let body = json!({ "certificate": { "common_name": "hr 7", "csr": csr(), "emails": ["hr@example.com"],
            "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "validity_years": 1, "skip_approval": true });
    rig.certcentral("POST", "/order/certificate/client_premium_sha2", &body);
    for state in ["as it was", "lost"] {
        if state == "lost" {
            lose_state(&rig);
        }
        let printed = take_over(&rig).stdout;
        for name in ["hr-7:", "hr-8:", "generation: 2"] {
            assert!(printed.contains(name), "{state}: {name}: {printed}");
        }
        is_taken_over(&rig, 3);
    }
}

#[test]
fn case_06_what_is_no_entry_is_a_comment_with_its_reason() {
    let rig = Rig::new();
    automatic(&rig);
    let (hr, bob) = (person("hr-7", "Ada", ""), person("bob", "Bob", ""));
    manifest(&rig, std::slice::from_ref(&hr), &[]);
    rig.apply(&[], 0);
    manifest(&rig, &[hr, bob], &[]);
    rig.apply(&[], 0);
    lose_state(&rig);
    manifest(&rig, &[], &[]);
    let ended = take_over(&rig);
    let comments: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("#   order "))
        .collect();
    let [comment] = comments.as_slice() else {
        panic!("{}", ended.stdout);
    };
    for part in [
        "70000001",
        "client_premium_sha2",
        "Ada",
        "tag",
        "certplan import orders.NAME 70000001 --yes",
    ] {
        assert!(comment.contains(part), "{comment}");
    }
    assert!(
        ended.stderr.contains("1 order is left out"),
        "{}",
        ended.stderr
    );
    is_taken_over(&rig, 1);
    // What the comment says can be typed.
    manifest(&rig, &[person("hr-7", "Ada", "")], &[]);
    rig.certplan(&["import", "orders.hr-7", "70000001", "--yes"])
        .expect(0);
    assert_eq!(word(&rig, "orders.hr-7"), "keep");
}

#[test]
fn case_06_no_text_of_the_ca_leaves_its_comment() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[], &[]);
    let seeded = rig.seed(json!({ "certcentral": 1, "product": "client_premium_sha2" }));
    rig.tell("edit", json!({ "order_id": seeded[0], "common_name": "x\norders: { a: {} }\u{202e}", "emails": [] }));
    let printed = take_over(&rig).stdout;
    let ours = |line: &str| {
        !line.contains("orders: { a: {} }") || line.starts_with('#') || line.contains('"')
    };
    assert!(printed.lines().all(ours), "{printed}");
    assert!(!printed.contains('\u{202e}'), "{printed}");
}

#[test]
fn case_06_a_long_reading_shows_how_far_it_is() {
    let rig = Rig::new();
    manifest(&rig, &[], &[]);
    rig.seed(json!({ "certcentral": 230, "product": "client_premium_sha2" }));
    let said = take_over(&rig).stderr;
    for line in [
        "230 orders are in force",
        "Read 100 of 230",
        "Read 200 of 230",
        "has 230 orders",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let quiet = rig
        .certplan(&["import", "--all", "--account", "digicert", "--quiet"])
        .expect(0);
    assert_eq!(quiet.stderr, "");
}

/// The entry of git.example.com, and an order that a colleague has.
fn with_order(names: &[&str]) -> (Rig, String) {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[tls("git", &["git.example.com"], "")], &[]);
    let id = bought_elsewhere(&rig, names);
    (rig, id)
}

#[track_caller]
fn needs_a_yes(rig: &Rig, id: &str, says: &str) {
    let before = sent(rig);
    let refused = rig.certplan(&["import", "orders.git", id]).expect(64);
    for part in [says, "--yes", id] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let history = rig.certplan(&["history"]).expect(0).stdout;
    assert!(!history.contains(id), "bound without a yes: {history}");
    rig.certplan(&["import", "orders.git", id, "--yes"])
        .expect(0);
    assert_eq!(sent(rig), before);
}

#[test]
fn case_07_an_order_of_another_product_is_never_bound() {
    let (rig, _) = with_order(&["git.example.com"]);
    for product in ["client_premium_sha2", "ssl_basic"] {
        let id = rig
            .seed(json!({ "certcentral": 1, "product": product }))
            .remove(0);
        for more in [&[][..], &["--yes"]] {
            let ended = rig
                .certplan(&[&["import", "orders.git", &id][..], more].concat())
                .expect(5);
            assert!(ended.stderr.contains(product), "{}", ended.stderr);
            assert!(!rig.certplan(&["history"]).expect(0).stdout.contains(&id));
        }
        // The same where the entry names it.
        manifest(
            &rig,
            &[tls(
                "git",
                &["git.example.com"],
                &format!("existing_order_id: {id}"),
            )],
            &[],
        );
        assert_eq!(word(&rig, "orders.git"), "wait");
    }
}

#[test]
fn case_07_other_names_need_a_yes_and_the_next_plan_shows_them() {
    for names in [
        &["mail.example.com"][..],
        &["git.example.com", "mail.example.com"],
    ] {
        let (rig, id) = with_order(names);
        needs_a_yes(&rig, &id, "mail.example.com");
        let plan = planned(&rig);
        let step = action(&plan, "orders.git");
        assert_eq!(step["action"], "reissue", "{plan:#}");
        assert!(plan.to_string().contains("mail.example.com"), "{plan:#}");
        // Undone: nothing of the colleague's dies.
        rig.certplan(&["forget", "orders.git", "--yes"]).expect(0);
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(status_of(&rig, &id), "issued");
        assert_eq!(super::died(&rig), Vec::<String>::new());
    }
}

#[test]
fn case_07_another_key_needs_a_yes_and_the_next_plan_shows_it() {
    let (rig, id) = with_order(&["git.example.com"]);
    needs_a_yes(&rig, &id, "key ");
    assert_eq!(word(&rig, "orders.git"), "reissue");
}

#[test]
fn case_07_further_addresses_need_a_yes() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("git", "Ada", "")], &[]);
    let body = json!({ "certificate": { "common_name": "Ada", "csr": std::fs::read_to_string(rig.path("git.csr")).expect("a CSR"),
            "emails": ["git@example.com", "boss@example.com"], "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "validity_years": 1, "skip_approval": true });
    let id =
        rig.certcentral("POST", "/order/certificate/client_premium_sha2", &body)["id"].to_string();
    needs_a_yes(&rig, &id, "boss@example.com");
}

#[test]
fn case_07_an_order_that_is_over_or_carries_another_tag_needs_a_yes() {
    let (rig, id) = with_order(&["git.example.com"]);
    let same_key = |rig: &Rig, order: &str| {
        let shown: Value = super::info(rig, order);
        rig.write(
            "git.csr",
            shown["certificate"]["csr"].as_str().expect("a CSR"),
        );
    };
    same_key(&rig, &id);
    rig.tell("revoke", json!({ "order_id": id }));
    needs_a_yes(&rig, &id, "it is revoked");
    // Ordered under another name, and the state is lost.
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[tls("old", &["git.example.com"], "")], &[]);
    rig.apply(&[], 0);
    lose_state(&rig);
    manifest(&rig, &[tls("git", &["git.example.com"], "")], &[]);
    same_key(&rig, "70000001");
    needs_a_yes(&rig, "70000001", "the tag of another entry");
}

#[test]
fn case_07_a_name_that_stands_for_an_order_says_how_to_part_them() {
    let (rig, first) = with_order(&["git.example.com"]);
    rig.certplan(&["import", "orders.git", &first, "--yes"])
        .expect(0);
    let second = bought_elsewhere(&rig, &["git.example.com"]);
    let ended = rig
        .certplan(&["import", "orders.git", &second, "--yes"])
        .expect(1);
    for part in [first.as_str(), "certplan forget orders.git"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    rig.certplan(&["forget", "orders.git", "--yes"]).expect(0);
    rig.certplan(&["import", "orders.git", &second, "--yes"])
        .expect(0);
}

#[test]
fn case_07_what_agrees_is_bound_without_a_question() {
    let (rig, _) = with_order(&["git.example.com"]);
    let key = std::fs::read_to_string(rig.path("git.csr")).expect("a CSR");
    let body = json!({ "certificate": { "common_name": "git.example.com", "csr": key, "signature_hash": "sha256" },
        "organization": { "id": 112_233 }, "order_validity": { "years": 1 }, "skip_approval": true });
    let id =
        rig.certcentral("POST", "/order/certificate/ssl_multi_domain", &body)["id"].to_string();
    rig.certplan(&["import", "orders.git", &id]).expect(0);
    assert_eq!(word(&rig, "orders.git"), "keep");
    // A later difference is in the plan.
    new_key(&rig, "git.csr");
    assert_eq!(word(&rig, "orders.git"), "reissue");
}
