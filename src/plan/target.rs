//! The target of a revocation: which order, which of its certificates, and what must be read first.

use jiff::civil::Date;

use super::inputs::{Inputs, Knowledge};
use crate::model::{
    Address, CertificateKind, CertificatePin, CertificateState, FactBody, Item, ItemName,
    ObservedAccount, ObservedCertificate, ObservedOrder, OrderId, OrderStatus, Revocation,
    RevocationTarget, Scope, SerialNumber, Tag, Wanted,
};

/// The order that a revocation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// This one: the manifest says its id, or an earlier plan was for it.
    Order(OrderId),
    /// The order that the name stands for now. From this plan on the revocation is for it alone.
    New(OrderId),
    /// The name stands for this order now, and stood or may have stood for others: look these tags up first.
    Unclear(OrderId, Vec<Tag>),
    /// An earlier plan could not tell which order is meant; the name stands for this one now.
    Undecided(Option<OrderId>),
    /// The name has no order yet.
    NoOrder(Address),
}

/// The order that a revocation is about.
pub(super) fn target(inputs: &Inputs<'_>, item: &Item, revocation: &Revocation) -> Target {
    let name = match &revocation.target {
        RevocationTarget::OrderId(id) => return Target::Order(id.clone()),
        RevocationTarget::Order(name) => name,
    };
    let record = inputs.record(item);
    let now = inputs.live_order(name).map(|live| live.order_id.clone());
    let pinned = record.and_then(|record| record.target.as_deref());
    let is_of_name = |pinned: &ItemName| {
        let named = inputs.records.get(&Address::Order(name.clone()));
        pinned == name || named.is_some_and(|record| record.was_called(pinned))
    };
    match pinned.filter(|pinned| pinned.name.as_ref().is_some_and(is_of_name)) {
        Some(pinned) if pinned.generation >= revocation.generation => {
            return match &pinned.order_id {
                Some(id) => Target::Order(id.clone()),
                None => Target::Undecided(now),
            };
        }
        Some(_) => {}
        // Asked for without a target, by an earlier version: whether the order that the name stands for now is
        // meant as well, only a person knows.
        None => {
            let asked = record.into_iter().flat_map(|record| &record.revocations);
            let mut asked = asked
                .filter(|(_, parts)| parts.generation >= revocation.generation)
                .map(|(id, _)| id);
            if pinned.is_none() && asked.any(|id| Some(id) != now.as_ref()) {
                return Target::Undecided(now);
            }
            let address = Address::Order(name.clone());
            // The journal may not know the first order of the name.
            let named = inputs.records.get(&address);
            let first = named.and_then(|record| record.first_generation);
            let found = named.is_some_and(|record| record.found_before().next().is_some());
            if let Some(id) = &now
                && (inputs.knowledge != Knowledge::Whole || first != Some(1) || found)
            {
                let tags = earlier_tags(inputs, &address);
                if !tags.is_empty() || found {
                    return Target::Unclear(id.clone(), tags);
                }
            }
        }
    }
    match now {
        Some(id) => Target::New(id),
        None => Target::NoOrder(Address::Order(name.clone())),
    }
}

/// The tags of the generations of an order before the present one.
fn earlier_tags(inputs: &Inputs<'_>, address: &Address) -> Vec<Tag> {
    let item = inputs
        .batch
        .items
        .iter()
        .find(|item| item.address == *address);
    let Some(item) = item else {
        return Vec::new();
    };
    let Wanted::Order(order) = &item.wanted else {
        return Vec::new();
    };
    // A person counts generations by hand; the last few are enough to find out that there were some.
    let first = order.generation.saturating_sub(EARLIER_GENERATIONS).max(1);
    let mut names = inputs.former_names(item);
    names.push(item.address.clone());
    (first..order.generation)
        .flat_map(|generation| names.iter().map(move |name| (name, generation)))
        .filter_map(|(name, generation)| inputs.tag_under(name, item, generation))
        .collect()
}

/// Generations before the present one that are looked up.
const EARLIER_GENERATIONS: u32 = 8;

/// What is known of a revocation's target at the CA.
pub(super) enum Answered<'a> {
    /// It must be read in full first.
    Ask,
    /// The CA says that it does not exist, or this key may not see it.
    Invisible,
    /// It was read, with every certificate as of today.
    Known(&'a ObservedOrder, Vec<ObservedCertificate>),
}

/// What is known of the target, and whether it must be read.
///
/// The list is enough for a whole order that has neither duplicates nor reissues: its one certificate
/// stands in the list. Everything else is read order by order.
pub(super) fn answered<'a>(
    account: &'a ObservedAccount,
    id: &OrderId,
    scope: &Scope,
    today: Date,
) -> Answered<'a> {
    let all = matches!(scope, Scope::Order | Scope::Duplicates);
    if let Some(listed) = account.orders.get(id) {
        if let Some(certificates) = &listed.certificates {
            return Answered::Known(listed, as_of(certificates.clone(), today));
        }
        let alone = listed.duplicates == Some(0)
            && (listed.all_duplicates || is_over(listed, today))
            && listed.reissues == Some(0)
            && !listed.certificate_revoked;
        let plain = matches!(listed.status, OrderStatus::Issued | OrderStatus::Revoked);
        if alone
            && plain
            && *scope == Scope::Order
            && let Some(certificate) = only_certificate(listed)
        {
            return Answered::Known(listed, as_of(vec![certificate], today));
        }
    }
    match account.details.get(id) {
        None => Answered::Ask,
        Some(None) => Answered::Invisible,
        // Archived duplicates die with the order, and what is missing may be one.
        Some(Some(detail))
            if !(detail.all_duplicates || is_over(detail, today))
                && (all || !shows(detail, scope)) =>
        {
            Answered::Ask
        }
        Some(Some(detail)) => {
            let certificates = detail.certificates.clone().unwrap_or_default();
            Answered::Known(detail, as_of(certificates, today))
        }
    }
}

/// Whether nothing of an order can be in force: its duplicates end when it does.
pub(super) fn is_over(order: &ObservedOrder, today: Date) -> bool {
    let past = order.valid_till.is_some_and(|till| till.is_past(today));
    past || order.status == OrderStatus::Revoked
}

/// Whether an order that was read shows what a scope names.
fn shows(order: &ObservedOrder, scope: &Scope) -> bool {
    let certificates = order.certificates.as_deref().unwrap_or_default();
    !select(scope, certificates).is_empty()
}

/// Dates decide what is in force, not the words of an order that the CA lists as issued.
fn as_of(mut certificates: Vec<ObservedCertificate>, today: Date) -> Vec<ObservedCertificate> {
    for one in &mut certificates {
        let past = one.valid_till.is_some_and(|till| till.is_past(today));
        if past && one.state == CertificateState::Issued {
            one.state = CertificateState::Expired;
        }
    }
    certificates
}

/// The one certificate of an order without duplicates and reissues, as the list shows it.
fn only_certificate(listed: &ObservedOrder) -> Option<ObservedCertificate> {
    Some(ObservedCertificate {
        id: listed.certificate_id.clone()?,
        serial_number: Some(listed.serial_number.clone()?),
        names: listed.names.clone(),
        valid_till: listed.valid_till,
        state: if listed.status == OrderStatus::Revoked || listed.certificate_revoked {
            CertificateState::Revoked
        } else {
            CertificateState::Issued
        },
        kind: CertificateKind::Original,
    })
}

/// The fact that makes an order the target of a revocation by name.
pub(super) fn targeted(
    name: Option<&ItemName>,
    order_id: Option<&OrderId>,
    revocation: &Revocation,
) -> FactBody {
    FactBody::Targeted {
        name: name.cloned(),
        order_id: order_id.cloned(),
        generation: revocation.generation,
    }
}

/// A certificate as a plan pins it.
pub(super) fn pin(certificate: &ObservedCertificate) -> CertificatePin {
    CertificatePin {
        certificate_id: certificate.id.clone(),
        serial_number: certificate.serial_number.clone(),
        names: certificate.names.clone(),
        valid_till: certificate.valid_till,
        kind: certificate.kind,
    }
}

/// The certificates that a scope names, whatever their state.
pub(super) fn select<'a>(
    scope: &Scope,
    certificates: &'a [ObservedCertificate],
) -> Vec<&'a ObservedCertificate> {
    certificates
        .iter()
        .filter(|one| match scope {
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
