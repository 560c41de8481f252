//! What one full reading of an account showed, to be taken up by a later one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ids::OrderId;
use super::observed::ObservedOrder;

/// Every order of an account, as its list showed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When the reading began, by the CA's clock: what changed since then it may not hold.
    pub read_at: Timestamp,
    /// The orders.
    pub orders: BTreeMap<OrderId, ObservedOrder>,
}
