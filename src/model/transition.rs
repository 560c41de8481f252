//! The protocol, as the one transition function: [`Record::next`].

use jiff::Timestamp;

use super::fact::{Attempt, Fact, FactBody, IllegalFact};
use super::ids::{CertificateId, OrderId, RequestId};
use super::operation::OperationKind;
use super::record::{Failure, LiveOrder, LiveState, OpenOperation, PartState, Phase, Record};

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
            FactBody::Doubted { why } => {
                let mut open = self.sending()?;
                open.phase = Phase::InDoubt {
                    why: why.clone(),
                    since: fact.at,
                    looks: 0,
                };
                self.open = Some(open);
                Ok(())
            }
            FactBody::Accepted {
                order_id,
                request_id,
                certificate_id,
            } => self.accept(
                order_id,
                request_id.as_ref(),
                certificate_id.as_ref(),
                fact.at,
            ),
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
                    let since = match &open.phase {
                        Phase::InDoubt { since, .. } | Phase::Parked { since, .. } => *since,
                        Phase::Sending => return Err("the doubt was not recorded first"),
                    };
                    open.phase = Phase::Parked {
                        why: why.clone(),
                        since,
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
                live.state = state.clone();
                live.certificate_id = certificate_id.clone().or(live.certificate_id.take());
                live.serial_number = serial_number.clone().or(live.serial_number.take());
                live.valid_till = valid_till.clone().or(live.valid_till.take());
                Ok(())
            }
            FactBody::SeenPart { part, state } => match self.parts.get_mut(part) {
                Some(PartState::Revoked) if *state != PartState::Revoked => {
                    Err("a revocation in force cannot be undone")
                }
                Some(known) => {
                    *known = state.clone();
                    Ok(())
                }
                None => Err("this revocation was not asked for"),
            },
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
                    state: LiveState::Ended(_),
                    generation,
                    ..
                }) if attempt.generation > *generation => {}
                Some(_) => return Err("an order is already bound to the name"),
            },
            OperationKind::Reissue => match &self.live {
                Some(live) if live.state == LiveState::Issued => {}
                _ => return Err("no order in force is bound to the name"),
            },
            OperationKind::Revoke => {
                let Some(part) = &attempt.part else {
                    return Err("it does not say what to revoke");
                };
                if attempt.generation > self.parts_generation {
                    self.parts.retain(|_, state| *state != PartState::Declined);
                    self.parts_generation = attempt.generation;
                }
                if self.parts.contains_key(part) {
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

    fn accept(
        &mut self,
        order_id: &OrderId,
        request_id: Option<&RequestId>,
        certificate_id: Option<&CertificateId>,
        at: Timestamp,
    ) -> Result<(), &'static str> {
        let open = self.open.take().ok_or("no call is open")?;
        match (open.attempt.kind, &open.phase) {
            (OperationKind::Order | OperationKind::Renew, Phase::Sending) => {
                self.live = Some(LiveOrder {
                    order_id: order_id.clone(),
                    request_id: request_id.cloned(),
                    certificate_id: certificate_id.cloned(),
                    serial_number: None,
                    valid_till: None,
                    state: LiveState::Requested,
                    generation: open.attempt.generation,
                    tag: open.attempt.tag,
                    certificate: open.attempt.certificate,
                    terms: open.attempt.terms,
                    since: at,
                });
            }
            // A reissue in doubt is settled by reading the order: it shows the new key or names.
            (OperationKind::Reissue, _) => {
                let live = self.live.as_mut().ok_or("no order is bound to the name")?;
                if live.order_id != *order_id {
                    return Err("the CA answered with another order");
                }
                live.request_id = request_id.cloned();
                live.certificate = open.attempt.certificate;
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
            ..
        } = body
        else {
            return Err("it is not an adoption");
        };
        match self.open.take() {
            None => {}
            Some(open) => match (open.attempt.kind, open.phase) {
                (
                    OperationKind::Order | OperationKind::Renew,
                    Phase::InDoubt { .. } | Phase::Parked { .. },
                ) => {}
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
                if matches!(live.state, LiveState::Ended(_)) && *generation > live.generation => {}
            Some(_) => return Err("an order is already bound to the name"),
        }
        self.live = Some(LiveOrder {
            order_id: order_id.clone(),
            request_id: None,
            certificate_id: certificate_id.clone(),
            serial_number: None,
            valid_till: None,
            state: LiveState::Requested,
            generation: *generation,
            tag: tag.clone(),
            certificate: *certificate,
            terms: *terms,
            since: at,
        });
        self.failure = None;
        Ok(())
    }

    fn settle_part(&mut self, state: PartState) -> Result<(), &'static str> {
        let open = self.open.take().ok_or("no call is open")?;
        match (open.attempt.kind, open.attempt.part) {
            (OperationKind::Revoke, Some(part)) => {
                self.parts.insert(part, state);
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
