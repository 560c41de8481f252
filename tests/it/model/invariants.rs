//! What must hold in every state, and what a search must have seen to prove anything.

use certplan::model::OrderId;

use super::journal::Kind;
use super::protocol::Variant;
use super::search::Model;
use super::state::{Standing, State};

pub(super) const LEGAL: &str = "Record::next takes every fact";
pub(super) const ONE_ORDER: &str = "I1: at most one order for an item";
pub(super) const NO_ORPHAN: &str =
    "I2: no order at the CA that the journal calls refused or never placed";
pub(super) const REAL_ID: &str = "I3: every recorded id is an order of the CA with the item's tag";
pub(super) const REPLACED_FIRST: &str =
    "I4: nothing is revoked before its replacement is durably in force";
pub(super) const INTENT_FIRST: &str = "I5: every call that left has its own durable intent";

pub(super) const ALL_DONE: &str = "everything done";
pub(super) const DONE_AFTER_CRASH: &str = "everything done in spite of a crash";
pub(super) const SENT_AGAIN: &str = "sent again";

impl Variant {
    /// Names of the invariants that a state breaks.
    pub(super) fn broken_invariants(&self, state: &State) -> Vec<&'static str> {
        let orders = || (0..2).filter(|&item| self.rules.items[item] == Kind::Order);
        let holds = [
            (LEGAL, state.illegal.is_none()),
            (ONE_ORDER, orders().all(|item| state.ordered(item) <= 1)),
            (NO_ORPHAN, orders().all(|item| self.no_orphan(state, item))),
            (REAL_ID, orders().all(|item| self.real_id(state, item))),
            (REPLACED_FIRST, !state.early),
            (
                INTENT_FIRST,
                (0..2).all(|item| state.sent[item] <= self.attempts(state.synced[item])),
            ),
        ];
        let broken = holds.into_iter().filter(|(_, holds)| !holds);
        broken.map(|(name, _)| name).collect()
    }

    /// An order at the CA is never recorded as refused, and is known or asked about in the end.
    fn no_orphan(&self, state: &State, item: usize) -> bool {
        let standing = self.standing(state.seen[item], item);
        let lost =
            standing == Standing::Refused || (standing == Standing::Wanted && self.at_rest(state));
        state.ordered(item) == 0 || !lost
    }

    /// An id in the journal is an order of the CA with the item's tag.
    fn real_id(&self, state: &State, item: usize) -> bool {
        let Some(id) = self.order_id(state.seen[item]) else {
            return true;
        };
        let mut orders = (0..).zip(&state.orders);
        orders.any(|(number, one)| OrderId::from(number) == id && one.item == item)
    }

    /// Names of the good ends that a state shows.
    pub(super) fn good_ends(&self, state: &State) -> Vec<&'static str> {
        let done = (0..2).all(|item| self.standing(state.seen[item], item) == Standing::Done);
        let ends = [
            (ALL_DONE, done),
            (DONE_AFTER_CRASH, done && state.crashes > 0),
            (SENT_AGAIN, state.sent.iter().any(|sent| *sent > 1)),
        ];
        let seen = ends.into_iter().filter(|(_, seen)| *seen);
        seen.map(|(name, _)| name).collect()
    }
}
