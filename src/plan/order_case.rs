//! An order of the manifest with what is known of it: [`OrderCase`].

use super::inputs::{Inputs, Knowledge};
use super::renewed_here::Renewals;
use crate::model::{
    Address, Item, LiveState, ObservedAccount, ObservedOrder, Order, OrderId, Record, Tag,
    Untrusted, live_state,
};

/// An order of the manifest with what is known of it.
#[derive(Clone, Copy)]
pub(super) struct OrderCase<'c, 'a> {
    pub(super) inputs: &'c Inputs<'a>,
    pub(super) item: &'c Item,
    pub(super) order: &'c Order,
    pub(super) record: Option<&'c Record>,
    pub(super) account: Option<&'a ObservedAccount>,
    pub(super) renewals: &'c Renewals<'a>,
}

impl<'c, 'a> OrderCase<'c, 'a> {
    pub(super) fn of(
        inputs: &'c Inputs<'a>,
        (item, order): (&'c Item, &'c Order),
        renewals: &'c Renewals<'a>,
    ) -> Self {
        Self {
            inputs,
            item,
            order,
            record: inputs.record(item),
            account: inputs.account(item),
            renewals,
        }
    }

    /// The order that is bound to the name, as the account shows it.
    pub(super) fn bound(&self) -> Option<&'a ObservedOrder> {
        let live = self.record?.live.as_ref()?;
        bound_order(self.account, &live.order_id)
    }

    /// True when no order answers to the wanted generation: none is bound to the name, or the bound one
    /// is over, by the journal or by what the CA shows now.
    pub(super) fn needs_new_order(&self) -> bool {
        let Some(live) = self.record.and_then(|record| record.live.as_ref()) else {
            return true;
        };
        if self.record.is_some_and(|record| record.successor.is_some()) {
            return false;
        }
        let bound = self.bound();
        let state = bound.map_or_else(
            || live.state.clone(),
            |order| live_state(order, self.today()),
        );
        // A reissue that was issued before its certificate died answers to its own generation.
        let reissued = live.change.as_ref().filter(|change| {
            let shown = bound.and_then(|order| order.certificate_id.as_ref());
            state == LiveState::Lapsed && shown.is_some() && shown != change.from.as_ref()
        });
        let answered = reissued.map_or(live.generation, |change| {
            live.generation.max(change.generation)
        });
        matches!(state, LiveState::Ended(_) | LiveState::Lapsed) && self.order.generation > answered
    }

    /// True where what could be the order must be ruled out before it is bought: the journal may not know
    /// everything, or it has never bound an order to the name. A journal that was begun anew after an
    /// earlier one was lost looks like any other, and a refusal of the CA may not have been true.
    pub(super) fn must_rule_out(&self) -> bool {
        self.inputs.knowledge != Knowledge::Whole
            || self.record.is_none_or(|record| record.live.is_none())
    }

    /// The day at the account's CA.
    pub(super) fn today(&self) -> jiff::civil::Date {
        self.inputs.today(&self.item.account)
    }

    pub(super) fn tag(&self) -> Option<Tag> {
        self.inputs.tag(self.item, self.order.generation)
    }

    /// The tags that the order would have under its earlier names, each with the name.
    pub(super) fn former_tags(&self) -> Vec<(Address, Tag)> {
        let (inputs, item) = (self.inputs, self.item);
        let names = inputs.former_names(item).into_iter();
        names
            .filter_map(|name| {
                let tag = inputs.tag_under(&name, item, self.order.generation)?;
                Some((name, tag))
            })
            .collect()
    }
}

/// What the account shows of an order: a full read, or a line of its list.
pub(super) fn bound_order<'a>(
    account: Option<&'a ObservedAccount>,
    id: &OrderId,
) -> Option<&'a ObservedOrder> {
    let account = account?;
    let detail = account.details.get(id).and_then(Option::as_ref);
    detail.or_else(|| account.orders.get(id))
}

pub(super) fn untrusted(texts: Vec<String>) -> Vec<Untrusted> {
    texts.into_iter().map(Untrusted::new).collect()
}
