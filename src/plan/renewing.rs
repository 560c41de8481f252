//! Renewals: by which way an order in force goes on, and what keeps it from that.

use super::Action;
use super::decided::Decided;
use super::due;
use super::followers::followers;
use super::inputs::Knowledge;
use super::order_case::{OrderCase, bound_order};
use super::planned_revocations::RevokedOrders;
use super::reissue::decide_reissue;
use super::renewal_holds::{held, needing, stopped, waits};
use super::view::AccountView;
use crate::model::{
    Cause, Decision, DueBy, Ending, Ends, LiveOrder, Operation, OrderId, OrderOperation, Reason,
    RenewalNeeds, RenewalOf, RenewalReason, Route, Standing, Why, requested,
};

/// Adds the renewal that an order needs to what was decided about it. Where something else is to be done about the
/// order, that comes first.
pub(super) fn with_renewal(
    decided: Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    view: Option<&AccountView<'_>>,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    let mut decided = match case.record.and_then(|record| record.successor.as_deref()) {
        Some(successor) => under_way(decided, case, live, successor),
        None => match found(&decided, case, live, view) {
            Some(found) => found,
            None => renewed(decided, case, live, revoked),
        },
    };
    decided.step.renewal = due::shown(case, live).map(Box::new);
    decided
}

/// A renewal that the CA took and that is not issued. Nothing else is asked for meanwhile.
fn under_way(
    mut decided: Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    successor: &LiveOrder,
) -> Decided {
    let shown = bound_order(case.account, &successor.order_id);
    let standing = decided.step.standing.clone();
    let standing = standing.with_renewal(requested(Some(successor), shown));
    let reason = Reason::Renewal(RenewalReason::UnderWay {
        order: live.order_id.clone(),
        successor: successor.order_id.clone(),
    });
    let mut waiting = Decided::new(case.item, Action::Wait, reason, standing);
    waiting.step.news = std::mem::take(&mut decided.step.news);
    waiting
}

/// The renewals that are at the CA and that the journal does not know.
fn found(
    decided: &Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    view: Option<&AccountView<'_>>,
) -> Option<Decided> {
    case.order.renew?;
    let is_renewed = asks_for_followers(case, live);
    let followers = followers(case, view?, (&live.order_id, is_renewed));
    let order = live.order_id.clone();
    match followers.unclear.as_slice() {
        [] => {}
        [(other, differences)] if !differences.is_empty() => {
            let reason = Reason::TaggedDiffers {
                order: other.clone(),
                differences: differences
                    .iter()
                    .map(|text| text.as_str().into())
                    .collect(),
            };
            let decision = Decision::Differs {
                order: other.clone(),
            };
            return Some(waits(decided, case, reason, Cause::Decision(decision)).warn(format!(
                "order {other} renews order {order} with this name's tag, but it differs: {}; if it is the right one, `certplan import {} {other}`",
                differences.join("; "),
                case.item.address
            )));
        }
        several => {
            let orders: Vec<_> = several.iter().map(|(id, _)| id.clone()).collect();
            let reason = Reason::SeveralCarryTag {
                orders: orders.clone(),
            };
            let decision = Decision::TwoOrders { orders };
            return Some(waits(decided, case, reason, Cause::Decision(decision)).warn(format!(
                "several orders renew order {order} with this name's tag: cancel what is too many at the CA, then `certplan import {} ID`",
                case.item.address
            )));
        }
    }
    let (last, _, _) = followers.found.last()?;
    let reason = Reason::Renewal(RenewalReason::Found {
        order,
        successor: last.id.clone(),
    });
    let standing = Standing::of_order(None, Some(last), false, case.today());
    let mut adopted = Decided::new(case.item, Action::Adopt, reason, standing);
    adopted.step.news = followers.facts(case);
    adopted.step.after.clear();
    Some(adopted)
}

/// Whether the tag of a renewal is looked up: the CA shows the order as renewed, or the journal may not know of the
/// renewal that would be bought. Not for an order that another entry renews.
pub(super) fn asks_for_followers(case: OrderCase<'_, '_>, live: &LiveOrder) -> bool {
    let Some(shown) = case.bound() else {
        return false;
    };
    if case.order.renew.is_none()
        || due::has_renewal(case)
        || case.renewals.has(&case.item.address, &live.order_id)
        || !due::can_follow(shown, case)
    {
        return false;
    }
    let now = case.inputs.ca_now(&case.item.account);
    let route = due::ends(case, live, Some(shown)).map(|ends| ends.route(now));
    let buys = matches!(route, Some(Route::Order { .. }));
    shown.renewed || (buys && case.inputs.knowledge != Knowledge::Whole)
}

/// What becomes of an order that has no renewal.
fn renewed(
    mut decided: Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    let (Some(shown), Some(ends)) = (case.bound(), due::ends(case, live, case.bound())) else {
        return decided;
    };
    let now = case.inputs.ca_now(&case.item.account);
    let route = ends.route(now);
    let is_free = match (decided.step.action, &decided.step.standing) {
        (
            Action::Keep,
            Standing::InForce { change: None, .. } | Standing::Lapsed { revoked: false, .. },
        )
        | (
            Action::Wait,
            Standing::Ended {
                ending: Ending::Expired,
                ..
            },
        ) => true,
        // What the entry asks for anew brings the later end with it.
        (Action::Reissue, _) => {
            if let (Route::Reissue { .. }, Some(Operation::Reissue(reissue))) =
                (route, &mut decided.step.operation)
            {
                reissue.why = Why::Renewal;
            }
            false
        }
        _ => false,
    };
    if !is_free {
        return decided;
    }
    if let Some(stopped) = stopped(&decided, case, live, (&ends, route)) {
        return stopped;
    }
    let is_next = matches!(route, Route::Reissue { .. } | Route::Order { .. });
    if is_next && let Some(held) = held(&decided, case, (live, shown), (&ends, route), revoked) {
        return held;
    }
    let order = live.order_id.clone();
    match route {
        Route::NotDue { .. } => decided,
        Route::Later { gain, from } => {
            decided.step.reason = Reason::Renewal(RenewalReason::Later { order, gain, from });
            decided
        }
        Route::Reissue { since, .. } => {
            let reason = due_reason(&ends, live, since, DueBy::Certificate);
            reissue(decided, case, live, reason)
        }
        Route::Order {
            since, by, late, ..
        } => {
            let reason = due_reason(&ends, live, since, by);
            follow(decided, case, live, (reason, late))
        }
        Route::TooEarly { opens } => {
            let reason = RenewalReason::TooEarly {
                order: order.clone(),
                ends: ends.certificate,
                opens,
            };
            let needs = RenewalNeeds::AnotherRoute;
            needing(&decided, case, reason, needs).warn(format!(
                "the certificate of order {order} ends on {}, and the CA takes a renewal of the order from {} on: `route: auto` would reissue it",
                ends.certificate,
                opens.strftime("%F")
            ))
        }
        Route::Person => {
            let reason = RenewalReason::NoWay {
                order: order.clone(),
                ends: ends.order,
            };
            let needs = RenewalNeeds::AnotherRoute;
            let next = case.order.generation.max(live.generation).saturating_add(1);
            let way = if ends.order.is_past(case.today()) {
                format!("`generation: {next}` buys another one")
            } else {
                "`route: auto` would renew it".to_owned()
            };
            needing(&decided, case, reason, needs).warn(format!(
                "the certificate of order {order} ends on {}, and the order on {}: {way}",
                ends.certificate, ends.order
            ))
        }
    }
}

fn due_reason(ends: &Ends, live: &LiveOrder, since: jiff::Timestamp, by: DueBy) -> Reason {
    let (till, before) = match by {
        DueBy::Certificate => (ends.certificate, ends.renew.before.to_string()),
        DueBy::Order => {
            let days = ends.renew.order_before;
            let unit = if days == 1 { "day" } else { "days" };
            (ends.order, format!("{days} {unit}"))
        }
    };
    Reason::Renewal(RenewalReason::Due {
        order: live.order_id.clone(),
        since,
        by,
        ends: till,
        before,
    })
}

/// The same order with the same names and a later end.
fn reissue(decided: Decided, case: OrderCase<'_, '_>, live: &LiveOrder, reason: Reason) -> Decided {
    let mut reissue = decide_reissue(case, live, decided.step.standing.clone());
    reissue.step.news = decided.step.news;
    if reissue.step.action != Action::Reissue {
        return reissue;
    }
    reissue.step.reason = reason;
    reissue.step.changes.clear();
    // The order is in force: nothing has to come before its renewal.
    reissue.step.after.clear();
    if let Some(Operation::Reissue(operation)) = &mut reissue.step.operation {
        operation.why = Why::Renewal;
    }
    if case.order.certificate.key.is_none() {
        let since = live.serial_number.as_ref().map_or_else(
            || format!("order {} was placed", live.order_id),
            |serial| format!("serial {serial}"),
        );
        reissue = reissue.warn(format!(
            "the CSR is sent again, so the key stays the same since {since}; `certificate.key` would make a new one"
        ));
    }
    reissue
}

/// Another order that follows this one.
fn follow(
    decided: Decided,
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    (reason, late): (Reason, bool),
) -> Decided {
    let id = &live.order_id;
    let Some(operation) = renewal_operation(case, id, late) else {
        return decided;
    };
    let standing = decided.step.standing.clone();
    let mut renewal = Decided::new(case.item, Action::Renew, reason, standing);
    renewal.step.news = decided.step.news;
    renewal.step.after.clear();
    renewal.step.operation = Some(operation);
    if late {
        renewal = renewal.warn(format!(
            "order {id} is over, and the CA renews it no more: another order is bought in its place"
        ));
    }
    renewal
}

/// The order that follows another one of the name. One that is over is only followed: the CA renews it no more.
pub(super) fn renewal_operation(
    case: OrderCase<'_, '_>,
    renews: &OrderId,
    late: bool,
) -> Option<Operation> {
    let name = (&case.item.address, case.item);
    let generation = case.order.generation;
    let tag = case.inputs.tag_after(name, generation, Some(renews))?;
    let mut order = case.order.clone();
    order.renewal_of = (!late).then(|| RenewalOf::OrderId(renews.clone()));
    Some(Operation::Order(Box::new(OrderOperation {
        order,
        tag,
        renews: Some(renews.clone()),
    })))
}
