//! What the CA shows about an order in doubt: everything that carries its tag, and a positive control.

use jiff::Timestamp;

use crate::model::{Address, ObservedOrder, Order, Records, Tag};
use crate::plan::differences;
use crate::provider::{Depth, Observe, ProviderError};

/// An order found by its tag may be this much older than its intent: two clocks differ.
const CLOCK_SKEW_SECONDS: i64 = 5 * 60;

/// An order that carries the tag in doubt.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The order, read in full; `None` if it could not be read.
    pub order: Option<ObservedOrder>,
    /// Its id.
    pub order_id: crate::model::OrderId,
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
    /// minute; `None` when there is no older order to look for.
    pub control: Option<bool>,
}

/// Looks a tag up and reads what carries it. `control` is an older order of the account with its tag:
/// a look-up that cannot find that one proves nothing.
pub async fn gather_evidence(
    observe: &dyn Observe,
    tag: &Tag,
    wanted: &Order,
    since: Timestamp,
    control: Option<&Tag>,
) -> Result<Evidence, ProviderError> {
    let lookup = observe.tagged(tag).await?;
    let mut candidates = Vec::new();
    for hit in lookup.orders {
        let order = observe.order(&hit.order_id, Depth::Order).await?;
        let mut different = order.as_ref().map_or_else(
            || vec!["it could not be read".to_owned()],
            |order| differences(wanted, order),
        );
        let created = order.as_ref().and_then(|order| order.created_at);
        if created
            .is_some_and(|created| created.as_second() < since.as_second() - CLOCK_SKEW_SECONDS)
        {
            different.push("placed before it was asked for".to_owned());
        }
        candidates.push(Candidate {
            order,
            order_id: hit.order_id,
            differences: different,
        });
    }
    let control = match control {
        Some(control) if candidates.is_empty() => {
            Some(!observe.tagged(control).await?.orders.is_empty())
        }
        _ => None,
    };
    Ok(Evidence {
        tag: tag.clone(),
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
