//! From what was written to the model: accounts, defaults, then each order and revocation, then the
//! graph of what waits for what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::Warning;
use super::account::Written;
use super::collect::{Collected, Draft, Single};
use super::csr;
use super::dependency::{Edge, Names};
use super::error::{Found, Part, Spot};
use super::policy;
use super::source::Source;
use super::wording::{nearest, shown};
use crate::model::{
    Account, AccountName, Address, After, Batch, Digest, Item, Place, Provider, Wanted,
};

/// How many references get a "did you mean": each one is compared with every name.
const SUGGESTIONS: usize = 100;

/// What every entry is lowered against.
pub(super) struct Context<'a> {
    pub(super) sources: &'a [Source],
    pub(super) today: Date,
    pub(super) found: Vec<Found>,
    pub(super) warnings: Vec<Warning>,
    accounts: BTreeMap<String, Option<Account>>,
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

/// Lowers everything. The batch is whole only if nothing was found.
pub(super) fn lower(
    sources: &[Source],
    collected: Collected,
    today: Date,
    found: Vec<Found>,
) -> (Option<Batch>, Vec<Warning>, Vec<Found>) {
    let mut context = Context {
        sources,
        today,
        found,
        warnings: Vec::new(),
        accounts: BTreeMap::new(),
        defaults: collected.defaults,
        files: sources
            .iter()
            .map(|source| Arc::from(source.name.as_str()))
            .collect(),
        suggestions: SUGGESTIONS,
        edges: Vec::new(),
    };
    let mut keys = BTreeMap::new();
    for (name, (file, value, is_broken)) in &collected.accounts {
        let empty = Map::new();
        let written = Written {
            name,
            file: *file,
            folder: sources.get(*file).map_or(Path::new(""), Source::folder),
            members: value.as_object().unwrap_or(&empty),
            is_broken: *is_broken,
        };
        let account = written.lower(&mut context.found);
        context.accounts.insert(name.clone(), account);
        let credentials: BTreeMap<&str, &Value> = super::credential::CREDENTIALS
            .into_iter()
            .filter_map(|member| Some((member, value.get(member)?)))
            .collect();
        keys.insert(name.clone(), Digest::of_json(&credentials));
    }
    let policy = collected.policy.map_or_else(Default::default, |single| {
        policy::policy(&single.value, single.file, &["policy"], &mut context.found)
    });
    let mut names = Names {
        order_accounts: Vec::with_capacity(collected.orders.drafts.len()),
        order_count: collected.orders.drafts.len(),
        orders: collected.orders,
        revocations: collected.revocations,
    };
    let orders = std::mem::take(&mut names.orders.drafts);
    let revocations = std::mem::take(&mut names.revocations.drafts);
    // For the labels of a cycle: which entry is which.
    let count = orders.len() + revocations.len();
    let entries: Vec<(usize, Address)> = orders
        .iter()
        .map(|draft| (draft.file, Address::Order(draft.name.clone())))
        .chain(
            revocations
                .iter()
                .map(|draft| (draft.file, Address::Revocation(draft.name.clone()))),
        )
        .collect();
    let mut items = Vec::with_capacity(count);
    let mut alike: HashMap<u64, Address> = HashMap::new();
    let requests: Vec<Option<(&Path, &Value)>> = orders
        .iter()
        .map(|draft| {
            let folder = sources.get(draft.file).map(Source::folder)?;
            Some((folder, draft.members.get("certificate")?.get("csr")?))
        })
        .collect();
    let outcomes = csr::check_all(&requests);
    for (draft, outcome) in orders.into_iter().zip(outcomes) {
        let item = super::order::lower(draft, outcome, &mut context, &names, &mut alike);
        names
            .order_accounts
            .push(item.as_ref().map(|item| item.account.clone()));
        items.extend(item);
    }
    for draft in revocations {
        items.extend(super::revocation::lower(draft, &mut context, &names));
    }
    context.cycles(count, &entries);
    context.same_account(&names, &items, &entries);
    if items.len() != count && context.found.is_empty() {
        // Never a batch that lacks an entry: an order would be taken for no longer wanted.
        let message = "an entry was lost while it was read: this is a fault of certplan";
        context.found.push(Found::new("internal", message));
    }
    if !context.found.is_empty() {
        return (None, context.warnings, context.found);
    }
    let accounts: BTreeMap<AccountName, Account> = context
        .accounts
        .into_values()
        .flatten()
        .map(|account| (account.name.clone(), account))
        .collect();
    let digest = super::digest::digest(&accounts, &keys, &policy, &items);
    let batch = Batch {
        accounts,
        policy,
        items,
        digest,
    };
    (Some(batch), context.warnings, context.found)
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

    /// Keeps a warning.
    pub(super) fn warn(&mut self, draft: &Draft, message: String) {
        let place = self.place(draft);
        self.warnings.push(Warning { place, message });
    }
}

/// Takes a text out of an entry.
pub(super) fn take_text(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    match members.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes a list of texts out of an entry.
pub(super) fn take_texts(members: &mut Map<String, Value>, name: &str) -> Vec<String> {
    match members.remove(name) {
        Some(Value::Array(list)) => list
            .into_iter()
            .filter_map(|value| match value {
                Value::String(text) => Some(text),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Takes the generation out of an entry; 1 if it says nothing.
pub(super) fn take_generation(members: &mut Map<String, Value>) -> u32 {
    members
        .remove("generation")
        .and_then(|value| value.as_u64())
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(1)
}

/// An item with its parts.
pub(super) fn item(
    address: Address,
    account: AccountName,
    wanted: Wanted,
    after: Vec<After>,
    place: Place,
) -> Item {
    debug_assert!(
        after
            .iter()
            .map(|after| &after.address)
            .collect::<BTreeSet<_>>()
            .len()
            == after.len()
    );
    Item {
        address,
        account,
        wanted,
        after,
        place,
    }
}
