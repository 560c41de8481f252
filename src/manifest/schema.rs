//! The JSON Schema of a manifest: the shapes in [`super::raw`], and what each CA adds to accounts and
//! orders.

use std::time::Duration;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::members::own_members;
use super::raw;
use crate::model::form::{MemberOf, Shape, Within};
use crate::model::{Authority, FileKind, RevocationReason, ScopeKind};

/// The JSON Schema (draft 2020-12) of a manifest, with descriptions for editors.
pub fn schema(authorities: &[&'static dyn Authority]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut whole = raw::Manifest::json_schema(&mut generator);
    let credential = generator.subschema_for::<raw::Credential>().to_value();
    let mut own: Vec<MemberOf> = raw::Order::MEMBERS.to_vec();
    let mut added: Vec<(&str, Map<String, Value>)> = Vec::new();
    let mut rules = Vec::new();
    for form in authorities.iter().filter_map(|known| known.order_form()) {
        own.extend(form.draft().members(Within::Order));
        for (within, names) in [
            (Within::Order, &["Order", "OrderDefaults"][..]),
            (Within::Certificate, &["Certificate"]),
        ] {
            for mut schema in form.schemas(within, &mut generator) {
                let members = schema.get_mut("properties").map(Value::take);
                if let Some(Value::Object(members)) = members {
                    added.extend(names.iter().map(|name| (*name, members.clone())));
                }
                let not = schema.remove("not").map(|rule| json!({ "not": rule }));
                let all = match schema.remove("allOf") {
                    Some(Value::Array(all)) => all,
                    _ => Vec::new(),
                };
                let of_form = not.into_iter().chain(all);
                rules.extend(of_form.map(|rule| (names.first().copied(), rule)));
            }
        }
    }
    let mut definitions = Value::Object(generator.take_definitions(true));
    for (name, members) in added {
        if let Some(known) = members_of(&mut definitions, name) {
            known.extend(members);
        }
    }
    without_own(&mut definitions, "OrderDefaults", &own);
    without_own(
        &mut definitions,
        "RevocationDefaults",
        raw::Revocation::MEMBERS,
    );
    // A rule holds for entries: of two defaults that exclude each other an entry may need neither, and a
    // default may be meant for other products.
    for (name, rule) in rules {
        let definition = name.and_then(|name| definitions.get_mut(name));
        if let Some(definition) = definition.and_then(Value::as_object_mut) {
            let all = definition.entry("allOf").or_insert_with(|| json!([]));
            if let Value::Array(all) = all {
                all.push(rule);
            }
        }
    }
    exactly_one(&mut definitions, "Credential");
    exactly_one(&mut definitions, "Passphrase");
    keys_and_files(&mut definitions);
    one_target(&mut definitions);
    accounts(&mut definitions, authorities, &credential);
    revocations(&mut definitions, authorities);
    plain(&mut definitions);
    for (name, value) in [
        (
            "$schema",
            json!("https://json-schema.org/draft/2020-12/schema"),
        ),
        ("title", json!("certplan manifest")),
        ("$defs", definitions),
    ] {
        whole.insert(name.to_owned(), value);
    }
    whole.to_value()
}

fn members_of<'d>(definitions: &'d mut Value, name: &str) -> Option<&'d mut Map<String, Value>> {
    definitions
        .pointer_mut(&format!("/{name}/properties"))?
        .as_object_mut()
}

/// Takes the members out that only an entry itself can say.
fn without_own(definitions: &mut Value, name: &str, members: &[MemberOf]) {
    if let Some(known) = members_of(definitions, name) {
        for member in members.iter().filter(|member| member.is_own()) {
            known.remove(member.name);
        }
    }
    let of = if name == "OrderDefaults" {
        "orders"
    } else {
        "revocations"
    };
    if let Some(definition) = definitions.get_mut(name).and_then(Value::as_object_mut) {
        let text = format!("What every entry of `{of}` has that does not say otherwise.");
        definition.insert("description".to_owned(), json!(text));
    }
}

/// Mappings that have exactly one of their members.
fn exactly_one(definitions: &mut Value, name: &str) {
    if let Some(definition) = definitions.get_mut(name).and_then(Value::as_object_mut) {
        definition.insert("minProperties".to_owned(), json!(1));
        definition.insert("maxProperties".to_owned(), json!(1));
    }
}

/// What an entry says itself of its key: made here or of a CSR, and no file with a private key beside a CSR. Of
/// two defaults that exclude each other an entry may need neither.
fn keys_and_files(definitions: &mut Value) {
    let holds_key = FileKind::ASKED.into_iter().filter(|kind| kind.needs_key());
    let holds_key: Vec<&str> = holds_key.map(FileKind::word).collect();
    let with = |members: Value| json!({ "required": ["certificate"], "properties": { "certificate": members } });
    let private = json!({ "properties": { "kinds": { "contains": { "enum": holds_key } } }, "required": ["kinds"] });
    let rules = [
        json!({ "not": with(json!({ "required": ["csr", "key"] })) }),
        json!({
            "if": with(json!({ "required": ["csr"] })),
            "then": { "properties": { "files": { "not": private } } }
        }),
    ];
    let definition = definitions.get_mut("Order").and_then(Value::as_object_mut);
    if let Some(definition) = definition
        && let Value::Array(all) = definition.entry("allOf").or_insert_with(|| json!([]))
    {
        all.extend(rules);
    }
}

/// Members of which an entry has one: what it renews, what it revokes, what it waits for.
fn one_target(definitions: &mut Value) {
    for (name, rule, value) in [
        (
            "Order",
            "not",
            json!({ "required": ["renewal_of", "renewal_of_order_id"] }),
        ),
        (
            "Revocation",
            "oneOf",
            json!([{ "required": ["order_id"] }, { "required": ["order"] }]),
        ),
        ("Revocation", "required", json!(["scope", "reason"])),
        (
            "Csr",
            "oneOf",
            json!([{ "required": ["file"] }, { "required": ["pem"] }]),
        ),
        ("After", "if", json!({ "type": "object" })),
        (
            "After",
            "then",
            json!({ "oneOf": [
                { "required": ["order"], "properties": { "until": { "enum": ["submitted", "issued"] } } },
                { "required": ["revocation"], "properties": { "until": { "enum": ["submitted", "revoked"] } } }
            ] }),
        ),
    ] {
        if let Some(definition) = definitions.get_mut(name).and_then(Value::as_object_mut) {
            definition.insert(rule.to_owned(), value);
        }
    }
}

/// The names of the CAs that offer something.
fn names(
    authorities: &[&'static dyn Authority],
    offers: impl Fn(&dyn Authority) -> bool,
) -> Vec<&'static str> {
    let offering = authorities.iter().filter(|authority| offers(**authority));
    offering.map(|authority| authority.name()).collect()
}

/// Adds to a member's schema, and says in its description which CAs have it.
fn detail(member: Option<&mut Value>, of: &[&str], more: &[(&str, Value)]) {
    let Some(member) = member.and_then(Value::as_object_mut) else {
        return;
    };
    for (key, value) in more {
        member.insert((*key).to_owned(), value.clone());
    }
    if let Some(Value::String(text)) = member.get_mut("description")
        && !of.is_empty()
    {
        *text = format!("{}: {text}", of.join(", "));
    }
}

fn accounts(definitions: &mut Value, authorities: &[&'static dyn Authority], credential: &Value) {
    let Some(members) = members_of(definitions, "Account") else {
        return;
    };
    let all = names(authorities, |_| true);
    let titles: Vec<String> = authorities
        .iter()
        .map(|known| format!("`{}`: {}.", known.name(), known.title()))
        .collect();
    detail(
        members.get_mut("provider"),
        &[],
        &[
            ("enum", json!(all)),
            ("description", json!(titles.join(" "))),
        ],
    );
    let regions: Vec<&str> = authorities
        .iter()
        .flat_map(|known| known.regions().iter().filter_map(|region| region.name))
        .collect();
    let have_regions = names(authorities, |known| {
        known.regions().iter().any(|region| region.name.is_some())
    });
    detail(
        members.get_mut("region"),
        &have_regions,
        &[("enum", json!(regions))],
    );
    let check_keys = names(authorities, |known| known.has_key_check());
    detail(members.get_mut("key_id"), &check_keys, &[]);
    let limits: Vec<String> = authorities
        .iter()
        .map(|known| {
            let limits: Vec<String> = known
                .rate_limits()
                .iter()
                .map(|limit| format!("{} per {}", limit.requests, shown(limit.per)))
                .collect();
            format!("{} at {}", limits.join(" and "), known.name())
        })
        .collect();
    if let Some(Value::String(text)) = members
        .get_mut("rate_limits")
        .and_then(|member| member.get_mut("description"))
    {
        *text = format!("{text} Default: {}.", limits.join(", "));
    }
    for authority in authorities {
        for member in authority.credentials() {
            let mut schema = credential.clone();
            if let Some(schema) = schema.as_object_mut() {
                let text = format!("{}: {}", authority.name(), member.description);
                schema.insert("description".to_owned(), json!(text));
            }
            members.insert(member.name.to_owned(), schema);
        }
    }
    // Which members belong to which CA.
    let everywhere: Vec<&str> = authorities
        .iter()
        .flat_map(|known| own_members(*known))
        .collect();
    let rules: Vec<Value> = authorities
        .iter()
        .map(|known| {
            let own = own_members(*known);
            let foreign = everywhere.iter().filter(|member| !own.contains(member));
            let foreign: Map<String, Value> = foreign
                .map(|member| ((*member).to_owned(), Value::Bool(false)))
                .collect();
            let credentials = known.credentials().iter().map(|member| member.name);
            json!({
                "if": { "properties": { "provider": { "const": known.name() } } },
                "then": {
                    "required": credentials.collect::<Vec<_>>(),
                    "properties": foreign
                }
            })
        })
        .collect();
    if let Some(account) = definitions
        .get_mut("Account")
        .and_then(Value::as_object_mut)
    {
        account.insert("required".to_owned(), json!(["provider"]));
        account.insert("allOf".to_owned(), Value::Array(rules));
    }
}

fn revocations(definitions: &mut Value, authorities: &[&'static dyn Authority]) {
    let deciding = names(authorities, |known| known.has_requests());
    for name in ["Revocation", "RevocationDefaults"] {
        let Some(members) = members_of(definitions, name) else {
            continue;
        };
        if let Some(Value::String(text)) = members
            .get_mut("comments")
            .and_then(|member| member.get_mut("description"))
        {
            *text = format!("{text} Required at {}.", deciding.join(", "));
        }
        detail(members.get_mut("skip_approval"), &deciding, &[]);
        let offered: Vec<&str> = RevocationReason::ALL
            .into_iter()
            .filter(|reason| {
                !names(authorities, |known| known.reasons().contains(reason)).is_empty()
            })
            .map(RevocationReason::name)
            .collect();
        detail(members.get_mut("reason"), &[], &[("enum", json!(offered))]);
    }
    for kind in ScopeKind::ALL {
        let of = names(authorities, |known| known.scopes().contains(&kind));
        let member = definitions.pointer_mut(&format!("/Scope/properties/{}", kind.word()));
        detail(member, &of, &[]);
    }
    let of = names(authorities, |known| {
        known.scopes().contains(&ScopeKind::Duplicates)
    });
    if let Some(Value::String(text)) = definitions.pointer_mut("/Scope/description") {
        let word = ScopeKind::Duplicates.word();
        *text = text.replace(
            &format!("`{word}`:"),
            &format!("`{word}` ({}):", of.join(", ")),
        );
    }
}

/// A duration as a manifest says it.
fn shown(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 60 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
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
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
