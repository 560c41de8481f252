//! The oracle: what the sandbox's ledger says happened, held against what the journal knows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::rig::{Rig, client_order, csr};

/// Accounts for tests of failure: few calls in flight, and a policy.
pub(crate) fn header(in_flight: u32, doubt: &str) -> String {
    format!(
        "\
version: 1
accounts:
  digicert:
    provider: certcentral
    api_key: {{ env: DIGICERT_API_KEY }}
    rate_limits: [{{ requests: 100000, per: 1s }}]
    max_in_flight: {in_flight}
  navercloud:
    provider: ncloud
    access_key: {{ env: NCLOUD_ACCESS_KEY }}
    secret_key: {{ env: NCLOUD_SECRET_KEY }}
policy: {{ doubt: {doubt} }}
defaults:
  orders: {{ account: digicert, organization: {{ id: 112233 }} }}
  revocations: {{ account: digicert }}
"
    )
}

/// Orders again after a second of silence.
pub(crate) const RESEND: &str = "{ quiet_period: 1s, then: resend }";
/// Asks after a second of silence.
pub(crate) const ASK: &str = "{ quiet_period: 1s, then: ask }";

/// Writes a manifest of client orders under this header. A name keeps its CSR over several calls.
pub(crate) fn manifest(rig: &Rig, header: &str, names: &[&str], rest: &str) {
    let mut text = String::from("orders:\n");
    for name in names {
        let file = format!("{name}.csr");
        if !rig.path(&file).exists() {
            rig.write(&file, csr(name));
        }
        text.push_str(&client_order(name));
    }
    if names.is_empty() {
        text.clear();
    }
    rig.write("certplan.yaml", format!("{header}{text}{rest}"));
}

/// The entry of a revocation of a whole CertCentral order.
pub(crate) fn revocation(name: &str, order_id: &str) -> String {
    format!(
        "revocations:\n  {name}: {{ order_id: {order_id}, scope: order, reason: superseded, comments: a test }}\n"
    )
}

/// The ids of the orders that were created at the CA, by their tag.
pub(crate) fn orders_by_tag(rig: &Rig) -> BTreeMap<String, Vec<String>> {
    let mut orders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in rig.effects("order_created") {
        let tag = entry["alternative_order_id"].as_str().unwrap_or_default();
        let id = entry["ids"]["order_id"].as_str().expect("an id");
        orders
            .entry(tag.to_owned())
            .or_default()
            .push(id.to_owned());
    }
    orders
}

/// The orders that the journal knows, by address.
pub(crate) fn known(rig: &Rig) -> BTreeMap<String, String> {
    let status = rig
        .certplan(&["status", "--offline", "--format", "json"])
        .expect(0)
        .json();
    let entries = status["entries"].as_array().expect("entries").iter();
    entries
        .filter_map(|entry| {
            let address = entry["address"].as_str()?.to_owned();
            Some((address, entry["order_id"].as_str()?.to_owned()))
        })
        .collect()
}

/// The facts of the journal.
pub(crate) fn facts(rig: &Rig) -> Vec<Value> {
    let history = rig
        .certplan(&["history", "--format", "json"])
        .expect(0)
        .json();
    history["facts"].as_array().expect("facts").clone()
}

/// The words of the facts about an item, oldest first.
pub(crate) fn words(rig: &Rig, address: &str) -> Vec<String> {
    facts(rig)
        .iter()
        .filter(|fact| fact["address"] == address)
        .map(|fact| fact["body"]["fact"].as_str().expect("a word").to_owned())
        .collect()
}

/// Nothing twice, nothing lost, nothing unknown: one order for each name, and the journal has it.
#[track_caller]
pub(crate) fn exactly_once(rig: &Rig, names: usize, what: &str) {
    let orders = orders_by_tag(rig);
    for (tag, ids) in &orders {
        assert_eq!(ids.len(), 1, "{what}: {tag} was bought as {ids:?}");
    }
    assert_eq!(orders.len(), names, "{what}: lost or never placed");
    let known = known(rig);
    for ids in orders.values() {
        assert!(
            known.values().any(|id| *id == ids[0]),
            "{what}: the journal does not know {ids:?}: {known:?}"
        );
    }
    rig.certplan(&["history", "--verify"]).expect(0);
}

/// POSTs that place orders.
pub(crate) fn order_calls(rig: &Rig) -> usize {
    let calls = rig.changes();
    calls
        .iter()
        .filter(|call| call["method"] == "POST")
        .filter(|call| {
            let path = call["path"].as_str().expect("a path");
            path.contains("/order/certificate/") && !path.contains("/reissue")
        })
        .count()
}

/// Applies until nothing is in doubt any more, as a person or a timer would.
#[track_caller]
pub(crate) fn recover(rig: &Rig, what: &str) {
    for _ in 0..20 {
        let ended = rig.certplan(&["apply", "--yes"]);
        match ended.code {
            Some(0) => return,
            Some(3) => std::thread::sleep(Duration::from_millis(500)),
            _ => panic!("{what}\n--- then\n{}\n{}", ended.stdout, ended.stderr),
        }
    }
    panic!("{what}: never settled");
}
