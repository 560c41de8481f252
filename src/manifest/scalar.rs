//! What a plain scalar means: a number, a truth value, nothing, or text.
//!
//! serde_yaml decides, so that a manifest means what every other program of the serde world reads in
//! it (`no` and `on` are text). What is certain without asking is decided here, for speed.

use std::collections::HashMap;

use serde_json::Value;

/// A plain scalar that is no value at all, for example a number larger than 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotAValue;

/// Resolves plain scalars; remembers what serde_yaml said.
#[derive(Default)]
pub(super) struct Scalars {
    known: HashMap<String, Result<Value, NotAValue>>,
}

/// So many answers are remembered.
const REMEMBERED: usize = 4096;

impl Scalars {
    /// The value of a plain (unquoted) scalar; none for one that is text.
    pub(super) fn resolve(&mut self, text: &str) -> Result<Option<Value>, NotAValue> {
        if is_text(text) {
            return Ok(None);
        }
        self.not_plainly_text(text).map(|value| match value {
            Value::String(_) => None,
            value => Some(value),
        })
    }

    fn not_plainly_text(&mut self, text: &str) -> Result<Value, NotAValue> {
        match text {
            "" | "~" | "null" => return Ok(Value::Null),
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            _ => {}
        }
        let bytes = text.as_bytes();
        let canonical = bytes.len() <= 18
            && bytes.iter().all(u8::is_ascii_digit)
            && (bytes.len() == 1 || bytes.first() != Some(&b'0'));
        if let (true, Ok(number)) = (canonical, text.parse::<u64>()) {
            return Ok(Value::from(number));
        }
        if let Some(value) = self.known.get(text) {
            return value.clone();
        }
        // Alone in a text `-` would be a list, and `---` the start of a document.
        let value = match serde_yaml::from_str::<Value>(text) {
            Ok(Value::Array(_) | Value::Object(_)) => Ok(Value::String(text.to_owned())),
            Ok(value) => Ok(value),
            Err(_) => Err(NotAValue),
        };
        if self.known.len() < REMEMBERED {
            self.known.insert(text.to_owned(), value.clone());
        }
        value
    }
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
    use super::*;

    #[test]
    fn each_scalar_means_what_serde_yaml_reads() {
        let mut scalars = Scalars::default();
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
            let theirs = serde_yaml::from_str::<Value>(&format!("k: {text}"))
                .map(|mut map| map["k"].take())
                .map_err(|_| NotAValue);
            let ours = scalars.resolve(text);
            let ours = ours.map(|value| value.unwrap_or_else(|| Value::String(text.to_owned())));
            assert_eq!(ours, theirs, "{text}");
        }
    }
}
