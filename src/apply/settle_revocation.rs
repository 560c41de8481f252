//! Doubt about a revocation: settled by reading its order.

use super::context::{Context, Finished, Lane};
use super::place::not_recorded;
use super::settle::unsettled;
use crate::model::{
    CertificateState, FactBody, ObservedOrder, OperationKind, OrderStatus, Part, RequestKind,
    RequestStatus, RevokeOperation, Untrusted,
};
use crate::plan::Step;
use crate::provider::Depth;

/// A revocation in doubt is settled by reading: in force, asked for, or neither (`Ok(true)`: it may be
/// asked for again; its target is fixed, so asking twice revokes nothing more).
pub(super) async fn settle_revocation(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &RevokeOperation,
) -> Result<bool, Box<Finished>> {
    let Some(open) = context.record_of(&step.address).open else {
        return Ok(true);
    };
    let Some(part) = open.attempt.part.clone() else {
        return Ok(true);
    };
    if open.attempt.kind != OperationKind::Revoke {
        return Ok(true);
    }
    let order = match lane
        .act
        .order(&operation.order_id, Depth::Certificates)
        .await
    {
        Ok(Some(order)) => order,
        Ok(None) => {
            let why = unsettled(step, "the CA shows no such order");
            return Err(Box::new(Finished::unknown(step, why)));
        }
        Err(error) => {
            return Err(Box::new(Finished::unknown(
                step,
                unsettled(step, &error.to_string()),
            )));
        }
    };
    let fact = part_fact(&order, &part).unwrap_or_else(|| FactBody::Dead {
        evidence: Untrusted::new("the order shows neither a revocation nor a request for one"),
    });
    let dead = matches!(fact, FactBody::Dead { .. });
    match context.write(step, vec![fact]).await {
        Ok(()) => Ok(dead),
        Err(error) => Err(Box::new(not_recorded(step, &error))),
    }
}

/// What a read says of one call of a revocation; `None` when it shows no effect.
pub(super) fn part_fact(order: &ObservedOrder, part: &Part) -> Option<FactBody> {
    let certificates = order.certificates.as_deref().unwrap_or_default();
    let any = |state: &CertificateState| {
        certificates.iter().any(|one| {
            one.state == *state
                && match part {
                    Part::Order => true,
                    Part::Certificate(id) => one.id == *id,
                }
        })
    };
    // Of a whole order the slowest certificate counts.
    let in_force = any(&CertificateState::Issued);
    let pending = any(&CertificateState::RevocationPending)
        || (*part == Part::Order && order.status == OrderStatus::RevocationPending);
    let revoked = any(&CertificateState::Revoked) && !in_force && !pending;
    if order.status == OrderStatus::Revoked || revoked {
        return Some(FactBody::Revoked);
    }
    if pending && !in_force {
        return Some(FactBody::Requested { request_id: None });
    }
    order
        .requests
        .iter()
        .flatten()
        .find(|request| {
            request.kind == RequestKind::Revoke
                && matches!(
                    request.status,
                    RequestStatus::Pending | RequestStatus::Submitted
                )
        })
        .map(|request| FactBody::Requested {
            request_id: Some(request.id.clone()),
        })
}
