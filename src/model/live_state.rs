//! Where an order, and one call of a revocation, stand at the CA. Main type: [`LiveState`].

use serde::{Deserialize, Serialize};

use super::ids::RequestId;

/// Where a live order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    /// Taken; approval, validation or issuance is open.
    Requested,
    /// In force.
    Issued,
    /// A reissue is under way.
    Reissuing,
    /// The order goes on, and no certificate of it is in force: it ran out, or was revoked alone.
    Lapsed,
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
