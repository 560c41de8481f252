//! What the journal knows of an item. It changes in one way only: [`Record::next`].
//!
//! A record keeps three things apart: the order that is live, the operation that is open, and the last
//! failure. One flat status would forget the live certificate when a renewal fails.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::fact::Attempt;
use super::ids::{Address, CertificateId, OrderId, RequestId, SerialNumber, Tag};
use super::operation::{OperationKind, Part};
use super::untrusted::Untrusted;

/// Every record, by address.
pub type Records = BTreeMap<Address, Record>;

/// What the journal knows of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The order that this name stands for.
    pub live: Option<LiveOrder>,
    /// The calls of a revocation that were taken.
    pub parts: BTreeMap<Part, PartState>,
    /// The generation that the parts answer to.
    pub parts_generation: u32,
    /// At most one call whose end is not recorded. Boxed, as few of many records have one.
    pub open: Option<Box<OpenOperation>>,
    /// The last refusal; gone with the next success.
    pub failure: Option<Box<Failure>>,
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
