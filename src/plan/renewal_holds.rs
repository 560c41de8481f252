//! What keeps an order from being renewed.

use jiff::SignedDuration;

use super::Action;
use super::decided::Decided;
use super::order_case::OrderCase;
use super::planned_revocations::RevokedOrders;
use crate::model::{
    CaClock, Cause, Decision, Ends, LiveOrder, NextRun, ObservedOrder, OperationKind, Reason,
    RenewalNeeds, RenewalReason, RequestKind, Route,
};

/// For how long nothing is asked again that the CA refused.
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_hours(24);
/// From this difference of two clocks on nothing is renewed.
const WRONG_CLOCK: SignedDuration = SignedDuration::from_hours(24);

/// What keeps an order from being renewed by itself, whether it is due or not.
pub(super) fn stopped(
    decided: &Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    (ends, route): (&Ends, Route),
) -> Option<Decided> {
    let order = &live.order_id;
    if let Some(taken) = live.renewal
        && ends.certificate <= taken.valid_till
        && !matches!(route, Route::Order { .. })
    {
        let reason = RenewalReason::NoGain {
            order: order.clone(),
            till: ends.certificate,
            at: taken.at,
        };
        let needs = RenewalNeeds::LongerValidity;
        return Some(needing(decided, case, reason, needs).warn(format!(
            "the reissue of {} brought no longer validity: the certificate of order {order} ends on {} as before; look at the order at the CA",
            taken.at.strftime("%F"),
            ends.certificate
        )));
    }
    let ended = live.renewal_ended.as_deref();
    let ended = ended.filter(|ended| case.order.generation <= ended.generation)?;
    let generation = ended.generation.saturating_add(1);
    let reason = RenewalReason::Ended {
        successor: ended.order_id.clone(),
        ending: ended.ending,
    };
    let needs = RenewalNeeds::NextGeneration { generation };
    Some(needing(decided, case, reason, needs).warn(format!(
        "order {}, the renewal of order {order}, is {}; `generation: {generation}` asks for it again",
        ended.order_id,
        ended.ending.word()
    )))
}

/// What holds a renewal that would be sent now.
pub(super) fn held(
    decided: &Decided,
    case: OrderCase<'_, '_>,
    (live, shown): (&LiveOrder, &ObservedOrder),
    (ends, route): (&Ends, Route),
    revoked: &RevokedOrders<'_>,
) -> Option<Decided> {
    let order = live.order_id.clone();
    if shown.renewed {
        return renewed_elsewhere(decided, case, live, shown);
    }
    if revoked.is_to_die(case.item, &order) {
        return Some(kept(decided, case, RenewalReason::ToBeRevoked { order }));
    }
    if case.inputs.pace.no_renew {
        let since = ends.due();
        return Some(kept(decided, case, RenewalReason::Held { order, since }));
    }
    let account = case.account?;
    if account.clock.is_some_and(is_far_off) {
        let reason = RenewalReason::WrongClock { order };
        return Some(needing(decided, case, reason, RenewalNeeds::Clock));
    }
    if !shown.renews_itself.is_empty() {
        let by: Vec<String> = shown
            .renews_itself
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let message = format!(
            "order {order} has `{}` on at the CA, which acts by itself 30 days before the end: switch it off there, or write `renew: never`",
            by.join("` and `")
        );
        let reason = RenewalReason::RenewsItself { order, by };
        let needs = RenewalNeeds::OneAutomatism;
        return Some(needing(decided, case, reason, needs).warn(message));
    }
    let requests = shown.requests.as_deref().unwrap_or_default();
    if let Some(open) = requests.iter().find(|one| one.status.is_undecided()) {
        let request = open.id.clone();
        let cause = match open.kind {
            RequestKind::Revoke => Cause::Revocation {
                requests: vec![request.clone()],
            },
            RequestKind::NewRequest
            | RequestKind::Duplicate
            | RequestKind::Reissue
            | RequestKind::Other(_) => Cause::Approval {
                request: Some(request.clone()),
            },
        };
        let reason = Reason::RequestOpen { order, request };
        return Some(waits(decided, case, reason, cause));
    }
    let failure = case.record.and_then(|record| record.failure.as_deref());
    let refused = failure.filter(|failure| {
        let of_renewal = matches!(failure.kind, OperationKind::Reissue | OperationKind::Renew);
        let age = case.inputs.now.duration_since(failure.at);
        of_renewal && live.renewal_ended.is_none() && age < AFTER_REFUSAL
    });
    if let Some(refused) = refused {
        let reason = Reason::Renewal(RenewalReason::RefusedToday {
            order,
            at: refused.at,
            message: refused.message.clone(),
        });
        let cause = Cause::NextRun {
            with: NextRun::AfterRefusal,
        };
        return Some(waits(decided, case, reason, cause));
    }
    let certificate = &case.order.certificate;
    let has_key = certificate.key.is_some() || certificate.csr.is_some();
    if matches!(route, Route::Reissue { .. }) && !has_key {
        let message =
            format!("a reissue of order {order} needs a key: give the entry `key` or `csr`");
        let reason = RenewalReason::NoKey { order };
        return Some(needing(decided, case, reason, RenewalNeeds::Key).warn(message));
    }
    None
}

/// Somebody renewed the order outside. `None` where another name of the journal stands for the renewal, or where
/// another entry renews it.
fn renewed_elsewhere(
    decided: &Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    shown: &ObservedOrder,
) -> Option<Decided> {
    let (order, by) = (live.order_id.clone(), shown.renewed_by.clone());
    let is_ours = by.as_ref().is_some_and(|by| {
        let mut records = case.inputs.records.values();
        records.any(|record| record.bound_orders().any(|id| id == by))
    });
    if is_ours || case.renewals.has(&case.item.address, &order) {
        let reason = Reason::InForce { order };
        return Some(same(decided, case, Action::Keep, reason));
    }
    let message = match &by {
        Some(by) => format!(
            "order {order} was renewed as order {by} outside of certplan: `certplan import {} {by}` takes it over",
            case.item.address
        ),
        None => format!(
            "order {order} was renewed outside of certplan, and the CA does not say by which order: look for it there"
        ),
    };
    let reason = Reason::RenewedAlready {
        order: order.clone(),
        by: by.clone(),
    };
    let decision = Decision::Renewed { order, by };
    Some(waits(decided, case, reason, Cause::Decision(decision)).warn(message))
}

/// True where two clocks are so far apart that neither tells what is due.
pub(super) fn is_far_off(clock: CaClock) -> bool {
    clock.ahead.abs() > WRONG_CLOCK
}

/// The step with another action and reason; the order stands where it stood.
fn same(decided: &Decided, case: OrderCase<'_, '_>, action: Action, reason: Reason) -> Decided {
    let standing = decided.step.standing.clone();
    let mut same = Decided::new(case.item, action, reason, standing);
    same.step.news.clone_from(&decided.step.news);
    same
}

fn kept(decided: &Decided, case: OrderCase<'_, '_>, reason: RenewalReason) -> Decided {
    same(decided, case, Action::Keep, Reason::Renewal(reason))
}

pub(super) fn waits(
    decided: &Decided,
    case: OrderCase<'_, '_>,
    reason: Reason,
    cause: Cause,
) -> Decided {
    let mut waits = same(decided, case, Action::Wait, reason);
    waits.step.standing = waits.step.standing.with_renewal(cause);
    waits
}

pub(super) fn needing(
    decided: &Decided,
    case: OrderCase<'_, '_>,
    reason: RenewalReason,
    needs: RenewalNeeds,
) -> Decided {
    let cause = Cause::Decision(Decision::Renewal(needs));
    waits(decided, case, Reason::Renewal(reason), cause)
}
