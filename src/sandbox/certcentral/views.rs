//! Orders, certificates and requests as the API shows them: every member name of the answers is here.

use serde_json::{Map, Value, json};

use super::order::{Certificate, CertificateStatus, Order, Part, Request};
use super::products;
use super::refusal::{Outcome, Refusal};
use super::user::{EMAIL, FIRST_NAME, LAST_NAME, USER_ID};
use super::{account, organizations, validation};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::{days_between, iso8601};
use crate::sandbox::habits::{DuplicatesCount, OrderInfoRequests, OrderInfoTokens, OrderValidTill};
use crate::sandbox::world::World;

/// `GET /order/certificate/{order id, thumbprint or serial number}`.
pub(super) fn order_info(world: &mut World, name: &str) -> Outcome {
    let id = world.certcentral.find_order(name)?;
    let current = world
        .certcentral
        .order(id)?
        .current()
        .map(|certificate| certificate.id);
    if let Some(certificate) = current {
        // A seeded or edited order may have a name that no certificate can hold: it is shown without one.
        let _ = world.certcentral.sign(&world.authority, id, certificate);
    }
    let order = world.certcentral.order(id)?;
    let mut view = summary(world, order);
    if let Some(certificate) = order.current() {
        view["certificate"] = certificate_of_order(world, order, certificate);
    }
    let habits = &world.settings.habits;
    let requests = order
        .requests
        .iter()
        .filter(|_| habits.order_info_requests == OrderInfoRequests::Shown)
        .filter_map(|id| world.certcentral.requests.get(id));
    let requests: Vec<Value> = requests
        .map(|request| {
            let mut row = json!({
                "id": request.id,
                "date": iso8601(request.date),
                "type": request.kind,
                "status": request.status.word(habits),
            });
            if let Some(comments) = &request.comments {
                row["comments"] = json!(comments);
            }
            row
        })
        .collect();
    let notes: Vec<Value> = order
        .notes
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"id": index + 1, "text": text}))
        .collect();
    let more = json!({
        "is_renewal": order.renewal_of.is_some(),
        "user": user(),
        "requests": requests,
        "notes": notes,
        "currency": "USD",
        "payment_method": order.echoed.get("payment_method").cloned().unwrap_or_else(|| json!("balance")),
        "has_pending_request": world.certcentral.has_pending_request(order),
        "allow_duplicates": true,
        "api_key": {"name": account::KEY_NAME, "key_type": "api_key"},
        "alternative_order_id": order.alternative_order_id,
        "renewal_of_order_id": order.renewal_of,
        "renewed_order_id": order.renewed_by,
    });
    for (name, value) in more
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
    {
        view[name] = value.clone();
    }
    for name in [
        "auto_renew",
        "auto_reissue",
        "additional_emails",
        "disable_ct",
        "disable_issuance_email",
        "dcv_method",
    ] {
        if let Some(value) = order.echoed.get(name) {
            view[name] = value.clone();
        }
    }
    if world.settings.habits.order_info_tokens == OrderInfoTokens::Shown {
        for (name, value) in validation::members(order) {
            view[name] = value;
        }
    }
    Ok(Answer::json(200, &view))
}

/// An order as the list shows it; order info builds on it.
pub(super) fn summary(world: &World, order: &Order) -> Value {
    let product = products::find(&order.product);
    let all = world.settings.habits.duplicates_count == DuplicatesCount::All;
    let duplicates = count(order, Part::Duplicate, |one| all || !one.archived);
    let reissues = count(order, Part::Reissue, |_| true);
    let mut view = json!({
        "id": order.id,
        "status": order.status.name(),
        "is_renewed": order.renewed_by.is_some(),
        "date_created": iso8601(order.created),
        // An empty object is rendered as an empty array, as PHP does.
        "organization": order.organization_id.map_or_else(|| json!([]), organizations::name_and_id),
        "container": {"id": order.container_id.unwrap_or(account::CONTAINER_ID), "name": "Sandbox", "is_active": true},
        "product": {
            "name_id": order.product,
            "name": product.map_or("", |product| product.name),
            "type": product.map_or("", products::Product::group),
        },
        "product_name_id": order.product,
        "price": f64::from(order.price_cents) / 100.0,
        "has_duplicates": duplicates > 0,
        "duplicates_count": duplicates,
        "has_reissues": reissues > 0,
        "reissues_count": reissues,
        "is_multi_year_plan": "0",
    });
    let tls = product.is_some_and(products::Product::is_tls);
    if tls || world.settings.habits.order_valid_till == OrderValidTill::Shown {
        view["order_valid_till"] = json!(order.valid_till.to_string());
    }
    if let Some(certificate) = order.current() {
        view["certificate"] = certificate_members(world, order, certificate);
        view["number_of_sans"] = json!(certificate.dns_names.len());
    }
    for name in ["validity_years", "order_validity", "custom_fields"] {
        if let Some(value) = order.echoed.get(name) {
            view[name] = value.clone();
        }
    }
    view
}

fn count(order: &Order, part: Part, counts: impl Fn(&Certificate) -> bool) -> usize {
    order
        .certificates
        .iter()
        .filter(|certificate| certificate.part == part && counts(certificate))
        .count()
}

/// What list and order info say of a certificate.
fn certificate_members(world: &World, order: &Order, certificate: &Certificate) -> Value {
    let mut view = json!({
        "id": certificate.id,
        "common_name": certificate.common_name,
        "dns_names": certificate.dns_names,
        "signature_hash": certificate.signature_hash,
    });
    if let Some(issued) = &certificate.issued {
        view["serial_number"] = json!(issued.serial_number);
        view["valid_from"] = json!(issued.valid_from.to_string());
        view["valid_till"] = json!(issued.valid_till.to_string());
        view["days_remaining"] = json!(days_between(world.clock.today(), issued.valid_till));
    }
    // Absent while untouched.
    match certificate.status {
        CertificateStatus::Revoked => view["status"] = json!("revoked"),
        CertificateStatus::Issued if certificate.part == Part::Reissue => {
            view["status"] = json!("issued")
        }
        CertificateStatus::Issued | CertificateStatus::Pending | CertificateStatus::Rejected => {}
    }
    if !order.is_approved() {
        // No certificate id before approval, here as in the answer to the order.
        view.as_object_mut().map(|members| members.remove("id"));
    }
    view
}

fn certificate_of_order(world: &World, order: &Order, certificate: &Certificate) -> Value {
    let mut view = certificate_members(world, order, certificate);
    view["date_created"] = json!(iso8601(certificate.created));
    view["emails"] = json!(certificate.emails);
    view["organization_units"] = json!(certificate.organization_units);
    view["key_size"] = json!(certificate.key_size);
    view["server_platform"] = server_platform(certificate.server_platform);
    view["ca_cert"] = json!({"id": "1005", "name": crate::sandbox::ca::CA_NAME});
    if let Some(id) = order.organization_id {
        view["organization"] = json!({"id": id});
    }
    if let Some(csr) = csr(world, certificate) {
        view["csr"] = json!(csr);
    }
    if let Some(issued) = &certificate.issued {
        view["date_issued"] = json!(iso8601(issued.at));
        view["thumbprint"] = json!(issued.signed.as_ref().map(|(_, thumbprint)| thumbprint));
    }
    view
}

/// The CSR of a certificate; a seeded one, issued without, has the shared CSR.
fn csr<'a>(world: &'a World, certificate: &'a Certificate) -> Option<&'a str> {
    let shared = || {
        certificate
            .issued
            .is_some()
            .then(|| world.authority.seeded_csr())
    };
    certificate.csr.as_deref().or_else(shared)
}

/// A row of the duplicate or reissue list, member for member as its document shows it.
pub(super) fn part(world: &World, position: usize, certificate: &Certificate) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    put("id", json!(certificate.id));
    let issued = certificate.issued.as_ref();
    if let Some(issued) = issued {
        put(
            "thumbprint",
            json!(issued.signed.as_ref().map(|(_, thumbprint)| thumbprint)),
        );
        put("serial_number", json!(issued.serial_number));
    }
    put("common_name", json!(certificate.common_name));
    put("dns_names", json!(certificate.dns_names));
    put(
        "status",
        json!(match certificate.status {
            CertificateStatus::Issued => "approved",
            CertificateStatus::Pending => "pending",
            CertificateStatus::Rejected => "rejected",
            CertificateStatus::Revoked => "revoked",
        }),
    );
    put("date_created", json!(iso8601(certificate.created)));
    if let Some(issued) = issued {
        put("valid_from", json!(issued.valid_from.to_string()));
        put("valid_till", json!(issued.valid_till.to_string()));
        put(
            "days_remaining",
            json!(days_between(world.clock.today(), issued.valid_till)),
        );
    }
    if let Some(csr) = csr(world, certificate) {
        put("csr", json!(csr));
    }
    put(
        "server_platform",
        server_platform(certificate.server_platform),
    );
    put("signature_hash", json!(certificate.signature_hash));
    put("key_size", json!(certificate.key_size));
    put("ca_cert_id", json!("1005"));
    put("sub_id", json!(sub_id(position)));
    put(
        "public_id",
        json!(crate::sandbox::ca::serial_number(
            world.seed,
            "public id",
            certificate.id
        )),
    );
    put(
        "archived",
        json!(if certificate.archived { "1" } else { "0" }),
    );
    put("user_id", json!(USER_ID));
    put("firstname", json!(FIRST_NAME));
    put("lastname", json!(LAST_NAME));
    Value::Object(row)
}

/// The three digits that number the parts of an order, a string.
pub(super) fn sub_id(position: usize) -> String {
    format!("{position:03}")
}

fn server_platform(id: i64) -> Value {
    let (name, page) = match id {
        2 => ("Apache", "apache"),
        45 => ("nginx", "nginx"),
        _ => ("OTHER", "other"),
    };
    json!({
        "id": id,
        "name": name,
        "install_url": format!("http://www.example.com/ssl-certificate-installation-{page}.htm"),
        "csr_url": format!("http://www.example.com/csr-creation-{page}.htm"),
    })
}

/// A request with its order, as the request list shows it.
pub(super) fn request(world: &World, request: &Request) -> Value {
    let mut view = json!({
        "id": request.id,
        "date": iso8601(request.date),
        "type": request.kind,
        "status": request.status.word(&world.settings.habits),
        "requester": user(),
        "comments": request.comments,
    });
    let order: Result<&Order, Refusal> = world.certcentral.order(request.order_id);
    if let Ok(order) = order {
        let summary = summary(world, order);
        view["order"] = json!({
            "id": order.id,
            "certificate": {"common_name": order.current().map(|certificate| &certificate.common_name)},
            "organization": summary["organization"],
            "container": summary["container"],
            "product": summary["product"],
        });
    }
    view
}

pub(super) fn user() -> Value {
    json!({"id": USER_ID, "first_name": FIRST_NAME, "last_name": LAST_NAME, "email": EMAIL})
}
