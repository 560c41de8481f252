//! What the CA shows about an order in doubt: everything that carries its tag, and a positive control.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{Address, Adoption, Attempt, ObservedOrder, Order, OrderId, Records, Tag};
use crate::provider::{Depth, Observe, ProviderError};

/// An order found by its tag may be this much older than its intent: two clocks differ.
const CLOCK_SKEW_SECONDS: i64 = 5 * 60;

/// An order that carries the tag in doubt.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The order, read in full; `None` if it could not be read.
    pub order: Option<ObservedOrder>,
    /// Its id.
    pub order_id: OrderId,
    /// What differs from what was ordered; empty when they match.
    pub differences: Vec<String>,
}

/// What a look-up by tag brought.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The tag.
    pub tag: Tag,
    /// Orders that carry it.
    pub candidates: Vec<Candidate>,
    /// The positive control: whether an older order of ours was found the same way in the same
    /// minute; `None` when there is no older order to look for. A look-up that answered with an order of
    /// another name proves nothing either.
    pub control: Option<bool>,
}

/// What is looked up.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// The tag in doubt.
    pub tag: &'a Tag,
    /// What was ordered.
    pub wanted: &'a Order,
    /// The call in doubt.
    pub attempt: &'a Attempt,
    /// When it was intended, at the earliest.
    pub since: Timestamp,
    /// Orders that a person parted from the name: whatever tag they carry, they are not what was asked for.
    pub forgotten: &'a BTreeSet<OrderId>,
    /// An older order of the account with its tag: a look-up that cannot find that one proves nothing.
    pub control: Option<&'a Tag>,
}

/// Looks a tag up and reads what carries it. `is_owned` says of an order whether another name stands for
/// it. The look-up's own filter is not trusted: what shows another tag, or is another name's, is left out.
pub async fn gather_evidence(
    observe: &dyn Observe,
    lookup: Lookup<'_>,
    is_owned: impl Fn(&OrderId) -> bool,
) -> Result<Evidence, ProviderError> {
    let found = observe.tagged(lookup.tag).await?;
    let mut candidates = Vec::new();
    let (mut strays, mut forgotten) = (false, false);
    for hit in found.orders {
        if lookup.forgotten.contains(&hit.order_id) {
            forgotten = true;
            continue;
        }
        let order = observe.order(&hit.order_id, Depth::Order).await?;
        let carried = order.as_ref().and_then(|order| order.tag.as_deref());
        if carried.is_some_and(|tag| tag != lookup.tag.as_str()) || is_owned(&hit.order_id) {
            strays = true;
            continue;
        }
        let mut different = order.as_ref().map_or_else(
            || vec!["it could not be read".to_owned()],
            |order| {
                let tag = Some(lookup.tag);
                Adoption::of(Some(lookup.attempt), order, lookup.wanted, tag).differences()
            },
        );
        let created = order.as_ref().and_then(|order| order.created_at);
        let earliest = lookup.since.as_second() - CLOCK_SKEW_SECONDS;
        if created.is_some_and(|created| created.as_second() < earliest) {
            different.push("placed before it was asked for".to_owned());
        }
        candidates.push(Candidate {
            order,
            order_id: hit.order_id,
            differences: different,
        });
    }
    let control = match lookup.control {
        _ if strays => Some(false),
        // It carries this very tag, and the look-up finds it.
        _ if forgotten && candidates.is_empty() => Some(true),
        Some(control) if candidates.is_empty() => {
            Some(!observe.tagged(control).await?.orders.is_empty())
        }
        _ => None,
    };
    Ok(Evidence {
        tag: lookup.tag.clone(),
        candidates,
        control,
    })
}

/// An older order of ours that carries a tag, for the positive control. `same_account` says of an item
/// whether it belongs to the account in question: another account's order is never found there.
pub fn control_tag(
    records: &Records,
    same_account: impl Fn(&Address) -> bool,
    not: &Tag,
) -> Option<Tag> {
    records
        .iter()
        .filter(|(address, _)| same_account(address))
        .filter_map(|(_, record)| record.live.as_ref()?.tag.as_ref())
        .find(|tag| *tag != not)
        .cloned()
}
