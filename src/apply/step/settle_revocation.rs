//! Doubt about a revocation: settled by reading its order.

use super::Work;
use super::settled::{Settled, unsettled};
use crate::apply::ended::StepEnd;
use crate::model::{
    CertificateState, FactBody, ObservedOrder, ObservedRequest, OrderStatus, Part, RequestId,
    RequestKind, Untrusted,
};
use crate::provider::Depth;

/// A revocation in doubt is settled by reading: in force, asked for, or neither. What neither shows may be
/// asked for again, because its target is fixed: asking twice revokes nothing more. Not in the run in which the CA
/// `answered` with a success that cannot be read: it may be at work.
pub(super) async fn settle_revocation(work: Work<'_>, answered: bool) -> Result<Settled, StepEnd> {
    let step = work.step;
    let Some(open) = work.record().open else {
        return Ok(Settled::ProvedDead);
    };
    let (Some(order_id), Some(part)) = (&open.attempt.order_id, &open.attempt.part) else {
        let why = unsettled(step, "the journal does not say what it was about");
        return Ok(Settled::Open(StepEnd::for_a_person(step, why)));
    };
    let mut order = match work.account.act.order(order_id, Depth::Archived).await {
        Ok(Some(order)) => order,
        Ok(None) => {
            let why = unsettled(step, "the CA shows no such order");
            return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
        }
        Err(error) => {
            let why = unsettled(step, &error.to_string());
            return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
        }
    };
    let ours = Ours {
        known: known_requests(work),
    };
    let mut fact = part_fact(&order, part, Some(&ours));
    if fact.is_none() {
        // The order may not show what waits for an administrator; the list of requests does.
        match work.account.act.revocation_requests().await {
            Ok(all) => {
                let listed = all.into_iter();
                let about_it = listed.filter(|one| one.order_id.as_ref() == Some(order_id));
                add_requests(&mut order, about_it);
                fact = part_fact(&order, part, Some(&ours));
            }
            Err(error) => {
                let why = unsettled(step, &error.to_string());
                return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
            }
        }
    }
    match fact {
        Some(fact) => {
            work.write(vec![fact]).await?;
            Ok(Settled::Taken(work.by_the_journal()))
        }
        None if answered => {
            let why = unsettled(
                step,
                "the CA answered it, and the order shows nothing of it yet: the next run looks again",
            );
            Ok(Settled::Open(StepEnd::in_doubt(step, why)))
        }
        None => {
            let evidence = Untrusted::new(
                "the order shows neither a revocation nor a request that could only be for it",
            );
            work.write(vec![FactBody::Dead { evidence }]).await?;
            Ok(Settled::ProvedDead)
        }
    }
}

/// Adds requests that the order itself does not show.
fn add_requests(order: &mut ObservedOrder, listed: impl Iterator<Item = ObservedRequest>) {
    let shown = order.requests.get_or_insert_default();
    for request in listed {
        if shown.iter().all(|one| one.id != request.id) {
            shown.push(request);
        }
    }
}

/// Every request to revoke that the journal knows: each belongs to a call that was settled.
fn known_requests(work: Work<'_>) -> Vec<RequestId> {
    let records = work.context.run.journal.records();
    records
        .values()
        .flat_map(|record| record.revocation_requests())
        .map(|(_, _, request)| request.clone())
        .collect()
}

/// What tells the request for a call in doubt from the requests for other calls.
pub(in crate::apply) struct Ours {
    /// Requests that belong to calls that were settled.
    known: Vec<RequestId>,
}

impl Ours {
    /// The request that can only be for the call in doubt; `None` where that cannot be told.
    ///
    /// A request shows no certificate. The order and its only certificate in force are one target; where
    /// there are more, a request may be for any of them.
    fn request(&self, order: &ObservedOrder) -> Option<RequestId> {
        let certificates = order.certificates.iter().flatten();
        let in_force = certificates.filter(|one| one.state == CertificateState::Issued);
        if in_force.count() > 1 {
            return None;
        }
        let mut open = order.requests.iter().flatten().filter(|request| {
            request.kind == RequestKind::Revoke
                && request.status.is_undecided()
                && !self.known.contains(&request.id)
        });
        let only = open.next()?;
        open.next().is_none().then(|| only.id.clone())
    }
}

/// What a read says of one call of a revocation; `None` when it shows no effect. A request shows an order
/// and no certificate, so `ours` says which one may be taken for this call; without it none is.
pub(in crate::apply) fn part_fact(
    order: &ObservedOrder,
    part: &Part,
    ours: Option<&Ours>,
) -> Option<FactBody> {
    let certificates = order.certificates.as_deref().unwrap_or_default();
    let any = |state: CertificateState| {
        certificates.iter().any(|one| {
            one.state == state
                && match part {
                    Part::Order => true,
                    Part::Certificate(id) => one.id == *id,
                }
        })
    };
    // Of a whole order the slowest certificate counts.
    let in_force = any(CertificateState::Issued);
    let pending = any(CertificateState::RevocationPending)
        || (*part == Part::Order && order.status == OrderStatus::RevocationPending);
    let revoked = any(CertificateState::Revoked) && !in_force && !pending;
    if order.status == OrderStatus::Revoked || revoked {
        return Some(FactBody::Revoked);
    }
    if pending && !in_force {
        return Some(FactBody::Requested { request_id: None });
    }
    ours?.request(order).map(|id| FactBody::Requested {
        request_id: Some(id),
    })
}
