//! Faults that users met, each with other members of its kind: what they did, and what is right.
//!
//! A test is called `case_NN_...` after its case; `fault_matrix` lists them all. Every one drives the real
//! binary against the sandbox and takes the sandbox's ledger for the truth.

mod addresses;
mod advice;
mod answers_used;
mod assumptions;
mod behind_proxy;
mod changed_members;
mod clock;
mod compromised;
mod costs;
mod csr_names;
mod decisions;
mod differences;
mod doubles;
mod dying;
mod errors_of_the_ca;
mod files_folder;
mod forgotten;
mod gates;
mod ids;
mod imports;
mod key_files;
mod lapsed;
mod lists;
mod lost_state;
mod news;
mod nothing_to_do;
mod one_order;
mod outputs;
mod pauses;
mod read_then_send;
mod renamed;
mod requests;
mod sandbox;
mod scheduled;
mod several_parts;
mod state_modes;
mod targets;
mod unknown_ids;
mod unsent_reasons;
mod validations;
mod variables;
mod wrong_access;
mod wrong_clock;

use serde_json::{Value, json};

use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::rig::{Rig, action};

/// Everything is approved when it is asked for.
fn automatic(rig: &Rig) {
    rig.tell("options", json!({ "approval": "automatic" }));
}

/// New requests wait for an administrator again.
fn by_hand(rig: &Rig) {
    rig.tell("options", json!({ "approval": "required" }));
}

/// The journal is gone; what this host noted of it stays.
fn lose_state(rig: &Rig) {
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
}

/// An entry of `shop.example.com` under a name, with more members in front.
fn shop(name: &str, more: &str) -> String {
    tls(name, &["shop.example.com"], more)
}

/// A TLS entry for these names. Its CSR is `NAME.csr`, made once.
fn tls(name: &str, names: &[&str], more: &str) -> String {
    let more = members(more);
    format!(
        "  {name}: {{ product: ssl_multi_domain, {more}order_validity: {{ years: 1 }}, certificate: {{ \
         common_name: \"{}\", dns_names: [{}], signature_hash: sha256, server_platform: {{ id: 2 }}, \
         csr: {{ file: {name}.csr }} }} }}\n",
        names[0],
        names.join(", ")
    )
}

/// A client certificate of this person.
fn person(name: &str, common_name: &str, more: &str) -> String {
    let more = members(more);
    format!(
        "  {name}: {{ product: client_premium_sha2, {more}validity_years: 1, certificate: {{ \
         common_name: \"{common_name}\", emails: [{name}@example.com], signature_hash: sha256, \
         csr: {{ file: {name}.csr }} }} }}\n"
    )
}

fn members(more: &str) -> String {
    if more.is_empty() {
        String::new()
    } else {
        format!("{more}, ")
    }
}

/// A revocation that needs no approval.
fn revoke(name: &str, target: &str, scope: &str) -> String {
    format!(
        "  {name}: {{ {target}, scope: {scope}, reason: keyCompromise, comments: a test, skip_approval: true }}\n"
    )
}

/// A revocation that an administrator has to approve.
fn ask_to_revoke(name: &str, target: &str, scope: &str) -> String {
    format!("  {name}: {{ {target}, scope: {scope}, reason: keyCompromise, comments: a test }}\n")
}

/// Writes the manifest from its entries. A CSR that an order names is made once.
fn manifest(rig: &Rig, orders: &[String], revocations: &[String]) {
    manifest_with(rig, "", orders, revocations);
}

/// The same with a top-level section before the entries.
fn manifest_with(rig: &Rig, section: &str, orders: &[String], revocations: &[String]) {
    let mut text = section.to_owned();
    for (title, entries) in [("orders", orders), ("revocations", revocations)] {
        if !entries.is_empty() {
            text.push_str(&format!("{title}:\n{}", entries.concat()));
        }
    }
    for file in text.split("csr: { file: ").skip(1) {
        let name = file.split(' ').next().expect("a file's name");
        if !rig.path(name).exists() {
            rig.write(name, csr());
        }
    }
    rig.manifest(&text);
}

/// A request with a new key and no name in it: the names are those of the entry.
fn csr() -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).expect("a request");
    request.pem().expect("PEM")
}

/// Puts another key under a CSR's name.
fn new_key(rig: &Rig, file: &str) {
    rig.write(file, csr());
}

/// Order info, as anybody may read it.
#[track_caller]
fn info(rig: &Rig, order: &str) -> Value {
    rig.certcentral("GET", &format!("/order/certificate/{order}"), &Value::Null)
}

#[track_caller]
fn status_of(rig: &Rig, order: &str) -> String {
    info(rig, order)["status"]
        .as_str()
        .expect("a status")
        .to_owned()
}

/// The order's certificate in force.
#[track_caller]
fn certificate_of(rig: &Rig, order: &str) -> String {
    info(rig, order)["certificate"]["id"].to_string()
}

/// How many orders the account holds.
fn orders_at_the_ca(rig: &Rig) -> u64 {
    let state = rig.ask("state");
    let orders = state["orders"].as_object().expect("counts");
    orders.values().filter_map(Value::as_u64).sum()
}

/// The certificates that died, by the ledger, oldest first.
fn died(rig: &Rig) -> Vec<String> {
    let ledger = rig.ask("ledger");
    let entries = ledger.as_array().expect("a list").iter();
    entries
        .filter(|entry| {
            entry["effect"]
                .as_str()
                .is_some_and(|effect| effect.contains("revoked"))
        })
        .filter_map(|entry| entry["ids"]["certificate_ids"].as_array())
        .flatten()
        .map(ToString::to_string)
        .collect()
}

/// Paths of the changes that certplan asked for at CertCentral, oldest first. What a test does itself through
/// the API counts as well.
fn sent(rig: &Rig) -> Vec<String> {
    let changes = rig.changes();
    changes
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().expect("a path");
            path.replace("/services/v2", "").replace("/api/v2", "")
        })
        .collect()
}

/// Paths of the GETs of CertCentral that a command caused.
fn reads_of<T>(rig: &Rig, command: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = rig.ask("ledger").as_array().expect("a list").len();
    let ended = command();
    let ledger = rig.ask("ledger");
    let reads = ledger.as_array().expect("a list")[before..]
        .iter()
        .filter(|entry| entry["method"] == "GET" && entry["provider"] == "certcentral")
        .map(|entry| entry["path"].as_str().expect("a path").to_owned())
        .collect();
    (ended, reads)
}

/// `plan`, whatever its exit code.
#[track_caller]
fn planned(rig: &Rig) -> Value {
    rig.certplan(&["plan", "--format", "json"]).json()
}

/// Every warning of a plan, one to a line.
fn warnings(plan: &Value) -> String {
    let warnings = plan["warnings"].as_array().expect("warnings").iter();
    warnings
        .map(|warning| warning["message"].as_str().expect("a message"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The word of an address's action in a fresh plan.
#[track_caller]
fn word(rig: &Rig, address: &str) -> String {
    let plan = planned(rig);
    action(&plan, address)["action"]
        .as_str()
        .expect("a word")
        .to_owned()
}

/// The status entry of an address.
#[track_caller]
fn standing(rig: &Rig, address: &str) -> Value {
    let status = rig.certplan(&["status", "--format", "json"]).json();
    let entries = status["entries"].as_array().expect("entries");
    entries
        .iter()
        .find(|entry| entry["address"] == address)
        .unwrap_or_else(|| panic!("no {address} in {status:#}"))
        .clone()
}

/// `apply --yes`, its exit code and its report.
#[track_caller]
fn applied(rig: &Rig) -> (i32, Value) {
    let ended = rig.certplan(&["apply", "--yes", "--report", "json=report.json"]);
    let text = std::fs::read(rig.path("report.json"))
        .unwrap_or_else(|error| panic!("no report: {error}\n{}\n{}", ended.stdout, ended.stderr));
    std::fs::remove_file(rig.path("report.json")).expect("the report goes");
    (
        ended.code.expect("an exit code"),
        serde_json::from_slice(&text).expect("a JSON report"),
    )
}

/// `apply --yes --quiet` ends with 3, and standard error names the address.
#[track_caller]
fn needs_a_person(rig: &Rig, address: &str) -> String {
    let ended = rig.certplan(&["apply", "--yes", "--quiet"]).expect(3);
    assert!(
        ended.stderr.contains(address),
        "{address} is not named on standard error:\n{}",
        ended.stderr
    );
    ended.stderr
}

/// What an address waits for, in a fresh plan.
#[track_caller]
fn waiting_code(rig: &Rig, address: &str) -> String {
    let plan = planned(rig);
    let step = action(&plan, address);
    step["waiting_code"]
        .as_str()
        .unwrap_or_else(|| panic!("{address} has no waiting_code: {step:#}"))
        .to_owned()
}

/// Somebody orders a TLS certificate in the console; returns its order id.
#[track_caller]
fn bought_elsewhere(rig: &Rig, names: &[&str]) -> String {
    let body = json!({
        "certificate": { "common_name": names[0], "dns_names": names, "csr": csr(),
            "signature_hash": "sha256" },
        "organization": { "id": 112_233 },
        "order_validity": { "years": 1 },
        "skip_approval": true,
    });
    rig.certcentral("POST", "/order/certificate/ssl_multi_domain", &body)["id"].to_string()
}

/// A colleague issues a duplicate of an order; returns its certificate id.
#[track_caller]
fn duplicate(rig: &Rig, order: &str) -> String {
    let body = json!({
        "certificate": { "csr": csr(), "signature_hash": "sha256",
            "server_platform": { "id": 2 } },
        "skip_approval": true,
    });
    let path = format!("/order/certificate/{order}/duplicate");
    rig.certcentral("POST", &path, &body)["certificate_id"].to_string()
}
