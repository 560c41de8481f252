//! Revocations, one call after the other: what the plan pinned, and nothing else.

use std::collections::BTreeMap;

use super::Work;
use super::attempt::{Attempted, Call, Comparison, attempt, backoff};
use super::revoke_parts::{Trouble, parts_of, together};
use super::settle_revocation::{part_fact, settle_revocation};
use super::settled::Settled;
use crate::apply::ended::StepEnd;
use crate::model::{
    Attempt, CertificateId, CertificateKind, CertificatePin, CertificateState, FactBody,
    ObservedCertificate, ObservedOrder, Operation, OperationKind, OrderId, OrderStatus, Part,
    PartState, Provider, Record, Recorded, RequestId, RevokeCall, RevokeOperation, RevokeScope,
    Standing, Why,
};
use crate::provider::{Act, Answer, Depth, ErrorKind, Permit, RevokeAnswer, body_digest};

/// How often a call whose answer was lost is made again in one run, once it is proved to be without effect.
/// Its target is fixed, so asking twice revokes nothing more.
const REPEATS: u32 = 3;

/// One call of a revocation.
struct Revoke<'c> {
    operation: &'c RevokeOperation,
    part: &'c Part,
    provider: &'c Provider,
}

impl Call for Revoke<'_> {
    type Taken = RevokeAnswer;

    fn reads(&self) -> Option<(&OrderId, Depth)> {
        let of = |id: &CertificateId| {
            let mut pins = self.operation.pins.iter();
            pins.any(|pin| pin.certificate_id == *id && pin.kind == CertificateKind::Duplicate)
        };
        let depth = match self.part {
            Part::Certificate(id) if !of(id) => Depth::Certificates,
            Part::Order | Part::Certificate(_) => Depth::Archived,
        };
        Some((&self.operation.order_id, depth))
    }

    fn compare(&self, order: &ObservedOrder) -> Comparison {
        // Revoked meanwhile, by another entry of this plan or outside: nothing is left to ask for.
        if part_fact(order, self.part, None) == Some(FactBody::Revoked) {
            return Comparison::AlreadySo;
        }
        match difference(self.operation, self.part, order) {
            None => Comparison::AsPlanned,
            Some(why) => Comparison::Changed(why),
        }
    }

    fn intent(&self, number: u32, _replaces: Option<CertificateId>) -> Attempt {
        let whole = Operation::Revoke(Box::new(self.operation.clone()));
        Attempt {
            kind: OperationKind::Revoke,
            part: Some(self.part.clone()),
            number,
            generation: self.operation.generation,
            order_id: Some(self.operation.order_id.clone()),
            renews: None,
            why: Why::Change,
            replaces: None,
            tag: None,
            body: body_digest(self.provider, &whole, Some(self.part), None),
            public_key: None,
            certificate: None,
            terms: None,
            asked: None,
        }
    }

    fn send<'a>(
        &'a self,
        act: &'a dyn Act,
        permit: Permit,
        recorded: Recorded,
    ) -> Answer<'a, RevokeAnswer> {
        let call = RevokeCall {
            operation: self.operation,
            part: self.part,
        };
        act.revoke(permit, recorded, call)
    }
}

/// Revokes what the plan pinned.
pub(super) async fn revoke(work: Work<'_>, operation: &RevokeOperation) -> StepEnd {
    let mut gone = Vec::new();
    let mut troubles: Vec<Trouble> = Vec::new();
    let parts = operation.parts();
    for part in &parts {
        if is_taken(&work.record(), operation, part) {
            continue;
        }
        match revoke_part(work, operation, part).await {
            Ok(PartEnd::Taken) => {}
            Ok(PartEnd::AlreadySo) => gone.push(part.clone()),
            Err(end) => {
                // What the CA refuses of one certificate says nothing about the next one.
                let goes_on = end.of_one_call;
                troubles.push((part.clone(), *end));
                if !goes_on {
                    break;
                }
            }
        }
    }
    let record = work.record();
    let reports = parts_of(&record, &operation.order_id, &parts, &gone, &troubles);
    match together(troubles, reports) {
        Some(mut end) => {
            end.revoked = taken(&record, operation);
            end
        }
        None => conclude_with(&record, work, operation, &gone),
    }
}

/// How one call ended well.
enum PartEnd {
    /// The CA took it, now or earlier.
    Taken,
    /// What it would revoke was revoked already.
    AlreadySo,
}

/// True for a call that the CA took. One that an administrator declined is open again for a later
/// generation.
fn is_taken(record: &Record, operation: &RevokeOperation, part: &Part) -> bool {
    let generation = record
        .requested(&operation.order_id)
        .map_or(0, |requested| requested.generation);
    match record.part(&operation.order_id, part) {
        None => false,
        Some(PartState::Declined) => operation.generation <= generation,
        Some(PartState::Requested { .. } | PartState::Revoked) => true,
    }
}

/// What the journal's calls of this operation add up to.
pub(in crate::apply) fn conclude(work: Work<'_>, operation: &RevokeOperation) -> StepEnd {
    conclude_with(&work.record(), work, operation, &[])
}

fn conclude_with(
    record: &Record,
    work: Work<'_>,
    operation: &RevokeOperation,
    gone: &[Part],
) -> StepEnd {
    let mut parts = operation.parts();
    // Calls that an earlier run made belong to the entry as well.
    if let Some(requested) = record.requested(&operation.order_id) {
        let more = requested.parts.keys().filter(|part| !parts.contains(part));
        let more: Vec<Part> = more.cloned().collect();
        parts.extend(more);
    }
    let states = parts
        .iter()
        .filter(|part| !gone.contains(part))
        .map(|part| record.part(&operation.order_id, part));
    let standing = Standing::of_parts(states, operation.generation);
    let mut end = StepEnd::standing(work.step, standing);
    end.order_id = Some(operation.order_id.clone());
    end.request_id = end
        .standing
        .waits()
        .and_then(|cause| cause.request().cloned());
    end.revoked = taken(record, operation);
    end.parts = parts_of(record, &operation.order_id, &parts, gone, &[]);
    end
}

/// The pins whose revocation was taken by the CA.
fn taken(record: &Record, operation: &RevokeOperation) -> Vec<CertificatePin> {
    let taken = |part: &Part| {
        record
            .part(&operation.order_id, part)
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
    work: Work<'_>,
    operation: &RevokeOperation,
    part: &Part,
) -> Result<PartEnd, Box<StepEnd>> {
    let call = Revoke {
        operation,
        part,
        provider: &work.account.provider,
    };
    for tried in 1.. {
        match attempt(work, tried, &call).await {
            Attempted::Taken(answer) => {
                let fact = match answer {
                    RevokeAnswer::Requested { request_id, .. } => {
                        FactBody::Requested { request_id }
                    }
                    RevokeAnswer::Revoked => FactBody::Revoked,
                    RevokeAnswer::Declined { request_id } => {
                        return Err(Box::new(declined(work, operation, part, request_id).await));
                    }
                };
                return match work.write(vec![fact]).await {
                    Ok(()) => Ok(PartEnd::Taken),
                    Err(end) => Err(Box::new(end)),
                };
            }
            Attempted::AlreadySo => return Ok(PartEnd::AlreadySo),
            Attempted::Again(pause) => backoff(work, pause).await,
            Attempted::Over(end) => return Err(end),
            Attempted::InDoubt(why, kind) => {
                let server = kind == ErrorKind::Server;
                // A success that says nothing is no reason to ask again.
                let answered = kind == ErrorKind::Malformed;
                match settle_revocation(work, answered).await {
                    Ok(Settled::Taken(_)) => return Ok(PartEnd::Taken),
                    // The next round reads and asks again.
                    Ok(Settled::ProvedDead) if tried < REPEATS => {}
                    Ok(Settled::ProvedDead) => {
                        let end = StepEnd::failed(work.step, why).after_server_error(server);
                        return Err(Box::new(end));
                    }
                    Ok(Settled::Open(end)) | Err(end) => {
                        return Err(Box::new(end.lost(&why).after_server_error(server)));
                    }
                }
            }
        }
    }
    Ok(PartEnd::AlreadySo)
}

/// The answer itself says that the request is rejected.
async fn declined(
    work: Work<'_>,
    operation: &RevokeOperation,
    part: &Part,
    request_id: RequestId,
) -> StepEnd {
    let why = format!("the CA answered that request {request_id} is rejected");
    let facts = vec![
        FactBody::Requested {
            request_id: Some(request_id),
        },
        FactBody::SeenPart {
            order_id: Some(operation.order_id.clone()),
            part: part.clone(),
            state: PartState::Declined,
        },
    ];
    match work.write(facts).await {
        Ok(()) => {
            let standing = conclude(work, operation).standing;
            StepEnd::failed(work.step, why)
                .standing_at(standing)
                .of_one_call()
        }
        Err(end) => end,
    }
}

/// What a fresh read shows that the plan's pins do not. For a whole order the set of certificates in force
/// must be the pinned set, no more and no less.
fn difference(
    operation: &RevokeOperation,
    part: &Part,
    observed: &ObservedOrder,
) -> Option<String> {
    let id = &observed.id;
    let certificates: BTreeMap<&CertificateId, &ObservedCertificate> = observed
        .certificates
        .iter()
        .flatten()
        .map(|one| (&one.id, one))
        .collect();
    match observed.status {
        OrderStatus::Revoked => return Some(format!("order {id} is already revoked")),
        OrderStatus::ReissuePending => {
            return Some(format!("a reissue of order {id} is under way"));
        }
        OrderStatus::Pending(..)
        | OrderStatus::Issued
        | OrderStatus::Rejected
        | OrderStatus::Canceled
        | OrderStatus::RevocationPending
        | OrderStatus::Expired
        | OrderStatus::Other(_) => {}
    }
    for pin in &operation.pins {
        if let Part::Certificate(wanted) = part
            && *wanted != pin.certificate_id
        {
            continue;
        }
        let Some(now) = certificates.get(&pin.certificate_id) else {
            // Which order a certificate belongs to never changes: the plan asked the CA.
            if pin.kind == CertificateKind::Unlisted {
                continue;
            }
            return Some(format!(
                "order {id} does not show certificate {}",
                pin.certificate_id
            ));
        };
        if now.state != CertificateState::Issued {
            return Some(format!("certificate {} is no longer in force", now.id));
        }
        if pin.serial_number != now.serial_number {
            return Some(format!("certificate {} has another serial number", now.id));
        }
        if pin.names != now.names && operation.scope == RevokeScope::Certificates {
            return Some(format!("certificate {} has other names", now.id));
        }
    }
    if *part != Part::Order {
        return None;
    }
    let pinned = |id: &CertificateId| operation.pins.iter().any(|pin| pin.certificate_id == *id);
    certificates
        .values()
        .filter(|one| one.state == CertificateState::Issued)
        .find(|one| !pinned(&one.id))
        .map(|more| format!("order {id} now also has certificate {}", more.id))
}
