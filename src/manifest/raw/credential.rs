//! Where a secret is read from. What stands there may be the secret itself: no message repeats any of it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::form::{At, Kind, Location, Problem, Read, Reader, Value};

/// Where a secret is read from: exactly one of `env` and `file`. Never the secret itself.
#[derive(Debug, Clone)]
pub(in crate::manifest) enum Credential {
    /// The name of an environment variable.
    Env(At<String>),
    /// A file that holds the secret.
    File(At<String>),
}

impl Credential {
    const ABOUT: &str =
        "Where a secret is read from: exactly one of `env` and `file`. Never the secret itself.";

    /// What stands there may be the secret: no message repeats any of it.
    fn plain_secret(value: Value<'_>, reader: &mut Reader<'_>, is_empty: bool) {
        let name = reader.name();
        let message = if is_empty {
            format!("`{name}` does not say where the secret is read from")
        } else {
            format!(
                "`{name}` says where the secret is read from; the secret itself never stands in a manifest"
            )
        };
        let help = if is_empty {
            format!("write `{name}: {{ env: {} }}`", name.to_ascii_uppercase())
        } else {
            format!(
                "write `{name}: {{ env: {} }}`, and replace the key at the CA if it was real",
                name.to_ascii_uppercase()
            )
        };
        let problem = Problem::new("plain_secret", message)
            .at(
                Location::Value(value.point()),
                "expected `{ env: NAME }` or `{ file: PATH }`",
            )
            .help(help);
        reader.tell(problem);
    }
}

impl Read for Credential {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut env = None;
        let mut file = None;
        let mut is_wrong = value.kind() != Kind::Mapping;
        for (key, of) in value.members() {
            let at = of.text().filter(|text| !text.is_empty()).map(|text| At {
                value: text.to_owned(),
                point: of.point(),
            });
            match key.text() {
                Some("env") if env.is_none() => env = Some(at),
                Some("file") if file.is_none() => file = Some(at),
                _ => is_wrong = true,
            }
        }
        match (env, file) {
            (Some(_), Some(_)) => {
                let problem = Problem::new(
                    "two_sources",
                    format!("`{}` has both `env` and `file`", reader.name()),
                )
                .at(Location::Value(value.point()), "say one of them")
                .help("remove one of them");
                reader.tell(problem);
                None
            }
            (Some(Some(env)), None) if !is_wrong => Some(Self::Env(env)),
            (None, Some(Some(file))) if !is_wrong => Some(Self::File(file)),
            (None, None) if !is_wrong => {
                Self::plain_secret(value, reader, true);
                None
            }
            _ => {
                Self::plain_secret(value, reader, false);
                None
            }
        }
    }
}

impl JsonSchema for Credential {
    fn schema_name() -> Cow<'static, str> {
        "Credential".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": Self::ABOUT,
            "type": "object",
            "properties": {
                "env": {
                    "description": "The name of an environment variable.",
                    "type": "string", "minLength": 1, "maxLength": 200
                },
                "file": {
                    "description": "A file that holds the secret; a relative path is relative to the manifest.",
                    "type": "string", "minLength": 1, "maxLength": 4096
                }
            },
            "additionalProperties": false
        })
    }
}
