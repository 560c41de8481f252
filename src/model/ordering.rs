//! The transitions for calls that bind an order to a name: an intent, its acceptance, an adoption.

use jiff::Timestamp;

use super::attempt::Attempt;
use super::fact::FactBody;
use super::ids::OrderId;
use super::live_order::{LiveOrder, PendingReissue};
use super::live_state::{Ending, LiveState, PartState};
use super::operation::{OperationKind, Why};
use super::past_order::RenewalReissue;
use super::record::{OpenOperation, Phase, Record};

impl Record {
    pub(super) fn intend(&mut self, attempt: &Attempt, at: Timestamp) -> Result<(), &'static str> {
        if self.open.is_some() {
            return Err("an earlier call is not settled");
        }
        if attempt.number != self.attempts.saturating_add(1) {
            return Err("its number does not follow the last one");
        }
        match attempt.kind {
            OperationKind::Order | OperationKind::Renew => self.may_order(attempt)?,
            OperationKind::Reissue => match &self.live {
                Some(live) if live.change.is_some() => {
                    return Err("a reissue of the order is under way");
                }
                Some(live) if live.state == LiveState::Issued => {}
                // A certificate that ran out inside its paid order.
                Some(live) if live.state == LiveState::Lapsed && attempt.why == Why::Renewal => {}
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

    pub(super) fn accept(&mut self, body: &FactBody, at: Timestamp) -> Result<(), &'static str> {
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
                let renews = open.attempt.renews;
                let placed = LiveOrder {
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
                };
                self.bind(renews.as_ref(), placed)?;
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
                    renewal: (open.attempt.why == Why::Renewal)
                        .then_some(live.valid_till)
                        .flatten()
                        .map(|valid_till| RenewalReissue { valid_till, at }),
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

    pub(super) fn adopt(&mut self, body: &FactBody, at: Timestamp) -> Result<(), &'static str> {
        let FactBody::Adopted {
            order_id,
            certificate_id,
            generation,
            tag,
            certificate,
            terms,
            asked,
            public_key,
            renews,
            ..
        } = body
        else {
            return Err("it is not an adoption");
        };
        let mut key = *public_key;
        let in_doubt = self.open.is_some();
        match self.open.take() {
            None => {}
            Some(open) => match (open.attempt.kind, open.phase) {
                (
                    OperationKind::Order | OperationKind::Renew,
                    Phase::InDoubt { .. } | Phase::Parked { .. },
                ) => {
                    if open.attempt.renews.is_some() && open.attempt.renews != *renews {
                        return Err("the call in doubt renews another order");
                    }
                    key = key.or(open.attempt.public_key);
                }
                (OperationKind::Order | OperationKind::Renew, Phase::Sending) => {
                    return Err("the doubt was not recorded first");
                }
                (OperationKind::Reissue | OperationKind::Revoke, _) => {
                    return Err("an operation that is not an order is open");
                }
            },
        }
        if renews.is_none() {
            self.may_bind(*generation)?;
        }
        self.forgotten.remove(order_id);
        let found = LiveOrder {
            certificate_id: certificate_id.clone(),
            tag: tag.clone(),
            certificate: *certificate,
            terms: *terms,
            asked: asked.clone(),
            key,
            found: !in_doubt,
            ..LiveOrder::new(order_id.clone(), *generation, at)
        };
        self.bind(renews.as_ref(), found)?;
        self.failure = None;
        Ok(())
    }

    /// The name stands for an order from now on, or the order will follow the live one.
    fn bind(&mut self, renews: Option<&OrderId>, order: LiveOrder) -> Result<(), &'static str> {
        if let Some(renews) = renews {
            return self.follow(renews, order);
        }
        if self.is_of_the_past(&order.order_id) {
            return Err("the name stood for that order before");
        }
        self.first_generation.get_or_insert(order.generation);
        self.live = Some(order);
        Ok(())
    }

    /// Whether the name may stand for another order: it has none, or a later generation follows one that is over.
    fn may_bind(&self, generation: u32) -> Result<(), &'static str> {
        match &self.live {
            None => Ok(()),
            Some(live)
                if self.successor.is_none()
                    && generation > live.generation
                    && matches!(live.state, LiveState::Ended(_) | LiveState::Lapsed) =>
            {
                Ok(())
            }
            Some(_) => Err("an order is already bound to the name"),
        }
    }

    /// Whether an order may be placed. One that renews follows an order that was issued, and that nobody revoked.
    fn may_order(&self, attempt: &Attempt) -> Result<(), &'static str> {
        let Some(renews) = &attempt.renews else {
            return self.may_bind(attempt.generation);
        };
        match &self.live {
            Some(live) if live.order_id != *renews => {
                Err("the name stands for another order than the one that is renewed")
            }
            Some(_) if self.successor.is_some() => Err("a renewal of the order is there already"),
            Some(live) if live.change.is_some() => Err("a reissue of the order is under way"),
            Some(LiveOrder {
                state: LiveState::Issued | LiveState::Lapsed | LiveState::Ended(Ending::Expired),
                ..
            }) => Ok(()),
            Some(_) | None => Err("no order that can be renewed is bound to the name"),
        }
    }
}
