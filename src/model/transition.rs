//! The protocol, as the one transition function: [`Record::next`].

use jiff::Timestamp;

use super::attempt::Attempt;
use super::collected::{Collected, Delivery};
use super::fact::{Fact, FactBody, IllegalFact};
use super::ids::OrderId;
use super::live_state::{LiveState, PartState};
use super::operation::{OperationKind, Part};
use super::record::{
    Failure, LiveOrder, OpenOperation, PendingReissue, Phase, Record, RefusedReissue, Target,
};

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
            FactBody::Seen {
                state,
                certificate_id,
                serial_number,
                valid_till,
            } => {
                let Some(live) = &mut self.live else {
                    return Err("no order is bound to the name");
                };
                let replaced = live.replaced_by(certificate_id.as_ref());
                self.replaced.add(&live.order_id, replaced);
                live.see(state, certificate_id.as_ref());
                // What is known of one certificate says nothing of another.
                if certificate_id.is_some() && *certificate_id != live.certificate_id {
                    live.certificate_id.clone_from(certificate_id);
                    live.serial_number = None;
                    live.valid_till = None;
                }
                live.serial_number = serial_number.clone().or(live.serial_number.take());
                live.valid_till = valid_till.or(live.valid_till);
                Ok(())
            }
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
            FactBody::Collected {
                serial_number,
                public_key,
                files,
                ..
            } => self.collect(Collected {
                serial_number: serial_number.clone(),
                public_key: *public_key,
                files: files.clone(),
                at: fact.at,
                delivery: Delivery::Open,
            }),
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

    /// The name no longer stands for its order.
    fn part_from(&mut self, order_id: &OrderId) -> Result<(), &'static str> {
        if self.open.is_some() {
            return Err("an earlier call is not settled");
        }
        match &self.live {
            Some(live) if live.order_id == *order_id => self.live = None,
            _ => return Err("the name does not stand for that order"),
        }
        Ok(())
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

    fn intend(&mut self, attempt: &Attempt, at: Timestamp) -> Result<(), &'static str> {
        if self.open.is_some() {
            return Err("an earlier call is not settled");
        }
        if attempt.number != self.attempts.saturating_add(1) {
            return Err("its number does not follow the last one");
        }
        match attempt.kind {
            OperationKind::Order | OperationKind::Renew => match &self.live {
                None => {}
                Some(LiveOrder {
                    state: LiveState::Ended(_) | LiveState::Lapsed,
                    generation,
                    ..
                }) if attempt.generation > *generation => {}
                Some(_) => return Err("an order is already bound to the name"),
            },
            OperationKind::Reissue => match &self.live {
                Some(live) if live.state == LiveState::Issued && live.change.is_none() => {}
                _ => return Err("no order in force is bound to the name"),
            },
            OperationKind::Revoke => {
                let (Some(part), Some(order_id)) = (&attempt.part, &attempt.order_id) else {
                    return Err("it does not say what to revoke");
                };
                let known = self.revocations.entry(order_id.clone()).or_default();
                if attempt.generation > known.generation {
                    known.parts.retain(|_, state| *state != PartState::Declined);
                    known.generation = attempt.generation;
                }
                if known.parts.contains_key(part) {
                    return Err("this revocation was already asked for");
                }
            }
        }
        self.attempts = attempt.number;
        self.open = Some(Box::new(OpenOperation {
            attempt: attempt.clone(),
            since: at,
            phase: Phase::Sending,
        }));
        Ok(())
    }

    fn accept(&mut self, body: &FactBody, at: Timestamp) -> Result<(), &'static str> {
        let FactBody::Accepted {
            order_id,
            request_id,
            certificate_id,
            approved,
            validation,
        } = body
        else {
            return Err("it is not an acceptance");
        };
        let open = self.open.take().ok_or("no call is open")?;
        match (open.attempt.kind, &open.phase) {
            (OperationKind::Order | OperationKind::Renew, Phase::Sending) => {
                self.first_generation.get_or_insert(open.attempt.generation);
                self.live = Some(LiveOrder {
                    request_id: request_id.clone(),
                    certificate_id: certificate_id.clone(),
                    tag: open.attempt.tag,
                    certificate: open.attempt.certificate,
                    terms: open.attempt.terms,
                    asked: open.attempt.asked,
                    key: open.attempt.public_key,
                    approved: *approved,
                    validation: validation.clone(),
                    ..LiveOrder::new(order_id.clone(), open.attempt.generation, at)
                });
            }
            // A reissue in doubt is settled by reading the order: it shows the new key or names.
            (OperationKind::Reissue, _) => {
                let live = self.live.as_mut().ok_or("no order is bound to the name")?;
                if live.order_id != *order_id {
                    return Err("the CA answered with another order");
                }
                live.change = Some(Box::new(PendingReissue {
                    certificate: open.attempt.certificate,
                    public_key: open.attempt.public_key,
                    asked: open.attempt.asked,
                    from: open.attempt.replaces.or(live.certificate_id.clone()),
                    generation: open.attempt.generation,
                    since: at,
                }));
                live.request_id.clone_from(request_id);
                live.approved = *approved;
                live.validation.clone_from(validation);
                live.refused = None;
                live.state = LiveState::Reissuing;
            }
            (OperationKind::Order | OperationKind::Renew, _) => {
                return Err("an order in doubt is adopted, not accepted");
            }
            (OperationKind::Revoke, _) => return Err("a revocation is requested or revoked"),
        }
        self.failure = None;
        Ok(())
    }

    fn adopt(&mut self, body: &FactBody, at: Timestamp) -> Result<(), &'static str> {
        let FactBody::Adopted {
            order_id,
            certificate_id,
            generation,
            tag,
            certificate,
            terms,
            asked,
            public_key,
            ..
        } = body
        else {
            return Err("it is not an adoption");
        };
        let mut key = *public_key;
        match self.open.take() {
            None => {}
            Some(open) => match (open.attempt.kind, open.phase) {
                (
                    OperationKind::Order | OperationKind::Renew,
                    Phase::InDoubt { .. } | Phase::Parked { .. },
                ) => key = key.or(open.attempt.public_key),
                (OperationKind::Order | OperationKind::Renew, Phase::Sending) => {
                    return Err("the doubt was not recorded first");
                }
                (OperationKind::Reissue | OperationKind::Revoke, _) => {
                    return Err("an operation that is not an order is open");
                }
            },
        }
        match &self.live {
            None => {}
            Some(live)
                if matches!(live.state, LiveState::Ended(_) | LiveState::Lapsed)
                    && *generation > live.generation => {}
            Some(_) => return Err("an order is already bound to the name"),
        }
        self.first_generation.get_or_insert(*generation);
        self.forgotten.remove(order_id);
        self.live = Some(LiveOrder {
            certificate_id: certificate_id.clone(),
            tag: tag.clone(),
            certificate: *certificate,
            terms: *terms,
            asked: asked.clone(),
            key,
            ..LiveOrder::new(order_id.clone(), *generation, at)
        });
        self.failure = None;
        Ok(())
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
