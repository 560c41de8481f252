//! What goes along while values are read: the problems found so far, and how they are worded.
//! Main type: [`Reader`].

use std::borrow::Cow;

use super::alias::{is_private, meant};
use super::problem::{Location, Point, Problem};
use super::value::{Kind, Value};
use super::wording::{shown, suggestion};

/// Collects what is wrong with values that do not have the shape expected.
pub struct Reader<'p> {
    problems: &'p mut Vec<Problem>,
    /// How messages call the value that is being read: its member's name.
    name: Cow<'p, str>,
    /// How messages call a mapping without a name of its own, for example `a manifest`.
    called: Option<&'static str>,
}

impl<'p> Reader<'p> {
    /// Reads a value that is called by a name.
    pub fn new(name: impl Into<Cow<'p, str>>, problems: &'p mut Vec<Problem>) -> Self {
        Self {
            problems,
            name: name.into(),
            called: None,
        }
    }

    /// Reads the root of a file, which messages call by a word for the whole file.
    pub fn of_root(called: &'static str, problems: &'p mut Vec<Problem>) -> Self {
        Self {
            problems,
            name: Cow::Borrowed(""),
            called: Some(called),
        }
    }

    /// Reads a member under its own name.
    pub fn member<T>(
        &mut self,
        name: impl Into<Cow<'p, str>>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = std::mem::replace(&mut self.name, name.into());
        let called = self.called.take();
        let done = read(self);
        self.name = outer;
        self.called = called;
        done
    }

    /// Keeps a problem.
    pub fn tell(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// How many problems there are so far.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// The member's name, safe to print.
    pub fn name(&self) -> String {
        shown(&self.name)
    }

    fn subject(&self) -> String {
        match self.called {
            Some(called) => called.to_owned(),
            None => format!("`{}`", self.name()),
        }
    }

    /// The value is of another kind than expected.
    pub fn wrong_type(&mut self, value: Value<'_>, expected: &str) {
        let quote = expected == "text" && matches!(value.kind(), Kind::Number(_) | Kind::Bool(_));
        let help = if value.kind() == Kind::Null {
            Some("give a value or remove the line")
        } else {
            quote.then_some("write it in quotes")
        };
        self.wrong_type_but(value, expected, help);
    }

    /// The same with a help of its own.
    pub fn wrong_type_but(&mut self, value: Value<'_>, expected: &str, help: Option<&str>) {
        let problem = Problem::new(
            "wrong_type",
            format!(
                "`{}`: expected {expected}, found {}",
                self.name(),
                value.kind().words()
            ),
        )
        .at(
            Location::Value(value.point()),
            format!("expected {expected}"),
        )
        .maybe_help(help.map(str::to_owned));
        self.tell(problem);
    }

    /// The value breaks a rule of its member: "is at least 1".
    pub fn bad_value(&mut self, value: Value<'_>, rule: &str) {
        self.bad_value_but(value, rule, None);
    }

    /// The same with a help.
    pub fn bad_value_but(&mut self, value: Value<'_>, rule: &str, help: Option<String>) {
        let problem = Problem::new("bad_value", format!("`{}` {rule}", self.name()))
            .at(Location::Value(value.point()), "not this")
            .maybe_help(help);
        self.tell(problem);
    }

    /// The text is none of the words that the member can have.
    pub fn unknown_word<'w>(
        &mut self,
        code: &'static str,
        value: Value<'_>,
        words: impl IntoIterator<Item = &'w str> + Clone,
    ) {
        let text = value.text().unwrap_or_default();
        let problem = Problem::new(
            code,
            format!("`{}` cannot be `{}`", self.name(), shown(text)),
        )
        .at(
            Location::Value(value.point()),
            "not one of the words known here",
        )
        .maybe_help(suggestion(text, words));
        self.tell(problem);
    }

    /// A key that stands for no member.
    pub fn unknown_member<'w>(
        &mut self,
        name: &str,
        key: Point,
        known: impl IntoIterator<Item = &'w str> + Clone,
    ) {
        let help = match meant(name, known.clone()) {
            Some("csr") if is_private(name) => Some(
                "a private key never leaves its place: `csr` is the request that was made with it, and `key: { generate: p-256 }` makes both here"
                    .to_owned(),
            ),
            Some(member) if known.clone().into_iter().count() > 3 => {
                Some(format!("did you mean `{member}`?"))
            }
            Some(_) | None => suggestion(name, known),
        };
        let problem = Problem::new(
            "unknown_member",
            format!("{} has no member `{}`", self.subject(), shown(name)),
        )
        .at(Location::Value(key), "unknown")
        .maybe_help(help);
        self.tell(problem);
    }

    /// A name that means a member of another mapping; `right` says where that is.
    pub fn misplaced_member(&mut self, (name, member): (&str, &str), key: Point, right: &str) {
        let message = format!("{} has no member `{}`", self.subject(), shown(name));
        let problem = Problem::new("unknown_member", message)
            .at(Location::Value(key), "unknown here")
            .help(format!("`{member}` stands {right}"));
        self.tell(problem);
    }

    /// A key that was there before.
    pub fn given_twice(&mut self, name: &str, again: Point, first: Location) {
        let problem = Problem::new("duplicate_key", format!("`{}` is given twice", shown(name)))
            .at(Location::Value(again), "again here")
            .at(first, "first here")
            .help("remove or rename one of them");
        self.tell(problem);
    }

    /// A member that a mapping needs. `mapping` is the mapping's place.
    pub fn missing_member(&mut self, name: &str, mapping: Point) {
        let problem = Problem::new("missing_member", format!("`{name}` is missing"))
            .at(Location::Key(mapping), "in here");
        self.tell(problem);
    }
}
