//! Orders that the manifest itself revokes as a whole: once they are revoked, nothing is missing.

use std::collections::BTreeSet;

use crate::model::{AccountName, Item, ItemName, OrderId, RevocationTarget, Scope, Wanted};

/// Taken up once for a plan: looking through the manifest for each revoked order would take the square
/// of its length.
pub(super) struct RevokedOrders<'a> {
    by_id: BTreeSet<(&'a AccountName, &'a OrderId)>,
    by_name: BTreeSet<(&'a AccountName, &'a ItemName)>,
}

impl<'a> RevokedOrders<'a> {
    pub(super) fn of(items: &'a [Item]) -> Self {
        let mut found = Self {
            by_id: BTreeSet::new(),
            by_name: BTreeSet::new(),
        };
        for item in items {
            let Wanted::Revocation(revocation) = &item.wanted else {
                continue;
            };
            if revocation.scope != Scope::Order {
                continue;
            }
            match &revocation.target {
                RevocationTarget::OrderId(id) => found.by_id.insert((&item.account, id)),
                RevocationTarget::Order(name) => found.by_name.insert((&item.account, name)),
            };
        }
        found
    }

    /// True when an entry revokes this order of the manifest, by its id at the CA or by its name.
    pub(super) fn contains(&self, item: &Item, id: &OrderId) -> bool {
        self.by_id.contains(&(&item.account, id))
            || self.by_name.contains(&(&item.account, item.address.name()))
    }
}
