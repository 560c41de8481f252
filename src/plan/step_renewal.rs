//! The renewal of an order, as a plan shows it: [`StepRenewal`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::ValidTill;

/// When and by which way an order is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRenewal {
    /// When it is due.
    pub due: Timestamp,
    /// The way that is taken now; `None` where nothing is done about it yet.
    pub route: Option<RenewedBy>,
    /// How many days more a reissue would bring today.
    pub gain_days: Option<i64>,
    /// The last day of the order.
    pub order_valid_till: Option<ValidTill>,
}

/// The ways to renew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RenewedBy {
    /// A reissue inside the order, which buys nothing.
    Reissue,
    /// Another order.
    Order,
}

impl RenewedBy {
    /// The word of JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reissue => "reissue",
            Self::Order => "order",
        }
    }
}
