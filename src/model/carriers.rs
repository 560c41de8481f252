//! What a look-up by tag showed beside the order that the journal has: [`Carriers`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::OrderId;

/// What a look-up by a name's tag showed beside the order that the name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carriers {
    /// The order that the name stood for.
    pub order_id: OrderId,
    /// The other orders that carry the tag.
    pub orders: Vec<OrderId>,
    /// When it was looked up.
    pub at: Timestamp,
}
