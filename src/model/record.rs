//! What the journal knows of an item, and the only way in which that changes: [`Record::next`].
//!
//! A record keeps three things apart: the order that is live, the operation that is open, and the last
//! failure. One flat status would forget the live certificate when a renewal fails.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::{
    AccountName, Address, CertificateId, OrderId, RequestId, RunId, SerialNumber, Tag,
};
use super::operation::{OperationKind, Part};
use super::untrusted::Untrusted;

/// Every record, by address.
pub type Records = BTreeMap<Address, Record>;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When it was written, UTC.
    pub at: Timestamp,
    /// By which run.
    pub run: RunId,
    /// Which item it is about.
    pub address: Address,
    /// The account of the item.
    pub account: AccountName,
    /// What happened.
    pub body: FactBody,
}

/// What happened. Written in the past tense, except `Intended`, which is written before the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum FactBody {
    /// A call will be sent, at most once. Durable before the first byte leaves.
    Intended(Attempt),
    /// The call was not sent: proved.
    Unsent {
        /// Why.
        why: Untrusted,
    },
    /// The CA refused the call in its own well-formed words: nothing was done.
    Refused {
        /// The CA's error code.
        code: Option<Untrusted>,
        /// The CA's message.
        message: Untrusted,
    },
    /// Whether the call had its effect is unknown.
    Doubted {
        /// Why.
        why: Untrusted,
    },
    /// The CA took the order or the reissue.
    Accepted {
        /// The order's id.
        order_id: OrderId,
        /// The request that an administrator decides, if the CA named one.
        request_id: Option<RequestId>,
        /// Known at once when no approval is needed.
        certificate_id: Option<CertificateId>,
    },
    /// An order that exists at the CA was bound to the name: found by its tag, or imported.
    Adopted {
        /// The order's id.
        order_id: OrderId,
        /// Its certificate.
        certificate_id: Option<CertificateId>,
        /// The manifest's generation it answers to.
        generation: u32,
        /// The tag it carries.
        tag: Option<Tag>,
        /// The digest of what it was ordered with, where the CA shows that it equals what is wanted.
        certificate: Option<Digest>,
        /// The digest of its terms, under the same condition.
        terms: Option<Digest>,
        /// How it was found, for people.
        evidence: Untrusted,
    },
    /// The CA took a revocation that now waits: for an administrator (CertCentral 201) or for the CA
    /// (ncloud).
    Requested {
        /// The request, where the CA named one.
        request_id: Option<RequestId>,
    },
    /// The CA said that the revocation is in force.
    Revoked,
    /// A look-up by tag for an open doubt found nothing, and its positive control found an older order.
    LookedUp,
    /// An open doubt was settled: the call had no effect.
    Dead {
        /// The evidence, for people.
        evidence: Untrusted,
    },
    /// An open doubt that only a person can settle.
    Parked {
        /// Why.
        why: Untrusted,
    },
    /// A person settled an open doubt: the order was not placed.
    DecidedNotPlaced {
        /// The evidence shown to them.
        evidence: Untrusted,
    },
    /// A read showed where the live order stands.
    Seen {
        /// The state.
        state: LiveState,
        /// The primary certificate.
        certificate_id: Option<CertificateId>,
        /// Its serial number.
        serial_number: Option<SerialNumber>,
        /// Its last day.
        valid_till: Option<String>,
    },
    /// A read showed where a requested revocation stands.
    SeenPart {
        /// Which call of the revocation.
        part: Part,
        /// The state.
        state: PartState,
    },
}

impl FactBody {
    /// The word under which the journal files it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Intended(_) => "intended",
            Self::Unsent { .. } => "unsent",
            Self::Refused { .. } => "refused",
            Self::Doubted { .. } => "doubted",
            Self::Accepted { .. } => "accepted",
            Self::Adopted { .. } => "adopted",
            Self::Requested { .. } => "requested",
            Self::Revoked => "revoked",
            Self::LookedUp => "looked_up",
            Self::Dead { .. } => "dead",
            Self::Parked { .. } => "parked",
            Self::DecidedNotPlaced { .. } => "decided_not_placed",
            Self::Seen { .. } => "seen",
            Self::SeenPart { .. } => "seen_part",
        }
    }
}

/// One intended call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What is done.
    pub kind: OperationKind,
    /// Which call of a revocation; absent for orders.
    pub part: Option<Part>,
    /// 1, 2, 3, ... over the item's whole life.
    pub number: u32,
    /// The manifest's generation that asked for it.
    pub generation: u32,
    /// The order that is reissued or revoked.
    pub order_id: Option<OrderId>,
    /// The tag of an order.
    pub tag: Option<Tag>,
    /// The digest of the request body.
    pub body: Digest,
    /// The digest of the certificate's content, for orders and reissues.
    pub certificate: Option<Digest>,
    /// The digest of the order's terms.
    pub terms: Option<Digest>,
}

/// What the journal knows of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The order that this name stands for.
    pub live: Option<LiveOrder>,
    /// The calls of a revocation that were taken.
    pub parts: BTreeMap<Part, PartState>,
    /// The generation that the parts answer to.
    pub parts_generation: u32,
    /// At most one call whose end is not recorded.
    pub open: Option<OpenOperation>,
    /// The last refusal; gone with the next success.
    pub failure: Option<Failure>,
    /// How many calls were intended so far.
    pub attempts: u32,
}

/// The order that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveOrder {
    /// The CA's id.
    pub order_id: OrderId,
    /// The request that an administrator decides.
    pub request_id: Option<RequestId>,
    /// The primary certificate.
    pub certificate_id: Option<CertificateId>,
    /// Its serial number.
    pub serial_number: Option<SerialNumber>,
    /// Its last day, as the CA writes it.
    pub valid_till: Option<String>,
    /// Where it stood when it was last seen.
    pub state: LiveState,
    /// The manifest's generation it answers to.
    pub generation: u32,
    /// The tag it carries, where that is known.
    pub tag: Option<Tag>,
    /// The digest of the certificate's content that was asked for; absent for an adopted order whose
    /// content the CA does not show.
    pub certificate: Option<Digest>,
    /// The digest of the terms, likewise.
    pub terms: Option<Digest>,
    /// When the CA took it, or when it was adopted.
    pub since: Timestamp,
}

/// Where a live order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    /// Taken; approval, validation or issuance is open.
    Requested,
    /// In force.
    Issued,
    /// In force, and a reissue is under way.
    Reissuing,
    /// Over.
    Ended(Ending),
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Refused by the CA or an approver.
    Rejected,
    /// Withdrawn.
    Canceled,
    /// Revoked.
    Revoked,
    /// Run out.
    Expired,
}

impl Ending {
    /// The CA's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Canceled => "canceled",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// Where one call of a revocation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Taken; waits for an administrator or for the CA.
    Requested {
        /// The request, where the CA named one.
        request_id: Option<RequestId>,
    },
    /// In force.
    Revoked,
    /// An administrator refused it.
    Declined,
}

/// A call whose end is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOperation {
    /// The call.
    pub attempt: Attempt,
    /// When it was intended.
    pub since: Timestamp,
    /// How much is known.
    pub phase: Phase,
}

/// How much is known of an open call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Intended: it may or may not have been sent. Found at the start of a run, it is a doubt.
    Sending,
    /// Sent or perhaps sent; the outcome is unknown.
    InDoubt {
        /// Why.
        why: Untrusted,
        /// When the doubt was recorded: the quiet period counts from here.
        since: Timestamp,
        /// How many look-ups found nothing.
        looks: u32,
    },
    /// Only a person can settle it.
    Parked {
        /// Why.
        why: Untrusted,
        /// When the doubt was recorded.
        since: Timestamp,
    },
}

/// A refusal by the CA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What was refused.
    pub kind: OperationKind,
    /// The CA's code.
    pub code: Option<Untrusted>,
    /// The CA's message.
    pub message: Untrusted,
    /// When.
    pub at: Timestamp,
    /// The digest of the refused body: another body is another question.
    pub body: Digest,
}

/// A fact that cannot follow what the journal already says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: `{fact}` cannot follow: {why}")]
pub struct IllegalFact {
    /// The item.
    pub address: Address,
    /// The fact's word.
    pub fact: &'static str,
    /// The rule that it breaks.
    pub why: &'static str,
}

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
                self.failure = Some(Failure {
                    kind: open.attempt.kind,
                    code: code.clone(),
                    message: message.clone(),
                    at: fact.at,
                    body: open.attempt.body,
                });
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
            FactBody::LookedUp => match &mut self.open {
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
        self.open = Some(OpenOperation {
            attempt: attempt.clone(),
            since: at,
            phase: Phase::Sending,
        });
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
    fn sending(&mut self) -> Result<OpenOperation, &'static str> {
        match self.open.take() {
            Some(open) if open.phase == Phase::Sending => Ok(open),
            Some(_) => Err("the call is already in doubt"),
            None => Err("no call is open"),
        }
    }

    fn close_doubt(&mut self) -> Result<(), &'static str> {
        match self.open.take() {
            Some(OpenOperation {
                phase: Phase::InDoubt { .. } | Phase::Parked { .. },
                ..
            }) => Ok(()),
            Some(_) => Err("the doubt was not recorded first"),
            None => Err("no doubt is open"),
        }
    }
}
