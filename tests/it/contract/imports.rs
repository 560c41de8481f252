//! `import`: an order for a name, and a manifest of an account.

use serde_json::json;

use crate::rig::{Rig, action};

#[test]
fn an_order_at_the_ca_is_bound_to_a_name_once() {
    let rig = Rig::new();
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.orders(&["ada", "bob"], "");
    rig.certplan(&["apply", "--yes", "--target", "orders.ada"])
        .expect(0);
    let id = rig.effects("order_created")[0]["ids"]["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let taken = rig.certplan(&["import", "orders.bob", &id]).expect(1);
    assert!(taken.stderr.contains("orders.ada"), "{}", taken.stderr);

    std::fs::remove_dir_all(rig.path(".certplan")).unwrap();
    rig.certplan(&["import", "orders.ada", &id]).expect(0);
    assert_eq!(action(&rig.plan(&[]), "orders.ada")["action"], "keep");
    rig.certplan(&["import", "orders.ada", "999999999"])
        .expect(1);
    for no_id in [
        "1/../2",
        "070000001",
        "0",
        "+70000001",
        "0x42c1d81",
        "7e7",
        "70000001.0",
    ] {
        let refused = rig.certplan(&["import", "orders.ada", no_id]).expect(64);
        assert!(
            refused.stderr.contains("decimal digits"),
            "{no_id}: {}",
            refused.stderr
        );
        rig.certplan(&["resolve", "orders.ada", "--found", no_id])
            .expect(64);
    }
    rig.certplan(&["import", "orders.eve", &id]).expect(64);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn the_manifest_of_an_account_validates_and_leaves_nothing_to_do() {
    let rig = Rig::new();
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.orders(&["ada", "bob"], "");
    rig.apply(&[], 0);
    rig.seed(json!({ "certcentral": 1 }));
    let ended = rig
        .certplan(&["import", "--all", "--account", "digicert"])
        .expect(0);
    let printed = ended.stdout;
    rig.write("all/certplan.yaml", &printed);
    let file = ["-f", "all/certplan.yaml"];
    let valid = rig.certplan(&[&["validate"][..], &file].concat()).expect(0);
    assert!(
        valid.stdout.contains("3 orders"),
        "{}\n{printed}",
        valid.stdout
    );
    // A state of its own, which knows nothing yet.
    rig.certplan(
        &[
            &["apply", "--yes", "--state", ".certplan/state.db"][..],
            &file,
        ]
        .concat(),
    )
    .expect(0);
    let plan = rig.plan(&[&["--state", ".certplan/state.db"][..], &file].concat());
    assert_eq!(plan["summary"]["keep"], 3, "{plan:#}\n{printed}");
    assert_eq!(rig.effects("order_created").len(), 2);
    let ambiguous = rig.certplan(&["import", "--all"]).expect(64);
    assert!(
        ambiguous.stderr.contains("--account"),
        "{}",
        ambiguous.stderr
    );
}
