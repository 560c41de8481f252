//! Accounts: which members belong to which CA, where the keys come from, the limits.

use std::path::Path;

use super::collect::Entry;
use super::credential::{FROM_OUTSIDE, secret_source};
use super::members::{Authorities, is_mapping, own_members};
use super::raw::{self, Credential};
use crate::model::form::{
    At, Location, Member, Problem, Reader, Shape, Value, meant, read_members,
};
use crate::model::{
    Account, AccountName, Authority, Digest, KeyId, Provider, RateLimit, Region, SecretSource,
};

/// Calls under way at once, if the manifest says nothing.
const MAX_IN_FLIGHT: usize = 16;

/// One account as it was written.
pub(super) struct WrittenAccount<'a> {
    name: &'a str,
    value: Value<'a>,
    raw: raw::Account,
    /// Each member of any CA that says where a secret is read from.
    credentials: Vec<(&'static str, Member<Credential>)>,
}

/// The members of accounts that say where a secret is read from, of all CAs.
pub(super) fn credential_members(authorities: Authorities<'_>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for member in authorities.iter().flat_map(|known| known.credentials()) {
        if !names.contains(&member.name) {
            names.push(member.name);
        }
    }
    names
}

/// The CA that an account names.
fn provider(account: Value<'_>, authorities: Authorities<'_>) -> Option<&'static dyn Authority> {
    let (_, value) = account
        .members()
        .find(|(key, _)| key.text() == Some("provider"))?;
    let mut known = authorities.iter().copied();
    known.find(|known| Some(known.name()) == value.text())
}

/// Reads an account.
pub(super) fn read<'a>(
    entry: &'a Entry<'a>,
    authorities: Authorities<'_>,
    problems: &mut Vec<Problem>,
) -> Option<WrittenAccount<'a>> {
    let name = entry.name.as_str();
    let mut reader = Reader::new(name, problems);
    if !is_mapping(entry.value, &mut reader) {
        return None;
    }
    let members = credential_members(authorities);
    let mut credentials: Vec<_> = members
        .iter()
        .map(|member| (*member, Member::Absent))
        .collect();
    let mut raw = raw::Account::default();
    // What a name means goes by the CA, where that is said.
    let of_ca = provider(entry.value, authorities).map(|one| credential_members(&[one]));
    let of_ca = of_ca.as_ref().unwrap_or(&members);
    let known = || {
        let own = raw::Account::MEMBERS.iter().map(|member| member.name);
        own.chain(of_ca.iter().copied())
    };
    let mut wanted = None;
    read_members(
        &mut raw,
        entry.value,
        &mut reader,
        &mut |member, key, value, reader| {
            let mut credential = credentials.iter_mut();
            if let Some((member, read)) = credential.find(|(name, _)| *name == member) {
                match read.point() {
                    Some(first) => reader.given_twice(member, key.point(), Location::Key(first)),
                    None => reader.member(*member, |reader| read.set(value, reader)),
                }
            } else if FROM_OUTSIDE.contains(&member) {
                reader.tell(from_outside(name, member, key));
            } else {
                reader.unknown_member(member, key.point(), known());
                // What was meant is not missing.
                let best = meant(member, known());
                for (name, read) in &mut credentials {
                    if Some(*name) == best {
                        read.refuse(value.point());
                    }
                }
                wanted = wanted.or(best.map(|best| (best, value.point())));
            }
            true
        },
    );
    if let Some((name, point)) = wanted {
        raw.refuse(name, point);
    }
    Some(WrittenAccount {
        name,
        value: entry.value,
        raw,
        credentials,
    })
}

fn from_outside(account: &str, member: &str, key: Value<'_>) -> Problem {
    let variable = account.to_ascii_uppercase().replace('-', "_");
    Problem::new(
        "endpoint_in_manifest",
        format!("`{member}` does not stand in a manifest: a change of a file must not send a key elsewhere or run a program"),
    )
    .at(Location::Value(key.point()), "remove this")
    .help(format!(
        "use `--endpoint {account}=URL` or the variable `CERTPLAN_ENDPOINT_{variable}`"
    ))
}

impl WrittenAccount<'_> {
    /// The account, if nothing that it needs is missing. `folder` is where relative paths start.
    pub(super) fn lower(
        &self,
        authorities: Authorities<'_>,
        folder: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<Account> {
        let authority = self.authority(authorities, problems)?;
        self.of_others(authority, authorities, problems);
        let region = self.region(authority, problems);
        let mut credentials = Vec::new();
        for member in authority.credentials() {
            credentials.extend(self.secret(member.name, folder, problems));
        }
        if credentials.len() < authority.credentials().len() {
            return None;
        }
        let name: AccountName = self.name.parse().ok()?;
        let in_flight = self.raw.max_in_flight.value();
        Some(Account {
            name,
            provider: Provider {
                authority,
                region: region?,
                credentials,
                key_id: self.raw.key_id.value().map(|id| KeyId::from(id.0)),
            },
            rate_limits: self
                .rate_limits()
                .unwrap_or_else(|| authority.rate_limits().to_vec()),
            max_in_flight: in_flight
                .and_then(|number| usize::try_from(number.0).ok())
                .unwrap_or(MAX_IN_FLIGHT),
        })
    }

    /// A digest of where the keys come from. Paths are taken as written: where the manifest lies is not
    /// part of its meaning.
    pub(super) fn keys(&self) -> Digest {
        let written = self.credentials.iter().filter_map(|(member, read)| {
            let source = match read.value()? {
                Credential::Env(name) => ("env", name.value.as_str()),
                Credential::File(path) => ("file", path.value.as_str()),
            };
            Some((*member, source))
        });
        Digest::of_json(&written.collect::<Vec<_>>())
    }

    fn authority(
        &self,
        authorities: Authorities<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<&'static dyn Authority> {
        match &self.raw.provider {
            Member::Refused(_) => None,
            Member::Absent => {
                if !self.raw.is_damaged {
                    let all: Vec<String> = authorities
                        .iter()
                        .map(|authority| format!("`provider: {}`", authority.name()))
                        .collect();
                    problems.push(self.missing("provider", &all.join(" or ")));
                }
                None
            }
            Member::Given(word) => {
                let known = authorities
                    .iter()
                    .copied()
                    .find(|authority| authority.name() == word.value);
                if known.is_none() {
                    let words: Vec<&str> = authorities.iter().map(|known| known.name()).collect();
                    self.unknown_word("provider", word, &words, problems);
                }
                known
            }
        }
    }

    /// Members that only other CAs have.
    fn of_others(
        &self,
        authority: &'static dyn Authority,
        authorities: Authorities<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let mine = own_members(authority);
        let name = authority.name();
        let written = self
            .credentials
            .iter()
            .map(|(member, read)| (*member, read.point()))
            .chain([
                ("region", self.raw.region.point()),
                ("key_id", self.raw.key_id.point()),
            ]);
        for (member, point) in written.filter(|(member, _)| !mine.contains(member)) {
            let Some(point) = point else { continue };
            let of = authorities
                .iter()
                .find(|other| own_members(**other).contains(&member));
            problems.push(
                Problem::new(
                    "wrong_member",
                    format!("an account at {name} has no `{member}`"),
                )
                .at(
                    Location::Key(point),
                    of.map_or_else(|| "not here".to_owned(), |of| format!("of {}", of.name())),
                )
                .help(format!("{name} takes {}", mine.join(", "))),
            );
        }
    }

    fn region(
        &self,
        authority: &'static dyn Authority,
        problems: &mut Vec<Problem>,
    ) -> Option<&'static Region> {
        let regions = authority.regions();
        let Some(word) = self.raw.region.get() else {
            return regions.first();
        };
        let names: Vec<&str> = regions.iter().filter_map(|region| region.name).collect();
        let known = regions
            .iter()
            .find(|region| region.name == Some(word.value.as_str()));
        if known.is_none() && !names.is_empty() {
            self.unknown_word("region", word, &names, problems);
        }
        known
    }

    fn unknown_word(
        &self,
        member: &'static str,
        word: &At<String>,
        words: &[&str],
        problems: &mut Vec<Problem>,
    ) {
        let value = self.value.of(word.point);
        let mut reader = Reader::new(member, problems);
        reader.unknown_word("unknown_value", value, words.iter().copied());
    }

    fn secret(
        &self,
        member: &'static str,
        folder: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<SecretSource> {
        let (_, read) = self.credentials.iter().find(|(name, _)| *name == member)?;
        match read {
            Member::Refused(_) => None,
            Member::Absent => {
                if !self.raw.is_damaged {
                    let variable = self.variable(member);
                    problems
                        .push(self.missing(member, &format!("`{member}: {{ env: {variable} }}`")));
                }
                None
            }
            Member::Given(given) => {
                let examples = (self.variable(member), format!("/run/secrets/{}", self.name));
                secret_source(member, &given.value, folder, examples, problems)
            }
        }
    }

    /// A name for the variable that a secret could be read from.
    fn variable(&self, member: &str) -> String {
        format!("{}_{member}", self.name)
            .to_ascii_uppercase()
            .replace('-', "_")
    }

    fn missing(&self, name: &str, help: &str) -> Problem {
        Problem::new(
            "missing_member",
            format!("`{}`: `{name}` is missing", self.name),
        )
        .at(Location::Key(self.value.point()), "in this account")
        .help(format!("add {help}"))
    }

    fn rate_limits(&self) -> Option<Vec<RateLimit>> {
        let written = self.raw.rate_limits.value()?;
        let limits = written.elements.iter().filter_map(|limit| {
            Some(RateLimit {
                requests: u32::try_from(limit.value.requests.value()?.0).ok()?,
                per: limit.value.per.value()?.0,
            })
        });
        Some(limits.collect())
    }
}
