//! Orders and renewals.

use super::attempt::{Attempted, Call, Comparison, attempt, backoff};
use super::keys::with_key;
use super::settle::settle_soon;
use super::settled::Settled;
use super::{Work, settle};
use crate::apply::ended::StepEnd;
use crate::model::{
    Address, Asked, Attempt, CertificateId, Ending, FactBody, LiveState, ObservedOrder, Operation,
    OperationKind, OrderId, OrderOperation, Provider, Recorded, RenewalOf, RequestId,
    RequestStatus, Why,
};
use crate::provider::{Act, Answer, Depth, ErrorKind, Permit, Placed, body_digest};

/// The call that places an order.
struct Place<'c> {
    operation: &'c OrderOperation,
    renewal_of: Option<OrderId>,
    provider: &'c Provider,
}

impl Call for Place<'_> {
    type Taken = Placed;

    fn reads(&self) -> Option<(&OrderId, Depth)> {
        None
    }

    fn compare(&self, _order: &ObservedOrder) -> Comparison {
        Comparison::AsPlanned
    }

    fn intent(&self, number: u32, replaces: Option<CertificateId>) -> Attempt {
        let whole = Operation::Order(Box::new(self.operation.clone()));
        let order = &self.operation.order;
        Attempt {
            kind: if self.renewal_of.is_some() || self.operation.renews.is_some() {
                OperationKind::Renew
            } else {
                OperationKind::Order
            },
            part: None,
            number,
            generation: order.generation,
            order_id: self.renewal_of.clone(),
            renews: self.operation.renews.clone(),
            why: Why::Change,
            replaces,
            tag: Some(self.operation.tag.clone()),
            body: body_digest(self.provider, &whole, None, self.renewal_of.as_ref()),
            public_key: order.certificate.csr.as_ref().map(|csr| csr.public_key),
            certificate: Some(order.certificate.digest()),
            terms: Some(order.terms()),
            asked: Some(Box::new(Asked::of(order))),
        }
    }

    fn send<'a>(
        &'a self,
        act: &'a dyn Act,
        permit: Permit,
        recorded: Recorded,
    ) -> Answer<'a, Placed> {
        act.place_order(permit, recorded, self.operation, self.renewal_of.as_ref())
    }
}

/// Places an order.
pub(super) async fn place(work: Work<'_>, operation: &OrderOperation) -> StepEnd {
    let step = work.step;
    let renewal_of = match renewed_order(work, operation) {
        Ok(renewal_of) => renewal_of,
        Err(why) => return StepEnd::failed(step, why),
    };
    let order = match with_key(work, &operation.order).await {
        Ok(order) => order,
        Err(why) => return StepEnd::failed(step, why),
    };
    let keyed = OrderOperation {
        order,
        ..operation.clone()
    };
    let call = Place {
        operation: &keyed,
        renewal_of,
        provider: &work.account.provider,
    };
    for tried in 1.. {
        match attempt(work, tried, &call).await {
            Attempted::Taken(placed) => return accepted(work, placed).await,
            Attempted::AlreadySo => break,
            Attempted::Again(pause) => backoff(work, pause).await,
            Attempted::Over(end) => return *end,
            Attempted::InDoubt(why, kind) => {
                let server = kind == ErrorKind::Server;
                match settle_soon(work, operation).await {
                    Ok(Settled::Taken(end)) => return end.after_server_error(server),
                    Ok(Settled::ProvedDead) => {}
                    Ok(Settled::Open(end)) | Err(end) => {
                        return end.lost(&why).after_server_error(server);
                    }
                }
            }
        }
    }
    StepEnd::failed(step, "not tried")
}

/// The id behind `renewal_of`.
fn renewed_order(work: Work<'_>, operation: &OrderOperation) -> Result<Option<OrderId>, String> {
    match &operation.order.renewal_of {
        None => Ok(None),
        Some(RenewalOf::OrderId(id)) => Ok(Some(id.clone())),
        Some(RenewalOf::Item(name)) => work
            .context
            .record_of(&Address::Order(name.clone()))
            .live
            .map(|live| Some(live.order_id))
            .ok_or_else(|| format!("orders.{name} has no order at the CA that could be renewed")),
    }
}

/// The refusal that stands in the answer itself: the order is over with it, or goes on without its reissue.
fn refusal(work: Work<'_>, request: RequestId, order: &OrderId) -> FactBody {
    match &work.step.operation {
        Some(Operation::Reissue(_)) => FactBody::ReissueRejected {
            request_id: Some(request),
        },
        Some(Operation::Order(_) | Operation::Revoke(_)) | None => FactBody::Seen {
            order_id: Some(order.clone()),
            state: LiveState::Ended(Ending::Rejected),
            certificate_id: None,
            serial_number: None,
            valid_till: None,
        },
    }
}

/// The CA took an order or a reissue.
pub(super) async fn accepted(work: Work<'_>, placed: Placed) -> StepEnd {
    let address = &work.step.address;
    if let Some(other) = work.context.owners.bind(&placed.order_id, address) {
        let why = format!(
            "the CA answered with order {}, which is the order of {other}",
            placed.order_id
        );
        return settle::doubted(work, why).await;
    }
    let wants_files = work.step.files.iter().any(|files| files.wanted.is_some());
    if let Some(chain) = placed.chain.filter(|_| wants_files) {
        work.context.chains.keep(&placed.order_id, chain);
    }
    let approved = matches!(placed.request, Some((_, RequestStatus::Approved)));
    let rejected = match &placed.request {
        Some((id, RequestStatus::Rejected)) => Some(id.clone()),
        _ => None,
    };
    let fact = FactBody::Accepted {
        order_id: placed.order_id.clone(),
        request_id: placed.request.map(|(id, _)| id),
        certificate_id: placed.certificate_id.clone(),
        approved,
        validation: placed.validation,
    };
    let order_id = &placed.order_id;
    let refused = rejected.clone();
    let refused = refused.map(|request| refusal(work, request, order_id));
    let mut facts = vec![fact];
    facts.extend(refused);
    match work.context.write(work.step, facts).await {
        Ok(()) => match rejected {
            None => work.by_the_journal(),
            Some(request) => {
                let why = format!("the CA answered that request {request} is rejected");
                let end = StepEnd::failed(work.step, why);
                end.standing_at(work.standing()).of_live(&work.record())
            }
        },
        Err(error) => {
            // The order exists and the journal does not know its id: the next run finds it by its tag.
            let why = format!(
                "order {} was taken, but {error}; the next run looks it up",
                placed.order_id
            );
            let mut end = StepEnd::for_a_person(work.step, why);
            end.order_id = Some(placed.order_id);
            end
        }
    }
}
