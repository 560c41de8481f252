//! What a look-up by tag proves about an order in doubt: who carries the tag, and whether the look-up
//! finds orders at all.

use jiff::Timestamp;

use crate::model::{AccountName, ObservedOrder, Order, Records, Tag};
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

/// An older order of the account that carries a tag of ours, for the positive control.
pub(super) fn control_tag(records: &Records, account: &AccountName, not: &Tag) -> Option<Tag> {
    records
        .values()
        .filter_map(|record| record.live.as_ref()?.tag.clone())
        .find(|tag| tag != not)
        .filter(|_| !account.as_str().is_empty())
}
