//! JSON values as the CAs really send them: numbers as text, text as numbers, `[]` for an empty object.
//!
//! None of these types fails on a value of another type: what cannot be read is absent. Where a value
//! must be there, the adapter asks for it and says what is missing.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::normal_name;

/// A whole number, or text of digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Number(Option<u64>);

impl Number {
    pub(super) fn value(self) -> Option<u64> {
        self.0
    }

    /// An id: no CA gives the id 0.
    pub(super) fn id(self) -> Option<u64> {
        self.0.filter(|&id| id != 0)
    }

    /// A count, cut to what fits.
    pub(super) fn count(self) -> Option<u32> {
        self.0.map(|count| u32::try_from(count).unwrap_or(u32::MAX))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text)
                if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                text.parse().ok()
            }
            _ => None,
        }))
    }
}

/// Text, or a number or truth value written as text. Empty text is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(Option<String>);

impl Text {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn owned(&self) -> Option<String> {
        self.0.clone()
    }

    /// RFC 3339 with an offset, as CertCentral writes times.
    pub(super) fn timestamp(&self) -> Option<Timestamp> {
        self.get()?.parse().ok()
    }

    /// An amount of money: text or number.
    pub(super) fn decimal(&self) -> Option<Decimal> {
        self.get()?.trim().parse().ok()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        };
        Ok(Self(text.filter(|text| !text.is_empty())))
    }
}

/// A truth value, also as 0 and 1, as number or text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Truth(Option<bool>);

impl Truth {
    pub(super) fn get(self) -> Option<bool> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Text::deserialize(deserializer)?.get() {
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            _ => None,
        }))
    }
}

/// An object; `[]`, `null` and whatever is no object are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object<T>(Option<T>);

impl<T> Object<T> {
    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(if value.is_object() {
            serde_json::from_value(value).ok()
        } else {
            None
        }))
    }
}

/// A list; `null` is empty, a single object is a list of one, elements that cannot be read are left out.
/// For lists whose completeness decides something, use a plain `Vec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let elements = match Value::deserialize(deserializer)? {
            Value::Array(elements) => elements,
            Value::Object(object) if !object.is_empty() => vec![Value::Object(object)],
            _ => Vec::new(),
        };
        Ok(Self(
            elements
                .into_iter()
                .filter_map(|element| serde_json::from_value(element).ok())
                .collect(),
        ))
    }
}

/// Names sorted, in lower case, without repeats.
pub(super) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = all
        .into_iter()
        .map(normal_name)
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn number(value: Value) -> Option<u64> {
        serde_json::from_value::<Number>(value).unwrap().id()
    }

    #[test]
    fn an_id_is_a_positive_whole_number_or_its_digits() {
        assert_eq!(number(json!(7)), Some(7));
        assert_eq!(number(json!("7")), Some(7));
        assert_eq!(number(json!("18446744073709551615")), Some(u64::MAX));
        for bad in [
            json!(0),
            json!("0"),
            json!(-1),
            json!(1.5),
            json!(1e30),
            json!("-1"),
            json!("+1"),
            json!("1a"),
            json!(""),
            json!("18446744073709551616"),
            json!(null),
            json!([1]),
            json!({"id": 1}),
            json!(true),
        ] {
            assert_eq!(number(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn an_empty_list_is_an_absent_object() {
        let read = |value| serde_json::from_value::<Object<Number>>(value).unwrap();
        assert_eq!(read(json!([])).get(), None);
        assert_eq!(read(json!({})).get(), Some(&Number(None)));
    }

    #[test]
    fn money_is_read_from_text_and_numbers() {
        let read = |value| serde_json::from_value::<Text>(value).unwrap().decimal();
        assert_eq!(read(json!("1250.10")), Some("1250.10".parse().unwrap()));
        assert_eq!(read(json!(39.95)), Some("39.95".parse().unwrap()));
        assert_eq!(read(json!("n/a")), None);
    }
}
