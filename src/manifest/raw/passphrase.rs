//! Where the passphrase of a PKCS#12 file comes from. As with a credential, what stands there may be the secret
//! itself: no message repeats any of it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::credential::Credential;
use crate::model::form::{Kind, Location, Problem, Read, Reader, Value};

/// Exactly one of `env`, `file` and `generate: true`.
#[derive(Debug, Clone)]
pub(in crate::manifest) enum Passphrase {
    /// Made here, and kept beside the file.
    Generate,
    /// Read from a variable or a file.
    From(Credential),
}

impl Read for Passphrase {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let is_generate = |key: Value<'_>| key.text() == Some("generate");
        let Some((_, of)) = value.members().find(|(key, _)| is_generate(*key)) else {
            return Credential::read(value, reader).map(Self::From);
        };
        if of.kind() == Kind::Bool(true) && value.members().count() == 1 {
            return Some(Self::Generate);
        }
        let problem = Problem::new(
            "passphrase",
            "`passphrase` says one of `env`, `file` and `generate: true`",
        )
        .at(Location::Value(value.point()), "not one of them")
        .help("write `passphrase: { generate: true }`, or leave it out, which means the same");
        reader.tell(problem);
        None
    }
}

impl JsonSchema for Passphrase {
    fn schema_name() -> Cow<'static, str> {
        "Passphrase".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Credential::json_schema(generator);
        let about = "Where the passphrase is read from: exactly one of `env`, `file` and `generate: true` (the default).";
        schema.insert("description".to_owned(), json!(about));
        if let Some(members) = schema
            .get_mut("properties")
            .and_then(|of| of.as_object_mut())
        {
            members.insert(
                "generate".to_owned(),
                json!({ "description": "Made here, 24 characters, in `p12.pass`.", "const": true }),
            );
        }
        schema
    }
}
