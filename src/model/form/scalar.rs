//! The simple types that members are read into, each with its bounds and its schema: a bound stands once.

use std::borrow::Cow;

use jiff::civil;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::at::Read;
use super::document::Number;
use super::problem::{Location, Problem};
use super::reader::Reader;
use super::value::{Kind, Value};
use super::wording::shown;

/// Text of at least and at most so many characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<const LEAST: usize, const MOST: usize>(pub String);

/// The name of an account, an order or a revocation, as somebody wrote it.
pub type Name = Text<1, 200>;

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Whole<const LEAST: i64, const MOST: i64>(pub i64);

/// An id that a CA gave: a number, or digits in quotes. It has one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Id(pub u64);

/// A whole number that names something, within bounds. It has one spelling, as an [`Id`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Numeral<const LEAST: i64, const MOST: i64>(pub i64);

/// A switch that an API takes as a number or as a truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Switch {
    /// A truth value.
    Bool(bool),
    /// A number from 0 to 100.
    Number(u8),
}

impl Switch {
    /// Whether it is on.
    pub fn is_on(self) -> bool {
        match self {
            Self::Bool(on) => on,
            Self::Number(number) => number > 0,
        }
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub civil::Date);

/// Text, or a problem.
pub(super) fn text<'a>(value: Value<'a>, reader: &mut Reader<'_>) -> Option<&'a str> {
    let text = value.text();
    if text.is_none() {
        reader.wrong_type(value, "text");
    }
    text
}

impl Read for String {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        text(value, reader).map(str::to_owned)
    }
}

impl<const LEAST: usize, const MOST: usize> Read for Text<LEAST, MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = text(value, reader)?;
        if text.len() < LEAST {
            reader.bad_value(value, "is empty");
            return None;
        }
        if text.len() > MOST && text.chars().count() > MOST {
            reader.bad_value(value, &format!("is at most {MOST} characters long"));
            return None;
        }
        Some(Self(text.to_owned()))
    }
}

impl<const LEAST: usize, const MOST: usize> JsonSchema for Text<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "string", "maxLength": MOST });
        if LEAST > 0 {
            schema.insert("minLength".to_owned(), LEAST.into());
        }
        schema
    }
}

impl Read for bool {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Kind::Bool(known) = value.kind() {
            return Some(known);
        }
        reader.wrong_type(value, "`true` or `false`");
        None
    }
}

impl<const LEAST: i64, const MOST: i64> Read for Whole<LEAST, MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let number = match value.kind() {
            // What does not fit is beyond every bound.
            Kind::Number(Number::Natural(number)) => i64::try_from(number).unwrap_or(i64::MAX),
            Kind::Number(Number::Negative(number)) => number,
            Kind::Number(Number::Float(number)) if number.fract() == 0.0 => number as i64,
            Kind::Number(Number::Float(_))
            | Kind::Null
            | Kind::Bool(_)
            | Kind::Text
            | Kind::List
            | Kind::Mapping
            | Kind::Refused => {
                reader.wrong_type(value, "a whole number");
                return None;
            }
        };
        if number < LEAST {
            reader.bad_value(value, &format!("is at least {LEAST}"));
            return None;
        }
        if number > MOST {
            reader.bad_value(value, &format!("is at most {MOST}"));
            return None;
        }
        Some(Self(number))
    }
}

impl<const LEAST: i64, const MOST: i64> JsonSchema for Whole<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Whole{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

/// Whether a number stands there in its one spelling; if not, that is a problem.
fn is_plain(number: i64, value: Value<'_>, reader: &mut Reader<'_>) -> bool {
    let plain = number.to_string();
    let is_plain = value.written().is_none_or(|written| written == plain);
    if !is_plain {
        let message = format!("`{}` is written in decimal digits alone", reader.name());
        let problem = Problem::new("id_spelling", message)
            .at(Location::Value(value.point()), "in another form")
            .help(format!("write `{plain}`"));
        reader.tell(problem);
    }
    is_plain
}

impl<const LEAST: i64, const MOST: i64> Read for Numeral<LEAST, MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Whole(number) = Whole::<LEAST, MOST>::read(value, reader)?;
        is_plain(number, value, reader).then_some(Self(number))
    }
}

impl<const LEAST: i64, const MOST: i64> JsonSchema for Numeral<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Numeral{LEAST}To{MOST}").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Whole::<LEAST, MOST>::json_schema(generator)
    }
}

impl Id {
    const MOST: u64 = 9_999_999_999_999_999_999;

    /// What an id is, in the words of messages.
    pub const RULE: &str = "decimal digits, the first one not 0, at most 19 of them";

    /// The id, if the text is its one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = digits && !text.starts_with('0') && (1..=19).contains(&text.len());
        canonical.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// What to write for a text that is nearly an id: digits behind zeros, a sign or blanks.
    pub fn meant(text: &str) -> Option<String> {
        let digits = text.trim().trim_start_matches('+').trim_start_matches('0');
        Self::parse(digits).map(|id| format!("write `{}`", id.0))
    }

    /// The spelling of a number: a file may say `0x2A`, `+42` or `4.2e1`, which other readers of YAML take
    /// for text or for another number, and which nobody finds who looks for `42`.
    fn is_written(number: u64, value: Value<'_>, reader: &mut Reader<'_>) -> bool {
        let is_plain = value
            .written()
            .is_none_or(|written| Self::parse(written).is_some());
        if !is_plain {
            let message = format!("`{}` is an id: {}", reader.name(), Self::RULE);
            let problem = Problem::new("id_spelling", message)
                .at(Location::Value(value.point()), "in another form")
                .help(format!("write `{number}`"));
            reader.tell(problem);
        }
        is_plain
    }
}

impl Read for Id {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Number(Number::Natural(0) | Number::Negative(_)) => {
                reader.bad_value(value, "is at least 1");
                None
            }
            Kind::Number(Number::Float(number)) if number.fract() == 0.0 && number < 0.0 => {
                reader.bad_value(value, "is at least 1");
                None
            }
            Kind::Number(Number::Float(number)) if number.fract() == 0.0 => {
                reader.bad_value(value, &format!("is at most {}", Self::MOST));
                None
            }
            Kind::Number(Number::Natural(number)) if number > Self::MOST => {
                reader.bad_value(value, &format!("is at most {}", Self::MOST));
                None
            }
            Kind::Number(Number::Natural(number)) => {
                Self::is_written(number, value, reader).then_some(Self(number))
            }
            Kind::Text => {
                let text = value.text().unwrap_or_default();
                let id = Self::parse(text);
                if id.is_none() {
                    let rule = format!("is an id: {}", Self::RULE);
                    reader.bad_value_but(value, &rule, Self::meant(text));
                }
                id
            }
            Kind::Number(Number::Float(_))
            | Kind::Null
            | Kind::Bool(_)
            | Kind::List
            | Kind::Mapping
            | Kind::Refused => {
                reader.wrong_type(value, "a whole number or text");
                None
            }
        }
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An id that the CA gave: a number, or digits in quotes. The first digit is not 0.",
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": Self::MOST,
            "pattern": "^[1-9][0-9]{0,18}$"
        })
    }
}

impl Read for Switch {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Bool(known) => Some(Self::Bool(known)),
            Kind::Number(Number::Natural(_) | Number::Negative(_)) => {
                let number = Whole::<0, 100>::read(value, reader)?;
                u8::try_from(number.0).ok().map(Self::Number)
            }
            Kind::Number(Number::Float(_))
            | Kind::Null
            | Kind::Text
            | Kind::List
            | Kind::Mapping
            | Kind::Refused => {
                reader.wrong_type(value, "`true`, `false` or a whole number");
                None
            }
        }
    }
}

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

impl Read for Date {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = text(value, reader)?;
        let plain = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !plain {
            reader.bad_value(value, "is a date, `YYYY-MM-DD`");
            return None;
        }
        let date = text.parse().ok().map(Self);
        if date.is_none() {
            let problem = Problem::new(
                "bad_date",
                format!("`{}` is not a day of the calendar", shown(text)),
            );
            reader.tell(problem.at(Location::Value(value.point()), "here"));
        }
        date
    }
}

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

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
