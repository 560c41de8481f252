//! What the journal keeps of orders beside the live one: those of the past, and renewals that came to nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::OrderId;
use super::live_state::Ending;
use super::valid_till::ValidTill;

/// An order that the name stood for before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastOrder {
    /// The CA's id.
    pub order_id: OrderId,
    /// When the name began to stand for it.
    pub from: Timestamp,
    /// When its renewal took its place.
    pub to: Timestamp,
    /// True where the renewal was found at the CA, and no call of this journal had placed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
}

/// A reissue that was to bring a later end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalReissue {
    /// The last day of the certificate in whose place it came.
    pub valid_till: ValidTill,
    /// When the CA took it.
    pub at: Timestamp,
}

/// A renewal order that ended without a certificate. It is not asked for again until the entry's generation is
/// raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRenewal {
    /// The renewal order.
    pub order_id: OrderId,
    /// How it ended.
    pub ending: Ending,
    /// The manifest's generation that asked for it.
    pub generation: u32,
    /// When its end was seen.
    pub at: Timestamp,
}
