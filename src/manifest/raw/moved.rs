//! Entries that have another name now: [`Moved`].

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::form::{Read, Reader, Value, shapes};
use crate::model::{Address, ItemName};

shapes! {
    /// An entry that has another name now. The order, or the revocation, goes on under the new one.
    pub(in crate::manifest) struct Moved {
        /// The name that it had. The manifest has it no more.
        from: MovedName = required,
        /// The name that it has.
        to: MovedName = required,
    }
}

/// A bare name, or an address where a name alone could mean two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) enum MovedName {
    /// The name of an order or a revocation.
    Bare(ItemName),
    /// `orders.NAME` or `revocations.NAME`.
    Address(Address),
}

impl MovedName {
    /// The name alone.
    pub(in crate::manifest) fn name(&self) -> &ItemName {
        match self {
            Self::Bare(name) => name,
            Self::Address(address) => address.name(),
        }
    }

    /// As it was written.
    pub(in crate::manifest) fn written(&self) -> String {
        match self {
            Self::Bare(name) => name.to_string(),
            Self::Address(address) => address.to_string(),
        }
    }
}

impl Read for MovedName {
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::read(value, reader)?;
        let address = text.parse().ok().map(Self::Address);
        let read = address.or_else(|| text.parse().ok().map(Self::Bare));
        if read.is_none() {
            let help = "write for example `from: www-old` and `to: www`; `orders.www` where a revocation has the same name";
            let rule = "is a name: lower-case letters, digits and `-`, not starting with `-`, at most 63 characters";
            reader.bad_value_but(value, rule, Some(help.to_owned()));
        }
        read
    }
}

impl JsonSchema for MovedName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MovedName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = r"^((orders|revocations)\.)?[a-z0-9][a-z0-9-]{0,62}$";
        json_schema!({ "type": "string", "pattern": pattern })
    }
}
