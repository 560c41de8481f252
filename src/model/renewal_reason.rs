//! Why an order is renewed, or is not: [`RenewalReason`], and what only a person can do about it: [`RenewalNeeds`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::OrderId;
use super::live_state::Ending;
use super::renew::DueBy;
use super::untrusted::Untrusted;
use super::valid_till::ValidTill;

/// Why an order is renewed, or is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "renewal", rename_all = "snake_case")]
pub enum RenewalReason {
    /// The certificate or the order ends.
    Due {
        /// The order.
        order: OrderId,
        /// Since when it is due.
        since: Timestamp,
        /// Which of the two.
        by: DueBy,
        /// Its last day.
        ends: ValidTill,
        /// How long before it is due, in words.
        before: String,
    },
    /// A renewal was asked for and is not issued.
    UnderWay {
        /// The order that is renewed.
        order: OrderId,
        /// Its renewal.
        successor: OrderId,
    },
    /// The renewal was found at the CA, by the name's tag.
    Found {
        /// The order that is renewed.
        order: OrderId,
        /// Its renewal.
        successor: OrderId,
    },
    /// The certificate is due, and a reissue would bring too little.
    Later {
        /// The order.
        order: OrderId,
        /// How many days a reissue would bring.
        gain: i64,
        /// When it is renewed.
        from: Timestamp,
    },
    /// The manifest revokes the order.
    ToBeRevoked {
        /// The order.
        order: OrderId,
    },
    /// It is due, and `--no-renew` holds it.
    Held {
        /// The order.
        order: OrderId,
        /// Since when it is due.
        since: Timestamp,
    },
    /// It is left for a later run by `--at-most`.
    LeftForLater {
        /// The order; `None` where there is none yet.
        order: Option<OrderId>,
    },
    /// The CA refused it less than a day ago.
    RefusedToday {
        /// The order.
        order: OrderId,
        /// When.
        at: Timestamp,
        /// The CA's message.
        message: Untrusted,
    },
    /// A reissue brought no later end.
    NoGain {
        /// The order.
        order: OrderId,
        /// The last day of the certificate.
        till: ValidTill,
        /// When the reissue was taken.
        at: Timestamp,
    },
    /// The CA renews or reissues the order by itself.
    RenewsItself {
        /// The order.
        order: OrderId,
        /// What is on, with the CA's names.
        by: Vec<String>,
    },
    /// The certificate ends before the CA takes a renewal of its order.
    TooEarly {
        /// The order.
        order: OrderId,
        /// The last day of the certificate.
        ends: ValidTill,
        /// When the CA takes a renewal.
        opens: Timestamp,
    },
    /// Neither a reissue nor a renewal is left.
    NoWay {
        /// The order.
        order: OrderId,
        /// Its last day.
        ends: ValidTill,
    },
    /// The renewal ended without a certificate.
    Ended {
        /// The renewal.
        successor: OrderId,
        /// How it ended.
        ending: Ending,
    },
    /// This machine's clock and the CA's are more than a day apart.
    WrongClock {
        /// The order.
        order: OrderId,
    },
    /// A reissue needs a key, and the entry has none.
    NoKey {
        /// The order.
        order: OrderId,
    },
}

impl RenewalReason {
    /// The stable word of JSON (`reason_code`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Due { .. } => "renewal_due",
            Self::UnderWay { .. } => "renewal_under_way",
            Self::Found { .. } => "renewal_found",
            Self::Later { .. } => "renewal_later",
            Self::ToBeRevoked { .. } => "to_be_revoked",
            Self::Held { .. } => "renewal_held",
            Self::LeftForLater { .. } => "left_for_later",
            Self::RefusedToday { .. } => "renewal_refused",
            Self::NoGain { .. } => "renewal_no_gain",
            Self::RenewsItself { .. } => "renews_itself",
            Self::TooEarly { .. } => "renewal_too_early",
            Self::NoWay { .. } => "renewal_no_way",
            Self::Ended { .. } => "renewal_ended",
            Self::WrongClock { .. } => "wrong_clock",
            Self::NoKey { .. } => "renewal_without_key",
        }
    }
}

/// What a renewal needs that only a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "needs", rename_all = "snake_case")]
pub enum RenewalNeeds {
    /// A look at the CA: reissues bring no later end.
    LongerValidity,
    /// The automatism of the CA, or certplan's, to be switched off.
    OneAutomatism,
    /// Another route, or another order.
    AnotherRoute,
    /// The next generation, as a renewal came to nothing.
    NextGeneration {
        /// The generation that asks again.
        generation: u32,
    },
    /// A clock that is right.
    Clock,
    /// A key or a CSR.
    Key,
}

impl RenewalNeeds {
    /// The stable word of JSON (`waiting_code`).
    pub fn code(self) -> &'static str {
        match self {
            Self::LongerValidity => "decision_renewal_no_gain",
            Self::OneAutomatism => "decision_renews_itself",
            Self::AnotherRoute => "decision_renewal_route",
            Self::NextGeneration { .. } => "decision_renewal_ended",
            Self::Clock => "decision_clock",
            Self::Key => "decision_renewal_key",
        }
    }
}
