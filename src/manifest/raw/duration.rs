//! Durations. Main type: [`Duration`].

use std::borrow::Cow;
use std::fmt::Write;
use std::time;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::form::{Location, Problem, Read, Reader, Value, shown};
use crate::model::{self, meant_duration};

/// A duration longer than zero: `5s`, `5m`, `1h 30m`.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Duration(pub(in crate::manifest) time::Duration);

/// Reads a duration; else a rule that it breaks.
fn duration(text: &str) -> Result<time::Duration, String> {
    match model::duration(text) {
        Ok(time::Duration::ZERO) => Err("is longer than zero".to_owned()),
        Ok(duration) => Ok(duration),
        Err(rule) => Err(rule.to_string()),
    }
}

impl Read for Duration {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = value.text() else {
            let help = "write a duration, for example `5s` or `15m`";
            reader.wrong_type_but(value, "text", Some(help));
            return None;
        };
        match duration(text) {
            Ok(duration) => Some(Self(duration)),
            Err(rule) => {
                let name = reader.name();
                let problem = Problem::new(
                    "bad_duration",
                    format!("`{name}` {rule}: `{}`", shown(text)),
                )
                .at(Location::Value(value.point()), "not this duration")
                .help(
                    meant_duration(text)
                        .unwrap_or_else(|| "write for example `5s`, `15m` or `1h`".to_owned()),
                );
                reader.tell(problem);
                None
            }
        }
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": pattern(),
            "allOf": [
                { "pattern": "[1-9]" },
                // Only the last number has a fraction, and a comma has something behind it.
                { "not": { "pattern": "[0-9][.,][0-9]+[^0-9]+[0-9]" } },
                { "not": { "pattern": ",[^0-9]*$" } }
            ],
            "examples": ["5s", "15m", "1h 30m"]
        })
    }
}

/// The units of a duration, from long to short: how jiff reads each, and in ISO 8601.
const UNITS: [(&str, Option<&str>); 6] = [
    ("h(?:(?:ou)?rs?)?", Some("[Hh]")),
    ("m(?:in(?:ute)?s?)?", Some("[Mm]")),
    ("s(?:ec(?:ond)?s?)?", Some("[Ss]")),
    ("m(?:illi(?:s(?:econds?)?)?|s(?:ecs?)?)", None),
    ("(?:micro(?:s(?:econds?)?)?|[u\u{b5}]s(?:ecs?)?)", None),
    ("n(?:ano(?:s(?:econds?)?)?|s(?:ecs?)?)", None),
];

/// What jiff reads as a duration, without sign: `1h 30m`, `1 hour, 30 minutes`, `1:30:00`, `PT1H30M`. Units
/// come from long to short, each once.
fn pattern() -> String {
    const BLANK: &str = "[ \\t\\n\\f\\r]";
    const NUMBER: &str = "[0-9]+(?:[.,][0-9]{1,9})?";
    let mut friendly = String::new();
    let mut iso = String::new();
    for (unit, letter) in UNITS {
        // Nothing is shorter than a nanosecond.
        let number = if unit.starts_with('n') {
            "[0-9]+"
        } else {
            NUMBER
        };
        let _ = write!(friendly, "(?:{number}{BLANK}*{unit}(?:,{BLANK})?{BLANK}*)?");
        if let Some(letter) = letter {
            let _ = write!(iso, "(?:{NUMBER}{letter})?");
        }
    }
    format!("^(?:[0-9]+:[0-9]+:{NUMBER}{BLANK}*|{friendly}|[Pp][Tt]{iso})$")
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use jsonschema::Validator;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn by_schema(text: &str) -> bool {
        static CHECKER: OnceLock<Validator> = OnceLock::new();
        let checker = CHECKER.get_or_init(|| {
            jsonschema::options()
                .with_pattern_options(jsonschema::PatternOptions::regex())
                .build(Duration::json_schema(&mut SchemaGenerator::default()).as_value())
                .unwrap()
        });
        checker.is_valid(&json!(text))
    }

    #[track_caller]
    fn is(good: bool, text: &str) {
        assert_eq!(duration(text).is_ok(), good, "validate: {text:?}");
        assert_eq!(by_schema(text), good, "schema: {text:?}");
    }

    #[test]
    fn a_duration_has_a_unit_and_no_sign_and_is_longer_than_zero() {
        for good in [
            "5s",
            "15m",
            "1h",
            "1h30m",
            "1h 30m",
            "1h, 30m",
            "1 hour, 30 minutes",
            "90mins",
            "2hrs",
            "1.5h",
            "0.5 h",
            "1,5h",
            "250ms",
            "1m 250ms",
            "5us",
            "5\u{b5}s",
            "7 nanoseconds",
            "1:30:00",
            "00:00:01.5",
            "PT5M",
            "pt1h30m",
            "PT1.5H",
            "PT2h30m0.125s",
            "05s",
        ] {
            is(true, good);
        }
        for bad in [
            "",
            " ",
            "5",
            "5.0",
            "0",
            "0s",
            "0h 0m",
            "PT0S",
            "00:00:00",
            "+5s",
            "-5s",
            "+PT5S",
            "-PT5S",
            "5x",
            "5S",
            "5M",
            "5 fortnights",
            "s",
            "1d",
            "1 day",
            "1w",
            "1y",
            "P1D",
            "PT",
            "5m 1h",
            "5s 5s",
            "1.5h 3m",
            "5s ago",
            "h5",
            "five minutes",
            "1:30",
            "11.5ns",
            "5 s s",
            "5s,",
            "5s;3m",
        ] {
            is(false, bad);
        }
        assert_eq!(duration("9000h"), Err("is at most a year".to_owned()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is put together of the pieces of durations, the schema says what `validate` says, but
        /// for the size.
        #[test]
        fn pieces_of_durations_get_one_verdict(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..7)
        ) {
            let text = pieces.concat();
            let ours = duration(&text);
            if ours != Err("is at most a year".to_owned()) {
                prop_assert_eq!(by_schema(&text), ours.is_ok(), "{:?} {:?}", text, ours);
            }
        }
    }

    const PIECES: [&str; 40] = [
        "1", "5", "0", "30", "1.5", "2,5", "h", "m", "s", "ms", "us", "\u{b5}s", "ns", "hr",
        "hours", "min", "minutes", "sec", "secs", "millis", "micros", "nanos", " ", " ", ", ", ",",
        ":", ":", "\t", "PT", "pt", "H", "M", "S", "d", "ago", "+", "-", "P", "T",
    ];
}
