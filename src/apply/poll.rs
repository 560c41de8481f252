//! Looking at the CA in bulk: what was taken, is it issued or in force by now?

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::context::{Context, Finished, Lane};
use super::event::Outcome;
use super::revoke::conclude;
use super::settle_revocation::part_fact;
use crate::model::{
    Address, CertificateState, FactBody, LiveState, Milestone, ObservedRequest, Operation, OrderId,
    PartState, RequestId, RequestStatus, StatusChange,
};
use crate::plan::{Action, Step, live_state, waiting_words};
use crate::provider::Depth;

/// CertCentral's feed reaches back this far at most.
const FEED: Duration = Duration::from_secs(7 * 24 * 3600);

/// What one look at one account showed.
pub(super) struct Look {
    /// Steps that came further, by position in the plan.
    pub(super) news: Vec<(usize, Finished)>,
}

/// Looks at one account: one request for all orders, and for revocations those reads that their
/// answer needs.
pub(super) async fn look(
    context: &Context,
    lane: &Lane,
    steps: &[Step],
    watched: &[usize],
    since: Timestamp,
) -> Look {
    let window = Duration::from_secs(
        u64::try_from(Timestamp::now().as_second() - since.as_second()).unwrap_or(0) + 60,
    )
    .min(FEED);
    let mut look = Look { news: Vec::new() };
    let (orders, revocations): (Vec<usize>, Vec<usize>) = watched
        .iter()
        .partition(|&&position| matches!(steps[position].address, Address::Order(_)));
    if !orders.is_empty()
        && let Ok(changes) = lane.act.changes(window).await
    {
        look_at_orders(context, steps, &orders, changes, &mut look).await;
    }
    if !revocations.is_empty() {
        look_at_revocations(context, lane, steps, &revocations, &mut look).await;
    }
    look
}

async fn look_at_orders(
    context: &Context,
    steps: &[Step],
    watched: &[usize],
    changes: Vec<StatusChange>,
    look: &mut Look,
) {
    let changes: BTreeMap<OrderId, StatusChange> = changes
        .into_iter()
        .map(|change| (change.order_id.clone(), change))
        .collect();
    for &position in watched {
        let step = &steps[position];
        let Some(live) = context.record_of(&step.address).live else {
            continue;
        };
        let Some(change) = changes.get(&live.order_id) else {
            continue;
        };
        let mut state = live_state(&change.status);
        // Assumption: a reissue brings another certificate id; an order that shows the old one is not
        // reissued yet, whatever its status says.
        if step.action == Action::Reissue
            && state == LiveState::Issued
            && change.certificate_id == step.certificate_id
        {
            state = LiveState::Reissuing;
        }
        let finished = order_finished(step, &state, change, live.request_id.as_ref());
        if state != live.state {
            let fact = FactBody::Seen {
                state,
                certificate_id: change.certificate_id.clone(),
                serial_number: None,
                valid_till: None,
            };
            if context.write(step, vec![fact]).await.is_err() {
                return;
            }
        }
        look.news.push((position, finished));
    }
}

fn order_finished(
    step: &Step,
    state: &LiveState,
    change: &StatusChange,
    request: Option<&RequestId>,
) -> Finished {
    let mut finished = match state {
        LiveState::Issued => {
            let mut finished = Finished::new(step, Outcome::Done);
            finished.reached = Some(Milestone::Issued);
            finished
        }
        LiveState::Reissuing => {
            let mut finished = Finished::waiting(step, "the reissue");
            finished.reached = Some(Milestone::Issued);
            finished.watch = true;
            finished
        }
        LiveState::Requested => {
            let waits = waiting_words(Some(&change.status), request);
            let mut finished = Finished::waiting(step, waits);
            finished.reached = Some(Milestone::Submitted);
            finished.watch = true;
            finished
        }
        LiveState::Ended(ending) => {
            let mut finished = Finished::failed(
                step,
                format!("order {} was {}", change.order_id, ending.word()),
            );
            finished.reached = Some(Milestone::Submitted);
            finished
        }
    };
    finished.report.order_id = Some(change.order_id.clone());
    if *state == LiveState::Requested {
        finished.report.request_id = request.cloned();
    }
    if change.certificate_id.is_some() {
        finished
            .report
            .certificate_id
            .clone_from(&change.certificate_id);
    }
    finished
}

async fn look_at_revocations(
    context: &Context,
    lane: &Lane,
    steps: &[Step],
    watched: &[usize],
    look: &mut Look,
) {
    let Ok(requests) = lane.act.revocation_requests().await else {
        return;
    };
    for &position in watched {
        let step = &steps[position];
        let Some(order_id) = &step.order_id else {
            continue;
        };
        let record = context.record_of(&step.address);
        if record.parts.is_empty() {
            if let Some(finished) = elsewhere(lane, step, order_id, &requests).await {
                look.news.push((position, finished));
            }
            continue;
        }
        let mut facts = Vec::new();
        let mut order = None;
        for (part, state) in &record.parts {
            let PartState::Requested { request_id } = state else {
                continue;
            };
            let status = request_id
                .as_ref()
                .and_then(|id| requests.iter().find(|request| request.id == *id))
                .map(|request| &request.status);
            match status {
                Some(RequestStatus::Pending | RequestStatus::Submitted) => continue,
                Some(RequestStatus::Rejected) => {
                    facts.push(FactBody::SeenPart {
                        part: part.clone(),
                        state: PartState::Declined,
                    });
                    continue;
                }
                Some(RequestStatus::Approved | RequestStatus::Other(_)) | None => {}
            }
            if order.is_none() {
                order = lane
                    .act
                    .order(order_id, Depth::Certificates)
                    .await
                    .ok()
                    .flatten();
            }
            if let Some(order) = &order
                && part_fact(order, part) == Some(FactBody::Revoked)
            {
                facts.push(FactBody::SeenPart {
                    part: part.clone(),
                    state: PartState::Revoked,
                });
            }
        }
        if facts.is_empty() || context.write(step, facts).await.is_err() {
            continue;
        }
        let finished = match &step.operation {
            Some(Operation::Revoke(operation)) => conclude(context, step, operation),
            _ => conclude_wait(context, step),
        };
        look.news.push((position, finished));
    }
}

/// A revocation that somebody else asked for: once that is decided, the next plan says what is left
/// to do.
async fn elsewhere(
    lane: &Lane,
    step: &Step,
    order_id: &OrderId,
    requests: &[ObservedRequest],
) -> Option<Finished> {
    let over = match &step.request_id {
        Some(id) => requests.iter().any(|request| {
            request.id == *id
                && matches!(
                    request.status,
                    RequestStatus::Approved | RequestStatus::Rejected
                )
        }),
        // ncloud has no requests: its certificates show that a revocation is under way.
        None => {
            let order = lane.act.order(order_id, Depth::Certificates).await.ok()??;
            let certificates = order.certificates.as_deref()?;
            certificates
                .iter()
                .all(|one| one.state != CertificateState::RevocationPending)
        }
    };
    over.then(|| Finished::waiting(step, "the next plan: what it waited for has been decided"))
}

/// A revocation that an earlier run asked for: the plan only waits for it.
fn conclude_wait(context: &Context, step: &Step) -> Finished {
    let parts = context.record_of(&step.address).parts;
    if parts.values().all(|state| *state == PartState::Revoked) {
        let mut finished = Finished::new(step, Outcome::Done);
        finished.reached = Some(Milestone::Revoked);
        finished
    } else if parts.values().any(|state| *state == PartState::Declined) {
        Finished::failed(step, "an administrator refused the revocation")
    } else {
        let mut finished = Finished::waiting(step, step.waits_for.clone().unwrap_or_default());
        finished.reached = Some(Milestone::Submitted);
        finished.watch = true;
        finished
    }
}
