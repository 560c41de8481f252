//! What waits for what: references by name, the conditions of `after`, cycles.

use std::collections::BTreeMap;

use super::collect::{Entries, Entry};
use super::context::{Context, Edge};
use super::graph;
use super::raw::{self, After as WrittenAfter};
use crate::model::form::{At, List, Location, Member, Point, Problem, shown};
use crate::model::{Address, After, Item, ItemName, Milestone};

/// A dependency that a member implies.
#[derive(Debug)]
pub(super) struct Implied {
    to: usize,
    name: ItemName,
    point: Point,
}

impl Implied {
    /// On the order at this position.
    pub(super) fn order(to: usize, name: &str, point: Point) -> Option<Self> {
        let name = name.parse().ok()?;
        Some(Self { to, name, point })
    }
}

/// The names that references are looked up in.
pub(super) struct Names<'a> {
    pub(super) orders: Entries<'a>,
    pub(super) revocations: Entries<'a>,
    /// Whether every file was read to its end: only then is a name that was not found missing.
    pub(super) is_whole: bool,
}

impl Names<'_> {
    /// The entry with this position among orders, then revocations.
    pub(super) fn entry(&self, node: usize) -> Option<(&Entry<'_>, Address)> {
        let orders = self.orders.list.len();
        if let Some(entry) = self.orders.list.get(node) {
            return Some((entry, Address::Order(entry.name.clone())));
        }
        let entry = self.revocations.list.get(node.checked_sub(orders)?)?;
        Some((entry, Address::Revocation(entry.name.clone())))
    }

    pub(super) fn position(&self, address: &Address) -> Option<usize> {
        match address {
            Address::Order(name) => self.orders.position(name.as_str()),
            Address::Revocation(name) => self
                .revocations
                .position(name.as_str())
                .map(|at| at + self.orders.list.len()),
        }
    }
}

/// So many dependencies of a cycle are pointed at. A circle of a hundred thousand entries is one problem, and
/// each label is looked for in the text.
const LABELLED: usize = 10;

/// What a reference is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order,
    Revocation,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Revocation => "revocation",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Order => Self::Revocation,
            Self::Revocation => Self::Order,
        }
    }

    fn entries<'n, 'a>(self, names: &'n Names<'a>) -> &'n Entries<'a> {
        match self {
            Self::Order => &names.orders,
            Self::Revocation => &names.revocations,
        }
    }

    /// The strongest condition, and the one that only the other kind has.
    fn milestones(self) -> (Milestone, Milestone) {
        match self {
            Self::Order => (Milestone::Issued, Milestone::Revoked),
            Self::Revocation => (Milestone::Revoked, Milestone::Issued),
        }
    }
}

/// A dependency that was looked up: what it is on, its position, how far that must have come.
type Target = (Address, usize, Milestone);

impl Context<'_> {
    /// Looks an order up by name; an unknown one is a problem.
    pub(super) fn order(&mut self, name: &str, here: Location, names: &Names<'_>) -> Option<usize> {
        self.reference(Kind::Order, name, here, names)
    }

    fn reference(
        &mut self,
        kind: Kind,
        name: &str,
        here: Location,
        names: &Names<'_>,
    ) -> Option<usize> {
        let entries = kind.entries(names);
        if let Some(at) = entries.position(name) {
            return Some(at);
        }
        if entries.is_reported(name) {
            return None;
        }
        let (what, other) = (kind.word(), kind.other());
        let help = if other.entries(names).position(name).is_some() {
            let other = other.word();
            Some(format!(
                "there is a {other} of that name: write `{{ {other}: {name} }}`"
            ))
        } else {
            self.suggest(name, entries.names())
        };
        let code = match kind {
            Kind::Order => "unknown_order",
            Kind::Revocation => "unknown_revocation",
        };
        self.problems.push(
            Problem::new(code, format!("there is no {what} `{}`", shown(name)))
                .at(here, format!("not in `{what}s`"))
                .maybe_help(help),
        );
        None
    }

    /// The dependencies of an entry, joined: each target once, with the strongest condition.
    pub(super) fn after(
        &mut self,
        written: Option<&At<List<WrittenAfter>>>,
        implied: Option<Implied>,
        own: &Address,
        names: &Names<'_>,
    ) -> Vec<After> {
        if written.is_none() && implied.is_none() {
            return Vec::new();
        }
        let from = names.position(own).unwrap_or(usize::MAX);
        let mut joined: BTreeMap<Address, Milestone> = BTreeMap::new();
        let mut targets: Vec<(Target, Point, bool)> = Vec::new();
        for element in written.iter().flat_map(|list| &list.value.elements) {
            let target = self.dependency(element, names);
            targets.extend(target.map(|target| (target, element.point, false)));
        }
        targets.extend(implied.map(|implied| {
            let address = Address::Order(implied.name);
            (
                (address, implied.to, Milestone::Submitted),
                implied.point,
                true,
            )
        }));
        for ((address, to, until), point, is_member) in targets {
            if address == *own {
                self.problems.push(
                    Problem::new("self_dependency", format!("`{own}` waits for itself"))
                        .at(Location::Value(point), "this is the entry itself")
                        .help("remove it"),
                );
                continue;
            }
            self.edges.push(Edge {
                from,
                to,
                point,
                is_member,
            });
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

    fn dependency(&mut self, written: &At<WrittenAfter>, names: &Names<'_>) -> Option<Target> {
        match &written.value {
            WrittenAfter::Name(name) => self.by_name(name, written.here(), names),
            WrittenAfter::Dependency(dependency) => self.in_full(dependency, written.here(), names),
        }
    }

    fn by_name(&mut self, name: &str, here: Location, names: &Names<'_>) -> Option<Target> {
        let in_orders = names.orders.position(name);
        let in_revocations = names.revocations.position(name);
        match (in_orders, in_revocations) {
            (Some(_), Some(_)) => {
                self.problems.push(
                    Problem::new(
                        "ambiguous_name",
                        format!("`{name}` is both an order and a revocation"),
                    )
                    .at(here, "which one?")
                    .help(format!(
                        "write `{{ order: {name}, until: issued }}` or `{{ revocation: {name}, until: revoked }}`"
                    )),
                );
                None
            }
            (Some(at), None) => target(Kind::Order, at, name, Milestone::Issued, names),
            (None, Some(at)) => target(Kind::Revocation, at, name, Milestone::Revoked, names),
            (None, None) => {
                if !names.orders.is_reported(name) && !names.revocations.is_reported(name) {
                    let known = names.orders.names().chain(names.revocations.names());
                    let help = self.suggest(name, known);
                    self.problems.push(
                        Problem::new(
                            "unknown_name",
                            format!("there is no order and no revocation `{}`", shown(name)),
                        )
                        .at(here, "not in the manifest")
                        .maybe_help(help),
                    );
                }
                None
            }
        }
    }

    fn in_full(
        &mut self,
        dependency: &raw::Dependency,
        here: Location,
        names: &Names<'_>,
    ) -> Option<Target> {
        let (kind, name) = match (&dependency.order, &dependency.revocation) {
            (Member::Given(name), Member::Absent) => (Kind::Order, name),
            (Member::Absent, Member::Given(name)) => (Kind::Revocation, name),
            // What is there is wrong, which was reported.
            (Member::Refused(_), Member::Absent) | (Member::Absent, Member::Refused(_)) => {
                return None;
            }
            (Member::Absent, Member::Absent) if dependency.is_damaged => return None,
            (Member::Absent, Member::Absent)
            | (Member::Given(_) | Member::Refused(_), Member::Given(_) | Member::Refused(_)) => {
                self.problems.push(
                    Problem::new(
                        "bad_after",
                        "an element of `after` names one order or one revocation",
                    )
                    .at(here, "expected exactly one of `order` and `revocation`")
                    .help("write `{ order: NAME, until: issued }` or `{ revocation: NAME, until: revoked }`"),
                );
                return None;
            }
        };
        let (strongest, foreign) = kind.milestones();
        let until = dependency.until.get();
        if let Some(until) = until.filter(|until| until.value == foreign) {
            let article = match kind {
                Kind::Order => "an order",
                Kind::Revocation => "a revocation",
            };
            self.problems.push(
                Problem::new(
                    "bad_until",
                    format!("{article} cannot be `{}`", foreign.word()),
                )
                .at(until.here(), "not here")
                .help(format!(
                    "write `until: submitted` or `until: {}`",
                    strongest.word()
                )),
            );
            return None;
        }
        let at = self.reference(kind, &name.value, name.here(), names)?;
        let until = until.map_or(strongest, |until| until.value);
        target(kind, at, &name.value, until, names)
    }

    /// Reports each cycle once, its first dependencies labelled.
    pub(super) fn cycles(&mut self, names: &Names<'_>) {
        let count = names.orders.list.len() + names.revocations.list.len();
        let pairs: Vec<(usize, usize)> =
            self.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        if pairs.is_empty() {
            return;
        }
        for cycle in graph::cycles(count, &pairs) {
            let edges: Vec<Edge> = cycle
                .iter()
                .filter_map(|&index| self.edges.get(index).copied())
                .collect();
            let Some((_, first)) = edges.first().and_then(|edge| names.entry(edge.from)) else {
                continue;
            };
            let others = edges.len() - 1;
            let mut problem = Problem::new(
                "cycle",
                format!(
                    "`{first}` waits for itself by way of {others} other{}",
                    if others == 1 { "" } else { "s" }
                ),
            )
            .help(match edges.len().checked_sub(LABELLED) {
                None | Some(0) => "remove one of these dependencies".to_owned(),
                Some(more) => {
                    format!("remove one of these dependencies, or of {more} more that follow")
                }
            });
            for edge in edges.iter().take(LABELLED) {
                let (Some((_, from)), Some((_, to))) =
                    (names.entry(edge.from), names.entry(edge.to))
                else {
                    continue;
                };
                problem = problem.at(
                    Location::Value(edge.point),
                    format!("{from} waits for {to}"),
                );
            }
            self.problems.push(problem);
        }
    }

    /// What refers to an order by `renewal_of` or `order` is in the order's account. `positions` are those
    /// of the items by entry.
    pub(super) fn same_account(
        &mut self,
        names: &Names<'_>,
        items: &[Item],
        positions: &[Option<usize>],
    ) {
        let item = |node: usize| items.get((*positions.get(node)?)?);
        for edge in self.edges.iter().filter(|edge| edge.is_member) {
            let (Some(mine), Some(theirs)) = (item(edge.from), item(edge.to)) else {
                continue;
            };
            if mine.account == theirs.account {
                continue;
            }
            let Some((_, from)) = names.entry(edge.from) else {
                continue;
            };
            let theirs = &theirs.account;
            self.problems.push(
                Problem::new(
                    "other_account",
                    format!(
                        "`{from}` is in account `{}`, the order that it names in `{theirs}`",
                        mine.account
                    ),
                )
                .at(
                    Location::Value(edge.point),
                    format!("an order in account `{theirs}`"),
                )
                .help("both are in the same account"),
            );
        }
    }
}

fn target(
    kind: Kind,
    at: usize,
    name: &str,
    until: Milestone,
    names: &Names<'_>,
) -> Option<Target> {
    let name = name.parse().ok()?;
    Some(match kind {
        Kind::Order => (Address::Order(name), at, until),
        Kind::Revocation => (
            Address::Revocation(name),
            at + names.orders.list.len(),
            until,
        ),
    })
}
