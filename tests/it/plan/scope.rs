//! Parts of a manifest: `--target`, `--offline`.

use serde_json::json;

use crate::contract::assert_valid;
use crate::rig::{Rig, action};

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
