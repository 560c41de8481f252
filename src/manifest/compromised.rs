//! Keys that one entry calls compromised, and another entry asks for.

use std::collections::{HashMap, HashSet};

use super::context::{Context, Warning};
use crate::model::{
    AccountName, Address, Digest, Item, ItemName, OrderId, Revocation, RevocationReason,
    RevocationTarget, Scope, Wanted,
};

impl Context<'_> {
    /// Warns of orders with the key of an order that is revoked because its key is compromised. A CA revokes
    /// every certificate with such a key within a day (Baseline Requirements, 4.9.1.1). It is no error: the
    /// revocation must not wait until the other order is put right.
    pub(super) fn warn_of_compromised_keys(&mut self, items: &[Item]) {
        let targets = Targets::of(items);
        // Of each key the revocation, and the order that it is known by.
        let mut compromised: HashMap<Digest, (&Item, &Item)> = HashMap::new();
        let mut revoked: HashSet<&Address> = HashSet::new();
        for item in items {
            let Wanted::Revocation(revocation) = &item.wanted else {
                continue;
            };
            let Some(order) = targets.of_revocation(item, revocation) else {
                continue;
            };
            if revocation.scope == Scope::Order {
                revoked.insert(&order.address);
            }
            if let Some(key) = key(order).filter(|_| tells_of_the_key(revocation)) {
                compromised.entry(key).or_insert((item, order));
            }
        }
        if compromised.is_empty() {
            return;
        }
        for item in items {
            let Some((revocation, known_by)) = key(item).and_then(|key| compromised.get(&key))
            else {
                continue;
            };
            if item.address == known_by.address || revoked.contains(&item.address) {
                continue;
            }
            self.warnings.push(Warning {
                location: item.location.clone(),
                address: item.address.clone(),
                is_found_by_plans: true,
                message: format!(
                    "`{}` has the key of `{}`, which `{}` revokes for keyCompromise: the CA must revoke this \
                     certificate, too; give it the CSR of a new key, or have one made with `key: {{ generate: p-256 }}`",
                    item.address, known_by.address, revocation.address
                ),
            });
        }
    }
}

/// The orders that revocations can name.
pub(super) struct Targets<'a> {
    by_name: HashMap<&'a ItemName, &'a Item>,
    by_id: HashMap<(&'a AccountName, &'a OrderId), &'a Item>,
}

impl<'a> Targets<'a> {
    pub(super) fn of(items: &'a [Item]) -> Self {
        let mut found = Self {
            by_name: HashMap::new(),
            by_id: HashMap::new(),
        };
        for item in items {
            if let Wanted::Order(order) = &item.wanted {
                found.by_name.insert(item.address.name(), item);
                let id = order.existing_order_id.as_ref();
                found.by_id.extend(id.map(|id| ((&item.account, id), item)));
            }
        }
        found
    }

    pub(super) fn of_revocation(&self, item: &Item, revocation: &Revocation) -> Option<&'a Item> {
        match &revocation.target {
            RevocationTarget::Order(name) => self.by_name.get(name).copied(),
            RevocationTarget::OrderId(id) => self.by_id.get(&(&item.account, id)).copied(),
        }
    }
}

/// Whether a revocation says of the key of its order that it is compromised. Duplicates have keys of their own.
fn tells_of_the_key(revocation: &Revocation) -> bool {
    let is_of_order = match &revocation.scope {
        Scope::Order
        | Scope::CertificateId(_)
        | Scope::SerialNumber(_)
        | Scope::CertificateNo(_) => true,
        Scope::Duplicates => false,
    };
    is_of_order && revocation.reason == RevocationReason::KeyCompromise
}

fn key(item: &Item) -> Option<Digest> {
    match &item.wanted {
        Wanted::Order(order) => order.certificate.csr.as_ref().map(|csr| csr.public_key),
        Wanted::Revocation(_) => None,
    }
}
