//! Is an order at the CA the one that the manifest asks for? Decides adoption, so it compares the
//! key, the names and the product, never the tag alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::model::{ObservedAccount, ObservedOrder, Order, OrderId, OrderStatus};

/// What differs between an order as wanted and a full read of one at the CA; empty when they match.
///
/// Names that the CA adds (CertCentral adds base domains to some TLS products) are no difference.
pub fn differences(wanted: &Order, observed: &ObservedOrder) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(product) = &observed.product
        && *product != wanted.product
    {
        found.push(format!("product {product}, not {}", wanted.product));
    }
    let lower = |name: &Option<String>| name.as_ref().map(|name| name.to_lowercase());
    let (ours, theirs) = (
        lower(&wanted.certificate.common_name),
        lower(&observed.common_name),
    );
    if ours.is_some() && theirs.is_some() && ours != theirs {
        found.push(format!(
            "common name {}, not {}",
            theirs.unwrap_or_default(),
            ours.unwrap_or_default()
        ));
    }
    let shown: BTreeSet<&str> = observed.names.iter().map(String::as_str).collect();
    let missing = missing_names(wanted, &shown);
    if !missing.is_empty() {
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

/// Wanted names that the CA does not show. E-mail addresses count only where the CA shows any.
fn missing_names(wanted: &Order, shown: &BTreeSet<&str>) -> Vec<String> {
    let shows_addresses = shown.iter().any(|name| name.contains('@'));
    let wanted_names = wanted.certificate.names();
    wanted_names
        .into_iter()
        .filter(|name| !shown.contains(name.as_str()))
        .filter(|name| shows_addresses || !name.contains('@'))
        .collect()
}

/// Names that the CA shows for an order in force and that differ from the wanted ones, as
/// `(at the CA, wanted)`; `None` when they agree. Extra names at the CA are no difference.
pub(super) fn name_drift(wanted: &Order, observed: &ObservedOrder) -> Option<Vec<String>> {
    if observed.names.is_empty() {
        return None;
    }
    let shown: BTreeSet<&str> = observed.names.iter().map(String::as_str).collect();
    let missing = missing_names(wanted, &shown);
    (!missing.is_empty()).then_some(missing)
}

/// Orders of an account by the names they carry, for finding similar ones.
#[derive(Debug, Default)]
pub(super) struct NameIndex<'a> {
    by_name: BTreeMap<&'a str, Vec<&'a ObservedOrder>>,
    over: BTreeMap<&'a str, Vec<&'a ObservedOrder>>,
    bound: BTreeSet<&'a OrderId>,
}

impl<'a> NameIndex<'a> {
    /// Takes up every order that is not in `bound`.
    pub(super) fn new(
        account: &'a ObservedAccount,
        bound: &BTreeSet<&'a OrderId>,
        today: Date,
    ) -> Self {
        let mut index = Self {
            bound: bound.clone(),
            ..Self::default()
        };
        for order in account.orders.values() {
            if bound.contains(&order.id) {
                continue;
            }
            let by_name = if is_over(order, today) {
                &mut index.over
            } else {
                &mut index.by_name
            };
            for name in &order.names {
                by_name.entry(name).or_default().push(order);
            }
        }
        index
    }

    /// True when some name already stands for the order.
    pub(super) fn is_bound(&self, id: &OrderId) -> bool {
        self.bound.contains(id)
    }

    /// Whether an order of this product that shares a name with the wanted one is over: if the journal
    /// was lost, it may be ours, and then its end must not be paid for a second time.
    pub(super) fn over(&self, wanted: &Order) -> impl Iterator<Item = &'a ObservedOrder> {
        let names = wanted.certificate.names();
        names
            .into_iter()
            .filter_map(|name| self.over.get(name.as_str()))
            .flatten()
            .copied()
            .filter(|order| {
                order
                    .product
                    .as_ref()
                    .is_none_or(|product| *product == wanted.product)
            })
    }

    /// Orders that share a name with the wanted one, without repeats, by id. At most twenty: more
    /// say nothing more.
    pub(super) fn similar(&self, wanted: &Order) -> Vec<&'a ObservedOrder> {
        let mut found: BTreeMap<&OrderId, &ObservedOrder> = BTreeMap::new();
        for name in wanted.certificate.names() {
            for order in self
                .by_name
                .get(name.as_str())
                .into_iter()
                .flatten()
                .take(20)
            {
                found.insert(&order.id, order);
            }
        }
        found.into_values().take(20).collect()
    }
}

/// True for an order that buys nothing any more.
pub(super) fn is_over(order: &ObservedOrder, today: Date) -> bool {
    match order.status {
        OrderStatus::Rejected
        | OrderStatus::Canceled
        | OrderStatus::Revoked
        | OrderStatus::RevocationPending
        | OrderStatus::Expired => true,
        OrderStatus::Issued => is_past(order.valid_till.as_deref(), today),
        OrderStatus::Pending(_) | OrderStatus::ReissuePending | OrderStatus::Other(_) => false,
    }
}

/// True when a last day, written `yyyy-MM-dd` first, lies before today. Unknown is not past.
pub(super) fn is_past(valid_till: Option<&str>, today: Date) -> bool {
    valid_till
        .and_then(|text| text.get(..10))
        .and_then(|day| day.parse::<Date>().ok())
        .is_some_and(|day| day < today)
}

/// The day in UTC.
pub(super) fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
