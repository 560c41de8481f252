//! Random texts: nothing panics, and one pass reads what serde_yaml reads.

use proptest::prelude::*;
use serde_json::Value;

use super::load_text;
use crate::manifest::Paint;
use crate::manifest::yaml;
use crate::model::form::{self, Kind, Number};

/// The value of a document whose root is a mapping, as one pass sees it. A key that is given twice is not
/// for this pass to refuse: then there is nothing to compare.
fn value(text: &str) -> Option<Value> {
    let mut problems = Vec::new();
    let reading = yaml::read(text, 0, &mut problems);
    let root = reading.written.root()?;
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

const PIECES: [&str; 44] = [
    "a",
    "b: ",
    "c:\n",
    "  ",
    "    ",
    "- ",
    "\n",
    "\n",
    "\n  ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "&x ",
    "*x",
    "no",
    "true",
    "1",
    "-1.5",
    "0x1f",
    "2027-06-30",
    "~",
    "null",
    "# c\n",
    "é",
    "\t",
    "\\n",
    "? ",
    "!!str ",
    "<<: ",
    "---\n",
    "version: 1\n",
    "orders:\n",
    "accounts:\n",
    "api_key: ",
    "env: ",
    "after: ",
    "\r\n",
];

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..24)
        .prop_map(|pieces| pieces.concat())
}

const MANIFEST: &str = include_str!("../../../tests/cases/manifest/good/contract.yaml");

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(problems) = load_text(bytes) {
            prop_assert!(!problems.render(Paint::Plain, 80).is_empty());
        }
    }

    #[test]
    fn a_damaged_manifest_never_panics(at in 0..MANIFEST.len(), cut in 0_usize..20, piece in document()) {
        let mut bytes = MANIFEST.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, piece.into_bytes());
        if let Err(problems) = load_text(bytes) {
            prop_assert!(!problems.render(Paint::Plain, 80).is_empty());
            prop_assert!(problems.lines().len() == problems.len());
        }
    }

    #[test]
    fn one_pass_reads_what_serde_yaml_reads(text in document()) {
        let text = format!("k: {text}");
        if let (Some(ours), Ok(theirs)) = (value(&text), serde_yaml::from_str::<Value>(&text)) {
            prop_assert_eq!(whole(ours), whole(theirs), "{:?}", text);
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
