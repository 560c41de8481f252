//! Renamed entries: what `moved` says, held against the entries that the manifest has.

use std::collections::BTreeMap;

use super::context::Context;
use super::dependency::Names;
use super::raw::{self, MovedName};
use crate::model::form::{At, Location, Member, Problem};
use crate::model::{Address, ItemName, Move};

/// One element of `moved` with both of its names.
struct Renaming<'m> {
    from: &'m At<MovedName>,
    to: &'m At<MovedName>,
}

/// The addresses that a name can stand for: one that says its kind stands for itself.
fn addresses(name: &MovedName) -> Vec<Address> {
    let both = |name: &ItemName| {
        vec![
            Address::Order(name.clone()),
            Address::Revocation(name.clone()),
        ]
    };
    match name {
        MovedName::Bare(name) => both(name),
        MovedName::Address(address) => vec![address.clone()],
    }
}

/// The address of a name among entries of the kind of another address.
fn like(address: &Address, name: &ItemName) -> Address {
    match address {
        Address::Order(_) => Address::Order(name.clone()),
        Address::Revocation(_) => Address::Revocation(name.clone()),
    }
}

impl Context<'_> {
    /// The renamed entries. Everything that is wrong with them is in the context.
    pub(super) fn lower_moved(
        &mut self,
        written: &[At<raw::Moved>],
        names: &Names<'_>,
    ) -> Vec<Move> {
        let written: Vec<Renaming<'_>> = written
            .iter()
            .filter_map(|one| match (&one.value.from, &one.value.to) {
                (Member::Given(from), Member::Given(to)) => Some(Renaming { from, to }),
                // What is missing or wrong was reported.
                (Member::Absent | Member::Refused(_) | Member::Given(_), _) => None,
            })
            .collect();
        if !names.is_whole {
            return Vec::new();
        }
        let sources: BTreeMap<Address, &At<MovedName>> = written
            .iter()
            .flat_map(|one| {
                let addresses = addresses(&one.from.value).into_iter();
                addresses.map(|address| (address, one.from))
            })
            .collect();
        let mut moves = Vec::new();
        let (mut from, mut to) = (BTreeMap::new(), BTreeMap::new());
        for one in &written {
            let targets = addresses(&one.to.value);
            if let Some(source) = targets.iter().find_map(|target| sources.get(target)) {
                self.both(one.to, source);
                continue;
            }
            let Some(moved) = self.one_move(one, names) else {
                continue;
            };
            let first = self.is_first(&mut from, &moved.from, one.from, "moves to two names");
            let second = self.is_first(&mut to, &moved.to, one.to, "takes two records");
            if first && second {
                moves.push(moved);
            }
        }
        moves
    }

    fn both(&mut self, to: &At<MovedName>, from: &At<MovedName>) {
        let name = to.value.written();
        self.problems.push(
            Problem::new(
                "moved_both",
                format!("`{name}` is both a `from` and a `to` of `moved`"),
            )
            .at(to.here(), "moves here")
            .at(from.here(), "and away from here")
            .help(
                "write one line from the name that the state knows to the name that the entry has",
            ),
        );
    }

    fn one_move(&mut self, one: &Renaming<'_>, names: &Names<'_>) -> Option<Move> {
        let (from, to) = (one.from, one.to);
        let of_kind = |address: &&Address| match &from.value {
            MovedName::Bare(_) => true,
            MovedName::Address(from) => like(from, to.value.name()) == **address,
        };
        let possible = addresses(&to.value);
        if let (MovedName::Address(from_address), MovedName::Address(to_address)) =
            (&from.value, &to.value)
            && like(from_address, to_address.name()) != *to_address
        {
            self.problems.push(
                Problem::new(
                    "moved_kind",
                    "an order stays an order, and a revocation a revocation",
                )
                .at(from.here(), "this is one")
                .at(to.here(), "this is the other")
                .help("name two orders or two revocations"),
            );
            return None;
        }
        let here: Vec<&Address> = possible
            .iter()
            .filter(of_kind)
            .filter(|address| names.position(address).is_some())
            .collect();
        let to_address = match here.as_slice() {
            [one] => (*one).clone(),
            [] => {
                self.moved_to_nothing(one, names);
                return None;
            }
            _ => {
                let name = to.value.name();
                self.problems.push(
                    Problem::new(
                        "ambiguous_name",
                        format!("`{name}` is both an order and a revocation"),
                    )
                    .at(to.here(), "which one?")
                    .help(format!(
                        "write `to: orders.{name}` or `to: revocations.{name}`"
                    )),
                );
                return None;
            }
        };
        let from_address = like(&to_address, from.value.name());
        if let Some(entry) = names.position(&from_address) {
            let there = names.entry(entry).map(|(entry, _)| entry.here());
            let mut problem = Problem::new(
                "moved_from_entry",
                format!("`{from_address}` is in the manifest, so it has not moved"),
            )
            .at(from.here(), "not the name that an entry had")
            .help("`from` is the old name: rename the entry, or remove this line");
            if let Some(there) = there {
                problem = problem.at(there, "the entry");
            }
            self.problems.push(problem);
            return None;
        }
        Some(Move {
            from: from_address,
            to: to_address,
        })
    }

    fn moved_to_nothing(&mut self, one: &Renaming<'_>, names: &Names<'_>) {
        let (from, to) = (one.from, one.to);
        let name = to.value.name().as_str();
        if names.orders.is_reported(name) || names.revocations.is_reported(name) {
            return;
        }
        let is_entry = |address: &Address| names.position(address).is_some();
        let help = if addresses(&from.value).iter().any(is_entry) {
            Some(format!(
                "is it the other way round? `from` is the old name: `{{ from: {}, to: {} }}`",
                to.value.written(),
                from.value.written()
            ))
        } else {
            let known = names.orders.names().chain(names.revocations.names());
            self.suggest(name, known)
        };
        let help = help.unwrap_or_else(|| "`to` is the name that the entry has now".to_owned());
        self.problems.push(
            Problem::new(
                "moved_to_unknown",
                format!("`{}` is not in the manifest", to.value.written()),
            )
            .at(to.here(), "no entry has this name")
            .help(help),
        );
    }

    /// Whether an address comes up for the first time on this side of a move.
    fn is_first(
        &mut self,
        known: &mut BTreeMap<Address, Location>,
        address: &Address,
        written: &At<MovedName>,
        what: &str,
    ) -> bool {
        if let Some(first) = known.get(address) {
            self.problems.push(
                Problem::new("moved_twice", format!("`{address}` {what}"))
                    .at(written.here(), "again here")
                    .at(first.clone(), "first here")
                    .help("keep one of the two lines"),
            );
            return false;
        }
        known.insert(address.clone(), written.here());
        true
    }
}
