//! Case 19: what dies is named and counted, also what one answer of the CA leaves out.

use serde_json::{Value, json};

use super::{
    automatic, certificate_of, died, duplicate, info, manifest, manifest_with, new_key, planned,
    reads_of, revoke, shop, status_of, word,
};
use crate::rig::{Rig, action};

const ORDER: &str = "70000001";
const FIRST: &str = "90000001";

/// `orders.shop` is issued, then reissued for another key: the first certificate stays in force, unlisted.
fn reissued() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    rig.apply(&[], 0);
    assert_ne!(certificate_of(&rig, ORDER), FIRST);
    rig
}

fn whole() -> String {
    revoke("all", "order: shop", "order")
}

/// The certificates that a plan says will die by a step, by id.
fn dying(plan: &Value, address: &str) -> Vec<String> {
    let pins = action(plan, address)["revokes"].as_array().cloned();
    let pins = pins.unwrap_or_default();
    let mut ids: Vec<String> = pins
        .iter()
        .map(|pin| pin["certificate_id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids
}

/// Refused while the policy allows one fewer, carried out when it allows all.
#[track_caller]
fn counted(rig: &Rig, orders: &[String], revocations: &[String], count: usize) {
    let policy = |most: usize| format!("policy: {{ max_revocations: {most} }}\n");
    manifest_with(rig, &policy(count - 1), orders, revocations);
    let refused = rig.certplan(&["apply", "--yes"]).expect(5);
    assert!(
        refused.stderr.contains(&format!("{count} certificates")),
        "{}",
        refused.stderr
    );
    assert_eq!(died(rig), [""; 0]);
    manifest_with(rig, &policy(count), orders, revocations);
    rig.apply(&[], 0);
    assert_eq!(died(rig).len(), count, "{:?}", died(rig));
}

#[test]
fn case_19_the_first_certificate_of_a_reissued_order_is_named_and_counted() {
    let rig = reissued();
    let now = certificate_of(&rig, ORDER);
    manifest(&rig, &[shop("shop", "")], &[whole()]);
    let plan = planned(&rig);
    assert_eq!(dying(&plan, "revocations.all"), [FIRST.to_owned(), now]);
    let serial = &action(&plan, "revocations.all")["revokes"][0]["serial_number"];
    assert!(serial.as_str().is_some_and(|serial| !serial.is_empty()));
    let text = rig.certplan(&["plan"]).expect(0).stdout;
    assert!(
        text.contains(FIRST) && text.contains("2 certificates"),
        "{text}"
    );
    counted(&rig, &[shop("shop", "")], &[whole()], 2);
    assert_eq!(status_of(&rig, ORDER), "revoked");
    assert_eq!(word(&rig, "revocations.all"), "keep");
}

/// Also where the entry gives the order's id, and after another order took its place under the name.
#[test]
fn case_19_the_journal_knows_it_by_the_order_and_not_by_the_name() {
    let rig = reissued();
    new_key(&rig, "shop.csr");
    rig.apply(&[], 0);
    let by_id = revoke("all", &format!("order_id: {ORDER}"), "order");
    manifest(&rig, &[], &[by_id]);
    assert_eq!(dying(&planned(&rig), "revocations.all").len(), 3);
}

#[test]
fn case_19_each_can_be_revoked_alone() {
    let rig = reissued();
    let now = certificate_of(&rig, ORDER);
    let serial = {
        manifest(&rig, &[shop("shop", "")], &[whole()]);
        let plan = planned(&rig);
        let pin = action(&plan, "revocations.all")["revokes"][0].clone();
        pin["serial_number"]
            .as_str()
            .expect("a serial number")
            .to_owned()
    };
    for scope in [
        format!("{{ certificate_id: {FIRST} }}"),
        format!("{{ serial_number: \"{serial}\" }}"),
    ] {
        manifest(
            &rig,
            &[shop("shop", "")],
            &[revoke("one", "order: shop", &scope)],
        );
        assert_eq!(dying(&planned(&rig), "revocations.one"), [FIRST], "{scope}");
    }
    rig.apply(&[], 0);
    assert_eq!(died(&rig), [FIRST]);
    assert_eq!(status_of(&rig, ORDER), "issued");
    assert_eq!(word(&rig, "revocations.one"), "keep");
    // What was revoked by us does not die again.
    let one = revoke(
        "one",
        "order: shop",
        &format!("{{ certificate_id: {FIRST} }}"),
    );
    manifest(&rig, &[shop("shop", "")], &[one, whole()]);
    assert_eq!(dying(&planned(&rig), "revocations.all"), [now]);
}

#[test]
fn case_19_archived_duplicates_are_named_and_counted() {
    for archived in [1, 2] {
        let rig = Rig::new();
        rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 2 }));
        for number in 0..archived {
            let id = 90_000_002 + number;
            rig.tell("edit", json!({ "certificate_id": id, "archived": true }));
        }
        let entry = |scope: &str| revoke("all", &format!("order_id: {ORDER}"), scope);
        manifest(&rig, &[], &[entry("duplicates")]);
        assert_eq!(dying(&planned(&rig), "revocations.all").len(), 2);
        manifest(&rig, &[], &[entry("order")]);
        assert_eq!(dying(&planned(&rig), "revocations.all").len(), 3);
        counted(&rig, &[], &[entry("order")], 3);
    }
}

/// The same where the CA's own count leaves archived ones out, down to 0.
#[test]
fn case_19_archived_duplicates_die_also_where_the_ca_does_not_count_them() {
    const COPY: &str = "90000002";
    let habits = json!({ "habits": { "duplicates_count": "listed" } });
    for duplicates in [1, 2] {
        let rig = Rig::new();
        rig.tell("options", habits.clone());
        rig.seed(json!({ "certcentral": 1, "duplicates_per_order": duplicates }));
        rig.tell(
            "edit",
            json!({ "certificate_id": 90_000_002, "archived": true }),
        );
        let entry = |scope: &str| revoke("all", &format!("order_id: {ORDER}"), scope);
        manifest(&rig, &[], &[entry("duplicates")]);
        let plan = planned(&rig);
        assert_eq!(
            dying(&plan, "revocations.all").len(),
            duplicates,
            "{plan:#}"
        );
        manifest(
            &rig,
            &[],
            &[entry(&format!("{{ certificate_id: {COPY} }}"))],
        );
        let plan = planned(&rig);
        assert_eq!(dying(&plan, "revocations.all"), [COPY]);
        assert_eq!(
            action(&plan, "revocations.all")["revokes"][0]["kind"],
            "duplicate"
        );
        manifest(&rig, &[], &[entry("order")]);
        assert_eq!(
            dying(&planned(&rig), "revocations.all").len(),
            1 + duplicates
        );
        counted(&rig, &[], &[entry("order")], 1 + duplicates);
        let (end, reads) = reads_of(&rig, || word(&rig, "revocations.all"));
        assert_eq!(end, "keep");
        // Nothing is left that could die.
        let lists = reads.iter().filter(|read| read.contains("/duplicate"));
        assert_eq!(lists.count(), duplicates - 1, "{reads:#?}");
    }
    // Names that go away take it down, too.
    let rig = Rig::new();
    automatic(&rig);
    rig.tell("options", habits);
    let names = ["shop.example.com", "www.example.com"];
    manifest(&rig, &[super::tls("shop", &names, "")], &[]);
    rig.apply(&[], 0);
    let copy = duplicate(&rig, ORDER);
    rig.tell("edit", json!({ "certificate_id": copy, "archived": true }));
    manifest(&rig, &[super::tls("shop", &names[..1], "")], &[]);
    assert_eq!(
        dying(&planned(&rig), "orders.shop"),
        [FIRST.to_owned(), copy]
    );
    rig.apply(&[], 0);
    assert_ne!(certificate_of(&rig, ORDER), FIRST);
    let path = format!("/order/certificate/{ORDER}/duplicate?show_archived=true");
    let listed = rig.certcentral("GET", &path, &Value::Null);
    assert_eq!(listed["certificates"][0]["status"], "revoked", "{listed:#}");
}

/// A reissue of the order that certplan does not see: another key, the same names.
fn reissue_elsewhere(rig: &Rig) {
    let shown = info(rig, ORDER);
    let body = json!({
        "certificate": {
            "common_name": shown["certificate"]["common_name"],
            "dns_names": shown["certificate"]["dns_names"],
            "signature_hash": "sha256",
            "csr": super::csr(),
        },
        "skip_approval": true,
    });
    let path = format!("/order/certificate/{ORDER}/reissue");
    rig.certcentral("POST", &path, &body);
}

/// A reissue outside of certplan leaves the first certificate in force, in no list and in no journal.
#[test]
fn case_19_a_certificate_that_no_list_and_no_journal_knows_is_counted() {
    for reissues in [1, 2] {
        let rig = Rig::new();
        automatic(&rig);
        rig.seed(json!({ "certcentral": 1 }));
        for _ in 0..reissues {
            reissue_elsewhere(&rig);
        }
        assert_ne!(certificate_of(&rig, ORDER), FIRST);
        let entry = revoke("all", &format!("order_id: {ORDER}"), "order");
        manifest(&rig, &[], std::slice::from_ref(&entry));
        let plan = planned(&rig);
        let step = action(&plan, "revocations.all");
        assert_eq!(
            step["revokes"].as_array().map(Vec::len),
            Some(reissues),
            "{step:#}"
        );
        assert_eq!(step["unnamed"], 1, "{step:#}");
        assert_eq!(plan["revoked_certificates"], reissues + 1);
        assert_eq!(plan["accounts"]["digicert"]["certificates"], reissues + 1);
        assert!(super::warnings(&plan).contains("in no list"), "{plan:#}");
        let text = rig.certplan(&["plan"]).expect(0).stdout;
        let words = format!("{} certificates will die", reissues + 1);
        assert!(text.contains(&words), "{text}");
        counted(&rig, &[], &[entry], reissues + 1);
        assert_eq!(word(&rig, "revocations.all"), "keep");
    }
}

/// The one that the lists show was revoked alone: the order is not revoked, and what nobody can name is left.
#[test]
fn case_19_what_no_list_shows_is_told_where_all_else_is_revoked() {
    let told = |rig: &Rig| {
        let plan = planned(rig);
        assert_eq!(action(&plan, "revocations.all")["action"], "keep");
        super::warnings(&plan).contains("may be in force")
    };
    for reissues in [0, 1, 2] {
        let rig = Rig::new();
        automatic(&rig);
        rig.seed(json!({ "certcentral": 1 }));
        for _ in 0..reissues {
            reissue_elsewhere(&rig);
        }
        let now = certificate_of(&rig, ORDER);
        let entry = |scope: &str| revoke("all", &format!("order_id: {ORDER}"), scope);
        let one = format!("{{ certificate_id: {now} }}");
        manifest(&rig, &[], &[entry(&one)]);
        rig.apply(&[], 0);
        assert!(!told(&rig), "the entry is about one certificate");
        assert_eq!(status_of(&rig, ORDER), "issued");
        if reissues < 2 {
            manifest(&rig, &[], &[entry("order")]);
            assert_eq!(told(&rig), reissues > 0);
        }
    }
}

#[test]
fn case_19_what_ran_out_does_not_die() {
    let rig = Rig::new();
    rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 2 }));
    rig.tell(
        "edit",
        json!({ "certificate_id": 90_000_002, "archived": true, "valid_till": "2026-01-20" }),
    );
    let entry = revoke("all", &format!("order_id: {ORDER}"), "order");
    manifest(&rig, &[], std::slice::from_ref(&entry));
    let expected = [FIRST, "90000003"].map(str::to_owned);
    assert_eq!(dying(&planned(&rig), "revocations.all"), expected);
}

/// Two entries about the same certificate are one death, in the plan's words and for the policy.
#[test]
fn case_19_a_certificate_that_two_entries_name_dies_once() {
    let rig = reissued();
    let one = revoke(
        "one",
        "order: shop",
        &format!("{{ certificate_id: {FIRST} }}"),
    );
    let section = "policy: { max_revocations: 2 }\n";
    manifest_with(&rig, section, &[shop("shop", "")], &[one, whole()]);
    let plan = planned(&rig);
    assert_eq!(
        plan["breaches"].as_array().map(Vec::len),
        Some(0),
        "{plan:#}"
    );
    assert_eq!(plan["revoked_certificates"], 2);
}

/// Names that go away take down what the CA has of the order: also the first certificate and a duplicate.
#[test]
fn case_19_a_reissue_names_what_it_takes_down() {
    let rig = Rig::new();
    automatic(&rig);
    let names = ["shop.example.com", "www.example.com"];
    manifest(&rig, &[super::tls("shop", &names, "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    rig.apply(&[], 0);
    let copy = duplicate(&rig, ORDER);
    rig.tell("edit", json!({ "certificate_id": copy, "archived": true }));
    manifest(&rig, &[super::tls("shop", &names[..1], "")], &[]);
    let plan = planned(&rig);
    let mut expected = [FIRST.to_owned(), certificate_of(&rig, ORDER), copy];
    expected.sort();
    assert_eq!(
        dying(&plan, "orders.shop"),
        expected,
        "{:#}",
        info(&rig, ORDER)
    );
}
