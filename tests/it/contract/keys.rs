//! Keys: what `doctor`, `plan` and `apply` say of each kind.

use serde_json::Value;

use crate::rig::Rig;

/// A manifest whose CertCentral account names this key.
fn with_key(rig: &Rig, key: u64) {
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).unwrap();
    let plain: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("key_id:"))
        .collect();
    let text = plain.join("\n") + "\n";
    rig.write(
        "certplan.yaml",
        text.replace(
            "    provider: certcentral\n",
            &format!("    provider: certcentral\n    key_id: {key}\n"),
        ),
    );
}

#[test]
fn doctor_names_the_key_and_finds_what_is_wrong() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    let good = rig.certplan(&["doctor"]).expect(0).stdout;
    let user = rig.certcentral("GET", "/user/me", &Value::Null);
    let account = format!("account {}", user["account_id"]);
    for part in [
        "manifest: 1 item in 2 accounts",
        &account,
        "orders are visible",
    ] {
        assert!(good.contains(part), "{part} in {good}");
    }
    with_key(&rig, 184);
    let good = rig.certplan(&["doctor"]).expect(0).stdout;
    assert!(
        good.contains("key 184") && good.contains("is active"),
        "{good}"
    );
    with_key(&rig, 15);
    let acme = rig.certplan(&["doctor"]).expect(0).stdout;
    assert!(acme.contains("ACME key"), "{acme}");
    with_key(&rig, 185);
    let revoked = rig.certplan(&["doctor"]).expect(1).stdout;
    assert!(revoked.contains("is revoked"), "{revoked}");
    with_key(&rig, 184);
    rig.set("DIGICERT_API_KEY", "a-wrong-key-0123456789");
    let wrong = rig.certplan(&["doctor"]).expect(1);
    assert!(wrong.stdout.contains("FAIL"), "{}", wrong.stdout);
    assert!(!wrong.stdout.contains("a-wrong-key"), "{}", wrong.stdout);
    rig.unset("DIGICERT_API_KEY");
    let none = rig.certplan(&["doctor"]).expect(1);
    assert!(none.stdout.contains("DIGICERT_API_KEY"), "{}", none.stdout);
    assert!(rig.changes().is_empty());
}

#[test]
fn each_kind_of_key_may_do_what_it_is_for() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    // The ACME key: named by plan, refused by apply.
    with_key(&rig, 15);
    let plan = rig.certplan(&["plan"]).expect(0);
    assert!(plan.stderr.contains("ACME key"), "{}", plan.stderr);
    let apply = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(apply.stderr.contains("ACME key"), "{}", apply.stderr);
    // A revoked key: refused by both.
    with_key(&rig, 185);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let ended = rig.certplan(command).expect(1);
        assert!(ended.stderr.contains("is revoked"), "{}", ended.stderr);
    }
    // View only: it can plan.
    with_key(&rig, 186);
    rig.certplan(&["plan"]).expect(0);
    let apply = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(apply.stderr.contains("view only"), "{}", apply.stderr);
    assert!(rig.changes().is_empty());
    with_key(&rig, 184);
    rig.apply(&[], 0);
    assert_eq!(rig.effects("order_created").len(), 1);
}
