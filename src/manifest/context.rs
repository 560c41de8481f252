//! What every entry is lowered against: accounts, defaults, the places of members, and what was found.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::Warning;
use super::account::Written;
use super::collect::{Accounts, Draft, Single};
use super::dependency::Edge;
use super::error::{Found, Part, Spot};
use super::source::Source;
use super::wording::{nearest, shown};
use crate::model::{Account, AccountName, Authority, Item, OrderId, Place, Provider, Wanted};

/// How many references get a "did you mean": each one is compared with every name.
const SUGGESTIONS: usize = 100;

/// What every entry is lowered against.
pub(super) struct Context<'a> {
    pub(super) sources: &'a [Source],
    /// The CAs that a manifest may speak of.
    pub(super) authorities: &'a [&'static dyn Authority],
    pub(super) today: Date,
    pub(super) found: Vec<Found>,
    pub(super) warnings: Vec<Warning>,
    pub(super) accounts: BTreeMap<String, Option<Account>>,
    defaults: Option<Single>,
    files: Vec<Arc<str>>,
    suggestions: usize,
    pub(super) edges: Vec<Edge>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    section: &'static str,
    name: &'a str,
    pub(super) file: usize,
    defaults: Option<usize>,
}

impl Here<'_> {
    /// The place of a member: in the entry, else in the defaults, else the entry's name.
    pub(super) fn at(&self, inner: &[&str], part: Part) -> Spot {
        let path = |start: &[&str]| {
            start
                .iter()
                .chain(inner)
                .map(|key| (*key).to_owned())
                .collect::<Vec<_>>()
        };
        let member = |file: usize, start: &[&str]| Spot::Member {
            file,
            path: path(start),
            part,
            or: None,
        };
        let mut spot = member(self.file, &[self.section, self.name]);
        if let Some(file) = self.defaults {
            spot = spot.or(member(file, &["defaults", self.section]));
        }
        // The nearest parent in the entry that exists.
        for length in (0..inner.len()).rev() {
            let mut keys = vec![self.section, self.name];
            keys.extend(inner.iter().take(length));
            spot = spot.or(Spot::member(self.file, &keys, Part::Key));
        }
        spot
    }

    /// The entry's name.
    pub(super) fn key(&self) -> Spot {
        Spot::member(self.file, &[self.section, self.name], Part::Key)
    }
}

impl<'a> Context<'a> {
    /// What entries are lowered against, once accounts and defaults are read.
    pub(super) fn new(
        sources: &'a [Source],
        authorities: &'a [&'static dyn Authority],
        today: Date,
        written: &Accounts,
        defaults: Option<Single>,
    ) -> Self {
        let mut found = Vec::new();
        let mut accounts = BTreeMap::new();
        for (name, (file, value, is_broken)) in written {
            let empty = Map::new();
            let written = Written {
                name,
                file: *file,
                folder: sources.get(*file).map_or(Path::new(""), Source::folder),
                members: value.as_object().unwrap_or(&empty),
                authorities,
                is_broken: *is_broken,
            };
            accounts.insert(name.clone(), written.lower(&mut found));
        }
        Self {
            sources,
            authorities,
            today,
            found,
            warnings: Vec::new(),
            accounts,
            defaults,
            files: sources
                .iter()
                .map(|source| Arc::from(source.name.as_str()))
                .collect(),
            suggestions: SUGGESTIONS,
            edges: Vec::new(),
        }
    }
}

impl Context<'_> {
    /// Where an entry stands.
    pub(super) fn here<'d>(&self, section: &'static str, draft: &'d Draft) -> Here<'d> {
        Here {
            section,
            name: draft.name.as_str(),
            file: draft.file,
            defaults: self.defaults.as_ref().map(|single| single.file),
        }
    }

    /// The place of an entry, for the model.
    pub(super) fn place(&self, draft: &Draft) -> Place {
        Place {
            file: self
                .files
                .get(draft.file)
                .cloned()
                .unwrap_or_else(|| Arc::from("")),
            line: draft.line,
        }
    }

    /// Merges the defaults of a section into an entry: what the entry says stands; an object that both
    /// have is merged one level deep. A validity of the entry takes the place of any default validity.
    pub(super) fn fill(&self, section: &str, draft: &mut Draft) {
        const VALIDITY: [&str; 4] = [
            "validity_years",
            "validity_days",
            "custom_expiration_date",
            "order_validity",
        ];
        let defaults = self
            .defaults
            .as_ref()
            .and_then(|single| single.value.get(section))
            .and_then(Value::as_object);
        let Some(defaults) = defaults else { return };
        let has_validity = VALIDITY
            .iter()
            .any(|name| draft.members.contains_key(*name));
        for (name, default) in defaults {
            if has_validity && VALIDITY.contains(&name.as_str()) || draft.is_broken(name) {
                continue;
            }
            match (draft.members.get_mut(name), default) {
                (None, default) => {
                    draft.members.insert(name.clone(), default.clone());
                }
                (Some(Value::Object(own)), Value::Object(default)) if name != "order_validity" => {
                    for (name, default) in default {
                        if !own.contains_key(name) {
                            own.insert(name.clone(), default.clone());
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a missing member may be reported: not if it was given and was wrong.
    pub(super) fn may_miss(&self, draft: &Draft, member: &str) -> bool {
        let defaults_broken = self
            .defaults
            .as_ref()
            .is_some_and(|single| single.is_broken);
        !defaults_broken && !draft.is_broken(member)
    }

    /// "did you mean", as long as it is affordable.
    pub(super) fn suggest<'n>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        self.suggestions = self.suggestions.checked_sub(1)?;
        nearest(word, known).map(|best| format!("did you mean `{best}`?"))
    }

    /// The account of an entry: its name, and its provider if the account itself is in order.
    pub(super) fn account(
        &mut self,
        draft: &Draft,
        here: &Here<'_>,
        written: Option<String>,
    ) -> Option<(AccountName, Option<Provider>)> {
        let Some(name) = written else {
            if self.may_miss(draft, "account") {
                self.found.push(
                    Found::new(
                        "missing_member",
                        format!("`{}`: `account` is missing", draft.name),
                    )
                    .spot(here.key(), "in this entry")
                    .help(format!(
                        "add `account: NAME` here or to `defaults.{}`",
                        here.section
                    )),
                );
            }
            return None;
        };
        if let Some(account) = self.accounts.get(&name) {
            let provider = account.as_ref().map(|account| account.provider.clone());
            return Some((name.parse().ok()?, provider));
        }
        let known: Vec<String> = self.accounts.keys().cloned().collect();
        let help = self
            .suggest(&name, known.iter().map(String::as_str))
            .or_else(|| {
                known
                    .is_empty()
                    .then(|| "the manifest has no `accounts`".to_owned())
            });
        self.found.push(
            Found::new(
                "unknown_account",
                format!("there is no account `{}`", shown(&name)),
            )
            .spot(here.at(&["account"], Part::Value), "not in `accounts`")
            .maybe_help(help),
        );
        None
    }

    /// An order that exists belongs to one name.
    pub(super) fn existing_once(&mut self, items: &[Item]) {
        let mut first: HashMap<(&AccountName, &OrderId), &Item> = HashMap::new();
        for item in items {
            let Wanted::Order(order) = &item.wanted else {
                continue;
            };
            let Some(id) = &order.existing_order_id else {
                continue;
            };
            let known = *first.entry((&item.account, id)).or_insert(item);
            if std::ptr::eq(known, item) {
                continue;
            }
            let spot = |item: &Item| {
                let file = self.files.iter().position(|file| *file == item.place.file);
                let name = item.address.name().as_str();
                let path = ["orders", name, "existing_order_id"];
                Spot::member(file.unwrap_or_default(), &path, Part::Value)
            };
            let problem = Found::new(
                "existing_order_twice",
                format!("order {} is taken over by two entries", shown(id.as_str())),
            )
            .spot(spot(item), "again here")
            .spot(spot(known), "first here")
            .help("an order belongs to one name: keep one of them");
            self.found.push(problem);
        }
    }

    /// Warns of orders that look like a copy, and puts all warnings into the order of the entries.
    pub(super) fn warn_of_alike(&mut self, items: &[Item]) {
        for (first, again) in super::order::alike(items) {
            let (Some(first), Some(again)) = (items.get(first), items.get(again)) else {
                continue;
            };
            self.warnings.push(Warning {
                place: again.place.clone(),
                message: format!(
                    "`{}` asks for the same product and names as `{}`: both will be bought",
                    again.address, first.address
                ),
            });
        }
        let files = &self.files;
        self.warnings.sort_by_key(|warning| {
            let file = files.iter().position(|file| *file == warning.place.file);
            (file, warning.place.line)
        });
    }

    /// The CAs that offer something, for messages.
    pub(super) fn where_offered(&self, offers: impl Fn(&dyn Authority) -> bool) -> String {
        let names: Vec<&str> = self
            .authorities
            .iter()
            .filter(|authority| offers(**authority))
            .map(|authority| authority.name())
            .collect();
        names.join(" or ")
    }

    /// Keeps a warning.
    pub(super) fn warn(&mut self, draft: &Draft, message: String) {
        let place = self.place(draft);
        self.warnings.push(Warning { place, message });
    }
}
