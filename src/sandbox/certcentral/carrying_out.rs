//! What approved requests do: they issue and revoke.

use super::order::{
    Certificate, CertificateStatus, Issued, OrderStatus, Part, RequestStatus, RequestType,
};
use super::refusal::Refusal;
use super::{lifetimes, validation};
use crate::sandbox::answer::Effect;
use crate::sandbox::ca::serial_number;
use crate::sandbox::habits::LastCertificateRevoked;
use crate::sandbox::world::World;

/// Issues an approved order, unless its recipient or a validation has to come first; returns its certificate.
pub(super) fn issue_order(world: &mut World, order_id: u64) -> Result<u64, Refusal> {
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
    world.certcentral.change(order_id)?.status = OrderStatus::Issued;
    issue(world, order_id, certificate)?;
    Ok(certificate)
}

/// Issues a certificate from today on, until its lifetime or its order ends.
fn issue(world: &mut World, order_id: u64, certificate_id: u64) -> Result<(), Refusal> {
    let (now, today) = (world.clock.now(), world.clock.today());
    let order = world.certcentral.order(order_id)?;
    let part = order
        .certificates
        .iter()
        .find(|one| one.id == certificate_id)
        .map_or(Part::Original, |one| one.part);
    let issued = Issued {
        serial_number: serial_number(world.seed, "certcentral", certificate_id),
        valid_from: today,
        valid_till: lifetimes::in_order(order, part, today, world.settings.reissue_gain),
        at: now,
        signed: None,
    };
    world
        .certcentral
        .issue(&world.authority, order_id, certificate_id, issued)
}

/// Issues an approved duplicate or reissue.
pub(super) fn issue_part(
    world: &mut World,
    order_id: u64,
    certificate_id: u64,
) -> Result<(), Refusal> {
    let order = world.certcentral.change(order_id)?;
    match order.status {
        OrderStatus::Issued => {}
        OrderStatus::ReissuePending => order.status = OrderStatus::Issued,
        _ => {
            return Err(Refusal::bad(
                "order_not_issued",
                "The order is not in force any more.",
            ));
        }
    }
    let before = order.current().map(Certificate::names).unwrap_or_default();
    let new = order
        .certificates
        .iter()
        .find(|one| one.id == certificate_id);
    let takes_away = new.is_some_and(|new| {
        let now = new.names();
        new.part == Part::Reissue && before.iter().any(|name| !now.contains(name))
    });
    // Assumption: only a reissue that takes names away revokes what the order had before.
    for certificate in order.certificates.iter_mut().filter(|_| takes_away) {
        if certificate.status == CertificateStatus::Issued {
            certificate.status = CertificateStatus::Revoked;
        }
    }
    issue(world, order_id, certificate_id)
}

/// Completes the validation of an order: what was approved meanwhile is issued.
pub(in crate::sandbox) fn complete_validation(
    world: &mut World,
    order_id: u64,
) -> Result<Effect, Refusal> {
    let order = world.certcentral.change(order_id)?;
    if order.open_validation.take().is_none() {
        return Err(Refusal::bad(
            "dcv_not_pending",
            "The order has no open validation.",
        ));
    }
    validation::completed(world, order_id)?;
    let waiting = approved(world, order_id)?;
    for (certificate, part) in &waiting {
        match part {
            Part::Original => {
                world.certcentral.change(order_id)?.status = OrderStatus::Issued;
                issue(world, order_id, *certificate)?;
            }
            Part::Duplicate | Part::Reissue => issue_part(world, order_id, *certificate)?,
        }
    }
    Ok(Effect {
        certificate_ids: waiting.iter().map(|(id, _)| *id).collect(),
        ..Effect::on_order("order_validated", order_id)
    })
}

/// Certificates of an order that are not issued although their request is approved.
fn approved(world: &World, order_id: u64) -> Result<Vec<(u64, Part)>, Refusal> {
    let order = world.certcentral.order(order_id)?;
    let decided = |certificate: &Certificate| {
        order
            .requests
            .iter()
            .filter_map(|id| world.certcentral.requests.get(id))
            .filter(|request| request.status == RequestStatus::Approved)
            .any(|request| match request.kind {
                RequestType::NewRequest => certificate.part == Part::Original,
                RequestType::Duplicate | RequestType::Reissue => {
                    request.certificate_id == Some(certificate.id)
                }
                RequestType::Revoke => false,
            })
    };
    let waits = order.certificates.iter().filter(|certificate| {
        certificate.status == CertificateStatus::Pending && decided(certificate)
    });
    Ok(waits.map(|one| (one.id, one.part)).collect())
}

/// Revokes every issued certificate of an order, and the order; returns the certificates.
pub(in crate::sandbox) fn revoke_order(world: &mut World, id: u64) -> Result<Vec<u64>, Refusal> {
    let order = world.certcentral.change(id)?;
    order.status = OrderStatus::Revoked;
    let mut revoked = Vec::new();
    for certificate in &mut order.certificates {
        if certificate.status == CertificateStatus::Issued {
            certificate.status = CertificateStatus::Revoked;
            revoked.push(certificate.id);
        }
    }
    Ok(revoked)
}

/// Revokes one certificate and returns it, or nothing when it was revoked before. The order stays as it is,
/// unless the account says otherwise of its last one.
pub(in crate::sandbox) fn revoke_certificate(
    world: &mut World,
    order_id: u64,
    certificate_id: u64,
) -> Result<Vec<u64>, Refusal> {
    let with_its_order =
        world.settings.habits.last_certificate_revoked == LastCertificateRevoked::RevokesOrder;
    let order = world.certcentral.change(order_id)?;
    let certificate = order
        .certificate_mut(certificate_id)
        .ok_or_else(|| Refusal::not_found("certificate"))?;
    if certificate.status == CertificateStatus::Revoked {
        return Ok(Vec::new());
    }
    certificate.status = CertificateStatus::Revoked;
    let none_left = !order
        .certificates
        .iter()
        .any(|one| one.status == CertificateStatus::Issued);
    if with_its_order && none_left {
        order.status = OrderStatus::Revoked;
    }
    Ok(vec![certificate_id])
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
        world.certcentral.change(order_id)?.status = OrderStatus::Issued;
        issue(world, order_id, certificate_id)?;
    }
    Ok(())
}
