//! The digest of a batch: equal meaning, equal digest, however it was written.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Account, AccountName, After, Digest, DoubtRule, Item, Policy, Wanted};

/// The digest over the accounts (and where their keys come from, never a key), the policy, and every
/// item. Comments, white space, and the order and number of the files do not change it.
pub(super) fn digest(
    accounts: &BTreeMap<AccountName, Account>,
    keys: &BTreeMap<String, Digest>,
    policy: &Policy,
    items: &[Item],
) -> Digest {
    let accounts: Vec<Digest> = accounts.values().map(account).collect();
    let mut items: Vec<(String, Digest)> = items
        .iter()
        .map(|item| (item.address.to_string(), of_item(item)))
        .collect();
    items.sort();
    let policy = (
        policy.max_orders,
        policy.max_revocations,
        policy.max_revocation_percent,
        policy.doubt.quiet_period.as_nanos().to_string(),
        policy.doubt.then == DoubtRule::Resend,
    );
    Digest::of_json(&("certplan manifest 1", accounts, keys, policy, items))
}

fn account(account: &Account) -> Digest {
    let region = account.provider.region.name.unwrap_or_default();
    let key_id = account.provider.key_id.as_ref();
    let limits: Vec<(u32, String)> = account
        .rate_limits
        .iter()
        .map(|limit| (limit.requests, limit.per.as_nanos().to_string()))
        .collect();
    Digest::of_json(&(
        &account.name,
        account.provider.name(),
        region,
        key_id,
        limits,
        account.max_in_flight,
    ))
}

fn of_item(item: &Item) -> Digest {
    #[derive(Serialize)]
    struct Meaning<'a, T> {
        account: &'a AccountName,
        after: &'a [After],
        wanted: &'a T,
    }
    let (account, after) = (&item.account, item.after.as_slice());
    match &item.wanted {
        Wanted::Order(order) => Digest::of_json(&Meaning {
            account,
            after,
            wanted: order.as_ref(),
        }),
        Wanted::Revocation(revocation) => Digest::of_json(&Meaning {
            account,
            after,
            wanted: revocation.as_ref(),
        }),
    }
}
