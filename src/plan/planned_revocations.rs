//! Orders that this manifest revokes: when they end, they are not reported as missing.

use std::collections::BTreeSet;

use super::inputs::Inputs;
use super::order_case::bound_order;
use super::target::{Target, target};
use crate::model::{
    AccountName, Address, CertificateKind, Item, ObservedOrder, OrderId, PartState, Revocation,
    Scope, Wanted,
};

/// Taken up once for a plan: looking through the manifest for each revoked order would take the square
/// of its length.
pub(super) struct RevokedOrders<'a> {
    whole: BTreeSet<(&'a AccountName, OrderId)>,
    in_part: BTreeSet<(&'a AccountName, OrderId)>,
    /// Orders of which certificates are to die and have not died yet, as a whole or all duplicates.
    waiting: BTreeSet<(&'a AccountName, OrderId)>,
    /// Names that have no order yet, and whose order is revoked as a whole.
    by_name: BTreeSet<(&'a AccountName, Address)>,
}

impl<'a> RevokedOrders<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Self {
        let mut found = Self {
            whole: BTreeSet::new(),
            in_part: BTreeSet::new(),
            waiting: BTreeSet::new(),
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
                // It may be meant: nothing of it is renewed before that is decided.
                Target::Unclear(id, _) | Target::Undecided(Some(id)) => {
                    found.waiting.insert((&item.account, id));
                    continue;
                }
                Target::Undecided(None) => continue,
            };
            if is_waiting(inputs, item, revocation, &id) {
                found.waiting.insert((&item.account, id.clone()));
            }
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

    /// True while an entry revokes this order as a whole, or its duplicates, and that has not come about.
    pub(super) fn is_to_die(&self, item: &Item, id: &OrderId) -> bool {
        self.waiting.contains(&(&item.account, id.clone()))
    }

    /// True when an entry revokes this order or certificates of it.
    pub(super) fn touches(&self, item: &Item, id: &OrderId) -> bool {
        self.contains(item, id) || self.in_part.contains(&(&item.account, id.clone()))
    }
}

/// Whether what an entry revokes is not known to be revoked.
fn is_waiting(inputs: &Inputs<'_>, item: &Item, revocation: &Revocation, id: &OrderId) -> bool {
    let none_left = match revocation.scope {
        Scope::Order => false,
        Scope::Duplicates => {
            let account = inputs.account(item);
            let shown = bound_order(account, id);
            shown.is_some_and(|order| has_no_duplicate(order, inputs.today(&item.account)))
        }
        Scope::CertificateId(_) | Scope::SerialNumber(_) | Scope::CertificateNo(_) => true,
    };
    let requested = inputs.record(item).and_then(|record| record.requested(id));
    let is_done = requested.is_some_and(|requested| {
        let mut parts = requested.parts.values();
        !requested.parts.is_empty() && parts.all(|state| *state == PartState::Revoked)
    });
    !none_left && !is_done
}

fn has_no_duplicate(order: &ObservedOrder, today: jiff::civil::Date) -> bool {
    match &order.certificates {
        Some(all) => !all
            .iter()
            .any(|one| one.kind == CertificateKind::Duplicate && one.is_in_force(today)),
        None => order.duplicates == Some(0),
    }
}
