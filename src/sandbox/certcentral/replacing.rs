//! Duplicates and reissues: further certificates of an order.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::Form;
use super::order::{
    Certificate, CertificateStatus, Order, OrderStatus, Part, RequestStatus, RequestType,
};
use super::refusal::{Outcome, Refusal};
use super::{decisions, ordering, validation, views};
use crate::sandbox::Approval;
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::call::Call;
use crate::sandbox::habits;
use crate::sandbox::world::World;

/// `GET /order/certificate/{id}/duplicate`.
pub(super) fn duplicates(world: &mut World, call: &Call, id: &str) -> Outcome {
    let archived = matches!(call.parameter("show_archived"), Some("1" | "true"));
    list(world, id, |one| {
        one.part == Part::Duplicate && (archived || !one.archived)
    })
}

/// `GET /order/certificate/{id}/reissue`.
pub(super) fn reissues(world: &mut World, id: &str) -> Outcome {
    list(world, id, |one| one.part == Part::Reissue)
}

fn list(world: &mut World, id: &str, takes: impl Fn(&Certificate) -> bool) -> Outcome {
    let id = world.certcentral.find_order(id)?;
    let order = world.certcentral.order(id)?;
    let ids: Vec<u64> = order
        .certificates
        .iter()
        .filter(|one| takes(one))
        .map(|one| one.id)
        .collect();
    for certificate in ids {
        // What no certificate can hold is listed without one, as in the order itself.
        let _ = world.certcentral.sign(&world.authority, id, certificate);
    }
    let order = world.certcentral.order(id)?;
    let parts = order
        .certificates
        .iter()
        .enumerate()
        .filter(|(_, certificate)| takes(certificate));
    let rows: Vec<Value> = parts
        .map(|(position, certificate)| views::part(world, position, certificate))
        .collect();
    let list = json!({"certificates": rows});
    Ok(Answer::json(
        200,
        &habits::empty(&world.settings.habits, list),
    ))
}

/// `POST /order/certificate/{id}/duplicate`: the same subject, another key.
pub(super) fn duplicate(world: &mut World, id: &str, body: &Value) -> Outcome {
    let id = world.certcentral.find_order(id)?;
    let mut form = Form::new(body);
    let order = world.certcentral.order(id)?;
    let certificate = further(&mut form, order, Part::Duplicate, world.clock.now())?;
    if let Some(current) = order.current() {
        if certificate.common_name != current.common_name {
            form.wrong("certificate.common_name", "must be that of the original.");
        }
        if certificate.names() != current.names() {
            form.wrong("certificate.dns_names", "must be those of the original.");
        }
        if validation::expired(world, &current.dns_names) {
            // Assumption: it is documented that a duplicate is refused then, and not with which code.
            form.problem(
                "dcv_expired",
                "The validation of a domain is too old for a duplicate.",
            );
        }
    }
    add(world, id, certificate, form, RequestType::Duplicate)
}

/// `POST /order/certificate/{id}/reissue`: other names or another key in place of the original.
pub(super) fn reissue(world: &mut World, id: &str, body: &Value) -> Outcome {
    let id = world.certcentral.find_order(id)?;
    let mut form = Form::new(body);
    let order = world.certcentral.order(id)?;
    let certificate = further(&mut form, order, Part::Reissue, world.clock.now())?;
    add(world, id, certificate, form, RequestType::Reissue)
}

/// A new certificate of an order: what the body does not say is as it was.
fn further(
    form: &mut Form<'_>,
    order: &Order,
    part: Part,
    now: Timestamp,
) -> Result<Certificate, Refusal> {
    match order.status {
        OrderStatus::Issued => {}
        OrderStatus::ReissuePending => {
            return Err(Refusal::bad(
                "reissue_pending",
                "A reissue of the order waits for approval.",
            ));
        }
        _ => return Err(Refusal::bad("order_not_issued", "The order is not issued.")),
    }
    let current = order
        .current()
        .ok_or_else(|| Refusal::not_found("certificate"))?;
    let csr = form.csr("certificate.csr");
    if form.member("certificate.csr").is_none() {
        form.missing("certificate.csr");
    }
    let common_name = form
        .text("certificate.common_name")
        .map_or_else(|| current.common_name.clone(), str::to_owned);
    let tls = super::products::find(&order.product).is_some_and(super::products::Product::is_tls);
    let mut dns_names = match form.member("certificate.dns_names") {
        Some(_) => form.texts("certificate.dns_names"),
        None => current.dns_names.clone(),
    };
    if tls && !dns_names.contains(&common_name) {
        dns_names.insert(0, common_name.clone());
    }
    if !dns_names.iter().all(|name| ordering::is_dns_name(name)) {
        form.wrong("certificate.dns_names", "must be domain names.");
    }
    let emails = match form.member("certificate.emails") {
        Some(_) => form.texts("certificate.emails"),
        None => current.emails.clone(),
    };
    if emails
        .iter()
        .any(|email| !email.contains('@') || !email.is_ascii())
    {
        form.wrong("certificate.emails", "must be e-mail addresses.");
    }
    let organization_units = match form.member("certificate.organization_units") {
        Some(_) => form.texts("certificate.organization_units"),
        None => current.organization_units.clone(),
    };
    let hash = form.one_of(
        "certificate.signature_hash",
        &["sha256", "sha384", "sha512"],
    );
    Ok(Certificate {
        id: 0,
        part,
        status: CertificateStatus::Pending,
        common_name,
        dns_names,
        emails,
        organization_units,
        key_size: csr.as_ref().map_or(0, |(_, bits)| *bits),
        csr: csr.map(|(csr, _)| csr),
        signature_hash: hash.unwrap_or(&current.signature_hash).to_owned(),
        server_platform: form
            .integer("certificate.server_platform.id")
            .unwrap_or(current.server_platform),
        created: now,
        issued: None,
        archived: false,
    })
}

fn add(
    world: &mut World,
    id: u64,
    certificate: Certificate,
    mut form: Form<'_>,
    kind: RequestType,
) -> Outcome {
    let skip_approval = form.flag("skip_approval");
    let comments = form.text("comments").map(str::to_owned);
    form.finish()?;
    let book = &mut world.certcentral;
    let certificate_id = book.new_certificate_id();
    book.order_of.insert(certificate_id, id);
    let order = book.change(id)?;
    let sub_id = views::sub_id(order.certificates.len());
    order.certificates.push(Certificate {
        id: certificate_id,
        ..certificate
    });
    if kind == RequestType::Reissue {
        order.status = OrderStatus::ReissuePending;
    }
    let request_id = book.open_request(kind, id, Some(certificate_id), comments)?;
    let word = RequestStatus::Pending.word(&world.settings.habits);
    let mut answer = json!({"id": id, "requests": [{"id": request_id, "status": word}]});
    if skip_approval || world.settings.approval == Approval::Automatic {
        decisions::approve(world, request_id, None)?;
        answer["requests"][0]["status"] = json!("approved");
        answer["certificate_id"] = json!(certificate_id);
        if kind == RequestType::Duplicate {
            answer["sub_id"] = json!(sub_id);
        }
        for (name, value) in validation::members(world.certcentral.order(id)?) {
            answer[name] = value;
        }
    }
    let name = if kind == RequestType::Reissue {
        "reissue_created"
    } else {
        "duplicate_created"
    };
    let effect = Effect {
        request_id: Some(request_id),
        certificate_ids: vec![certificate_id],
        ..Effect::on_order(name, id)
    };
    Ok(Answer::json(201, &answer).with_effect(effect))
}
