//! From what was written to the model: accounts, defaults, then each order and revocation, then the
//! graph of what waits for what.

use std::collections::BTreeMap;

use super::collect::Collected;
use super::context::{Context, Warning};
use super::dependency::Names;
use super::policy;
use crate::model::form::Problem;
use crate::model::{Account, AccountName, Batch, Item, Wanted};

/// What was made of a manifest.
pub(super) struct Lowered {
    /// Only where there is no problem.
    pub(super) batch: Option<Batch>,
    pub(super) warnings: Vec<Warning>,
    pub(super) problems: Vec<Problem>,
}

/// Lowers everything. Where a file was not read to its end, what there is of it is looked at for its shape
/// alone: what seems to be missing may stand behind the place where reading stopped.
pub(super) fn lower(mut context: Context<'_>, collected: Collected<'_>) -> Lowered {
    context.are_accounts_damaged = collected.accounts.is_damaged;
    for entry in &collected.accounts.list {
        context.add_account(entry);
    }
    let policy = collected
        .policy
        .map_or_else(Default::default, |section| policy::policy(&section.value));
    let names = Names {
        orders: collected.orders,
        revocations: collected.revocations,
        is_whole: collected.is_whole,
    };
    let count = names.orders.list.len() + names.revocations.list.len();
    let mut items = Vec::with_capacity(count);
    // Of each entry the position of its item.
    let mut positions: Vec<Option<usize>> = Vec::with_capacity(count);
    for (position, entry) in names.orders.list.iter().enumerate() {
        let item = context.lower_order(position, entry, &names);
        positions.push(item.is_some().then_some(items.len()));
        items.extend(item);
    }
    for (position, csr) in context.check_csrs() {
        let item = positions.get(position).copied().flatten();
        if let Some(Item {
            wanted: Wanted::Order(order),
            ..
        }) = item.and_then(|at| items.get_mut(at))
        {
            order.certificate.csr = Some(csr);
        }
    }
    for entry in &names.revocations.list {
        let account_of = |order: usize| -> Option<AccountName> {
            let item: &Item = items.get((*positions.get(order)?)?)?;
            Some(item.account.clone())
        };
        let item = context.lower_revocation(entry, &names, account_of);
        positions.push(item.is_some().then_some(items.len()));
        items.extend(item);
    }
    let moved = context.lower_moved(&collected.moved, &names);
    context.cycles(&names);
    context.same_account(&names, &items, &positions);
    if items.len() != count && context.problems.is_empty() && names.is_whole {
        // Never a batch that lacks an entry: an order would be taken for no longer wanted.
        let message = "an entry was lost while it was read: this is a fault of certplan";
        context.problems.push(Problem::new("internal", message));
    }
    if !context.problems.is_empty() {
        return Lowered {
            batch: None,
            warnings: context.warnings,
            problems: context.problems,
        };
    }
    context.warn_of_alike(&items);
    context.warn_of_compromised_keys(&items);
    context.warn_of_unsent_reasons(&items);
    context.sort_warnings();
    let accounts: BTreeMap<AccountName, Account> = context
        .accounts
        .into_values()
        .flatten()
        .map(|account| (account.name.clone(), account))
        .collect();
    let keys = context.keys.into_iter();
    let keys = keys.filter_map(|(name, digest)| Some((name.parse().ok()?, digest)));
    Lowered {
        batch: Some(Batch {
            accounts,
            policy,
            items,
            moved,
            keys: keys.collect(),
        }),
        warnings: context.warnings,
        problems: Vec::new(),
    }
}
