//! The protocol, as the one transition function: [`Record::next`].

use jiff::Timestamp;

use super::collected::Delivery;
use super::fact::{Fact, FactBody, IllegalFact};
use super::ids::OrderId;
use super::live_order::RefusedReissue;
use super::live_state::PartState;
use super::operation::{OperationKind, Part};
use super::record::{Failure, OpenOperation, Phase, Record, Target};

impl Record {
    /// The record after a fact, or why that fact cannot be.
    ///
    /// This is the one transition function: it checks what is about to be written, replays what was
    /// written, and states the protocol (one intent, at most one call; a new intent only when the
    /// earlier one is settled).
    pub fn next(&self, fact: &Fact) -> Result<Self, IllegalFact> {
        let mut record = self.clone();
        record.apply(fact).map_err(|why| IllegalFact {
            address: fact.address.clone(),
            fact: fact.body.word(),
            why,
        })?;
        Ok(record)
    }

    fn apply(&mut self, fact: &Fact) -> Result<(), &'static str> {
        match &fact.body {
            FactBody::Intended(attempt) => self.intend(attempt, fact.at),
            FactBody::Unsent { .. } => self.sending().map(|_| ()),
            FactBody::Refused { code, message } => {
                let open = self.sending()?;
                self.failure = Some(Box::new(Failure {
                    kind: open.attempt.kind,
                    code: code.clone(),
                    message: message.clone(),
                    at: fact.at,
                    body: open.attempt.body,
                }));
                Ok(())
            }
            FactBody::Doubted { why, boot, at_ca } => {
                let mut open = self.sending()?;
                open.phase = Phase::InDoubt {
                    why: why.clone(),
                    since: fact.at,
                    boot: boot.clone(),
                    at_ca: *at_ca,
                    looks: 0,
                };
                self.open = Some(open);
                Ok(())
            }
            FactBody::Accepted { .. } => self.accept(&fact.body, fact.at),
            FactBody::Adopted { .. } => self.adopt(&fact.body, fact.at),
            FactBody::Requested { request_id } => self.settle_part(PartState::Requested {
                request_id: request_id.clone(),
            }),
            FactBody::Revoked => self.settle_part(PartState::Revoked),
            FactBody::LookedUp => match self.open.as_deref_mut() {
                Some(OpenOperation {
                    phase: Phase::InDoubt { looks, .. },
                    ..
                }) => {
                    *looks = looks.saturating_add(1);
                    Ok(())
                }
                _ => Err("no doubt is open"),
            },
            FactBody::Dead { .. } => self.close_doubt(),
            FactBody::DecidedNotPlaced { .. } => self.close_doubt(),
            FactBody::Parked { why } => match self.open.take() {
                Some(mut open) => {
                    let Some(then) = open.phase.since() else {
                        return Err("the doubt was not recorded first");
                    };
                    open.phase = Phase::Parked {
                        why: why.clone(),
                        since: then.at,
                        boot: then.boot,
                        at_ca: then.at_ca,
                    };
                    self.open = Some(open);
                    Ok(())
                }
                None => Err("no doubt is open"),
            },
            FactBody::Seen { order_id, .. } => self.see(order_id.as_ref(), &fact.body, fact.at),
            FactBody::SeenPart {
                order_id,
                part,
                state,
            } => self.see_part(order_id.as_ref(), part, state),
            FactBody::Targeted {
                name,
                order_id,
                generation,
            } => {
                let known = self.target.as_ref().filter(|target| target.name == *name);
                if name.is_some() && known.is_some_and(|known| *generation <= known.generation) {
                    return Err("its target is known and stays for this generation");
                }
                self.target = Some(Box::new(Target {
                    name: name.clone(),
                    order_id: order_id.clone(),
                    generation: *generation,
                }));
                Ok(())
            }
            FactBody::ReissueRejected { .. } => {
                let live = self.live.as_mut().ok_or("no order is bound to the name")?;
                let change = live.change.take().ok_or("no reissue is under way")?;
                live.refused = Some(Box::new(RefusedReissue {
                    certificate: change.certificate,
                    generation: change.generation,
                    at: fact.at,
                }));
                live.request_id = None;
                Ok(())
            }
            FactBody::Exchanged {
                certificate_id,
                certificate,
                public_key,
            } => self.exchange(certificate_id, *certificate, *public_key),
            FactBody::Collected { .. } => self.collect(fact),
            FactBody::Delivered { serial_number } => self.deliver(serial_number, Delivery::Done),
            FactBody::HookFailed { serial_number, why } => {
                let (why, at) = (why.clone(), fact.at);
                self.deliver(serial_number, Delivery::Failed { why, at })
            }
            FactBody::Carriers { orders } => self.take_carriers(orders, fact.at),
            FactBody::Released { order_id, .. } => self.part_from(order_id),
            FactBody::Moved { .. } => Err("it takes the record of another name"),
            FactBody::Forgotten { order_id } => {
                self.part_from(order_id)?;
                self.forgotten.insert(order_id.clone());
                Ok(())
            }
        }
    }

    /// Takes what a read shows of the live order, or of its renewal.
    fn see(
        &mut self,
        order_id: Option<&OrderId>,
        seen: &FactBody,
        at: Timestamp,
    ) -> Result<(), &'static str> {
        let live = self.live.as_mut().ok_or("no order is bound to the name")?;
        match order_id {
            Some(id) if live.order_id != *id => match &self.successor {
                Some(successor) if successor.order_id == *id => self.see_successor(seen, at),
                Some(_) | None => Err("the name does not stand for that order"),
            },
            Some(_) | None => {
                let replaced = live.take_seen(seen, at)?;
                self.replaced.add(&live.order_id, replaced);
                Ok(())
            }
        }
    }

    /// The name no longer stands for its order.
    fn part_from(&mut self, order_id: &OrderId) -> Result<(), &'static str> {
        if self.open.is_some() {
            return Err("an earlier call is not settled");
        }
        let successor = self.successor.as_ref();
        if successor.is_some_and(|successor| successor.order_id == *order_id) {
            self.successor = None;
            return Ok(());
        }
        match &self.live {
            Some(live) if live.order_id == *order_id => {
                self.live = self.successor.take().map(|successor| *successor);
                Ok(())
            }
            _ => Err("the name does not stand for that order"),
        }
    }

    /// Takes what a read shows of one call of a revocation.
    fn see_part(
        &mut self,
        order_id: Option<&OrderId>,
        part: &Part,
        state: &PartState,
    ) -> Result<(), &'static str> {
        let known = match order_id {
            Some(order_id) => self.revocations.get_mut(order_id),
            // An earlier version kept one set of parts for each name.
            None => self
                .revocations
                .values_mut()
                .find(|requested| requested.parts.contains_key(part)),
        };
        match known.and_then(|requested| requested.parts.get_mut(part)) {
            Some(PartState::Revoked) if *state != PartState::Revoked => {
                Err("a revocation in force cannot be undone")
            }
            Some(known) => {
                *known = state.clone();
                Ok(())
            }
            None => Err("this revocation was not asked for"),
        }
    }

    fn settle_part(&mut self, state: PartState) -> Result<(), &'static str> {
        let open = self.open.take().ok_or("no call is open")?;
        match (open.attempt.kind, open.attempt.order_id, open.attempt.part) {
            (OperationKind::Revoke, Some(order_id), Some(part)) => {
                let known = self.revocations.entry(order_id).or_default();
                known.parts.insert(part, state);
                self.failure = None;
                Ok(())
            }
            _ => Err("the open call is not a revocation"),
        }
    }

    /// Takes the open call out if it was intended and nothing more is known.
    fn sending(&mut self) -> Result<Box<OpenOperation>, &'static str> {
        match self.open.take() {
            Some(open) if open.phase == Phase::Sending => Ok(open),
            Some(_) => Err("the call is already in doubt"),
            None => Err("no call is open"),
        }
    }

    fn close_doubt(&mut self) -> Result<(), &'static str> {
        match self.open.take().map(|open| open.phase) {
            Some(Phase::InDoubt { .. } | Phase::Parked { .. }) => Ok(()),
            Some(Phase::Sending) => Err("the doubt was not recorded first"),
            None => Err("no doubt is open"),
        }
    }
}
