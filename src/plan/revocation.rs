//! The decision table for a revocation: which certificates will die, and whether to ask.

use super::Action;
use super::decided::Decided;
use super::revocation_case::{RevocationCase, Seen};
use super::revocation_requests::part_news;
use super::revocation_unread::{decide_offline, earlier_order, invisible};
use super::revocation_waits::{not_issued, reissue_first, unknown_certificate};
use super::target::{Answered, Target, answered, pin, select, target, targeted};
use super::unlisted::{replaced, unlisted, unnamed_left, with_unnamed};
use crate::model::{
    Address, Cause, CertificatePin, CertificateState, NextRun, ObservedAccount,
    ObservedCertificate, OpenOperation, Operation, OrderId, OrderStatus, Part, Phase, Reason,
    Record, RevocationTarget, RevokeOperation, RevokeScope, Scope, Standing,
};

/// Decides one revocation.
pub(super) fn decide_revocation(case: RevocationCase<'_, '_>) -> Decided {
    let RevocationCase {
        inputs,
        item,
        revocation,
        ..
    } = case;
    if let Some(open) = case.record.and_then(|record| record.open.as_ref()) {
        return settle(case, open);
    }
    let name = revocation.target.name();
    let of_name = |id: Option<&OrderId>| name.map(|_| targeted(name, id, revocation));
    let (id, news) = match target(inputs, item, revocation) {
        Target::Order(id) => {
            // An entry that names another order later starts from nothing: what was meant is written down.
            let known = case.record.and_then(|record| record.target.as_deref());
            let same = known.is_some_and(|known| known.order_id.as_ref() == Some(&id));
            let by_id = name.is_none() && !same;
            let news = by_id.then(|| targeted(None, Some(&id), revocation));
            (id, news)
        }
        Target::New(id) => {
            let news = of_name(Some(&id));
            (id, news)
        }
        Target::Unclear(id, tags) => {
            let lookups = inputs.account(item).map(|account| &account.tags);
            let hits = lookups
                .into_iter()
                .flat_map(|lookups| tags.iter().filter_map(|tag| lookups.get(tag)))
                .flat_map(|lookup| &lookup.orders);
            // The present order may still carry an earlier generation's tag.
            let mut earlier: Vec<OrderId> = hits
                .map(|hit| hit.order_id.clone())
                .filter(|hit| *hit != id)
                .collect();
            // The orders of a chain that was found carry the name's tags as well.
            let named = revocation.target.name();
            let named = named.and_then(|name| inputs.records.get(&Address::Order(name.clone())));
            earlier.extend(named.into_iter().flat_map(Record::found_before).cloned());
            earlier.sort();
            earlier.dedup();
            if !earlier.is_empty() {
                let mut decided = earlier_order(case, Some(&id), earlier);
                decided.step.news = of_name(None).into_iter().collect();
                return decided;
            }
            let news = of_name(Some(&id));
            (id, news)
        }
        Target::Undecided(now) => return earlier_order(case, now.as_ref(), Vec::new()),
        Target::NoOrder(target) => {
            let waits = Cause::NextRun {
                with: NextRun::Target {
                    address: target.clone(),
                },
            };
            return Decided::waiting(item, Reason::NoOrderYet { target }, waits);
        }
    };
    let mut decided = match inputs.account(item) {
        Some(account) => decide_for(case, account, &id),
        None => decide_offline(case, &id),
    };
    if let RevocationTarget::Order(name) = &revocation.target
        && decided.step.standing == Standing::Revoked
        && let Some(now) = inputs.live_order(name)
        && now.order_id != id
    {
        decided.step.reason = Reason::RevokedEarlierOrder {
            order: id.clone(),
            now: now.order_id.clone(),
        };
    }
    decided.step.order_id = Some(id);
    // Without a name it is written down with the first call only.
    let news = news.filter(|_| name.is_some() || decided.step.action == Action::Revoke);
    decided.step.news.splice(0..0, news);
    decided
}

/// An earlier call whose outcome is not recorded. Where the entry is still about the same order, what is
/// left of it follows in the same step.
fn settle(case: RevocationCase<'_, '_>, open: &OpenOperation) -> Decided {
    let standing = match open.phase {
        Phase::Parked { .. } => Standing::Parked,
        Phase::Sending | Phase::InDoubt { .. } => Standing::InDoubt,
    };
    let mut decided = Decided::settle(case.item, open, standing);
    decided.step.order_id.clone_from(&open.attempt.order_id);
    let (Some(id), Some(account)) = (&open.attempt.order_id, case.inputs.account(case.item)) else {
        return decided;
    };
    let same = match target(case.inputs, case.item, case.revocation) {
        Target::Order(target) => target == *id,
        // An entry that was changed meanwhile is for the order of now, not for a later one.
        Target::New(target) => {
            let fact = targeted(
                case.revocation.target.name(),
                Some(&target),
                case.revocation,
            );
            decided.step.news.push(fact);
            target == *id
        }
        Target::Unclear(..) | Target::Undecided(_) | Target::NoOrder(_) => false,
    };
    let scope = &case.revocation.scope;
    let today = case.inputs.today(&case.item.account);
    if same && let Answered::Known(order, mut certificates) = answered(account, id, scope, today) {
        certificates.extend(replaced(case, order, &certificates));
        certificates.extend(unlisted(case, account, order, &certificates));
        let selected = select(scope, &certificates);
        let dying = in_force(&selected);
        let seen = Seen {
            order,
            selected: &selected,
            dying: &dying,
        };
        decided.step.operation = Some(Operation::Revoke(Box::new(operation(case, seen))));
    }
    decided
}

fn in_force<'s>(selected: &[&'s ObservedCertificate]) -> Vec<&'s ObservedCertificate> {
    selected
        .iter()
        .copied()
        .filter(|one| one.state == CertificateState::Issued)
        .collect()
}

fn decide_for(case: RevocationCase<'_, '_>, account: &ObservedAccount, id: &OrderId) -> Decided {
    let RevocationCase {
        inputs,
        item,
        revocation,
        ..
    } = case;
    let scope = &revocation.scope;
    let (order, mut certificates) = match answered(account, id, scope, inputs.today(&item.account))
    {
        Answered::Known(order, certificates) => (order, certificates),
        Answered::Ask => {
            let order = id.clone();
            let waits = Cause::NextRun {
                with: NextRun::Read {
                    order: order.clone(),
                },
            };
            return Decided::waiting(item, Reason::NotRead { order }, waits)
                .warn(format!("order {id} was not read"));
        }
        Answered::Invisible => return invisible(case, id),
    };
    certificates.extend(replaced(case, order, &certificates));
    certificates.extend(unlisted(case, account, order, &certificates));
    let selected = select(scope, &certificates);
    let dying = in_force(&selected);
    let seen = Seen {
        order,
        selected: &selected,
        dying: &dying,
    };
    let mut decided = decide_seen(case, seen);
    if decided.step.action == Action::Revoke {
        let operation = operation(case, seen);
        decided.step.revokes.clone_from(&operation.pins);
        if revocation.scope == Scope::Order {
            decided = with_unnamed(decided, order, &certificates);
        }
        decided.step.certificate_id = match operation.pins.as_slice() {
            [only] => Some(only.certificate_id.clone()),
            _ => None,
        };
        decided.step.operation = Some(Operation::Revoke(Box::new(operation)));
    } else if revocation.scope == Scope::Order && decided.step.standing == Standing::Revoked {
        decided = unnamed_left(decided, order, &certificates);
    }
    decided
}

/// The decision when no earlier call is open.
fn decide_seen(case: RevocationCase<'_, '_>, seen: Seen<'_>) -> Decided {
    let RevocationCase {
        item, revocation, ..
    } = case;
    let Seen {
        order,
        selected,
        dying,
    } = seen;
    let id = order.id.clone();
    let news = part_news(case, seen);
    let one = match revocation.scope {
        Scope::CertificateId(_) | Scope::SerialNumber(_) | Scope::CertificateNo(_) => true,
        Scope::Order | Scope::Duplicates => false,
    };
    if selected.is_empty() && (one || order.status != OrderStatus::Revoked) {
        return unknown_certificate(case, order);
    }
    let mut decided = if dying.is_empty() {
        nothing_dies(case, seen)
    } else if order.status == OrderStatus::ReissuePending {
        reissue_first(item, order)
    } else if let Some(decided) = super::revocation_requests::asked_for(case, seen) {
        decided
    } else if let Some(decided) = super::unlisted::refused(case, seen) {
        decided
    } else {
        let remaining = remaining(case, seen);
        let reason = Reason::Revokes {
            order: id,
            whole: revocation.scope == Scope::Order,
            certificates: u32::try_from(remaining.len()).unwrap_or(u32::MAX),
        };
        let decided = Decided::new(item, Action::Revoke, reason, Standing::NotRevoked);
        match case.record.and_then(|record| record.failure.as_ref()) {
            Some(failure) => decided.warn(format!(
                "the CA refused this revocation on {}: {}",
                failure.at.strftime("%Y-%m-%d"),
                failure.message
            )),
            None => decided,
        }
    };
    decided.step.news = news;
    decided
}

/// None of the certificates that the scope names is in force.
fn nothing_dies(case: RevocationCase<'_, '_>, seen: Seen<'_>) -> Decided {
    let Seen {
        order, selected, ..
    } = seen;
    let (item, id) = (case.item, order.id.clone());
    let any = |state: CertificateState| selected.iter().any(|one| one.state == state);
    let pending = any(CertificateState::RevocationPending)
        || (case.revocation.scope == Scope::Order
            && order.status == OrderStatus::RevocationPending);
    if pending {
        let standing = Standing::RevocationRequested {
            waits: Cause::Revoking,
        };
        return Decided::new(item, Action::Wait, Reason::Revoking { order: id }, standing);
    }
    if any(CertificateState::Revoked) || order.status == OrderStatus::Revoked {
        let reason = Reason::RevocationInForce;
        return Decided::new(item, Action::Keep, reason, Standing::Revoked);
    }
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
        let reason = Reason::NothingInForce { order: id };
        Decided::new(item, Action::Keep, reason, Standing::Revoked)
    } else {
        not_issued(case, order)
    }
}

/// The certificates whose revocation was not asked for yet.
fn remaining<'s>(case: RevocationCase<'_, '_>, seen: Seen<'s>) -> Vec<&'s ObservedCertificate> {
    let whole = case.revocation.scope == Scope::Order;
    let asked = |one: &ObservedCertificate| {
        let part = Part::Certificate(one.id.clone());
        case.part(&seen.order.id, &part).is_some()
    };
    seen.dying
        .iter()
        .copied()
        .filter(|one| whole || !asked(one))
        .collect()
}

fn operation(case: RevocationCase<'_, '_>, seen: Seen<'_>) -> RevokeOperation {
    let revocation = case.revocation;
    let mut pins: Vec<CertificatePin> = remaining(case, seen).into_iter().map(pin).collect();
    pins.sort();
    RevokeOperation {
        order_id: seen.order.id.clone(),
        product: seen.order.product.clone(),
        scope: match revocation.scope {
            Scope::Order => RevokeScope::Order,
            Scope::CertificateId(_)
            | Scope::SerialNumber(_)
            | Scope::Duplicates
            | Scope::CertificateNo(_) => RevokeScope::Certificates,
        },
        reason: revocation.reason,
        comments: revocation.comments.clone(),
        skip_approval: revocation.skip_approval,
        generation: revocation.generation,
        pins,
    }
}
