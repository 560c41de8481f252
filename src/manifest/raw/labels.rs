//! What people note of an entry for themselves: [`Labels`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::form::{Kind, Location, Problem, Read, Reader, Unbroken, Value, shown};

/// The most characters of a value.
const MOST: usize = 63;

/// Labels by their keys.
#[derive(Debug, Clone, Default)]
pub(in crate::manifest) struct Labels(pub(in crate::manifest) BTreeMap<String, String>);

fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&text.len())
        && text.bytes().all(plain)
        && text.starts_with(|first: char| first.is_ascii_lowercase())
}

impl Read for Labels {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() != Kind::Mapping {
            let help = "write for example `labels: { owner: team-web, tier: \"1\" }`";
            reader.wrong_type_but(value, "a mapping", Some(help));
            return None;
        }
        let before = reader.count();
        let mut labels = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (key, value) in value.members() {
            // A key that is no text was reported.
            let name = key.text()?;
            if !is_key(name) {
                reader.tell(
                    Problem::new(
                        "label_key",
                        format!(
                            "`{}` is not the key of a label: lower-case letters, digits and `_`, a letter first, at most 32 characters",
                            shown(name)
                        ),
                    )
                    .at(Location::Value(key.point()), "this key")
                    .help("write for example `owner`, `tier` or `cost_center`"),
                );
                continue;
            }
            if let Some(first) = places.insert(name, value.point()) {
                reader.given_twice(name, key.point(), Location::Key(first));
                continue;
            }
            let read = |reader: &mut Reader<'_>| Unbroken::<MOST>::read(value, reader);
            if let Some(Unbroken(text)) = reader.member(format!("labels.{name}"), read) {
                labels.insert(name.to_owned(), text);
            }
        }
        (reader.count() == before).then_some(Self(labels))
    }

    fn fill(&mut self, default: &Self) {
        for (key, value) in &default.0 {
            self.0.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

impl JsonSchema for Labels {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Labels".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = Unbroken::<MOST>::json_schema(generator);
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z][a-z0-9_]{0,31}$" },
            "additionalProperties": value
        })
    }
}
