//! Case 04: where the journal may not know everything, whatever in the account could be the order is ruled
//! out before anything is bought.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{
    applied, automatic, bought_elsewhere, lose_state, manifest, needs_a_person, orders_at_the_ca,
    person, planned, shop, tls, waiting_code, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";

/// The list shows these members of the order's certificate otherwise than they were asked for.
fn shown(rig: &Rig, order: &str, members: Value) {
    let mut edit = members;
    edit["order_id"] = json!(order);
    rig.tell("edit", edit);
}

/// The state is lost, and the one order is found again: planned, applied, bound, nothing bought.
#[track_caller]
fn found_again(rig: &Rig, address: &str, what: &str) {
    lose_state(rig);
    let plan = planned(rig);
    let step = action(&plan, address);
    assert_eq!(step["action"], "adopt", "{what}: {step:#}");
    assert_eq!(step["order_id"], ORDER, "{what}");
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(rig), 1, "{what}: bought again");
    assert!(
        ["keep", "reissue", "wait"].contains(&word(rig, address).as_str()),
        "{what}"
    );
    assert_eq!(super::standing(rig, address)["order_id"], ORDER, "{what}");
}

fn placed(entry: String) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[entry], &[]);
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 1);
    rig
}

fn secure_email(name: &str, product: &str, certificate: &str) -> String {
    format!(
        "  {name}: {{ product: {product}, order_validity: {{ years: 1 }}, certificate: {{ \
         emails: [terra.branford@example.com], signature_hash: sha256, {certificate}\
         csr: {{ file: {name}.csr }} }} }}\n"
    )
}

#[test]
fn case_04_a_person_whose_name_the_ca_makes_is_found_again() {
    let rig = placed(secure_email(
        "mail",
        "secure_email_sponsor",
        "common_name_indicator: given_name_surname, \
         individual: { first_name: Terra, last_name: Branford }, ",
    ));
    shown(&rig, ORDER, json!({ "common_name": "Terra Branford" }));
    found_again(&rig, "orders.mail", "individual");
}

#[test]
fn case_04_a_mailbox_without_a_name_is_found_again() {
    for common_name in ["", "Mailbox of Terra", "TERRA.BRANFORD@EXAMPLE.COM"] {
        let rig = placed(secure_email("mail", "secure_email_mailbox", ""));
        shown(
            &rig,
            ORDER,
            json!({ "common_name": common_name, "emails": [] }),
        );
        found_again(&rig, "orders.mail", common_name);
    }
}

#[test]
fn case_04_a_domain_in_another_spelling_is_found_again() {
    let puny = "xn--mnchen-3ya.example.com";
    for spelling in [
        "münchen.example.com",
        "MÜNCHEN.Example.COM",
        "XN--MNCHEN-3YA.EXAMPLE.COM",
    ] {
        let rig = placed(tls("shop", &[puny], ""));
        shown(
            &rig,
            ORDER,
            json!({ "common_name": spelling, "dns_names": [spelling] }),
        );
        found_again(&rig, "orders.shop", spelling);
    }
}

#[test]
fn case_04_text_in_another_form_is_found_again() {
    for (asked, spelling) in [
        ("Zo\u{eb} Castillo", "Zoe\u{308} Castillo"),
        ("Zoe\u{308} Castillo", "Zo\u{eb} Castillo"),
        ("Locke  Cole", "Locke Cole"),
        ("Locke Cole", "Locke\u{a0}Cole "),
        ("Locke Cole", "LOCKE COLE"),
    ] {
        let rig = placed(person("card", asked, ""));
        shown(&rig, ORDER, json!({ "common_name": spelling }));
        found_again(&rig, "orders.card", &format!("{asked:?} as {spelling:?}"));
    }
}

#[test]
fn case_04_an_address_in_another_spelling_is_found_again() {
    let rig = placed(person("card", "card@xn--mnchen-3ya.example.com", ""));
    shown(
        &rig,
        ORDER,
        json!({ "common_name": "card@münchen.example.com", "emails": ["card@EXAMPLE.com"] }),
    );
    found_again(&rig, "orders.card", "an address");
}

/// The order waits for an administrator, and the account shows it in one of the ways that are open.
#[test]
fn case_04_an_order_that_waits_is_found_again_wherever_it_shows() {
    for habits in [
        json!({ "waiting_orders": "nameless" }),
        json!({ "waiting_orders": "unlisted" }),
        json!({ "waiting_orders": "unlisted", "request_orders": "id_only" }),
        json!({ "waiting_orders": "nameless", "waiting_by_tag": "not_found" }),
        json!({ "waiting_orders": "unlisted", "waiting_by_tag": "not_found" }),
        json!({ "waiting_orders": "unlisted", "waiting_by_tag": "not_found", "request_orders": "id_only" }),
    ] {
        let rig = Rig::new();
        rig.tell("options", json!({ "habits": habits }));
        manifest(&rig, &[shop("shop", "")], &[]);
        rig.apply(&[], 0);
        lose_state(&rig);
        assert_ne!(word(&rig, "orders.shop"), "order", "{habits}");
        let (code, _) = applied(&rig);
        assert_eq!(code, 0, "{habits}");
        assert_eq!(orders_at_the_ca(&rig), 1, "{habits}: bought again");
        assert_eq!(super::standing(&rig, "orders.shop")["order_id"], ORDER);
        rig.approve_all();
        rig.apply(&["--detailed-exitcode"], 0);
        assert_eq!(orders_at_the_ca(&rig), 1, "{habits}");
    }
}

#[test]
fn case_04_a_refusal_that_placed_the_order_all_the_same_is_looked_up() {
    for (asked, spelling) in [
        ("Locke  Cole", "Locke Cole"),
        ("Zo\u{eb} Castillo", "Zoe\u{308} Castillo"),
    ] {
        let rig = Rig::new();
        automatic(&rig);
        manifest(&rig, &[person("card", asked, "")], &[]);
        rig.faults(
            json!([{ "match": { "path_contains": "/client_premium_sha2", "method": "POST" },
            "fault": "error_after", "status": 400, "times": 1 }]),
        );
        rig.certplan(&["apply", "--yes"]);
        if orders_at_the_ca(&rig) == 1 {
            shown(&rig, ORDER, json!({ "common_name": spelling }));
        }
        for _ in 0..2 {
            rig.certplan(&["apply", "--yes"]);
            assert_eq!(orders_at_the_ca(&rig), 1, "{spelling}: bought again");
        }
        assert_eq!(super::standing(&rig, "orders.card")["order_id"], ORDER);
    }
}

/// The state was copied before an order was placed, and goes on elsewhere: without the note beside it, and
/// on another host.
#[test]
fn case_04_a_copy_of_a_state_on_a_host_without_its_note_buys_nothing_again() {
    let mut rig = Rig::new();
    automatic(&rig);
    let (first, second) = (shop("shop", ""), person("card", "Locke  Cole", ""));
    manifest(&rig, std::slice::from_ref(&first), &[]);
    rig.apply(&[], 0);
    let copy = std::fs::read(rig.path(".certplan/state.db")).expect("the state");
    manifest(&rig, &[first, second], &[]);
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 2);
    shown(&rig, "70000002", json!({ "common_name": "Locke Cole" }));

    let elsewhere = tempfile::TempDir::new().expect("a home");
    rig.set("HOME", elsewhere.path().to_str().expect("text"));
    rig.write("elsewhere/state.db", copy);
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(rig.path("elsewhere/state.db"), private).expect("a mode");
    let state = ["--state", "elsewhere/state.db"];
    let plan = rig.plan(&state);
    assert_eq!(action(&plan, "orders.shop")["action"], "keep");
    assert_eq!(action(&plan, "orders.card")["action"], "adopt", "{plan:#}");
    rig.apply(&state, 0);
    assert_eq!(orders_at_the_ca(&rig), 2, "bought again");
}

/// An older state is put back where it was: the note beside it knows more.
#[test]
fn case_04_an_older_state_put_back_buys_nothing_again() {
    let rig = Rig::new();
    automatic(&rig);
    let (first, second) = (shop("shop", ""), person("card", "Zo\u{eb}", ""));
    manifest(&rig, std::slice::from_ref(&first), &[]);
    rig.apply(&[], 0);
    let copy = std::fs::read(rig.path(".certplan/state.db")).expect("the state");
    manifest(&rig, &[first, second], &[]);
    rig.apply(&[], 0);
    shown(&rig, "70000002", json!({ "common_name": "Zoe\u{308}" }));
    for beside in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(rig.path(&format!(".certplan/{beside}")));
    }
    rig.write(".certplan/state.db", copy);
    rig.certplan(&["apply", "--yes"]);
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 2, "bought again");
    assert_eq!(super::standing(&rig, "orders.card")["order_id"], "70000002");
}

#[test]
fn case_04_allow_similar_does_not_buy_what_carries_its_own_tag() {
    let rig = placed(person("card", "Locke  Cole", "allow_similar: true"));
    shown(&rig, ORDER, json!({ "common_name": "Locke Cole" }));
    found_again(&rig, "orders.card", "allow_similar");
}

#[test]
fn case_04_existing_order_id_takes_the_order_over_and_never_buys() {
    let rig = Rig::new();
    automatic(&rig);
    let names = ["xn--mnchen-3ya.example.com"];
    let order = bought_elsewhere(&rig, &names);
    shown(
        &rig,
        &order,
        json!({ "common_name": "münchen.example.com", "dns_names": ["MÜNCHEN.example.com"] }),
    );
    let before = rig.changes().len();
    let entry = tls("shop", &names, &format!("existing_order_id: {order}"));
    manifest(&rig, std::slice::from_ref(&entry), &[]);
    let plan = planned(&rig);
    let step = action(&plan, "orders.shop");
    assert_eq!(
        (&step["action"], &step["order_id"]),
        (&json!("adopt"), &json!(order)),
        "{step:#}"
    );
    rig.apply(&[], 0);
    // Bound, it stays so; and the state may be lost.
    lose_state(&rig);
    assert_eq!(word(&rig, "orders.shop"), "adopt");
    rig.apply(&[], 0);
    assert_eq!(super::standing(&rig, "orders.shop")["order_id"], order);
    assert_eq!(rig.changes().len(), before, "a takeover sends nothing");
}

#[test]
fn case_04_an_order_of_the_same_names_without_a_tag_is_a_twin_in_every_spelling() {
    for spelling in ["shop.example.com", "SHOP.Example.com"] {
        let rig = Rig::new();
        automatic(&rig);
        let order = bought_elsewhere(&rig, &["shop.example.com"]);
        shown(
            &rig,
            &order,
            json!({ "common_name": spelling, "dns_names": [spelling] }),
        );
        manifest(&rig, &[shop("shop", "")], &[]);
        let plan = planned(&rig);
        let step = action(&plan, "orders.shop");
        assert_eq!(step["action"], "wait", "{step:#}");
        assert_eq!(step["waiting_code"], "decision_twin", "{step:#}");
        let said = needs_a_person(&rig, "orders.shop");
        let typed = format!("existing_order_id: {order}");
        assert!(
            said.contains(&typed) && said.contains("allow_similar: true"),
            "{said}"
        );
        assert_eq!(orders_at_the_ca(&rig), 1);
    }
}

#[test]
fn case_04_an_order_that_was_rejected_is_found_again_as_that() {
    let rig = Rig::new();
    manifest(&rig, &[person("card", "Locke  Cole", "")], &[]);
    rig.apply(&[], 0);
    shown(&rig, ORDER, json!({ "common_name": "Locke Cole" }));
    rig.tell("reject", json!({ "all": true }));
    lose_state(&rig);
    for _ in 0..2 {
        rig.certplan(&["apply", "--yes"]);
        assert_eq!(orders_at_the_ca(&rig), 1, "bought again");
    }
    needs_a_person(&rig, "orders.card");
    assert_eq!(waiting_code(&rig, "orders.card"), "decision_rejected");
}
