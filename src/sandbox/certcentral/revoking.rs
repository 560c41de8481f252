//! Revocation of a whole order and of one certificate: 201 with a request, or 204 when approval is skipped.

use serde_json::{Value, json};

use super::form::Form;
use super::order::{CertificateStatus, OrderStatus, RequestType};
use super::products::{self, Product};
use super::refusal::{Outcome, Refusal};
use super::{carrying_out, decisions, views};
use crate::sandbox::Approval;
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::habits::{RevocationBesideAnother, SecondRevocation};
use crate::sandbox::world::World;

/// Assumption: the five reasons that other clients send, in snake case; only `superseded` is documented.
const REASONS: &[&str] = &[
    "unspecified",
    "key_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
];

/// `PUT /order/certificate/{id}/revoke`.
pub(super) fn order(world: &mut World, id: &str, body: &Value) -> Outcome {
    let id = world.certcentral.find_order(id)?;
    let asked = read(world, id, body)?;
    let repeatable = world.settings.habits.second_revocation == SecondRevocation::Accepted;
    match world.certcentral.order(id)?.status {
        OrderStatus::Revoked if repeatable => ask(world, id, None, asked),
        OrderStatus::Issued | OrderStatus::ReissuePending => ask(world, id, None, asked),
        // Assumption: the code of a second revocation is not documented.
        OrderStatus::Revoked => Err(Refusal::bad(
            "order_already_revoked",
            "The order has been revoked already.",
        )),
        OrderStatus::NeedsApproval
        | OrderStatus::Pending
        | OrderStatus::WaitingPickup
        | OrderStatus::Rejected
        | OrderStatus::Canceled => Err(Refusal::bad(
            "order_not_issued",
            "Only an issued order can be revoked.",
        )),
    }
}

/// `PUT /certificate/{id or serial number}/revoke`.
pub(super) fn certificate(world: &mut World, name: &str, body: &Value) -> Outcome {
    let (order_id, id) = world.certcentral.find_certificate(name)?;
    let asked = read(world, order_id, body)?;
    let order = world.certcentral.order(order_id)?;
    let certificate = order
        .certificates
        .iter()
        .find(|certificate| certificate.id == id);
    let repeatable = world.settings.habits.second_revocation == SecondRevocation::Accepted;
    match certificate.map(|certificate| certificate.status) {
        Some(CertificateStatus::Revoked) if repeatable => ask(world, order_id, Some(id), asked),
        Some(CertificateStatus::Revoked) => Err(Refusal::bad(
            "certificate_already_revoked",
            "The certificate has been revoked already.",
        )),
        Some(CertificateStatus::Issued) if order.status == OrderStatus::ReissuePending => Err(
            Refusal::bad("reissue_pending", "The certificate has a pending reissue."),
        ),
        Some(CertificateStatus::Issued) => ask(world, order_id, Some(id), asked),
        _ => Err(Refusal::bad(
            "certificate_not_issued",
            "Only an issued certificate can be revoked.",
        )),
    }
}

#[derive(Debug)]
struct Asked {
    comment: Option<String>,
    comment_member: Option<&'static str>,
    skip_approval: bool,
}

fn read(world: &World, order_id: u64, body: &Value) -> Result<Asked, Refusal> {
    let mut form = Form::new(body);
    let given = ["comments", "comment"]
        .into_iter()
        .find(|name| form.member(name).is_some());
    let comment = given.and_then(|name| form.string(name));
    let skip_approval = form.flag("skip_approval");
    let product = products::find(&world.certcentral.order(order_id)?.product);
    if product.is_some_and(Product::is_tls) {
        form.one_of("revocation_reason", REASONS);
    }
    form.finish()?;
    Ok(Asked {
        comment: comment.map(str::to_owned),
        comment_member: given,
        skip_approval,
    })
}

fn ask(world: &mut World, order_id: u64, certificate: Option<u64>, asked: Asked) -> Outcome {
    let comment_member = asked.comment_member;
    if world.settings.habits.revocation_beside_another == RevocationBesideAnother::Refused
        && world
            .certcentral
            .has_pending_revocation(order_id, certificate)
    {
        // Assumption: no code is documented for it.
        return Err(Refusal::bad(
            "revocation_pending",
            "A request to revoke it waits for approval already.",
        ));
    }
    if asked.skip_approval {
        // No request object comes to be, and the comment is not stored.
        let (name, certificate_ids) = match certificate {
            None => (
                "order_revoked",
                carrying_out::revoke_order(world, order_id)?,
            ),
            Some(id) => (
                "certificate_revoked",
                carrying_out::revoke_certificate(world, order_id, id)?,
            ),
        };
        let effect = Effect {
            certificate_ids,
            comment_member,
            ..Effect::on_order(name, order_id)
        };
        return Ok(Answer::no_content().with_effect(effect));
    }
    let book = &mut world.certcentral;
    let request_id =
        book.open_request(RequestType::Revoke, order_id, certificate, asked.comment)?;
    let effect = if world.settings.approval == Approval::Automatic {
        decisions::approve(world, request_id, None)?
    } else {
        Effect {
            request_id: Some(request_id),
            certificate_ids: certificate.into_iter().collect(),
            ..Effect::on_order("revocation_requested", order_id)
        }
    };
    let request = world
        .certcentral
        .requests
        .get(&request_id)
        .ok_or_else(|| Refusal::not_found("request"))?;
    let answer = json!({
        "id": request.id,
        "date": crate::sandbox::clock::iso8601(request.date),
        "type": "revoke",
        "status": request.status.word(&world.settings.habits),
        "requester": views::user(),
        "comments": request.comments,
    });
    Ok(Answer::json(201, &answer).with_effect(Effect {
        comment_member,
        ..effect
    }))
}
