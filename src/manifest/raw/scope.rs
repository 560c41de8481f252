//! Which certificates of an order are revoked: a word, or one certificate.

use std::borrow::Cow;
use std::num::NonZeroU64;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::word::Hex;
use crate::model::form::{
    At, Id, Kind, Location, Numeral, Point, Problem, Read, Reader, Value, read_shape, shapes, shown,
};
use crate::model::{self, CertificateId, SerialNumber};

shapes! {
    /// One certificate of an order, by exactly one member.
    struct OneCertificate {
        /// The certificate's id.
        certificate_id: Id,
        /// The serial number in hexadecimal, in quotes.
        serial_number: Hex,
        /// The certificate's number; not 0, say `scope: order`.
        certificate_no: Numeral<0, 9_007_199_254_740_991>,
    }
}

/// Which certificates of an order are revoked.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Scope {
    pub(in crate::manifest) scope: model::Scope,
    /// The member that names the certificate, where one does.
    pub(in crate::manifest) member: Option<Point>,
}

impl Scope {
    const HELP: &str = "one of `order`, `duplicates`, `{ certificate_id: N }`, `{ serial_number: \"HEX\" }`, `{ certificate_no: N }`";

    fn one(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let one: OneCertificate = read_shape(value, reader)?;
        if value.members().count() != 1 {
            reader.bad_value(value, "has exactly one member");
            return None;
        }
        let of = |scope, point| {
            Some(Self {
                scope,
                member: Some(point),
            })
        };
        if let Some(At { value: id, point }) = one.certificate_id.get() {
            return of(
                model::Scope::CertificateId(CertificateId::from(id.0)),
                *point,
            );
        }
        if let Some(At { value, point }) = one.serial_number.get() {
            let serial = SerialNumber::from(value.0.as_str());
            return of(model::Scope::SerialNumber(serial), *point);
        }
        let At {
            value: number,
            point,
        } = one.certificate_no.get()?;
        let number = u64::try_from(number.0).ok().and_then(NonZeroU64::new);
        if number.is_none() {
            // A CA may read 0 as "every certificate of the order".
            let problem = Problem::new(
                "certificate_no_zero",
                "`certificate_no: 0` would be every certificate of the order",
            )
            .at(Location::Value(*point), "not 0")
            .help("if that is meant, write `scope: order`");
            reader.tell(problem);
        }
        of(model::Scope::CertificateNo(number?), *point)
    }
}

impl Read for Scope {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() == Kind::Mapping {
            return Self::one(value, reader);
        }
        let Some(text) = value.text() else {
            reader.wrong_type(value, "text or a mapping");
            return None;
        };
        let scope = match text {
            "order" => model::Scope::Order,
            "duplicates" => model::Scope::Duplicates,
            other => {
                let problem = Problem::new(
                    "unknown_value",
                    format!("`{}` cannot be `{}`", reader.name(), shown(other)),
                )
                .at(Location::Value(value.point()), "not a scope")
                .help(Self::HELP);
                reader.tell(problem);
                return None;
            }
        };
        Some(Self {
            scope,
            member: None,
        })
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = OneCertificate::json_schema(generator);
        for (key, value) in [
            (
                "description",
                json!(
                    "`order`: every certificate of the order. `duplicates`: its duplicates, not the original. Or one certificate, by exactly one member."
                ),
            ),
            ("type", json!(["string", "object"])),
            ("pattern", json!("^(order|duplicates)$")),
            (
                "examples",
                json!(["order", "duplicates", { "certificate_id": 12345 }, { "serial_number": "0a1b" }, { "certificate_no": 1 }]),
            ),
            ("minProperties", json!(1)),
            ("maxProperties", json!(1)),
        ] {
            schema.insert(key.to_owned(), value);
        }
        schema
    }
}
