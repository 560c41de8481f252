//! Random texts: nothing panics, and one pass reads what serde_yaml reads.

use proptest::prelude::*;
use serde_json::Value;

use super::load_text;
use crate::manifest::Paint;
use crate::manifest::document::read;
use crate::manifest::source::Source;

/// The value of a document whose root is a mapping, as the first pass sees it.
fn value(text: &str) -> Option<Value> {
    let source = Source {
        name: String::new(),
        path: None,
        text: text.to_owned(),
        usable: true,
    };
    let mut found = Vec::new();
    let mut map = serde_json::Map::new();
    let whole = read(&source, 0, |_| false, &mut found, &mut |mut entry, _| {
        map.extend(entry.path.pop().map(|name| (name, entry.value)));
    });
    (whole && found.is_empty()).then_some(Value::Object(map))
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
            prop_assert_eq!(ours, theirs, "{:?}", text);
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
