//! Orders that this manifest revokes: when they end, they are not reported as missing.

use std::collections::BTreeSet;

use super::inputs::Inputs;
use super::target::{Target, target};
use crate::model::{AccountName, Address, Item, OrderId, Scope, Wanted};

/// Taken up once for a plan: looking through the manifest for each revoked order would take the square
/// of its length.
pub(super) struct RevokedOrders<'a> {
    whole: BTreeSet<(&'a AccountName, OrderId)>,
    in_part: BTreeSet<(&'a AccountName, OrderId)>,
    /// Names that have no order yet, and whose order is revoked as a whole.
    by_name: BTreeSet<(&'a AccountName, Address)>,
}

impl<'a> RevokedOrders<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Self {
        let mut found = Self {
            whole: BTreeSet::new(),
            in_part: BTreeSet::new(),
            by_name: BTreeSet::new(),
        };
        for item in &inputs.batch.items {
            let Wanted::Revocation(revocation) = &item.wanted else {
                continue;
            };
            let id = match target(inputs, item, revocation) {
                Target::Order(id) | Target::New(id) => id,
                Target::NoOrder(address) => {
                    if revocation.scope == Scope::Order {
                        found.by_name.insert((&item.account, address));
                    }
                    continue;
                }
                Target::Unclear(..) | Target::Undecided(_) => continue,
            };
            match revocation.scope {
                Scope::Order => found.whole.insert((&item.account, id)),
                Scope::CertificateId(_)
                | Scope::SerialNumber(_)
                | Scope::Duplicates
                | Scope::CertificateNo(_) => found.in_part.insert((&item.account, id)),
            };
        }
        found
    }

    /// True when an entry revokes this order as a whole.
    pub(super) fn contains(&self, item: &Item, id: &OrderId) -> bool {
        self.whole.contains(&(&item.account, id.clone()))
            || self
                .by_name
                .contains(&(&item.account, item.address.clone()))
    }

    /// True when an entry revokes this order or certificates of it.
    pub(super) fn touches(&self, item: &Item, id: &OrderId) -> bool {
        self.contains(item, id) || self.in_part.contains(&(&item.account, id.clone()))
    }
}
