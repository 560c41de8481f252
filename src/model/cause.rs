//! What an item waits for: [`Cause`], and what only a person can decide: [`Decision`].

use serde::{Deserialize, Serialize};

use super::files_id::FilesId;
use super::ids::{Address, OrderId, RequestId};
use super::item::After;
use super::live_state::Ending;
use super::operation::Part;
use super::pending_domain::PendingDomain;
use super::reason::Reason;
use super::renewal_reason::RenewalNeeds;

/// What an item waits for, with the ids that a person needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Cause {
    /// An administrator has to approve the order.
    Approval {
        /// The request that they decide.
        request: Option<RequestId>,
    },
    /// The CA waits for the validation of these domains.
    Validation {
        /// Each with what the CA wants to see.
        domains: Vec<PendingDomain>,
        /// The request, which is decided already.
        request: Option<RequestId>,
    },
    /// Approval, validation or issuance: the CA does not say which.
    Pending {
        /// The request, where the CA named one.
        request: Option<RequestId>,
    },
    /// The CA validates or issues.
    Issuance {
        /// The request, which is decided already.
        request: Option<RequestId>,
    },
    /// The recipient has to pick the certificate up by e-mail.
    Pickup,
    /// A CSR is missing.
    Csr,
    /// A reissue is under way.
    Reissue {
        /// The request that an administrator decides.
        request: Option<RequestId>,
        /// True once the request is known to be granted: the CA validates or issues.
        #[serde(default)]
        granted: bool,
    },
    /// A revocation was asked for and is not in force.
    Revocation {
        /// The requests that an administrator decides; none where the CA decides alone.
        requests: Vec<RequestId>,
    },
    /// The CA is carrying a revocation out.
    Revoking,
    /// Other items have to come first.
    Dependency {
        /// Those that have not come far enough.
        after: Vec<Blocked>,
    },
    /// The next run goes on.
    NextRun {
        /// What it goes on with.
        with: NextRun,
    },
    /// The host that has the files folder of the journal goes on.
    OtherHost {
        /// The folder.
        folder: FilesId,
    },
    /// The outcome of a call is not known.
    Doubt,
    /// A person has to change the manifest or to type something. No later run can go on by itself.
    Decision(Decision),
}

/// What the next run takes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextRun {
    /// What was proved not to have been taken is asked for again.
    AskAgain,
    /// The target of a revocation has an order now.
    Target {
        /// The order of the manifest.
        address: Address,
    },
    /// A revocation that somebody else asked for was decided.
    Decided,
    /// The order has no certificate yet.
    Certificate {
        /// The order.
        order: OrderId,
    },
    /// What `--at-most` left.
    Left,
    /// What the CA refused less than a day ago.
    AfterRefusal,
    /// Something could not be read.
    Read {
        /// The order.
        order: OrderId,
    },
}

/// A dependency that has not come far enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The dependency.
    pub after: After,
    /// Why it comes no further by itself, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Box<Reason>>,
}

/// A decision that no run can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The order ended; it is bought again with the next generation only.
    Ended {
        /// How it ended.
        ending: Ending,
        /// The generation that buys again.
        generation: u32,
    },
    /// The order's certificate was revoked alone; the order itself is not over.
    CertificateRevoked {
        /// The generation that buys again.
        generation: u32,
    },
    /// An administrator refused the reissue.
    ReissueRejected {
        /// The generation that asks again.
        generation: u32,
    },
    /// An administrator refused the revocation.
    Declined {
        /// The generation that asks again.
        generation: u32,
    },
    /// The account has an order for the same names and product.
    Twin {
        /// The orders.
        orders: Vec<OrderId>,
    },
    /// Several orders carry the name's tag.
    TwoOrders {
        /// The orders.
        orders: Vec<OrderId>,
    },
    /// The order that would be bound differs from what the entry asks for.
    Differs {
        /// The order.
        order: OrderId,
    },
    /// The order that would be bound carries the tag of another entry, or is bound to one.
    ForeignTag {
        /// The order.
        order: OrderId,
    },
    /// The CA shows no such order to this key.
    UnknownOrder {
        /// The order.
        order: OrderId,
    },
    /// The order that the entry renews was renewed already.
    Renewed {
        /// The order.
        order: OrderId,
        /// The order that renewed it, where the CA says which.
        by: Option<OrderId>,
    },
    /// The order has no such certificate.
    UnknownCertificate {
        /// The order.
        order: OrderId,
    },
    /// The name stood for other orders before: the revocation may have been meant for one of them.
    EarlierOrder {
        /// The order that the name stands for now.
        order: OrderId,
        /// The orders that it stood for.
        earlier: Vec<OrderId>,
        /// The generation that revokes the present one.
        generation: u32,
    },
    /// The renewal of the order needs something.
    Renewal(RenewalNeeds),
    /// The private key of the order's certificate is not in the files folder.
    MissingKey {
        /// The order of the manifest.
        address: Address,
    },
    /// The entry has a record of its own, so that it cannot take that of its earlier name.
    MoveTaken {
        /// The entry.
        address: Address,
    },
    /// What the earlier name stands for is not what the entry asks for.
    MoveDiffers {
        /// The earlier name.
        from: Address,
    },
    /// The CA confirmed the revocation and shows certificates in force.
    ConfirmedButInForce {
        /// The order.
        order: OrderId,
        /// What was confirmed.
        part: Part,
    },
}

impl Cause {
    /// The stable word of JSON (`waiting_code`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Approval { .. } => "approval",
            Self::Validation { .. } => "validation",
            Self::Pending { .. } => "pending",
            Self::Issuance { .. } => "issuance",
            Self::Pickup => "pickup",
            Self::Csr => "csr",
            Self::Reissue { granted: false, .. } => "reissue",
            Self::Reissue { granted: true, .. } => "reissue_issuance",
            Self::Revocation { .. } | Self::Revoking => "revocation",
            Self::Dependency { .. } => "dependency",
            Self::NextRun { .. } => "next_run",
            Self::OtherHost { .. } => "other_host",
            Self::Doubt => "doubt",
            Self::Decision(decision) => decision.code(),
        }
    }

    /// What only a person can decide; `None` for what goes on by itself.
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::Approval { .. }
            | Self::Validation { .. }
            | Self::Pending { .. }
            | Self::Issuance { .. }
            | Self::Pickup
            | Self::Csr
            | Self::Reissue { .. }
            | Self::Revocation { .. }
            | Self::Revoking
            | Self::Dependency { .. }
            | Self::NextRun { .. }
            | Self::OtherHost { .. }
            | Self::Doubt => None,
        }
    }

    /// The request that an administrator decides, where one is known.
    pub fn request(&self) -> Option<&RequestId> {
        match self {
            Self::Approval { request }
            | Self::Validation { request, .. }
            | Self::Pending { request }
            | Self::Issuance { request }
            | Self::Reissue { request, .. } => request.as_ref(),
            Self::Revocation { requests } => requests.first(),
            Self::Pickup
            | Self::Csr
            | Self::Revoking
            | Self::Dependency { .. }
            | Self::NextRun { .. }
            | Self::OtherHost { .. }
            | Self::Doubt
            | Self::Decision(_) => None,
        }
    }
}

impl Decision {
    /// The stable word of JSON (`waiting_code`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ended { ending, .. } => match ending {
                Ending::Rejected => "decision_rejected",
                Ending::Canceled => "decision_canceled",
                Ending::Revoked => "decision_revoked",
                Ending::Expired => "decision_expired",
            },
            Self::CertificateRevoked { .. } => "decision_certificate_revoked",
            Self::ReissueRejected { .. } => "decision_reissue_rejected",
            Self::Declined { .. } => "decision_declined",
            Self::Twin { .. } => "decision_twin",
            Self::TwoOrders { .. } => "decision_two_orders",
            Self::Differs { .. } => "decision_differs",
            Self::ForeignTag { .. } => "decision_foreign_tag",
            Self::UnknownOrder { .. } => "decision_unknown_order",
            Self::Renewed { .. } => "decision_renewed",
            Self::UnknownCertificate { .. } => "decision_unknown_certificate",
            Self::EarlierOrder { .. } => "decision_earlier_order",
            Self::Renewal(needs) => needs.code(),
            Self::MissingKey { .. } => "decision_missing_key",
            Self::MoveTaken { .. } => "decision_move_taken",
            Self::MoveDiffers { .. } => "decision_move_differs",
            Self::ConfirmedButInForce { .. } => "decision_confirmed_in_force",
        }
    }
}
