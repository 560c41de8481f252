//! The target of a revocation: which order, which of its certificates, and what must be read first.

use super::make::Inputs;
use crate::model::{
    Address, CertificateKind, CertificatePin, CertificateState, ObservedAccount,
    ObservedCertificate, ObservedOrder, OrderId, OrderStatus, Revocation, RevocationTarget, Scope,
    SerialNumber,
};

/// What is known of a revocation's target.
pub(super) enum Answered<'a> {
    /// The order has no id yet.
    NoOrder,
    /// It must be read in full first.
    Ask(OrderId),
    /// The CA says that it does not exist, or this key may not see it.
    Invisible(OrderId),
    /// It was read, with every certificate.
    Known(&'a ObservedOrder, Vec<ObservedCertificate>),
}

/// The order that a revocation is about, if it is known.
pub(super) fn target_id(inputs: &Inputs<'_>, revocation: &Revocation) -> Option<OrderId> {
    match &revocation.target {
        RevocationTarget::OrderId(id) => Some(id.clone()),
        RevocationTarget::Order(name) => inputs
            .records
            .get(&Address::Order(name.clone()))
            .and_then(|record| record.live.as_ref())
            .map(|live| live.order_id.clone()),
    }
}

/// What is known of the target, and what must be read.
///
/// The list is enough for a whole order that has neither duplicates nor reissues: its one certificate
/// stands in the list. Everything else is read order by order.
pub(super) fn standing<'a>(
    inputs: &Inputs<'_>,
    revocation: &Revocation,
    account: &'a ObservedAccount,
) -> Answered<'a> {
    let Some(id) = target_id(inputs, revocation) else {
        return Answered::NoOrder;
    };
    if let Some(listed) = account.orders.get(&id) {
        if let Some(certificates) = &listed.certificates {
            return Answered::Known(listed, certificates.clone());
        }
        let alone = listed.duplicates == Some(0) && listed.reissues == Some(0);
        let plain = matches!(listed.status, OrderStatus::Issued | OrderStatus::Revoked);
        if alone
            && plain
            && revocation.scope == Scope::Order
            && let Some(certificate) = only_certificate(listed)
        {
            return Answered::Known(listed, vec![certificate]);
        }
    }
    match account.details.get(&id) {
        None => Answered::Ask(id),
        Some(None) => Answered::Invisible(id),
        Some(Some(detail)) => {
            let certificates = detail.certificates.clone().unwrap_or_default();
            Answered::Known(detail, certificates)
        }
    }
}

/// The one certificate of an order without duplicates and reissues, as the list shows it.
fn only_certificate(listed: &ObservedOrder) -> Option<ObservedCertificate> {
    Some(ObservedCertificate {
        id: listed.certificate_id.clone()?,
        serial_number: Some(listed.serial_number.clone()?),
        names: listed.names.clone(),
        valid_till: listed.valid_till.clone(),
        state: if listed.status == OrderStatus::Revoked {
            CertificateState::Revoked
        } else {
            CertificateState::Issued
        },
        kind: CertificateKind::Original,
    })
}

/// A certificate as a plan pins it.
pub(super) fn pin(certificate: &ObservedCertificate) -> CertificatePin {
    CertificatePin {
        certificate_id: certificate.id.clone(),
        serial_number: certificate.serial_number.clone(),
        names: certificate.names.clone(),
        valid_till: certificate.valid_till.clone(),
        kind: certificate.kind,
    }
}

/// The certificates that a scope names, whatever their state.
pub(super) fn select<'a>(
    revocation: &Revocation,
    certificates: &'a [ObservedCertificate],
) -> Vec<&'a ObservedCertificate> {
    certificates
        .iter()
        .filter(|one| match &revocation.scope {
            Scope::Order => true,
            Scope::CertificateId(id) => one.id == *id,
            Scope::SerialNumber(serial) => one
                .serial_number
                .as_ref()
                .is_some_and(|known| same_serial(known, serial)),
            Scope::Duplicates => one.kind == CertificateKind::Duplicate,
            Scope::CertificateNo(number) => one.id.as_str() == number.to_string(),
        })
        .collect()
}

/// Serial numbers agree whatever their case, colons and leading zeros.
fn same_serial(one: &SerialNumber, other: &SerialNumber) -> bool {
    let plain = |serial: &SerialNumber| {
        let text: String = serial
            .as_str()
            .chars()
            .filter(|c| c.is_ascii_hexdigit())
            .collect();
        text.trim_start_matches('0').to_ascii_lowercase()
    };
    plain(one) == plain(other)
}

pub(super) fn scope_words(scope: &Scope) -> String {
    match scope {
        Scope::Order => "certificate".to_owned(),
        Scope::CertificateId(id) => format!("certificate {id}"),
        Scope::SerialNumber(serial) => format!("certificate with serial number {serial}"),
        Scope::Duplicates => "duplicates".to_owned(),
        Scope::CertificateNo(number) => format!("certificate number {number}"),
    }
}
