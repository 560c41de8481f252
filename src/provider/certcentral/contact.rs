//! A contact of an organization: any members, each text of one line or a number; ids are ids. Main type: [`Contact`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;

use crate::model::form::{
    Id, Kind, Line, Location, Number, Point, Problem, Read, Reader, Value, shown,
};

/// A contact of an organization: members as the API has them.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Contact {
    members: BTreeMap<String, ContactValue>,
    /// Where its address stands.
    #[serde(skip)]
    email: Option<Point>,
}

/// A member of a contact.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum ContactValue {
    Text(Line<255>),
    Number(u64),
}

/// JSON numbers are exact up to here.
const LARGEST_NUMBER: u64 = 9_007_199_254_740_991;

impl Contact {
    /// Its address, and where that stands.
    pub(super) fn email(&self) -> Option<(&str, Point)> {
        match self.members.get("email")? {
            ContactValue::Text(Line(text)) => Some((text, self.email?)),
            ContactValue::Number(_) => None,
        }
    }
}

/// Ids of CertCentral are integers.
fn id(value: Value<'_>, reader: &mut Reader<'_>) -> Option<ContactValue> {
    let Id(number) = Id::read(value, reader)?;
    if number > LARGEST_NUMBER {
        reader.bad_value(value, &format!("is at most {LARGEST_NUMBER}"));
        return None;
    }
    Some(ContactValue::Number(number))
}

impl Read for ContactValue {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Text => Line::read(value, reader).map(Self::Text),
            Kind::Number(Number::Natural(number)) if number <= LARGEST_NUMBER => {
                let written = value.written().unwrap_or_default();
                if written == number.to_string() {
                    return Some(Self::Number(number));
                }
                // A telephone number may begin with 0 or `+`, which a number of YAML loses.
                let name = reader.name();
                let problem = Problem::new("id_spelling", format!("`{name}` is read as {number}"))
                    .at(Location::Value(value.point()), "in another form")
                    .help(format!("write it in quotes: `\"{written}\"`"));
                reader.tell(problem);
                None
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

/// Names of the API's members: letters, digits and `_`.
fn is_member_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Read for Contact {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() != Kind::Mapping {
            reader.wrong_type(value, "a mapping");
            return None;
        }
        let mut seen: BTreeMap<&str, Point> = BTreeMap::new();
        let mut contact = Self {
            members: BTreeMap::new(),
            email: None,
        };
        for (key, value) in value.members() {
            let Some(name) = key.text() else { continue };
            if let Some(first) = seen.insert(name, value.point()) {
                reader.given_twice(name, key.point(), Location::Key(first));
                continue;
            }
            if !is_member_name(name) {
                let message = format!("a contact has no member `{}`", shown(name));
                let problem = Problem::new("unknown_member", message);
                let problem = problem.at(Location::Value(key.point()), "unknown");
                reader.tell(problem.help("letters, digits and `_`, for example `first_name`"));
                continue;
            }
            let read = reader.member(name.to_owned(), |reader| match value.kind() {
                Kind::Refused => None,
                Kind::Null
                | Kind::Bool(_)
                | Kind::Number(_)
                | Kind::Text
                | Kind::List
                | Kind::Mapping => match name.ends_with("_id") {
                    true => id(value, reader),
                    false => ContactValue::read(value, reader),
                },
            });
            let Some(read) = read else { continue };
            if name == "email" {
                contact.email = Some(value.point());
            }
            contact.members.insert(name.to_owned(), read);
        }
        Some(contact)
    }
}

impl JsonSchema for Contact {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Contact".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut text = Line::<255>::json_schema(generator);
        text.insert("type".to_owned(), json!(["string", "integer"]));
        text.insert("minimum".to_owned(), 0.into());
        text.insert("maximum".to_owned(), LARGEST_NUMBER.into());
        let mut id = Id::json_schema(generator);
        id.insert("maximum".to_owned(), LARGEST_NUMBER.into());
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9_]{1,64}$" },
            "patternProperties": { "_id$": id },
            "additionalProperties": text
        })
    }
}
