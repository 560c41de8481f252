//! Speed, held by counts and never by time: requests for each order, rate limits kept without a refusal,
//! and batches large enough that work in the square of their size would not end.

use std::collections::BTreeSet;
use std::time::Duration;

use certplan::journal::{self, Holder, Location};
use certplan::model::{
    Address, Asked, Fact, FactBody, LiveState, ObservedOrder, OrderStatus, RunId, Untrusted,
};
use certplan::sandbox::{Approval, Options, RateLimits};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::rig::{ACCOUNTS, Rig};

/// Reads that come once for an account, whatever the number of orders: the key's user, the funds, the
/// status changes.
const BULK: usize = 5;

/// Client orders without a CSR, which the recipients make when they pick up.
pub(crate) fn orders(numbers: impl Iterator<Item = usize>) -> String {
    let entries: String = numbers
        .map(|number| {
            format!(
                "  person-{number}:
    product: client_premium_sha2
    certificate: {{ common_name: Person {number}, emails: [person-{number}@example.com], signature_hash: sha256 }}
    validity_years: 1
"
            )
        })
        .collect();
    format!("orders:\n{entries}")
}

/// A sandbox that approves at once.
fn approving(rate_limits: RateLimits) -> Rig {
    Rig::with(Options {
        approval: Approval::Automatic,
        rate_limits,
        ..Options::default()
    })
}

/// A manifest whose account has these limits.
fn manifest_with_limits(rig: &Rig, limits: &str, rest: &str) {
    let accounts = ACCOUNTS.replace("[{ requests: 100000, per: 1s }]", limits);
    assert_ne!(accounts, ACCOUNTS);
    rig.write("certplan.yaml", format!("{accounts}{rest}"));
}

/// Calls of CertCentral's API that the ledger shows.
pub(crate) fn calls(rig: &Rig) -> usize {
    let ledger = rig.ask("ledger");
    let entries = ledger.as_array().expect("a list").iter();
    entries
        .filter(|entry| entry["provider"] == "certcentral")
        .count()
}

/// Orders in force at the CA, and a journal in which as many names stand for them. Their ids.
pub(crate) fn in_force(rig: &Rig, seed: Value) -> Vec<String> {
    let ids = rig.seed(seed);
    rig.manifest(&orders(ids.iter().map(|id| id.parse().expect("a number"))));
    // As an adoption leaves it, which has read the order.
    let mut read = ObservedOrder::bare("1".into(), OrderStatus::Issued, None);
    read.members = serde_json::Map::from_iter([(
        "certificate".to_owned(),
        json!({ "signature_hash": "sha256" }),
    )]);
    let shown = Asked::shown(&read);
    let facts = ids.iter().flat_map(|id| {
        let adopted = FactBody::Adopted {
            renews: None,
            public_key: None,
            order_id: id.as_str().into(),
            certificate_id: None,
            generation: 1,
            tag: None,
            certificate: None,
            terms: None,
            asked: Some(Box::new(shown.clone())),
            evidence: Untrusted::new("a test"),
        };
        let seen = FactBody::Seen {
            order_id: None,
            state: LiveState::Issued,
            certificate_id: None,
            serial_number: None,
            valid_till: None,
        };
        [adopted, seen].map(|body| Fact {
            at: Timestamp::now(),
            run: RunId::from("a test"),
            address: format!("orders.person-{id}")
                .parse::<Address>()
                .expect("an address"),
            account: "digicert".parse().expect("a name"),
            body,
        })
    });
    let facts = facts.collect();
    let location = Location::file(rig.path(".certplan/state.db"));
    let holder = Holder {
        command: "a test".to_owned(),
        run: RunId::from("a test"),
    };
    let written = tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(async {
            let journal = journal::open(&location, holder, Duration::ZERO).await?;
            journal.append(facts).await?;
            journal.close().await
        });
    written.expect("a journal");
    ids
}

#[test]
fn a_plan_of_two_thousand_orders_in_force_reads_two_pages() {
    let rig = Rig::new();
    in_force(
        &rig,
        json!({ "certcentral": 2_000, "product": "client_premium_sha2" }),
    );
    for _ in 0..2 {
        let before = calls(&rig);
        let plan = rig.plan(&[]);
        assert_eq!(plan["summary"]["keep"], 2_000, "{}", plan["summary"]);
        let reads = calls(&rig) - before;
        assert!(reads <= 2 + BULK, "{reads} reads");
    }
}

#[test]
fn three_hundred_orders_take_one_request_each() {
    let rig = approving(RateLimits::Off);
    rig.manifest(&orders(0..300));
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 300);
    let all = calls(&rig);
    assert!(all <= 300 + 30 + BULK, "{all} requests");
}

#[test]
fn two_windows_are_kept_without_a_refusal() {
    let rig = approving(RateLimits::Custom(vec![
        (20, Duration::from_secs(1)),
        (50, Duration::from_secs(5)),
    ]));
    let limits = "[{ requests: 20, per: 1s }, { requests: 50, per: 5s }]";
    manifest_with_limits(&rig, limits, &orders(0..60));
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 60);
    assert!(calls(&rig) > 60);
    assert_eq!(rig.ask("state")["rate_limited"], 0);
}

#[test]
fn limits_that_are_too_high_only_slow_the_run_down() {
    let rig = approving(RateLimits::Custom(vec![(20, Duration::from_secs(1))]));
    rig.manifest(&orders(0..60));
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["failed"], 0);
    let tags: BTreeSet<String> = rig
        .effects("order_created")
        .iter()
        .map(|entry| entry["alternative_order_id"].to_string())
        .collect();
    assert_eq!(tags.len(), 60);
    assert_eq!(rig.effects("order_created").len(), 60);
    assert_ne!(rig.ask("state")["rate_limited"], 0);
}

#[test]
fn an_order_that_is_refused_for_rate_limits_again_and_again_is_placed_once() {
    let rig = approving(RateLimits::Off);
    rig.manifest(&orders(0..1));
    rig.faults(json!([
        { "match": { "method": "GET" }, "fault": "rate_limit", "retry_after": 0, "times": 6 },
        { "match": { "method": "POST" }, "fault": "rate_limit", "retry_after": 0, "times": 6 },
    ]));
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
    assert_eq!(rig.ask("state")["rate_limited"], 12);
}

#[test]
fn a_chain_is_worked_through_in_its_order() {
    let rig = approving(RateLimits::Off);
    // Backwards in the manifest, so that only the dependencies can make the order.
    chain(&rig, 1_000);
    let plan = rig.plan(&[]);
    let planned = addresses(&plan);
    assert_eq!(planned.first().map(String::as_str), Some("orders.person-0"));
    assert_eq!(
        planned.last().map(String::as_str),
        Some("orders.person-999")
    );

    chain(&rig, 200);
    rig.apply(&[], 0);
    let ids: Vec<Value> = rig
        .effects("order_created")
        .iter()
        .map(|entry| entry["ids"]["order_id"].clone())
        .collect();
    assert_eq!(ids.len(), 200);
    let plan = rig.plan(&[]);
    let actions = plan["actions"].as_array().expect("actions").iter();
    let known: Vec<Value> = actions.map(|action| action["order_id"].clone()).collect();
    assert_eq!(known, ids);
}

/// Orders that each wait for the one before.
fn chain(rig: &Rig, length: usize) {
    let mut text = String::from("orders:\n");
    for number in (0..length).rev() {
        let after = match number {
            0 => String::new(),
            _ => format!(
                "after: [{{ order: person-{}, until: submitted }}]",
                number - 1
            ),
        };
        text.push_str(&format!(
            "  person-{number}:
    product: client_premium_sha2
    certificate: {{ common_name: Person {number}, emails: [person-{number}@example.com], signature_hash: sha256 }}
    validity_years: 1
    {after}
"
        ));
    }
    rig.manifest(&text);
}

/// The addresses of a plan, in its order.
fn addresses(plan: &Value) -> Vec<String> {
    let actions = plan["actions"].as_array().expect("actions").iter();
    actions
        .map(|action| action["address"].as_str().expect("an address").to_owned())
        .collect()
}

#[test]
fn ten_thousand_orders_validate_and_plan() {
    let rig = Rig::new();
    rig.manifest(&orders(0..10_000));
    let valid = rig.certplan(&["validate"]).expect(0);
    assert!(valid.stdout.contains("10000 orders"), "{}", valid.stdout);
    let plan = rig.certplan(&["plan"]).expect(0);
    assert_eq!(
        plan.stdout.lines().last(),
        Some(
            "Plan: 10000 to order, 0 to renew, 0 to reissue, 0 to revoke, 0 to adopt, 0 to settle, 0 waiting, 0 unchanged."
        )
    );
    // A person reads this: what is like the rest is counted, not listed.
    assert!(plan.stdout.lines().count() < 5_000);
}
