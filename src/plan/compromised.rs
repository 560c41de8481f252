//! Other orders with a key that a revocation calls compromised: each gets a line in the plan.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::inputs::Inputs;
use super::planned_revocations::RevokedOrders;
use super::target::{Target, target};
use super::{Action, Step, Warning};
use crate::model::{
    AccountName, Address, Digest, Item, LiveState, ObservedOrder, OrderId, Revocation,
    RevocationReason, Scope, Wanted, live_state,
};

/// A compromised key: the revocation that says so, and the order that it is the key of.
struct Compromised<'a> {
    revocation: &'a Address,
    order: Option<(&'a AccountName, OrderId)>,
    /// The entry that it is the key of, where that one has no order yet.
    entry: Option<Address>,
}

/// Baseline Requirements, 4.9.1.1: a certificate with a compromised key is revoked within a day, whoever has it.
pub(super) fn compromised_keys(
    inputs: &Inputs<'_>,
    steps: &[Step],
    revoked: &RevokedOrders<'_>,
) -> Vec<Warning> {
    let keys = keys(inputs);
    if keys.is_empty() {
        return Vec::new();
    }
    let steps: HashMap<&Address, Action> = steps
        .iter()
        .map(|step| (&step.address, step.action))
        .collect();
    let mut warnings = Vec::new();
    let mut ours = HashSet::new();
    for item in &inputs.batch.items {
        let Wanted::Order(order) = &item.wanted else {
            continue;
        };
        let live = inputs.record(item).and_then(|record| record.live.as_ref());
        let id = live.map(|live| &live.order_id);
        ours.extend(id.map(|id| (&item.account, id)));
        // What is not asked for anew has ended, or is about to.
        let is_asked_for = match steps.get(&item.address) {
            Some(Action::Order | Action::Renew | Action::Reissue) => true,
            Some(
                Action::Revoke
                | Action::Adopt
                | Action::Settle
                | Action::Collect
                | Action::Wait
                | Action::Keep,
            )
            | None => false,
        };
        let has_ended = live.is_some_and(|live| matches!(live.state, LiveState::Ended(_)));
        let is_revoked = id.is_some_and(|id| revoked.contains(item, id));
        if !is_asked_for && (has_ended || is_revoked) {
            continue;
        }
        let wanted = order.certificate.csr.as_ref().map(|csr| csr.public_key);
        let shown = id
            .and_then(|id| observed(inputs, &item.account, id))
            .and_then(|observed| observed.public_key);
        // A reissue takes the key that is shown out of the order's new certificate.
        let shown = shown.filter(|_| !is_asked_for);
        let known = wanted.into_iter().chain(shown);
        for compromised in known.filter_map(|key| keys.get(&key)) {
            let is_its_own = match (&compromised.order, id) {
                (Some((account, known)), Some(id)) => **account == item.account && known == id,
                _ => compromised.entry.as_ref() == Some(&item.address),
            };
            if is_its_own && (!is_asked_for || compromised.order.is_none()) {
                continue;
            }
            let message = format!(
                "has the key that {} revokes for keyCompromise: the CA must revoke this certificate, too; \
                 give it the CSR of a new key, or have one made with `key: {{ generate: p-256 }}`",
                compromised.revocation
            );
            warnings.push(Warning {
                address: Some(item.address.clone()),
                message,
            });
            break;
        }
    }
    warnings.extend(of_others(inputs, &keys, &ours));
    warnings
}

/// Orders that no entry stands for, as far as they were read in full.
fn of_others(
    inputs: &Inputs<'_>,
    keys: &BTreeMap<Digest, Compromised<'_>>,
    ours: &HashSet<(&AccountName, &OrderId)>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (account, observed) in &inputs.observed.accounts {
        for (id, order) in &observed.details {
            let Some(order) = order.as_ref().filter(|_| !ours.contains(&(account, id))) else {
                continue;
            };
            let is_in_force = match live_state(order, inputs.today(account)) {
                LiveState::Requested | LiveState::Issued | LiveState::Reissuing => true,
                LiveState::Lapsed | LiveState::Ended(_) => false,
            };
            let known = order.public_key.and_then(|key| keys.get(&key));
            let Some(known) = known.filter(|_| is_in_force) else {
                continue;
            };
            if known.order.as_ref() == Some(&(account, id.clone())) {
                continue;
            }
            let message = format!(
                "order {id} in account {account} has the key that {} revokes for keyCompromise: revoke it, too",
                known.revocation
            );
            warnings.push(Warning {
                address: None,
                message,
            });
        }
    }
    warnings
}

fn keys<'a>(inputs: &Inputs<'a>) -> BTreeMap<Digest, Compromised<'a>> {
    let mut keys = BTreeMap::new();
    let mut by_order: Option<HashMap<(&AccountName, &OrderId), &Item>> = None;
    let mut by_address: Option<HashMap<&Address, &Item>> = None;
    for item in &inputs.batch.items {
        let Wanted::Revocation(revocation) = &item.wanted else {
            continue;
        };
        if revocation.reason != RevocationReason::KeyCompromise {
            continue;
        }
        let (order, entry) = match target(inputs, item, revocation) {
            Target::Order(id) | Target::New(id) | Target::Unclear(id, _) => (Some(id), None),
            Target::NoOrder(address) => (None, Some(address)),
            Target::Undecided(_) => continue,
        };
        let mut found = Vec::new();
        if let Some(id) = &order
            && let Some(shown) = observed(inputs, &item.account, id)
            && is_of_the_order(revocation, shown)
        {
            found.extend(shown.public_key);
        }
        if revocation.scope == Scope::Order {
            let by_order = by_order.get_or_insert_with(|| items_by_order(inputs));
            let by_address = by_address.get_or_insert_with(|| items_by_address(inputs));
            let entry = match (&order, &entry) {
                (Some(id), _) => by_order.get(&(&item.account, id)),
                (None, Some(address)) => by_address.get(address),
                (None, None) => None,
            };
            found.extend(entry.and_then(|entry| key_of_entry(inputs, entry)));
        }
        for key in found {
            keys.entry(key).or_insert_with(|| Compromised {
                revocation: &item.address,
                order: order.clone().map(|id| (&item.account, id)),
                entry: entry.clone(),
            });
        }
    }
    keys
}

/// The key of an entry, where its order was placed with it.
fn key_of_entry(inputs: &Inputs<'_>, item: &Item) -> Option<Digest> {
    let Wanted::Order(order) = &item.wanted else {
        return None;
    };
    let live = inputs.record(item).and_then(|record| record.live.as_ref());
    let asked = live.and_then(|live| live.certificate);
    let is_the_same = asked.is_none_or(|asked| asked == order.certificate.digest());
    let csr = order.certificate.csr.as_ref().filter(|_| is_the_same);
    csr.map(|csr| csr.public_key)
}

/// Whether a revocation takes the certificate that has the key of the order's CSR.
fn is_of_the_order(revocation: &Revocation, shown: &ObservedOrder) -> bool {
    match &revocation.scope {
        Scope::Order => true,
        Scope::CertificateId(id) => shown.certificate_id.as_ref() == Some(id),
        Scope::SerialNumber(serial) => shown.serial_number.as_ref() == Some(serial),
        Scope::Duplicates | Scope::CertificateNo(_) => false,
    }
}

fn observed<'a>(
    inputs: &Inputs<'a>,
    account: &AccountName,
    id: &OrderId,
) -> Option<&'a ObservedOrder> {
    let account = inputs.observed.accounts.get(account)?;
    let in_full = account.details.get(id).and_then(Option::as_ref);
    in_full.or_else(|| account.orders.get(id))
}

fn items_by_order<'a>(inputs: &Inputs<'a>) -> HashMap<(&'a AccountName, &'a OrderId), &'a Item> {
    let orders = inputs.batch.items.iter().filter_map(|item| {
        let id = match &item.wanted {
            Wanted::Order(order) => order.existing_order_id.as_ref(),
            Wanted::Revocation(_) => return None,
        };
        let live = inputs.record(item).and_then(|record| record.live.as_ref());
        let id = live.map(|live| &live.order_id).or(id)?;
        Some(((&item.account, id), item))
    });
    orders.collect()
}

fn items_by_address<'a>(inputs: &Inputs<'a>) -> HashMap<&'a Address, &'a Item> {
    let items = inputs.batch.items.iter();
    items.map(|item| (&item.address, item)).collect()
}
