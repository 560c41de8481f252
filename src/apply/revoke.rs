//! Revocations: read the target again, then intent, call, fact, one call after the other.

use std::collections::BTreeMap;

use super::context::{Context, Finished, Lane};
use super::event::Outcome;
use super::place::{Refusal, backoff, not_recorded, not_sent, refusal};
use super::settle_revocation::{part_fact, settle_revocation};
use crate::model::{
    Attempt, CertificateId, CertificatePin, CertificateState, FactBody, Milestone,
    ObservedCertificate, ObservedOrder, Operation, OperationKind, OrderStatus, Part, PartState,
    Record, RevokeCall, RevokeOperation, RevokeScope,
};
use crate::plan::Step;
use crate::provider::{Depth, ErrorKind, RevokeAnswer, body_digest};

/// Revokes what the plan pinned, and nothing else.
pub(super) async fn revoke(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &RevokeOperation,
) -> Finished {
    let mut server_error = false;
    for part in operation.parts() {
        if is_taken(&context.record_of(&step.address), operation, &part) {
            continue;
        }
        match revoke_part(context, step, lane, operation, &part).await {
            Ok(()) => {}
            Err(finished) => {
                server_error |= finished.server_error;
                let mut finished = *finished;
                finished.server_error = server_error;
                finished.report.revoked = taken(context, step, operation);
                return finished;
            }
        }
    }
    conclude(context, step, operation)
}

/// True for a call that the CA took. One that an administrator declined is open again for a later
/// generation.
fn is_taken(record: &Record, operation: &RevokeOperation, part: &Part) -> bool {
    match record.parts.get(part) {
        None => false,
        Some(PartState::Declined) => operation.generation <= record.parts_generation,
        Some(PartState::Requested { .. } | PartState::Revoked) => true,
    }
}

/// What the journal's parts add up to.
pub(super) fn conclude(context: &Context, step: &Step, operation: &RevokeOperation) -> Finished {
    let record = context.record_of(&step.address);
    let open: Vec<String> = record
        .parts
        .values()
        .filter_map(|state| match state {
            PartState::Requested {
                request_id: Some(id),
            } => Some(format!("an administrator's approval of request {id}")),
            PartState::Requested { request_id: None } => Some("the CA".to_owned()),
            PartState::Revoked | PartState::Declined => None,
        })
        .collect();
    let declined = record
        .parts
        .values()
        .any(|state| *state == PartState::Declined);
    let mut finished = if declined {
        Finished::failed(step, "an administrator refused the revocation")
    } else if open.is_empty() {
        let mut finished = Finished::new(step, Outcome::Done);
        finished.reached = Some(Milestone::Revoked);
        finished
    } else {
        let mut finished = Finished::waiting(step, open.join(", "));
        finished.reached = Some(Milestone::Submitted);
        finished.watch = true;
        finished
    };
    finished.report.order_id = Some(operation.order_id.clone());
    finished.report.request_id = record.parts.values().find_map(|state| match state {
        PartState::Requested { request_id } => request_id.clone(),
        PartState::Revoked | PartState::Declined => None,
    });
    finished.report.revoked = taken(context, step, operation);
    finished
}

/// The pins whose revocation was taken by the CA.
fn taken(context: &Context, step: &Step, operation: &RevokeOperation) -> Vec<CertificatePin> {
    let parts = context.record_of(&step.address).parts;
    let taken = |part: &Part| {
        parts
            .get(part)
            .is_some_and(|state| *state != PartState::Declined)
    };
    let whole = taken(&Part::Order);
    operation
        .pins
        .iter()
        .filter(|pin| whole || taken(&Part::Certificate(pin.certificate_id.clone())))
        .cloned()
        .collect()
}

async fn revoke_part(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &RevokeOperation,
    part: &Part,
) -> Result<(), Box<Finished>> {
    let whole = Operation::Revoke(Box::new(operation.clone()));
    for tried in 1.. {
        if let Some(why) = context.closed(step) {
            return Err(Box::new(Finished::skipped(step, why)));
        }
        let observed = match lane
            .act
            .order(&operation.order_id, Depth::Certificates)
            .await
        {
            Ok(Some(observed)) => observed,
            Ok(None) => {
                return Err(Box::new(changed(
                    step,
                    format!("the CA shows no order {} any more", operation.order_id),
                )));
            }
            Err(error) => return Err(Box::new(Finished::failed(step, error.to_string()))),
        };
        // Revoked meanwhile, by another entry of this plan or outside: nothing is left to ask for.
        if part_fact(&observed, part) == Some(FactBody::Revoked) {
            return Ok(());
        }
        if let Err(why) = compare(operation, part, &observed) {
            return Err(Box::new(changed(step, why)));
        }
        let permit = match context.permit(step, lane).await {
            Ok(permit) => permit,
            Err(why) => return Err(Box::new(Finished::skipped(step, why))),
        };
        let attempt = Attempt {
            kind: OperationKind::Revoke,
            part: Some(part.clone()),
            number: context.record_of(&step.address).attempts.saturating_add(1),
            generation: operation.generation,
            order_id: Some(operation.order_id.clone()),
            tag: None,
            body: body_digest(&lane.provider, &whole, Some(part), None),
            certificate: None,
            terms: None,
        };
        if let Err(error) = context.write(step, vec![FactBody::Intended(attempt)]).await {
            return Err(Box::new(not_sent(step, &error)));
        }
        match lane
            .act
            .revoke(permit, RevokeCall { operation, part })
            .await
        {
            Ok(answer) => {
                let (fact, request) = match answer {
                    RevokeAnswer::Requested { request_id, .. } => {
                        let fact = FactBody::Requested {
                            request_id: request_id.clone(),
                        };
                        (fact, request_id)
                    }
                    RevokeAnswer::Revoked => (FactBody::Revoked, None),
                };
                return context.write(step, vec![fact]).await.map_err(|error| {
                    let mut finished = not_recorded(step, &error);
                    finished.report.request_id = request;
                    Box::new(finished)
                });
            }
            Err(error) => match refusal(context, step, error, tried).await {
                Refusal::Again(pause) => backoff(context, pause).await,
                Refusal::End(finished) => return Err(finished),
                Refusal::Doubt(why, kind) => {
                    match settle_revocation(context, step, lane, operation).await {
                        // Proved without effect: the next round reads and asks again.
                        Ok(true) if tried < 3 => {}
                        Ok(_) => {
                            if is_taken(&context.record_of(&step.address), operation, part) {
                                return Ok(());
                            }
                            let mut finished = Finished::failed(step, why);
                            finished.server_error = kind == ErrorKind::Server;
                            return Err(Box::new(finished));
                        }
                        Err(finished) => {
                            let mut finished = *finished;
                            finished.server_error = kind == ErrorKind::Server;
                            finished.lost = finished.in_doubt;
                            return Err(Box::new(finished));
                        }
                    }
                }
            },
        }
    }
    Ok(())
}

/// A target that is no longer what the plan saw: nothing is sent.
fn changed(step: &Step, why: String) -> Finished {
    Finished::failed(
        step,
        format!("nothing was sent: {why}, which is not what the plan saw; plan again"),
    )
}

/// Compares a fresh read with the plan's pins. For a whole order the set of certificates in force
/// must be the pinned set, no more and no less.
pub(super) fn compare(
    operation: &RevokeOperation,
    part: &Part,
    observed: &ObservedOrder,
) -> Result<(), String> {
    #[cfg(feature = "planted-bugs")]
    if crate::planted::is("no_pin_check") {
        return Ok(());
    }
    let certificates: BTreeMap<&CertificateId, &ObservedCertificate> = observed
        .certificates
        .iter()
        .flatten()
        .map(|one| (&one.id, one))
        .collect();
    if observed.status == OrderStatus::Revoked {
        return Err(format!("order {} is already revoked", observed.id));
    }
    for pin in &operation.pins {
        if let Part::Certificate(id) = part
            && *id != pin.certificate_id
        {
            continue;
        }
        let Some(now) = certificates.get(&pin.certificate_id) else {
            return Err(format!(
                "order {} does not show certificate {}",
                observed.id, pin.certificate_id
            ));
        };
        if now.state != CertificateState::Issued {
            return Err(format!("certificate {} is no longer in force", now.id));
        }
        if pin.serial_number != now.serial_number {
            return Err(format!("certificate {} has another serial number", now.id));
        }
        if pin.names != now.names && operation.scope == RevokeScope::Certificates {
            return Err(format!("certificate {} has other names", now.id));
        }
    }
    if *part == Part::Order {
        let more = certificates
            .values()
            .filter(|one| one.state == CertificateState::Issued)
            .find(|one| {
                !operation
                    .pins
                    .iter()
                    .any(|pin| pin.certificate_id == one.id)
            });
        if let Some(more) = more {
            return Err(format!(
                "order {} now also has certificate {}",
                observed.id, more.id
            ));
        }
    }
    Ok(())
}
