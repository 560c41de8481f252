//! `POST /sandbox/edit`: an order, or one certificate of it, is edited in the console.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{done, text};
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::certcentral::order::Certificate;
use crate::sandbox::certcentral::refusal::Refusal;
use crate::sandbox::world::World;

/// With `order_id`: the order and its certificate in force; `valid_till` is the end of both. With
/// `certificate_id`: that certificate alone, a duplicate for instance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    order_id: Option<Value>,
    certificate_id: Option<Value>,
    common_name: Option<String>,
    dns_names: Option<Vec<String>>,
    emails: Option<Vec<String>>,
    organization_units: Option<Vec<String>>,
    product: Option<String>,
    organization_id: Option<u64>,
    valid_till: Option<Date>,
    /// The end of the order alone.
    order_valid_till: Option<Date>,
    archived: Option<bool>,
    /// The CA's own automatism, switched in the console.
    auto_renew: Option<u32>,
    auto_reissue: Option<bool>,
}

pub(super) fn edit(world: &mut World, asked: Edit) -> Result<Answer, String> {
    let refused = |refusal: Refusal| refusal.text();
    // X.509 has two forms for times; both cover these years.
    if asked.valid_till.is_some_and(|date| date.year() < 1950) {
        return Err("valid_till must be 1950 or later".into());
    }
    let book = &mut world.certcentral;
    let (id, certificate) = match (&asked.order_id, &asked.certificate_id) {
        (Some(order), None) => (book.find_order(&text(order)).map_err(refused)?, None),
        (None, Some(certificate)) => {
            let found = book.find_certificate(&text(certificate));
            let (order, certificate) = found.map_err(refused)?;
            (order, Some(certificate))
        }
        _ => return Err("say order_id or certificate_id".into()),
    };
    let of_order = asked.product.is_some()
        || asked.organization_id.is_some()
        || asked.order_valid_till.is_some()
        || asked.auto_renew.is_some()
        || asked.auto_reissue.is_some();
    if certificate.is_some() && of_order {
        return Err(
            "product, organization_id, order_valid_till, auto_renew and auto_reissue need order_id"
                .into(),
        );
    }
    let order = book.change(id).map_err(refused)?;
    if certificate.is_none() {
        if let Some(product) = &asked.product {
            order.product.clone_from(product);
        }
        if asked.organization_id.is_some() {
            order.organization_id = asked.organization_id;
        }
        let automatic = [
            ("auto_renew", asked.auto_renew.map(|times| json!(times))),
            ("auto_reissue", asked.auto_reissue.map(|on| json!(on))),
        ];
        for (name, value) in automatic {
            if let Some(value) = value {
                order.echoed.insert(name.to_owned(), value);
            }
        }
        let end = asked.order_valid_till.or(asked.valid_till);
        order.valid_till = end.unwrap_or(order.valid_till);
    }
    let edited = certificate.or_else(|| order.current().map(|current| current.id));
    if let Some(certificate) = edited.and_then(|id| order.certificate_mut(id)) {
        edit_certificate(certificate, asked);
        let number = certificate.id;
        let issued = certificate.issued.as_mut();
        if let Some(before) = issued.and_then(|issued| issued.signed.take()) {
            sign_anew(world, id, number, before);
        }
    }
    Ok(done(
        &json!({"order_id": id}),
        Effect::on_order("order_edited", id),
    ))
}

/// Signs what an edited certificate says now. What none can say, a name that is not ASCII, leaves the one `before`.
fn sign_anew(world: &mut World, order: u64, certificate: u64, before: (String, String)) {
    let book = &mut world.certcentral;
    if book.sign(&world.authority, order, certificate).is_err()
        && let Ok(order) = book.change(order)
        && let Some(certificate) = order.certificate_mut(certificate)
        && let Some(issued) = &mut certificate.issued
    {
        issued.signed = Some(before);
    }
}

fn edit_certificate(certificate: &mut Certificate, asked: Edit) {
    if let Some(name) = asked.common_name {
        certificate.common_name = name;
    }
    if let Some(names) = asked.dns_names {
        certificate.dns_names = names;
    }
    if let Some(emails) = asked.emails {
        certificate.emails = emails;
    }
    if let Some(units) = asked.organization_units {
        certificate.organization_units = units;
    }
    if let Some(archived) = asked.archived {
        certificate.archived = archived;
    }
    if let Some(issued) = &mut certificate.issued {
        issued.valid_till = asked.valid_till.unwrap_or(issued.valid_till);
    }
}
