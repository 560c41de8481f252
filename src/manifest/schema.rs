//! The JSON Schema of a manifest, from the shapes in [`super::raw`], and the checkers made of it.

use std::sync::OnceLock;

use jsonschema::{PatternOptions, Validator};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::raw;

/// The members of `defaults.orders` that only an entry itself can say.
const NOT_DEFAULT_ORDER: [&str; 6] = [
    "after",
    "existing_order_id",
    "generation",
    "renewal_of",
    "renewal_of_order_id",
    "renewed_thumbprint",
];
/// The members of `defaults.revocations` that only an entry itself can say.
const NOT_DEFAULT_REVOCATION: [&str; 6] = [
    "after",
    "generation",
    "order_id",
    "order",
    "scope",
    "reason",
];

const NAME_PATTERN: &str = "^[a-z0-9][a-z0-9-]{0,62}$";

/// The JSON Schema (draft 2020-12) of a manifest, with descriptions for editors.
pub fn schema() -> Value {
    let mut defs = definitions();
    let reference = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
    let named = |name: &str, text: &str| {
        json!({
            "description": text,
            "type": ["object", "null"],
            "propertyNames": { "pattern": NAME_PATTERN },
            "additionalProperties": reference(name)
        })
    };
    defs.insert(
        "Defaults".to_owned(),
        json!({
            "description": "Merged into every entry that does not say otherwise; objects one level deep.",
            "type": ["object", "null"],
            "properties": {
                "orders": reference("OrderDefaults"),
                "revocations": reference("RevocationDefaults")
            },
            "additionalProperties": false
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "certplan manifest",
        "description": "Certificate orders and revocations at commercial CAs, as they shall be.",
        "type": "object",
        "required": ["version"],
        "properties": {
            "version": { "description": "The version of this format.", "const": 1 },
            "accounts": named("Account", "The accounts at the CAs, by name."),
            "policy": reference("Policy"),
            "defaults": reference("Defaults"),
            "orders": named("Order", "The certificate orders, by name."),
            "revocations": named("Revocation", "The revocations, by name.")
        },
        "additionalProperties": false,
        "$defs": Value::Object(defs)
    })
}

/// The kinds of entries that are checked on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Policy,
    Defaults,
    Order,
    Revocation,
}

/// The checker of a kind, compiled once.
///
/// # Errors
///
/// The text of the fault, if our own schema cannot be compiled.
pub(super) fn checker(kind: Kind) -> Result<&'static Validator, String> {
    static CHECKERS: OnceLock<Result<Vec<Validator>, String>> = OnceLock::new();
    let checkers = CHECKERS.get_or_init(|| {
        let whole = schema();
        let defs = whole.get("$defs").cloned().unwrap_or_default();
        ["Account", "Policy", "Defaults", "Order", "Revocation"]
            .iter()
            .map(|name| {
                let part = json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "$ref": format!("#/$defs/{name}"),
                    "$defs": defs
                });
                jsonschema::options()
                    // Linear time, whatever the text.
                    .with_pattern_options(PatternOptions::regex())
                    .build(&part)
                    .map_err(|error| error.to_string())
            })
            .collect()
    });
    match checkers {
        Ok(checkers) => checkers
            .get(kind as usize)
            .ok_or_else(|| "no such kind".to_owned()),
        Err(error) => Err(error.clone()),
    }
}

/// The names that a mapping at a path of a kind may have, for "did you mean".
pub(super) fn known_members(kind: Kind, path: &[String]) -> Vec<String> {
    static WHOLE: OnceLock<Value> = OnceLock::new();
    let whole = WHOLE.get_or_init(schema);
    let name = match kind {
        Kind::Account => "Account",
        Kind::Policy => "Policy",
        Kind::Defaults => "Defaults",
        Kind::Order => "Order",
        Kind::Revocation => "Revocation",
    };
    let resolve = |schema: &'static Value| -> Option<&'static Value> {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => whole.pointer(reference.strip_prefix('#')?),
            None => Some(schema),
        }
    };
    let step = |schema: &'static Value, key: &String| -> Option<&'static Value> {
        let schema = resolve(schema)?;
        schema
            .get("properties")
            .and_then(|properties| properties.get(key))
            .or_else(|| schema.get("items"))
            .or_else(|| schema.get("additionalProperties"))
    };
    let start = whole.get("$defs").and_then(|defs| defs.get(name));
    path.iter()
        .try_fold(start, |at, key| at.map(|at| step(at, key)))
        .flatten()
        .and_then(resolve)
        .and_then(|schema| schema.get("properties")?.as_object())
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

fn definitions() -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    add::<raw::Account>(&mut generator);
    add::<raw::Policy>(&mut generator);
    add::<raw::Order>(&mut generator);
    add::<raw::Revocation>(&mut generator);
    let mut defs = generator.take_definitions(true);
    for definition in defs.values_mut() {
        without_null(definition);
        plain(definition);
    }
    for (name, of, left_out) in [
        ("OrderDefaults", "Order", &NOT_DEFAULT_ORDER[..]),
        (
            "RevocationDefaults",
            "Revocation",
            &NOT_DEFAULT_REVOCATION[..],
        ),
    ] {
        let mut copy = defs.get(of).cloned().unwrap_or_default();
        if let Some(properties) = copy.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|member, _| !left_out.contains(&member.as_str()));
        }
        if let Some(copy) = copy.as_object_mut() {
            let text = format!(
                "What every entry of `{}` has that does not say otherwise.",
                if of == "Order" {
                    "orders"
                } else {
                    "revocations"
                }
            );
            copy.insert("description".to_owned(), Value::String(text));
        }
        defs.insert(name.to_owned(), copy);
    }
    // The sections may be empty: `policy:` with nothing behind it says nothing.
    if let Some(policy) = defs.get_mut("Policy").and_then(Value::as_object_mut) {
        policy.insert("type".to_owned(), json!(["object", "null"]));
    }
    defs
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// A member that is given has a value: `null` is not a way to leave it out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(without_null),
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(mut any)) = object.remove("anyOf") {
                any.retain(|option| option.get("type") != Some(&json!("null")));
                if let [Value::Object(one)] = any.as_mut_slice() {
                    object.append(one);
                } else {
                    object.insert("anyOf".to_owned(), Value::Array(any));
                }
            }
            object.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// Formats such as `uint32` mean nothing to an editor.
fn plain(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(plain),
        Value::Object(object) => {
            if object.get("format").is_some_and(Value::is_string) {
                object.remove("format");
            }
            object.values_mut().for_each(plain);
        }
        _ => {}
    }
}
