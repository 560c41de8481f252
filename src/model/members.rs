//! The members of an order that certplan hands on as they are. Main type: [`Members`].
//!
//! Kept as JSON text: a map of a hundred thousand orders each would take most of the memory of a plan.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A JSON object, as compact text with sorted names: equal objects have equal text.
#[derive(Clone, Default)]
pub struct Members(Option<Box<RawValue>>);

impl Members {
    /// Each member, read.
    pub fn map(&self) -> Map<String, Value> {
        serde_json::from_str(self.text()).unwrap_or_default()
    }

    /// Each member as its text.
    pub fn texts(&self) -> BTreeMap<String, &RawValue> {
        serde_json::from_str(self.text()).unwrap_or_default()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What a value is as JSON. The value has its members in the order of the alphabet, all the way down.
    pub fn of<T: Serialize>(value: &T) -> Self {
        let raw = serde_json::value::to_raw_value(value).ok();
        Self(raw.filter(|raw| raw.get() != "{}"))
    }

    fn text(&self) -> &str {
        self.0.as_ref().map_or("{}", |raw| raw.get())
    }
}

impl From<&Map<String, Value>> for Members {
    fn from(map: &Map<String, Value>) -> Self {
        if map.is_empty() {
            return Self(None);
        }
        // A map of values is always JSON.
        Self(serde_json::value::to_raw_value(map).ok())
    }
}

impl From<Map<String, Value>> for Members {
    fn from(map: Map<String, Value>) -> Self {
        Self::from(&map)
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Members {}

impl fmt::Debug for Members {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(raw) => raw.serialize(serializer),
            None => Map::new().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read, not taken over: the text may have blanks, or names in another order.
        Map::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_objects_are_equal_however_they_were_written() {
        let read = |text: &str| serde_json::from_str::<Members>(text).unwrap();
        let one = read(r#"{ "b": [1, {"y": null, "x": "é\n"}], "a": 1.5 }"#);
        assert_eq!(one, read(r#"{"a":1.5,"b":[1,{"x":"é\n","y":null}]}"#));
        assert_ne!(one, read(r#"{"a":1.5}"#));
        assert_eq!(read("{ }"), Members::default());
        let written = r#"{"a":1.5,"b":[1,{"x":"é\n","y":null}]}"#;
        assert_eq!(serde_json::to_string(&one).unwrap(), written);
        assert_eq!(serde_json::to_string(&one.map()).unwrap(), written);
        assert_eq!(one.texts()["a"].get(), "1.5");
        assert_eq!(serde_json::to_string(&Members::default()).unwrap(), "{}");
        assert!(serde_json::from_str::<Members>("[]").is_err());
    }
}
