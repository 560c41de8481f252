//! Is an order at the CA the one that an entry asks for? Compares product, names and key in one normal
//! form, never the tag alone.

use std::collections::BTreeSet;

use super::asked::Asked;
use super::names::{is_host, normal_name};
use super::observed::ObservedOrder;
use super::order::Order;
use super::untrusted::Untrusted;

/// What differs between an order as wanted and a full read of one at the CA; empty when they match.
///
/// Names that the CA adds (CertCentral adds base domains to some TLS products) are no difference.
pub fn differences(wanted: &Order, observed: &ObservedOrder) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(product) = &observed.product
        && *product != wanted.product
    {
        let shown = Untrusted::new(product.as_str());
        found.push(format!("product {shown}, not {}", wanted.product));
    }
    if let (Some(ours), Some(theirs)) = common_names(wanted, observed)
        && ours != theirs
    {
        found.push(format!("common name {theirs}, not {ours}"));
    }
    if let Some(missing) = missing_names(wanted, observed) {
        found.push(format!("without {}", missing.join(", ")));
    }
    match (&wanted.certificate.csr, observed.public_key) {
        (Some(csr), Some(key)) if csr.public_key != key => {
            found.push(format!(
                "key {}, not {}",
                key.short(),
                csr.public_key.short()
            ));
        }
        (Some(_), None) => found.push("no CSR that could be compared".to_owned()),
        _ => {}
    }
    found
}

/// Whether a full read shows an order for what is wanted, organization units and every member that it shows of
/// the certificate included: they never keep an order from being bound, but a certificate without them is not the
/// wanted one.
pub fn is_as_wanted(wanted: &Order, observed: &ObservedOrder) -> bool {
    differences(wanted, observed).is_empty() && other_members(wanted, observed).is_empty()
}

/// The members of the certificate that a reissue changes and that the CA shows otherwise than wanted, names and
/// key apart. Assumption `common-name-case`: CertCentral shows a common name with the letter case that it was asked for with.
pub fn other_members(wanted: &Order, observed: &ObservedOrder) -> Vec<String> {
    let mut other = Asked::shown(observed).differing(wanted).certificate;
    if has_other_units(wanted, observed) {
        other.push("certificate.organization_units".to_owned());
    }
    other
}

/// Whether the CA shows other organization units than those that are wanted. Only a full read shows any.
fn has_other_units(wanted: &Order, observed: &ObservedOrder) -> bool {
    let normal = |units: &[String]| -> BTreeSet<String> {
        units.iter().map(|unit| normal_name(unit)).collect()
    };
    let shown = observed.organization_units.as_deref();
    shown.is_some_and(|shown| normal(shown) != normal(&wanted.certificate.organization_units))
}

/// Wanted names that the CA does not show for an order; `None` when it shows them all, or no names.
/// E-mail addresses count only where the CA shows any. Extra names at the CA are no difference.
pub fn missing_names(wanted: &Order, observed: &ObservedOrder) -> Option<Vec<String>> {
    if observed.names.is_empty() {
        return None;
    }
    let shown: BTreeSet<&str> = observed.names.iter().map(String::as_str).collect();
    let shows_addresses = shown.iter().any(|name| name.contains('@'));
    let missing: Vec<String> = wanted
        .certificate
        .names()
        .into_iter()
        .filter(|name| !shown.contains(name.as_str()))
        .filter(|name| shows_addresses || !name.contains('@'))
        .collect();
    (!missing.is_empty()).then_some(missing)
}

/// Names that the CA shows for an order, that the entry does not ask for, and that the CA does not add by
/// itself.
pub fn extra_names(wanted: &Order, observed: &ObservedOrder) -> Vec<String> {
    let ours = wanted.certificate.names();
    let ours: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
    let shown = observed.names.iter();
    shown
        .filter(|name| is_host(name) && !ours.contains(name.as_str()) && !is_added(name, &ours))
        .cloned()
        .collect()
}

/// E-mail addresses that the CA shows for an order and that the entry does not ask for.
pub fn extra_addresses(wanted: &Order, observed: &ObservedOrder) -> Vec<String> {
    let ours: BTreeSet<String> = wanted.certificate.names().into_iter().collect();
    let shown = observed.names.iter();
    shown
        .filter(|name| name.contains('@') && !ours.contains(*name))
        .cloned()
        .collect()
}

fn common_names(wanted: &Order, observed: &ObservedOrder) -> (Option<String>, Option<String>) {
    let normal = |name: &Option<String>| name.as_deref().map(normal_name);
    (
        normal(&wanted.certificate.common_name),
        normal(&observed.common_name),
    )
}

/// Whether two orders ask for the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// They do, as far as both show names of one kind.
    Same,
    /// At least one name tells them apart.
    Different,
    /// What is shown agrees, and the CA does not show every kind of name here: a full read would tell.
    Open,
    /// Nothing is shown that could be compared.
    Unknown,
}

/// The kinds of names. Each is compared with its own kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Host,
    Address,
    Text,
}

fn kind(name: &str) -> Kind {
    if name.contains('@') {
        Kind::Address
    } else if is_host(name) {
        Kind::Host
    } else {
        Kind::Text
    }
}

fn of_kind(names: &[String], wanted: Kind) -> BTreeSet<&str> {
    let names = names.iter().map(String::as_str);
    names.filter(|name| kind(name) == wanted).collect()
}

/// Whether an order at the CA is for the same product and the same names as the wanted one.
///
/// The CA may add the base domain of a name and its `www.` form; other names more or less are a
/// difference.
pub fn same_names(wanted: &Order, observed: &ObservedOrder) -> Sameness {
    if !same_product(wanted, observed) {
        return Sameness::Different;
    }
    let ours = wanted.certificate.names();
    let (mut compared, mut hidden) = (false, false);
    for kind in [Kind::Host, Kind::Address, Kind::Text] {
        let (ours, theirs) = (of_kind(&ours, kind), of_kind(&observed.names, kind));
        match (ours.is_empty(), theirs.is_empty()) {
            // The CA makes a common name from other members where the entry has none.
            (true, _) => {}
            (false, true) => hidden = true,
            (false, false) => {
                let extra = |name: &&&str| !is_added(name, &ours);
                if !ours.is_subset(&theirs) || theirs.difference(&ours).any(|n| extra(&n)) {
                    return Sameness::Different;
                }
                compared = true;
            }
        }
    }
    let in_full = observed.requests.is_some();
    match (compared, hidden) {
        (false, _) => Sameness::Unknown,
        (true, true) if !in_full => Sameness::Open,
        (true, _) => Sameness::Same,
    }
}

/// Whether an order at the CA is for one of the wanted names; `None` where nothing is shown that could be
/// compared. Each kind of name is compared with its own kind.
pub fn shares_a_name(wanted: &Order, observed: &ObservedOrder) -> Option<bool> {
    let (ours, theirs) = common_names(wanted, observed);
    let mut compared = ours.is_some() && theirs.is_some();
    if compared && ours == theirs {
        return Some(true);
    }
    let ours = wanted.certificate.names();
    for kind in [Kind::Host, Kind::Address, Kind::Text] {
        let (ours, theirs) = (of_kind(&ours, kind), of_kind(&observed.names, kind));
        if !ours.is_disjoint(&theirs) {
            return Some(true);
        }
        compared |= !ours.is_empty() && !theirs.is_empty();
    }
    compared.then_some(false)
}

/// True for a name that the CA adds by itself to one of these.
fn is_added(name: &str, wanted: &BTreeSet<&str>) -> bool {
    wanted.iter().any(|ours| {
        name.strip_prefix("www.") == Some(*ours)
            || ours.strip_prefix("www.") == Some(name)
            || ours.strip_prefix("*.") == Some(name)
    })
}

fn same_product(wanted: &Order, observed: &ObservedOrder) -> bool {
    let product = observed.product.as_ref();
    product.is_none_or(|product| *product == wanted.product)
}

/// Whether an order at the CA could be the wanted one: of the same product, and no name that is shown tells
/// them apart. Decides what is ruled out before something is bought, so a doubt counts as "could be".
pub fn may_be(wanted: &Order, observed: &ObservedOrder) -> bool {
    if !same_product(wanted, observed) {
        return false;
    }
    if let (Some(ours), Some(theirs)) = common_names(wanted, observed) {
        return ours == theirs;
    }
    let ours = wanted.certificate.names();
    let mut compared = false;
    for kind in [Kind::Host, Kind::Address] {
        let (ours, theirs) = (of_kind(&ours, kind), of_kind(&observed.names, kind));
        if ours.is_empty() || theirs.is_empty() {
            continue;
        }
        if !ours.is_disjoint(&theirs) {
            return true;
        }
        compared = true;
    }
    !compared
}
