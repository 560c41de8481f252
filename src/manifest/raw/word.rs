//! Shapes that a derive cannot express: ids in two spellings, scopes, reasons, dependencies.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A number that a CA gave, written as a number or as digits in quotes.
pub(super) struct Id;

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An id that the CA gave: a number, or digits in quotes.",
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 9_999_999_999_999_999_999_u64,
            "pattern": "^[0-9]{1,19}$"
        })
    }
}

/// A switch that the API takes as a number or as a truth value.
pub(super) struct Switch;

impl JsonSchema for Switch {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Switch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "boolean"], "minimum": 0, "maximum": 100 })
    }
}

/// The name of an account, an order or a revocation.
pub(super) struct Name;

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 200 })
    }
}

/// A date.
pub(super) struct Date;

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}

/// A member of a contact.
pub(super) struct ContactValue;

impl JsonSchema for ContactValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ContactValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "maximum": 9_007_199_254_740_991_u64 })
    }
}

/// Which certificates of an order are revoked.
pub(super) struct Scope;

impl JsonSchema for Scope {
    fn schema_name() -> Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`order`: every certificate of the order. `duplicates` (certcentral): its duplicates, not the original. Or one certificate, by exactly one member.",
            "type": ["string", "object"],
            "pattern": "^(order|duplicates)$",
            "examples": ["order", "duplicates", { "certificate_id": 12345 }, { "serial_number": "0a1b" }, { "certificate_no": 1 }],
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {
                "certificate_id": {
                    "description": "certcentral: the certificate's id.",
                    "type": ["integer", "string"], "minimum": 1, "pattern": "^[0-9]{1,19}$"
                },
                "serial_number": {
                    "description": "certcentral: the serial number in hexadecimal, in quotes.",
                    "type": "string", "pattern": "^[0-9A-Fa-f:]{1,80}$"
                },
                "certificate_no": {
                    "description": "ncloud: the certificate's number; not 0, say `scope: order`.",
                    "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64
                }
            },
            "additionalProperties": false
        })
    }
}

/// A revocation reason.
pub(super) struct RevocationReason;

impl JsonSchema for RevocationReason {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = crate::model::RevocationReason::ALL
            .iter()
            .map(|reason| reason.name())
            .collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// One dependency.
pub(super) struct After;

impl JsonSchema for After {
    fn schema_name() -> Cow<'static, str> {
        "After".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A name (with the stronger `until`), or exactly one of `order` and `revocation` with `until`.",
            "type": ["string", "object"],
            "minLength": 1,
            "maxLength": 200,
            "properties": {
                "order": { "description": "An order of this manifest.", "type": "string" },
                "revocation": { "description": "A revocation of this manifest.", "type": "string" },
                "until": {
                    "description": "How far it must have come: `submitted` or `issued` for an order, `submitted` or `revoked` for a revocation.",
                    "type": "string",
                    "enum": ["submitted", "issued", "revoked"]
                }
            },
            "additionalProperties": false
        })
    }
}
