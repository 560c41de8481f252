//! One line of the journal: what was intended and what happened. Main type: [`Fact`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::attempt::Attempt;
use super::digest::Digest;
use super::file_kind::FileKind;
use super::files_wanted::Passphrase;
use super::ids::{
    AccountName, Address, CertificateId, ItemName, OrderId, RequestId, RunId, SerialNumber, Tag,
};
use super::live_state::{LiveState, PartState};
use super::moment::{BootTime, Moment};
use super::operation::Part;
use super::pending_domain::PendingDomain;
use super::untrusted::Untrusted;
use super::valid_till::{self, ValidTill};

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
        /// The time since boot, by which the quiet period is counted within one boot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<BootTime>,
        /// The time by the CA's clock, by which it is counted across boots.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_ca: Option<Timestamp>,
    },
    /// The CA took the order or the reissue.
    Accepted {
        /// The order's id.
        order_id: OrderId,
        /// The request that an administrator decides, if the CA named one.
        request_id: Option<RequestId>,
        /// Known at once when no approval is needed.
        certificate_id: Option<CertificateId>,
        /// True when the answer says that the request is granted.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        approved: bool,
        /// Domains that the CA wants to see validated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        validation: Vec<PendingDomain>,
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
        /// What it was asked for, member by member, or what it shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Box<Asked>>,
        /// The key of its CSR, where the CA shows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public_key: Option<Digest>,
        /// The order of the same name that it renews; absent where the name stands for it at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        renews: Option<OrderId>,
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
    /// A read showed where the live order stands, or the renewal that follows it.
    Seen {
        /// Which order; absent for the live one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<OrderId>,
        /// The state.
        state: LiveState,
        /// The primary certificate.
        certificate_id: Option<CertificateId>,
        /// Its serial number.
        serial_number: Option<SerialNumber>,
        /// Its last day.
        #[serde(default, deserialize_with = "valid_till::lenient")]
        valid_till: Option<ValidTill>,
    },
    /// A read showed where a requested revocation stands.
    SeenPart {
        /// Which order; an earlier version did not write it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<OrderId>,
        /// Which call of the revocation.
        part: Part,
        /// The state.
        state: PartState,
    },
    /// The order that a revocation by name is for, from the plan that showed it on; or none, where that plan
    /// could not tell which of several orders is meant.
    Targeted {
        /// The name in the manifest; `None` where the entry gives the CA's id.
        name: Option<ItemName>,
        /// The order.
        order_id: Option<OrderId>,
        /// The entry's generation.
        generation: u32,
    },
    /// A read showed that the reissue under way was refused by an administrator.
    ReissueRejected {
        /// The request that was refused.
        request_id: Option<RequestId>,
    },
    /// A read showed a certificate in the place of the one that was known, and no call of ours had asked for it.
    Exchanged {
        /// The certificate that is there now.
        certificate_id: CertificateId,
        /// The digest of what it holds, where the read shows that it equals what is wanted.
        certificate: Option<Digest>,
        /// The key of its CSR, where the CA shows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public_key: Option<Digest>,
    },
    /// The certificate is in the files folder, complete, and `live` points to it.
    Collected {
        /// The CA's id of the certificate.
        certificate_id: Option<CertificateId>,
        /// Its serial number.
        serial_number: SerialNumber,
        /// Its key.
        public_key: Digest,
        /// The SHA-256 of each file.
        files: BTreeMap<FileKind, Digest>,
        /// Where the passphrase of its PKCS#12 file came from, as [`Passphrase::noted`] has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<Passphrase>,
    },
    /// The program of `--on-collected` ended well for the certificate that was collected.
    Delivered {
        /// Its serial number.
        serial_number: SerialNumber,
    },
    /// The program of `--on-collected` did not end well.
    HookFailed {
        /// The serial number of the certificate that was collected.
        serial_number: SerialNumber,
        /// Its exit code, or what became of it.
        why: Untrusted,
    },
    /// A look-up by the name's tag, and which orders carry it beside the one that the name stands for.
    Carriers {
        /// The other orders, whatever became of them.
        orders: Vec<OrderId>,
    },
    /// The name no longer stands for its order, because a person said so. It is not bound to it again by its tag.
    Forgotten {
        /// The order.
        order_id: OrderId,
    },
    /// The name no longer stands for its order: a person bound the order to another name.
    Released {
        /// The order.
        order_id: OrderId,
        /// The name that it is bound to now.
        to: Address,
    },
    /// The item had another name. It takes the record of that one, which ends.
    Moved {
        /// The other name.
        from: Address,
    },
}

impl FactBody {
    /// That the outcome of a call is in doubt from this moment on.
    pub fn doubted(why: Untrusted, now: Moment) -> Self {
        Self::Doubted {
            why,
            boot: now.boot,
            at_ca: now.at_ca,
        }
    }

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
            Self::Targeted { .. } => "targeted",
            Self::ReissueRejected { .. } => "reissue_rejected",
            Self::Exchanged { .. } => "exchanged",
            Self::Collected { .. } => "collected",
            Self::Delivered { .. } => "delivered",
            Self::HookFailed { .. } => "hook_failed",
            Self::Carriers { .. } => "carriers",
            Self::Forgotten { .. } => "forgotten",
            Self::Released { .. } => "released",
            Self::Moved { .. } => "moved",
        }
    }
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
