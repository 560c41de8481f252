//! Which orders the manifest itself renews. Main type: [`Renewals`].

use std::collections::BTreeSet;

use super::inputs::Inputs;
use crate::model::{Address, ItemName, OrderId, RenewalOf, Wanted};

/// The orders that entries of the manifest renew.
#[derive(Default)]
pub(super) struct Renewals<'a> {
    names: BTreeSet<&'a ItemName>,
    ids: BTreeSet<&'a OrderId>,
}

impl<'a> Renewals<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Self {
        let mut renewals = Self::default();
        for item in &inputs.batch.items {
            if let Wanted::Order(order) = &item.wanted {
                match &order.renewal_of {
                    Some(RenewalOf::Item(name)) => renewals.names.extend([name]),
                    Some(RenewalOf::OrderId(id)) => renewals.ids.extend([id]),
                    None => {}
                }
            }
        }
        renewals
    }

    /// Whether an entry renews the order, by the name that it is bound to or by its id.
    pub(super) fn has(&self, address: &Address, id: &OrderId) -> bool {
        let by_name = match address {
            Address::Order(name) => self.names.contains(name),
            Address::Revocation(_) => false,
        };
        by_name || self.ids.contains(id)
    }
}
