//! The order that an entry renews: whether the account has it, and whether it was renewed already.

use super::decided::Decided;
use super::order_case::{OrderCase, bound_order};
use crate::model::{Decision, ObservedAccount, ObservedOrder, OrderId, Reason, RenewalOf};

/// The order that has to be read first: one that the list does not have, or that it shows as renewed.
pub(super) fn unread<'c>(
    case: OrderCase<'c, '_>,
    account: &ObservedAccount,
) -> Option<&'c OrderId> {
    let (id, by_hand) = renewed(case)?;
    let open = match account.orders.get(id) {
        Some(listed) => listed.renewed,
        None => by_hand,
    };
    (open && !account.details.contains_key(id)).then_some(id)
}

/// An id that somebody typed, and that the CA does not know to this key.
pub(super) fn decide_unknown(case: OrderCase<'_, '_>) -> Option<Decided> {
    let (id, by_hand) = renewed(case)?;
    let read = case.account?.details.get(id)?;
    if !by_hand || read.is_some() || shown(case, id).is_some() {
        return None;
    }
    let order = id.clone();
    let reason = Reason::RenewedUnknown {
        order: order.clone(),
    };
    let decision = Decision::UnknownOrder { order };
    Some(Decided::for_a_person(case.item, reason, decision).warn(format!(
        "the CA shows no order {id} to this key: check `renewal_of_order_id` and the key's permissions"
    )))
}

/// An order that was renewed already: the CA takes no second renewal of it.
pub(super) fn decide_renewed(case: OrderCase<'_, '_>) -> Option<Decided> {
    let (id, _) = renewed(case)?;
    let shown = shown(case, id).filter(|shown| shown.renewed)?;
    let (order, by) = (id.clone(), shown.renewed_by.clone());
    let warning = match &by {
        Some(by) => format!(
            "order {id} was renewed already, by order {by}: `existing_order_id: {by}` takes that one over; without the renewal another one is bought"
        ),
        None => format!(
            "order {id} was renewed already: look for its renewal at the CA; without the renewal another one is bought"
        ),
    };
    let reason = Reason::RenewedAlready {
        order: order.clone(),
        by: by.clone(),
    };
    let decision = Decision::Renewed { order, by };
    Some(Decided::for_a_person(case.item, reason, decision).warn(warning))
}

/// The id of the order that is renewed, and whether it is typed in the manifest.
fn renewed<'c>(case: OrderCase<'c, '_>) -> Option<(&'c OrderId, bool)> {
    match case.order.renewal_of.as_ref()? {
        RenewalOf::OrderId(id) => Some((id, true)),
        RenewalOf::Item(name) => Some((&case.inputs.live_order(name)?.order_id, false)),
    }
}

fn shown<'a>(case: OrderCase<'_, 'a>, id: &OrderId) -> Option<&'a ObservedOrder> {
    bound_order(case.account, id)
}
