//! What the journal knows of an item. It changes in one way only: [`Record::next`].
//!
//! A record keeps three things apart: the order that is live, the operation that is open, and the last
//! failure. One flat status would forget the live certificate when a renewal fails.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::carriers::Carriers;
use super::digest::Digest;
use super::ids::{Address, ItemName, OrderId, RequestId};
use super::live_order::LiveOrder;
use super::live_state::PartState;
use super::moment::{BootTime, Moment, age};
use super::operation::{OperationKind, Part};
use super::past_order::PastOrder;
use super::replaced::ReplacedCertificates;
use super::untrusted::Untrusted;

/// Every record, by address.
pub type Records = BTreeMap<Address, Record>;

/// What the journal knows of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The order that this name stands for.
    pub live: Option<LiveOrder>,
    /// A renewal of the live order that the CA took and that is not issued. Boxed, as few of many records have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Box<LiveOrder>>,
    /// The orders that were live before, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<PastOrder>,
    /// The order that a revocation by name is for. Boxed, as few of many records have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Box<Target>>,
    /// The generation of the first order that was ever bound to the name. Above 1, the name stood for orders
    /// that this journal does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_generation: Option<u32>,
    /// Orders that a person parted from the name. They are not bound to it again by their tag.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub forgotten: BTreeSet<OrderId>,
    /// Certificates in force whose place another one took. A reissue with the same names revokes nothing, and no
    /// list of the CA shows the earlier one.
    #[serde(default, skip_serializing_if = "ReplacedCertificates::is_empty")]
    pub replaced: ReplacedCertificates,
    /// What a look-up by the name's tag showed. Boxed, as few of many records have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carriers: Option<Box<Carriers>>,
    /// The calls of a revocation that were taken, by the order that they were for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revocations: BTreeMap<OrderId, RequestedParts>,
    /// The names that the item had before, by facts `moved`. What was noted under one of them is about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_names: Vec<ItemName>,
    /// At most one call whose end is not recorded. Boxed, as few of many records have one.
    pub open: Option<Box<OpenOperation>>,
    /// The last refusal; gone with the next success.
    pub failure: Option<Box<Failure>>,
    /// How many calls were intended so far.
    pub attempts: u32,
}

/// The order that a revocation by name was planned for. Another order under the same name is never its
/// target, unless the entry's own generation is raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The order of the manifest that the entry names; `None` where it gave the CA's id. Another name starts
    /// from nothing.
    pub name: Option<ItemName>,
    /// The order; `None` where the entry was found not to say which of several orders it means.
    pub order_id: Option<OrderId>,
    /// The entry's generation that it answers to.
    pub generation: u32,
}

/// The calls of a revocation of one order that were taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestedParts {
    /// Each call and where it stands.
    #[serde(with = "pairs")]
    pub parts: BTreeMap<Part, PartState>,
    /// The entry's generation that they answer to.
    pub generation: u32,
}

/// A map as a list of pairs: JSON has no keys but strings.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Part;
    use crate::model::live_state::PartState;

    pub(super) fn serialize<S: Serializer>(
        parts: &BTreeMap<Part, PartState>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(parts)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Part, PartState>, D::Error> {
        let pairs = Vec::<(Part, PartState)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

impl Record {
    /// What was taken of the revocation of one order.
    pub fn requested(&self, order_id: &OrderId) -> Option<&RequestedParts> {
        self.revocations.get(order_id)
    }

    /// Where one call of the revocation of one order stands; `None` when it was not asked for.
    pub fn part(&self, order_id: &OrderId, part: &Part) -> Option<&PartState> {
        self.requested(order_id)?.parts.get(part)
    }

    /// Every request to revoke that was taken for the name.
    pub fn revocation_requests(&self) -> impl Iterator<Item = (&OrderId, &Part, &RequestId)> {
        self.revocations.iter().flat_map(|(order, requested)| {
            requested.parts.iter().filter_map(move |(part, state)| {
                let PartState::Requested { request_id } = state else {
                    return None;
                };
                Some((order, part, request_id.as_ref()?))
            })
        })
    }
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
        /// The same by the time since boot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<BootTime>,
        /// The same by the CA's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_ca: Option<Timestamp>,
        /// How many look-ups found nothing.
        looks: u32,
    },
    /// Only a person can settle it.
    Parked {
        /// Why.
        why: Untrusted,
        /// When the doubt was recorded.
        since: Timestamp,
        /// The same by the time since boot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<BootTime>,
        /// The same by the CA's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_ca: Option<Timestamp>,
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

impl Phase {
    /// When the doubt was recorded; `None` for one that was not.
    pub fn since(&self) -> Option<Moment> {
        match self {
            Self::Sending => None,
            Self::InDoubt {
                since, boot, at_ca, ..
            }
            | Self::Parked {
                since, boot, at_ca, ..
            } => Some(Moment {
                at: *since,
                boot: boot.clone(),
                at_ca: *at_ca,
            }),
        }
    }
}

impl OpenOperation {
    /// When it was intended at the earliest: by this machine's clock, or by the CA's as the doubt noted it. The
    /// clock may have been wrong then.
    pub fn earliest(&self) -> Timestamp {
        let doubt = self.phase.since();
        let ahead = doubt.and_then(|doubt| Some(doubt.at_ca?.duration_since(doubt.at)));
        let by_ca = ahead.and_then(|ahead| self.since.checked_add(ahead).ok());
        by_ca.map_or(self.since, |by_ca| by_ca.min(self.since))
    }

    /// How long its outcome has been in doubt. Setting the wall clock does not shorten that.
    pub fn age(&self, now: &Moment) -> SignedDuration {
        // A doubt that is not recorded yet has only begun.
        self.phase
            .since()
            .map_or(SignedDuration::ZERO, |then| age(&then, now))
    }
}
