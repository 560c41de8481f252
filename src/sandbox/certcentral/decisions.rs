//! Requests: list, info, decision. Approving a request is what makes things happen, by whomever it is done.

use serde_json::Value;

use super::form::Form;
use super::order::{CertificateStatus, OrderStatus, Part, Request, RequestStatus, RequestType};
use super::refusal::{Outcome, Refusal};
use super::{carrying_out, validation};
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::world::World;

/// `PUT /request/{id}/status`.
pub(super) fn decide(world: &mut World, id: &str, body: &Value) -> Outcome {
    let id = world.certcentral.find_request(id)?;
    let mut form = Form::new(body);
    let status = form.required_one_of("status", &["approved", "rejected"]);
    let comment = form.text("processor_comment").map(str::to_owned);
    form.finish()?;
    let effect = if status == Some("approved") {
        approve(world, id, comment)?
    } else {
        reject(world, id, comment)?
    };
    Ok(Answer::no_content().with_effect(effect))
}

/// Approves a request and does what it asked for.
pub(in crate::sandbox) fn approve(
    world: &mut World,
    id: u64,
    comment: Option<String>,
) -> Result<Effect, Refusal> {
    let request = undecided(world, id)?;
    let order_id = request.order_id;
    let certificates = match (request.kind, request.certificate_id) {
        (RequestType::NewRequest, _) => vec![carrying_out::issue_order(world, order_id)?],
        (RequestType::Revoke, None) => carrying_out::revoke_order(world, order_id)?,
        (RequestType::Revoke, Some(certificate)) => {
            carrying_out::revoke_certificate(world, order_id, certificate)?
        }
        (RequestType::Duplicate | RequestType::Reissue, certificate) => {
            let certificate = certificate.ok_or_else(|| Refusal::not_found("certificate"))?;
            if !validation::open(world, order_id)? {
                carrying_out::issue_part(world, order_id, certificate)?;
            }
            vec![certificate]
        }
    };
    close(world, id, RequestStatus::Approved, comment)?;
    let name = match request.kind {
        RequestType::NewRequest => "order_approved",
        RequestType::Duplicate => "duplicate_approved",
        RequestType::Reissue => "reissue_approved",
        RequestType::Revoke if request.certificate_id.is_some() => "certificate_revoked",
        RequestType::Revoke => "order_revoked",
    };
    Ok(Effect {
        request_id: Some(id),
        certificate_ids: certificates,
        ..Effect::on_order(name, order_id)
    })
}

/// Rejects a request; what it asked for does not happen.
pub(in crate::sandbox) fn reject(
    world: &mut World,
    id: u64,
    comment: Option<String>,
) -> Result<Effect, Refusal> {
    let request = undecided(world, id)?;
    refuse(world, &request, comment)
}

fn refuse(
    world: &mut World,
    request: &Request,
    comment: Option<String>,
) -> Result<Effect, Refusal> {
    let id = request.id;
    let order = world.certcentral.change(request.order_id)?;
    match request.kind {
        RequestType::NewRequest => order.status = OrderStatus::Rejected,
        RequestType::Reissue if order.status == OrderStatus::ReissuePending => {
            order.status = OrderStatus::Issued
        }
        RequestType::Reissue | RequestType::Duplicate | RequestType::Revoke => {}
    }
    let renewed = order.renewal_of;
    let concerned = match request.kind {
        RequestType::NewRequest => order.certificates.first().map(|certificate| certificate.id),
        RequestType::Duplicate | RequestType::Reissue => request.certificate_id,
        RequestType::Revoke => None,
    };
    if let Some(certificate) = concerned.and_then(|id| order.certificate_mut(id)) {
        certificate.status = CertificateStatus::Rejected;
    }
    if request.kind == RequestType::NewRequest {
        not_renewed(world, renewed)?;
    }
    close(world, id, RequestStatus::Rejected, comment)?;
    Ok(Effect {
        request_id: Some(id),
        ..Effect::on_order("request_rejected", request.order_id)
    })
}

/// A renewal came to nothing: the order that it was for can be renewed again.
fn not_renewed(world: &mut World, renewed: Option<u64>) -> Result<(), Refusal> {
    if let Some(id) = renewed {
        world.certcentral.change(id)?.renewed_by = None;
    }
    Ok(())
}

fn close(
    world: &mut World,
    id: u64,
    status: RequestStatus,
    comment: Option<String>,
) -> Result<(), Refusal> {
    let now = world.clock.now();
    let request = world
        .certcentral
        .requests
        .get_mut(&id)
        .ok_or_else(|| Refusal::not_found("request"))?;
    request.status = status;
    request.decided = Some(now);
    request.processor_comment = comment;
    let order = request.order_id;
    world.certcentral.changed_requests.insert(id);
    world.certcentral.change(order).map(|_| ())
}

fn undecided(world: &World, id: u64) -> Result<Request, Refusal> {
    let request = world
        .certcentral
        .requests
        .get(&id)
        .ok_or_else(|| Refusal::not_found("request"))?;
    if request.status == RequestStatus::Pending {
        Ok(request.clone())
    } else {
        Err(Refusal::bad(
            "request_already_processed",
            "The request has been decided already.",
        ))
    }
}

/// `PUT /order/certificate/{id}/status`: cancels what is not issued yet.
pub(super) fn order_status(world: &mut World, id: &str, body: &Value) -> Outcome {
    let id = world.certcentral.find_order(id)?;
    let mut form = Form::new(body);
    let status = form.required_text("status");
    if status.is_some_and(|status| !status.eq_ignore_ascii_case("canceled")) {
        form.wrong("status", "must be canceled.");
    }
    let note = form.text("note").map(str::to_owned);
    form.flag("send_emails");
    form.finish()?;
    cancel(world, id, note).map(|effect| Answer::no_content().with_effect(effect))
}

pub(in crate::sandbox) fn cancel(
    world: &mut World,
    id: u64,
    note: Option<String>,
) -> Result<Effect, Refusal> {
    let order = world.certcentral.order(id)?.clone();
    match order.status {
        OrderStatus::Pending | OrderStatus::WaitingPickup => {
            let order = world.certcentral.change(id)?;
            order.status = OrderStatus::Canceled;
            order.open_validation = None;
            order.notes.extend(note);
            let renewed = order.renewal_of;
            not_renewed(world, renewed)?;
        }
        OrderStatus::ReissuePending => {
            // Granted or not: its request is rejected, with the note as the comment.
            let ids = order.requests.iter();
            let requests = ids.filter_map(|id| world.certcentral.requests.get(id));
            let reissue = requests
                .filter(|request| request.kind == RequestType::Reissue)
                .max_by_key(|request| request.id)
                .cloned();
            if let Some(request) = reissue {
                refuse(world, &request, note)?;
            }
            world.certcentral.change(id)?.open_validation = None;
        }
        other => {
            let message = format!("An order with status {} cannot be canceled.", other.name());
            return Err(Refusal::bad("invalid_value:status", message));
        }
    }
    let parts = order
        .certificates
        .iter()
        .filter(|certificate| certificate.part == Part::Original);
    let certificates = parts.map(|certificate| certificate.id).collect();
    Ok(Effect {
        certificate_ids: certificates,
        ..Effect::on_order("order_canceled", id)
    })
}
