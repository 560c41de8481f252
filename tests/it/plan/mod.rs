//! What a plan says, and what it costs in requests.

mod adoption;
mod changes;
mod labels;
mod limits;
mod moved;
mod products;
mod scope;

use serde_json::{Value, json};

use crate::contract::{assert_ids_are_strings, assert_valid};
use crate::rig::{Rig, action, csr};

fn automatic(rig: &Rig) {
    rig.tell("options", json!({ "approval": "automatic" }));
}

fn lose_state(rig: &Rig) {
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state goes");
}

/// The plan as text, without colours.
fn text(rig: &Rig, more: &[&str]) -> String {
    let mut args = vec!["plan"];
    args.extend(more);
    rig.certplan(&args).expect(0).stdout
}

fn warnings(plan: &Value, address: &str) -> String {
    let warnings = plan["warnings"].as_array().expect("warnings");
    warnings
        .iter()
        .filter(|warning| warning["address"] == address)
        .map(|warning| warning["message"].as_str().expect("a message"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// One TLS order with these names and a CSR under `tls.csr`.
fn tls(names: &[&str]) -> String {
    format!(
        "orders:
  shop:
    product: ssl_basic
    certificate:
      common_name: {}
      dns_names: [{}]
      signature_hash: sha256
      server_platform: {{ id: 45 }}
      csr: {{ file: tls.csr }}
    order_validity: {{ days: 90 }}
",
        names[0],
        names.join(", ")
    )
}

/// A rig in which every action but `settle` has its turn, and the addresses for each.
fn every_action() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    rig.renewals_at_any_time();
    rig.write("tls.csr", csr("shop.example.com"));
    rig.write("ada.csr", csr("ada"));
    rig.orders(&["adopted"], "");
    rig.apply(&[], 0);
    lose_state(&rig);
    let adopted = std::fs::read_to_string(rig.path("adopted.csr")).unwrap();
    // In force, then changed: a reissue. In force and left alone: keep.
    rig.orders(
        &["kept"],
        &tls(&["shop.example.com", "www.shop.example.com"])["orders:\n".len()..],
    );
    rig.apply(&[], 0);
    let kept = std::fs::read_to_string(rig.path("kept.csr")).unwrap();
    rig.tell("options", json!({ "approval": "required" }));
    let ids = rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 1 }));
    let client = rig.seed(json!({ "certcentral": 1, "product": "client_premium_sha2" }));
    let write = |pending: &str| {
        rig.orders(
            &["kept", "adopted", "pending", "fresh", "again"],
            &format!(
                "    renewal_of_order_id: {}
{}revocations:
  gone: {{ order_id: {}, scope: order, reason: superseded, comments: left }}
",
                client[0],
                &tls(&["shop.example.com"])["orders:\n".len()..],
                ids[0],
            ),
        );
        rig.write("adopted.csr", &adopted);
        rig.write("kept.csr", &kept);
        if !pending.is_empty() {
            rig.write("pending.csr", pending);
        }
    };
    write("");
    let pending = std::fs::read_to_string(rig.path("pending.csr")).unwrap();
    rig.certplan(&["apply", "--yes", "--target", "orders.pending"])
        .expect(0);
    write(&pending);
    rig
}

#[test]
fn every_action_has_its_symbol_its_reason_and_its_place_in_the_last_line() {
    let rig = every_action();
    let plan = rig.plan(&[]);
    let expected = [
        ("orders.fresh", "order", "+"),
        ("orders.again", "renew", "~"),
        ("orders.shop", "reissue", "~"),
        ("revocations.gone", "revoke", "-"),
        ("orders.adopted", "adopt", "="),
        ("orders.pending", "wait", "."),
        ("orders.kept", "keep", ""),
    ];
    let shown = text(&rig, &["--color", "never"]);
    for (address, word, symbol) in expected {
        let step = action(&plan, address);
        assert_eq!(step["action"], word, "{address}: {step:#}");
        assert!(!step["reason"].as_str().unwrap().is_empty());
        if !symbol.is_empty() {
            assert!(
                shown.contains(&format!("{symbol} {address}")),
                "{address} in {shown}"
            );
        }
    }
    assert_eq!(
        plan["summary"],
        json!({ "order": 1, "renew": 1, "reissue": 1, "revoke": 1, "adopt": 1, "settle": 0, "collect": 0,
                "wait": 1, "keep": 1 })
    );
    assert_eq!(
        shown.lines().last(),
        Some(
            "Plan: 1 to order, 1 to renew, 1 to reissue, 1 to revoke, 1 to adopt, 0 to settle, 1 waiting, 1 unchanged."
        )
    );
    let above: Vec<&str> = shown.lines().rev().skip(1).take(4).collect();
    for part in ["API requests:", "Time:", "Money:"] {
        assert!(
            above.iter().any(|line| line.starts_with(part)),
            "{part} in {shown}"
        );
    }
    assert_valid("plan", &plan);
    assert_ids_are_strings(&plan);
}

#[test]
fn a_plan_changes_nothing_and_is_the_same_twice() {
    let rig = every_action();
    let (changes, first) = (rig.changes().len(), rig.plan(&[]));
    let second = rig.plan(&[]);
    assert_eq!(first["plan_id"], second["plan_id"]);
    assert!(first["plan_id"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(rig.changes().len(), changes);
    let markdown = rig
        .certplan(&["plan", "--format", "markdown"])
        .expect(0)
        .stdout;
    assert!(
        markdown.contains(first["plan_id"].as_str().unwrap()),
        "{markdown}"
    );
    assert!(
        markdown.contains("3 certificates will be revoked"),
        "{markdown}"
    );
    for address in ["orders.fresh", "orders.shop", "revocations.gone"] {
        assert!(markdown.contains(address), "{markdown}");
    }
    // Another meaning is another plan; another spelling is not.
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    rig.write("certplan.yaml", format!("# a comment\n{text}"));
    assert_eq!(rig.plan(&[])["plan_id"], first["plan_id"]);
    rig.write(
        "certplan.yaml",
        text.replace("superseded", "cessationOfOperation"),
    );
    assert_ne!(rig.plan(&[])["plan_id"], first["plan_id"]);
}

#[test]
fn the_whole_plan_is_carried_out_and_nothing_else() {
    let rig = every_action();
    let plan = rig.plan(&[]);
    let planned: Vec<String> = plan["actions"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["requests"].as_array().unwrap().clone())
        .map(|request| {
            format!(
                "{} /services/v2{}",
                request["method"].as_str().unwrap(),
                request["path"].as_str().unwrap()
            )
        })
        .collect();
    let before = rig.changes().len();
    rig.apply(&[], 0);
    let mut sent: Vec<String> = rig.changes()[before..]
        .iter()
        .map(|entry| {
            format!(
                "{} {}",
                entry["method"].as_str().unwrap(),
                entry["path"].as_str().unwrap()
            )
        })
        .collect();
    let mut planned = planned;
    planned.sort();
    sent.sort();
    assert_eq!(planned, sent);
    rig.approve_all();
    let end = rig.plan(&[]);
    assert_eq!(end["summary"]["keep"], 7, "{end:#}");
}

#[test]
fn a_revocation_shows_every_certificate_that_will_die() {
    let rig = Rig::new();
    let id = rig
        .seed(json!({ "certcentral": 1, "duplicates_per_order": 2 }))
        .remove(0);
    rig.manifest(&format!(
        "revocations:
  gone: {{ order_id: {id}, scope: order, reason: superseded, comments: left }}
"
    ));
    let plan = rig.plan(&[]);
    let shown = text(&rig, &[]);
    let pins = action(&plan, "revocations.gone")["revokes"]
        .as_array()
        .unwrap();
    assert_eq!(pins.len(), 3);
    for pin in pins {
        for member in ["certificate_id", "serial_number", "valid_till"] {
            let value = pin[member].as_str().expect(member);
            assert!(shown.contains(value), "{value} in {shown}");
        }
        assert!(shown.contains(pin["names"][0].as_str().unwrap()));
    }
    assert!(shown.contains("3 certificates will die"), "{shown}");
    assert_eq!(plan["revoked_certificates"], 3);
}

#[test]
fn secrets_are_in_no_format() {
    let rig = every_action();
    for format in ["text", "json", "markdown"] {
        let shown = rig.certplan(&["plan", "--format", format, "-v"]).expect(0);
        for secret in ["sandbox-certcentral-key", "sandbox-ncloud-secret-key"] {
            assert!(!shown.stdout.contains(secret) && !shown.stderr.contains(secret));
        }
    }
}
