//! What a plan says, and what it costs in requests.

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
        json!({ "order": 1, "renew": 1, "reissue": 1, "revoke": 1, "adopt": 1, "settle": 0,
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

#[test]
fn the_detailed_exit_code_is_2_only_when_apply_has_something_to_do() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
    rig.apply(&[], 0);
    // Waiting alone, then unchanged.
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
    rig.approve_all();
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(0);
    rig.orders(&["ada", "bob"], "");
    rig.certplan(&["plan"]).expect(0);
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
}

#[test]
fn a_target_brings_what_it_depends_on_and_nothing_else() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob", "cleo"], "    after: [bob]\n");
    let plan = rig.plan(&["--target", "orders.cleo"]);
    let addresses: Vec<&str> = plan["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["address"].as_str().unwrap())
        .collect();
    assert_eq!(addresses, ["orders.bob", "orders.cleo"]);
    assert_eq!(plan["targets"], json!(["orders.cleo"]));
    let two = rig.plan(&["--target", "orders.ada", "--target", "orders.bob"]);
    assert_eq!(two["summary"]["order"], 2);
    rig.certplan(&["apply", "--yes", "--target", "orders.bob"])
        .expect(0);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_target_needs_only_the_keys_of_its_own_accounts() {
    let mut rig = Rig::new();
    rig.orders(
        &["ada"],
        "revocations:
  shop: { account: navercloud, order_id: \"1\", scope: order, reason: superseded }
  late: { account: navercloud, order_id: \"1\", scope: order, reason: superseded, after: [ada] }
",
    );
    rig.unset("NCLOUD_SECRET_KEY");
    rig.certplan(&["plan"]).expect(1);
    let plan = rig.plan(&["--target", "orders.ada"]);
    assert_eq!(plan["summary"]["order"], 1);
    rig.apply(&["--target", "orders.ada"], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
    // A dependency's account is one of its own.
    rig.set("NCLOUD_SECRET_KEY", "sandbox-ncloud-secret-key");
    rig.unset("DIGICERT_API_KEY");
    rig.certplan(&["plan", "--target", "revocations.shop"])
        .expect(0);
    rig.certplan(&["plan", "--target", "revocations.late"])
        .expect(1);
}

#[test]
fn offline_needs_no_key_and_cannot_be_applied() {
    let mut rig = Rig::new();
    let id = rig.seed(json!({ "certcentral": 1 })).remove(0);
    rig.orders(
        &["ada"],
        &format!(
            "revocations:
  old: {{ order_id: {id}, scope: order, reason: superseded, comments: x }}
"
        ),
    );
    rig.certplan(&["apply", "--yes", "--target", "orders.ada"])
        .expect(0);
    rig.unset("DIGICERT_API_KEY");
    let reads = rig.reads();
    let plan = rig.plan(&["--offline"]);
    assert_valid("plan", &plan);
    assert_eq!(plan["offline"], true);
    assert_eq!(action(&plan, "orders.ada")["action"], "wait");
    assert_eq!(action(&plan, "revocations.old")["action"], "revoke");
    assert_eq!(rig.reads(), reads);
}

/// Twenty seeded orders and a revocation of the first so many.
fn many(rig: &Rig, revoked: usize, policy: &str) {
    let ids = rig.seed(json!({ "certcentral": 20 }));
    let mut entries = format!("{policy}revocations:\n");
    for (at, id) in ids.iter().take(revoked).enumerate() {
        entries.push_str(&format!(
            "  r{at}: {{ order_id: {id}, scope: order, reason: superseded, comments: x }}\n"
        ));
    }
    rig.manifest(&entries);
}

#[test]
fn thirty_percent_is_the_limit_where_nobody_said_otherwise() {
    let rig = Rig::new();
    many(&rig, 6, "");
    assert_eq!(rig.plan(&[])["summary"]["revoke"], 6);
    let rig = Rig::new();
    many(&rig, 7, "");
    let refused = rig.certplan(&["plan"]).expect(5);
    assert!(refused.stdout.contains("7 to revoke"), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("max_revocation_percent"),
        "{}",
        refused.stderr
    );
    let json = rig.certplan(&["plan", "--format", "json"]).expect(5).json();
    assert_valid("plan", &json);
    assert_eq!(json["breaches"][0]["rule"], "max_revocation_percent");
    rig.certplan(&["apply", "--yes"]).expect(5);
    assert!(rig.changes().is_empty());
    rig.certplan(&["plan", "--allow-revocations", "6"])
        .expect(5);
    rig.certplan(&["plan", "--allow-revocations", "7"])
        .expect(0);
    rig.apply(&["--allow-revocations", "7"], 0);
    assert_eq!(rig.changes().len(), 7);
}

#[test]
fn fewer_than_twenty_certificates_have_no_limit_by_themselves() {
    let rig = Rig::new();
    let ids = rig.seed(json!({ "certcentral": 19 }));
    let entries: String = ids
        .iter()
        .enumerate()
        .map(|(at, id)| {
            format!(
                "  r{at}: {{ order_id: {id}, scope: order, reason: superseded, comments: x }}\n"
            )
        })
        .collect();
    rig.manifest(&format!("revocations:\n{entries}"));
    assert_eq!(rig.plan(&[])["summary"]["revoke"], 19);
    rig.manifest(&format!(
        "policy: {{ max_revocation_percent: 50 }}\nrevocations:\n{entries}"
    ));
    rig.certplan(&["plan"]).expect(5);
}

#[test]
fn the_policy_limits_orders_and_revocations() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "policy: { max_orders: 1 }\n");
    let refused = rig.certplan(&["plan"]).expect(5);
    assert!(refused.stderr.contains("max_orders"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("--allow-orders 2"),
        "{}",
        refused.stderr
    );
    rig.certplan(&["apply", "--yes"]).expect(5);
    assert!(rig.changes().is_empty());
    rig.certplan(&["plan", "--target", "orders.ada"]).expect(0);
    rig.certplan(&["plan", "--allow-orders", "2"]).expect(0);

    let rig = Rig::new();
    many(&rig, 3, "policy: { max_revocations: 2 }\n");
    let refused = rig.certplan(&["plan"]).expect(5);
    assert!(
        refused.stderr.contains("max_revocations"),
        "{}",
        refused.stderr
    );
    rig.certplan(&["plan", "--allow-revocations", "3"])
        .expect(0);
}

#[test]
fn a_policy_from_outside_is_tightened_and_never_loosened_by_the_manifest() {
    let rig = Rig::new();
    rig.write("policy.yaml", "max_orders: 1\n");
    rig.orders(&["ada", "bob"], "policy: { max_orders: 50 }\n");
    rig.certplan(&["plan"]).expect(0);
    rig.certplan(&["plan", "--policy", "policy.yaml"]).expect(5);
    rig.certplan(&["apply", "--yes", "--policy", "policy.yaml"])
        .expect(5);
    rig.write("policy.yaml", "max_orders: 50\n");
    rig.orders(&["ada", "bob"], "policy: { max_orders: 1 }\n");
    rig.certplan(&["plan", "--policy", "policy.yaml"]).expect(5);
    rig.write("policy.yaml", "max_order: 1\n");
    rig.certplan(&["plan", "--policy", "policy.yaml"]).expect(1);
    assert!(rig.changes().is_empty());
}

#[test]
fn apply_goes_on_only_with_the_expected_digest() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let id = rig.plan(&[])["plan_id"].as_str().unwrap().to_owned();
    let zeros = format!("sha256:{}", "0".repeat(64));
    let refused = rig
        .certplan(&["apply", "--yes", "--expect", &zeros])
        .expect(5);
    assert!(refused.stderr.contains(&id), "{}", refused.stderr);
    assert!(rig.changes().is_empty());
    rig.certplan(&["apply", "--yes", "--expect", &id]).expect(0);
    assert_eq!(rig.effects("order_created").len(), 1);
    rig.certplan(&["apply", "--yes", "--expect", &id]).expect(5);
}

#[test]
fn an_order_that_left_the_manifest_is_named_and_never_revoked() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada", "bob"], "");
    rig.apply(&[], 0);
    rig.orders(&["bob2"], "");
    rig.manifest("");
    let plan = rig.plan(&[]);
    assert_eq!(plan["actions"], json!([]));
    for address in ["orders.ada", "orders.bob"] {
        assert!(
            warnings(&plan, address).contains("no longer managed"),
            "{plan:#}"
        );
    }
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 2);
}

#[test]
fn a_rejected_canceled_or_revoked_order_is_bought_again_only_with_a_new_generation() {
    for end in ["reject", "cancel", "revoke"] {
        let rig = Rig::new();
        rig.orders(&["ada"], "");
        let csr = std::fs::read_to_string(rig.path("ada.csr")).unwrap();
        let report = rig.apply(&[], 0);
        let id = action(&report, "orders.ada")["order_id"].clone();
        match end {
            "reject" => rig.tell("reject", json!({ "all": true })),
            "cancel" => rig.tell("cancel", json!({ "order_id": id })),
            _ => {
                rig.approve_all();
                rig.tell("revoke", json!({ "order_id": id }))
            }
        };
        let plan = rig.plan(&[]);
        let step = action(&plan, "orders.ada");
        assert_eq!(step["action"], "wait", "{end}: {step:#}");
        assert!(
            warnings(&plan, "orders.ada").contains("`generation: 2`"),
            "{end}: {plan:#}"
        );
        // The second generation, planned before any run has seen the end of the first.
        rig.orders(&["ada"], "    generation: 2\n");
        rig.write("ada.csr", &csr);
        let plan = rig.plan(&[]);
        assert_eq!(
            action(&plan, "orders.ada")["action"],
            "order",
            "{end}: {plan:#}"
        );
        rig.apply(&[], 0);
        assert_eq!(rig.effects("order_created").len(), 2, "{end}");
        rig.approve_all();
        assert_eq!(rig.plan(&[])["summary"]["keep"], 1, "{end}");
    }
}

#[test]
fn other_terms_wait_for_the_next_renewal() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada"], "    container: { id: 445566 }\n");
    rig.apply(&[], 0);
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    rig.write(
        "certplan.yaml",
        text.replace("validity_years: 1", "validity_years: 2"),
    );
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "keep");
    assert!(
        warnings(&plan, "orders.ada").contains("next renewal"),
        "{plan:#}"
    );
    rig.apply(&[], 0);
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn a_new_key_is_a_reissue_of_the_same_order_and_kills_nothing() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("tls.csr", csr("shop.example.com"));
    rig.manifest(&tls(&["shop.example.com", "www.shop.example.com"]));
    let report = rig.apply(&[], 0);
    let id = action(&report, "orders.shop")["order_id"].clone();
    rig.write("tls.csr", csr("shop.example.com"));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.shop");
    assert_eq!(
        (&step["action"], &step["order_id"]),
        (&json!("reissue"), &id)
    );
    assert_eq!(step["revokes"], json!([]));
    assert!(!step["changes"].as_array().unwrap().is_empty());
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.shop")["order_id"], id);
    assert_eq!(rig.effects("order_created").len(), 1);
    assert_eq!(action(&rig.plan(&[]), "orders.shop")["action"], "keep");
}

#[test]
fn a_reissue_that_takes_a_name_away_shows_every_certificate_that_goes_with_it() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("tls.csr", csr("shop.example.com"));
    rig.manifest(&tls(&["shop.example.com", "www.shop.example.com"]));
    let report = rig.apply(&[], 0);
    let id = action(&report, "orders.shop")["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{id}/duplicate"),
        &json!({ "certificate": { "common_name": "shop.example.com",
            "dns_names": ["shop.example.com", "www.shop.example.com"],
            "csr": csr("shop.example.com"), "signature_hash": "sha256",
            "server_platform": { "id": 45 } } }),
    );
    rig.manifest(&tls(&[
        "shop.example.com",
        "www.shop.example.com",
        "new.shop.example.com",
    ]));
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.shop")["revokes"], json!([]));
    rig.manifest(&tls(&["shop.example.com"]));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.shop");
    assert_eq!(step["action"], "reissue");
    assert_eq!(step["revokes"].as_array().unwrap().len(), 2, "{step:#}");
    assert_eq!(plan["revoked_certificates"], 2);
    let shown = text(&rig, &[]);
    assert!(shown.contains("2 certificates will die"), "{shown}");
    rig.manifest(&format!(
        "policy: {{ max_revocations: 1 }}\n{}",
        tls(&["shop.example.com"])
    ));
    rig.certplan(&["plan"]).expect(5);
    rig.apply(&["--allow-revocations", "2"], 0);
    assert_eq!(action(&rig.plan(&[]), "orders.shop")["action"], "keep");
}

#[test]
fn a_lost_state_adopts_what_was_bought() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada", "bob"], "");
    rig.apply(&[], 0);
    lose_state(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["adopt"], 2);
    rig.certplan(&["plan", "--detailed-exitcode"]).expect(2);
    rig.apply(&["--detailed-exitcode"], 0);
    assert_eq!(rig.effects("order_created").len(), 2);
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

#[test]
fn an_order_that_was_rejected_is_not_bought_again_when_the_state_is_lost() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    lose_state(&rig);
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "adopt");
    assert!(
        warnings(&plan, "orders.ada").contains("`generation: 2`"),
        "{plan:#}"
    );
    rig.apply(&[], 0);
    assert_eq!(action(&rig.plan(&[]), "orders.ada")["action"], "wait");
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn an_order_that_is_bound_to_another_name_is_not_adopted_too() {
    let rig = Rig::new();
    automatic(&rig);
    rig.orders(&["ada"], "");
    let csr = std::fs::read_to_string(rig.path("ada.csr")).unwrap();
    let report = rig.apply(&[], 0);
    let id = action(&report, "orders.ada")["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    lose_state(&rig);
    // A second order with the same name makes the plan look the tag up.
    rig.certcentral(
        "POST",
        "/order/certificate/client_premium_sha2",
        &json!({ "certificate": { "common_name": "ada", "emails": ["ada@example.com"],
            "signature_hash": "sha256", "csr": csr }, "organization": { "id": 112_233 },
            "validity_years": 1 }),
    );
    rig.orders(&["ada", "eve"], "");
    rig.write("ada.csr", &csr);
    rig.certplan(&["import", "orders.eve", &id]).expect(0);
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada");
    assert_eq!(step["action"], "wait", "{step:#}");
    assert!(
        warnings(&plan, "orders.ada").contains("bound to orders.eve"),
        "{plan:#}"
    );
}

#[test]
fn a_similar_order_without_our_tag_is_a_warning() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.certcentral(
        "POST",
        "/order/certificate/client_premium_sha2",
        &json!({ "certificate": { "common_name": "ada", "emails": ["ada@example.com"],
            "signature_hash": "sha256", "csr": csr("ada") }, "organization": { "id": 112_233 },
            "validity_years": 1 }),
    );
    let theirs = rig.effects("order_created")[0]["ids"]["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "order");
    let warning = warnings(&plan, "orders.ada");
    assert!(
        warning.contains(&theirs) && warning.contains("certplan import"),
        "{warning}"
    );
}

#[test]
fn a_list_that_lags_behind_does_not_buy_twice() {
    let rig = Rig::new();
    rig.tell("options", json!({ "index_lag_ms": 3_600_000 }));
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "wait");
    assert_eq!(warnings(&plan, "orders.ada"), "");
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_product_that_certplan_does_not_know_is_passed_on_with_a_warning() {
    let rig = Rig::new();
    rig.manifest(
        "orders:
  ada: { product: client_of_tomorrow, validity_years: 1, certificate: { common_name: ada, emails: [ada@example.com], signature_hash: sha256 } }
",
    );
    let ended = rig.certplan(&["plan", "--format", "json"]).expect(0);
    assert!(
        ended.stderr.contains("client_of_tomorrow"),
        "{}",
        ended.stderr
    );
    let plan = ended.json();
    assert_eq!(
        action(&plan, "orders.ada")["requests"][0]["path"],
        "/order/certificate/client_of_tomorrow"
    );
}

#[test]
fn tls_and_secure_email_products_are_ordered_with_the_members_of_the_api() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("tls.csr", csr("shop.example.com"));
    rig.write("mail.csr", csr("ada@example.com"));
    let mail = "  mail:
    product: secure_email_sponsor
    certificate:
      common_name_indicator: email_address
      emails: [ada@example.com]
      signature_hash: sha256
      csr: { file: mail.csr }
      individual: { first_name: Ada, last_name: Wong }
    order_validity: { years: 1 }
";
    rig.manifest(&format!(
        "{}{mail}",
        tls(&["shop.example.com", "www.shop.example.com"])
    ));
    let plan = rig.plan(&[]);
    let body = &action(&plan, "orders.shop")["requests"][0]["body"];
    assert_eq!(
        body["certificate"]["dns_names"],
        json!(["shop.example.com", "www.shop.example.com"])
    );
    assert_eq!(body["order_validity"], json!({ "days": 90 }));
    assert_eq!(body["certificate"]["server_platform"], json!({ "id": 45 }));
    let report = rig.apply(&[], 0);
    assert_eq!(report["summary"]["done"], 2, "{report:#}");
    assert_eq!(rig.plan(&[])["summary"]["keep"], 2);
}

#[test]
fn a_plan_of_many_kept_orders_costs_a_few_requests() {
    let rig = Rig::new();
    automatic(&rig);
    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.orders(&names, "");
    rig.apply(&[], 0);
    let before = rig.reads();
    assert_eq!(rig.plan(&[])["summary"]["keep"], 30);
    assert!(
        rig.reads() - before <= 4,
        "{} requests",
        rig.reads() - before
    );
}
