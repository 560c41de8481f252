//! `POST /order/certificate/{product}`: checks an order, places it, and issues it when nobody need approve.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::form::Form;
use super::order::{
    Certificate, CertificateStatus, Order, OrderStatus, Part, RequestStatus, RequestType,
};
use super::products::{self, Kind, Product};
use super::refusal::{Outcome, Refusal};
use super::{decisions, downloads, renewing, validation};
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::world::World;
use crate::sandbox::{Approval, clock};

/// Members that are kept and handed back by order info without a meaning of their own here.
const ECHOED: &[&str] = &[
    "comments",
    "custom_fields",
    "additional_emails",
    "auto_renew",
    "auto_reissue",
    "payment_method",
    "disable_renewal_notifications",
    "disable_issuance_email",
    "disable_ct",
    "dcv_method",
    "order_validity",
    "validity_years",
    "custom_expiration_date",
];

pub(super) fn place(world: &mut World, product: &str, body: &Value) -> Outcome {
    if product == "ssl" && body.pointer("/product/type_hint").is_none() {
        return Err(Refusal::bad(
            "ambiguous_product",
            "The product ssl needs product.type_hint.",
        ));
    }
    let product = products::find(product).ok_or_else(|| Refusal::not_found("product"))?;
    let mut form = Form::new(body);
    let certificate = certificate(&mut form, product, world.clock.now());
    let organization_id = match product.kind {
        Kind::DomainTls => form.id("organization.id"),
        Kind::Client | Kind::SecureEmail | Kind::OrganizationTls => {
            form.required_id("organization.id")
        }
    };
    let valid_till = validity(&mut form, product, world.clock.today());
    let skip_approval = form.flag("skip_approval");
    let container_id = form.id("container.id");
    common_members(&mut form);
    let alternative_order_id = form.text("alternative_order_id").map(str::to_owned);
    if alternative_order_id
        .as_ref()
        .is_some_and(|value| value.len() > 255)
    {
        form.wrong("alternative_order_id", "must have at most 255 characters.");
    }
    let renewal_of = form.id("renewal_of_order_id");
    match renewal_of.map(|id| world.certcentral.orders.get(&id)) {
        Some(None) => form.wrong("renewal_of_order_id", "is no order of this account."),
        Some(Some(order)) => {
            if let Some((code, message)) = renewing::refusal(world, order) {
                form.problem(code, message);
            }
        }
        None => {}
    }
    form.finish()?;
    afford(world, product)?;

    let book = &mut world.certcentral;
    let (id, certificate_id, now) = (
        book.new_order_id(),
        book.new_certificate_id(),
        world.clock.now(),
    );
    let member = |name: &&str| {
        Some((
            (*name).to_owned(),
            body.get(*name).filter(|value| !value.is_null())?.clone(),
        ))
    };
    book.restore_order(Order {
        id,
        alternative_order_id: alternative_order_id.clone(),
        product: product.name_id.to_owned(),
        status: OrderStatus::NeedsApproval,
        created: now,
        changed: now,
        organization_id,
        container_id,
        valid_till,
        renewal_of,
        renewed_by: None,
        price_cents: product.price_cents(),
        paid: false,
        echoed: ECHOED.iter().filter_map(member).collect::<BTreeMap<_, _>>(),
        notes: Vec::new(),
        certificates: vec![Certificate {
            id: certificate_id,
            ..certificate
        }],
        requests: Vec::new(),
        open_validation: None,
    });
    if let Some(renewed) = renewal_of {
        book.change(renewed)?.renewed_by = Some(id);
    }
    let comments = body
        .get("comments")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let request_id = book.open_request(RequestType::NewRequest, id, None, comments)?;
    let approved = skip_approval || world.settings.approval == Approval::Automatic;
    let status = if approved {
        RequestStatus::Approved
    } else {
        RequestStatus::Pending
    };
    let word = status.word(&world.settings.habits);
    let mut answer = json!({"id": id, "requests": [{"id": request_id, "status": word}]});
    if approved {
        decisions::approve(world, request_id, None)?;
        answer["certificate_id"] = json!(certificate_id);
        if let Some(chain) = downloads::certificate_chain(world, id, certificate_id) {
            answer["certificate_chain"] = chain;
        }
        for (name, value) in validation::members(world.certcentral.order(id)?) {
            answer[name] = value;
        }
    }
    let effect = Effect {
        request_id: Some(request_id),
        certificate_ids: vec![certificate_id],
        alternative_order_id,
        ..Effect::on_order("order_created", id)
    };
    Ok(Answer::json(201, &answer).with_effect(effect))
}

/// Refuses what the account cannot pay, where it was told how much it has.
///
/// Assumption: what waits for approval is looked at as if it were paid already; code and status are those
/// that public clients know for other shortages.
fn afford(world: &World, product: Product) -> Result<(), Refusal> {
    let Some(funds) = world.settings.funds_cents else {
        return Ok(());
    };
    let book = &world.certcentral;
    let waiting = book
        .orders
        .values()
        .filter(|order| !order.paid && order.status == OrderStatus::NeedsApproval);
    let waiting: u64 = waiting.map(|order| u64::from(order.price_cents)).sum();
    if book.spent_cents + waiting + u64::from(product.price_cents()) > funds {
        return Err(Refusal::bad(
            "insufficient_funds",
            "The account balance does not cover the order.",
        ));
    }
    Ok(())
}

/// Reads `certificate`; what is missing or wrong is in the form's problems.
fn certificate(form: &mut Form<'_>, product: Product, now: Timestamp) -> Certificate {
    let tls = product.is_tls();
    if form.member("certificate").is_none() {
        form.missing("certificate");
    } else if form
        .member("certificate")
        .is_some_and(|value| !value.is_object())
    {
        form.wrong("certificate", "must be an object.");
    }
    let emails = form.texts("certificate.emails");
    if emails
        .iter()
        .any(|email| !email.contains('@') || !email.is_ascii())
    {
        form.wrong("certificate.emails", "must be e-mail addresses.");
    } else if emails.is_empty()
        && !tls
        && form
            .member("certificate.emails")
            .is_none_or(|value| value == &json!([]))
    {
        form.missing("certificate.emails");
    }
    let common_name = match product.name_id {
        // Both take the first e-mail when there is no name.
        "class1_smime" | "secure_email_mailbox" => form.text("certificate.common_name"),
        "secure_email_sponsor" | "secure_email_organization" => {
            if form.text("certificate.common_name_indicator").is_none() {
                form.missing("certificate.common_name_indicator");
            }
            form.text("certificate.common_name")
        }
        _ => form.required_text("certificate.common_name"),
    };
    let common_name = common_name
        .map(str::to_owned)
        .or_else(|| emails.first().cloned())
        .unwrap_or_default();
    let hashes: &[&str] = if product.kind == Kind::Client {
        &["sha256"]
    } else {
        &["sha256", "sha384", "sha512"]
    };
    let signature_hash = form
        .required_one_of("certificate.signature_hash", hashes)
        .unwrap_or("sha256")
        .to_owned();
    let csr = form.csr("certificate.csr");
    if tls && form.member("certificate.csr").is_none() {
        form.missing("certificate.csr");
    }
    if product.kind == Kind::SecureEmail {
        form.one_of("certificate.profile_type", &["strict", "multipurpose"]);
    }
    let mut dns_names = form.texts("certificate.dns_names");
    if dns_names.iter().any(|name| !is_dns_name(name)) {
        form.wrong("certificate.dns_names", "must be domain names.");
    }
    if tls && !common_name.is_empty() {
        if !is_dns_name(&common_name) {
            form.wrong("certificate.common_name", "must be a domain name.");
        } else if !dns_names.contains(&common_name) {
            dns_names.insert(0, common_name.clone());
        }
    }
    let key_size = csr.as_ref().map_or(2048, |(_, bits)| *bits);
    Certificate {
        id: 0,
        part: Part::Original,
        status: CertificateStatus::Pending,
        common_name,
        dns_names,
        emails,
        organization_units: form.texts("certificate.organization_units"),
        csr: csr.map(|(csr, _)| csr),
        signature_hash,
        key_size,
        server_platform: form.integer("certificate.server_platform.id").unwrap_or(-1),
        created: now,
        issued: None,
        archived: false,
    }
}

pub(super) fn is_dns_name(name: &str) -> bool {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && rest.contains('.') && rest.split('.').all(label)
}

/// When the order ends.
fn validity(form: &mut Form<'_>, product: Product, today: Date) -> Date {
    let (years, days) = if product.kind == Kind::Client {
        (2, 825)
    } else {
        (3, 1_095)
    };
    // `order_validity` wins over the older root members, and of those the date over the years.
    let given = [
        "order_validity",
        "custom_expiration_date",
        "validity_days",
        "validity_years",
    ]
    .into_iter()
    .find(|name| form.member(name).is_some());
    let Some(way) = given else {
        form.missing("validity_years");
        return today;
    };
    let path = if way == "order_validity" {
        let inner: Vec<&str> = ["years", "days", "custom_expiration_date"]
            .into_iter()
            .filter(|name| form.member(&format!("order_validity.{name}")).is_some())
            .collect();
        let [one] = inner.as_slice() else {
            form.wrong(
                "order_validity",
                "needs one of years, days and custom_expiration_date.",
            );
            return today;
        };
        format!("order_validity.{one}")
    } else {
        way.to_owned()
    };
    if path.ends_with("years") {
        return form
            .integer_in(&path, 1..=years)
            .map_or(today, |years| clock::plus_years(today, years));
    }
    if path.ends_with("days") {
        return form
            .integer_in(&path, 1..=days)
            .map_or(today, |days| clock::plus_days(today, days));
    }
    let Some(date) = form.date(&path) else {
        return today;
    };
    if date <= today || clock::days_between(today, date) > days as i32 {
        form.wrong(
            &path,
            &format!("must be in the future and at most {days} days away."),
        );
    }
    date
}

/// Members that every product takes; only their types are looked at.
fn common_members(form: &mut Form<'_>) {
    form.integer_in("auto_renew", 0..=100);
    form.text("comments");
    form.texts("additional_emails");
    form.one_of(
        "dcv_method",
        &["email", "dns-txt-token", "dns-cname-token", "http-token"],
    );
    if form.one_of("payment_method", &["balance", "card", "profile"]) == Some("profile") {
        form.required_id("payment_profile.id");
    }
    if let Some(fields) = form.member("custom_fields") {
        let field = |field: &Value| {
            field.get("metadata_id").is_some_and(Value::is_u64)
                && field.get("value").is_some_and(Value::is_string)
        };
        if !fields
            .as_array()
            .is_some_and(|fields| fields.iter().all(field))
        {
            form.problem(
                "invalid_custom_field_value",
                "custom_fields is a list of {metadata_id, value}.",
            );
        }
    }
}
