//! The decision table for an order: (wanted, record, observed) -> action and reason.

use std::collections::BTreeSet;

use super::Action;
use super::live::{decide_live, reissue_operation};
use super::make::{Decision, Inputs};
use super::matching::{NameIndex, differences, is_over};
use super::revoked::RevokedOrders;
use super::standing::{live_state, reached, seen, waiting_words};
use crate::model::{
    Address, FactBody, Item, ItemName, LiveOrder, LiveState, ObservedAccount, ObservedOrder,
    Operation, OperationKind, Order, OrderId, OrderOperation, Phase, Record, Records, RenewalOf,
    Tag, TagParts, Untrusted,
};

/// The orders that names stand for.
pub(super) fn bound_orders(records: &Records) -> BTreeSet<&OrderId> {
    records
        .values()
        .filter_map(|record| Some(&record.live.as_ref()?.order_id))
        .collect()
}

fn live_order<'a>(records: &'a Records, name: &ItemName) -> Option<&'a LiveOrder> {
    records.get(&Address::Order(name.clone()))?.live.as_ref()
}

/// True when no order answers to the wanted generation: none is bound to the name, or the bound one
/// is over, by the journal or by what the CA shows now.
pub(super) fn needs_new_order(
    order: &Order,
    record: Option<&Record>,
    account: Option<&ObservedAccount>,
) -> bool {
    let Some(live) = record.and_then(|record| record.live.as_ref()) else {
        return true;
    };
    let state = bound_order(account, &live.order_id)
        .map_or_else(|| live.state.clone(), |order| live_state(&order.status));
    matches!(state, LiveState::Ended(_)) && order.generation > live.generation
}

/// What the account shows of an order: a line of its list, or a full read.
pub(super) fn bound_order<'a>(
    account: Option<&'a ObservedAccount>,
    id: &OrderId,
) -> Option<&'a ObservedOrder> {
    let account = account?;
    let detail = account.details.get(id).and_then(Option::as_ref);
    account.orders.get(id).or(detail)
}

/// The tag of an order; `None` when the account has no endpoint, which a checked batch never shows.
pub(super) fn order_tag(inputs: &Inputs<'_>, item: &Item, order: &Order) -> Option<Tag> {
    let account = inputs.batch.accounts.get(&item.account)?;
    Some(Tag::derive(TagParts {
        provider: account.provider.name(),
        endpoint: inputs.endpoints.get(&item.account)?,
        account: &item.account,
        address: &item.address,
        generation: order.generation,
    }))
}

/// Decides one order.
pub(super) fn decide_order(
    inputs: &Inputs<'_>,
    item: &Item,
    order: &Order,
    index: &NameIndex<'_>,
    revoked: &RevokedOrders<'_>,
) -> Decision {
    let record = inputs.records.get(&item.address);
    let account = inputs.observed.accounts.get(&item.account);
    // Most orders of most plans; a tag is only worth its digest where something may be sent.
    if let Some(known) = record
        && let (None, Some(live)) = (&known.open, &known.live)
        && !needs_new_order(order, record, account)
    {
        let decision = decide_live(inputs, item, order, live, account, revoked);
        if !may_be_there_twice(record) {
            return decision;
        }
        return match order_tag(inputs, item, order) {
            Some(tag) => warn_of_a_second(decision, item, &tag, live, account),
            None => decision,
        };
    }
    let Some(tag) = order_tag(inputs, item, order) else {
        return Decision::new(item, Action::Wait, "its account is not known");
    };
    let operation = || {
        let mut order = order.clone();
        // A name whose order is known is an id; one that is ordered in this plan stays a name.
        if let Some(RenewalOf::Item(name)) = &order.renewal_of
            && let Some(live) = live_order(inputs.records, name)
        {
            order.renewal_of = Some(RenewalOf::OrderId(live.order_id.clone()));
        }
        Operation::Order(Box::new(OrderOperation {
            order,
            tag: tag.clone(),
        }))
    };
    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        let mut decision = settle(item, open);
        decision.step.operation = match (open.attempt.kind, &open.attempt.order_id) {
            (OperationKind::Reissue, Some(order_id)) => {
                Some(reissue_operation(order_id, order, Vec::new()))
            }
            _ => Some(operation()),
        };
        decision.step.order_id = record
            .and_then(|record| record.live.as_ref())
            .map(|live| live.order_id.clone());
        return decision;
    }
    let mut decision = decide_new(inputs, item, order, &tag, operation(), account, index);
    decision.step.news.splice(0..0, unseen_end(record, account));
    decision
}

/// The end of the bound order, where the journal does not have it: it must, before it takes the intent of
/// a new order or binds one that is there already.
fn unseen_end(record: Option<&Record>, account: Option<&ObservedAccount>) -> Option<FactBody> {
    let live = record?.live.as_ref()?;
    let observed = bound_order(account, &live.order_id)?;
    (live_state(&observed.status) != live.state).then(|| seen(observed))
}

/// True where more than one call was made for a name: one that was given up may have arrived since.
pub(super) fn may_be_there_twice(record: Option<&Record>) -> bool {
    record.is_some_and(|record| record.live.is_some() && record.attempts > 1)
}

/// Says so when the CA has another order with the name's tag than the one the journal knows.
fn warn_of_a_second(
    decision: Decision,
    item: &Item,
    tag: &Tag,
    live: &LiveOrder,
    account: Option<&ObservedAccount>,
) -> Decision {
    let others: Vec<String> = account
        .and_then(|account| account.tags.get(tag))
        .into_iter()
        .flat_map(|lookup| &lookup.orders)
        .filter(|hit| hit.order_id != live.order_id)
        .map(|hit| hit.order_id.to_string())
        .collect();
    if others.is_empty() {
        return decision;
    }
    let others = others.join(", ");
    decision.warn(format!(
        "bought twice: order {others} carries the tag of {} as well, whose order is {}; cancel or revoke what is too many at the CA",
        item.address, live.order_id
    ))
}

/// An earlier attempt whose outcome is not recorded.
pub(super) fn settle(item: &Item, open: &crate::model::OpenOperation) -> Decision {
    let what = open.attempt.kind.word();
    let reason = match &open.phase {
        Phase::Sending => format!(
            "a run ended after it had written down this {what} and before it knew the outcome"
        ),
        Phase::InDoubt { why, .. } => format!("the outcome of an earlier {what} is unknown: {why}"),
        Phase::Parked { why, .. } => format!("a person must settle an earlier {what}: {why}"),
    };
    let mut decision = Decision::new(item, Action::Settle, reason);
    decision.step.waits_for = match &open.phase {
        Phase::Parked { .. } => Some(format!("`certplan resolve {}`", item.address)),
        Phase::Sending | Phase::InDoubt { .. } => None,
    };
    decision
}

fn decide_new(
    inputs: &Inputs<'_>,
    item: &Item,
    order: &Order,
    tag: &Tag,
    operation: Operation,
    account: Option<&ObservedAccount>,
    index: &NameIndex<'_>,
) -> Decision {
    let record = inputs.records.get(&item.address);
    let hits = account
        .and_then(|account| account.tags.get(tag))
        .map(|lookup| &lookup.orders[..]);
    match (hits, account) {
        (Some([hit]), Some(account)) => {
            if index.is_bound(&hit.order_id) {
                return bound_elsewhere(inputs, item, &hit.order_id);
            }
            return decide_tagged(inputs, item, order, tag, account, &hit.order_id);
        }
        (Some(many), _) if many.len() > 1 => {
            let ids: Vec<String> = many.iter().map(|hit| hit.order_id.to_string()).collect();
            let reason = format!("orders {} all carry this name's tag", ids.join(", "));
            return Decision::new(item, Action::Wait, reason.clone()).warn(format!(
                "{reason}: cancel what is too many at the CA, then `certplan import {} ID`",
                item.address
            ));
        }
        _ => {}
    }
    let renewal = order.renewal_of.is_some();
    let ended = record.and_then(|record| record.live.as_ref());
    let failure = record.and_then(|record| record.failure.as_ref());
    let reason = match (ended, failure) {
        (_, Some(failure)) => format!(
            "asked for again: the CA refused it on {} ({})",
            failure.at.strftime("%Y-%m-%d"),
            failure.message
        ),
        (Some(live), None) => {
            format!(
                "generation {} takes the place of order {}",
                order.generation, live.order_id
            )
        }
        (None, None) if inputs.offline => "not in the journal; the CA was not asked".to_owned(),
        (None, None) => "nothing at the CA answers to this name".to_owned(),
    };
    let action = if renewal {
        Action::Renew
    } else {
        Action::Order
    };
    let mut decision = Decision::new(item, action, reason);
    decision.step.operation = Some(operation);
    let similar: Vec<&ObservedOrder> = index
        .similar(order)
        .into_iter()
        .filter(|similar| !inputs.is_renewed_by(order, &similar.id))
        .collect();
    if !similar.is_empty() {
        let ids: Vec<String> = similar
            .iter()
            .take(5)
            .map(|order| order.id.to_string())
            .collect();
        let more = if similar.len() > 5 { " and more" } else { "" };
        decision = decision.warn(format!(
            "the account already has a similar order without our tag: {}{more}; to use it instead of buying, `certplan import {} ID`",
            ids.join(", "),
            item.address
        ));
    }
    decision
}

/// The order that carries this name's tag stands for another name: two names never share an order.
fn bound_elsewhere(inputs: &Inputs<'_>, item: &Item, id: &OrderId) -> Decision {
    let other = inputs.records.iter().find(|(address, record)| {
        **address != item.address
            && record
                .live
                .as_ref()
                .is_some_and(|live| live.order_id == *id)
    });
    let name = other.map_or_else(
        || "this name's earlier generation".to_owned(),
        |(address, _)| address.to_string(),
    );
    let reason = format!("order {id} carries this name's tag, but it is bound to {name}");
    Decision::new(item, Action::Wait, reason.clone()).warn(format!(
        "{reason}; nothing is ordered for this name as long as that is so"
    ))
}

/// One order carries the tag: adopt it if it is what is wanted.
fn decide_tagged(
    inputs: &Inputs<'_>,
    item: &Item,
    order: &Order,
    tag: &Tag,
    account: &ObservedAccount,
    id: &OrderId,
) -> Decision {
    let Some(Some(detail)) = account.details.get(id) else {
        let reason = format!("order {id} carries this name's tag, but it could not be read");
        return Decision::new(item, Action::Wait, reason.clone()).warn(reason);
    };
    let different = differences(order, detail);
    if !different.is_empty() {
        let reason = format!(
            "order {id} carries this name's tag, but it differs: {}",
            different.join("; ")
        );
        return Decision::new(item, Action::Wait, reason.clone()).warn(format!(
            "{reason}; if it is the right one, `certplan import {} {id}`",
            item.address
        ));
    }
    let mut decision = Decision::new(item, Action::Adopt, format!("order {id} carries our tag"));
    decision.step.news = vec![
        FactBody::Adopted {
            order_id: id.clone(),
            certificate_id: detail.certificate_id.clone(),
            generation: order.generation,
            tag: Some(tag.clone()),
            certificate: Some(order.certificate.digest()),
            terms: Some(order.terms()),
            evidence: Untrusted::new("found by its tag; product, names and key agree"),
        },
        seen(detail),
    ];
    decision.step.order_id = Some(id.clone());
    decision
        .step
        .certificate_id
        .clone_from(&detail.certificate_id);
    let state = live_state(&detail.status);
    if state == LiveState::Requested {
        decision.step.waits_for = Some(waiting_words(Some(&detail.status), None));
    }
    decision.step.reached = reached(&state);
    if is_over(detail, inputs.today()) {
        let next = order.generation.saturating_add(1);
        decision = decision.warn(format!(
            "order {id} carries our tag and is over: nothing is bought in its place until the entry says `generation: {next}`"
        ));
    }
    decision
}
