//! What a person wrote in a file, read into types. Main types: [`Document`], [`Member`], [`Problem`].
//!
//! A file becomes a [`Document`]: its values in the order of the text, each with the place where it stands.
//! A struct made by [`shapes!`](crate::model::form::shapes) is read from a [`Value`] of it: it lists its
//! members once, and that list is what is read, what the JSON Schema says and what "did you mean" knows.
//! Everything that is wrong is a [`Problem`] in the [`Reader`]; reading goes on, so that all are found.
//!
//! Nothing here knows YAML, and nothing here knows a CA: `manifest` fills a [`Document`] from YAML, and an
//! order form of a CA is a shape like any other.

mod alias;
mod at;
mod document;
mod entry;
mod line;
mod list;
mod problem;
mod reader;
mod scalar;
mod shape;
#[cfg(test)]
mod tests;
mod value;
mod wording;

pub use alias::meant;
pub use at::{At, Member, Read};
pub use document::{Document, Number, Open};
pub use entry::{OrderDraft, OrderEntry, OrderForm, OrderPart, Within};
pub use line::{CommonName, Line, Note, Unbroken};
pub use list::List;
pub use problem::{Label, Location, Point, Problem};
pub use reader::Reader;
pub use scalar::{Date, Id, Name, Numeral, Switch, Text, Whole};
pub use shape::{
    Described, MemberOf, Shape, Taken, object_schema, read_members, read_shape, take_absent,
};
pub(crate) use shape::{shapes, words};
pub use value::{Content, Elements, Kind, Value};
pub use wording::{nearest, shown, suggestion};
