//! From what was written to the model: accounts, defaults, then each order and revocation, then the
//! graph of what waits for what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::Warning;
use super::account::Written;
use super::collect::{Collected, Draft, Section, Single};
use super::document::shown;
use super::error::{Found, Part, Spot};
use super::graph;
use super::policy;
use super::shape::nearest;
use super::source::Source;
use crate::model::{
    Account, AccountName, Address, After, Batch, Digest, Item, Place, Provider, Until, Wanted,
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
    edges: Vec<Edge>,
}

/// One dependency, and what it was written as.
#[derive(Debug, Clone, Copy)]
struct Edge {
    from: usize,
    to: usize,
    origin: Origin,
}

/// What a dependency comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// The element of `after`.
    After(usize),
    /// This member.
    Member(&'static str),
}

/// The names that references are looked up in, and what is known of each order.
pub(super) struct Names {
    pub(super) orders: Section,
    pub(super) revocations: Section,
    /// The account of each order that is lowered already.
    pub(super) order_accounts: Vec<Option<AccountName>>,
    order_count: usize,
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
            folder: sources
                .get(*file)
                .map_or(std::path::Path::new(""), Source::folder),
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
    let mut alike: HashMap<Digest, Address> = HashMap::new();
    for draft in orders {
        let item = super::order::lower(draft, &mut context, &names, &mut alike);
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

    /// Looks an order up by name; an unknown one is a problem.
    pub(super) fn order(&mut self, name: &str, spot: Spot, names: &Names) -> Option<usize> {
        self.reference("order", name, spot, names)
    }

    fn reference(
        &mut self,
        what: &'static str,
        name: &str,
        spot: Spot,
        names: &Names,
    ) -> Option<usize> {
        let (section, other, code) = if what == "order" {
            (&names.orders, &names.revocations, "unknown_order")
        } else {
            (&names.revocations, &names.orders, "unknown_revocation")
        };
        if let Some(at) = section.position(name) {
            return Some(at);
        }
        if section.is_reported(name) {
            return None;
        }
        let help = if other.position(name).is_some() {
            let other = if what == "order" {
                "revocation"
            } else {
                "order"
            };
            Some(format!(
                "there is a {other} of that name: write `{{ {other}: {name} }}`"
            ))
        } else {
            self.suggest(name, section.index.keys().map(|name| name.as_str()))
        };
        self.found.push(
            Found::new(code, format!("there is no {what} `{}`", shown(name)))
                .spot(spot, format!("not in `{what}s`"))
                .maybe_help(help),
        );
        None
    }

    /// The dependencies of an entry, joined: each target once, with the strongest condition.
    pub(super) fn after(
        &mut self,
        written: Option<Value>,
        implied: &[(usize, String, &'static str)],
        own: &Address,
        here: &Here<'_>,
        names: &Names,
    ) -> Vec<After> {
        let mut joined: BTreeMap<Address, Until> = BTreeMap::new();
        let from = match own {
            Address::Order(name) => names.orders.index.get(name).copied(),
            Address::Revocation(name) => names
                .revocations
                .index
                .get(name)
                .map(|at| at + names.order_count),
        };
        let from = from.unwrap_or(usize::MAX);
        let mut targets: Vec<(Address, usize, Until, Origin)> = Vec::new();
        let list = match written {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        for (index, value) in list.iter().enumerate() {
            if let Some((address, to, until)) = self.dependency(index, value, here, names) {
                targets.push((address, to, until, Origin::After(index)));
            }
        }
        for (order, name, member) in implied {
            if let Ok(name) = name.parse() {
                targets.push((
                    Address::Order(name),
                    *order,
                    Until::Submitted,
                    Origin::Member(member),
                ));
            }
        }
        for (address, to, until, origin) in targets {
            if address == *own {
                let inner = origin.path();
                let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
                self.found.push(
                    Found::new("self_dependency", format!("`{own}` waits for itself"))
                        .spot(here.at(&inner, Part::Value), "this is the entry itself")
                        .help("remove it"),
                );
                continue;
            }
            self.edges.push(Edge { from, to, origin });
            joined
                .entry(address)
                .and_modify(|known| *known = (*known).max(until))
                .or_insert(until);
        }
        joined
            .into_iter()
            .map(|(address, until)| After { address, until })
            .collect()
    }

    fn dependency(
        &mut self,
        index: usize,
        value: &Value,
        here: &Here<'_>,
        names: &Names,
    ) -> Option<(Address, usize, Until)> {
        let index = index.to_string();
        let at = |member: Option<&str>| {
            let mut inner = vec!["after", index.as_str()];
            inner.extend(member);
            here.at(&inner, Part::Value)
        };
        let order = |at: usize, name: &str, until: Until| {
            Some((Address::Order(name.parse().ok()?), at, until))
        };
        let revocation = |at: usize, name: &str, until: Until| {
            let node = at + names.order_count;
            Some((Address::Revocation(name.parse().ok()?), node, until))
        };
        match value {
            Value::String(name) => {
                let in_orders = names.orders.position(name);
                let in_revocations = names.revocations.position(name);
                match (in_orders, in_revocations) {
                    (Some(_), Some(_)) => {
                        self.found.push(
                            Found::new(
                                "ambiguous_name",
                                format!("`{name}` is both an order and a revocation"),
                            )
                            .spot(at(None), "which one?")
                            .help(format!(
                                "write `{{ order: {name}, until: issued }}` or `{{ revocation: {name}, until: revoked }}`"
                            )),
                        );
                        None
                    }
                    (Some(to), None) => order(to, name, Until::Issued),
                    (None, Some(to)) => revocation(to, name, Until::Revoked),
                    (None, None) => {
                        if !names.orders.is_reported(name) && !names.revocations.is_reported(name) {
                            let known = names
                                .orders
                                .index
                                .keys()
                                .chain(names.revocations.index.keys());
                            let help = self.suggest(name, known.map(|name| name.as_str()));
                            self.found.push(
                                Found::new(
                                    "unknown_name",
                                    format!(
                                        "there is no order and no revocation `{}`",
                                        shown(name)
                                    ),
                                )
                                .spot(at(None), "not in the manifest")
                                .maybe_help(help),
                            );
                        }
                        None
                    }
                }
            }
            Value::Object(map) => {
                let text = |name: &str| map.get(name).and_then(Value::as_str);
                let until = match text("until") {
                    Some("submitted") => Some(Until::Submitted),
                    Some("issued") => Some(Until::Issued),
                    Some("revoked") => Some(Until::Revoked),
                    _ => None,
                };
                let bad_until = |what: &str, right: &str| {
                    Found::new(
                        "bad_until",
                        format!("{what} cannot be `{}`", text("until").unwrap_or_default()),
                    )
                    .spot(at(Some("until")), "not here")
                    .help(format!("write `until: submitted` or `until: {right}`"))
                };
                match (text("order"), text("revocation")) {
                    (Some(name), None) => {
                        if until == Some(Until::Revoked) {
                            self.found.push(bad_until("an order", "issued"));
                            return None;
                        }
                        let to = self.reference("order", name, at(Some("order")), names)?;
                        order(to, name, until.unwrap_or(Until::Issued))
                    }
                    (None, Some(name)) => {
                        if until == Some(Until::Issued) {
                            self.found.push(bad_until("a revocation", "revoked"));
                            return None;
                        }
                        let to =
                            self.reference("revocation", name, at(Some("revocation")), names)?;
                        revocation(to, name, until.unwrap_or(Until::Revoked))
                    }
                    _ => {
                        self.found.push(
                            Found::new(
                                "bad_after",
                                "an element of `after` names one order or one revocation",
                            )
                            .spot(at(None), "expected exactly one of `order` and `revocation`")
                            .help("write `{ order: NAME, until: issued }` or `{ revocation: NAME, until: revoked }`"),
                        );
                        None
                    }
                }
            }
            _ => None,
        }
    }

    fn cycles(&mut self, count: usize, entries: &[(usize, Address)]) {
        let pairs: Vec<(usize, usize)> =
            self.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        for cycle in graph::cycles(count, &pairs) {
            let edges: Vec<Edge> = cycle
                .iter()
                .filter_map(|&index| self.edges.get(index).copied())
                .collect();
            let Some(first) = edges.first().and_then(|edge| entries.get(edge.from)) else {
                continue;
            };
            let mut problem = Found::new(
                "cycle",
                format!(
                    "`{}` waits for itself by way of {} other{}",
                    first.1,
                    edges.len() - 1,
                    if edges.len() == 2 { "" } else { "s" }
                ),
            )
            .help("remove one of these dependencies");
            for edge in &edges {
                let (Some((file, from)), Some((_, to))) =
                    (entries.get(edge.from), entries.get(edge.to))
                else {
                    continue;
                };
                let section = match from {
                    Address::Order(_) => "orders",
                    Address::Revocation(_) => "revocations",
                };
                let mut path = vec![section.to_owned(), from.name().to_string()];
                path.extend(edge.origin.path());
                let spot = Spot::Member {
                    file: *file,
                    path,
                    part: Part::Value,
                    or: None,
                };
                problem = problem.spot(spot, format!("{from} waits for {to}"));
            }
            self.found.push(problem);
        }
    }

    /// What refers to an order by `renewal_of` or `order` is in the order's account.
    fn same_account(&mut self, names: &Names, items: &[Item], entries: &[(usize, Address)]) {
        let accounts: HashMap<&Address, &AccountName> = items
            .iter()
            .map(|item| (&item.address, &item.account))
            .collect();
        let mut problems = Vec::new();
        for edge in &self.edges {
            let Origin::Member(member) = edge.origin else {
                continue;
            };
            let (Some((file, from)), Some(Some(theirs))) =
                (entries.get(edge.from), names.order_accounts.get(edge.to))
            else {
                continue;
            };
            let Some(mine) = accounts.get(from).filter(|mine| **mine != theirs) else {
                continue;
            };
            let section = match from {
                Address::Order(_) => "orders",
                Address::Revocation(_) => "revocations",
            };
            let name = from.name().to_string();
            problems.push(
                Found::new(
                    "other_account",
                    format!(
                        "`{from}` is in account `{mine}`, the order that it names in `{theirs}`"
                    ),
                )
                .spot(
                    Spot::member(*file, &[section, &name, member], Part::Value),
                    format!("an order in account `{theirs}`"),
                )
                .help("both are in the same account"),
            );
        }
        self.found.extend(problems);
    }

    /// Keeps a warning.
    pub(super) fn warn(&mut self, draft: &Draft, message: String) {
        let place = self.place(draft);
        self.warnings.push(Warning { place, message });
    }
}

impl Origin {
    fn path(self) -> Vec<String> {
        match self {
            Self::After(index) => vec!["after".to_owned(), index.to_string()],
            Self::Member(name) => vec![name.to_owned()],
        }
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
