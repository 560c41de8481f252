//! What the orders of an account are called in a manifest of it: [`Naming`].
//!
//! An order keeps the name that the state has for it, or the one that its tag was made from. Any other order is
//! called after its common name.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::Workspace;
use crate::model::{AccountName, Address, Item, ItemName, ObservedOrder, OrderId, Records, Tag};

/// The generations whose tags are tried.
const GENERATIONS: u32 = 9;
/// How much of a common name is taken.
const LONGEST: usize = 40;

/// The name of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: ItemName,
    /// The generation of the name that the order is.
    pub(super) generation: u32,
}

/// The tag of an address in a generation.
type TagOf<'a> = dyn Fn(&Address, u32) -> Option<Tag> + 'a;

/// Gives each order a name of its own.
pub(super) struct Naming<'a> {
    tag: Box<TagOf<'a>>,
    /// The orders that the state has names for.
    bound: BTreeMap<OrderId, Address>,
    /// By tag, the names of the manifest and of the state.
    tagged: BTreeMap<String, (Address, u32)>,
    /// Names that are another order's.
    taken: BTreeSet<Address>,
}

impl<'a> Naming<'a> {
    pub(super) fn new(
        workspace: &'a Workspace,
        account: &'a AccountName,
        records: &Records,
    ) -> Self {
        let tag =
            move |address: &Address, generation| workspace.tag_of(account, address, generation);
        let bound: BTreeMap<OrderId, Address> = records
            .iter()
            .flat_map(|(address, record)| {
                let orders = record.bound_orders();
                orders.map(move |id| (id.clone(), address.clone()))
            })
            .collect();
        let items = workspace.batch.items.iter();
        let own = items.filter(|item: &&Item| item.account == *account);
        let known = own.map(|item| &item.address).chain(records.keys());
        let mut tagged = BTreeMap::new();
        for address in known.filter(|address| matches!(address, Address::Order(_))) {
            for generation in 1..=GENERATIONS {
                if let Some(tag) = tag(address, generation) {
                    tagged.insert(tag.as_str().to_owned(), (address.clone(), generation));
                }
            }
        }
        Self {
            tag: Box::new(tag),
            taken: bound.values().cloned().collect(),
            bound,
            tagged,
        }
    }

    /// The order's name. Where there is none, why.
    pub(super) fn name(&mut self, order: &ObservedOrder) -> Result<Name, String> {
        let carried = order
            .tag
            .as_deref()
            .filter(|tag| tag.starts_with(Tag::PREFIX));
        if let Some(Address::Order(name)) = self.bound.get(&order.id) {
            let known = carried.and_then(|tag| self.tagged.get(tag));
            let generation = known.map_or(1, |(_, generation)| *generation);
            return Ok(Name {
                name: name.clone(),
                generation,
            });
        }
        let Some(carried) = carried else {
            return self.free(order);
        };
        if let Some((address, generation)) = self.tagged.get(carried).cloned() {
            return self.take(address, generation).ok_or_else(|| {
                format!("it carries the tag {carried}, and so does another order in force")
            });
        }
        // The name may be the one that it was ordered under, although nothing here knows it any more.
        let address = Address::Order(after_common_name(order, None)?);
        for generation in 1..=GENERATIONS {
            let tag = (self.tag)(&address, generation);
            if tag.is_some_and(|tag| tag.as_str() == carried)
                && let Some(name) = self.take(address.clone(), generation)
            {
                return Ok(name);
            }
        }
        Err(format!(
            "it carries {carried}, the tag of an entry that neither this manifest nor its state knows: write an entry for it, then `certplan import orders.NAME {} --yes`",
            order.id
        ))
    }

    /// A name that no other order has.
    fn free(&mut self, order: &ObservedOrder) -> Result<Name, String> {
        let short = Address::Order(after_common_name(order, None)?);
        if let Some(name) = self.take(short, 1) {
            return Ok(name);
        }
        let long = Address::Order(after_common_name(order, Some(&order.id))?);
        let taken = || "its name is taken".to_owned();
        self.take(long, 1).ok_or_else(taken)
    }

    fn take(&mut self, address: Address, generation: u32) -> Option<Name> {
        let Address::Order(name) = &address else {
            return None;
        };
        let name = Name {
            name: name.clone(),
            generation,
        };
        self.taken.insert(address).then_some(name)
    }
}

/// The common name as an entry can be called, or the first name; with the order's id where that is taken.
fn after_common_name(order: &ObservedOrder, id: Option<&OrderId>) -> Result<ItemName, String> {
    let wanted = order
        .common_name
        .as_deref()
        .or(order.names.first().map(String::as_str));
    let plain = |c: char| {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            c
        } else {
            '-'
        }
    };
    let name: String = wanted
        .unwrap_or_default()
        .to_lowercase()
        .chars()
        .map(plain)
        .collect();
    let short: String = name.trim_matches('-').chars().take(LONGEST).collect();
    let mut name = if short.is_empty() {
        "order".to_owned()
    } else {
        short
    };
    if let Some(id) = id {
        name = format!("{name}-{id}");
    }
    name.parse()
        .map_err(|_| format!("no entry can be called `{name}`"))
}
