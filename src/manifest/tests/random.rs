//! Random texts: nothing panics, and every problem has a place.

use std::fs;

use proptest::prelude::*;

use super::{cases, load_text};
use crate::manifest::{Paint, Problems};

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

pub(super) fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..24)
        .prop_map(|pieces| pieces.concat())
}

pub(super) const MANIFEST: &str = include_str!("../../../tests/cases/manifest/good/contract.yaml");

/// Reads a manifest, and shows all that is wrong with it: every place is one of the text.
fn is_read_or_refused(bytes: &[u8]) {
    let Err(problems) = load_text(bytes) else {
        return;
    };
    assert!(!problems.render(Paint::Plain, 80).is_empty());
    places_are_in(&problems, bytes);
}

fn places_are_in(problems: &Problems, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    for line in problems.lines().iter().filter(|line| line.line > 0) {
        let here = lines.get(line.line - 1);
        // Behind the last character of a line is the place of what is not there.
        let columns = here.map(|here| here.chars().count() + 1);
        assert!(columns >= Some(line.column), "{line:?}\n{text}");
    }
    let name = problems.files().next().map(str::to_owned);
    assert!(
        problems
            .iter()
            .flat_map(|problem| &problem.labels)
            .all(|label| { label.span().end <= text.len() && label.file() == 0 && name.is_some() })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        is_read_or_refused(&bytes);
    }

    #[test]
    fn a_damaged_manifest_never_panics(at in 0..MANIFEST.len(), cut in 0_usize..20, piece in document()) {
        let mut bytes = MANIFEST.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, piece.into_bytes());
        is_read_or_refused(&bytes);
    }
    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((0..MANIFEST.len(), 0_u8..8), 1..6)) {
        let mut bytes = MANIFEST.as_bytes().to_vec();
        for (at, bit) in flips {
            bytes[at] ^= 1 << bit;
        }
        is_read_or_refused(&bytes);
    }

    /// A text that is cut anywhere, and goes on with one that is cut anywhere: brackets, quotes and
    /// block scalars that do not fit.
    #[test]
    fn texts_that_do_not_fit_never_panic(one in document(), two in document(), at in 0..MANIFEST.len()) {
        let bytes = [one.as_bytes(), &MANIFEST.as_bytes()[at..], two.as_bytes()].concat();
        is_read_or_refused(&bytes);
    }
}

#[test]
fn a_manifest_that_ends_anywhere_never_panics() {
    for case in cases("good") {
        let bytes = fs::read(case).unwrap();
        for end in 0..bytes.len() {
            is_read_or_refused(&bytes[..end]);
        }
    }
}
