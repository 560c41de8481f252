//! Which name each order belongs to: [`OrderOwners`]. A CA that gives one id to two orders is not to be
//! believed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::{Address, OrderId, Records};

/// Maps order ids to the items that stand for them.
#[derive(Debug, Default)]
pub(super) struct OrderOwners(Mutex<BTreeMap<OrderId, Address>>);

impl OrderOwners {
    pub(super) fn new(records: Records) -> Self {
        let known = records.into_iter().flat_map(|(address, record)| {
            let orders = record
                .bound_orders()
                .map(|id| (id.clone(), address.clone()));
            orders.collect::<Vec<_>>()
        });
        Self(Mutex::new(known.collect()))
    }

    /// Notes that an order belongs to an item. Returns the item that already has it, if it is another one.
    pub(super) fn bind(&self, order_id: &OrderId, address: &Address) -> Option<Address> {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = owners
            .entry(order_id.clone())
            .or_insert_with(|| address.clone());
        (owner != address).then(|| owner.clone())
    }

    /// Notes that items have other names: each earlier one with the new one.
    pub(super) fn rename(&self, names: &BTreeMap<&Address, &Address>) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for owner in owners.values_mut() {
            if let Some(name) = names.get(owner) {
                *owner = (*name).clone();
            }
        }
    }

    /// The item that has the order, if it is another one.
    pub(super) fn other(&self, order_id: &OrderId, address: &Address) -> Option<Address> {
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners
            .get(order_id)
            .filter(|owner| *owner != address)
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_56_an_id_that_stands_for_another_name_is_told() {
        let owners = OrderOwners::default();
        let (ada, bob): (Address, Address) =
            ("orders.ada".parse().unwrap(), "orders.bob".parse().unwrap());
        let id = OrderId::from("4711");
        assert_eq!(owners.other(&id, &ada), None);
        assert_eq!(owners.bind(&id, &ada), None);
        assert_eq!(owners.bind(&id, &ada), None);
        assert_eq!(owners.bind(&id, &bob), Some(ada.clone()));
        assert_eq!(owners.other(&id, &bob), Some(ada));
        assert_eq!(owners.bind(&OrderId::from("4712"), &bob), None);
    }
}
