//! The decision table for an order: (wanted, record, observed) -> action and reason.

use std::collections::BTreeSet;

use super::make::{Decision, Inputs};
use super::matching::{NameIndex, differences, is_past, name_drift};
use super::revoked::RevokedOrders;
use super::{Action, Change};
use crate::model::{
    Address, CertificateKind, CertificatePin, CertificateState, Ending, FactBody, Item, ItemName,
    LiveOrder, LiveState, ObservedAccount, ObservedOrder, Operation, Order, OrderId,
    OrderOperation, OrderStatus, Phase, Record, Records, ReissueOperation, RenewalOf, RequestId,
    Tag, TagParts, Until, Untrusted,
};

/// How long a new order may be missing from the CA's lists before that is worth a warning.
/// Assumption: CertCentral documents no delay between an order and its first listing.
const LIST_LAG_SECONDS: i64 = 15 * 60;

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

/// True when the journal knows no order that answers to the wanted generation.
pub(super) fn needs_new_order(order: &Order, record: Option<&Record>) -> bool {
    match record.and_then(|record| record.live.as_ref()) {
        None => true,
        Some(live) => {
            matches!(live.state, LiveState::Ended(_)) && order.generation > live.generation
        }
    }
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
        && !needs_new_order(order, record)
    {
        return decide_live(inputs, item, order, live, account, revoked);
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
            (crate::model::OperationKind::Reissue, Some(order_id)) => {
                Some(reissue_operation(order_id, order, Vec::new()))
            }
            _ => Some(operation()),
        };
        decision.step.order_id = record
            .and_then(|record| record.live.as_ref())
            .map(|live| live.order_id.clone());
        return decision;
    }
    decide_new(inputs, item, order, &tag, operation(), account, index)
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
            return decide_tagged(item, order, tag, account, &hit.order_id);
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

/// One order carries the tag: adopt it if it is what is wanted.
fn decide_tagged(
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
    decision.step.reached = reached(&live_state(&detail.status));
    decision
}

fn decide_live(
    inputs: &Inputs<'_>,
    item: &Item,
    order: &Order,
    live: &LiveOrder,
    account: Option<&ObservedAccount>,
    revoked: &RevokedOrders<'_>,
) -> Decision {
    let id = &live.order_id;
    let observed = account.and_then(|account| {
        account
            .orders
            .get(id)
            .or_else(|| account.details.get(id).and_then(Option::as_ref))
    });
    let state = observed.map_or_else(
        || live.state.clone(),
        |observed| live_state(&observed.status),
    );
    let valid_till = observed
        .and_then(|observed| observed.valid_till.as_deref())
        .or(live.valid_till.as_deref());
    let mut decision = match &state {
        LiveState::Requested => {
            let status =
                observed.map_or_else(String::new, |observed| status_words(&observed.status));
            let mut decision = Decision::new(
                item,
                Action::Wait,
                format!("order {id} is asked for, not issued{status}"),
            );
            decision.step.waits_for = Some(waiting_words(
                observed.map(|observed| &observed.status),
                live.request_id.as_ref(),
            ));
            decision
        }
        LiveState::Reissuing => {
            let mut decision = Decision::new(
                item,
                Action::Wait,
                format!("a reissue of order {id} is under way"),
            );
            decision.step.waits_for = Some("the reissue".to_owned());
            decision
        }
        LiveState::Issued => decide_in_force(inputs, item, order, live, observed, valid_till),
        LiveState::Ended(ending) => decide_ended(item, order, live, *ending, revoked),
    };
    let step = &mut decision.step;
    step.order_id = Some(id.clone());
    step.certificate_id = observed
        .and_then(|observed| observed.certificate_id.clone())
        .or_else(|| live.certificate_id.clone());
    if step.request_id.is_none() && state == LiveState::Requested {
        step.request_id.clone_from(&live.request_id);
    }
    step.reached = reached(&state);
    if let Some(observed) = observed
        && is_news(live, observed)
    {
        step.news.push(seen(observed));
    }
    let missing = account.is_some() && observed.is_none();
    let age = inputs.now.as_second() - live.since.as_second();
    if missing && age > LIST_LAG_SECONDS {
        return decision.warn(format!(
            "order {id} is in the journal, but this key does not see it at the CA; nothing is ordered in its place"
        ));
    }
    decision
}

fn decide_in_force(
    inputs: &Inputs<'_>,
    item: &Item,
    order: &Order,
    live: &LiveOrder,
    observed: Option<&ObservedOrder>,
    valid_till: Option<&str>,
) -> Decision {
    let id = &live.order_id;
    let drift = observed.and_then(|observed| name_drift(order, observed));
    let changed = match live.certificate {
        Some(digest) => digest != order.certificate.digest(),
        // Adopted without knowing what it was ordered with: what the CA shows decides.
        None => drift.is_some(),
    };
    if changed {
        let collateral = drift_collateral(order, observed);
        let mut decision = Decision::new(
            item,
            Action::Reissue,
            format!("the names or the key in the manifest are not those of order {id}"),
        );
        decision.step.changes = vec![Change {
            member: "certificate".to_owned(),
            old: observed.map(|observed| observed.names.join(", ")),
            new: Some(order.certificate.names().join(", ")),
        }];
        decision.step.revokes.clone_from(&collateral);
        decision.step.operation = Some(reissue_operation(id, order, collateral));
        return decision;
    }
    let mut decision = Decision::new(item, Action::Keep, format!("order {id} is in force"));
    if let Some(missing) = drift {
        decision = decision.warn(format!(
            "order {id} was changed outside: it does not show {}",
            missing.join(", ")
        ));
    }
    if live.terms.is_some_and(|terms| terms != order.terms()) {
        decision = decision.warn(format!(
            "product, organization, container, validity or payment differ from what order {id} was placed with: they come into force with its next renewal"
        ));
    }
    if is_past(valid_till, inputs.today()) {
        decision = decision.warn(format!(
            "the certificate of order {id} ran out on {}: add an order with `renewal_of: {}`",
            valid_till.unwrap_or_default(),
            item.address.name()
        ));
    }
    decision
}

/// Certificates that a reissue takes down: CertCentral revokes the original when names go away.
fn drift_collateral(order: &Order, observed: Option<&ObservedOrder>) -> Vec<CertificatePin> {
    let Some(observed) = observed else {
        return Vec::new();
    };
    let wanted = order.certificate.names();
    let taken_away = observed
        .names
        .iter()
        .any(|name| !name.contains('@') && !wanted.contains(name));
    if !taken_away {
        return Vec::new();
    }
    if let Some(certificates) = &observed.certificates {
        return certificates
            .iter()
            .filter(|one| one.state == CertificateState::Issued)
            .map(super::revocation::pin)
            .collect();
    }
    observed
        .certificate_id
        .iter()
        .map(|id| CertificatePin {
            certificate_id: id.clone(),
            serial_number: observed.serial_number.clone(),
            names: observed.names.clone(),
            valid_till: observed.valid_till.clone(),
            kind: CertificateKind::Original,
        })
        .collect()
}

fn decide_ended(
    item: &Item,
    order: &Order,
    live: &LiveOrder,
    ending: Ending,
    revoked: &RevokedOrders<'_>,
) -> Decision {
    let id = &live.order_id;
    if ending == Ending::Revoked && revoked.contains(item, id) {
        return Decision::new(
            item,
            Action::Keep,
            format!("order {id} is revoked, as the manifest asks"),
        );
    }
    let reason = format!("order {id} is {}", ending.word());
    let mut decision = Decision::new(item, Action::Wait, reason.clone());
    decision.step.waits_for = Some(format!("`generation: {}`", order.generation + 1));
    decision.warn(format!(
        "{reason}; it is not bought again until the entry says `generation: {}`",
        order.generation.max(live.generation) + 1
    ))
}

fn reissue_operation(id: &OrderId, order: &Order, collateral: Vec<CertificatePin>) -> Operation {
    Operation::Reissue(Box::new(ReissueOperation {
        order_id: id.clone(),
        order: order.clone(),
        collateral,
    }))
}

/// How far an order has come, in the words of `until`; `None` for one that is over: nothing may build
/// on it.
pub(super) fn reached(state: &LiveState) -> Option<Until> {
    match state {
        LiveState::Issued | LiveState::Reissuing => Some(Until::Issued),
        LiveState::Requested => Some(Until::Submitted),
        LiveState::Ended(_) => None,
    }
}

/// The journal's word for a status. A word that certplan does not know is in progress: never a
/// success, never a failure.
pub fn live_state(status: &OrderStatus) -> LiveState {
    match status {
        OrderStatus::Pending(_) | OrderStatus::Other(_) => LiveState::Requested,
        OrderStatus::Issued => LiveState::Issued,
        OrderStatus::ReissuePending => LiveState::Reissuing,
        OrderStatus::Rejected => LiveState::Ended(Ending::Rejected),
        OrderStatus::Canceled => LiveState::Ended(Ending::Canceled),
        OrderStatus::Revoked | OrderStatus::RevocationPending => LiveState::Ended(Ending::Revoked),
        OrderStatus::Expired => LiveState::Ended(Ending::Expired),
    }
}

/// What an order that is not issued waits for, in the CA's own words where it says more than that.
pub fn waiting_words(status: Option<&OrderStatus>, request: Option<&RequestId>) -> String {
    let word = match status {
        Some(OrderStatus::Pending(word) | OrderStatus::Other(word)) => word.raw(),
        _ => "",
    };
    match (word, request) {
        ("waiting_pickup", _) => "the recipient, who picks it up by e-mail".to_owned(),
        ("needs_csr", _) => "a CSR".to_owned(),
        ("processing" | "approved", _) => "validation or issuance".to_owned(),
        (_, Some(request)) => format!("approval of request {request}, validation or issuance"),
        (_, None) => "approval, validation or issuance".to_owned(),
    }
}

fn status_words(status: &OrderStatus) -> String {
    match status {
        OrderStatus::Pending(word) => format!(" (the CA says {word})"),
        OrderStatus::Other(word) => {
            format!(" (the CA says {word}, which certplan does not know)")
        }
        _ => String::new(),
    }
}

fn is_news(live: &LiveOrder, observed: &ObservedOrder) -> bool {
    let differs = |new: Option<&str>, old: Option<&str>| new.is_some() && new != old;
    live_state(&observed.status) != live.state
        || differs(
            observed.certificate_id.as_ref().map(|id| id.as_str()),
            live.certificate_id.as_ref().map(|id| id.as_str()),
        )
        || differs(observed.valid_till.as_deref(), live.valid_till.as_deref())
}

/// The fact that a read of a live order leaves in the journal.
pub fn seen(observed: &ObservedOrder) -> FactBody {
    FactBody::Seen {
        state: live_state(&observed.status),
        certificate_id: observed.certificate_id.clone(),
        serial_number: observed.serial_number.clone(),
        valid_till: observed.valid_till.clone(),
    }
}
