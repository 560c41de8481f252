//! Renamed entries: the records as they are once each entry has the record of its earlier name. Main type:
//! [`Moves`].
//!
//! Everything else of a plan is decided as if the moves were made. The step of a renamed entry writes them
//! down, and does nothing else.

use std::collections::BTreeMap;

use crate::model::{
    Address, Attempt, Batch, Item, LiveOrder, Move, Observed, ObservedAccount, Order, OrderId,
    Record, Records, Tag, Untrusted, Wanted, renamed, shares_a_name,
};

/// The renamed entries of a manifest, held against the journal and the CAs.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    /// By the new name: those whose record is still under the earlier name.
    pending: BTreeMap<Address, Pending>,
    /// By the new name: those that wait for a person.
    refused: BTreeMap<Address, Refused>,
    /// By the new name, the earlier one of each entry that has no record to take: it was taken before, or the
    /// journal does not know the earlier name.
    idle: BTreeMap<Address, Address>,
}

/// A move that is to be made, with the records as the journal has them.
#[derive(Debug, Clone)]
struct Pending {
    from: Address,
    record: Box<Record>,
    own: Option<Box<Record>>,
}

/// A move that is not made.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) from: Address,
    pub(super) why: Why,
}

/// Why a move is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// The new name stands for something else already; for this order, where it is one.
    Taken(Option<OrderId>),
    /// The order is not what the entry asks for.
    Differs(Option<OrderId>, Vec<Untrusted>),
    /// The account of the entry does not show the order.
    Invisible(OrderId),
}

/// What the account shows of the order that would move.
enum Shown {
    /// It is for the product of the entry, and for one of its names.
    Agrees,
    /// A full read is needed to tell.
    Unread,
    No(Why),
}

impl Moves {
    /// Moves the records. What the CAs show is looked at later, by [`Self::check`].
    pub fn begin(batch: &Batch, records: &mut Records) -> Self {
        let mut moves = Self::default();
        for Move { from, to } in &batch.moved {
            let Some(record) = records.get(from) else {
                moves.idle.insert(to.clone(), from.clone());
                continue;
            };
            let own = records.get(to);
            let Ok(moved) = renamed((from, record), (to, own)) else {
                let live = own.and_then(|own| own.live.as_ref());
                let why = Why::Taken(live.map(|live| live.order_id.clone()));
                let from = from.clone();
                moves.refused.insert(to.clone(), Refused { from, why });
                continue;
            };
            let own = records.insert(to.clone(), moved).map(Box::new);
            let Some(record) = records.remove(from).map(Box::new) else {
                continue;
            };
            let from = from.clone();
            let pending = Pending { from, record, own };
            moves.pending.insert(to.clone(), pending);
        }
        moves
    }

    /// Takes back the moves of orders that are not what their entries ask for, as far as was read. `tag` is the
    /// tag that an attempt would have under a name.
    pub fn check(
        &mut self,
        batch: &Batch,
        observed: &Observed,
        tag: &dyn Fn(&Item, &Address, &Attempt) -> Option<Tag>,
        records: &mut Records,
    ) {
        if self.pending.is_empty() {
            return;
        }
        for item in &batch.items {
            let (Some(pending), Some(account), Wanted::Order(order)) = (
                self.pending.get(&item.address),
                observed.accounts.get(&item.account),
                &item.wanted,
            ) else {
                continue;
            };
            let why = match shown(&pending.record, order, account) {
                Shown::No(why) => Some(why),
                Shown::Agrees | Shown::Unread => pending.other_account(item, tag),
            };
            if let Some(why) = why {
                self.take_back(&item.address, why, records);
            }
        }
    }

    fn take_back(&mut self, to: &Address, why: Why, records: &mut Records) {
        let Some(Pending { from, record, own }) = self.pending.remove(to) else {
            return;
        };
        records.remove(to);
        records.extend(own.map(|own| (to.clone(), *own)));
        records.insert(from.clone(), *record);
        self.refused.insert(to.clone(), Refused { from, why });
    }

    /// The earlier names of entries whose files are still under them, with the new ones.
    pub fn pending(&self) -> impl Iterator<Item = (&Address, &Address)> {
        let pending = self.pending.iter();
        pending.map(|(to, pending)| (&pending.from, to))
    }

    /// The earlier name of an entry that is to be moved.
    pub(super) fn from(&self, to: &Address) -> Option<&Address> {
        self.pending.get(to).map(|pending| &pending.from)
    }

    pub(super) fn refused(&self, to: &Address) -> Option<&Refused> {
        self.refused.get(to)
    }

    /// The earlier name of an entry that has no record of it: the journal may have been lost.
    pub(super) fn idle(&self, to: &Address) -> Option<&Address> {
        self.idle.get(to)
    }

    /// What is to be said of the moves that have no effect, one line for each.
    pub fn without_effect(&self, records: &Records) -> Vec<String> {
        let idle = self.idle.iter();
        idle.map(|(to, from)| {
            let done = records
                .get(to)
                .is_some_and(|record| record.was_called(from.name()));
            if done {
                format!("moved: {to} has the record of {from} already; the line can go")
            } else {
                format!("moved: the state knows nothing of {from}, so nothing moves to {to}")
            }
        })
        .collect()
    }

    /// The order that has to be read before its entry can be moved.
    pub(super) fn unread(&self, item: &Item, account: &ObservedAccount) -> Option<OrderId> {
        let (pending, Wanted::Order(order)) = (self.pending.get(&item.address)?, &item.wanted)
        else {
            return None;
        };
        match shown(&pending.record, order, account) {
            Shown::Unread => pending
                .record
                .live
                .as_ref()
                .map(|live| live.order_id.clone()),
            Shown::Agrees | Shown::No(_) => None,
        }
    }
}

impl Pending {
    /// A doubt is settled in the account that the call went to: its tag says which.
    fn other_account(
        &self,
        item: &Item,
        tag: &dyn Fn(&Item, &Address, &Attempt) -> Option<Tag>,
    ) -> Option<Why> {
        let open = self.record.open.as_ref()?;
        let carried = open.attempt.tag.as_ref()?;
        let former = self.record.former_names.iter().cloned();
        let mut names = former.map(Address::Order).chain([self.from.clone()]);
        let known = names.any(|name| tag(item, &name, &open.attempt).as_ref() == Some(carried));
        (!known).then(|| {
            let text = format!(
                "an order of {} is in doubt, and it was sent to another account than {}",
                self.from, item.account
            );
            Why::Differs(None, vec![Untrusted::new(text)])
        })
    }
}

fn shown(record: &Record, order: &Order, account: &ObservedAccount) -> Shown {
    let Some(LiveOrder { order_id, .. }) = &record.live else {
        return Shown::Agrees;
    };
    let (observed, is_read) = match account.details.get(order_id) {
        Some(Some(read)) => (Some(read), true),
        Some(None) => return Shown::No(Why::Invisible(order_id.clone())),
        None => (account.orders.get(order_id), false),
    };
    let Some(observed) = observed else {
        return Shown::Unread;
    };
    let mut differences = Vec::new();
    if let Some(product) = observed.product.as_deref()
        && product != order.product
    {
        let shown = Untrusted::new(product);
        differences.push(format!("product {shown}, not {}", order.product));
    }
    match shares_a_name(order, observed) {
        Some(true) => {}
        Some(false) if is_read => {
            differences.push(format!(
                "for {}, none of its names",
                observed.names.join(", ")
            ));
        }
        None if is_read => {}
        Some(false) | None if differences.is_empty() => return Shown::Unread,
        Some(false) | None => {}
    }
    if differences.is_empty() {
        return Shown::Agrees;
    }
    let differences = differences.into_iter().map(Untrusted::new).collect();
    Shown::No(Why::Differs(Some(order_id.clone()), differences))
}
