//! What a plain scalar means: a number, a truth value, nothing, or text.
//!
//! serde_yaml decides, so that a manifest means what every other program of the serde world reads in
//! it (`no` and `on` are text). What is certain without asking is decided here, for speed.

use std::collections::HashMap;

use serde_json::Value;

use crate::model::form::Number;

/// What a plain scalar means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text,
}

/// Resolves plain scalars; remembers what serde_yaml said.
#[derive(Default)]
pub(super) struct Scalars {
    known: HashMap<String, Option<Scalar>>,
}

/// So many answers are remembered.
const REMEMBERED: usize = 4096;

impl Scalars {
    /// What a plain (unquoted) scalar means; nothing for one that is no value at all, for example a number
    /// larger than 64 bits.
    pub(super) fn resolve(&mut self, text: &str) -> Option<Scalar> {
        if is_text(text) {
            return Some(Scalar::Text);
        }
        match text {
            "" | "~" | "null" => return Some(Scalar::Null),
            "true" => return Some(Scalar::Bool(true)),
            "false" => return Some(Scalar::Bool(false)),
            _ => {}
        }
        let bytes = text.as_bytes();
        let canonical = bytes.len() <= 18
            && bytes.iter().all(u8::is_ascii_digit)
            && (bytes.len() == 1 || bytes.first() != Some(&b'0'));
        if let (true, Ok(number)) = (canonical, text.parse::<u64>()) {
            return Some(Scalar::Number(Number::Natural(number)));
        }
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let scalar = ask(text);
        if self.known.len() < REMEMBERED {
            self.known.insert(text.to_owned(), scalar);
        }
        scalar
    }
}

/// What serde_yaml reads.
fn ask(text: &str) -> Option<Scalar> {
    Some(match serde_yaml::from_str::<Value>(text).ok()? {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Bool(value),
        Value::Number(number) => Scalar::Number(whole(&number)),
        // Alone in a text `-` would be a list, and `---` the start of a document.
        Value::String(_) | Value::Array(_) | Value::Object(_) => Scalar::Text,
    })
}

/// `3.0` is the whole number 3 in JSON Schema, so it is one here.
fn whole(number: &serde_json::Number) -> Number {
    if let Some(natural) = number.as_u64() {
        return Number::Natural(natural);
    }
    if let Some(negative) = number.as_i64() {
        return Number::Negative(negative);
    }
    let float = number.as_f64().unwrap_or(f64::NAN);
    let whole = float as i64;
    if whole as f64 == float && whole.unsigned_abs() < 1 << 53 {
        return match u64::try_from(whole) {
            Ok(natural) => Number::Natural(natural),
            Err(_) => Number::Negative(whole),
        };
    }
    Number::Float(float)
}

/// Whether a plain scalar cannot be anything but text.
fn is_text(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else {
        return false;
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => {
            is_date(text.as_bytes())
                || text.starts_with("---")
                || text.starts_with("...")
                || text
                    .bytes()
                    .any(|byte| !(byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)))
        }
        b'~' => text.len() > 1,
        b'n' | b'N' => !text.eq_ignore_ascii_case("null"),
        b't' | b'T' => !text.eq_ignore_ascii_case("true"),
        b'f' | b'F' => !text.eq_ignore_ascii_case("false"),
        _ => true,
    }
}

fn is_date(bytes: &[u8]) -> bool {
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What serde_yaml reads where the scalar is the value of a member.
    fn theirs(text: &str) -> Option<Value> {
        let read = serde_yaml::from_str::<Value>(&format!("k: {text}"));
        read.ok()
            .and_then(|mut map| map.get_mut("k").map(Value::take))
    }

    #[track_caller]
    fn agrees(text: &str) {
        let ours = Scalars::default().resolve(text);
        let theirs = theirs(text);
        let same = match (ours, &theirs) {
            (None, None) => true,
            (Some(Scalar::Null), Some(Value::Null)) => true,
            (Some(Scalar::Bool(ours)), Some(Value::Bool(theirs))) => ours == *theirs,
            (Some(Scalar::Number(ours)), Some(Value::Number(theirs))) => match ours {
                Number::Natural(ours) => theirs.as_f64() == Some(ours as f64),
                Number::Negative(ours) => theirs.as_f64() == Some(ours as f64),
                Number::Float(ours) => theirs.as_f64() == Some(ours),
            },
            (Some(Scalar::Text), Some(Value::String(theirs))) => text == theirs,
            _ => false,
        };
        assert!(same, "{text:?}: {ours:?} and {theirs:?}");
    }

    #[test]
    fn each_scalar_means_what_serde_yaml_reads() {
        for text in [
            "1",
            "0",
            "-1",
            "+1",
            "007",
            "0x1f",
            "0o17",
            "0b11",
            "1e3",
            "1.5",
            ".5",
            "-.5",
            ".inf",
            "-.inf",
            ".nan",
            "1_000",
            "18446744073709551615",
            "9223372036854775807",
            "-0",
            "12:30",
            "2027-06-30",
            "2027-06-30T10:00:00Z",
            "~",
            "~x",
            "null",
            "Null",
            "NULL",
            "nullx",
            "true",
            "True",
            "TRUE",
            "tRue",
            "false",
            "False",
            "FALSE",
            "no",
            "on",
            "yes",
            "off",
            "y",
            "n",
            "N",
            "5s",
            "1.2.3.4",
            "--",
            "---",
            "----",
            "...",
            "...x",
            "-1-",
            "--1",
            "0a1b",
            "1e",
            "00",
            "+",
            ".",
            "0.",
            "1,000",
            "-a b",
            "18446744073709551616",
            "123456789012345678901234567890",
            "0xffffffffffffffffff",
        ] {
            agrees(text);
        }
    }
    /// What may stand in a plain scalar that could be a number, a date or a word of YAML.
    fn odd() -> impl Strategy<Value = String> {
        let pieces = [
            "0",
            "1",
            "7",
            "9",
            "00",
            "12",
            "-",
            "+",
            ".",
            "e",
            "E",
            "x",
            "o",
            "b",
            "_",
            "0x",
            "0o",
            "0b",
            "inf",
            ".inf",
            "nan",
            ".nan",
            "true",
            "False",
            "null",
            "~",
            "no",
            "y",
            "T",
            "2027-06-30",
            ":",
            "a",
            "f",
            "é",
            ",",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..7)
            .prop_map(|pieces| pieces.concat())
            // These are no scalars of their own but marks of YAML, or two values.
            .prop_filter("a scalar", |text| {
                !text.ends_with(':') && !text.starts_with([':', ',', '-']) && text != "~"
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_scalars_mean_what_serde_yaml_reads(text in odd()) {
            agrees(&text);
        }

        #[test]
        fn random_numbers_mean_what_serde_yaml_reads(sign in "[+-]?", text in "[0-9]{0,20}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{1,2})?") {
            prop_assume!(!text.is_empty());
            agrees(&format!("{sign}{text}"));
        }
    }
}
