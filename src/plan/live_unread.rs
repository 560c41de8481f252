//! What the CA's list leaves open of an order that a name stands for.

use super::edited::is_changed;
use super::exchanged;
use super::order_case::OrderCase;
use crate::model::{
    LiveOrder, LiveState, ObservedAccount, ObservedOrder, OrderStatus, Stage, live_state,
};

/// True when the list does not show enough of a bound order: the order must be read in full.
pub(super) fn must_be_read(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    account: &ObservedAccount,
) -> bool {
    let order = case.order;
    let Some(observed) = account.orders.get(&live.order_id) else {
        return false;
    };
    if account.details.contains_key(&live.order_id) {
        return false;
    }
    let state = live_state(observed, case.today());
    let in_force = matches!(state, LiveState::Issued | LiveState::Lapsed);
    // Whether a reissue was refused stands in the order's requests alone. Another certificate may be that of a
    // reissue that somebody asked for since.
    let unclear = live.change.is_some();
    // The list shows no key, no units and no other members. The journal has the members, since it notes what an
    // adopted order showed.
    let lacking = match live.asked {
        Some(_) => order.certificate.has_key_or_units(),
        None => order.certificate.has_what_lists_lack(),
    };
    let content = live.certificate.is_none() && lacking;
    // Nor does it show whose certificate came in the place of ours.
    let exchanged = exchanged::exchanged(live, observed).is_some();
    // A reissue takes down more than the list shows, and a request that waits stands in the order alone.
    let reissue = is_changed(order, live, Some(observed));
    (in_force && (unclear || content || exchanged || reissue))
        || hides_its_validation(case, live, observed)
}

/// Which domains wait for which token stands in the order alone, where the answer to the order did not say it:
/// an order that waits for an administrator has none yet.
fn hides_its_validation(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    observed: &ObservedOrder,
) -> bool {
    let accounts = &case.inputs.batch.accounts;
    let form = accounts
        .get(&case.item.account)
        .and_then(|account| account.provider.authority.order_form());
    let may_validate = matches!(
        observed.status,
        OrderStatus::Pending(Stage::Issuance | Stage::Unclear, _)
    );
    may_validate
        && live.validation.is_empty()
        && observed.validation.is_empty()
        && form.is_some_and(|form| form.has_validation(&case.order.members))
}
