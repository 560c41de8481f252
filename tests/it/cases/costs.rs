//! Case 04, its price: what rules an order out, counted in requests.

use serde_json::{Value, json};

use super::{
    automatic, csr, lose_state, manifest, orders_at_the_ca, person, planned, reads_of, tls,
};
use crate::rig::Rig;

fn look_ups(reads: &[String]) -> usize {
    reads
        .iter()
        .filter(|path| path.contains("/order/alternate/"))
        .count()
}

/// Reads of one order: `/order/certificate/ID`.
fn order_infos(reads: &[String]) -> usize {
    let id = |path: &&String| {
        path.strip_prefix("/services/v2/order/certificate/")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    reads.iter().filter(id).count()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("host-{at}")).collect()
}

fn orders(count: usize) -> Vec<String> {
    let entry = |name: &String| {
        tls(name, &[&format!("{name}.example.org")], "").replace(&format!("{name}.csr"), "one.csr")
    };
    names(count).iter().map(entry).collect()
}

fn senders(count: usize) -> Vec<String> {
    let entry = |name: String| {
        format!(
            "  {name}: {{ product: secure_email_sponsor, order_validity: {{ years: 1 }}, certificate: {{ \
             emails: [{name}@example.com], signature_hash: sha256, common_name_indicator: given_name_surname, \
             individual: {{ first_name: {name}, last_name: Branford }}, csr: {{ file: one.csr }} }} }}\n"
        )
    };
    names(count).into_iter().map(entry).collect()
}

/// Orders of somebody else's for persons whose names the CA makes.
fn somebody_elses(rig: &Rig, count: usize) {
    for at in 0..count {
        let body = json!({
            "certificate": { "emails": [format!("else-{at}@example.com")], "csr": csr(),
                "signature_hash": "sha256", "common_name_indicator": "given_name_surname",
                "individual": { "first_name": "Some", "last_name": format!("Body{at}") } },
            "organization": { "id": 112_233 }, "order_validity": { "years": 1 }, "skip_approval": true,
        });
        let placed = rig.certcentral("POST", "/order/certificate/secure_email_sponsor", &body);
        let edit = json!({ "order_id": placed["id"], "common_name": format!("Some Body{at}") });
        rig.tell("edit", edit);
    }
}

#[test]
fn case_04_a_new_account_costs_no_look_up() {
    let rig = Rig::new();
    manifest(&rig, &orders(200), &[]);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(plan["summary"]["order"], 200, "{plan:#}");
    assert_eq!(look_ups(&reads), 0, "{reads:?}");
    assert!(reads.len() <= 10, "{} reads: {reads:?}", reads.len());
}

#[test]
fn case_04_an_account_whose_orders_cannot_be_the_one_costs_no_look_up() {
    let rig = Rig::new();
    automatic(&rig);
    // Of another product, and of the same product for other names.
    rig.seed(json!({ "certcentral": 300, "product": "client_premium_sha2" }));
    rig.seed(json!({ "certcentral": 300, "product": "ssl_multi_domain" }));
    somebody_elses(&rig, 3);
    manifest(&rig, &orders(200), &[]);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(plan["summary"]["order"], 200, "{plan:#}");
    assert_eq!((look_ups(&reads), order_infos(&reads)), (0, 0), "{reads:?}");
}

#[test]
fn case_04_few_orders_in_question_are_read_and_not_looked_up_for_every_entry() {
    let rig = Rig::new();
    automatic(&rig);
    somebody_elses(&rig, 2);
    manifest(&rig, &senders(30), &[]);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(plan["summary"]["order"], 30, "{plan:#}");
    assert!(
        look_ups(&reads) + order_infos(&reads) >= 1,
        "nothing was ruled out: {reads:?}"
    );
    assert_eq!(look_ups(&reads), 0, "{reads:?}");
    assert!(order_infos(&reads) <= 2, "{reads:?}");
}

#[test]
fn case_04_few_entries_are_looked_up_and_not_every_order_read() {
    let rig = Rig::new();
    automatic(&rig);
    somebody_elses(&rig, 30);
    manifest(&rig, &senders(2), &[]);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(plan["summary"]["order"], 2, "{plan:#}");
    assert_eq!(order_infos(&reads), 0, "{reads:?}");
    assert!((1..=2).contains(&look_ups(&reads)), "{reads:?}");
}

/// What waits without names in the list, or shows in `GET /request` alone, is in question as well.
#[test]
fn case_04_requests_that_wait_are_ruled_out_at_the_cheaper_price() {
    for habits in [
        json!({ "waiting_orders": "nameless" }),
        json!({ "waiting_orders": "unlisted", "request_orders": "id_only" }),
    ] {
        let rig = Rig::new();
        for _ in 0..2 {
            let body = json!({
                "certificate": { "common_name": "else.example.net", "csr": csr(), "signature_hash": "sha256" },
                "organization": { "id": 112_233 }, "order_validity": { "years": 1 },
            });
            rig.certcentral("POST", "/order/certificate/ssl_multi_domain", &body);
        }
        rig.tell("options", json!({ "habits": habits }));
        manifest(&rig, &orders(20), &[]);
        let (plan, reads) = reads_of(&rig, || planned(&rig));
        assert_eq!(plan["summary"]["order"], 20, "{habits}: {plan:#}");
        assert_eq!(look_ups(&reads), 0, "{habits}: {reads:?}");
        assert!(
            (1..=2).contains(&order_infos(&reads)),
            "{habits}: {reads:?}"
        );
    }
}

#[test]
fn case_04_a_journal_that_knows_everything_costs_nothing() {
    let rig = Rig::new();
    automatic(&rig);
    let entries = senders(20);
    manifest(&rig, &entries[..10], &[]);
    rig.apply(&[], 0);
    // The account holds orders whose names cannot be compared; the journal knows which are ours.
    manifest(&rig, &entries, &[]);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(plan["summary"]["order"], 10, "{plan:#}");
    assert_eq!(look_ups(&reads), 0, "{reads:?}");
}

#[test]
fn case_04_a_lost_state_of_many_orders_finds_them_all() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &senders(20), &[]);
    rig.apply(&[], 0);
    lose_state(&rig);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(plan["summary"]["adopt"], 20, "{plan:#}");
    // At most a look-up and a read for each.
    assert!(look_ups(&reads) + order_infos(&reads) <= 40, "{reads:?}");
    rig.apply(&[], 0);
    assert_eq!(orders_at_the_ca(&rig), 20);
}

#[test]
fn case_04_the_plan_tells_how_many_requests_it_takes() {
    let rig = Rig::new();
    automatic(&rig);
    somebody_elses(&rig, 2);
    let people = ["ada", "bob", "cleo"]
        .map(|name| person(name, name, ""))
        .to_vec();
    manifest(&rig, &[senders(5), people].concat(), &[]);
    let (ended, reads) = reads_of(&rig, || rig.certplan(&["plan", "-v"]).expect(0));
    let all = format!("{}{}", ended.stdout, ended.stderr);
    // The reads are over when the plan is shown; it tells what they were for.
    let told = all
        .lines()
        .any(|line| line.contains("request") && line.bytes().any(|byte| byte.is_ascii_digit()));
    assert!(told, "{all}");
    assert!(!reads.is_empty());
    let plan: Value = planned(&rig);
    assert_eq!(plan["summary"]["order"], 8, "{plan:#}");
}
