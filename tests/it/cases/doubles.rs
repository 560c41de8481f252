//! Case 46: an order under a tag of ours that the journal does not know is told, with what to do.

use serde_json::{Value, json};

use super::{automatic, csr, manifest, orders_at_the_ca, person, planned, reads_of, word};
use crate::rig::Rig;

const FIRST: &str = "70000001";

/// `orders.ada` and `orders.bob` are issued.
fn two(more: &str) -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    let entries = ["ada", "bob"].map(|name| person(name, name, more));
    for number in 1..=2 {
        manifest(&rig, &entries[..number], &[]);
        rig.apply(&[], 0);
    }
    rig
}

/// A run with another copy of the journal places the order of `ada` again; or somebody without a tag does.
fn again(rig: &Rig, tagged: bool) -> String {
    let created = rig.effects("order_created");
    let mut body = json!({
        "certificate": { "common_name": "ada", "emails": ["ada@example.com"],
            "signature_hash": "sha256", "csr": csr() },
        "organization": { "id": 112_233 }, "validity_years": 1, "skip_approval": true,
    });
    if tagged {
        body["alternative_order_id"] = created[0]["alternative_order_id"].clone();
    }
    let path = "/order/certificate/client_premium_sha2";
    rig.certcentral("POST", path, &body)["id"].to_string()
}

fn look_ups(reads: &[String]) -> usize {
    let tagged = reads
        .iter()
        .filter(|path| path.contains("/order/alternate/"));
    tagged.count()
}

/// The one warning of a plan that names these.
fn told(plan: &Value, words: &[&str]) -> bool {
    let warnings = plan["warnings"].as_array().expect("warnings").iter();
    let texts: Vec<String> = warnings.map(ToString::to_string).collect();
    let all = |text: &&String| words.iter().all(|word| text.contains(word));
    texts.iter().filter(all).count() == 1
}

#[test]
fn case_46_a_second_order_under_a_tag_is_told_everywhere() {
    let rig = two("");
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(
        (look_ups(&reads), &plan["warnings"]),
        (0, &json!([])),
        "nothing looks odd"
    );
    rig.certplan(&["doctor"]).expect(0);
    let second = again(&rig, true);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(look_ups(&reads), 1);
    assert!(
        told(&plan, &["orders.ada", FIRST, &second, "certplan import"]),
        "{plan:#}"
    );
    assert_eq!(word(&rig, "orders.ada"), "keep");
    for command in [
        &["plan"][..],
        &["plan", "--format", "markdown"],
        &["status"],
    ] {
        let text = rig.certplan(command).expect(0).stdout;
        assert!(text.contains(&second), "{command:?}: {text}");
    }
    let doctor = rig.certplan(&["doctor"]).expect(1).stdout;
    let failed = doctor.lines().any(|line| {
        line.starts_with("FAIL") && line.contains("orders.ada") && line.contains(&second)
    });
    assert!(failed, "{doctor}");
    let before = rig.changes().len();
    let report = rig.apply(&[], 0);
    assert!(told(&report, &[FIRST, &second]), "{report:#}");
    assert_eq!(rig.changes().len(), before, "something was sent");
    let history = rig.certplan(&["history"]).expect(0).stdout;
    assert!(history.contains(&format!("order {second}")), "{history}");
    // Canceled, there is nothing to tell.
    rig.tell("cancel", json!({ "order_id": second }));
    assert!(!planned(&rig)["warnings"].to_string().contains(&second));
    rig.certplan(&["doctor"]).expect(0);
}

#[test]
fn case_46_the_other_one_can_be_kept() {
    let rig = two("");
    let second = again(&rig, true);
    rig.tell("cancel", json!({ "order_id": FIRST }));
    let plan = planned(&rig);
    let advice = format!("certplan import orders.ada {second}");
    assert!(told(&plan, &["orders.ada", &advice]), "{plan:#}");
    assert_eq!(orders_at_the_ca(&rig), 3);
}

/// A colleague's order for the same person, without our tag, is looked up and is nobody's fault.
#[test]
fn case_46_an_order_without_the_tag_is_not_told() {
    let rig = two("");
    let theirs = again(&rig, false);
    let (plan, reads) = reads_of(&rig, || planned(&rig));
    assert_eq!(look_ups(&reads), 1);
    assert!(!told(&plan, &[&theirs]), "{plan:#}");
}

#[test]
fn case_46_an_entry_that_may_have_a_similar_order_is_looked_up_once_a_day() {
    for tagged in [false, true] {
        let rig = two("allow_similar: true");
        let second = again(&rig, tagged);
        let (_, reads) = reads_of(&rig, || rig.apply(&[], 0));
        assert_eq!(look_ups(&reads), 1, "kept by no one yet");
        let (plan, reads) = reads_of(&rig, || planned(&rig));
        assert_eq!(look_ups(&reads), 0, "it was looked up today");
        assert_eq!(
            told(&plan, &["orders.ada", FIRST, &second]),
            tagged,
            "{plan:#}"
        );
    }
}
