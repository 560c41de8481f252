//! Cases 17, 18 and 21: certificate requests as other tools make them, and the names in them.

use serde_json::Value;

use super::{applied, automatic, csr, info, orders_at_the_ca, planned, word};
use crate::rig::{Rig, action};

/// A request that `openssl req` made.
fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/csr/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a CSR")
}

/// A TLS order of one name, with more members in its `csr`.
fn order(entry: &str, name: &str, csr: &str) -> String {
    format!(
        "  {entry}: {{ product: ssl_basic, order_validity: {{ years: 1 }}, certificate: {{ common_name: \
         \"{name}\", signature_hash: sha256, csr: {csr} }} }}\n"
    )
}

fn orders(rig: &Rig, entries: &[String]) {
    rig.manifest(&format!("orders:\n{}", entries.concat()));
}

#[test]
fn case_17_the_block_alone_is_sent_whatever_the_file_is() {
    let rig = Rig::new();
    automatic(&rig);
    let pem = fixture("p521-sha512.csr");
    let windows = format!("Dear CA,\n{pem}\nRegards\n").replace('\n', "\r\n");
    let bytes: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(windows.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    std::fs::write(rig.path("a.csr"), bytes).expect("a file");
    orders(&rig, &[order("a", "shop.example.com", "{ file: a.csr }")]);
    assert_eq!(applied(&rig).0, 0);
    assert_eq!(info(&rig, "70000001")["certificate"]["csr"], pem.as_str());
    assert_eq!(word(&rig, "orders.a"), "keep");
}

#[test]
fn case_17_a_signature_that_cannot_be_checked_is_a_warning() {
    let rig = Rig::new();
    rig.write("a.csr", fixture("rsa-sha224.csr"));
    orders(&rig, &[order("a", "shop.example.com", "{ file: a.csr }")]);
    let ended = rig.certplan(&["validate"]).expect(0);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(
        said.contains("SHA-224 with RSA, cannot be checked here"),
        "{said}"
    );
}

#[test]
fn case_18_a_name_and_its_a_label_are_one_order() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("n.csr", csr());
    for name in ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"] {
        orders(&rig, &[order("a", name, "{ file: n.csr }")]);
        assert_eq!(applied(&rig).0, 0, "{name}");
        let plan = planned(&rig);
        assert_eq!(
            action(&plan, "orders.a")["action"],
            "keep",
            "{name}: {plan:#}"
        );
        assert_eq!(plan["warnings"], Value::Array(Vec::new()), "{name}");
    }
    assert_eq!(orders_at_the_ca(&rig), 1);
    let shown = &info(&rig, "70000001")["certificate"]["common_name"];
    assert_eq!(shown, "xn--bcher-kva.example");
}

#[test]
fn case_18_two_entries_for_one_name_are_told_in_every_spelling() {
    let rig = Rig::new();
    rig.write("n.csr", csr());
    for other in ["bücher.example", "Bücher.Example", "xn--bcher-kva.example"] {
        let first = order("a", "bücher.example", "{ file: n.csr }");
        orders(&rig, &[first, order("b", other, "{ file: n.csr }")]);
        let ended = rig.certplan(&["validate"]).expect(0);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("both will be bought"), "{other}: {said}");
    }
}

#[test]
fn case_21_more_names_than_the_entry_has_are_listed_and_the_order_is_placed() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("esx01.csr", fixture("names-appliance.csr"));
    orders(
        &rig,
        &[order("esx", "esx01.example.com", "{ file: esx01.csr }")],
    );
    for command in ["validate", "plan"] {
        let ended = rig.certplan(&[command]).expect(0);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        for name in [
            "`esx01`",
            "`10.1.2.3`",
            "`default device 0001`",
            "asked for `esx01.example.com`",
        ] {
            assert!(said.contains(name), "{command} without {name}: {said}");
        }
    }
    assert_eq!(applied(&rig).0, 0);
    assert_eq!(
        info(&rig, "70000001")["certificate"]["common_name"],
        "esx01.example.com"
    );
}

/// What `validate` warns of stands in the plan, which is all that a script and a reviewer see.
#[test]
fn case_21_what_looks_like_a_mistake_is_in_the_plan() {
    let rig = Rig::new();
    automatic(&rig);
    rig.write("esx01.csr", fixture("names-appliance.csr"));
    rig.write("a.csr", fixture("rsa-sha224.csr"));
    rig.write("c.csr", csr());
    let entries = [
        order("esx", "esx01.example.com", "{ file: esx01.csr }"),
        order("sha", "shop.example.com", "{ file: a.csr }"),
        order(
            "one",
            "same.example.com",
            "{ file: c.csr, ignore_names: true }",
        ),
        order(
            "two",
            "same.example.com",
            "{ file: c.csr, ignore_names: true }",
        ),
        order(
            "odd",
            "odd.example.com",
            "{ file: c.csr, ignore_names: true }",
        )
        .replace("ssl_basic", "ssl_basik"),
        order(
            "card",
            "card.example.com",
            "{ file: c.csr, ignore_names: true }",
        )
        .replace(
            "order_validity",
            "auto_renew: 1, payment_method: card, order_validity",
        ),
    ];
    orders(&rig, &entries);
    let expected = [
        ("orders.esx", "`esx01`"),
        ("orders.sha", "SHA-224"),
        ("orders.two", "both will be bought"),
        ("orders.odd", "ssl_basic"),
        ("orders.card", "paid by card"),
    ];
    let told = |plan: &Value, address: &str, words: &str| {
        let warnings = plan["warnings"].as_array().expect("warnings").iter();
        let mut of = warnings.filter(|one| one["address"] == address);
        of.any(|one| {
            let text = one["message"].as_str().expect("text");
            text.starts_with("certplan.yaml:") && text.contains(words)
        })
    };
    let plan = rig.plan(&[]);
    for (address, words) in expected {
        assert!(told(&plan, address, words), "{address}: {plan:#}");
    }
    // Once for a person, and not for what is not planned.
    let text = rig.certplan(&["plan"]).expect(0);
    let said = format!("{}{}", text.stdout, text.stderr);
    assert_eq!(said.matches("`default device 0001`").count(), 1, "{said}");
    let markdown = rig.certplan(&["plan", "--format", "markdown"]).expect(0);
    assert!(
        markdown.stdout.contains("default device 0001"),
        "{}",
        markdown.stdout
    );
    let one = rig.plan(&["--target", "orders.sha"]);
    assert!(
        told(&one, "orders.sha", "SHA-224") && !told(&one, "orders.esx", ""),
        "{one:#}"
    );
    // A saved plan keeps them, and the report of the run has them.
    rig.certplan(&["plan", "--target", "orders.esx", "--out", "p.plan"])
        .expect(0);
    let report = rig.apply(&["p.plan"], 0);
    assert!(told(&report, "orders.esx", "`esx01`"), "{report:#}");
    let status = rig.certplan(&["status"]).expect(0);
    assert!(status.stderr.contains("`esx01`"), "{}", status.stderr);
}

#[test]
fn case_21_a_request_with_nothing_in_common_needs_a_word_of_the_manifest() {
    let rig = Rig::new();
    automatic(&rig);
    let pem = fixture("p256-sha256.csr");
    rig.write("a.csr", &pem);
    let text = serde_json::to_string(&pem).expect("text");
    for source in ["file: a.csr".to_owned(), format!("pem: {text}")] {
        orders(
            &rig,
            &[order("a", "device.example.com", &format!("{{ {source} }}"))],
        );
        let ended = rig.certplan(&["validate"]).expect(1);
        assert!(ended.stderr.contains("ignore_names"), "{}", ended.stderr);
        let known = format!("{{ {source}, ignore_names: true }}");
        orders(&rig, &[order("a", "device.example.com", &known)]);
        let ended = rig.certplan(&["validate"]).expect(0);
        assert!(!ended.stderr.contains("names"), "{}", ended.stderr);
    }
    assert_eq!(applied(&rig).0, 0);
    assert_eq!(
        info(&rig, "70000001")["certificate"]["common_name"],
        "device.example.com"
    );
}

#[test]
fn case_21_a_mistyped_name_is_one_fault() {
    let rig = Rig::new();
    rig.write("a.csr", fixture("p256-sha256.csr"));
    let entry = order("a", "shop.example.com", "{ file: a.csr }");
    for wrong in ["comon_name", "commonName"] {
        orders(&rig, &[entry.replace("common_name", wrong)]);
        let ended = rig.certplan(&["validate", "--format", "json"]).expect(1);
        let found = ended.json();
        let problems = found["problems"].as_array().expect("problems");
        assert_eq!(problems.len(), 1, "{wrong}: {found:#}");
    }
}
