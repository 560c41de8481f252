//! Everything that a plan depends on: [`Inputs`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use serde::{Deserialize, Serialize};

use super::PlannedState;
use super::moves::Moves;
use super::safety::Allowance;
use super::sequence::with_dependencies;
use crate::model::{
    AccountName, Address, Batch, FilesId, Item, ItemName, LiveOrder, Observed, ObservedAccount,
    ObservedFiles, Operation, Order, OrderId, Policy, Provider, Record, Records, RenewalOf,
    RequestPreview, Tag, TagParts, ca_day,
};

/// Whether a journal knows everything that was done in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// It does, as far as this host can tell.
    Whole,
    /// It may not: there is none, or this host has no note of it.
    MayLack,
    /// It does not: it is older than its note, or another one stands in its place. What it forgot may have
    /// been changed since, so nothing that the lists show rules an order out.
    Lacks,
}

/// The files folder as it was read.
#[derive(Clone, Copy)]
pub struct Folder<'a> {
    /// What it holds.
    pub observed: &'a ObservedFiles,
    /// Its path, for people.
    pub path: &'a str,
    /// Whether a program runs after each collection.
    pub has_program: bool,
    /// The folder that belongs to the journal, where it is not this one: another host has it.
    pub elsewhere: Option<&'a FilesId>,
}

/// How much of what is due a run does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// At most so many orders, renewals and reissues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u32>,
    /// Nothing is renewed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_renew: bool,
}

/// Everything that a plan depends on.
pub struct Inputs<'a> {
    /// What is wanted.
    pub batch: &'a Batch,
    /// What the journal knows, under the names that renamed entries have now.
    pub records: &'a Records,
    /// The renamed entries.
    pub moves: &'a Moves,
    /// Whether the journal knows everything that was done.
    pub knowledge: Knowledge,
    /// The journal's place.
    pub state: PlannedState,
    /// What the CAs say; no accounts with `--offline`.
    pub observed: &'a Observed,
    /// True with `--offline`.
    pub offline: bool,
    /// The base URL of each account.
    pub endpoints: &'a BTreeMap<AccountName, String>,
    /// The time of the plan.
    pub now: Timestamp,
    /// What `--target` named; empty for everything.
    pub targets: &'a [Address],
    /// What `--rekey` named.
    pub rekey: &'a [Address],
    /// How much of what is due is done.
    pub pace: Pace,
    /// The files folder; `None` where the manifest asks for no keys and no files.
    pub folder: Option<Folder<'a>>,
    /// The limits that hold: the manifest's, or those given from outside.
    pub policy: Policy,
    /// What this run may do whatever the policy says.
    pub allowance: Allowance,
    /// How an operation's calls will look.
    pub preview: &'a dyn Fn(&Provider, &Operation) -> Vec<RequestPreview>,
}

impl<'a> Inputs<'a> {
    /// The addresses that the plan speaks of.
    pub(super) fn selected(&self) -> Selected<'a> {
        Selected(
            (!self.targets.is_empty()).then(|| with_dependencies(&self.batch.items, self.targets)),
        )
    }

    /// The day of the plan at an account's CA, in UTC.
    pub(super) fn today(&self, account: &AccountName) -> Date {
        let observed = self.observed.accounts.get(account);
        ca_day(observed.and_then(|observed| observed.clock), self.now)
    }

    /// The moment of the plan by an account's CA.
    pub(super) fn ca_now(&self, account: &AccountName) -> Timestamp {
        let observed = self.observed.accounts.get(account);
        let clock = observed.and_then(|observed| observed.clock);
        let ahead = clock.and_then(|clock| self.now.checked_add(clock.ahead).ok());
        ahead.unwrap_or(self.now)
    }

    /// What was read of an item's account; `None` with `--offline`.
    pub(super) fn account(&self, item: &Item) -> Option<&'a ObservedAccount> {
        self.observed.accounts.get(&item.account)
    }

    pub(super) fn record(&self, item: &Item) -> Option<&'a Record> {
        self.records.get(&item.address)
    }

    /// The order that a name of the manifest stands for.
    pub(super) fn live_order(&self, name: &ItemName) -> Option<&'a LiveOrder> {
        let address = Address::Order(name.clone());
        self.records.get(&address)?.live.as_ref()
    }

    /// True when `order` renews the order with this id.
    pub(super) fn is_renewed_by(&self, order: &Order, id: &OrderId) -> bool {
        match &order.renewal_of {
            Some(RenewalOf::OrderId(renewed)) => renewed == id,
            Some(RenewalOf::Item(name)) => self
                .live_order(name)
                .is_some_and(|live| live.order_id == *id),
            None => false,
        }
    }

    /// The tag of one generation of an order; `None` when its account has no endpoint, which a checked batch
    /// never shows.
    pub(super) fn tag(&self, item: &Item, generation: u32) -> Option<Tag> {
        self.tag_under(&item.address, item, generation)
    }

    /// The tag that one generation of an order would have under another name.
    pub(super) fn tag_under(&self, address: &Address, item: &Item, generation: u32) -> Option<Tag> {
        self.tag_after((address, item), generation, None)
    }

    /// The same of an order that renews another one of the name.
    pub(super) fn tag_after(
        &self,
        (address, item): (&Address, &Item),
        generation: u32,
        renews: Option<&OrderId>,
    ) -> Option<Tag> {
        let account = self.batch.accounts.get(&item.account)?;
        #[cfg(feature = "planted-bugs")]
        let renews = crate::planted::renews(renews);
        Some(Tag::derive(TagParts {
            provider: account.provider.name(),
            endpoint: self.endpoints.get(&item.account)?,
            account: &item.account,
            address,
            generation,
            renews,
        }))
    }

    /// The names that an order had before, by the journal or by the manifest. A name that another entry has now
    /// says nothing about this one.
    pub(super) fn former_names(&self, item: &Item) -> Vec<Address> {
        let record = self.record(item);
        let noted = record.into_iter().flat_map(|record| &record.former_names);
        let noted = noted.map(|name| Address::Order(name.clone()));
        let mut names: Vec<Address> = noted
            .filter(|name| self.batch.items.iter().all(|item| item.address != *name))
            .collect();
        // Every name of `moved` is in no entry.
        names.extend(self.moves.idle(&item.address).cloned());
        names.dedup();
        names
    }
}

/// The addresses that a plan speaks of; none named is all of them.
pub(super) struct Selected<'a>(Option<BTreeSet<&'a Address>>);

impl Selected<'_> {
    pub(super) fn contains(&self, address: &Address) -> bool {
        self.0
            .as_ref()
            .is_none_or(|selected| selected.contains(address))
    }
}
