//! Accounts: which members belong to which CA, where the keys come from, the limits.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::credential::{CREDENTIALS, is_secret_path, is_variable_name};
use super::error::{Found, Part, Spot};
use super::policy::duration;
use crate::model::{Account, AccountName, Authority, KeyId, Provider, RateLimit, SecretSource};

/// Calls under way at once, if the manifest says nothing.
const MAX_IN_FLIGHT: u64 = 16;

/// One account whose shape was checked.
pub(super) struct Written<'a> {
    pub(super) name: &'a str,
    pub(super) file: usize,
    /// Where relative paths start.
    pub(super) folder: &'a Path,
    pub(super) members: &'a Map<String, Value>,
    /// The CAs that it may be at.
    pub(super) authorities: &'a [&'static dyn Authority],
    /// Whether something in it was already reported.
    pub(super) is_broken: bool,
}

impl Written<'_> {
    fn spot(&self, path: &[&str], part: Part) -> Spot {
        let mut whole = vec!["accounts", self.name];
        whole.extend(path);
        Spot::member(self.file, &whole, part)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// The account, if nothing that it needs is missing.
    pub(super) fn lower(&self, found: &mut Vec<Found>) -> Option<Account> {
        let rate_limits = self.rate_limits(found);
        let provider = self.provider(found);
        let name: AccountName = self.name.parse().ok()?;
        let provider = provider?;
        let rate_limits = rate_limits.unwrap_or_else(|| provider.authority.rate_limits().to_vec());
        let max_in_flight = self
            .members
            .get("max_in_flight")
            .and_then(Value::as_u64)
            .unwrap_or(MAX_IN_FLIGHT);
        Some(Account {
            name,
            provider,
            rate_limits,
            max_in_flight: usize::try_from(max_in_flight).unwrap_or(usize::MAX),
        })
    }

    fn provider(&self, found: &mut Vec<Found>) -> Option<Provider> {
        let named = self.text("provider");
        let known = self.authorities.iter().copied();
        let Some(authority) = known.clone().find(|known| Some(known.name()) == named) else {
            if !self.is_broken {
                let all: Vec<String> = known
                    .map(|authority| format!("`provider: {}`", authority.name()))
                    .collect();
                found.push(self.missing("provider", &all.join(" or ")));
            }
            return None;
        };
        let name = authority.name();
        let of = |authority: &'static dyn Authority| {
            let region = authority
                .regions()
                .iter()
                .any(|region| region.name.is_some());
            let credentials = authority.credentials().iter().map(|member| member.name);
            (region.then_some("region").into_iter())
                .chain(credentials)
                .chain(authority.has_key_check().then_some("key_id"))
                .collect::<Vec<&str>>()
        };
        let mine = of(authority);
        for other in known.filter(|other| *other != authority) {
            for member in of(other).iter().filter(|member| !mine.contains(member)) {
                if self.members.contains_key(*member) {
                    found.push(
                        Found::new(
                            "wrong_member",
                            format!("an account at {name} has no `{member}`"),
                        )
                        .spot(
                            self.spot(&[member], Part::Key),
                            format!("of {}", other.name()),
                        )
                        .help(format!("{name} takes {}", mine.join(", "))),
                    );
                }
            }
        }
        let mut credentials = Vec::new();
        for member in authority.credentials() {
            credentials.extend(self.secret(member.name, found));
        }
        if credentials.len() < authority.credentials().len() {
            return None;
        }
        let region = self.text("region");
        let regions = authority.regions();
        Some(Provider {
            authority,
            region: regions
                .iter()
                .find(|known| region.is_some() && known.name == region)
                .or(regions.first())?,
            credentials,
            key_id: self
                .members
                .get("key_id")
                .and_then(id_text)
                .map(KeyId::from),
        })
    }

    fn secret(&self, name: &str, found: &mut Vec<Found>) -> Option<SecretSource> {
        debug_assert!(CREDENTIALS.contains(&name));
        let Some(Value::Object(source)) = self.members.get(name) else {
            if !self.is_broken {
                let variable = self.variable(name);
                found.push(self.missing(name, &format!("`{name}: {{ env: {variable} }}`")));
            }
            return None;
        };
        let get = |key: &str| source.get(key).and_then(Value::as_str);
        match (get("env"), get("file")) {
            (Some(_), Some(_)) => {
                found.push(
                    Found::new("two_sources", format!("`{name}` has both `env` and `file`"))
                        .spot(self.spot(&[name], Part::Value), "say one of them"),
                );
                None
            }
            (Some(variable), None) if is_variable_name(variable) => {
                Some(SecretSource::Env(variable.to_owned()))
            }
            (Some(_), None) => {
                found.push(
                    Found::new(
                        "secret_as_name",
                        format!("`{name}.env` is not the name of an environment variable"),
                    )
                    .spot(self.spot(&[name, "env"], Part::Value), format!("expected a name such as {}", self.variable(name)))
                    .help("if this is the secret itself, replace it at the CA: it has stood in a file"),
                );
                None
            }
            (None, Some(path)) if is_secret_path(path) => Some(SecretSource::File(self.path(path))),
            (None, Some(_)) => {
                found.push(
                    Found::new("secret_as_name", format!("`{name}.file` is not a path"))
                        .spot(self.spot(&[name, "file"], Part::Value), format!("expected a path such as /run/secrets/{}", self.name))
                        .help("if this is the secret itself, replace it at the CA: it has stood in a file"),
                );
                None
            }
            (None, None) => {
                if !self.is_broken {
                    found.push(
                        Found::new(
                            "plain_secret",
                            format!("`{name}` does not say where the secret is read from"),
                        )
                        .spot(
                            self.spot(&[name], Part::Value),
                            "expected `{ env: NAME }` or `{ file: PATH }`",
                        ),
                    );
                }
                None
            }
        }
    }

    /// A name for the variable that a secret could be read from.
    fn variable(&self, name: &str) -> String {
        format!("{}_{name}", self.name)
            .to_ascii_uppercase()
            .replace('-', "_")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn missing(&self, name: &str, help: &str) -> Found {
        Found::new(
            "missing_member",
            format!("`{}`: `{name}` is missing", self.name),
        )
        .spot(self.spot(&[], Part::Key), "in this account")
        .help(format!("add {help}"))
    }

    fn rate_limits(&self, found: &mut Vec<Found>) -> Option<Vec<RateLimit>> {
        let written = self.members.get("rate_limits")?.as_array()?;
        let mut limits = Vec::new();
        for (index, limit) in written.iter().enumerate() {
            let requests = limit
                .get("requests")
                .and_then(Value::as_u64)
                .and_then(|requests| u32::try_from(requests).ok());
            let (Some(requests), Some(per)) = (requests, limit.get("per").and_then(Value::as_str))
            else {
                continue;
            };
            let spot = self.spot(&["rate_limits", &index.to_string(), "per"], Part::Value);
            match duration("per", per, spot) {
                Ok(per) => limits.push(RateLimit { requests, per }),
                Err(problem) => found.push(*problem),
            }
        }
        Some(limits)
    }
}

/// An id as text, whether it was written as a number or in quotes.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
