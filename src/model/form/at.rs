//! A member of a shape: absent, given with its place, or given and refused. Main type: [`Member`].

use super::problem::{Location, Point};
use super::reader::Reader;
use super::value::{Kind, Value};

/// A value of the model, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub point: Point,
}

impl<T> At<T> {
    /// Where it stands, to point at.
    pub fn here(&self) -> Location {
        Location::Value(self.point)
    }

    /// Where its key stands.
    pub fn key(&self) -> Location {
        Location::Key(self.point)
    }
}

/// What can be read from a written value.
pub trait Read: Sized {
    /// Reads it. What is wrong with it goes to the reader; then there is nothing.
    fn read(value: Value<'_>, reader: &mut Reader<'_>) -> Option<Self>;

    /// What can be written for it, for messages.
    fn example() -> Option<&'static str> {
        None
    }

    /// Takes over what a default says and this does not. Only shapes have something to take over.
    fn fill(&mut self, _default: &Self)
    where
        Self: Clone,
    {
    }
}

/// One member of a shape.
#[derive(Debug, Clone, Default)]
pub enum Member<T> {
    /// It is not there.
    #[default]
    Absent,
    /// It is there and wrong, which was reported: it must not be reported as missing as well.
    Refused(Point),
    /// It is there.
    Given(At<T>),
}

impl<T: Read> Member<T> {
    /// Reads the member's value.
    pub fn set(&mut self, value: Value<'_>, reader: &mut Reader<'_>) {
        let point = value.point();
        // What could not be parsed was reported then.
        let read = match value.kind() {
            Kind::Refused => None,
            Kind::Null
            | Kind::Bool(_)
            | Kind::Number(_)
            | Kind::Text
            | Kind::List
            | Kind::Mapping => T::read(value, reader),
        };
        *self = match read {
            Some(value) => Self::Given(At { value, point }),
            None => Self::Refused(point),
        };
    }
}

impl<T: Read + Clone> Member<T> {
    /// Takes a default over where nothing is said; joins two shapes member by member.
    pub fn fill(&mut self, default: &Self) {
        match (&mut *self, default) {
            (Self::Absent, default) => *self = default.clone(),
            (Self::Given(own), Self::Given(default)) => own.value.fill(&default.value),
            (Self::Given(_) | Self::Refused(_), _) => {}
        }
    }
}

impl<T> Member<T> {
    /// The value with its place, if it is there and right.
    pub fn get(&self) -> Option<&At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Refused(_) => None,
        }
    }

    /// The value, if it is there and right.
    pub fn value(&self) -> Option<&T> {
        self.get().map(|at| &at.value)
    }

    /// Takes the value out.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Given(at) => Some(at.value),
            Self::Absent | Self::Refused(_) => None,
        }
    }

    /// The value with its place, taken out.
    pub fn into_at(self) -> Option<At<T>> {
        match self {
            Self::Given(at) => Some(at),
            Self::Absent | Self::Refused(_) => None,
        }
    }

    /// Where it stands, if it is there.
    pub fn point(&self) -> Option<Point> {
        match self {
            Self::Given(at) => Some(at.point),
            Self::Refused(point) => Some(*point),
            Self::Absent => None,
        }
    }

    /// Where it stands, if it is there and right.
    pub fn given(&self) -> Option<Point> {
        self.get().map(|at| at.point)
    }

    /// True where nothing is said at all.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// True where it is there and wrong.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Marks it as given and wrong, unless it is there.
    pub fn refuse(&mut self, point: Point) {
        if self.is_absent() {
            *self = Self::Refused(point);
        }
    }
}
