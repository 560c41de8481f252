//! serde_yaml is the reference for what a file says: one pass reads what it reads, and refuses more.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::random::{MANIFEST, document};
use crate::manifest::yaml;
use crate::model::form::{self, Kind, Number, Problem};

/// The value of a document whose root is a mapping, as one pass sees it. A key that is given twice is not
/// for this pass to refuse: then there is nothing to compare.
fn value(text: &str) -> Option<Value> {
    let mut problems = Vec::new();
    let reading = yaml::read(text, 0, &mut problems);
    let root = reading.document.root()?;
    (reading.is_whole && problems.is_empty()).then(|| json(root))?
}

fn json(value: form::Value<'_>) -> Option<Value> {
    Some(match value.kind() {
        Kind::Null => Value::Null,
        Kind::Bool(known) => known.into(),
        Kind::Number(Number::Natural(number)) => number.into(),
        Kind::Number(Number::Negative(number)) => number.into(),
        Kind::Number(Number::Float(number)) => number.into(),
        Kind::Text => value.text()?.into(),
        Kind::List => value.elements().map(json).collect::<Option<_>>()?,
        Kind::Mapping => {
            let mut map = serde_json::Map::new();
            for (key, value) in value.members() {
                if map.insert(key.text()?.to_owned(), json(value)?).is_some() {
                    return None;
                }
            }
            Value::Object(map)
        }
        Kind::Refused => return None,
    })
}

/// Whole numbers with a fraction of zero are whole numbers here, as in JSON Schema.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => (float as i64).into(),
            _ => Value::Number(number),
        },
        Value::Array(list) => list.into_iter().map(whole).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, whole(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

fn theirs(text: &str) -> Option<Value> {
    serde_yaml::from_str(text).ok()
}

/// The codes of what is wrong with the text itself.
fn codes(text: &str) -> Vec<&'static str> {
    let mut problems: Vec<Problem> = Vec::new();
    yaml::read(text, 0, &mut problems);
    problems.iter().map(|problem| problem.code).collect()
}

/// Both read the same.
const ALIKE: &[&str] = &[
    // Block scalars: the three ends, the indentation, lines folded and not.
    "k: |\n  a\n  b\n",
    "k: |-\n  a\n\n",
    "k: |+\n  a\n\n\n",
    "k: |+\n\n",
    "k: |\n",
    "k: >\n  a\n  b\n\n  c\n",
    "k: >-\n  a\n   more\n  b\n",
    "k: >+\n  a\n\nl: 1\n",
    "k: |2\n   a\n  b\n",
    "k: |1-\n  a\n",
    "k: |\n\n\n  a\n",
    "k: >\n\n  a\n\n\n  b\n",
    "k: | # not in it\n  a # in it\n",
    "- |\n  a\n- >\n  b\n",
    "k: |\n  a\n # behind it\nl: b\n",
    // Scalars over several lines, escapes.
    "k: a\n  b\n\n  c\n",
    "k: \"a\n  b\n\n  c\"\n",
    "k: 'a\n  b'\n",
    "k: \"a\\\n  b\"\n",
    "k: 'it''s'\n",
    "k: \"\\u00e9\\x41\\U0001F600\\n\\t\\\\ \\\" \\0 \\e \\N \\_ \\L \\P\"\n",
    "k: a#b\nl: a #b\nm: a:b\nn: -a\no: ?a\np: a?\n",
    "k: http://example.com/a?b=c&d=e\n",
    // Characters of more than one byte.
    "é: ü\n",
    "'ä b': \"ö\"\n",
    "k: |\n  日本 😀\n  é\n",
    "k: >\n  ö\n  ä\n",
    "日本: [é, {ü: 😀}] # ö\n",
    "k: a\u{a0}b\u{3000}\n",
    // Line breaks.
    "k: |\r\n  a\r\n  b\r\nl: >\r\n  c\r\n  d\r\nm: \"x\r\n  y\"\r\nn: z\r\n",
    "a: 1\r\nb:\r\n  - x\r\n  - y\r\n",
    "a: 1\rb: 2\r",
    "k: |\r  a\r  b\r",
    "k: |\n  a\r",
    // Tabs.
    "k: a\tb\n",
    "k: a\t\n",
    "k: \"a\tb\"\n",
    "k: |\n  a\tb\n  \tc\n",
    "k: [a,\tb]\n",
    "k: a\t# c\n",
    // Anchors and aliases.
    "a: &x 1\nb: *x\n",
    "a: &x {k: v}\nb: [*x, *x]\n",
    "a: &x\n  - 1\nb: *x\n",
    "a: &x |\n  t\nb: *x\n",
    "a: &x 1\nb: &x 2\nc: *x\n",
    "&k a: 1\nb: *k\n",
    "a: &x\nb: *x\n",
    "a: &x # a comment\n  k: v\nb: *x\n",
    // Nothing, and brackets.
    "a:\nb: ~\nc: null\nd: ''\n",
    "a: []\nb: {}\nc: [ ]\n",
    "a: {b: , c: 1}\n",
    "a: [b, ]\n",
    "a: [b, # c\n  d]\n",
    "a:\n- b\n-\n- c\n",
    "- - a\n  - b\n- c: d\n  e: f\n",
    "[a: b, c: d]\n",
    "? a\n: b\n",
    "a: {? b : c}\n",
    // JSON.
    "{\"a\": \"b\", \"c\": [1, 2.5, true, null, -3]}",
    "{\n  \"a\" : {\n    \"b\": [ ]\n  }\n}\n",
    "{\"a\":1,\"é\":{\"b\":\"\\u00e9\\/\"}}",
    "# é\n\n{\"a\": \"é\"}\n",
    "[1, [2, {\"a\": []}]]",
    "  {a: 1}\n",
    // Documents and directives.
    "---\na: 1\n",
    "--- {a: 1}\n",
    "---\n{a: 1}\n...\n",
    "%YAML 1.1\n---\na: 1\n",
    "%TAG !e! tag:example.com,2000:\n---\na: 1\n",
    "# c\n\na: 1 # d\n#e\n",
    "\u{feff}a: 1\n",
];

/// What serde_yaml may read, and a manifest does not have: each with its code.
const REFUSED: &[(&str, &str)] = &[
    ("a: !!str 1\n", "tag"),
    ("a: !x {k: v}\n", "tag"),
    ("!x a: 1\n", "tag"),
    ("a: &x {k: v}\nb:\n  <<: *x\n", "merge_key"),
    ("a: 1\n---\nb: 2\n", "second_document"),
    ("1: a\n", "key_not_text"),
    ("~: a\n", "key_not_text"),
    ("? [a]\n: b\n", "key_not_text"),
    ("a: &x b\n*x : c\n", "key_not_text"),
    ("a: 18446744073709551616\n", "number"),
    ("a: *x\n", "syntax"),
    ("a: &x [*x]\n", "alias"),
    ("%FOO bar\n---\na: 1\n", "syntax"),
    ("a:\tb\n", "syntax"),
    ("a: \u{1}\n", "syntax"),
    ("a: 1 # \u{7f}\n", "syntax"),
    ("a: \"\u{9f}\"\n", "syntax"),
    ("a: \u{ffff}\n", "syntax"),
    ("a: 1\n\u{feff}b: 2\n", "syntax"),
];

/// Read as YAML 1.2 has it. In YAML 1.1, which is serde_yaml's, three more characters break lines.
const OTHERWISE: &[&str] = &[
    "k: a\u{85}b\n",
    "k: 'a \u{2028} b'\n",
    "k: |\n  a\u{2029}b\n",
];

#[test]
fn what_both_read_is_the_same() {
    let mut wrong = BTreeMap::new();
    for text in ALIKE {
        let (ours, theirs) = (value(text), theirs(text));
        if ours.is_none() || ours != theirs {
            wrong.insert(text, (ours, theirs, codes(text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_a_manifest_does_not_have_is_refused_by_its_code() {
    for (text, code) in REFUSED {
        assert_eq!(codes(text), [*code], "{text:?}");
    }
}

#[test]
fn only_what_is_named_here_is_read_otherwise() {
    for text in OTHERWISE {
        let (ours, theirs) = (value(text), theirs(text));
        assert!(ours.is_some(), "{text:?}");
        assert_ne!(ours, theirs, "{text:?}");
    }
}

/// Any value that a manifest could hold, with texts of all kinds.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        "[ \\t\\r\\n:#,'\"&*!|>%@`{}\\[\\]?~a-c0-9.é日😀\u{85}\u{2028}\u{1}\u{7f}-]{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            // serde_yaml writes this key without quotes, where it means a merge.
            prop::collection::btree_map(
                text.clone().prop_filter("a merge", |key| key != "<<"),
                inner,
                0..5
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_pass_reads_what_serde_yaml_reads(text in document()) {
        let text = format!("k: {text}");
        if let (Some(ours), Some(theirs)) = (value(&text), theirs(&text)) {
            prop_assert_eq!(whole(ours), whole(theirs), "{:?}", text);
        }
    }


    #[test]
    fn what_serde_yaml_writes_is_read_as_it_was(wanted in any_value()) {
        let text = serde_yaml::to_string(&wanted).unwrap();
        prop_assume!(!text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        prop_assert_eq!(value(&text), Some(wanted), "{:?}", text);
    }

    #[test]
    fn json_is_read_as_it_was(wanted in any_value()) {
        let lines = serde_json::to_string_pretty(&wanted).unwrap();
        for text in [serde_json::to_string(&wanted).unwrap(), lines] {
            // JSON takes characters unescaped that YAML does not.
            if !text.contains(['\u{7f}', '\u{fffe}', '\u{ffff}', '\u{feff}']) {
                prop_assert_eq!(value(&text), Some(wanted.clone()), "{:?}", text);
            }
        }
    }

}

#[test]
fn the_manifest_of_the_contract_reads_as_serde_yaml_reads_it() {
    let theirs: Value = serde_yaml::from_str(MANIFEST).unwrap();
    assert_eq!(value(MANIFEST), Some(theirs));
}

#[test]
fn a_block_scalar_at_the_end_of_a_file_ends_as_the_file_does() {
    for text in [
        "k: |\n  a",
        "k: |\n  a\n",
        "k: >\n  a\n  b",
        "k: |\n  a\n  ",
        "k: |+\n  a\n\n",
        "k: |\n\n  a\n    ",
    ] {
        let theirs: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(value(text), Some(theirs), "{text:?}");
    }
}
