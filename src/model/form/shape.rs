//! Mappings with known members: the trait [`Shape`] and the macros that make one.
//!
//! [`shapes!`] takes a struct whose fields are the members: the name of a field is the name of the member,
//! its doc comment the description in the schema, its type what is read. `= required` marks a member that
//! the mapping needs wherever it stands; `= own` one that only an entry itself can say, not its defaults.
//! A struct marked `= sent` is also written as JSON; its members stand in the order of the alphabet.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, json};

use super::alias::meant;
use super::at::{Member, Read};
use super::problem::{Location, Point};
use super::reader::Reader;
use super::value::{Kind, Value};

/// What is known of a member beside its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberOf {
    /// Its name.
    pub name: &'static str,
    /// The mark behind its type.
    pub mark: Option<&'static str>,
}

impl MemberOf {
    /// Whether the mapping needs it.
    pub fn is_required(&self) -> bool {
        self.mark == Some("required")
    }

    /// Whether it has no default.
    pub fn is_own(&self) -> bool {
        self.mark == Some("own")
    }
}

/// What became of a member that was offered to a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The shape has it now.
    Yes,
    /// The shape had it before, from there.
    Twice(Point),
    /// The shape has no such member.
    No,
}

/// A mapping with known members.
pub trait Shape: Default {
    /// Its members, in the order of the source.
    const MEMBERS: &'static [MemberOf];

    /// Offers a member.
    fn set(&mut self, name: &str, value: Value<'_>, reader: &mut Reader<'_>) -> Taken;

    /// Takes over what defaults say and this does not; what both have as mappings is joined one level
    /// deep.
    fn take_defaults(&mut self, defaults: &Self);

    /// Marks a member as given and wrong: it was meant, and is not to be reported as missing.
    fn refuse(&mut self, name: &str, point: Point);

    /// Marks the whole as damaged: what is missing may have been there.
    fn damage(&mut self);

    /// The members that are needed and not there.
    fn missing(&self) -> Vec<&'static str>;
}

/// Reads the members of a mapping into a shape. `unknown` is asked about a key that stands for no member;
/// it returns whether it has dealt with it.
pub fn read_members<S: Shape>(
    shape: &mut S,
    mapping: Value<'_>,
    reader: &mut Reader<'_>,
    unknown: &mut dyn FnMut(&str, Value<'_>, Value<'_>, &mut Reader<'_>) -> bool,
) {
    let mut wanted = Vec::new();
    for (key, value) in mapping.members() {
        let Some(name) = key.text() else {
            shape.damage();
            continue;
        };
        match shape.set(name, value, reader) {
            Taken::Yes => {}
            Taken::Twice(first) => {
                reader.given_twice(name, key.point(), Location::Key(first));
                shape.damage();
            }
            Taken::No => {
                if unknown(name, key, value, reader) {
                    continue;
                }
                let names = S::MEMBERS.iter().map(|member| member.name);
                reader.unknown_member(name, key.point(), names.clone());
                wanted.extend(meant(name, names).map(|name| (name, value.point())));
            }
        }
    }
    // What was meant by a mistyped key is not missing. It may also be there.
    for (name, point) in wanted {
        shape.refuse(name, point);
    }
}

/// Reads a mapping into a new shape.
pub fn read_shape<S: Shape>(value: Value<'_>, reader: &mut Reader<'_>) -> Option<S> {
    if value.kind() != Kind::Mapping {
        reader.wrong_type(value, "a mapping");
        return None;
    }
    let mut shape = S::default();
    read_members(&mut shape, value, reader, &mut |_, _, _, _| false);
    for name in shape.missing() {
        reader.missing_member(name, value.point());
    }
    Some(shape)
}

/// The default of a member that is joined one level deep: taken only where nothing is said.
pub fn take_absent<T: Clone + Read>(own: &mut Member<T>, default: &Member<T>) {
    if own.is_absent() {
        *own = default.clone();
    }
}

/// One member in a schema: what is known of it, its description, its type's schema.
pub type Described = (MemberOf, &'static str, Schema);

/// The schema of a mapping.
pub fn object_schema(
    about: &str,
    members: impl FnOnce(&mut SchemaGenerator) -> Vec<Described>,
    generator: &mut SchemaGenerator,
) -> Schema {
    let members = members(generator);
    let required: Vec<&str> = members
        .iter()
        .filter(|(member, ..)| member.is_required())
        .map(|(member, ..)| member.name)
        .collect();
    let properties: Map<String, serde_json::Value> = members
        .into_iter()
        .map(|(member, text, mut schema)| {
            schema.insert("description".to_owned(), json!(text.trim()));
            (member.name.to_owned(), schema.to_value())
        })
        .collect();
    let mut schema = json_schema!({
        "description": about.trim(),
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    });
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// Makes structs that are read, described and written by one list of members.
macro_rules! shapes {
    ($(
        $(#[doc = $about:literal])+
        $visibility:vis struct $name:ident $(= $sent:ident)? {
            $(
                $(#[doc = $text:literal])+
                $member:ident: $type:ty $(= $mark:ident)?
            ),* $(,)?
        }
    )+) => { $(
        $(#[doc = $about])+
        #[derive(Debug, Clone, Default)]
        $visibility struct $name {
            $(
                $(#[doc = $text])+
                pub $member: $crate::model::form::Member<$type>,
            )*
            /// Whether a key could not be read, so that what is missing may have been there.
            pub is_damaged: bool,
        }

        impl $crate::model::form::Shape for $name {
            const MEMBERS: &'static [$crate::model::form::MemberOf] = &[$(
                $crate::model::form::MemberOf {
                    name: stringify!($member),
                    mark: $crate::model::form::shapes!(@mark $($mark)?),
                }
            ),*];

            fn set(
                &mut self,
                name: &str,
                value: $crate::model::form::Value<'_>,
                reader: &mut $crate::model::form::Reader<'_>,
            ) -> $crate::model::form::Taken {
                $(
                    if name == stringify!($member) {
                        if let Some(first) = self.$member.point() {
                            return $crate::model::form::Taken::Twice(first);
                        }
                        reader.member(stringify!($member), |reader| self.$member.set(value, reader));
                        return $crate::model::form::Taken::Yes;
                    }
                )*
                let _ = (name, value, reader);
                $crate::model::form::Taken::No
            }

            fn take_defaults(&mut self, defaults: &Self) {
                $( self.$member.fill(&defaults.$member); )*
                self.is_damaged |= defaults.is_damaged;
            }

            fn refuse(&mut self, name: &str, point: $crate::model::form::Point) {
                $(
                    if name == stringify!($member) {
                        self.$member.refuse(point);
                    }
                )*
                let _ = (name, point);
            }

            fn damage(&mut self) {
                self.is_damaged = true;
            }

            fn missing(&self) -> Vec<&'static str> {
                let absent = [$( self.$member.is_absent() ),*];
                let members = Self::MEMBERS.iter().zip(absent);
                let missing = members.filter(|(member, absent)| {
                    !self.is_damaged && *absent && member.is_required()
                });
                missing.map(|(member, _)| member.name).collect()
            }
        }

        impl $crate::model::form::Read for $name {
            fn read(
                value: $crate::model::form::Value<'_>,
                reader: &mut $crate::model::form::Reader<'_>,
            ) -> Option<Self> {
                $crate::model::form::read_shape(value, reader)
            }

            fn fill(&mut self, default: &Self) {
                $( $crate::model::form::take_absent(&mut self.$member, &default.$member); )*
                self.is_damaged |= default.is_damaged;
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let members = |generator: &mut schemars::SchemaGenerator| vec![$(
                    (
                        $crate::model::form::MemberOf {
                            name: stringify!($member),
                            mark: $crate::model::form::shapes!(@mark $($mark)?),
                        },
                        concat!($($text),+),
                        generator.subschema_for::<$type>(),
                    )
                ),*];
                $crate::model::form::object_schema(concat!($($about),+), members, generator)
            }
        }

        $crate::model::form::shapes!(@write [$($sent)?] $name [$($member)*]);
    )+ };
    (@write [] $name:ident [$($member:ident)*]) => {};
    (@write [sent] $name:ident [$($member:ident)*]) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if let Some(value) = self.$member.value() {
                        map.serialize_entry(stringify!($member), value)?;
                    }
                )*
                map.end()
            }
        }
    };
    (@mark) => { None };
    (@mark $mark:ident) => { Some(stringify!($mark)) };
}

/// Makes enums of words: what is read, what the schema lists, what is written.
macro_rules! words {
    ($(
        $(#[doc = $about:literal])+
        $visibility:vis enum $name:ident {
            $( $(#[doc = $text:literal])+ $variant:ident = $word:literal ),+ $(,)?
        }
    )+) => { $(
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $( $(#[doc = $text])+ $variant ),+
        }

        impl $name {
            /// Every word.
            $visibility const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            $visibility fn word(self) -> &'static str {
                match self { $( Self::$variant => $word ),+ }
            }
        }

        impl $crate::model::form::Read for $name {
            fn read(
                value: $crate::model::form::Value<'_>,
                reader: &mut $crate::model::form::Reader<'_>,
            ) -> Option<Self> {
                match value.text() {
                    $( Some($word) => return Some(Self::$variant), )+
                    Some(_) => {
                        let words = Self::WORDS.iter().copied();
                        reader.unknown_word("unknown_value", value, words);
                    }
                    None => reader.wrong_type(value, "text"),
                }
                None
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": Self::WORDS })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    )+ };
}

pub(crate) use {shapes, words};
