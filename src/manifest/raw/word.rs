//! Values that are more than one simple type: products, serial numbers, reasons, dependencies.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::model::form::{Kind, Read, Reader, Text, Value, read_shape, shapes};
use crate::model::{Milestone, RevocationReason};

/// A CA's id of a product.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Product(pub(in crate::manifest) String);

impl Read for Product {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::read(value, reader)?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=100).contains(&text.len()) && text.bytes().all(plain) {
            return Some(Self(text));
        }
        reader.bad_value(value, "is lower-case letters, digits and `_`, at most 100");
        None
    }
}

impl JsonSchema for Product {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Product".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9_]{1,100}$" })
    }
}

/// A serial number, in lower case and without colons.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Hex(pub(super) String);

impl Read for Hex {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::read(value, reader)?;
        let plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        if (1..=80).contains(&text.len()) && text.bytes().all(plain) {
            return Some(Self(text.to_lowercase().replace(':', "")));
        }
        reader.bad_value(value, "is hexadecimal, at most 80 characters");
        None
    }
}

impl JsonSchema for Hex {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Hex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9A-Fa-f:]{1,80}$" })
    }
}

/// A revocation reason.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Reason(pub(in crate::manifest) RevocationReason);

impl Read for Reason {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = value.text() else {
            reader.wrong_type(value, "text");
            return None;
        };
        let known = RevocationReason::ALL.into_iter();
        let reason = known.clone().find(|reason| reason.name() == text);
        if reason.is_none() {
            reader.unknown_word("unknown_reason", value, known.map(RevocationReason::name));
        }
        reason.map(Self)
    }
}

impl JsonSchema for Reason {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = RevocationReason::ALL.map(RevocationReason::name);
        json_schema!({ "type": "string", "enum": names })
    }
}

shapes! {
    /// One dependency that is not only a name.
    pub(in crate::manifest) struct Dependency {
        /// An order of this manifest.
        order: String,
        /// A revocation of this manifest.
        revocation: String,
        /// How far it must have come: `submitted` or `issued` for an order, `submitted` or `revoked` for a revocation.
        until: Milestone,
    }
}

/// One dependency: a name, or a mapping that says what of it.
#[derive(Debug, Clone)]
pub(in crate::manifest) enum After {
    /// An order or a revocation of this name.
    Name(String),
    /// Said in full.
    Dependency(Dependency),
}

impl Read for After {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Text => {
                let name = Text::<1, 200>::read(value, reader)?;
                Some(Self::Name(name.0))
            }
            Kind::Mapping => read_shape(value, reader).map(Self::Dependency),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List | Kind::Refused => {
                reader.wrong_type(value, "text or a mapping");
                None
            }
        }
    }
}

impl JsonSchema for After {
    fn schema_name() -> Cow<'static, str> {
        "After".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Dependency::json_schema(generator);
        for (key, value) in [
            (
                "description",
                json!(
                    "A name (with the stronger `until`), or exactly one of `order` and `revocation` with `until`."
                ),
            ),
            ("type", json!(["string", "object"])),
            ("minLength", json!(1)),
            ("maxLength", json!(200)),
        ] {
            schema.insert(key.to_owned(), value);
        }
        schema
    }
}
