//! A domain that the CA waits for: [`PendingDomain`].

use serde::{Deserialize, Serialize};

use super::untrusted::Untrusted;

/// A domain whose validation is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingDomain {
    /// The domain.
    pub name: Untrusted,
    /// The validation method that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Untrusted>,
    /// The value that belongs where the method says, for example into a TXT record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Untrusted>,
}
