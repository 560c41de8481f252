//! From what was written to the model: accounts, defaults, then each order and revocation, then the
//! graph of what waits for what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::Warning;
use super::at_once::AtOnce;
use super::collect::{Accounts, Collected, Entry};
use super::context::Context;
use super::csr;
use super::dependency::Names;
use super::error::Found;
use super::policy;
use super::source::Source;
use crate::model::{
    Account, AccountName, Address, After, Authority, Batch, Digest, Item, Place, Wanted,
};

/// Lowers everything. The batch is whole only if nothing was found.
pub(super) fn lower<'a>(
    sources: &'a [Source],
    authorities: &'a [&'static dyn Authority],
    collected: Collected<'a>,
    today: Date,
    mut found: Vec<Found>,
) -> (Option<Batch>, Vec<Warning>, Vec<Found>) {
    let mut context = match collected.at_once {
        AtOnce::Now(context) => *context,
        _ => Context::new(
            sources,
            authorities,
            today,
            &collected.accounts,
            collected.defaults,
        ),
    };
    found.append(&mut context.found);
    context.found = found;
    let policy = collected.policy.map_or_else(Default::default, |single| {
        policy::policy(&single.value, single.file, &["policy"], &mut context.found)
    });
    let mut names = Names {
        order_accounts: Vec::with_capacity(collected.orders.entries.len()),
        order_count: collected.orders.entries.len(),
        orders: collected.orders,
        revocations: collected.revocations,
    };
    let orders = std::mem::take(&mut names.orders.entries);
    let revocations = std::mem::take(&mut names.revocations.entries);
    let count = orders.len() + revocations.len();
    // For the labels of a cycle: which entry is which. What is lowered already is in none.
    let mut entries: Vec<(usize, Address)> = Vec::new();
    let waits = |entry: &Entry| matches!(entry, Entry::Waiting(_));
    if orders.iter().chain(&revocations).any(waits) {
        let order = |entry: &Entry| (entry.file(), Address::Order(entry.name().clone()));
        let revocation = |entry: &Entry| (entry.file(), Address::Revocation(entry.name().clone()));
        entries.extend(orders.iter().map(order));
        entries.extend(revocations.iter().map(revocation));
    }
    let mut items = Vec::with_capacity(count);
    let requests: Vec<Option<(&Path, &Value)>> = orders
        .iter()
        .filter_map(|entry| match entry {
            Entry::Waiting(draft) => Some(draft),
            _ => None,
        })
        .map(|draft| {
            let folder = sources.get(draft.file).map(Source::folder)?;
            Some((folder, draft.members.get("certificate")?.get("csr")?))
        })
        .collect();
    let mut outcomes = csr::check_all(&requests).into_iter();
    for entry in orders {
        let item = match entry {
            Entry::Waiting(draft) => {
                let outcome = outcomes.next().flatten();
                super::order::lower(draft, outcome, &mut context, &names)
            }
            Entry::Lowered { item, .. } => Some(item),
            Entry::Refused { .. } => None,
        };
        names
            .order_accounts
            .push(item.as_ref().map(|item| item.account.clone()));
        items.extend(item);
    }
    for entry in revocations {
        if let Entry::Waiting(draft) = entry {
            items.extend(super::revocation::lower(draft, &mut context, &names));
        }
    }
    context.cycles(count, &entries);
    context.same_account(&names, &items, &entries);
    context.existing_once(&items);
    if items.len() != count && context.found.is_empty() {
        // Never a batch that lacks an entry: an order would be taken for no longer wanted.
        let message = "an entry was lost while it was read: this is a fault of certplan";
        context.found.push(Found::new("internal", message));
    }
    if !context.found.is_empty() {
        return (None, context.warnings, context.found);
    }
    context.warn_of_alike(&items);
    let accounts: BTreeMap<AccountName, Account> = context
        .accounts
        .into_values()
        .flatten()
        .map(|account| (account.name.clone(), account))
        .collect();
    let keys = keys(&collected.accounts);
    let digest = super::digest::digest(&accounts, &keys, &policy, &items);
    let batch = Batch {
        accounts,
        policy,
        items,
        digest,
    };
    (Some(batch), context.warnings, context.found)
}

/// A digest of where the keys of each account come from.
fn keys(accounts: &Accounts) -> BTreeMap<String, Digest> {
    let keys = |value: &Value| {
        let credentials: BTreeMap<&str, &Value> = super::credential::CREDENTIALS
            .into_iter()
            .filter_map(|member| Some((member, value.get(member)?)))
            .collect();
        Digest::of_json(&credentials)
    };
    accounts
        .iter()
        .map(|(name, (_, value, _))| (name.clone(), keys(value)))
        .collect()
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
