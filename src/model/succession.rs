//! The orders of one name after each other: the order that is live, the renewal that will follow it, and those
//! that were live before.

use jiff::Timestamp;

use super::digest::Digest;
use super::fact::FactBody;
use super::ids::OrderId;
use super::live_order::LiveOrder;
use super::live_state::{Ending, LiveState};
use super::operation::OperationKind;
use super::past_order::{EndedRenewal, PastOrder};
use super::record::{Failure, Record};
use super::untrusted::Untrusted;

impl Record {
    /// Every order that the name stands for or stood for: the live one, its renewal, and earlier ones.
    pub fn bound_orders(&self) -> impl Iterator<Item = &OrderId> {
        let now = self.live.iter().chain(self.successor.as_deref());
        let now = now.map(|order| &order.order_id);
        now.chain(self.previous.iter().map(|past| &past.order_id))
    }

    /// Earlier orders of the name whose renewal was found at the CA: what was written about them before is not known.
    pub fn found_before(&self) -> impl Iterator<Item = &OrderId> {
        let found = self.previous.iter().filter(|past| past.found);
        found.map(|past| &past.order_id)
    }

    /// An order of the past never comes back.
    pub(super) fn is_of_the_past(&self, order_id: &OrderId) -> bool {
        self.previous.iter().any(|past| past.order_id == *order_id)
    }

    /// Binds a renewal of the live order, which stays live until the renewal is issued.
    pub(super) fn follow(
        &mut self,
        renews: &OrderId,
        successor: LiveOrder,
    ) -> Result<(), &'static str> {
        let live = self.live.as_ref().ok_or("no order is bound to the name")?;
        if live.order_id != *renews {
            return Err("the name stands for another order than the one that is renewed");
        }
        if live.state == LiveState::Requested {
            return Err("the order that is renewed was never issued");
        }
        if self.successor.is_some() {
            return Err("a renewal of the order is there already");
        }
        if successor.order_id == live.order_id || self.is_of_the_past(&successor.order_id) {
            return Err("the name stood for that order before");
        }
        self.successor = Some(Box::new(successor));
        Ok(())
    }

    /// Takes what a read shows of the renewal. Once it is issued the name stands for it; one that ends before
    /// that leaves the live order as it is.
    pub(super) fn see_successor(
        &mut self,
        seen: &FactBody,
        at: Timestamp,
    ) -> Result<(), &'static str> {
        let mut successor = self
            .successor
            .take()
            .ok_or("no renewal is bound to the name")?;
        successor.take_seen(seen, at)?;
        match &successor.state {
            LiveState::Requested => self.successor = Some(successor),
            LiveState::Ended(ending @ (Ending::Rejected | Ending::Canceled)) => {
                let order_id = successor.order_id.clone();
                let what = format!("order {order_id}, the renewal, was {}", ending.word());
                self.failure = Some(Box::new(Failure {
                    kind: OperationKind::Renew,
                    code: None,
                    message: Untrusted::new(what),
                    at,
                    body: Digest::of_json(&order_id),
                }));
                if let Some(live) = &mut self.live {
                    live.renewal_ended = Some(Box::new(EndedRenewal {
                        order_id,
                        ending: *ending,
                        generation: successor.generation,
                        at,
                    }));
                }
            }
            LiveState::Issued
            | LiveState::Reissuing
            | LiveState::Lapsed
            | LiveState::Ended(Ending::Revoked | Ending::Expired) => self.succeed(*successor, at),
        }
        Ok(())
    }

    /// The renewal takes the place of the live order. The files stay those of the earlier certificate until the
    /// new one is collected.
    fn succeed(&mut self, mut successor: LiveOrder, at: Timestamp) {
        if let Some(mut before) = self.live.take() {
            successor.collected = before.collected.take();
            self.previous.push(PastOrder {
                order_id: before.order_id,
                from: before.since,
                to: at,
                found: successor.found,
            });
        }
        self.live = Some(successor);
    }
}
