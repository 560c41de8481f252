//! Reads a request body member by member and collects every problem, so that one 400 names them all.
//! Main type: [`Form`].

use jiff::civil::Date;
use serde_json::Value;

use super::refusal::Refusal;
use crate::sandbox::call::Call;
use crate::sandbox::{ca, call};

#[derive(Debug)]
pub(super) struct Form<'a> {
    body: &'a Value,
    problems: Vec<(String, String)>,
}

impl<'a> Form<'a> {
    pub(super) fn new(body: &'a Value) -> Self {
        Self {
            body,
            problems: Vec::new(),
        }
    }

    /// A member by its dotted path; JSON null counts as absent.
    pub(super) fn member(&self, path: &str) -> Option<&'a Value> {
        path.split('.')
            .try_fold(self.body, |value, name| value.get(name))
            .filter(|value| !value.is_null())
    }

    /// Assumption: the code of a missing member; `required_param:note` is the only one ever documented.
    pub(super) fn missing(&mut self, path: &str) {
        self.problems.push((
            format!("required_param:{path}"),
            format!("{path} is required."),
        ));
    }

    pub(super) fn wrong(&mut self, path: &str, why: &str) {
        self.problems
            .push((format!("invalid_value:{path}"), format!("{path} {why}")));
    }

    pub(super) fn problem(&mut self, code: &str, message: &str) {
        self.problems.push((code.to_owned(), message.to_owned()));
    }

    fn read<T>(
        &mut self,
        path: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.member(path)?;
        let taken = read(value);
        if taken.is_none() {
            self.wrong(path, &format!("must be {what}."));
        }
        taken
    }

    fn required<T>(&mut self, path: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.member(path).is_none() {
            self.missing(path);
        }
        value
    }

    pub(super) fn text(&mut self, path: &str) -> Option<&'a str> {
        self.read(path, "a string that is not empty", |value| {
            value.as_str().filter(|text| !text.trim().is_empty())
        })
    }

    /// A string, which may be empty.
    pub(super) fn string(&mut self, path: &str) -> Option<&'a str> {
        self.read(path, "a string", Value::as_str)
    }

    pub(super) fn required_text(&mut self, path: &str) -> Option<&'a str> {
        let text = self.text(path);
        self.required(path, text)
    }

    pub(super) fn id(&mut self, path: &str) -> Option<u64> {
        self.read(path, "an id", |value| call::id(value).filter(|id| *id > 0))
    }

    pub(super) fn required_id(&mut self, path: &str) -> Option<u64> {
        let id = self.id(path);
        self.required(path, id)
    }

    pub(super) fn integer(&mut self, path: &str) -> Option<i64> {
        self.read(path, "an integer", Value::as_i64)
    }

    pub(super) fn integer_in(
        &mut self,
        path: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let what = format!("an integer from {} to {}", range.start(), range.end());
        self.read(path, &what, |value| {
            value.as_i64().filter(|number| range.contains(number))
        })
    }

    /// A flag, false when absent.
    pub(super) fn flag(&mut self, path: &str) -> bool {
        self.read(path, "true or false", Value::as_bool)
            .unwrap_or(false)
    }

    pub(super) fn texts(&mut self, path: &str) -> Vec<String> {
        let texts = |value: &Value| {
            let texts = value
                .as_array()?
                .iter()
                .map(|one| one.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        };
        self.read(path, "an array of strings", texts)
            .unwrap_or_default()
    }

    pub(super) fn one_of<'b>(&mut self, path: &str, allowed: &[&'b str]) -> Option<&'b str> {
        let what = format!("one of {}", allowed.join(", "));
        self.read(path, &what, |value| {
            allowed
                .iter()
                .copied()
                .find(|one| value.as_str() == Some(*one))
        })
    }

    pub(super) fn required_one_of<'b>(
        &mut self,
        path: &str,
        allowed: &[&'b str],
    ) -> Option<&'b str> {
        let value = self.one_of(path, allowed);
        self.required(path, value)
    }

    /// A date written yyyy-MM-dd.
    pub(super) fn date(&mut self, path: &str) -> Option<Date> {
        self.read(path, "a date, yyyy-MM-dd", |value| {
            value
                .as_str()
                .filter(|text| text.len() == 10)
                .and_then(|text| text.parse().ok())
        })
    }

    /// A CSR whose signature holds, with its key size in bits.
    pub(super) fn csr(&mut self, path: &str) -> Option<(String, u64)> {
        let csr = self.text(path)?;
        match ca::check_csr(csr) {
            Ok(bits) => Some((csr.to_owned(), bits)),
            Err(error) => {
                self.problem(
                    "csr_invalid_cannot_parse",
                    &format!("The CSR cannot be used: {error}."),
                );
                None
            }
        }
    }

    /// The refusal that names every problem, if there is one.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Refusal {
                status: 400,
                errors: self.problems,
            })
        }
    }
}

/// The JSON object of a request body.
pub(super) fn object(call: &Call) -> Result<Value, Refusal> {
    let json = call
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    let object = if call.body.is_empty() || json {
        call.object()
    } else {
        None
    };
    object.ok_or_else(|| {
        Refusal::bad(
            "bad_request_format",
            "The request needs a JSON object and its Content-Type.",
        )
    })
}
