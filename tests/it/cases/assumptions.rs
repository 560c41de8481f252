//! `doctor --assumptions`: each assumption is confirmed on an account that has something to show, contradicted
//! where the account is made contrary, and told without a name.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};

use certplan::model::Assumption;
use certplan::provider::authorities;
use serde_json::{Value, json};

use super::{automatic, by_hand, manifest, new_key, shop, tls};
use crate::rig::Rig;

/// An account with an order in force, one that waits, one that ran out, a duplicate, a reissue, and some at
/// ncloud.
fn account() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    let seeded = rig.seed(json!({ "certcentral": 2, "ncloud_orders": 2 }));
    rig.tell(
        "edit",
        json!({ "order_id": seeded[0], "valid_till": "2020-01-02" }),
    );
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    new_key(&rig, "shop.csr");
    rig.apply(&[], 0);
    rig.apply(&[], 0);
    let order = rig.plan(&[])["actions"][0]["order_id"]
        .as_str()
        .expect("an order")
        .to_owned();
    let csr = std::fs::read_to_string(rig.path("shop.csr")).expect("a CSR");
    rig.certcentral(
        "POST",
        &format!("/order/certificate/{order}/duplicate"),
        &json!({ "certificate": { "csr": csr }, "skip_approval": true }),
    );
    let duplicates = rig.certcentral(
        "GET",
        &format!("/order/certificate/{order}/duplicate"),
        &Value::Null,
    );
    let duplicate = &duplicates["certificates"][0]["id"];
    rig.tell(
        "edit",
        json!({ "certificate_id": duplicate, "archived": true }),
    );
    by_hand(&rig);
    manifest(
        &rig,
        &[shop("shop", ""), tls("waits", &["waits.example.com"], "")],
        &[],
    );
    rig.apply(&[], 0);
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    let text = text.replace(
        "provider: certcentral\n",
        "provider: certcentral\n    key_id: 184\n",
    );
    rig.write("certplan.yaml", text);
    rig
}

fn tried(rig: &Rig) -> Value {
    let before = rig.changes().len();
    let told = rig
        .certplan(&["doctor", "--assumptions", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(rig.changes().len(), before, "it changed something");
    told
}

fn of(told: &Value, id: &str) -> (String, String) {
    let accounts = told["accounts"].as_array().expect("accounts").iter();
    let mut all = accounts.flat_map(|one| one["assumptions"].as_array().expect("a list"));
    let one = all
        .find(|one| one["id"] == id)
        .unwrap_or_else(|| panic!("no {id} in {told:#}"));
    let text = |name: &str| one[name].as_str().expect("text").to_owned();
    (text("verdict"), text("evidence"))
}

fn all() -> Vec<&'static Assumption> {
    authorities()
        .iter()
        .flat_map(|one| one.assumptions())
        .copied()
        .collect()
}

#[test]
fn each_assumption_is_confirmed_or_contradicted_as_the_account_is() {
    let rig = account();
    let told = tried(&rig);
    for one in all() {
        let (verdict, evidence) = of(&told, one.id);
        let expected = if one.by_reads {
            "confirmed"
        } else {
            "not_testable"
        };
        assert_eq!(verdict, expected, "{}: {evidence}\n{told:#}", one.id);
    }
    for account in told["accounts"].as_array().expect("accounts") {
        assert!(
            account["requests"].as_u64().expect("a count") <= 20,
            "{account:#}"
        );
    }
    for one in all().into_iter().filter(|one| one.by_reads) {
        rig.tell("options", json!({ "contrary": [one.id] }));
        let told = tried(&rig);
        let (verdict, evidence) = of(&told, one.id);
        assert_eq!(verdict, "contradicted", "{}: {evidence}\n{told:#}", one.id);
        rig.tell("options", json!({ "contrary": [] }));
    }
    let text = rig.certplan(&["doctor", "--assumptions"]).expect(0).stdout;
    assert!(
        text.contains("confirmed") && text.contains("not testable here"),
        "{text}"
    );
}

/// The sandbox as a command, contrary to two assumptions from its start.
#[test]
fn the_command_line_of_the_sandbox_makes_assumptions_false() {
    let mut rig = Rig::new();
    let mut sandbox = rig.spawn(&[
        "sandbox",
        "--listen",
        "127.0.0.1:0",
        "--contrary",
        "account-id",
        "--contrary",
        "ncloud-date",
    ]);
    let mut lines = BufReader::new(sandbox.stdout.take().expect("its output")).lines();
    for name in ["DIGICERT", "NAVERCLOUD"] {
        let line = lines.next().expect("a line").expect("text");
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        rig.set(&format!("CERTPLAN_ENDPOINT_{name}"), url.expect("a URL"));
    }
    rig.orders(&["ada"], "");
    let told = tried(&rig);
    sandbox.kill().expect("it ends");
    sandbox.wait().expect("it ended");
    for id in ["account-id", "ncloud-date"] {
        let (verdict, evidence) = of(&told, id);
        assert_eq!(verdict, "contradicted", "{id}: {evidence}\n{told:#}");
    }
    assert_eq!(of(&told, "date-header").0, "confirmed", "{told:#}");
}

/// A wrong id is told with all ids; one that only a change would show is none of them.
#[test]
fn a_sandbox_is_contrary_to_what_doctor_can_try_alone() {
    let rig = Rig::new();
    let help = rig.certplan(&["sandbox", "--help"]).expect(0).stdout;
    for wrong in ["page-totl", "PAGE-TOTAL", "page_total", "revoked-word", ""] {
        let ended = rig
            .certplan(&["sandbox", "--listen", "127.0.0.1:0", "--contrary", wrong])
            .expect(64);
        for one in all() {
            let listed = |text: &str| {
                let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                words.any(|word| word == one.id)
            };
            let mut told = ended.stderr.lines();
            let known = told.find(|line| line.contains("possible values"));
            let known = known.expect("the ids");
            assert_eq!(listed(known), one.by_reads, "{}: {known}", one.id);
            assert!(!one.by_reads || listed(&help), "{}: {help}", one.id);
        }
    }
    let near = rig.certplan(&["sandbox", "--contrary", "page-totl"]);
    assert!(near.stderr.contains("'page-total'"), "{}", near.stderr);
}

#[test]
fn what_is_told_of_an_account_names_nobody() {
    let rig = account();
    let text = tried(&rig).to_string();
    let ledger = rig.ask("ledger");
    let reads = ledger.as_array().expect("a list").iter();
    assert!(reads.count() > 0);
    for word in [
        "example.com",
        "John",
        "Smith",
        "sandbox-",
        "7000000",
        "9000000",
        "127.0.0.1",
    ] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[test]
fn an_account_without_orders_makes_little_testable_and_nothing_false() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let told = tried(&rig);
    for one in all() {
        let (verdict, evidence) = of(&told, one.id);
        assert_ne!(verdict, "contradicted", "{}: {evidence}", one.id);
    }
    rig.faults(json!([{ "match": {}, "fault": "error_before" }]));
    let told = tried(&rig);
    // A broken answer has a `Date` all the same.
    for one in all().iter().filter(|one| one.id != "date-header") {
        assert_eq!(of(&told, one.id).0, "not_testable", "{}", one.id);
    }
}

/// The page is made from the list.
#[test]
fn the_documents_have_every_assumption() {
    let mut page = String::from(
        "# Assumptions\n\n\
         What certplan takes for true about the CAs although their documents do not say so.\n\
         `certplan doctor --assumptions` tries on your account what reads can try: GETs alone, at most 20 for each\n\
         account. It prints `confirmed`, `contradicted` or `not testable here`, with counts, HTTP statuses and the\n\
         first three digits of ids as evidence; `--format json` is for a bug report. It exits with 0 whatever it finds.\n\
         `certplan sandbox --contrary page-total` starts the sandbox contrary to one that reads can try (the option may be\n\
         repeated); `POST /sandbox/options` with `{\"contrary\": [\"page-total\"]}` does it while it runs.\n",
    );
    for authority in authorities() {
        page.push_str(&format!("\n## {}\n", authority.title()));
        for one in authority.assumptions() {
            let how = if one.by_reads {
                "tried by reads"
            } else {
                "not tried: only a change at the CA would show it"
            };
            page.push_str(&format!(
                "\n### `{}`\n\n{} ({how})\n\n* If it is false: {}\n* What certplan does then: {}\n",
                one.id, one.assumes, one.if_false, one.then
            ));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/assumptions.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/assumptions.md should be:\n{page}");
    let ids: BTreeSet<&str> = all().iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), all().len(), "an id is there twice");
}

/// Each comment that assumes something says which of the list it is.
#[test]
fn each_assumption_of_the_source_has_its_id() {
    let ids: BTreeSet<&str> = all().iter().map(|one| one.id).collect();
    let mut left = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    let mut without = Vec::new();
    let mut named = BTreeSet::new();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with("sandbox") {
                    left.push(path);
                }
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            for line in text
                .lines()
                .filter(|line| line.trim_start().starts_with("//"))
            {
                let Some((_, rest)) = line.split_once("Assumption") else {
                    continue;
                };
                let id = rest
                    .strip_prefix(" `")
                    .and_then(|rest| rest.split_once("`:"));
                match id {
                    Some((id, _)) if ids.contains(id) => {
                        named.insert(id.to_owned());
                    }
                    Some(_) => without.push(format!("{}: {line}", path.display())),
                    None if rest.starts_with(':') => {
                        without.push(format!("{}: {line}", path.display()));
                    }
                    None => {}
                }
            }
        }
    }
    assert!(without.is_empty(), "{}", without.join("\n"));
    assert!(named.len() >= 15, "{named:?}");
}
