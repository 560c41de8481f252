//! Reissues. A reissue that takes names away revokes what has them, so the order is read again right
//! before the call, as for a revocation.

use std::collections::BTreeSet;

use super::Work;
use super::attempt::{Attempted, Call, Comparison, attempt, backoff};
use super::keys::with_key;
use super::order::accepted;
use super::settle::{asked_again, doubted, settle_reissue};
use super::settled::Settled;
use crate::apply::ended::StepEnd;
use crate::model::{
    Asked, Attempt, CertificateId, CertificateState, ObservedOrder, Operation, OperationKind,
    OrderId, OrderStatus, Provider, Recorded, ReissueOperation,
};
use crate::provider::{Act, Answer, Depth, ErrorKind, Permit, Placed, body_digest};

/// The call that reissues an order.
struct Reissue<'c> {
    operation: &'c ReissueOperation,
    provider: &'c Provider,
}

impl Call for Reissue<'_> {
    type Taken = Placed;

    fn reads(&self) -> Option<(&OrderId, Depth)> {
        let depth = if self.operation.collateral.is_empty() {
            Depth::Order
        } else {
            Depth::Archived
        };
        Some((&self.operation.order_id, depth))
    }

    fn compare(&self, order: &ObservedOrder) -> Comparison {
        match difference(self.operation, order) {
            None => Comparison::AsPlanned,
            Some(why) => Comparison::Changed(why),
        }
    }

    fn intent(&self, number: u32, replaces: Option<CertificateId>) -> Attempt {
        let whole = Operation::Reissue(Box::new(self.operation.clone()));
        let order = &self.operation.order;
        Attempt {
            kind: OperationKind::Reissue,
            part: None,
            number,
            generation: order.generation,
            order_id: Some(self.operation.order_id.clone()),
            renews: None,
            why: self.operation.why,
            replaces,
            tag: None,
            body: body_digest(self.provider, &whole, None, None),
            public_key: order.certificate.csr.as_ref().map(|csr| csr.public_key),
            certificate: Some(order.certificate.digest()),
            terms: None,
            asked: Some(Box::new(Asked::of(order))),
        }
    }

    fn send<'a>(
        &'a self,
        act: &'a dyn Act,
        permit: Permit,
        recorded: Recorded,
    ) -> Answer<'a, Placed> {
        act.reissue(permit, recorded, self.operation)
    }
}

/// What a fresh read shows that the plan did not: another state of the order, or more that would die.
fn difference(operation: &ReissueOperation, order: &ObservedOrder) -> Option<String> {
    let id = &order.id;
    match &order.status {
        OrderStatus::Issued => {}
        OrderStatus::ReissuePending => {
            return Some(format!("a reissue of order {id} is under way"));
        }
        OrderStatus::Pending(..)
        | OrderStatus::Rejected
        | OrderStatus::Canceled
        | OrderStatus::Revoked
        | OrderStatus::RevocationPending
        | OrderStatus::Expired
        | OrderStatus::Other(_) => return Some(format!("order {id} is no longer issued")),
    }
    let mut requests = order.requests.iter().flatten();
    if let Some(open) = requests.find(|request| request.is_open_reissue()) {
        return Some(format!(
            "request {} for a reissue of order {id} is open",
            open.id
        ));
    }
    let wanted = operation.order.certificate.names();
    let goes = order.names.iter().find(|name| !wanted.contains(name));
    if operation.collateral.is_empty() {
        return goes.map(|name| format!("order {id} shows {name}, which would go away"));
    }
    let pinned: BTreeSet<&CertificateId> = operation
        .collateral
        .iter()
        .map(|pin| &pin.certificate_id)
        .collect();
    let certificates = order.certificates.iter().flatten();
    let mut in_force = certificates.filter(|one| one.state == CertificateState::Issued);
    in_force
        .find(|one| !pinned.contains(&one.id))
        .map(|one| format!("order {id} now also has certificate {}", one.id))
}

/// Reissues an order.
pub(super) async fn reissue(work: Work<'_>, operation: &ReissueOperation) -> StepEnd {
    let order = match with_key(work, &operation.order).await {
        Ok(order) => order,
        Err(why) => return StepEnd::failed(work.step, why),
    };
    let keyed = ReissueOperation {
        order,
        ..operation.clone()
    };
    let call = Reissue {
        operation: &keyed,
        provider: &work.account.provider,
    };
    for tried in 1.. {
        match attempt(work, tried, &call).await {
            Attempted::Taken(placed) if placed.order_id == operation.order_id => {
                return accepted(work, placed).await;
            }
            Attempted::Taken(placed) => {
                let why = format!(
                    "the CA answered with order {} to a reissue of order {}",
                    placed.order_id, operation.order_id
                );
                return doubted(work, why).await;
            }
            Attempted::AlreadySo => break,
            Attempted::Again(pause) => backoff(work, pause).await,
            Attempted::Over(end) => return *end,
            Attempted::InDoubt(why, kind) => {
                let end = match settle_reissue(work).await {
                    Ok(Settled::Taken(end)) => end,
                    Ok(Settled::ProvedDead) => asked_again(work),
                    Ok(Settled::Open(end)) | Err(end) => end.lost(&why),
                };
                return end.after_server_error(kind == ErrorKind::Server);
            }
        }
    }
    StepEnd::failed(work.step, "not tried")
}
