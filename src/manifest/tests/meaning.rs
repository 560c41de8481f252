//! What a manifest means: the model of a whole one, the schema, and what must never be shown.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{load_text, short};
use crate::manifest::Paint;
use crate::manifest::schema;
use crate::model::{Address, Milestone, RenewalOf, RevocationTarget, Scope, Wanted};
use crate::provider::authorities;

const ACCOUNT: &str = "version: 1\naccounts: {a: {provider: certcentral, api_key: {env: K}}}\n";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

#[test]
fn an_order_goes_to_the_ca_with_the_apis_names_and_types() {
    let text = format!(
        r#"{ACCOUNT}
defaults:
  orders: {{ account: a, organization: {{ id: "112233" }}, payment_method: balance, validity_years: 2 }}
orders:
  new:
    product: client_premium_sha2
    generation: 2
    certificate: {{ common_name: A, emails: [a@example.com], signature_hash: sha256, organization_units: [U] }}
    container: {{ id: "5" }}
    custom_expiration_date: 2027-06-30
    skip_approval: true
    custom_fields: [{{ metadata_id: "12", value: "CC-9" }}]
    renewal_of: old
    after: [{{ order: old, until: issued }}]
  old:
    product: ssl_plusx
    renewal_of_order_id: "4711"
    certificate: {{ server_platform: {{ id: -1 }}, dns_names: [a.example.com] }}
"#
    );
    let loaded = load_text(text).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert!(
        loaded.warnings[0]
            .message
            .contains("did you mean `ssl_plus`?")
    );
    assert_eq!(loaded.warnings[0].location.line, 17);
    let [new, old] = loaded.batch.items.as_slice() else {
        panic!()
    };
    let (Wanted::Order(new_order), Wanted::Order(old_order)) = (&new.wanted, &old.wanted) else {
        panic!()
    };
    assert_eq!(
        Value::Object(new_order.term_members.map()),
        json!({
            "organization": { "id": 112233 }, "payment_method": "balance", "container": { "id": 5 },
            "custom_expiration_date": "2027-06-30",
        })
    );
    assert_eq!(
        Value::Object(new_order.members.map()),
        json!({ "custom_fields": [{ "metadata_id": 12, "value": "CC-9" }] })
    );
    assert_eq!(
        Value::Object(new_order.call_members.map()),
        json!({ "skip_approval": true })
    );
    assert_eq!(
        Value::Object(new_order.certificate.members.map()),
        json!({ "signature_hash": "sha256" })
    );
    assert_eq!(new_order.certificate.common_name.as_deref(), Some("A"));
    assert_eq!(new_order.certificate.organization_units, ["U"]);
    assert_eq!(new_order.generation, 2);
    assert_eq!(
        new_order.renewal_of,
        Some(RenewalOf::Item("old".parse().unwrap()))
    );
    assert_eq!(new.after.len(), 1);
    assert_eq!(new.after[0].until, Milestone::Issued);
    assert_eq!(old_order.term_members.map()["validity_years"], 2);
    assert_eq!(
        old_order.renewal_of,
        Some(RenewalOf::OrderId("4711".into()))
    );
    assert_eq!(
        old_order.certificate.delivery.map()["server_platform"]["id"],
        -1
    );
}

#[test]
fn what_stands_for_an_existing_order_is_never_sent_and_changes_no_terms() {
    let text = |members: &str| {
        format!(
            "{ACCOUNT}orders: {{ o: {{ account: a, product: ssl_basic, organization: {{ id: 1 }}, validity_years: 1, \
             certificate: {{ common_name: a.example, signature_hash: sha256, csr: {{ file: tests/cases/manifest/good/csr/www.csr }} }}{members} }} }}\n"
        )
        .replace("a.example", "www.example.com, dns_names: [example.com]")
    };
    let order = |members: &str| {
        let batch = load_text(text(members)).unwrap().batch;
        match &batch.items[0].wanted {
            Wanted::Order(order) => order.as_ref().clone(),
            Wanted::Revocation(_) => panic!("an order"),
        }
    };
    let plain = order("");
    let bound = order(", existing_order_id: 7, allow_similar: true");
    assert!(!plain.allow_similar && plain.existing_order_id.is_none());
    assert!(bound.allow_similar);
    assert_eq!(bound.existing_order_id, Some("7".into()));
    assert_eq!(bound.members, plain.members);
    assert_eq!(bound.terms(), plain.terms());
    assert_eq!(bound.certificate.digest(), plain.certificate.digest());
}

#[test]
fn names_imply_edges_and_bare_names_the_stronger_condition() {
    let text = format!(
        "{ACCOUNT}  \norders:\n  o: {{account: a, product: thing}}\nrevocations:\n  r: {{order: o, scope: duplicates, reason: superseded, comments: x, after: [s]}}\n  s: {{account: a, order_id: 9, scope: {{serial_number: \"0A:1B\"}}, reason: keyCompromise, comments: x, after: [o]}}\n"
    );
    let loaded = load_text(text).unwrap();
    let r = &loaded.batch.items[1];
    assert_eq!(r.account.as_str(), "a");
    let edges: Vec<_> = r
        .after
        .iter()
        .map(|after| (after.address.clone(), after.until))
        .collect();
    assert_eq!(
        edges,
        [
            (address("orders.o"), Milestone::Submitted),
            (address("revocations.s"), Milestone::Revoked)
        ]
    );
    let s = &loaded.batch.items[2];
    assert_eq!(
        (&s.after[0].address, s.after[0].until),
        (&address("orders.o"), Milestone::Issued)
    );
    let Wanted::Revocation(revocation) = &s.wanted else {
        panic!()
    };
    assert_eq!(revocation.scope, Scope::SerialNumber("0a1b".into()));
    assert_eq!(revocation.target, RevocationTarget::OrderId("9".into()));
    assert_eq!(revocation.generation, 1);
}

#[test]
fn limits_have_the_published_defaults() {
    let loaded = load_text(format!("{ACCOUNT}policy: {{}}\norders:\n")).unwrap();
    let account = loaded.batch.accounts.values().next().unwrap();
    let limits: Vec<_> = account
        .rate_limits
        .iter()
        .map(|limit| (limit.requests, limit.per))
        .collect();
    assert_eq!(
        limits,
        [
            (100, Duration::from_secs(5)),
            (1000, Duration::from_secs(300))
        ]
    );
    assert_eq!(account.max_in_flight, 16);
    assert_eq!(loaded.batch.policy.max_revocation_percent, None);
    assert_eq!(
        loaded.batch.policy.doubt.quiet_period,
        Duration::from_secs(900)
    );
}

#[test]
fn no_excerpt_and_no_message_shows_what_stands_for_a_credential() {
    for text in [
        "version: 1\naccounts:\n  a:\n    provider: certcentral\n    api_key: SECRET\n",
        "version: 1\naccounts:\n  a:\n    provider: nowhere\n    api_key: {env: \"SECRET 1\"}\n    regoin: us\n",
        "version: 1\naccounts:\n  a:\n    provider: certcentral\n    api_kye: SECRET\n",
        "version: 1\naccounts:\n  a:\n    provider: certcentral\n    api_key: {SECRET: 1}\n    x: 1\n",
        "version: 1\naccounts:\n  a:\n    provider: certcentral\n    api_key: [SECRET, SECRET]\n",
        "version: 1\naccounts:\n  a:\n    provider: ncloud\n    secret_key: |\n      SECRET\n    access_key: \"SECRET\n",
        "version: 1\naccounts:\n  a: {provider: certcentral, api_key: {env: K, file: SECRET, value: SECRET}}\n",
        "version: 1\naccounts:\n  a:\n    provider: certcentral\n    api_key: {env: SECRETSECRET12345678}\n",
        "version: 1\naccounts:\n  a: SECRET\n",
        "version: 1\naccounts:\n  a:\n    api_key: {SECRET: 1, SECRET: 2}\n",
        "version: 1\naccounts:\n  a:\n    api_key: {? !SECRET SECRET : 1}\n",
        "version: 1\naccounts: SECRET\n",
        "version: 1\naccounts: [SECRET]\n",
        "version: 1\naccounts:\n  a:\n    api_key: SECRET\n    api_key: SECRET\n",
        "version: 1\naccounts:\n  a:\n    api_key: !x SECRET\n",
        "version: 1\nx: &s SECRET\naccounts:\n  a:\n    provider: certcentral\n    api_key: *s\n",
    ] {
        let problems = load_text(text).unwrap_err();
        let shown = format!(
            "{}{problems}{problems:?}{}",
            problems.render(Paint::Plain, 200),
            serde_json::to_string(&problems.lines()).unwrap()
        );
        assert!(!shown.contains("SECRET"), "{text}\n{shown}");
    }
}

#[test]
fn a_masked_value_keeps_its_length() {
    let text = "version: 1\naccounts:\n  a:\n    provider: certcentral\n    api_key: SECRET\n";
    let problems = load_text(text).unwrap_err();
    assert_eq!(short(&problems), ["plain_secret 5:14"]);
    let shown = problems.render(Paint::Plain, 200);
    assert!(shown.contains("api_key: ******\n"), "{shown}");
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/manifest.schema.json");
    let written = format!(
        "{}\n",
        serde_json::to_string_pretty(&schema(&authorities())).unwrap()
    );
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert_eq!(
        fs::read_to_string(path).unwrap_or_default(),
        written,
        "run with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn an_excerpt_cannot_steer_the_terminal() {
    let text =
        "version: 1\norders:\n  \"a\u{202e}b\": {} # \u{200b}\u{e0041}\n  # \u{85}\n  x_y: {}\n";
    let problems = load_text(text).unwrap_err();
    let shown = problems.render(Paint::Plain, 200);
    let steers = |c: char| "\u{202e}\u{200b}\u{e0041}\u{85}\u{1b}".contains(c);
    assert!(
        shown.contains("x_y") && !shown.contains(steers),
        "{shown:?}"
    );
}

#[test]
fn whole_numbers_with_a_fraction_of_zero_keep_their_meaning() {
    let loaded = load_text("version: 1\npolicy: {max_orders: 3.0}\n").unwrap();
    assert_eq!(loaded.batch.policy.max_orders, Some(3));
    let problems = load_text("version: 1\npolicy: {max_orders: 3.5}\n").unwrap_err();
    assert_eq!(short(&problems), ["wrong_type 2:22"]);
}

#[test]
fn a_tab_is_told_by_its_name() {
    let problems = load_text("version: 1\norders:\n\ta: {}\n").unwrap_err();
    let help: Vec<_> = problems
        .lines()
        .iter()
        .map(|line| line.help.clone())
        .collect();
    assert!(
        help.iter().flatten().any(|help| help.contains("blanks")),
        "{help:?}"
    );
}

#[test]
fn what_cannot_be_read_hides_only_what_may_follow_from_it() {
    let entry = "account: a, order_id: 1, scope: order, reason: superseded, comments: x";
    let known = |section: &str, more: &str| {
        let text = format!(
            "{ACCOUNT}orders:\n  o: {{account: a, product: thing}}\n{section}revocations:\n  r: {{{entry}, after: [nowhere]}}\n  s: {{order: none, scope: order, reason: superseded, comments: x}}\n{more}"
        );
        short(&load_text(text).unwrap_err())
    };
    assert_eq!(known("", ""), ["unknown_name 6:87", "unknown_order 7:14"]);
    // A tag, and what stands in another section.
    let tags = "  t: {account: a, order_id: !x 1, scope: order, reason: superseded, comments: x}\npolicy: {max_orders: !x 1}\n";
    assert_eq!(
        known("", tags),
        [
            "unknown_name 6:87",
            "unknown_order 7:14",
            "tag 8:29",
            "tag 9:22"
        ]
    );
    // A name that cannot be read may be the one that is looked for.
    assert_eq!(known("  1: {}\n", ""), ["key_not_text 5:3"]);
    let account = "version: 1\naccounts: {1: {provider: certcentral}}\nrevocations:\n  r: {order_id: 1, account: b}\n";
    assert_eq!(
        short(&load_text(account).unwrap_err()),
        [
            "key_not_text 2:12",
            "missing_scope 4:3",
            "missing_reason 4:3"
        ]
    );
}
