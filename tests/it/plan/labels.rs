//! Labels: what people note of an entry. Nothing of it reaches a CA, and who waits is told with the owner.

use serde_json::{Value, json};

use super::automatic;
use crate::rig::{Rig, action};

fn manifest(rig: &Rig, labels: &str, of_revocation: &str) {
    if !rig.path("www.csr").exists() {
        rig.write("www.csr", crate::rig::csr("www.example.com"));
    }
    rig.manifest(&format!(
        "orders:\n  www: {{ product: ssl_multi_domain, {labels}order_validity: {{ years: 1 }}, certificate: {{ \
         common_name: www.example.com, dns_names: [www.example.com], signature_hash: sha256, \
         server_platform: {{ id: 2 }}, csr: {{ file: www.csr }} }} }}\n\
         revocations:\n  leak: {{ order_id: 4711, scope: order, reason: superseded, comments: a test, {of_revocation}after: [{{ order: www, until: issued }}] }}\n"
    ));
}

const TEAM: &str = "labels: { owner: team-web, tier: \"1\" }, ";
const OTHER: &str = "labels: { owner: team-sec }, ";

fn ledger(rig: &Rig) -> String {
    rig.ask("ledger").to_string()
}

#[test]
fn labels_are_shown_and_never_sent() {
    let rig = Rig::new();
    manifest(&rig, TEAM, OTHER);
    let plan = rig.plan(&[]);
    let www = action(&plan, "orders.www");
    assert_eq!(www["labels"], json!({ "owner": "team-web", "tier": "1" }));
    assert_eq!(www["owner"], "team-web");
    assert!(!www["requests"].to_string().contains("team-web"), "{www:#}");
    let report = rig.apply(&["--metrics", "metrics.prom"], 3);
    let www = action(&report, "orders.www");
    assert_eq!(
        (&www["outcome"], &www["owner"]),
        (&json!("waiting"), &json!("team-web"))
    );
    assert_eq!(action(&report, "revocations.leak")["owner"], "team-sec");
    let metrics = std::fs::read_to_string(rig.path("metrics.prom")).expect("metrics");
    let line = "cause=\"approval\",owner=\"team-web\"} 1\n";
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("cause=\"approval\"} 0\n"), "{metrics}");
    let status = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    let of = |address: &str| -> Value {
        let entries = status["entries"].as_array().expect("entries").iter();
        let mut entries = entries.filter(|entry| entry["address"] == address);
        entries.next().expect("an entry").clone()
    };
    assert_eq!(of("orders.www")["labels"]["tier"], "1");
    assert_eq!(of("orders.www")["owner"], "team-web");
    assert_eq!(
        of("revocations.leak")["labels"],
        json!({ "owner": "team-sec" })
    );
    for args in [
        &["status"][..],
        &["status", "--format", "markdown"],
        &["plan"],
        &["apply", "--yes"],
    ] {
        let said = rig.certplan(args);
        let said = format!("{}{}", said.stdout, said.stderr);
        let plain: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            plain.replace(['\\', '`'], "").contains("owner team-web"),
            "{args:?}: {said}"
        );
    }
    assert!(!ledger(&rig).contains("team-"), "sent to the CA");
}

#[test]
fn a_label_changes_no_digest_but_the_manifests() {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, "", "");
    let plain = rig.plan(&[]);
    manifest(&rig, TEAM, OTHER);
    let labelled = rig.plan(&[]);
    assert_eq!(plain["plan_id"], labelled["plan_id"]);
    assert_ne!(plain["manifest"], labelled["manifest"]);
    rig.certplan(&["apply", "--yes", "--target", "orders.www"])
        .expect(0);
    let changes = rig.changes().len();
    // Another label is nothing to do.
    manifest(&rig, "labels: { owner: somebody-else }, ", "");
    let plan = rig.plan(&["--target", "orders.www"]);
    assert_eq!(action(&plan, "orders.www")["action"], "keep");
    rig.certplan(&["apply", "--yes", "--target", "orders.www"])
        .expect(0);
    assert_eq!(rig.changes().len(), changes);
}
