//! Words of the model as a manifest has them: each is read as the model's own type.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::form::{Read, Reader, Value};
use crate::model::{FileKind, KeyKind, Milestone, P12Strength, RenewRoute};

/// Reads and describes a type by its words: all of those that a manifest may have.
macro_rules! known_words {
    ($($name:ident: $all:expr, $example:expr;)+) => { $(
        impl Read for $name {
            fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
                let Some(text) = value.text() else {
                    reader.wrong_type(value, "text");
                    return None;
                };
                let known = $all.into_iter().find(|one| one.word() == text);
                if known.is_none() {
                    reader.unknown_word("unknown_value", value, $all.into_iter().map(Self::word));
                }
                known
            }

            fn example() -> Option<&'static str> {
                Some($example.word())
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "enum": $all.map(Self::word) })
            }
        }
    )+ };
}

known_words! {
    Milestone: Self::ALL, Self::Issued;
    KeyKind: Self::ALL, Self::P256;
    FileKind: Self::ASKED, Self::FullChain;
    P12Strength: Self::ALL, Self::Modern;
    RenewRoute: Self::ALL, Self::Auto;
}
