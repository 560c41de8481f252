//! Orders that carry the tag of an entry beside the one that the journal has: another journal was at work, a
//! proxy sent a call twice, or an older state was put back. They are told, and nothing is done about them.

use jiff::SignedDuration;

use super::Warning;
use super::decided::Decided;
use super::inputs::Inputs;
use super::order_case::OrderCase;
use super::renewed_here::Renewals;
use super::view::{AccountView, Owners};
use crate::model::{
    FactBody, LiveOrder, LiveState, ObservedOrder, OrderId, OrderStatus, Record, Sameness, Stage,
    Tag, Wanted, live_state,
};

/// An entry that may be ordered beside a similar order has one for good: it is looked up once in this time.
const ONCE_IN: SignedDuration = SignedDuration::from_hours(24);

/// What has to be read to tell whether a bound entry has a second order.
#[derive(Default)]
pub(super) struct Unclear {
    /// Its tag, to be looked up.
    pub(super) tag: Option<Tag>,
    /// Orders that a look-up by tag may leave out, to be read.
    pub(super) orders: Vec<OrderId>,
}

/// What to read about a bound entry. Nothing while nothing looks odd: only an order in force or waiting that no
/// entry stands for, and that has the product and names of this one, is worth a request.
pub(super) fn unclear(case: OrderCase<'_, '_>, view: &AccountView<'_>) -> Unclear {
    let mut unclear = Unclear::default();
    let (Some(record), Some(account)) = (case.record, case.account) else {
        return unclear;
    };
    let Some(live) = &record.live else {
        return unclear;
    };
    let looked_up = record.known_carriers().is_some_and(|known| {
        let age = case.inputs.now.duration_since(known.at);
        (SignedDuration::ZERO..ONCE_IN).contains(&age)
    });
    if looked_up && case.order.allow_similar {
        return unclear;
    }
    let odd = view.similar(case.inputs, case.order).into_iter();
    let odd = odd.filter(|(order, sameness)| {
        matches!(sameness, Sameness::Same | Sameness::Open)
            && !view.is_bound(&order.id)
            && !record.forgotten.contains(&order.id)
    });
    for (order, _) in odd {
        if account.details.contains_key(&order.id) {
            continue;
        }
        if may_hide_from_tags(order) {
            unclear.orders.push(order.id.clone());
        } else if unclear.tag.is_none() {
            let tag = tag(case, live);
            unclear.tag = tag.filter(|tag| !account.tags.contains_key(tag));
        }
    }
    unclear
}

/// The tag that the entry's order carries, or would carry.
fn tag(case: OrderCase<'_, '_>, live: &LiveOrder) -> Option<Tag> {
    let carried = live.tag.clone();
    carried.or_else(|| case.inputs.tag(case.item, live.generation))
}

/// The decision about a bound entry, with a word about other orders of its tag, and with what was looked up.
pub(super) fn with_doubles(
    mut decided: Decided,
    case: OrderCase<'_, '_>,
    view: &AccountView<'_>,
) -> Decided {
    let (Some(record), Some(account)) = (case.record, case.account) else {
        return decided;
    };
    let Some(live) = &record.live else {
        return decided;
    };
    let known = record.known_carriers();
    if account.tags.is_empty() && account.details.is_empty() && known.is_none() {
        return decided;
    }
    let Some(tag) = tag(case, live) else {
        return decided;
    };
    let mut others: Vec<OrderId> = view.carriers(&tag).into_iter().cloned().collect();
    others.retain(|id| *id != live.order_id);
    let looked_up = account.tags.contains_key(&tag) || !others.is_empty();
    if !looked_up {
        others = known.map(|known| known.orders.clone()).unwrap_or_default();
    } else if known.is_none_or(|known| {
        let age = case.inputs.now.duration_since(known.at);
        known.orders != others || !(SignedDuration::ZERO..ONCE_IN).contains(&age)
    }) {
        decided.step.news.push(FactBody::Carriers {
            orders: others.clone(),
        });
    }
    match told(case, live, &tag, others) {
        Some(message) => decided.warn(message),
        None => decided,
    }
}

/// What a person should know of the orders that are in force or wait under the tag of an entry.
fn told(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    tag: &Tag,
    mut others: Vec<OrderId>,
) -> Option<String> {
    others.retain(|id| is_there(case, tag, id));
    let first = others.first()?.clone();
    let (id, address) = (&live.order_id, &case.item.address);
    let over = case.bound().map_or_else(
        || matches!(live.state, LiveState::Ended(_) | LiveState::Lapsed),
        |order| {
            let state = live_state(order, case.today());
            matches!(state, LiveState::Ended(_) | LiveState::Lapsed)
        },
    );
    let listed = |ids: &[OrderId]| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.join(", ")
    };
    if over {
        return Some(format!(
            "order {id} is over, and order {} carries its tag too: another journal was at work: `certplan import {address} {first}` takes it over",
            listed(&others)
        ));
    }
    if may_be_there_twice(case.record) {
        return Some(format!(
            "bought twice: order {} carries the tag of {address} as well, whose order is {id}; cancel or revoke what is too many at the CA, then `certplan import {address} ID` if it was {id}",
            listed(&others)
        ));
    }
    let both = if others.len() == 1 { "both" } else { "all" };
    let last = others.pop()?;
    let mut ids = vec![id.clone()];
    ids.append(&mut others);
    Some(format!(
        "orders {} and {last} {both} carry its tag; another journal was at work: cancel one at the CA, then `certplan import {address} ID`",
        listed(&ids)
    ))
}

/// True for an order that is in force or waits, as far as anything shows.
fn is_there(case: OrderCase<'_, '_>, tag: &Tag, id: &OrderId) -> bool {
    let Some(account) = case.account else {
        return false;
    };
    let read = account.details.get(id).and_then(Option::as_ref);
    if let Some(order) = read.or_else(|| account.orders.get(id)) {
        let state = live_state(order, case.today());
        return !matches!(state, LiveState::Ended(_) | LiveState::Lapsed);
    }
    let lookup = account.tags.get(tag);
    let mut hits = lookup.into_iter().flat_map(|lookup| &lookup.orders);
    hits.find(|hit| hit.order_id == *id).is_some_and(|hit| {
        !matches!(
            hit.status,
            OrderStatus::Rejected
                | OrderStatus::Canceled
                | OrderStatus::Revoked
                | OrderStatus::RevocationPending
                | OrderStatus::Expired
        )
    })
}

/// What a plan says of second orders, entry by entry.
pub fn doubles(inputs: &Inputs<'_>) -> Vec<Warning> {
    let owners = Owners::of(inputs);
    let renewals = Renewals::of(inputs);
    let mut warnings = Vec::new();
    for (name, account) in &inputs.observed.accounts {
        let view = AccountView::of(inputs, name, account, &owners);
        for item in inputs
            .batch
            .items
            .iter()
            .filter(|item| item.account == *name)
        {
            let Wanted::Order(order) = &item.wanted else {
                continue;
            };
            let case = OrderCase::of(inputs, (item, order), &renewals);
            let Some(live) = case.record.and_then(|record| record.live.as_ref()) else {
                continue;
            };
            let Some(tag) = tag(case, live) else {
                continue;
            };
            let known = case.record.and_then(|record| record.known_carriers());
            let mut others: Vec<OrderId> = view.carriers(&tag).into_iter().cloned().collect();
            others.retain(|id| *id != live.order_id);
            if others.is_empty() && !account.tags.contains_key(&tag) {
                others = known.map(|known| known.orders.clone()).unwrap_or_default();
            }
            warnings.extend(told(case, live, &tag, others).map(|message| Warning {
                address: Some(item.address.clone()),
                message,
            }));
        }
    }
    warnings
}

/// Whether an earlier attempt was written off. It may have reached the CA later, so two orders may exist.
fn may_be_there_twice(record: Option<&Record>) -> bool {
    record.is_some_and(|record| record.live.is_some() && record.attempts > 1)
}

/// Assumption `tag-shows-waiting`: a look-up by tag may leave out orders that wait for an administrator; the documents do not
/// say. Reading such an order shows its tag.
pub(super) fn may_hide_from_tags(order: &ObservedOrder) -> bool {
    matches!(
        order.status,
        OrderStatus::Pending(Stage::Approval, _) | OrderStatus::Other(_)
    )
}
