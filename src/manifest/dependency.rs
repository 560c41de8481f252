//! What waits for what: references by name, the conditions of `after`, cycles.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::collect::Section;
use super::context::{Context, Here};
use super::error::{Found, Part, Spot};
use super::graph;
use super::wording::shown;
use crate::model::{AccountName, Address, After, Item, Milestone};

/// One dependency, and what it was written as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
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
    pub(super) order_count: usize,
}

impl Context<'_> {
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
        let mut joined: BTreeMap<Address, Milestone> = BTreeMap::new();
        let from = match own {
            Address::Order(name) => names.orders.index.get(name).copied(),
            Address::Revocation(name) => names
                .revocations
                .index
                .get(name)
                .map(|at| at + names.order_count),
        };
        let from = from.unwrap_or(usize::MAX);
        let mut targets: Vec<(Address, usize, Milestone, Origin)> = Vec::new();
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
                    Milestone::Submitted,
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
    ) -> Option<(Address, usize, Milestone)> {
        let index = index.to_string();
        let at = |member: Option<&str>| {
            let mut inner = vec!["after", index.as_str()];
            inner.extend(member);
            here.at(&inner, Part::Value)
        };
        let order = |at: usize, name: &str, until: Milestone| {
            Some((Address::Order(name.parse().ok()?), at, until))
        };
        let revocation = |at: usize, name: &str, until: Milestone| {
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
                    (Some(to), None) => order(to, name, Milestone::Issued),
                    (None, Some(to)) => revocation(to, name, Milestone::Revoked),
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
                    Some("submitted") => Some(Milestone::Submitted),
                    Some("issued") => Some(Milestone::Issued),
                    Some("revoked") => Some(Milestone::Revoked),
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
                        if until == Some(Milestone::Revoked) {
                            self.found.push(bad_until("an order", "issued"));
                            return None;
                        }
                        let to = self.reference("order", name, at(Some("order")), names)?;
                        order(to, name, until.unwrap_or(Milestone::Issued))
                    }
                    (None, Some(name)) => {
                        if until == Some(Milestone::Issued) {
                            self.found.push(bad_until("a revocation", "revoked"));
                            return None;
                        }
                        let to =
                            self.reference("revocation", name, at(Some("revocation")), names)?;
                        revocation(to, name, until.unwrap_or(Milestone::Revoked))
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

    /// Reports each cycle once, every dependency of it labelled.
    pub(super) fn cycles(&mut self, count: usize, entries: &[(usize, Address)]) {
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
    pub(super) fn same_account(
        &mut self,
        names: &Names,
        items: &[Item],
        entries: &[(usize, Address)],
    ) {
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
}

impl Origin {
    fn path(self) -> Vec<String> {
        match self {
            Self::After(index) => vec!["after".to_owned(), index.to_string()],
            Self::Member(name) => vec![name.to_owned()],
        }
    }
}
