//! The published schema and `validate` come to the same verdict on every manifest, but for what a schema
//! cannot say.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{cases, inputs, load_on, load_text, short};
use crate::manifest::schema;
use crate::provider::authorities;

/// What `validate` finds and no schema of one file can say, by the codes of the problems.
const BEYOND_A_SCHEMA: &[(&str, &[&str])] = &[
    (
        "the text, not the values in it",
        &[
            "alias",
            "alias_expansion",
            "duplicate_key",
            "id_spelling",
            "key_not_text",
            "merge_key",
            "second_document",
            "syntax",
            "tag",
            "too_many_aliases",
        ],
    ),
    (
        "other entries and other files",
        &[
            "ambiguous_name",
            "cycle",
            "duplicate_name",
            "duplicate_section",
            "existing_order_twice",
            "moved_both",
            "moved_from_entry",
            "moved_kind",
            "moved_to_unknown",
            "moved_twice",
            "other_account",
            "self_dependency",
            "unknown_account",
            "unknown_name",
            "unknown_order",
            "unknown_revocation",
        ],
    ),
    (
        "what the account's CA offers, and the account is another entry",
        &[
            "missing_comments",
            "orders_not_offered",
            "reason_not_offered",
            "wrong_scope",
        ],
    ),
    (
        "what an entry lacks may come from the defaults, and depends on the product",
        &["missing_validity"],
    ),
    ("one member compared with another one", &["cert_validity"]),
    (
        "other files, and the day",
        &[
            "bad_date",
            "csr_key",
            "csr_missing",
            "csr_names",
            "csr_not_valid",
            "csr_outside",
            "csr_unreadable",
        ],
    ),
    (
        "the meaning of a text",
        &["bad_dns_name", "bad_email", "secret_as_name"],
    ),
    (
        "zero, for which there is a better word",
        &["certificate_no_zero"],
    ),
];

/// The bad cases whose problems have a code that a schema can have as well, and what is different here.
const LIKE_A_SCHEMA_BUT: &[(&str, &str)] = &[
    ("missing-in-order.yaml", "a default may say it"),
    ("missing-in-certificate.yaml", "the product needs it"),
    ("missing-organization.yaml", "a default may say it"),
    (
        "tls-without-csr.yaml",
        "a default may say it, in another file",
    ),
    ("files-without-kinds.yaml", "a default may say it"),
    ("files-without-key.yaml", "a default may make a key"),
    (
        "key-and-csr-by-default.yaml",
        "an entry's own word may hold",
    ),
    ("product-by-default.yaml", "a default says the product"),
    ("duration-too-long.yaml", "the size of a duration"),
    ("payment-profile.yaml", "a default may say it"),
    (
        "skip-approval-at-ncloud.yaml",
        "the account is another entry",
    ),
];

/// The published schema, compiled once.
fn checker() -> &'static Validator {
    static CHECKER: OnceLock<Validator> = OnceLock::new();
    CHECKER.get_or_init(|| {
        jsonschema::options()
            // Linear time, whatever the text.
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(&schema(&authorities()))
            .unwrap()
    })
}

/// The values of a file as an editor sees them; nothing for one that no YAML reader takes.
fn values(path: &Path) -> Option<Value> {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).ok()
}

fn is_beyond(code: &str) -> bool {
    BEYOND_A_SCHEMA
        .iter()
        .any(|(_, codes)| codes.contains(&code))
}

#[test]
fn case_47_the_schema_takes_what_validate_takes() {
    let checker = checker();
    assert!(jsonschema::meta::is_valid(&schema(&authorities())));
    let mut files: Vec<PathBuf> = cases("good");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for example in ["both-cas", "first-order", "leaver", "replace-then-revoke"] {
        files.push(examples.join(example).join("certplan.yaml"));
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let loaded = load_on(&inputs(&file, &text));
        assert!(loaded.is_ok(), "{file:?}: {loaded:?}");
        let value = values(&file).unwrap();
        let errors: Vec<String> = checker
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{file:?}: {errors:#?}");
    }
}

#[test]
fn case_47_the_schema_refuses_what_validate_refuses_but_for_what_it_cannot_say() {
    let checker = checker();
    let mut wrong = Vec::new();
    let mut excused = Vec::new();
    for file in cases("bad") {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let problems = load_on(&inputs(&file, &text)).unwrap_err();
        let Some(value) = values(&file) else { continue };
        let may_be_taken = problems.iter().all(|problem| is_beyond(problem.code))
            || LIKE_A_SCHEMA_BUT.iter().any(|(case, _)| *case == name);
        match (checker.is_valid(&value), may_be_taken) {
            (true, false) => wrong.push(format!("{name}: taken, {:?}", short(&problems))),
            (true, true) => excused.push(name),
            (false, _) => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (case, why) in LIKE_A_SCHEMA_BUT {
        assert!(
            excused.iter().any(|name| name == case),
            "{case} ({why}) is no exception"
        );
    }
}

const CONTRACT: &str = include_str!("../../../tests/cases/manifest/good/contract.yaml");

/// A value that stands where another one should.
fn odd() -> impl Strategy<Value = Value> {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(7_000_000),
        json!(3.5),
        json!(3.0),
        json!(10_000_000_000_000_000_000_u64),
        json!(""),
        json!("0"),
        json!("12"),
        json!("order"),
        json!("sha256"),
        json!("us"),
        json!("2027-06-30"),
        json!("issued"),
        json!("x".repeat(300)),
        json!([]),
        json!(["a", 1]),
        json!([{ "id": 1 }]),
        json!({}),
        json!({ "id": 1 }),
        json!({ "env": "K" }),
        json!({ "years": 1 }),
        json!({ "order": "mail-locke-cole" }),
        json!({ "certificate_id": 1 }),
    ];
    prop::sample::select(odd.to_vec())
}

/// Puts a value at one of the places of a document, takes one away, or adds a member.
fn bend(value: &mut Value, at: &mut usize, into: &Value, how: u8) -> bool {
    let here = *at == 0;
    *at = at.wrapping_sub(1);
    if here {
        match (value, how) {
            (Value::Object(map), 1) => {
                map.insert("odd_member".to_owned(), into.clone());
            }
            (Value::Array(list), 1) => list.push(into.clone()),
            (value, _) => *value = into.clone(),
        }
        return true;
    }
    match value {
        Value::Array(list) => list.iter_mut().any(|value| bend(value, at, into, how)),
        Value::Object(map) => {
            if how == 2 && *at < map.len() {
                let name = map.keys().nth(*at).cloned().unwrap_or_default();
                map.remove(&name);
                return true;
            }
            map.values_mut().any(|value| bend(value, at, into, how))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A manifest with a wrong value somewhere: both refuse it, or both take it, but for what a schema
    /// cannot say. The schema never refuses what `validate` takes.
    #[test]
    fn case_47_bent_manifests_get_the_same_verdict(at in 0_usize..90, into in odd(), how in 0_u8..3) {
        let mut value: Value = serde_yaml::from_str(&CONTRACT.replace("csr/", "tests/cases/manifest/good/csr/")).unwrap();
        bend(&mut value, &mut at.clone(), &into, how);
        let text = serde_yaml::to_string(&value).unwrap();
        let by_schema = checker().is_valid(&value);
        match load_text(text.clone()) {
            Ok(_) => prop_assert!(by_schema, "only the schema refuses\n{text}"),
            Err(problems) => {
                let lacks_nothing = problems.iter().all(|problem| {
                    problem.code != "missing_member" && !is_beyond(problem.code)
                });
                prop_assert!(!by_schema || !lacks_nothing, "only validate refuses: {:?}\n{text}", short(&problems));
            }
        }
    }
}
