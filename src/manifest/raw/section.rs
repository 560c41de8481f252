//! The sections of a manifest: named entries, sections that may be left empty, defaults.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::form::{Kind, Location, Number, Problem, Read, Reader, Shape, Value, read_shape};

/// The one version that there is.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Version;

impl Read for Version {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() == Kind::Number(Number::Natural(1)) {
            return Some(Self);
        }
        let problem = Problem::new("version", "this certplan reads `version: 1`")
            .at(Location::Value(value.point()), "not 1")
            .help("write `version: 1`");
        reader.tell(problem);
        None
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": 1 })
    }
}

/// Named things, which are read one by one: there may be a hundred thousand.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Named<T>(PhantomData<T>);

impl<T> Read for Named<T> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if matches!(value.kind(), Kind::Mapping | Kind::Null) {
            return Some(Self(PhantomData));
        }
        let help = (value.kind() == Kind::List)
            .then_some("named things stand in a mapping: `NAME: { ... }`, not in a list");
        reader.wrong_type_but(value, "a mapping", help);
        None
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<T>();
        json_schema!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^[a-z0-9][a-z0-9-]{0,62}$" },
            "additionalProperties": entry
        })
    }
}

/// A section of a manifest that may be left empty, and that one file of all has.
#[derive(Debug, Clone, Default)]
pub(in crate::manifest) struct Section<T>(pub(in crate::manifest) T);

impl<T: Shape> Read for Section<T> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() == Kind::Null {
            return Some(Self(T::default()));
        }
        read_shape(value, reader).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Section<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let schema = generator.subschema_for::<T>();
        let definition = generator.definitions_mut().get_mut(&*T::schema_name());
        if let Some(definition) = definition.and_then(serde_json::Value::as_object_mut) {
            definition.insert("type".to_owned(), serde_json::json!(["object", "null"]));
        }
        schema
    }
}

/// A mapping whose members are those of every CA and those of one CA's form: it is read when the CA is
/// known.
#[derive(Debug, Clone, Default)]
pub(in crate::manifest) struct Joined<T>(pub(in crate::manifest) T);

impl<T: Default + Read + Clone> Read for Joined<T> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() == Kind::Mapping {
            return Some(Self(T::default()));
        }
        reader.wrong_type(value, "a mapping");
        None
    }

    fn fill(&mut self, default: &Self) {
        self.0.fill(&default.0);
    }
}

impl<T: JsonSchema> JsonSchema for Joined<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// What entries of a section have that do not say otherwise. It is read when the CA is known.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct DefaultsOf<T>(PhantomData<T>);

impl<T> Read for DefaultsOf<T> {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if value.kind() == Kind::Mapping {
            return Some(Self(PhantomData));
        }
        reader.wrong_type(value, "a mapping");
        None
    }
}

impl<T: JsonSchema> JsonSchema for DefaultsOf<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Defaults", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
