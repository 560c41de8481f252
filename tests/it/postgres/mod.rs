//! The state in PostgreSQL, on a real server.

mod contract;
mod cuts;
mod kills;
mod lease;
mod migrate;
mod notes;
mod refusals;
pub(crate) mod server;
mod sources;

use serde_json::{Value, json};

use self::server::Database;
use crate::crash::truth::orders_by_tag;
use crate::rig::Rig;

/// A sandbox, a database, and a manifest of so many client orders without a CSR.
fn rig_with(count: usize) -> (Rig, Database) {
    let mut rig = Rig::new();
    let database = Database::new();
    rig.set("CERTPLAN_STATE", &database.url());
    rig.manifest(&orders(count));
    (rig, database)
}

fn orders(count: usize) -> String {
    let entries: String = (0..count)
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

/// Makes each order take so long at the CA.
fn slow(rig: &Rig, millis: u64) {
    rig.faults(json!([{
        "match": { "method": "POST", "path_contains": "/order/" },
        "fault": "delay", "ms": millis,
    }]));
}

/// Fails unless every order of the manifest was placed exactly once.
#[track_caller]
fn each_once(rig: &Rig, count: usize) {
    let orders = orders_by_tag(rig);
    let twice: Vec<_> = orders.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(twice.is_empty(), "bought more than once: {twice:?}");
    assert_eq!(orders.len(), count, "orders at the CA");
}

/// After a kill: every order was placed exactly once, but for those that are left to a person, because a
/// call between its intent and its sending cannot be told from one that is still on its way.
#[track_caller]
fn each_once_or_open(rig: &Rig, count: usize, report: &Value) {
    let open = report["summary"]["unknown"].as_u64().expect("a count");
    each_once(rig, count - usize::try_from(open).expect("a count"));
}

/// The report that a run wrote.
fn report(rig: &Rig, name: &str) -> Value {
    let text = std::fs::read(rig.path(name)).expect("a report");
    serde_json::from_slice(&text).expect("JSON")
}
