//! What has to be read beyond the lists before a plan can be made.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use super::live::must_be_read;
use super::make::Inputs;
use super::matching::{NameIndex, day};
use super::order::{bound_orders, may_be_there_twice, needs_new_order, order_tag};
use super::target::{Answered, standing};
use crate::model::{AccountName, OrderId, Provider, Tag, Wanted};

/// What to read in one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Orders to read with all their certificates.
    pub orders: BTreeSet<OrderId>,
    /// Tags to look up.
    pub tags: BTreeSet<Tag>,
    /// Whether to list requests to revoke.
    pub revocation_requests: bool,
}

impl Questions {
    /// True when nothing is left to read.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.tags.is_empty() && !self.revocation_requests
    }
}

/// What is still unanswered, by account. Ask, add the answers, and call again until it is empty: the
/// answer to a look-up by tag can raise the question for the order behind it.
pub fn questions(inputs: &Inputs<'_>) -> BTreeMap<AccountName, Questions> {
    let bound = LazyCell::new(|| bound_orders(inputs.records));
    let today = day(inputs.now);
    let mut indexes: BTreeMap<&AccountName, NameIndex<'_>> = BTreeMap::new();
    let mut questions: BTreeMap<AccountName, Questions> = BTreeMap::new();
    let selected = inputs.selected();
    for item in inputs
        .batch
        .items
        .iter()
        .filter(|item| selected.contains(&item.address))
    {
        let Some(account) = inputs.observed.accounts.get(&item.account) else {
            continue;
        };
        let record = inputs.records.get(&item.address);
        let mut asked = Questions::default();
        match &item.wanted {
            Wanted::Order(order) => {
                let open = record.is_some_and(|record| record.open.is_some());
                if !open && needs_new_order(order, record, Some(account)) {
                    let index = indexes
                        .entry(&item.account)
                        .or_insert_with(|| NameIndex::new(account, &bound, today));
                    let similar = index
                        .similar(order)
                        .into_iter()
                        .chain(index.over(order))
                        .any(|similar| !inputs.is_renewed_by(order, &similar.id));
                    // An order that is over carries the tag as well: without the look-up, a journal
                    // that knows nothing of it would have it bought once more.
                    let worth_it = similar || inputs.journal_went_back;
                    if let Some(tag) = order_tag(inputs, item, order)
                        && worth_it
                    {
                        match account.tags.get(&tag) {
                            None => {
                                asked.tags.insert(tag);
                            }
                            Some(lookup) => {
                                if let [hit] = lookup.orders.as_slice()
                                    && !account.details.contains_key(&hit.order_id)
                                {
                                    asked.orders.insert(hit.order_id.clone());
                                }
                            }
                        }
                    }
                } else if !open
                    && let Some(tag) = order_tag(inputs, item, order)
                    && may_be_there_twice(record)
                    && !account.tags.contains_key(&tag)
                    && !indexes
                        .entry(&item.account)
                        .or_insert_with(|| NameIndex::new(account, &bound, today))
                        .similar(order)
                        .is_empty()
                {
                    asked.tags.insert(tag);
                } else if !open
                    && let Some(live) = record.and_then(|record| record.live.as_ref())
                    && must_be_read(order, live, account)
                {
                    asked.orders.insert(live.order_id.clone());
                }
            }
            Wanted::Revocation(revocation) => {
                if let Answered::Ask(order_id) = standing(inputs, revocation, account) {
                    asked.orders.insert(order_id);
                }
                let central = inputs
                    .batch
                    .accounts
                    .get(&item.account)
                    .is_some_and(|account| {
                        matches!(account.provider, Provider::CertCentral { .. })
                    });
                if central && account.revocation_requests.is_none() {
                    asked.revocation_requests = true;
                }
            }
        }
        if !asked.is_empty() {
            let all = questions.entry(item.account.clone()).or_default();
            // Not `append`, which builds the whole set anew for each item.
            all.orders.extend(asked.orders);
            all.tags.extend(asked.tags);
            all.revocation_requests |= asked.revocation_requests;
        }
    }
    questions
}
