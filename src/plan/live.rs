//! The decision table for a name whose order is known: keep it, reissue it, or wait.

use super::make::{Decision, Inputs};
use super::matching::{is_past, name_drift};
use super::order::bound_order;
use super::revoked::RevokedOrders;
use super::standing::{is_news, live_state, reached, seen, status_words, waiting_words};
use super::{Action, Change};
use crate::model::{
    CertificateKind, CertificatePin, CertificateState, Ending, Item, LiveOrder, LiveState,
    ObservedAccount, ObservedOrder, Operation, Order, OrderId, ReissueOperation,
};

/// How long a new order may be missing from the CA's lists before that is worth a warning.
/// Assumption: CertCentral documents no delay between an order and its first listing.
const LIST_LAG_SECONDS: i64 = 15 * 60;

pub(super) fn decide_live(
    inputs: &Inputs<'_>,
    item: &Item,
    order: &Order,
    live: &LiveOrder,
    account: Option<&ObservedAccount>,
    revoked: &RevokedOrders<'_>,
) -> Decision {
    let id = &live.order_id;
    let observed = bound_order(account, id);
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
        LiveState::Issued => decide_in_force(inputs, item, order, live, account, valid_till),
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
    account: Option<&ObservedAccount>,
    valid_till: Option<&str>,
) -> Decision {
    let id = &live.order_id;
    let observed = bound_order(account, id);
    let drift = observed.and_then(|observed| name_drift(order, observed));
    if is_changed(order, live, observed) {
        // The list shows one certificate of an order; only a full read shows all that would go.
        let in_full = account.and_then(|account| account.details.get(id)?.as_ref());
        let collateral = collateral(order, in_full.or(observed));
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

/// True when the certificate that is wanted is not the one that was asked for.
pub(super) fn is_changed(
    order: &Order,
    live: &LiveOrder,
    observed: Option<&ObservedOrder>,
) -> bool {
    match live.certificate {
        Some(digest) => digest != order.certificate.digest(),
        // Adopted without knowing what it was ordered with: what the CA shows decides.
        None => observed.is_some_and(|observed| name_drift(order, observed).is_some()),
    }
}

/// True when a reissue would take down more than the list shows: the order must be read in full.
pub(super) fn must_be_read(order: &Order, live: &LiveOrder, account: &ObservedAccount) -> bool {
    let Some(observed) = account.orders.get(&live.order_id) else {
        return false;
    };
    let alone = observed.duplicates == Some(0) && observed.reissues == Some(0);
    live_state(&observed.status) == LiveState::Issued
        && observed.certificates.is_none()
        && !alone
        && !account.details.contains_key(&live.order_id)
        && is_changed(order, live, Some(observed))
        && takes_names_away(order, observed)
}

/// True when the CA shows a name that is no longer wanted.
/// Assumption: an e-mail address that goes away counts like a DNS name; the documents speak of names.
fn takes_names_away(order: &Order, observed: &ObservedOrder) -> bool {
    let wanted = order.certificate.names();
    observed.names.iter().any(|name| !wanted.contains(name))
}

/// Certificates that a reissue takes down: CertCentral revokes the original, its duplicates and
/// earlier reissues when names go away.
fn collateral(order: &Order, observed: Option<&ObservedOrder>) -> Vec<CertificatePin> {
    let Some(observed) = observed else {
        return Vec::new();
    };
    if !takes_names_away(order, observed) {
        return Vec::new();
    }
    if let Some(certificates) = &observed.certificates {
        return certificates
            .iter()
            .filter(|one| one.state == CertificateState::Issued)
            .map(super::target::pin)
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
    let next = order.generation.max(live.generation).saturating_add(1);
    let mut decision = Decision::new(item, Action::Wait, reason.clone());
    decision.step.waits_for = Some(format!("`generation: {next}`"));
    decision.warn(format!(
        "{reason}; it is not bought again until the entry says `generation: {next}`"
    ))
}

pub(super) fn reissue_operation(
    id: &OrderId,
    order: &Order,
    collateral: Vec<CertificatePin>,
) -> Operation {
    Operation::Reissue(Box::new(ReissueOperation {
        order_id: id.clone(),
        order: order.clone(),
        collateral,
    }))
}
