//! Text that people see: names and addresses of one line, and notes. Main types: [`Line`], [`CommonName`], [`Note`].

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::at::Read;
use super::problem::{Location, Problem};
use super::reader::Reader;
use super::scalar::{Text, text};
use super::value::Value;
use super::wording::shown;

/// Text of at most so many characters: not empty, no blank at its ends, and nothing in it that nobody sees or
/// that breaks the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Line<const MOST: usize>(pub String);

/// Text of one line, of at most so many characters: not empty, and nothing in it that nobody sees or that breaks
/// the line. Blanks at its ends are left as they are, and count for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Unbroken<const MOST: usize>(pub String);

/// Text for people, of at least and at most so many characters. It may have several lines, and nothing in it
/// that nobody sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Note<const LEAST: usize, const MOST: usize>(pub String);

/// The name to secure. X.520 has no longer common name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CommonName(pub String);

impl CommonName {
    /// The most characters (X.520, ub-common-name).
    pub const MOST: usize = 64;
}

/// Characters that a name never holds: controls, line breaks, marks of direction, invisible signs. The joiners
/// U+200C and U+200D stay, as some scripts need them.
const UNSEEN: &str = "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb";

/// The same without tab and line feed.
const UNSEEN_IN_A_NOTE: &str = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb";

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// What an unseen character is called.
fn title(c: char) -> &'static str {
    match c {
        '\t' => "a tab",
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "a line break",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a mark that turns the direction of text"
        }
        c if c.is_control() => "a control character",
        _ => "a character that nobody sees",
    }
}

/// The text as it was meant: without what nobody sees, blanks trimmed, those that took its place folded.
fn cleaned(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !is_unseen(*c) || c.is_whitespace())
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(
    value: Value<'_>,
    most: usize,
    too_long: Option<&str>,
    reader: &mut Reader<'_>,
) -> Option<String> {
    let text = text(value, reader)?;
    let clean = cleaned(text);
    let write = (!clean.is_empty()).then(|| format!("write `{}`", shown(&clean)));
    if text.is_empty() {
        reader.bad_value(value, "is empty");
    } else if let Some(odd) = text.chars().enumerate().find(|(_, c)| is_unseen(*c)) {
        odd_character(value, odd, write, reader);
    } else if text.trim().len() != text.len() {
        let message = format!("`{}` begins or ends with a blank", reader.name());
        let problem = Problem::new("odd_character", message);
        reader.tell(
            problem
                .at(Location::Value(value.point()), "here")
                .maybe_help(write),
        );
    } else if text.len() > most && text.chars().count() > most {
        let rule = format!("is at most {most} characters long");
        reader.bad_value_but(value, &rule, too_long.map(str::to_owned));
    } else {
        return Some(text.to_owned());
    }
    None
}

/// Tells a character that nobody sees, by its position.
fn odd_character(
    value: Value<'_>,
    (at, c): (usize, char),
    help: Option<String>,
    reader: &mut Reader<'_>,
) {
    let message = format!(
        "`{}` has {} in it: U+{:04X}, character {}",
        reader.name(),
        title(c),
        u32::from(c),
        at + 1
    );
    let problem = Problem::new("odd_character", message);
    reader.tell(
        problem
            .at(Location::Value(value.point()), "here")
            .maybe_help(help),
    );
}

impl<const LEAST: usize, const MOST: usize> Read for Note<LEAST, MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Text(text) = Text::<LEAST, MOST>::read(value, reader)?;
        let is_odd = |c: char| is_unseen(c) && !matches!(c, '\n' | '\t');
        if let Some(odd) = text.chars().enumerate().find(|(_, c)| is_odd(*c)) {
            odd_character(value, odd, Some("remove it".to_owned()), reader);
            return None;
        }
        Some(Self(text))
    }
}

impl<const LEAST: usize, const MOST: usize> JsonSchema for Note<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Note{LEAST}To{MOST}").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Text::<LEAST, MOST>::json_schema(generator);
        let pattern = format!("^[^{UNSEEN_IN_A_NOTE}]*$");
        schema.insert("pattern".to_owned(), pattern.into());
        schema
    }
}

impl<const MOST: usize> Read for Unbroken<MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Text(text) = Text::<1, MOST>::read(value, reader)?;
        if let Some(odd) = text.chars().enumerate().find(|(_, c)| is_unseen(*c)) {
            let clean = cleaned(&text);
            let write = (!clean.is_empty()).then(|| format!("write `{}`", shown(&clean)));
            odd_character(value, odd, write, reader);
            return None;
        }
        Some(Self(text))
    }
}

impl<const MOST: usize> JsonSchema for Unbroken<MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Unbroken{MOST}").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Text::<1, MOST>::json_schema(generator);
        schema.insert("pattern".to_owned(), format!("^[^{UNSEEN}]*$").into());
        schema
    }
}

fn schema(most: usize) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": most,
        "pattern": format!("^[^\\s{UNSEEN}]([^{UNSEEN}]*[^\\s{UNSEEN}])?$")
    })
}

impl<const MOST: usize> Read for Line<MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        read(value, MOST, None, reader).map(Self)
    }
}

impl<const MOST: usize> JsonSchema for Line<MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Line{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(MOST)
    }
}

impl Read for CommonName {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let help = "X.520 has no longer common name; a longer DNS name stands in `dns_names` alone, beside a \
                    shorter common name";
        read(value, Self::MOST, Some(help), reader).map(Self)
    }
}

impl JsonSchema for CommonName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CommonName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(Self::MOST)
    }
}
