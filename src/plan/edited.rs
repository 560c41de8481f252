//! What an entry says otherwise than the order that its name stands for: a reissue, or a warning that names the
//! member and says when it comes into force.

use super::order_case::OrderCase;
use crate::model::{
    Differing, LiveOrder, ObservedOrder, Order, Standing, missing_names, other_members,
};

/// True when the certificate that is wanted is not the one that was asked for.
pub(super) fn is_changed(
    order: &Order,
    live: &LiveOrder,
    observed: Option<&ObservedOrder>,
) -> bool {
    match live.certificate {
        Some(digest) => !order.certificate.is_of(digest),
        // Adopted without knowing what it was ordered with: what the CA shows decides, and where it is not read
        // again, what it showed then.
        None => {
            let shown = |observed| !shown_otherwise(order, observed).is_empty();
            let is_read = observed.is_some_and(|observed| !observed.members.is_empty());
            observed.is_some_and(shown)
                || !is_read && !differing(order, live).certificate.is_empty()
        }
    }
}

/// The members of the certificate that the CA shows otherwise than the entry has them.
fn shown_otherwise(order: &Order, observed: &ObservedOrder) -> Vec<String> {
    let mut other = other_members(order, observed);
    let key = order.certificate.csr.as_ref().map(|csr| csr.public_key);
    if key.is_some() && observed.public_key.is_some() && key != observed.public_key {
        other.push("certificate.csr".to_owned());
    }
    let missing = missing_names(order, observed).unwrap_or_default();
    if missing.iter().any(|name| name.contains('@')) {
        other.push("certificate.emails".to_owned());
    }
    if missing.iter().any(|name| !name.contains('@')) {
        other.push("certificate.dns_names".to_owned());
    }
    other
}

/// The members for which a reissue is due, by name; none where the journal does not know them.
pub(super) fn for_a_reissue(
    order: &Order,
    live: &LiveOrder,
    observed: Option<&ObservedOrder>,
) -> Vec<String> {
    let mut names = differing(order, live).certificate;
    if live.certificate.is_none() {
        names.extend(
            observed
                .map(|observed| shown_otherwise(order, observed))
                .unwrap_or_default(),
        );
    }
    names.sort();
    names.dedup();
    names
}

fn differing(order: &Order, live: &LiveOrder) -> Differing {
    let asked = live.asked.as_deref();
    asked.map_or_else(Differing::default, |asked| asked.differing(order))
}

/// What a person should know of an entry whose order was asked for otherwise.
pub(super) fn warnings(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    standing: &Standing,
) -> Vec<String> {
    let (order, id) = (case.order, &live.order_id);
    let mut warnings = Vec::new();
    if let Some(named) = order
        .existing_order_id
        .as_ref()
        .filter(|named| *named != id)
    {
        warnings.push(format!(
            "the entry says `existing_order_id: {named}`, and its name stands for order {id}: `certplan forget {}` parts it from that one, and the next plan takes order {named} over",
            case.item.address
        ));
    }
    if !matches!(
        standing,
        Standing::InForce { .. } | Standing::Requested { .. }
    ) {
        return warnings;
    }
    let differing = differing(order, live);
    if !differing.order.is_empty() {
        let (are, come) = words(&differing.order);
        warnings.push(format!(
            "{} in the manifest {are} of order {id}: {come} into force with its next renewal",
            listed(&differing.order)
        ));
    } else if live.asked.is_none() && live.terms.is_some_and(|terms| terms != order.terms()) {
        warnings.push(format!(
            "product, organization, container, validity or payment differ from what order {id} was placed with: they come into force with its next renewal"
        ));
    }
    if !differing.delivery.is_empty() && !is_changed(order, live, case.bound()) {
        let (are, come) = words(&differing.delivery);
        warnings.push(format!(
            "{} in the manifest {are} of order {id}: {come} into force with its next reissue or renewal",
            listed(&differing.delivery)
        ));
    }
    warnings.extend(of_the_certificate(order, live, standing));
    if is_no_new_order(order, live, standing) {
        let generation = order.generation;
        warnings.push(format!(
            "`generation: {generation}` asks for another order once order {id} is over, and not before"
        ));
    }
    warnings
}

/// Another certificate than the one that the CA is working on: a reissue brings it later.
fn of_the_certificate(order: &Order, live: &LiveOrder, standing: &Standing) -> Option<String> {
    let id = &live.order_id;
    let (what, asked, certificate) = match (&live.change, standing) {
        (Some(change), _) => ("the reissue of order", &change.asked, change.certificate),
        (None, Standing::Requested { .. }) => ("order", &live.asked, live.certificate),
        (None, _) => return None,
    };
    if certificate.is_none_or(|certificate| order.certificate.is_of(certificate)) {
        return None;
    }
    let names = asked
        .as_deref()
        .map(|asked| asked.differing(order).certificate);
    let names = names.filter(|names| !names.is_empty());
    let names = names.map_or_else(
        || "another certificate".to_owned(),
        |names| {
            let other = if names.len() == 1 { "another" } else { "other" };
            format!("{other} {}", listed(&names))
        },
    );
    Some(format!(
        "{what} {id} was asked for with {names}: a reissue brings what the manifest says once it is issued"
    ))
}

/// True for a generation that was raised while nothing of the order is over and nothing is asked for again.
fn is_no_new_order(order: &Order, live: &LiveOrder, standing: &Standing) -> bool {
    let asked = live.change.as_ref().map_or(live.generation, |change| {
        live.generation.max(change.generation)
    });
    let due = matches!(
        standing,
        Standing::InForce {
            change: Some(_),
            ..
        }
    );
    order.generation > asked && !due
}

fn words(names: &[String]) -> (&'static str, &'static str) {
    match names {
        [_] => ("is not that", "it comes"),
        _ => ("are not those", "they come"),
    }
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
