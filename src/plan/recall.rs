//! Which orders a plan must see as they are now, even when the rest is taken from an earlier look.

use std::collections::{BTreeMap, BTreeSet};

use super::live::is_changed;
use super::make::Inputs;
use super::target::target_id;
use crate::model::{AccountName, OrderId, OrderStatus, Wanted};

/// Orders by which a revocation or a reissue is decided: what dies with them is more than a feed of
/// status changes tells. An order that is revoked stays so and is left out.
pub fn read_anew(inputs: &Inputs<'_>) -> BTreeMap<AccountName, BTreeSet<OrderId>> {
    let mut anew: BTreeMap<AccountName, BTreeSet<OrderId>> = BTreeMap::new();
    let selected = inputs.selected();
    for item in &inputs.batch.items {
        if !selected.contains(&item.address) {
            continue;
        }
        let seen = |id: &OrderId| inputs.observed.accounts.get(&item.account)?.orders.get(id);
        let id = match &item.wanted {
            Wanted::Revocation(revocation) => target_id(inputs, revocation)
                .filter(|id| seen(id).is_some_and(|order| order.status != OrderStatus::Revoked)),
            Wanted::Order(order) => inputs
                .records
                .get(&item.address)
                .and_then(|record| record.live.as_ref())
                .filter(|live| is_changed(order, live, seen(&live.order_id)))
                .map(|live| live.order_id.clone()),
        };
        if let Some(id) = id.filter(|id| seen(id).is_some()) {
            anew.entry(item.account.clone()).or_default().insert(id);
        }
    }
    anew
}
