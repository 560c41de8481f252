//! A certificate that ends, and the way on that costs nothing: a reissue while the order is paid for another month
//! or more, else a renewal.

use super::order_case::OrderCase;
use crate::model::{LiveOrder, LiveState, ObservedAccount, ValidTill, live_state};

/// From how many days before its end on a certificate is told, and for how many days an order must still be paid
/// to be worth a reissue.
const SOON: i64 = 30;

/// True for an order that was renewed outside, where only a read of it names the order that follows.
pub(super) fn must_be_read(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    account: &ObservedAccount,
) -> bool {
    let today = case.today();
    account.orders.get(&live.order_id).is_some_and(|listed| {
        let ends = listed
            .valid_till
            .is_some_and(|till| till.days_left(today) <= SOON);
        let goes_on = matches!(
            live_state(listed, today),
            LiveState::Issued | LiveState::Lapsed
        );
        listed.renewed
            && listed.renewed_by.is_none()
            && ends
            && goes_on
            && !account.details.contains_key(&live.order_id)
            && !case.renewals.has(&case.item.address, &live.order_id)
    })
}

/// What to do about a certificate in force that ends soon; `None` where it lasts, or the manifest renews it.
pub(super) fn before_the_end(case: OrderCase<'_, '_>, live: &LiveOrder) -> Option<String> {
    let today = case.today();
    let observed = case.bound();
    let till = observed
        .and_then(|order| order.valid_till)
        .or(live.valid_till)?;
    let left = till.days_left(today);
    if left > SOON || case.renewals.has(&case.item.address, &live.order_id) {
        return None;
    }
    let id = &live.order_id;
    let ends = match left {
        0 => format!("the certificate of order {id} ends today, {till}"),
        1 => format!("the certificate of order {id} ends on {till}, tomorrow"),
        days => format!("the certificate of order {id} ends on {till}, in {days} days"),
    };
    let Some(observed) = observed else {
        return Some(format!(
            "{ends}; a plan that asks the CA says what costs nothing"
        ));
    };
    if observed.renewed {
        return renewed_outside(case, live, &ends);
    }
    let way = match paid_till(case, till) {
        paid if paid.days_left(today) >= SOON => {
            let certificate = &case.order.certificate;
            let by = if certificate.key.is_some() {
                "another kind in `certificate.key` is a reissue with a new key, which costs nothing"
            } else if certificate.csr.is_some() {
                "a new CSR in `certificate.csr` is a reissue, which costs nothing"
            } else {
                "reissue it at the CA, which costs nothing"
            };
            format!("the order is paid until {paid}: {by}")
        }
        paid => format!(
            "the order itself ends on {paid}, too soon for a reissue: add an order with `renewal_of: {}`",
            case.item.address.name()
        ),
    };
    Some(format!("{ends}; {way}"))
}

/// What to do about a certificate that ran out; `None` where the manifest renews its order.
pub(super) fn after_the_end(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    till: Option<ValidTill>,
) -> Option<String> {
    let (id, today) = (&live.order_id, case.today());
    if case.renewals.has(&case.item.address, id) {
        return None;
    }
    let on = till.map_or_else(String::new, |till| format!(" on {till}"));
    let ended = format!("the certificate of order {id} ran out{on}");
    let (Some(observed), Some(till)) = (case.bound(), till) else {
        return Some(format!(
            "{ended}; a plan that asks the CA says what costs nothing"
        ));
    };
    if observed.renewed {
        return renewed_outside(case, live, &ended);
    }
    let paid = paid_till(case, till);
    let left = paid.days_left(today);
    let next = case.order.generation.max(live.generation).saturating_add(1);
    // Assumption `no-late-renewal`: CertCentral renews no order that is over, as public clients have it.
    let way = if left >= SOON {
        format!("the order is paid until {paid}: a reissue at the CA costs nothing")
    } else if left >= 0 {
        format!(
            "a reissue at the CA costs nothing and lasts until {paid}, when the order ends; for longer, add an order with `renewal_of: {}`",
            case.item.address.name()
        )
    } else {
        format!(
            "the order ended on {paid}, so that no reissue is left: `generation: {next}` buys another one"
        )
    };
    Some(format!("{ended}; {way}"))
}

/// The last day of the order.
/// Assumption `end-of-order`: an order whose end the CA does not show ends with its certificate.
fn paid_till(case: OrderCase<'_, '_>, certificate: ValidTill) -> ValidTill {
    let order = case.bound().and_then(|order| order.order_valid_till);
    order.unwrap_or(certificate)
}

/// Somebody renewed the order at the CA: another renewal would be bought beside it. `None` where a name stands for
/// the order that follows.
fn renewed_outside(case: OrderCase<'_, '_>, live: &LiveOrder, ends: &str) -> Option<String> {
    let id = &live.order_id;
    let Some(by) = case.bound().and_then(|order| order.renewed_by.as_ref()) else {
        return Some(format!(
            "{ends}; the CA says that order {id} was renewed, and not by which order: look for it there, and renew nothing here"
        ));
    };
    let mut records = case.inputs.records.values();
    let is_ours = records.any(|record| {
        let live = record.live.as_ref();
        live.is_some_and(|live| live.order_id == *by)
    });
    (!is_ours).then(|| {
        format!(
            "{ends}; order {id} was renewed at the CA by order {by}, so nothing is to be renewed: `certplan forget {}` and then `existing_order_id: {by}` take that one over",
            case.item.address
        )
    })
}
