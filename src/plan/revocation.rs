//! The decision table for a revocation: which certificates will die, and whether to ask.

use super::Action;
use super::asked::{asked_for, part_news};
use super::make::{Decision, Inputs};
use super::order::settle;
use super::target::{Answered, pin, scope_words, select, standing, target_id};
use crate::model::{
    CertificatePin, CertificateState, Item, Milestone, ObservedAccount, ObservedCertificate,
    ObservedOrder, Operation, OrderStatus, PartState, Record, Revocation, RevocationTarget,
    RevokeOperation, RevokeScope, Scope,
};

/// Decides one revocation.
pub(super) fn decide_revocation(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
) -> Decision {
    let record = inputs.records.get(&item.address);
    let mut decision = decide(inputs, item, revocation, record);
    if decision.step.order_id.is_none() {
        decision.step.order_id = target_id(inputs, revocation);
    }
    decision
}

fn decide(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    record: Option<&Record>,
) -> Decision {
    let Some(account) = inputs.observed.accounts.get(&item.account) else {
        return decide_offline(inputs, item, revocation, record);
    };
    let (order, certificates) = match standing(inputs, revocation, account) {
        Answered::Known(order, certificates) => (order, certificates),
        Answered::NoOrder => return no_order(item, revocation),
        Answered::Ask(id) => {
            let reason = format!("order {id} was not read");
            return Decision::new(item, Action::Wait, reason.clone()).warn(reason);
        }
        Answered::Invisible(id) => {
            let reason = format!("the CA shows no order {id} to this key");
            return Decision::new(item, Action::Wait, reason.clone())
                .warn(format!("{reason}: check the id and the key's permissions"));
        }
    };
    let selected = select(revocation, &certificates);
    let dying: Vec<&ObservedCertificate> = selected
        .iter()
        .copied()
        .filter(|one| one.state == CertificateState::Issued)
        .collect();
    let operation = operation(revocation, order, &dying);

    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        let mut decision = settle(item, open);
        decision.step.operation = Some(Operation::Revoke(Box::new(operation)));
        return decision;
    }
    let mut decision = settled(
        inputs, item, revocation, order, &selected, &dying, record, account,
    );
    if decision.step.action == Action::Revoke {
        decision.step.revokes.clone_from(&operation.pins);
        decision.step.certificate_id = match operation.pins.as_slice() {
            [only] => Some(only.certificate_id.clone()),
            _ => None,
        };
        decision.step.operation = Some(Operation::Revoke(Box::new(operation)));
    }
    decision.step.order_id = Some(order.id.clone());
    decision
}

/// The decision when no earlier call is open.
#[expect(
    clippy::too_many_arguments,
    reason = "one row of the table needs all of its columns"
)]
fn settled(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    order: &ObservedOrder,
    selected: &[&ObservedCertificate],
    dying: &[&ObservedCertificate],
    record: Option<&Record>,
    account: &ObservedAccount,
) -> Decision {
    let id = &order.id;
    let in_force = selected.iter().any(|one| {
        matches!(
            one.state,
            CertificateState::Revoked | CertificateState::RevocationPending
        )
    });
    let pending_at_ca = selected
        .iter()
        .any(|one| one.state == CertificateState::RevocationPending)
        || (revocation.scope == Scope::Order && order.status == OrderStatus::RevocationPending);
    let news = part_news(record, revocation, selected, order, account);

    if selected.is_empty() && order.status != OrderStatus::Revoked {
        let reason = format!("order {id} has no {}", scope_words(&revocation.scope));
        return Decision::new(item, Action::Wait, reason.clone()).warn(reason);
    }
    if dying.is_empty() {
        let mut decision = if pending_at_ca {
            let mut decision =
                Decision::new(item, Action::Wait, format!("the CA is revoking order {id}"));
            decision.step.waits_for = Some("the CA's revocation".to_owned());
            decision.step.reached = Some(Milestone::Submitted);
            decision
        } else if in_force || order.status == OrderStatus::Revoked {
            let mut decision = Decision::new(item, Action::Keep, "the revocation is in force");
            decision.step.reached = Some(Milestone::Revoked);
            decision
        } else {
            nothing_in_force(item, order, selected)
        };
        decision.step.news = news;
        return decision;
    }
    if let Some(mut decision) = asked_for(inputs, item, revocation, order, record, account, dying) {
        decision.step.news = news;
        return decision;
    }
    let count = dying.len();
    let certificates = if count == 1 {
        "1 certificate"
    } else {
        "certificates"
    };
    let reason = match revocation.scope {
        Scope::Order if count == 1 => format!("order {id} and its 1 certificate are in force"),
        Scope::Order => format!("order {id} and its {count} certificates are in force"),
        _ if count == 1 => format!("{certificates} of order {id} is in force"),
        _ => format!("{count} {certificates} of order {id} are in force"),
    };
    let mut decision = Decision::new(item, Action::Revoke, reason);
    decision.step.news = news;
    if let Some(failure) = record.and_then(|record| record.failure.as_ref()) {
        decision = decision.warn(format!(
            "the CA refused this revocation on {}: {}",
            failure.at.strftime("%Y-%m-%d"),
            failure.message
        ));
    }
    decision
}

fn nothing_in_force(
    item: &Item,
    order: &ObservedOrder,
    selected: &[&ObservedCertificate],
) -> Decision {
    let id = &order.id;
    let over = matches!(
        order.status,
        OrderStatus::Rejected | OrderStatus::Canceled | OrderStatus::Expired
    ) || selected.iter().all(|one| {
        matches!(
            one.state,
            CertificateState::Expired | CertificateState::Failed
        )
    });
    if over {
        let mut decision = Decision::new(
            item,
            Action::Keep,
            format!("nothing of order {id} is in force"),
        );
        decision.step.reached = Some(Milestone::Revoked);
        decision
    } else {
        let reason = format!("order {id} has no issued certificate yet");
        let mut decision = Decision::new(item, Action::Wait, reason.clone());
        decision.step.waits_for = Some(format!("a certificate of order {id}"));
        decision.warn(format!(
            "{reason}: an order that is still open is withdrawn at the CA, not revoked"
        ))
    }
}

fn operation(
    revocation: &Revocation,
    order: &ObservedOrder,
    dying: &[&ObservedCertificate],
) -> RevokeOperation {
    let mut pins: Vec<CertificatePin> = dying.iter().map(|one| pin(one)).collect();
    pins.sort();
    RevokeOperation {
        order_id: order.id.clone(),
        product: order.product.clone(),
        scope: match revocation.scope {
            Scope::Order => RevokeScope::Order,
            _ => RevokeScope::Certificates,
        },
        reason: revocation.reason,
        comments: revocation.comments.clone(),
        skip_approval: revocation.skip_approval,
        generation: revocation.generation,
        pins,
    }
}

fn no_order(item: &Item, revocation: &Revocation) -> Decision {
    let name = match &revocation.target {
        RevocationTarget::Order(name) => format!("orders.{name}"),
        RevocationTarget::OrderId(id) => id.to_string(),
    };
    let mut decision = Decision::new(
        item,
        Action::Wait,
        format!(
            "{name} has no order at the CA yet: a later plan names the certificates that will die"
        ),
    );
    decision.step.waits_for = Some(format!("the next plan, once {name} has an order"));
    decision
}

/// Without the CA nothing can be pinned: the plan says what the journal knows.
fn decide_offline(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    record: Option<&Record>,
) -> Decision {
    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        return settle(item, open);
    }
    let parts = record.map(|record| &record.parts);
    if parts.is_some_and(|parts| {
        !parts.is_empty() && parts.values().all(|state| *state == PartState::Revoked)
    }) {
        return Decision::new(item, Action::Keep, "the journal has it as in force");
    }
    if parts.is_some_and(|parts| !parts.is_empty()) {
        return Decision::new(item, Action::Wait, "the journal has it as asked for");
    }
    match target_id(inputs, revocation) {
        None => no_order(item, revocation),
        Some(id) => {
            let mut decision = Decision::new(
                item,
                Action::Revoke,
                format!(
                    "not in the journal; the CA was not asked which certificates of order {id} are in force"
                ),
            );
            decision.step.order_id = Some(id);
            decision
        }
    }
}
