//! When an order in force is due, and what has to be read about it.

use jiff::civil::Date;

use super::order_case::OrderCase;
use super::step_renewal::{RenewedBy, StepRenewal};
use crate::model::form::OrderForm;
use crate::model::{
    Ending, Ends, LiveOrder, LiveState, ObservedAccount, ObservedOrder, Route, live_state,
};

/// The ends of an order in force, where its entry asks for renewals. `shown` is the order as the account shows it.
pub(super) fn ends(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    shown: Option<&ObservedOrder>,
) -> Option<Ends> {
    let renew = case.order.renew?;
    let accounts = &case.inputs.batch.accounts;
    let account = accounts.get(&case.item.account)?;
    let form = account.provider.authority.order_form()?;
    let certificate = shown
        .and_then(|shown| shown.valid_till)
        .or(live.valid_till)?;
    let product = shown
        .and_then(|shown| shown.product.as_deref())
        .unwrap_or(&case.order.product);
    // Assumption `end-of-order`: an order whose end the CA does not show ends with its certificate.
    let order = shown.and_then(|shown| shown.order_valid_till);
    let from = shown.and_then(|shown| shown.valid_from);
    let ends = Ends {
        renew,
        part: Ends::part_of(&case.item.address, renew.spread),
        certificate,
        lifetime: from
            .map(|from| certificate.days_since(from))
            .filter(|days| *days > 0),
        order: order.unwrap_or(certificate),
        gives: shortest(form, product, case.today()),
        is_reissued: form.is_reissued(product),
        window: i64::from(form.renewal_window()),
    };
    #[cfg(feature = "planted-bugs")]
    let ends = crate::planted::ends(ends);
    Some(ends)
}

/// How long a certificate may take to be issued: what is asked for before lifetimes become shorter may be issued after.
const ISSUANCE: i64 = 14;

/// For how many days a certificate is issued that is asked for today, at the least.
fn shortest(form: &dyn OrderForm, product: &str, today: Date) -> Option<i64> {
    let later = today.checked_add(jiff::Span::new().days(ISSUANCE)).ok();
    let days = [Some(today), later].into_iter().flatten();
    let lifetimes = days.filter_map(|day| form.lifetime(product, day));
    lifetimes.min().map(i64::from)
}

/// What a plan shows of it.
pub(super) fn shown(case: OrderCase<'_, '_>, live: &LiveOrder) -> Option<StepRenewal> {
    let order = case.bound();
    let ends = ends(case, live, order)?;
    let (route, gain_days) = match ends.route(case.inputs.ca_now(&case.item.account)) {
        Route::Reissue { gain, .. } => (Some(RenewedBy::Reissue), Some(gain)),
        Route::Order { gain, .. } => (Some(RenewedBy::Order), Some(gain)),
        Route::Later { gain, .. } => (None, Some(gain)),
        Route::NotDue { .. } | Route::TooEarly { .. } | Route::Person => (None, None),
    };
    Some(StepRenewal {
        due: ends.due(),
        route,
        gain_days,
        order_valid_till: order.and_then(|order| order.order_valid_till),
    })
}

/// True for an order that is due and of which only the list was read: whether the CA renews it by itself, and what
/// waits for an administrator, stands in the order alone.
pub(super) fn must_be_read(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    account: &ObservedAccount,
) -> bool {
    if has_renewal(case) || account.details.contains_key(&live.order_id) {
        return false;
    }
    let Some(listed) = account.orders.get(&live.order_id) else {
        return false;
    };
    if !can_follow(listed, case) {
        return false;
    }
    let now = case.inputs.ca_now(&case.item.account);
    let route = ends(case, live, Some(listed)).map(|ends| ends.route(now));
    matches!(route, Some(Route::Reissue { .. } | Route::Order { .. }))
}

/// True where a renewal of the order is bound to the name, or was asked for.
pub(super) fn has_renewal(case: OrderCase<'_, '_>) -> bool {
    case.record
        .is_some_and(|record| record.successor.is_some() || record.open.is_some())
}

/// Whether an order stands so that something may follow it: in force, run out, or over by its end alone.
pub(super) fn can_follow(order: &ObservedOrder, case: OrderCase<'_, '_>) -> bool {
    !order.certificate_revoked
        && matches!(
            live_state(order, case.today()),
            LiveState::Issued | LiveState::Lapsed | LiveState::Ended(Ending::Expired)
        )
}
