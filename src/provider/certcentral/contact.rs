//! A contact of an organization: any members, each text or a number. Main type: [`Contact`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::model::form::{Kind, Location, Number, Point, Read, Reader, Value};

/// A contact of an organization: members as the API has them.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Contact(BTreeMap<String, ContactValue>);

/// A member of a contact.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum ContactValue {
    Text(String),
    Number(u64),
}

/// JSON numbers are exact up to here.
const LARGEST_NUMBER: u64 = 9_007_199_254_740_991;

impl Read for ContactValue {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Text => String::read(value, reader).map(Self::Text),
            Kind::Number(Number::Natural(number)) if number <= LARGEST_NUMBER => {
                Some(Self::Number(number))
            }
            Kind::Number(Number::Natural(_)) => {
                reader.bad_value(value, &format!("is at most {LARGEST_NUMBER}"));
                None
            }
            Kind::Number(Number::Negative(_)) => {
                reader.bad_value(value, "is at least 0");
                None
            }
            Kind::Number(Number::Float(_))
            | Kind::Null
            | Kind::Bool(_)
            | Kind::List
            | Kind::Mapping
            | Kind::Refused => {
                reader.wrong_type(value, "text or a whole number");
                None
            }
        }
    }
}

impl Read for Contact {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() != Kind::Mapping {
            reader.wrong_type(value, "a mapping");
            return None;
        }
        let mut seen: BTreeMap<&str, Point> = BTreeMap::new();
        let mut members = BTreeMap::new();
        for (key, value) in value.members() {
            let Some(name) = key.text() else { continue };
            if let Some(first) = seen.insert(name, value.point()) {
                reader.given_twice(name, key.point(), Location::Key(first));
                continue;
            }
            let read = reader.member(name.to_owned(), |reader| {
                (value.kind() != Kind::Refused).then(|| ContactValue::read(value, reader))
            });
            let Some(mut read) = read.flatten() else {
                continue;
            };
            // Ids of CertCentral are integers.
            if let ("user_id", ContactValue::Text(text)) = (name, &read)
                && let Ok(number) = text.parse()
            {
                read = ContactValue::Number(number);
            }
            members.insert(name.to_owned(), read);
        }
        Some(Self(members))
    }
}

impl JsonSchema for Contact {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Contact".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": {
                "type": ["string", "integer"], "minimum": 0, "maximum": LARGEST_NUMBER
            }
        })
    }
}
