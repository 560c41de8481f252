//! What the CA shows about an order in doubt: everything that carries its tag, and a positive control.
//!
//! The tag is looked up. Where that finds nothing, the requests that wait for an administrator are read as
//! well: the look-up may leave such orders out.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{
    Address, Adoption, Attempt, ObservedOrder, Order, OrderId, Records, Tag, may_be,
};
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
        candidates.push(lookup.candidate(hit.order_id, order));
    }
    let mut unread = false;
    if candidates.is_empty() {
        (candidates, unread) = waiting_candidates(observe, lookup, is_owned).await?;
    }
    let control = match lookup.control {
        _ if strays || unread => Some(false),
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

/// The second source: orders that wait for an administrator and carry the tag, and whether one that could
/// be it cannot be read.
///
/// Assumption `tag-shows-waiting`: the look-up by tag may leave such orders out. A request shows no tag, so
/// each order that no name stands for and that is not older than the doubt is read.
async fn waiting_candidates(
    observe: &dyn Observe,
    lookup: Lookup<'_>,
    is_owned: impl Fn(&OrderId) -> bool,
) -> Result<(Vec<Candidate>, bool), ProviderError> {
    let mut candidates = Vec::new();
    let mut unread = false;
    for waiting in observe.waiting_orders().await? {
        let foreign = is_owned(&waiting.id) || lookup.forgotten.contains(&waiting.id);
        if foreign || !lookup.may_be(&waiting) {
            continue;
        }
        let Some(order) = observe.order(&waiting.id, Depth::Order).await? else {
            unread = true;
            continue;
        };
        if order.tag.as_deref() == Some(lookup.tag.as_str()) {
            candidates.push(lookup.candidate(waiting.id, Some(order)));
        }
    }
    Ok((candidates, unread))
}

impl Lookup<'_> {
    /// Whether an order that waits could be the one in doubt. Its names tell only while the entry still asks
    /// for what was ordered.
    fn may_be(&self, waiting: &ObservedOrder) -> bool {
        let unchanged = self.attempt.certificate == Some(self.wanted.certificate.digest());
        !self.is_older(waiting) && (!unchanged || may_be(self.wanted, waiting))
    }

    /// True for an order that was placed before this one was asked for.
    fn is_older(&self, order: &ObservedOrder) -> bool {
        let earliest = self.since.as_second() - CLOCK_SKEW_SECONDS;
        let created = order.created_at;
        created.is_some_and(|created| created.as_second() < earliest)
    }

    /// An order that carries the tag, with what differs from what was ordered.
    fn candidate(&self, order_id: OrderId, order: Option<ObservedOrder>) -> Candidate {
        let mut differences = order.as_ref().map_or_else(
            || vec!["it could not be read".to_owned()],
            |order| {
                let tag = Some(self.tag);
                Adoption::of(Some(self.attempt), order, self.wanted, tag).differences()
            },
        );
        if order.as_ref().is_some_and(|order| self.is_older(order)) {
            differences.push("placed before it was asked for".to_owned());
        }
        Candidate {
            order,
            order_id,
            differences,
        }
    }
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
