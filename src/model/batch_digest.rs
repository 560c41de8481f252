//! The digest of a batch: equal meaning, equal digest, however it was written.

use std::io::{BufWriter, Write};

use serde::Serialize;

use super::batch::{Account, Batch, DoubtRule, Move};
use super::digest::Digest;
use super::ids::{AccountName, Address};
use super::item::{After, Item, Wanted};
use super::labels::Labels;

impl Batch {
    /// The digest over the accounts (and where their keys come from, never a key), the policy, and every
    /// item with its CSR: equal meaning, equal digest. Comments, white space, and the order and number of
    /// the files do not change it. It is worked out anew each time.
    pub fn digest(&self) -> Digest {
        let accounts: Vec<Digest> = self.accounts.values().map(account).collect();
        let policy = (
            self.policy.max_orders,
            self.policy.max_revocations,
            self.policy.max_revocation_percent,
            self.policy.max_reissues,
            self.policy.doubt.quiet_period.as_nanos().to_string(),
            self.policy.doubt.then == DoubtRule::Resend,
        );
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by_key(|item| &item.address);
        let mut hash = BufWriter::with_capacity(1 << 16, Digest::begin());
        // What is written goes into the hash, which takes everything.
        let _ = serde_json::to_writer(
            &mut hash,
            &("certplan manifest 3", accounts, &self.keys, policy),
        );
        for item in items {
            let _ = of_item(item, &mut hash);
        }
        if !self.moved.is_empty() {
            let mut moved: Vec<&Move> = self.moved.iter().collect();
            moved.sort();
            let _ = serde_json::to_writer(&mut hash, &("moved", moved));
        }
        let _ = hash.flush();
        hash.into_parts().0.finish()
    }
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

/// Writes what an item means. Each text ends where its JSON does, so that no two splits collide.
fn of_item(item: &Item, hash: &mut impl Write) -> serde_json::Result<()> {
    #[derive(Serialize)]
    struct Meaning<'a, T> {
        orders: Option<&'a str>,
        revocations: Option<&'a str>,
        account: &'a AccountName,
        after: &'a [After],
        wanted: &'a T,
        #[serde(skip_serializing_if = "Labels::is_empty")]
        labels: &'a Labels,
    }
    let (orders, revocations) = match &item.address {
        Address::Order(name) => (Some(name.as_str()), None),
        Address::Revocation(name) => (None, Some(name.as_str())),
    };
    let account = &item.account;
    let (after, labels) = (item.after.as_slice(), &item.labels);
    match &item.wanted {
        Wanted::Order(order) => serde_json::to_writer(
            hash,
            &Meaning {
                orders,
                revocations,
                account,
                after,
                wanted: order.as_ref(),
                labels,
            },
        ),
        Wanted::Revocation(revocation) => serde_json::to_writer(
            hash,
            &Meaning {
                orders,
                revocations,
                account,
                after,
                wanted: revocation.as_ref(),
                labels,
            },
        ),
    }
}
