//! Requests: list, info, decision. Approving a request is what makes things happen, by whomever it is done.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::Form;
use super::order::{CertificateStatus, OrderStatus, Part, Request, RequestStatus, RequestType};
use super::{Outcome, Refusal, listing, validation, views};
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::call::Call;
use crate::sandbox::habits::{self, RequestOrders};
use crate::sandbox::world::World;

/// `PUT /request/{id}/status`.
pub(super) fn decide(world: &mut World, id: &str, body: &Value) -> Outcome {
    let id = find(world, id)?;
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
        (RequestType::NewRequest, _) => vec![issue_order(world, order_id)?],
        (RequestType::Revoke, None) => super::revoking::revoke_order(world, order_id)?,
        (RequestType::Revoke, Some(certificate)) => {
            super::revoking::revoke_certificate(world, order_id, certificate)?
        }
        (RequestType::Duplicate | RequestType::Reissue, certificate) => {
            let certificate = certificate.ok_or_else(|| Refusal::not_found("certificate"))?;
            if !validation::open(world, order_id)? {
                super::replacing::issue(world, order_id, certificate)?;
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

fn issue_order(world: &mut World, order_id: u64) -> Result<u64, Refusal> {
    let book = &mut world.certcentral;
    let order = book.change(order_id)?;
    // `pending` with an undecided request: a data folder from before `needs_approval` was told apart.
    if !matches!(
        order.status,
        OrderStatus::NeedsApproval | OrderStatus::Pending
    ) {
        return Err(Refusal::bad(
            "order_not_pending",
            "The order does not wait for approval any more.",
        ));
    }
    let product = super::products::find(&order.product);
    if !order.paid {
        order.paid = true;
        let cents = u64::from(order.price_cents);
        book.spent_cents += cents;
    }
    let order = book.change(order_id)?;
    let first = order
        .certificates
        .first()
        .ok_or_else(|| Refusal::not_found("certificate"))?;
    let (certificate, has_csr) = (first.id, first.csr.is_some());
    if !has_csr && !product.is_some_and(super::products::Product::is_tls) {
        // The recipient makes the key in a browser, from an e-mail.
        order.status = OrderStatus::WaitingPickup;
        return Ok(certificate);
    }
    order.status = OrderStatus::Pending;
    if validation::open(world, order_id)? {
        return Ok(certificate);
    }
    let book = &mut world.certcentral;
    book.change(order_id)?.status = OrderStatus::Issued;
    book.issue(&world.authority, world.seed, order_id, certificate)?;
    Ok(certificate)
}

/// The recipients of every order that waits for them pick their certificates up.
pub(in crate::sandbox) fn pick_up_all(world: &mut World) -> Result<(), Refusal> {
    let waiting: Vec<(u64, u64)> = world
        .certcentral
        .orders
        .values()
        .filter(|order| order.status == OrderStatus::WaitingPickup)
        .filter_map(|order| Some((order.id, order.certificates.first()?.id)))
        .collect();
    for (order_id, certificate_id) in waiting {
        let book = &mut world.certcentral;
        book.change(order_id)?.status = OrderStatus::Issued;
        book.issue(&world.authority, world.seed, order_id, certificate_id)?;
    }
    Ok(())
}

fn close(
    world: &mut World,
    id: u64,
    status: RequestStatus,
    comment: Option<String>,
) -> Result<(), Refusal> {
    let request = world
        .certcentral
        .requests
        .get_mut(&id)
        .ok_or_else(|| Refusal::not_found("request"))?;
    request.status = status;
    request.decided = Some(Timestamp::now());
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

fn find(world: &World, id: &str) -> Result<u64, Refusal> {
    let id = id
        .parse()
        .ok()
        .filter(|id| world.certcentral.requests.contains_key(id));
    id.ok_or_else(|| Refusal::not_found("request"))
}

/// `GET /request`.
pub(super) fn requests(world: &World, call: &Call) -> Outcome {
    let page = listing::page(call)?;
    let (mut kind, mut status) = (None, None);
    for (name, value) in call.parameters() {
        match name {
            "filters[type]" => kind = Some(value),
            "filters[status]" => status = Some(value),
            _ if name.starts_with("filters[") => {
                return Err(Refusal::bad(
                    "invalid_value:filters",
                    format!("{name} is no filter of this list."),
                ));
            }
            _ => {}
        }
    }
    let named = world.settings.habits.request_orders == RequestOrders::Named;
    let found: Vec<&Request> = world
        .certcentral
        .requests
        .values()
        .rev()
        .filter(|request| {
            call.unfiltered
                || kind.is_none_or(|kind| json!(request.kind) == json!(kind))
                    && status.is_none_or(|status| json!(request.status) == json!(status))
        })
        .collect();
    let rows: Vec<Value> = page
        .of(&found)
        .iter()
        .map(|request| {
            let mut row = views::request(world, request);
            if !named && row.get("order").is_some() {
                row["order"] = json!({"id": request.order_id});
            }
            row
        })
        .collect();
    let list = json!({"requests": rows, "page": page.members(found.len())});
    Ok(Answer::json(200, &habits::empty(world, list)))
}

/// `GET /request/{id}`.
pub(super) fn request(world: &World, id: &str) -> Outcome {
    let id = find(world, id)?;
    let request = world
        .certcentral
        .requests
        .get(&id)
        .ok_or_else(|| Refusal::not_found("request"))?;
    let mut view = views::request(world, request);
    if let Some(decided) = request.decided {
        view["date_processed"] = json!(crate::sandbox::clock::iso8601(decided));
        view["processor"] = views::user();
    }
    if let Some(comment) = &request.processor_comment {
        view["processor_comment"] = json!(comment);
    }
    Ok(Answer::json(200, &view))
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
            let reissue = |id: &&u64| {
                world.certcentral.requests.get(id).is_some_and(|request| {
                    request.kind == RequestType::Reissue && request.status == RequestStatus::Pending
                })
            };
            if let Some(request) = order.requests.iter().find(reissue) {
                reject(world, *request, note)?;
            }
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
