//! How an order is renewed. Main type: [`Renew`].

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::model::form::{Kind, Location, Problem, Read, Reader, Value, read_shape, shapes, shown};
use crate::model::{Lead, RenewRoute};

shapes! {
    /// When and how an order is renewed.
    pub(in crate::manifest) struct Renewal {
        /// When a certificate is due: days (`20d`), or a part of its lifetime from `1%` to `50%`; default `33%`. Never more than half of the lifetime.
        before: Before,
        /// When the order is due, from `1d` to `90d` before its end; default `30d`. From then on it is bought again.
        order_before: Days<1, 90>,
        /// By how much it is due earlier at most, from `0d` to `60d`; default `0d`. Each name has its own part of it, always the same.
        spread: Days<0, 60>,
        /// The way: `auto` (default: a reissue while that brings something, else an order), `reissue` (never buys), `order` (always buys).
        route: RenewRoute,
    }
}

/// `never`, or how it is renewed.
#[derive(Debug, Clone)]
pub(in crate::manifest) enum Renew {
    /// Not at all, whatever the defaults say.
    Never,
    /// As it says.
    As(Renewal),
}

impl Read for Renew {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Mapping => read_shape(value, reader).map(Self::As),
            Kind::Text if value.text() == Some("never") => Some(Self::Never),
            Kind::Text
            | Kind::Null
            | Kind::Bool(_)
            | Kind::Number(_)
            | Kind::List
            | Kind::Refused => {
                let help = "write `renew: {}`, which renews in time, or `renew: never`";
                reader.wrong_type_but(value, "a mapping or `never`", Some(help));
                None
            }
        }
    }

    fn fill(&mut self, default: &Self) {
        if let (Self::As(own), Self::As(default)) = (self, default) {
            own.fill(default);
        }
    }
}

impl JsonSchema for Renew {
    fn schema_name() -> Cow<'static, str> {
        "Renew".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Renewal::json_schema(generator);
        for (key, value) in [
            (
                "description",
                json!(
                    "When and how it is renewed; `renew: {}` is enough, `never` switches off what the defaults say."
                ),
            ),
            ("type", json!(["object", "string"])),
            ("pattern", json!("^never$")),
        ] {
            schema.insert(key.to_owned(), value);
        }
        schema
    }
}

/// A number of days, with its unit.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Days<const LEAST: u16, const MOST: u16>(pub(in crate::manifest) u16);

/// How long before its end a certificate is due.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Before(pub(in crate::manifest) Lead);

/// The longest lead in days: longer than half of any certificate.
const LONGEST: u16 = 366;

/// A number in its one spelling, with this unit behind it.
fn number(text: &str, unit: char) -> Option<u16> {
    let digits = text.strip_suffix(unit)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let plain = plain && (digits == "0" || !digits.starts_with('0'));
    plain.then(|| digits.parse().ok()).flatten()
}

/// Tells a value that is none, and what to write.
fn refuse(value: Value<'_>, rule: &str, help: &str, reader: &mut Reader<'_>) {
    let Some(text) = value.text() else {
        let help = format!("write {help}");
        reader.wrong_type_but(value, "text", Some(&help));
        return;
    };
    let name = reader.name();
    let problem = Problem::new("bad_lead", format!("`{name}` {rule}: `{}`", shown(text)))
        .at(Location::Value(value.point()), "not this")
        .help(format!("write {help}"));
    reader.tell(problem);
}

impl<const LEAST: u16, const MOST: u16> Read for Days<LEAST, MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let days = value.text().and_then(|text| number(text, 'd'));
        let days = days.filter(|days| (LEAST..=MOST).contains(days));
        if days.is_none() {
            let rule = format!("is a number of days from `{LEAST}d` to `{MOST}d`");
            refuse(value, &rule, "for example `5d`", reader);
        }
        days.map(Self)
    }
}

impl<const LEAST: u16, const MOST: u16> JsonSchema for Days<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Days{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": pattern(LEAST, MOST, "d") })
    }
}

impl Read for Before {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = value.text().unwrap_or_default();
        let percent = number(text, '%').filter(|percent| (1..=50).contains(percent));
        let percent = percent.and_then(|percent| u8::try_from(percent).ok());
        let days = number(text, 'd').filter(|days| (1..=LONGEST).contains(days));
        let lead = percent.map(Lead::Percent).or(days.map(Lead::Days));
        if lead.is_none() {
            let rule = format!("is `1%` to `50%` of the lifetime, or `1d` to `{LONGEST}d`");
            refuse(value, &rule, "for example `33%` or `20d`", reader);
        }
        lead.map(Self)
    }
}

impl JsonSchema for Before {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Before".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // From 1 to 366.
        let days = "^(?:[1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-6])d$";
        let percent = pattern(1, 50, "%");
        json_schema!({
            "type": "string",
            "anyOf": [{ "pattern": percent }, { "pattern": days }],
            "examples": ["33%", "20d"]
        })
    }
}

/// A pattern for the numbers from `least`, which has one digit, to `most`, which has two.
fn pattern(least: u16, most: u16, unit: &str) -> String {
    let (tens, ones) = (most / 10, most % 10);
    let below = tens - 1;
    format!("^(?:[{least}-9]|[1-{below}][0-9]|{tens}[0-{ones}]){unit}$")
}
