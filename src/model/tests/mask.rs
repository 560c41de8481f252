//! A secret is covered in every spelling that a server can echo, and nothing else is.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use proptest::prelude::*;

use crate::model::{Mask, Secret};

const KEY: &str = "DCK7-9f3Qm_x2LpR8/vT5wYb+1ZsHn4c";

fn covered(key: &str, text: &str) -> String {
    Mask::of(&[&Secret::new(key.to_owned())]).covered(text)
}

fn each(text: &str, spell: impl Fn(u8) -> String) -> String {
    text.bytes().map(spell).collect()
}

/// One encoding, by number; each keeps what was encoded before it.
fn encoded(text: &str, by: usize) -> String {
    match by {
        0 => text.replace('"', "\\\""),
        1 => each(text, |byte| format!("\\u{byte:04x}")),
        2 => each(text, |byte| format!("\\u{byte:04X}")),
        3 => each(text, |byte| format!("%{byte:02X}")),
        4 => each(text, |byte| format!("%{byte:02x}")),
        5 => each(text, |byte| format!("&#{byte};")),
        6 => each(text, |byte| format!("&#x{byte:x};")),
        7 => each(text, |byte| format!("&#X{byte:04X};")),
        8 => each(text, |byte| format!("\\x{byte:02x}")),
        9 => text.replace('/', "\\/"),
        10 => text
            .replace('+', "&plus;")
            .replace('/', "&sol;")
            .replace('_', "&lowbar;"),
        11 => each(text, |byte| match (byte, byte % 3) {
            (b'\\', _) | (_, 0) => format!("\\u{byte:04x}"),
            _ => char::from(byte).to_string(),
        }),
        12 => text.replace('+', "%2B").replace('/', "%2F"),
        13 => each(text, |byte| format!("\\u{{{byte:x}}}")),
        _ => text.to_owned(),
    }
}

/// One way to write the bytes as other letters, by number.
fn lettered(text: &str, by: usize) -> String {
    let bytes = text.as_bytes();
    match by {
        0 => BASE64.encode(bytes),
        1 => BASE64_NOPAD.encode(bytes),
        2 => BASE64URL.encode(bytes),
        3 => BASE64URL_NOPAD.encode(bytes),
        4 => HEXLOWER.encode(bytes),
        5 => HEXUPPER.encode(bytes),
        6 => each(text, |byte| format!("{byte:02x}:")),
        7 => each(text, |byte| format!("{byte:02X} ")),
        8 => text.to_lowercase(),
        9 => text.to_uppercase(),
        _ => text.to_owned(),
    }
}

/// What is left of the text where nothing is covered: the longest run of it that still stands.
fn longest_run(of: &str, shown: &str) -> usize {
    let mut longest = 0;
    for start in 0..of.len() {
        while start + longest < of.len() && shown.contains(&of[start..=start + longest]) {
            longest += 1;
        }
    }
    longest
}

proptest! {
    #[test]
    fn no_spelling_shows_more_than_a_trace(
        key in "[A-Za-z0-9_+/=-]{16,80}",
        before in "[a-zA-Z]{0,5}: ?",
        after in "( and more)?",
        letters in 0usize..11,
        layers in proptest::collection::vec(0usize..14, 0..3),
    ) {
        let mut text = lettered(&format!("{before}{key}{after}"), letters);
        // The spelling of the key alone: how much of it may be left is counted on the text.
        for layer in layers {
            text = encoded(&text, layer);
        }
        let shown = covered(&key, &text);
        prop_assert_eq!(shown.len(), text.len());
        prop_assert!(shown.contains("*****"), "{text}\n{shown}");
        // What is left beside the stars is what stood around the key.
        let stars = shown.bytes().filter(|byte| *byte == b'*').count();
        let share = key.len() * text.len() / (before.len() + key.len() + after.len()).max(1);
        prop_assert!(stars + share / 6 + 12 >= share, "{text}\n{shown}");
    }

    #[test]
    fn no_text_panics_or_changes_its_length(text in "(\\\\|%|&|#|u|x|[0-9a-f]|;|é|\\PC){0,60}") {
        prop_assert_eq!(covered(KEY, &text).len(), text.len());
    }
}

#[test]
fn every_spelling_of_the_whole_header_line_is_covered() {
    let line = format!("X-DC-DEVKEY: {KEY}");
    for letters in 0..11 {
        for layer in 0..15 {
            let text = encoded(&lettered(&line, letters), layer);
            let shown = covered(KEY, &format!(r#"{{"m": "{text}"}}"#));
            let spelled = encoded(&lettered(KEY, letters), layer);
            assert!(
                longest_run(&spelled, &shown) < spelled.len() / 4,
                "{letters} {layer}: {shown}"
            );
        }
    }
}

#[test]
fn base64_is_covered_wherever_the_key_begins_in_it() {
    for before in ["", "a", "ab", "abc", "X-DC-DEVKEY: "] {
        for after in ["", "z", "zz"] {
            for by in 0..4 {
                let shown = covered(KEY, &lettered(&format!("{before}{KEY}{after}"), by));
                let left: String = shown.chars().filter(|c| *c != '*').collect();
                assert!(
                    left.len() <= (before.len() + after.len()) * 4 / 3 + 4,
                    "{shown}"
                );
            }
        }
    }
}

#[test]
fn a_beginning_is_enough() {
    for length in 16..KEY.len() {
        let cut = &KEY[..length];
        assert_eq!(covered(KEY, cut), "*".repeat(length));
        assert_eq!(covered(KEY, &encoded(cut, 1)), "*".repeat(length * 6));
        let base64 = covered(KEY, &BASE64.encode(cut.as_bytes()));
        assert!(
            longest_run(&BASE64.encode(cut.as_bytes()), &base64) <= 3,
            "{base64}"
        );
    }
    assert_eq!(covered(KEY, &KEY[..15]), KEY[..15]);
}

#[test]
fn every_occurrence_is_covered_and_nothing_else() {
    assert_eq!(
        covered("k3y-k3y-", "k3y-k3y-k3y-k3y-, k3y-k3y"),
        "****************, k3y-k3y"
    );
    assert_eq!(covered("k3y-k3y-", "k3y-kk3y-k3y-"), "k3y-k********");
    let innocent = r#"{"id": 70000001, "m": "50 % & \u00fc \\ &amp; \ud83d\ude00 %zz &#; \u12"}"#;
    assert_eq!(covered(KEY, innocent), innocent);
}

#[test]
fn json_stays_json() {
    let key = "abc/def\"gh\\ijk";
    for layer in [0, 1, 2, 9, 11] {
        let inner = encoded(&serde_json::to_string(key).unwrap(), 100);
        let text = match layer {
            0 => format!(r#"{{"m": {inner}}}"#),
            layer => format!(
                r#"{{"m": "{}"}}"#,
                encoded(inner.trim_matches('"'), layer % 9)
            ),
        };
        let shown = covered(key, &text);
        let value: serde_json::Value = serde_json::from_str(&shown).expect(&shown);
        let said = value["m"].as_str().unwrap();
        assert!(!said.contains("def"), "{said}");
        assert!(said.contains('*'), "{said}");
    }
}

#[test]
fn a_key_like_a_word_spoils_no_answer() {
    for key in ["", "id", "1234567", "::::::::::", "        "] {
        assert_eq!(
            covered(key, r#"{"id": 1234567890}"#),
            r#"{"id": 1234567890}"#
        );
    }
    assert_eq!(Mask::of(&[]).covered("nothing to hide"), "nothing to hide");
}
