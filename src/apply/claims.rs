//! Which name each order stands for. A CA that gives one id to two orders is not to be believed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::{Address, OrderId, Records};

/// Orders by the name that they stand for.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<BTreeMap<OrderId, Address>>);

impl Claims {
    pub(super) fn new(records: Records) -> Self {
        let known = records
            .into_iter()
            .filter_map(|(address, record)| Some((record.live?.order_id, address)));
        Self(Mutex::new(known.collect()))
    }

    /// Notes that an order stands for a name. The other name, if it already stands for one.
    pub(super) fn claim(&self, order_id: &OrderId, address: &Address) -> Option<Address> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = claims
            .entry(order_id.clone())
            .or_insert_with(|| address.clone());
        (owner != address).then(|| owner.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_56_an_id_that_stands_for_another_name_is_told() {
        let claims = Claims::default();
        let (ada, bob): (Address, Address) =
            ("orders.ada".parse().unwrap(), "orders.bob".parse().unwrap());
        let id = OrderId::from("4711");
        assert_eq!(claims.claim(&id, &ada), None);
        assert_eq!(claims.claim(&id, &ada), None);
        assert_eq!(claims.claim(&id, &bob), Some(ada));
        assert_eq!(claims.claim(&OrderId::from("4712"), &bob), None);
    }
}
