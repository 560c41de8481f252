//! A reason that the CA does not take is said: by `validate` where the manifest shows it, and by every plan.

use serde_json::Value;

use super::{automatic, manifest, person, planned, shop, warnings};
use crate::rig::{Rig, action};

fn gone(name: &str, target: &str, reason: &str) -> String {
    format!(
        "  {name}: {{ {target}, scope: order, reason: {reason}, comments: a test, skip_approval: true }}\n"
    )
}

fn bodies(plan: &Value, address: &str) -> String {
    action(plan, address)["requests"].to_string()
}

const WHY: &str = "is not sent, because CertCentral takes one for TLS products alone, and this is client_premium_sha2";

#[test]
fn a_reason_that_is_for_other_products_is_said() {
    let rig = Rig::new();
    automatic(&rig);
    let orders = [person("ada", "Ada", ""), shop("shop", "")];
    manifest(&rig, &orders, &[]);
    rig.apply(&[], 0);
    for (reason, client, tls) in [
        ("keyCompromise", true, "key_compromise"),
        ("superseded", true, "superseded"),
        ("cessationOfOperation", true, "cessation_of_operation"),
        ("affiliationChanged", true, "affiliation_changed"),
        // Nothing is lost where none is given.
        ("unspecified", false, "unspecified"),
    ] {
        let card = gone("card", "order: ada", reason);
        manifest(&rig, &orders, &[card, gone("site", "order: shop", reason)]);
        let said = rig.certplan(&["validate"]).expect(0);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert_eq!(all.contains(WHY), client, "{all}");
        assert!(!all.contains("revocations.site"), "{all}");
        let plan = planned(&rig);
        assert_eq!(warnings(&plan), "", "it is no fault of the manifest");
        let what = format!("the reason `{reason}` {WHY}; `comments` are sent in its place");
        let said = |address| action(&plan, address)["unsent_reason"].clone();
        let expected = client.then_some(what.as_str());
        assert_eq!(said("revocations.card"), Value::from(expected));
        assert_eq!(said("revocations.site"), Value::Null);
        assert!(!bodies(&plan, "revocations.card").contains("revocation_reason"));
        assert!(bodies(&plan, "revocations.site").contains(tls));
        let text = rig.certplan(&["plan"]).expect(0).stdout;
        assert_eq!(text.contains(&what), client, "{text}");
    }
}

#[test]
fn an_order_that_only_the_ca_knows_is_said_by_the_plan_and_validate_warns_once() {
    let rig = Rig::new();
    automatic(&rig);
    let names = ["a", "b", "c", "d", "e"];
    let orders = names.map(|name| person(name, name, ""));
    manifest(&rig, &orders, &[]);
    rig.apply(&[], 0);
    let all: Vec<String> = (1..=5)
        .map(|at| {
            gone(
                &format!("r{at}"),
                &format!("order_id: 7000000{at}"),
                "superseded",
            )
        })
        .collect();
    manifest(&rig, &[], &all);
    let valid = rig.certplan(&["validate"]).expect(0);
    assert!(!valid.stderr.contains("is not sent"), "{}", valid.stderr);
    let plan = planned(&rig);
    for at in 1..=5 {
        let said = action(&plan, &format!("revocations.r{at}"))["unsent_reason"].to_string();
        assert!(
            said.contains("the reason `superseded` is not sent"),
            "{said}"
        );
    }
    // In the manifest the same is one warning, at the first entry.
    let by_name: Vec<String> = names
        .iter()
        .map(|name| {
            gone(
                &format!("r-{name}"),
                &format!("order: {name}"),
                "superseded",
            )
        })
        .collect();
    manifest(&rig, &orders, &by_name);
    let valid = rig.certplan(&["validate"]).expect(0);
    let all = format!("{}{}", valid.stdout, valid.stderr);
    assert!(
        all.contains("`revocations.r-a` (and of 4 more entries) is not sent"),
        "{all}"
    );
    assert_eq!(all.matches("is not sent").count(), 1, "{all}");
}

#[test]
fn a_reason_that_a_ca_does_not_offer_is_refused_with_those_it_offers() {
    let rig = Rig::new();
    let at = |account: &str, reason: &str| {
        let comments = if account == "digicert" {
            ", comments: x"
        } else {
            ""
        };
        format!(
            "  gone: {{ account: {account}, order_id: 1, scope: order, reason: {reason}{comments} }}\n"
        )
    };
    for (account, reason, offered) in [
        ("navercloud", "keyCompromise", "`cessationOfOperation`"),
        ("navercloud", "privilegeWithdrawn", "`unspecified`"),
        ("digicert", "privilegeWithdrawn", "`keyCompromise`"),
        ("digicert", "cACompromise", "`superseded`"),
        ("digicert", "certificateHold", "`affiliationChanged`"),
    ] {
        manifest(&rig, &[], &[at(account, reason)]);
        for command in ["validate", "plan"] {
            let ended = rig.certplan(&[command]).expect(1);
            for part in ["reason_not_offered", reason, offered] {
                assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
            }
        }
    }
    assert!(rig.changes().is_empty());
}
