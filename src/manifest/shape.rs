//! What a schema checker finds in one entry, as problems: unknown members, wrong types, values that are
//! not allowed. What is wrong is taken out of the value, so that the rest can still be looked at.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use super::credential::{CREDENTIALS, FROM_OUTSIDE};
use super::error::{Found, Part, Spot};
use super::schema::{Kind, checker, known_members};
use super::wording::{kind as kind_of, nearest, shown, suggestion};

/// Whether something in an entry was refused before its shape is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Nothing.
    None,
    /// Something; `null` stands in its place.
    Reported,
}

impl From<bool> for Damage {
    fn from(damaged: bool) -> Self {
        if damaged { Self::Reported } else { Self::None }
    }
}

/// Checks an entry. Takes what is wrong out of the value and returns the members (`certificate.emails`)
/// that were there in some form; those must not be reported as missing. In a damaged entry `null` stands
/// for what was refused already.
pub(super) fn check(
    kind: Kind,
    file: usize,
    path: &[String],
    value: &mut Value,
    damaged: Damage,
    found: &mut Vec<Found>,
) -> Vec<Box<str>> {
    whole_numbers(value);
    let checker = match checker(kind) {
        Ok(checker) => checker,
        Err(error) => {
            found.push(Found::new(
                "internal",
                format!("the schema cannot be used: {error}"),
            ));
            return Vec::new();
        }
    };
    if checker.is_valid(value) {
        return Vec::new();
    }
    let mut touched: Vec<Vec<String>> = Vec::new();
    let mut meant: Vec<Box<str>> = Vec::new();
    for error in checker.iter_errors(value) {
        let inner: Vec<String> = error
            .instance_path()
            .segments()
            .map(|segment| segment.to_string())
            .collect();
        let instance: &Value = error.instance();
        let fault = Fault {
            kind,
            file,
            path,
            inner: &inner,
            instance,
        };
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for name in unexpected {
                    found.push(fault.unknown_member(name));
                    let mut member = inner.clone();
                    if let Some(known) =
                        nearest(name, known_members(kind, &inner).iter().map(String::as_str))
                    {
                        member.push(known.to_owned());
                        meant.push(member.join(".").into());
                        member.pop();
                    }
                    member.push(name.clone());
                    touched.push(member);
                }
                continue;
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                found.push(
                    Found::new("missing_member", format!("`{}` is missing", shown(name)))
                        .spot(fault.spot(Part::Key), "in here"),
                );
            }
            _ if damaged == Damage::Reported && instance.is_null() => {}
            other => found.push(fault.wrong_value(other)),
        }
        touched.push(inner);
    }
    for inner in &touched {
        take_out(value, inner);
    }
    meant.extend(touched.iter().map(|inner| match inner.as_slice() {
        [] => "*".into(),
        inner => inner.join(".").into_boxed_str(),
    }));
    meant
}

/// `3.0` is the whole number 3 in JSON Schema, so it is one for what reads the value afterwards too.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
                let whole = float as i64;
                if whole as f64 == float && whole.unsigned_abs() < 1 << 53 {
                    *value = Value::from(whole);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

fn take_out(value: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else {
        *value = Value::Object(serde_json::Map::new());
        return;
    };
    let parent = parents.iter().try_fold(value, |at, key| match at {
        Value::Object(map) => map.get_mut(key),
        Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    });
    match parent {
        Some(Value::Object(map)) => {
            map.remove(last);
        }
        Some(Value::Array(list)) => {
            if let Some(item) = last
                .parse::<usize>()
                .ok()
                .and_then(|index| list.get_mut(index))
            {
                *item = Value::Null;
            }
        }
        _ => {}
    }
}

struct Fault<'a> {
    kind: Kind,
    file: usize,
    path: &'a [String],
    inner: &'a [String],
    instance: &'a Value,
}

impl Fault<'_> {
    fn spot(&self, part: Part) -> Spot {
        let mut path = self.path.to_vec();
        path.extend_from_slice(self.inner);
        Spot::Member {
            file: self.file,
            path,
            part,
            or: None,
        }
    }

    fn name(&self) -> String {
        // A list's element is named by its list.
        let name = self
            .inner
            .iter()
            .rev()
            .chain(self.path.last())
            .find(|key| key.parse::<usize>().is_err() || self.inner.is_empty());
        shown(name.map_or("the value", String::as_str))
    }

    /// The member of an account that a credential stands in, if this is inside one.
    fn credential(&self) -> Option<&str> {
        let name = self.inner.first()?;
        (self.kind == Kind::Account && CREDENTIALS.contains(&name.as_str())).then_some(name)
    }

    fn plain_secret(&self, member: &str) -> Found {
        let mut spot = self.path.to_vec();
        spot.push(member.to_owned());
        Found::new(
            "plain_secret",
            format!("`{member}` says where the secret is read from; the secret itself never stands in a manifest"),
        )
        .spot(
            Spot::Member { file: self.file, path: spot, part: Part::Value, or: None },
            "expected `{ env: NAME }` or `{ file: PATH }`",
        )
        .help(format!(
            "write `{member}: {{ env: {} }}`, and replace the key at the CA if it was real",
            member.to_ascii_uppercase()
        ))
    }

    fn unknown_member(&self, name: &str) -> Found {
        if let Some(member) = self.credential() {
            return self.plain_secret(member);
        }
        let mut path = self.path.to_vec();
        path.extend_from_slice(self.inner);
        path.push(name.to_owned());
        let spot = Spot::Member {
            file: self.file,
            path,
            part: Part::Key,
            or: None,
        };
        if self.kind == Kind::Account && self.inner.is_empty() && FROM_OUTSIDE.contains(&name) {
            let account = self.path.last().map_or("ACCOUNT", String::as_str);
            let variable = account.to_ascii_uppercase().replace('-', "_");
            return Found::new(
                "endpoint_in_manifest",
                format!("`{name}` does not stand in a manifest: a change of a file must not send a key elsewhere or run a program"),
            )
            .spot(spot, "remove this")
            .help(format!(
                "use `--endpoint {account}=URL` or the variable `CERTPLAN_ENDPOINT_{variable}`"
            ));
        }
        if name == "alternative_order_id" && self.kind != Kind::Account {
            return Found::new(
                "tag_in_manifest",
                "`alternative_order_id` is set by certplan: it is how an order is found again",
            )
            .spot(spot, "remove this");
        }
        if self.kind == Kind::Defaults && self.inner.len() == 1 {
            let of = if self.inner.first().is_some_and(|of| of == "orders") {
                Kind::Order
            } else {
                Kind::Revocation
            };
            if known_members(of, &[]).iter().any(|known| known == name) {
                return Found::new(
                    "not_a_default",
                    format!("`{name}` cannot have a default: each entry says it"),
                )
                .spot(spot, "move this into the entries");
            }
        }
        let known = known_members(self.kind, self.inner);
        let at = self.name();
        let help = match name {
            "depends_on" | "needs" | "requires" => Some("did you mean `after`?".to_owned()),
            "comment" => Some("did you mean `comments`?".to_owned()),
            _ => suggestion(name, known.iter().map(String::as_str)),
        };
        Found::new(
            "unknown_member",
            format!("`{at}` has no member `{}`", shown(name)),
        )
        .spot(spot, "unknown")
        .maybe_help(help)
    }

    fn wrong_value(&self, error: &ValidationErrorKind) -> Found {
        if let Some(member) = self.credential() {
            if self
                .instance
                .as_object()
                .is_some_and(|map| map.contains_key("env") && map.contains_key("file"))
            {
                return Found::new(
                    "two_sources",
                    format!("`{member}` has both `env` and `file`"),
                )
                .spot(self.spot(Part::Value), "say one of them");
            }
            return self.plain_secret(member);
        }
        let name = self.name();
        let spot = self.spot(Part::Value);
        let found_kind = kind_of(self.instance);
        match error {
            ValidationErrorKind::Type { kind } => {
                let expected = expected(kind);
                let quote = matches!(self.instance, Value::Number(_) | Value::Bool(_))
                    && expected == "text";
                let found = Found::new(
                    "wrong_type",
                    format!("`{name}`: expected {expected}, found {found_kind}"),
                )
                .spot(spot, format!("expected {expected}"));
                if ["per", "quiet_period"].contains(&name.as_str()) {
                    found.help("write a duration, for example `5s` or `15m`")
                } else if self.instance.is_null() {
                    found.help("give a value or remove the line")
                } else if quote {
                    found.help("write it in quotes")
                } else {
                    found
                }
            }
            ValidationErrorKind::Enum { options } => {
                let word = self.instance.as_str().unwrap_or_default();
                let options: Vec<&str> = options
                    .as_array()
                    .map(|list| list.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_default();
                // A wrong type is reported as such, and a list of words says nothing more.
                let (code, found_text) = if self.instance.is_string() {
                    ("unknown_value", format!("`{}`", shown(word)))
                } else {
                    ("wrong_type", found_kind.to_owned())
                };
                let code = if self.inner.last().is_some_and(|key| key == "reason")
                    && code == "unknown_value"
                {
                    "unknown_reason"
                } else {
                    code
                };
                Found::new(code, format!("`{name}` cannot be {found_text}"))
                    .spot(spot, "not one of the words known here")
                    .maybe_help(suggestion(word, options.iter().copied()))
            }
            ValidationErrorKind::Pattern { pattern } => self.pattern(pattern, spot, &name),
            ValidationErrorKind::Minimum { limit } => {
                bad(&name, format!("is at least {limit}"), spot)
            }
            ValidationErrorKind::Maximum { limit } => {
                bad(&name, format!("is at most {limit}"), spot)
            }
            ValidationErrorKind::MinLength { .. } => bad(&name, "is empty".to_owned(), spot),
            ValidationErrorKind::MaxLength { limit } => {
                bad(&name, format!("is at most {limit} characters long"), spot)
            }
            ValidationErrorKind::MinItems { limit } => {
                bad(&name, format!("has at least {limit} entry"), spot)
            }
            ValidationErrorKind::MaxItems { limit } => {
                bad(&name, format!("has at most {limit} entries"), spot)
            }
            ValidationErrorKind::MinProperties { .. }
            | ValidationErrorKind::MaxProperties { .. } => {
                bad(&name, "has exactly one member".to_owned(), spot)
            }
            other => bad(
                &name,
                format!("breaks the rule `{}`", other.keyword()),
                spot,
            ),
        }
    }

    fn pattern(&self, pattern: &str, spot: Spot, name: &str) -> Found {
        let text = self.instance.as_str().unwrap_or_default();
        if name == "scope" {
            return Found::new("unknown_value", format!("`scope` cannot be `{}`", shown(text)))
                .spot(spot, "not a scope")
                .help("one of `order`, `duplicates`, `{ certificate_id: N }`, `{ serial_number: \"HEX\" }`, `{ certificate_no: N }`");
        }
        let rule = if pattern.starts_with("^[0-9]{4}-") {
            "is a date, `YYYY-MM-DD`".to_owned()
        } else if pattern.starts_with("^[0-9]{1,19}") {
            "is an id: digits".to_owned()
        } else if pattern.starts_with("^[0-9A-Fa-f:]") {
            "is hexadecimal".to_owned()
        } else {
            "is lower-case letters, digits and `_`".to_owned()
        };
        bad(name, rule, spot)
    }
}

fn bad(name: &str, rule: String, spot: Spot) -> Found {
    Found::new("bad_value", format!("`{name}` {rule}")).spot(spot, "not this")
}

fn expected(kind: &TypeKind) -> String {
    let words: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(set) => set.iter().map(|one| one.to_string()).collect(),
    };
    let words: Vec<&str> = words
        .iter()
        .filter(|word| *word != "null")
        .map(|word| match word.as_str() {
            "string" => "text",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "`true` or `false`",
            "array" => "a list",
            "object" => "a mapping",
            _ => "nothing",
        })
        .collect();
    words.join(" or ")
}
