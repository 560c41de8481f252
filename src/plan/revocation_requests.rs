//! A revocation that was asked for already, by this entry, by another one, or by somebody else.

use super::Action;
use super::decided::Decided;
use super::revocation_case::{RevocationCase, Seen};
use crate::model::{
    Cause, CertificateId, CertificateState, Decision, FactBody, OrderId, OrderStatus, Part,
    PartState, Reason, RequestStatus, Scope, Standing,
};

/// The decision when the revocation was already asked for; `None` when a call is left to make.
pub(super) fn asked_for(case: RevocationCase<'_, '_>, seen: Seen<'_>) -> Option<Decided> {
    let id = seen.order.id.clone();
    let parts: Vec<Part> = case
        .parts(seen)
        .into_iter()
        .filter(|part| match part {
            Part::Order => true,
            Part::Certificate(id) => seen.dying.iter().any(|one| one.id == *id),
        })
        .collect();
    let states: Vec<(&Part, Option<PartState>)> = parts
        .iter()
        .map(|part| (part, current(case, seen, part)))
        .collect();
    let confirmed = states
        .iter()
        .find(|(_, state)| *state == Some(PartState::Revoked));
    if let Some((part, _)) = confirmed {
        return Some(confirmed_but_in_force(case, &id, part));
    }
    let generation = case.revocation.generation;
    let standing = Standing::of_parts(states.iter().map(|(_, state)| state.as_ref()), generation);
    match &standing {
        Standing::Declined { .. } => {
            let refused = states
                .iter()
                .filter(|(_, state)| *state == Some(PartState::Declined))
                .map(|(part, _)| part.to_string())
                .collect();
            return Some(declined(case, &id, standing, refused));
        }
        Standing::RevocationRequested { .. } if states.iter().all(|(_, state)| state.is_some()) => {
            let mut asked = states.iter().map(|(part, _)| (*part).clone());
            let part = asked.next()?;
            let more = asked.collect();
            let request_id = standing.waits().and_then(|cause| cause.request().cloned());
            let reason = Reason::RevocationRequested {
                order: id,
                part,
                more,
            };
            let mut decided = Decided::new(case.item, Action::Wait, reason, standing);
            decided.step.request_id = request_id;
            return Some(decided);
        }
        Standing::Absent
        | Standing::Waiting { .. }
        | Standing::Requested { .. }
        | Standing::InForce { .. }
        | Standing::Lapsed { .. }
        | Standing::Ended { .. }
        | Standing::InDoubt
        | Standing::Parked
        | Standing::NotRevoked
        | Standing::RevocationRequested { .. }
        | Standing::Revoked => {}
    }
    let left: Vec<Part> = states
        .into_iter()
        .filter(|(_, state)| state.is_none())
        .map(|(part, _)| part.clone())
        .collect();
    let request = case.requests.open(seen, &left)?.clone();
    let waits = Cause::Revocation {
        requests: vec![request.clone()],
    };
    let standing = Standing::RevocationRequested { waits };
    let reason = Reason::RequestOpen {
        order: id,
        request: request.clone(),
    };
    let mut decided = Decided::new(case.item, Action::Wait, reason, standing);
    decided.step.request_id = Some(request);
    Some(decided)
}

/// Where one call stands, with what the CA shows of its request.
fn current(case: RevocationCase<'_, '_>, seen: Seen<'_>, part: &Part) -> Option<PartState> {
    let state = case.part(&seen.order.id, part)?;
    if let PartState::Requested {
        request_id: Some(request),
    } = state
        && let Some(known) = case.requests.find(seen, request)
    {
        match known.status {
            RequestStatus::Rejected => return Some(PartState::Declined),
            // Granted, and the certificate is in force: the request may have been for another one.
            RequestStatus::Approved => return Some(PartState::Revoked),
            RequestStatus::Submitted | RequestStatus::Pending | RequestStatus::Other(_) => {}
        }
    }
    Some(state.clone())
}

fn confirmed_but_in_force(case: RevocationCase<'_, '_>, id: &OrderId, part: &Part) -> Decided {
    let order = id.clone();
    let waits = Cause::Decision(Decision::ConfirmedButInForce {
        order: order.clone(),
        part: part.clone(),
    });
    let standing = Standing::RevocationRequested { waits };
    let reason = Reason::ConfirmedButInForce { order };
    Decided::new(case.item, Action::Wait, reason, standing).warn(format!(
        "the CA confirmed this revocation and shows certificates of order {id} in force: if they were issued since, only a new entry revokes them"
    ))
}

/// So many certificates are named in a warning; of the others, their number.
const NAMED: usize = 5;

fn declined(
    case: RevocationCase<'_, '_>,
    id: &OrderId,
    standing: Standing,
    mut refused: Vec<String>,
) -> Decided {
    let more = refused.len().saturating_sub(NAMED);
    refused.truncate(NAMED);
    let mut what = refused.join(", ");
    if more > 0 {
        what = format!("{what} and {more} more");
    }
    let what = match case.revocation.scope {
        Scope::Order => format!("order {id}"),
        Scope::CertificateId(_)
        | Scope::SerialNumber(_)
        | Scope::Duplicates
        | Scope::CertificateNo(_) => format!("{what} of order {id}"),
    };
    let next = case.revocation.generation.saturating_add(1);
    let reason = Reason::Declined { order: id.clone() };
    Decided::new(case.item, Action::Wait, reason, standing).warn(format!(
        "an administrator refused the revocation of {what}; it is not asked for again until the entry says `generation: {next}`"
    ))
}

/// What the read shows about calls of this revocation that the journal has as requested.
pub(super) fn part_news(case: RevocationCase<'_, '_>, seen: Seen<'_>) -> Vec<FactBody> {
    let order = seen.order;
    let Some(requested) = case.record.and_then(|record| record.requested(&order.id)) else {
        return Vec::new();
    };
    let mut news = Vec::new();
    for (part, state) in &requested.parts {
        let PartState::Requested { request_id } = state else {
            continue;
        };
        let any = |state: &CertificateState, id: Option<&CertificateId>| {
            let mut selected = seen.selected.iter();
            selected.any(|one| one.state == *state && id.is_none_or(|id| one.id == *id))
        };
        let revoked = order.status == OrderStatus::Revoked
            || match part {
                Part::Order => {
                    !seen.selected.is_empty()
                        && case.revocation.scope == Scope::Order
                        && seen.dying.is_empty()
                        && any(&CertificateState::Revoked, None)
                        && !any(&CertificateState::RevocationPending, None)
                }
                Part::Certificate(id) => any(&CertificateState::Revoked, Some(id)),
            };
        let refused = request_id
            .as_ref()
            .and_then(|id| case.requests.find(seen, id))
            .is_some_and(|request| request.status == RequestStatus::Rejected);
        let state = match (revoked, refused) {
            (true, _) => PartState::Revoked,
            (false, true) => PartState::Declined,
            (false, false) => continue,
        };
        news.push(FactBody::SeenPart {
            order_id: Some(order.id.clone()),
            part: part.clone(),
            state,
        });
    }
    news
}
