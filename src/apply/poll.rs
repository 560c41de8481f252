//! Polling the CA in bulk: what was taken, is it issued or in force by now?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::context::{Context, RunAccount};
use super::ended::StepEnd;
use super::step::{Work, conclude, part_fact};
use crate::model::{
    Address, Cause, CertificateState, Change, Decision, FactBody, LiveOrder, Milestone, NextRun,
    ObservedOrder, ObservedRequest, Operation, OrderId, OrderStatus, PartState, RenewalNeeds,
    RequestId, RequestStatus, Standing, StatusChange, live_state, rejected_reissue, seen, seen_of,
};
use crate::plan::Step;
use crate::provider::Depth;

/// The feed is asked a little further back than the run began.
const MARGIN: Duration = Duration::from_secs(60);
/// CertCentral's feed reaches back this far at most.
const FEED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Polls one account: one request for all orders, and for revocations those reads that their answer
/// needs. Returns the steps that came further, by position in the plan.
pub(super) async fn poll(
    context: &Context,
    account: &RunAccount,
    steps: &[Step],
    watched: &[usize],
    since: Instant,
) -> Vec<(usize, StepEnd)> {
    let window = (since.elapsed() + MARGIN).min(FEED);
    let mut ends = Vec::new();
    let (orders, revocations): (Vec<usize>, Vec<usize>) = watched
        .iter()
        .partition(|&&position| matches!(steps[position].address, Address::Order(_)));
    let gates: BTreeSet<&Address> = steps
        .iter()
        .flat_map(|step| &step.after)
        .filter(|after| after.until == Milestone::Issued)
        .map(|after| &after.address)
        .collect();
    if !orders.is_empty()
        && let Some(Ok(changes)) = context.unless_stopped(account.act.changes(window)).await
    {
        let changes = changes
            .into_iter()
            .map(|change| (change.order_id.clone(), change))
            .collect();
        for position in orders {
            let work = Work {
                context,
                step: &steps[position],
                account,
                may_send: false,
            };
            let is_gate = gates.contains(&work.step.address);
            match poll_order(work, &changes, is_gate).await {
                Ok(end) => ends.extend(end.map(|end| (position, end))),
                Err(_) => return ends,
            }
        }
    }
    if !revocations.is_empty()
        && let Some(Ok(requests)) = context
            .unless_stopped(account.act.revocation_requests())
            .await
    {
        for position in revocations {
            let work = Work {
                context,
                step: &steps[position],
                account,
                may_send: false,
            };
            let end = poll_revocation(work, &requests).await;
            ends.extend(end.map(|end| (position, end)));
        }
    }
    ends
}

/// What the feed says of one order; `None` when it says nothing. An error is one of the journal.
///
/// The feed calls an order issued whose certificate was revoked alone, and one whose reissue was refused. So
/// an order that a gate waits for, or that is reissued, is read before it counts as issued.
async fn poll_order(
    work: Work<'_>,
    changes: &BTreeMap<OrderId, StatusChange>,
    is_gate: bool,
) -> Result<Option<StepEnd>, StepEnd> {
    let record = work.context.record_of(&work.step.address);
    if let Some(successor) = &record.successor {
        return poll_renewal(work, changes, successor).await;
    }
    let Some(live) = record.live else {
        return Ok(None);
    };
    let Some(change) = changes.get(&live.order_id) else {
        return Ok(None);
    };
    let mut order = as_order(change);
    if order.status == OrderStatus::Issued && (is_gate || live.change.is_some()) {
        match read(work, &live.order_id, Depth::Order).await {
            Some(shown) => order = shown,
            None => return Ok(None),
        }
    }
    let state = live_state(&order, work.context.today(work.account));
    let another = order.certificate_id.is_some() && order.certificate_id != live.certificate_id;
    let rejected = rejected_reissue(&live, &order);
    let refused = rejected.as_ref().and(live.change.as_deref());
    let mut facts: Vec<FactBody> = rejected.into_iter().collect();
    if state != live.state || another {
        facts.push(seen(&order, work.context.today(work.account)));
    }
    if !facts.is_empty() && work.context.write(work.step, facts).await.is_err() {
        return Err(StepEnd::failed(work.step, "the journal cannot be written"));
    }
    let record = work.context.record_of(&work.step.address);
    let more = work.step.asks_for_more(&record);
    let mut standing = Standing::of_order(
        Some(&record),
        Some(&order),
        more,
        work.context.today(work.account),
    );
    if let (Some(refused), Standing::InForce { change, .. }) = (refused, &mut standing) {
        let generation = live.generation.max(refused.generation).saturating_add(1);
        let waits = Cause::Decision(Decision::ReissueRejected { generation });
        *change = Some(Change::Refused { waits });
    }
    Ok(Some(
        StepEnd::standing(work.step, standing).of_live(&record),
    ))
}

/// What the feed says of a renewal. The name stands for it once it is issued.
async fn poll_renewal(
    work: Work<'_>,
    changes: &BTreeMap<OrderId, StatusChange>,
    successor: &LiveOrder,
) -> Result<Option<StepEnd>, StepEnd> {
    let Some(change) = changes.get(&successor.order_id) else {
        return Ok(None);
    };
    let order = as_order(change);
    let today = work.context.today(work.account);
    if live_state(&order, today) == successor.state {
        return Ok(None);
    }
    let fact = seen_of(&order, today);
    if work.context.write(work.step, vec![fact]).await.is_err() {
        return Err(StepEnd::failed(work.step, "the journal cannot be written"));
    }
    let record = work.context.record_of(&work.step.address);
    let live = record.live.as_ref();
    let is_live = live.is_some_and(|live| live.order_id == successor.order_id);
    let more = work.step.asks_for_more(&record);
    let shown = Some(&order).filter(|_| is_live);
    let mut standing = Standing::of_order(Some(&record), shown, more, today);
    let ended = live.and_then(|live| live.renewal_ended.as_deref());
    if let Some(ended) = ended.filter(|ended| ended.order_id == successor.order_id) {
        let generation = ended.generation.saturating_add(1);
        let needs = RenewalNeeds::NextGeneration { generation };
        standing = standing.with_renewal(Cause::Decision(Decision::Renewal(needs)));
    }
    let end = StepEnd::standing(work.step, standing);
    Ok(Some(end.of_live(&record)))
}

/// A line of the feed as far as it shows an order.
fn as_order(change: &StatusChange) -> ObservedOrder {
    ObservedOrder::bare(
        change.order_id.clone(),
        change.status.clone(),
        change.certificate_id.clone(),
    )
}

/// What the CA's requests, and the order where they leave it open, say of one revocation.
async fn poll_revocation(work: Work<'_>, requests: &[ObservedRequest]) -> Option<StepEnd> {
    let order_id = work.step.order_id.as_ref()?;
    let record = work.context.record_of(&work.step.address);
    let Some(requested) = record.requested(order_id) else {
        return decided_elsewhere(work, order_id, requests).await;
    };
    let mut facts = Vec::new();
    let mut order = None;
    for (part, state) in &requested.parts {
        let PartState::Requested { request_id } = state else {
            continue;
        };
        let status = request_id.as_ref().and_then(|id| status(requests, id));
        let state = match status {
            Some(status) if status.is_undecided() => continue,
            Some(RequestStatus::Rejected) => PartState::Declined,
            _ => {
                if order.is_none() {
                    order = read(work, order_id, Depth::Certificates).await;
                }
                match &order {
                    Some(order) if part_fact(order, part, None) == Some(FactBody::Revoked) => {
                        PartState::Revoked
                    }
                    _ => continue,
                }
            }
        };
        facts.push(FactBody::SeenPart {
            order_id: Some(order_id.clone()),
            part: part.clone(),
            state,
        });
    }
    if facts.is_empty() || work.context.write(work.step, facts).await.is_err() {
        return None;
    }
    let end = match &work.step.operation {
        Some(Operation::Revoke(operation)) => conclude(work, operation),
        Some(Operation::Order(_) | Operation::Reissue(_)) | None => {
            let record = work.context.record_of(&work.step.address);
            let requested = record.requested(order_id)?;
            let states = requested.parts.values().map(Some);
            let standing = Standing::of_parts(states, requested.generation);
            StepEnd::standing(work.step, standing)
        }
    };
    Some(end)
}

/// The order; `None` where it could not be read.
async fn read(work: Work<'_>, order_id: &OrderId, depth: Depth) -> Option<ObservedOrder> {
    let read = work.account.act.order(order_id, depth);
    work.context.unless_stopped(read).await?.ok().flatten()
}

fn status<'r>(requests: &'r [ObservedRequest], id: &RequestId) -> Option<&'r RequestStatus> {
    let request = requests.iter().find(|request| request.id == *id)?;
    Some(&request.status)
}

/// A revocation that somebody else asked for: once that is decided, the next plan says what is left
/// to do.
async fn decided_elsewhere(
    work: Work<'_>,
    order_id: &OrderId,
    requests: &[ObservedRequest],
) -> Option<StepEnd> {
    let over = match &work.step.request_id {
        Some(id) => status(requests, id).is_some_and(|status| {
            matches!(status, RequestStatus::Approved | RequestStatus::Rejected)
        }),
        // ncloud has no requests: its certificates show that a revocation is under way.
        None => {
            let order = read(work, order_id, Depth::Certificates).await?;
            let certificates = order.certificates.as_deref()?;
            order.status != OrderStatus::RevocationPending
                && certificates
                    .iter()
                    .all(|one| one.state != CertificateState::RevocationPending)
        }
    };
    let with = NextRun::Decided;
    over.then(|| StepEnd::waiting(work.step, Cause::NextRun { with }))
}
