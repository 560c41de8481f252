//! A revocation that was asked for already, by us or by somebody else: wait, or say that it was
//! declined.

use super::Action;
use super::make::{Decision, Inputs};
use crate::model::{
    CertificateState, FactBody, Item, Milestone, ObservedAccount, ObservedCertificate,
    ObservedOrder, ObservedRequest, OrderId, OrderStatus, Part, PartState, Provider, Record,
    RequestKind, RequestStatus, Revocation, Scope,
};

/// The decision when the revocation was already asked for: by us or by somebody else.
pub(super) fn asked_for(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    order: &ObservedOrder,
    record: Option<&Record>,
    account: &ObservedAccount,
    dying: &[&ObservedCertificate],
) -> Option<Decision> {
    let id = &order.id;
    if let Some(record) = record
        && dying.iter().any(|one| is_confirmed(record, one))
    {
        let reason = format!(
            "the CA confirmed this revocation and shows certificates of order {id} in force"
        );
        let mut decision = Decision::new(item, Action::Wait, reason.clone());
        decision.step.reached = Some(Milestone::Submitted);
        return Some(decision.warn(format!(
            "{reason}: if they were issued since, only a new entry revokes them"
        )));
    }
    let ours = record.filter(|record| {
        !record.parts.is_empty() && record.parts_generation >= revocation.generation
    });
    let requests = open_requests(order, account);
    if let Some(record) = ours {
        for (part, state) in &record.parts {
            let PartState::Requested { request_id } = state else {
                continue;
            };
            let known = request_id
                .as_ref()
                .and_then(|id| find_request(order, account, id));
            if known.is_some_and(|request| request.status == RequestStatus::Rejected) {
                return Some(declined(item, revocation, id));
            }
            let mut decision = Decision::new(
                item,
                Action::Wait,
                format!("the revocation of {part} of order {id} was asked for"),
            );
            decision.step.waits_for = Some(match request_id {
                Some(request) => format!("an administrator's approval of request {request}"),
                None => "the CA".to_owned(),
            });
            decision.step.request_id.clone_from(request_id);
            decision.step.reached = Some(Milestone::Submitted);
            return Some(decision);
        }
        if record
            .parts
            .values()
            .any(|state| *state == PartState::Declined)
        {
            return Some(declined(item, revocation, id));
        }
    }
    let central = inputs
        .batch
        .accounts
        .get(&item.account)
        .is_some_and(|account| matches!(account.provider, Provider::CertCentral { .. }));
    if central && let Some(request) = requests.first() {
        let mut decision = Decision::new(
            item,
            Action::Wait,
            format!("a request to revoke order {id} or one of its certificates is already open"),
        );
        decision.step.waits_for = Some(format!(
            "an administrator's decision on request {}",
            request.id
        ));
        decision.step.request_id = Some(request.id.clone());
        decision.step.reached = Some(Milestone::Submitted);
        return Some(decision);
    }
    None
}

/// True for a certificate whose revocation, alone or with its order, the CA has confirmed to us.
fn is_confirmed(record: &Record, certificate: &ObservedCertificate) -> bool {
    [Part::Order, Part::Certificate(certificate.id.clone())]
        .iter()
        .any(|part| record.parts.get(part) == Some(&PartState::Revoked))
}

fn declined(item: &Item, revocation: &Revocation, id: &OrderId) -> Decision {
    let reason = format!("an administrator refused the revocation of order {id}");
    let next = revocation.generation.saturating_add(1);
    let mut decision = Decision::new(item, Action::Wait, reason.clone());
    decision.step.waits_for = Some(format!("`generation: {next}`"));
    decision.warn(format!(
        "{reason}; it is not asked for again until the entry says `generation: {next}`"
    ))
}

fn find_request<'a>(
    order: &'a ObservedOrder,
    account: &'a ObservedAccount,
    id: &crate::model::RequestId,
) -> Option<&'a ObservedRequest> {
    order
        .requests
        .iter()
        .flatten()
        .chain(account.revocation_requests.iter().flatten())
        .find(|request| request.id == *id)
}

fn open_requests<'a>(
    order: &'a ObservedOrder,
    account: &'a ObservedAccount,
) -> Vec<&'a ObservedRequest> {
    let waits = |request: &&ObservedRequest| {
        request.kind == RequestKind::Revoke
            && matches!(
                request.status,
                RequestStatus::Pending | RequestStatus::Submitted
            )
    };
    let listed = account
        .revocation_requests
        .iter()
        .flatten()
        .filter(|request| request.order_id.as_ref() == Some(&order.id));
    order
        .requests
        .iter()
        .flatten()
        .chain(listed)
        .filter(waits)
        .collect()
}

/// What the read shows about calls of this revocation that the journal has as requested.
pub(super) fn part_news(
    record: Option<&Record>,
    revocation: &Revocation,
    selected: &[&ObservedCertificate],
    order: &ObservedOrder,
    account: &ObservedAccount,
) -> Vec<FactBody> {
    let Some(record) = record else {
        return Vec::new();
    };
    let mut news = Vec::new();
    for (part, state) in &record.parts {
        let PartState::Requested { request_id } = state else {
            continue;
        };
        let revoked = match part {
            Part::Order => {
                order.status == OrderStatus::Revoked
                    || (!selected.is_empty()
                        && revocation.scope == Scope::Order
                        && selected
                            .iter()
                            .all(|one| one.state == CertificateState::Revoked))
            }
            Part::Certificate(id) => {
                order.status == OrderStatus::Revoked
                    || selected
                        .iter()
                        .any(|one| one.id == *id && one.state == CertificateState::Revoked)
            }
        };
        let refused = request_id
            .as_ref()
            .and_then(|id| find_request(order, account, id))
            .is_some_and(|request| request.status == RequestStatus::Rejected);
        let state = match (revoked, refused) {
            (true, _) => PartState::Revoked,
            (false, true) => PartState::Declined,
            (false, false) => continue,
        };
        news.push(FactBody::SeenPart {
            part: part.clone(),
            state,
        });
    }
    news
}
