//! The decision table for an order that nothing answers to yet: settle it, adopt it, wait, or buy it.

use super::Action;
use super::collect::with_files;
use super::decided::Decided;
use super::doubles::with_doubles;
use super::existing::{adopt, decide_existing};
use super::followers::followers;
use super::live::decide_live;
use super::order_case::{OrderCase, bound_order, untrusted};
use super::planned_revocations::RevokedOrders;
use super::reissue::reissue_operation;
use super::renewal::{decide_renewed, decide_unknown};
use super::renewing::renewal_operation;
use super::view::AccountView;
use crate::model::{
    Adoption, Cause, Decision, Ending, FactBody, Item, LiveState, ObservedAccount, Operation,
    OperationKind, OrderId, OrderOperation, Reason, RenewalOf, Sameness, Standing, Tag, live_state,
    same_names, seen,
};

/// Decides one order.
pub(super) fn decide_order(
    case: OrderCase<'_, '_>,
    view: Option<&AccountView<'_>>,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    let OrderCase { item, record, .. } = case;
    // Most orders of most plans; a tag is only worth its digest where something may be sent.
    if let Some(known) = record
        && let (None, Some(live)) = (&known.open, &known.live)
        && !case.needs_new_order()
    {
        let decided = decide_live(case, live, revoked, view);
        return match view {
            Some(view) => with_doubles(decided, case, view),
            None => decided,
        };
    }
    let Some(tag) = case.tag() else {
        let waits = Cause::Dependency { after: Vec::new() };
        return Decided::waiting(item, Reason::AccountUnknown, waits);
    };
    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        let standing = Standing::of_order(record, case.bound(), false, case.today());
        let mut decided = Decided::settle(item, open, standing);
        decided.step.operation = match (open.attempt.kind, &open.attempt.order_id) {
            (OperationKind::Reissue, Some(order_id)) => {
                Some(reissue_operation(order_id, case.order, Vec::new()))
            }
            (_, renewal_of) => match &open.attempt.renews {
                Some(renews) => renewal_operation(case, renews, renewal_of.is_none()),
                None => Some(operation(case, &tag)),
            },
        };
        let live = record.and_then(|record| record.live.as_ref());
        decided.step.order_id = live.map(|live| live.order_id.clone());
        return with_files(decided, case, live);
    }
    let decided = decide_new(case, &tag, view, revoked);
    let mut decided = with_files(decided, case, None);
    decided.step.news.splice(0..0, unseen_end(case));
    decided
}

fn operation(case: OrderCase<'_, '_>, tag: &Tag) -> Operation {
    let mut order = case.order.clone();
    // A name whose order is known is an id; one that is ordered in this plan stays a name.
    if let Some(RenewalOf::Item(name)) = &order.renewal_of
        && let Some(live) = case.inputs.live_order(name)
    {
        order.renewal_of = Some(RenewalOf::OrderId(live.order_id.clone()));
    }
    Operation::Order(Box::new(OrderOperation {
        order,
        tag: tag.clone(),
        renews: None,
    }))
}

/// The end of the bound order, where the journal does not have it: it must, before it takes the intent of
/// a new order or binds one that is there already.
fn unseen_end(case: OrderCase<'_, '_>) -> Option<FactBody> {
    let live = case.record?.live.as_ref()?;
    let observed = case.bound()?;
    let today = case.today();
    (live_state(observed, today) != live.state).then(|| seen(observed, today))
}

fn decide_new(
    case: OrderCase<'_, '_>,
    tag: &Tag,
    view: Option<&AccountView<'_>>,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    let OrderCase {
        inputs,
        item,
        order,
        record,
        ..
    } = case;
    if let (Some(account), Some(view)) = (case.account, view) {
        if let Some(id) = &order.existing_order_id
            && record.is_none_or(|record| record.live.is_none())
        {
            return decide_existing(case, tag, account, id);
        }
        if let Some(decided) = decide_carriers(case, tag, (account, view), revoked) {
            return decided;
        }
        for (name, tag) in case.former_tags() {
            // An order that is bound is that of another entry, which had the name after this one.
            let found = view.carriers(&tag);
            if found.iter().any(|id| view.is_bound(id)) {
                continue;
            }
            if let Some(mut decided) = decide_carriers(case, &tag, (account, view), revoked) {
                if decided.step.action == Action::Adopt {
                    decided.step.reason = Reason::Moved { from: name };
                }
                return decided;
            }
        }
    }
    if let Some(decided) = decide_unknown(case) {
        return decided;
    }
    let similar = view.map_or_else(Vec::new, |view| view.similar(inputs, order));
    let mut twins: Vec<OrderId> = similar
        .iter()
        .filter(|(_, sameness)| *sameness == Sameness::Same)
        .map(|(order, _)| order.id.clone())
        .collect();
    twins.extend(view.into_iter().flat_map(|view| forgotten(case, view)));
    twins.sort();
    twins.dedup();
    if !twins.is_empty() && !order.allow_similar {
        return twin(item, twins);
    }
    if let Some(decided) = decide_renewed(case) {
        return decided;
    }
    let ended = record.and_then(|record| record.live.as_ref());
    let failure = record.and_then(|record| record.failure.as_ref());
    let reason = match (ended, failure) {
        (_, Some(failure)) => Reason::AskedAgain {
            at: failure.at,
            message: failure.message.clone(),
        },
        (Some(live), None) => Reason::NextGeneration {
            generation: order.generation,
            order: live.order_id.clone(),
        },
        (None, None) if inputs.offline => Reason::NotInJournal,
        (None, None) => Reason::NothingThere,
    };
    let action = if order.renewal_of.is_some() {
        Action::Renew
    } else {
        Action::Order
    };
    let mut decided = Decided::new(item, action, reason, Standing::Absent);
    decided.step.operation = Some(operation(case, tag));
    if !similar.is_empty() && !order.allow_similar {
        let ids: Vec<&OrderId> = similar.iter().map(|(order, _)| &order.id).collect();
        decided = decided.warn(format!(
            "the account already has a similar order, with some of the same names: {}; to use it instead of buying, `certplan import {} ID`",
            joined(&ids),
            item.address
        ));
    }
    decided
}

/// Orders that the name stood for, as far as they could still be what is wanted. The list may not show names.
fn forgotten(case: OrderCase<'_, '_>, view: &AccountView<'_>) -> Vec<OrderId> {
    let today = case.today();
    let known = case.record.into_iter().flat_map(|record| &record.forgotten);
    let shown = known.filter_map(|id| bound_order(case.account, id));
    shown
        .filter(|order| {
            let over = matches!(
                live_state(order, today),
                LiveState::Ended(_) | LiveState::Lapsed
            );
            let may_be = same_names(case.order, order) != Sameness::Different;
            !over && may_be && !view.is_bound(&order.id)
        })
        .map(|order| order.id.clone())
        .collect()
}

/// Orders for the same names and product: nothing is bought beside them.
fn twin(item: &Item, orders: Vec<OrderId>) -> Decided {
    let warning = match orders.as_slice() {
        [one] => format!(
            "order {one} is in force or waits for the same names: `existing_order_id: {one}` takes it over, `allow_similar: true` buys another one"
        ),
        several => format!(
            "orders {} are in force or wait for the same names: `existing_order_id` takes one of them over, `allow_similar: true` buys another one",
            joined(&several.iter().collect::<Vec<_>>())
        ),
    };
    let reason = Reason::Twin {
        orders: orders.clone(),
    };
    Decided::for_a_person(item, reason, Decision::Twin { orders }).warn(warning)
}

/// What the orders that carry the name's tag come to; `None` when there is none.
fn decide_carriers(
    case: OrderCase<'_, '_>,
    tag: &Tag,
    (account, view): (&ObservedAccount, &AccountView<'_>),
    revoked: &RevokedOrders<'_>,
) -> Option<Decided> {
    let carriers = view.carriers(tag);
    let item = case.item;
    match carriers.as_slice() {
        [] => None,
        [id] if view.is_bound(id) => Some(bound_elsewhere(case, id)),
        [id] => {
            let mut decided = decide_tagged(case, tag, (account, view), id);
            // Revoked, as the manifest asks: nothing is left to decide.
            if let Standing::Ended {
                ending: Ending::Revoked,
                waits,
            } = &mut decided.step.standing
                && revoked.contains(item, id)
            {
                *waits = None;
            }
            Some(decided)
        }
        many => {
            let orders: Vec<OrderId> = many.iter().map(|&id| id.clone()).collect();
            let warning = format!(
                "orders {} all carry this name's tag: cancel what is too many at the CA, then `certplan import {} ID`",
                joined(many),
                item.address
            );
            let reason = Reason::SeveralCarryTag {
                orders: orders.clone(),
            };
            let decision = Decision::TwoOrders { orders };
            Some(Decided::for_a_person(item, reason, decision).warn(warning))
        }
    }
}

/// The order that carries this name's tag stands for another name: two names never share an order.
fn bound_elsewhere(case: OrderCase<'_, '_>, id: &OrderId) -> Decided {
    let item = case.item;
    let other = case.inputs.records.iter().find(|(address, record)| {
        **address != item.address
            && record
                .live
                .as_ref()
                .is_some_and(|live| live.order_id == *id)
    });
    let address = other.map(|(address, _)| address.clone());
    let name = address.as_ref().map_or_else(
        || "this name's earlier generation".to_owned(),
        ToString::to_string,
    );
    let reason = Reason::BoundElsewhere {
        order: id.clone(),
        address,
    };
    let decision = Decision::ForeignTag { order: id.clone() };
    Decided::for_a_person(item, reason, decision).warn(format!(
        "order {id} carries this name's tag, but it is bound to {name}; nothing is ordered for this name as long as that is so"
    ))
}

/// One order carries the tag: adopt it if it is what is wanted.
fn decide_tagged(
    case: OrderCase<'_, '_>,
    tag: &Tag,
    (account, view): (&ObservedAccount, &AccountView<'_>),
    id: &OrderId,
) -> Decided {
    let item = case.item;
    let order = id.clone();
    let Some(Some(detail)) = account.details.get(id) else {
        let reason = Reason::TaggedUnreadable {
            order: order.clone(),
        };
        let decision = Decision::UnknownOrder { order };
        return Decided::for_a_person(item, reason, decision).warn(format!(
            "order {id} carries this name's tag, but it could not be read: check the key's permissions"
        ));
    };
    let adoption = Adoption::of(None, detail, case.order, Some(tag));
    let followers = followers(case, view, (id, detail.renewed));
    let different = adoption.differences();
    if !different.is_empty() {
        let warning = format!(
            "order {id} carries this name's tag, but it differs: {}; if it is the right one, `certplan import {} {id}`",
            different.join("; "),
            item.address
        );
        let differences = untrusted(different);
        let reason = Reason::TaggedDiffers {
            order: order.clone(),
            differences,
        };
        let decision = Decision::Differs { order };
        return Decided::for_a_person(item, reason, decision).warn(warning);
    }
    let fact = adoption.fact("found by its tag; product, names and key agree");
    let reason = Reason::CarriesTag { order };
    let Some((last, _, _)) = followers.found.last() else {
        return adopt(case, detail, reason, fact);
    };
    // The name stands for the last one; the earlier ones are its past.
    let mut adopted = adopt(case, last, reason, fact);
    adopted.step.news.truncate(1);
    adopted.step.news.push(seen(detail, case.today()));
    adopted.step.news.extend(followers.facts(case));
    adopted
}

fn joined(ids: &[&OrderId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
