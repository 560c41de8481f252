//! A list of values, each with its place. Main type: [`List`].

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::at::{At, Read};
use super::reader::Reader;
use super::value::{Kind, Value};

/// A list of at least and at most so many elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const LEAST: usize = 0, const MOST: usize = { usize::MAX }> {
    /// The elements that are right.
    pub elements: Vec<At<T>>,
    /// Whether an element was wrong, which was reported.
    pub is_refused: bool,
}

impl<T, const LEAST: usize, const MOST: usize> List<T, LEAST, MOST> {
    /// True for a list without elements, right or wrong.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty() && !self.is_refused
    }

    /// The values alone.
    pub fn into_values(self) -> Vec<T> {
        self.elements.into_iter().map(|at| at.value).collect()
    }
}

impl<T: Read, const LEAST: usize, const MOST: usize> Read for List<T, LEAST, MOST> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() != Kind::List {
            reader.wrong_type(value, "a list");
            return None;
        }
        let mut list = Self {
            elements: Vec::new(),
            is_refused: false,
        };
        let mut count = 0;
        for element in value.elements() {
            count += 1;
            let read = match element.kind() {
                Kind::Refused => None,
                Kind::Null
                | Kind::Bool(_)
                | Kind::Number(_)
                | Kind::Text
                | Kind::List
                | Kind::Mapping => T::read(element, reader),
            };
            match read {
                Some(read) => list.elements.push(At {
                    value: read,
                    point: element.point(),
                }),
                None => list.is_refused = true,
            }
        }
        if count < LEAST {
            let help = match T::example() {
                Some(example) => format!("write for example `[{example}]`"),
                None => "write an entry, or leave the member out".to_owned(),
            };
            reader.bad_value_but(value, &format!("has at least {LEAST} entry"), Some(help));
            return None;
        }
        if count > MOST {
            reader.bad_value(value, &format!("has at most {MOST} entries"));
            return None;
        }
        Some(list)
    }
}

impl<T: JsonSchema, const LEAST: usize, const MOST: usize> JsonSchema for List<T, LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        let mut schema = json_schema!({ "type": "array", "items": items });
        if LEAST > 0 {
            schema.insert("minItems".to_owned(), LEAST.into());
        }
        if MOST < usize::MAX {
            schema.insert("maxItems".to_owned(), MOST.into());
        }
        schema
    }
}

impl<T: Serialize, const LEAST: usize, const MOST: usize> Serialize for List<T, LEAST, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.elements.iter().map(|at| &at.value))
    }
}
