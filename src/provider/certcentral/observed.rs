//! CertCentral's answers in certplan's own vocabulary.

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

use super::product::Family;
use super::requests::{request, validation};
use super::wire;
use crate::model::{
    CertificateId, CertificateKind, CertificateState, Digest, Identity, KeyFacts, KeyStatus,
    ObservedCertificate, ObservedOrder, OrderId, OrderStatus, SerialNumber, Stage, StatusChange,
    Untrusted, ValidTill,
};
use crate::provider::lenient::{Number, Object, Text, Truth};

/// An order as a row of the list shows it; `None` without an id.
pub(super) fn summary(order: &wire::Order) -> Option<ObservedOrder> {
    let certificate = order.certificate.get();
    Some(ObservedOrder {
        id: OrderId::from(order.id.id()?),
        status: order_status(&order.status),
        product: order
            .product
            .get()
            .and_then(|product| product.name_id.owned())
            .or_else(|| order.product_name_id.owned()),
        common_name: certificate.and_then(|certificate| certificate.common_name.owned()),
        names: certificate
            .map(wire::Certificate::names)
            .unwrap_or_default(),
        certificate_id: certificate
            .and_then(|certificate| certificate.id.id())
            .or(order.certificate_id.id())
            .map(CertificateId::from),
        serial_number: certificate.and_then(serial_number),
        valid_till: certificate.and_then(valid_till),
        valid_from: certificate.and_then(|row| row.valid_from.get()?.parse().ok()),
        order_valid_till: order
            .order_valid_till
            .get()
            .and_then(|day| day.parse().ok()),
        certificate_revoked: certificate.is_some_and(is_revoked),
        created_at: order.date_created.timestamp(),
        duplicates: counted(order.has_duplicates, order.duplicates_count),
        all_duplicates: has_no_duplicates(order),
        reissues: counted(order.has_reissues, order.reissues_count),
        price: order.price.decimal().filter(|price| !price.is_zero()),
        renewed: order.is_renewed.get() == Some(true),
        renewed_by: order.renewed_order_id.id().map(OrderId::from),
        renews_itself: Vec::new(),
        organization_units: None,
        tag: order.alternative_order_id.owned(),
        public_key: None,
        certificates: None,
        requests: None,
        validation: validation(&order.domains.0, order.dcv_method.get()),
        members: Map::new(),
    })
}

fn valid_till(row: &wire::Certificate) -> Option<ValidTill> {
    row.valid_till.get()?.parse().ok()
}

/// Assumption `revoked-word`: a certificate that was revoked alone has this word, in the list as in order info.
fn is_revoked(row: &wire::Certificate) -> bool {
    let status = row.status.get();
    status.is_some_and(|word| word.eq_ignore_ascii_case("revoked"))
}

/// An order in full, without its certificates.
pub(super) fn in_full(order: &wire::Order) -> Option<ObservedOrder> {
    let mut full = summary(order)?;
    full.public_key = order
        .certificate
        .get()
        .and_then(|certificate| public_key(certificate.csr.get()?));
    full.organization_units = order.certificate.get().map(|certificate| {
        let units = certificate.organization_units.0.iter();
        units.filter_map(Text::get).map(str::to_owned).collect()
    });
    full.requests = Some(
        order
            .requests
            .0
            .iter()
            .filter_map(|row| {
                let mut request = request(row)?;
                request.order_id = Some(full.id.clone());
                Some(request)
            })
            .collect(),
    );
    full.members = asked_for(order);
    full.renews_itself = renews_itself(order);
    Some(full)
}

/// What makes the CA renew or reissue the order by itself, 30 days before its end (its page on automatic renewals).
fn renews_itself(order: &wire::Order) -> Vec<&'static str> {
    let mut on = Vec::new();
    if order.auto_renew.value().is_some_and(|times| times > 0) {
        on.push("auto_renew");
    }
    if order.auto_reissue.get() == Some(true) {
        on.push("auto_reissue");
    }
    on
}

/// Assumption `duplicates-of-tls`: only TLS certificates are duplicated. An unknown product may be one.
fn has_no_duplicates(order: &wire::Order) -> bool {
    let product = order.product.get();
    let name = product.and_then(|product| product.name_id.get());
    let family = Family::of(name.unwrap_or_default());
    !family.may_be_tls() && counted(order.has_duplicates, order.duplicates_count) == Some(0)
}

/// A count, or none where the order says that there are none.
fn counted(has: Truth, count: Number) -> Option<u32> {
    match (count.count(), has.get()) {
        (Some(count), _) => Some(count),
        (None, Some(false)) => Some(0),
        (None, _) => None,
    }
}

/// The order as a manifest would ask for it.
fn asked_for(order: &wire::Order) -> Map<String, Value> {
    let texts = |list: &[Text]| -> Value { list.iter().filter_map(Text::get).collect() };
    let mut certificate = Map::new();
    if let Some(shown) = order.certificate.get() {
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value.filter(|value| *value != json!([])) {
                certificate.insert(name.to_owned(), value);
            }
        };
        put("common_name", shown.common_name.get().map(Value::from));
        put("dns_names", Some(texts(&shown.dns_names.0)));
        put("emails", Some(texts(&shown.emails.0)));
        put(
            "organization_units",
            Some(texts(&shown.organization_units.0)),
        );
        put(
            "signature_hash",
            shown.signature_hash.get().map(Value::from),
        );
        put("csr", shown.csr.get().map(|pem| json!({ "pem": pem })));
        put("server_platform", numbered(&shown.server_platform));
    }
    let mut members = Map::new();
    members.insert("certificate".to_owned(), Value::Object(certificate));
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("organization", numbered(&order.organization));
    put("container", numbered(&order.container));
    put("auto_renew", order.auto_renew.value().map(Value::from));
    let emails = texts(&order.additional_emails.0);
    put(
        "additional_emails",
        Some(emails).filter(|list| *list != json!([])),
    );
    put("custom_fields", custom_fields(order));
    for (name, flag) in [
        ("disable_ct", &order.disable_ct),
        ("disable_issuance_email", &order.disable_issuance_email),
    ] {
        put(name, flag.get().map(Value::from));
    }
    let validity = order.order_validity.get().and_then(|validity| {
        let years = validity.years.id().map(|years| json!({ "years": years }));
        let days = validity.days.id().map(|days| json!({ "days": days }));
        let date = validity.custom_expiration_date.get();
        years
            .or(days)
            .or(date.map(|date| json!({ "custom_expiration_date": date })))
    });
    match validity {
        Some(validity) => put("order_validity", Some(validity)),
        None => put("validity_years", order.validity_years.id().map(Value::from)),
    }
    members
}

fn custom_fields(order: &wire::Order) -> Option<Value> {
    let fields = order.custom_fields.0.iter().filter_map(|field| {
        Some(json!({ "metadata_id": field.metadata_id.id()?, "value": field.value.get()? }))
    });
    let fields: Vec<Value> = fields.collect();
    (!fields.is_empty()).then_some(Value::Array(fields))
}

fn numbered(object: &Object<wire::Numbered>) -> Option<Value> {
    object.get()?.id.id().map(|id| json!({ "id": id }))
}

/// Every certificate of an order, sorted by id. The order's own comes first in doubt, then a duplicate,
/// then a reissue. `None` when a row has no id: it could not be pinned.
pub(super) fn certificates(
    order: &wire::Order,
    duplicates: &[wire::Certificate],
    reissues: &[wire::Certificate],
    today: Date,
) -> Option<Vec<ObservedCertificate>> {
    let order_status = order_status(&order.status);
    let mut all: Vec<ObservedCertificate> = Vec::new();
    // An order that waits for approval has a certificate without an id, or none.
    if let Some(primary) = order.certificate.get()
        && primary.id.id().is_some()
    {
        all.push(ObservedCertificate {
            state: primary_state(primary, &order_status, today),
            ..certificate(primary, CertificateKind::Original, today)?
        });
    }
    for (rows, kind) in [
        (duplicates, CertificateKind::Duplicate),
        (reissues, CertificateKind::Reissue),
    ] {
        for row in rows {
            let mut row = certificate(row, kind, today)?;
            // The rows keep their word when the whole order was revoked.
            if order_status == OrderStatus::Revoked && row.state == CertificateState::Issued {
                row.state = CertificateState::Revoked;
            }
            if all.iter().all(|known| known.id != row.id) {
                all.push(row);
            }
        }
    }
    all.sort_by_cached_key(|certificate| numeric(certificate.id.as_str()));
    Some(all)
}

/// Ids are numbers: 9 comes before 10.
pub(super) fn numeric(id: &str) -> (usize, String) {
    (id.len(), id.to_owned())
}

fn certificate(
    row: &wire::Certificate,
    kind: CertificateKind,
    today: Date,
) -> Option<ObservedCertificate> {
    let state = match row.status.get().map(str::to_ascii_lowercase).as_deref() {
        // The documented sample has `approved` on a row with a serial number: it is issued.
        Some("approved" | "issued") => in_force(row, today),
        Some("pending" | "processing" | "submitted" | "needs_approval") => {
            CertificateState::Pending
        }
        Some("rejected" | "canceled" | "denied") => CertificateState::Failed,
        Some("revoked") => CertificateState::Revoked,
        Some("expired") => CertificateState::Expired,
        Some(other) => CertificateState::Other(Untrusted::new(other)),
        None if row.serial_number.get().is_some() => in_force(row, today),
        None => CertificateState::Pending,
    };
    Some(ObservedCertificate {
        id: CertificateId::from(row.id.id()?),
        serial_number: serial_number(row),
        names: row.names(),
        valid_till: valid_till(row),
        state,
        kind,
    })
}

/// The primary certificate has a `status` of its own only after a reissue or a revocation; otherwise it
/// stands where its order stands.
fn primary_state(
    primary: &wire::Certificate,
    order: &OrderStatus,
    today: Date,
) -> CertificateState {
    let own = primary.status.get().map(str::to_ascii_lowercase);
    match (order, own.as_deref()) {
        (OrderStatus::Revoked, _) | (_, Some("revoked")) => CertificateState::Revoked,
        (OrderStatus::Issued | OrderStatus::ReissuePending | OrderStatus::RevocationPending, _) => {
            in_force(primary, today)
        }
        (OrderStatus::Expired, _) => CertificateState::Expired,
        // A certificate that has a serial number was issued, whatever became of its order.
        (_, _) if primary.serial_number.get().is_some() => in_force(primary, today),
        (OrderStatus::Pending(..), _) => CertificateState::Pending,
        (OrderStatus::Rejected | OrderStatus::Canceled, _) => CertificateState::Failed,
        (OrderStatus::Other(word), _) => CertificateState::Other(word.clone()),
    }
}

fn in_force(row: &wire::Certificate, today: Date) -> CertificateState {
    if valid_till(row).is_some_and(|last| last.is_past(today)) {
        CertificateState::Expired
    } else {
        CertificateState::Issued
    }
}

fn serial_number(row: &wire::Certificate) -> Option<SerialNumber> {
    Some(SerialNumber::from(
        row.serial_number.get()?.to_ascii_lowercase(),
    ))
}

/// SHA-256 of the CSR's `SubjectPublicKeyInfo`. PEM, or the base64 of the DER.
fn public_key(csr: &str) -> Option<Digest> {
    let der = match parse_x509_pem(csr.trim().as_bytes()) {
        Ok((_, pem)) => pem.contents,
        Err(_) => {
            let bare: String = csr.split_ascii_whitespace().collect();
            data_encoding::BASE64.decode(bare.as_bytes()).ok()?
        }
    };
    let (_, request) = X509CertificationRequest::from_der(&der).ok()?;
    Some(Digest::of(
        request.certification_request_info.subject_pki.raw,
    ))
}

/// The words of the list, of order info and of migrated orders.
pub(super) fn order_status(word: &Text) -> OrderStatus {
    let Some(word) = word.get() else {
        return OrderStatus::Other(Untrusted::new("no status"));
    };
    match word.to_ascii_lowercase().as_str() {
        "needs_approval" => OrderStatus::Pending(Stage::Approval, Untrusted::new(word)),
        "processing" | "approved" => OrderStatus::Pending(Stage::Issuance, Untrusted::new(word)),
        "waiting_pickup" => OrderStatus::Pending(Stage::Pickup, Untrusted::new(word)),
        "needs_csr" => OrderStatus::Pending(Stage::Csr, Untrusted::new(word)),
        "pending" | "submitted" => OrderStatus::Pending(Stage::Unclear, Untrusted::new(word)),
        "issued" => OrderStatus::Issued,
        "reissue_pending" => OrderStatus::ReissuePending,
        "rejected" | "denied" => OrderStatus::Rejected,
        "canceled" | "cancelled" => OrderStatus::Canceled,
        "revoked" => OrderStatus::Revoked,
        "expired" => OrderStatus::Expired,
        _ => OrderStatus::Other(Untrusted::new(word)),
    }
}

/// A row of a look-up by tag or of status changes; `None` without an order id.
pub(super) fn change(row: &wire::Order) -> Option<StatusChange> {
    Some(StatusChange {
        order_id: OrderId::from(row.order_id.id().or(row.id.id())?),
        certificate_id: row.certificate_id.id().map(CertificateId::from),
        status: order_status(&row.status),
    })
}

/// The key; `None` without an id.
pub(super) fn key(key: &wire::Key) -> Option<KeyFacts> {
    Some(KeyFacts {
        id: key.id.id()?.into(),
        name: Untrusted::new(key.name.get().unwrap_or_default()),
        status: match key.status.get() {
            Some("active") => KeyStatus::Active,
            Some("revoked") => KeyStatus::Revoked,
            other => KeyStatus::Other(Untrusted::new(other.unwrap_or("no status"))),
        },
        restricted_to_role_id: key.restricted_to_role_id.value().unwrap_or_default(),
        acme: key.acme_directory_url.get().is_some(),
        user: key.user.get().map_or_else(|| Untrusted::new(""), person),
    })
}

/// The user behind the key; `None` without an account id.
pub(super) fn identity(user: &wire::User) -> Option<Identity> {
    Some(Identity {
        account_id: user.account_id.owned()?,
        user: person(user),
        roles: user
            .access_roles
            .0
            .iter()
            .filter_map(|role| role.name.get().map(Untrusted::new))
            .collect(),
    })
}

fn person(user: &wire::User) -> Untrusted {
    let first = user.first_name.get().or(user.firstname.get());
    let last = user.last_name.get().or(user.lastname.get());
    let parts: Vec<&str> = first.into_iter().chain(last).collect();
    if parts.is_empty() {
        Untrusted::new(user.username.get().unwrap_or_default())
    } else {
        Untrusted::new(parts.join(" "))
    }
}
