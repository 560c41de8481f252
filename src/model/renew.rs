//! When an order or its certificate is renewed, and by which way: [`Renew`] as an entry says it, [`Ends`] as it is
//! applied to one order. Pure arithmetic on days, in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::Address;
use super::valid_till::ValidTill;

/// How an entry wants to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// When a certificate is due.
    pub before: Lead,
    /// When the order is due, in days before its end: from then on money is spent.
    pub order_before: u16,
    /// By how many seconds it is due earlier at most. Each name has its own part of it.
    #[serde(default)]
    pub spread: u32,
    /// The way.
    pub route: RenewRoute,
}

impl Default for Renew {
    fn default() -> Self {
        Self {
            before: Lead::Percent(33),
            order_before: 30,
            spread: 0,
            route: RenewRoute::Auto,
        }
    }
}

/// How long before its end a certificate is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lead {
    /// A part of the certificate's own lifetime, from 1 to 50.
    Percent(u8),
    /// Days, at most half of the lifetime.
    Days(u16),
}

impl Lead {
    /// In days, for a certificate that lives for so many.
    pub fn days(self, lifetime: i64) -> i64 {
        match self {
            Self::Percent(percent) => lifetime * i64::from(percent) / 100,
            Self::Days(days) => i64::from(days).min(lifetime / 2),
        }
    }
}

impl std::fmt::Display for Lead {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percent(percent) => write!(formatter, "{percent} %"),
            Self::Days(1) => formatter.write_str("1 day"),
            Self::Days(days) => write!(formatter, "{days} days"),
        }
    }
}

/// The ways to renew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RenewRoute {
    /// A reissue while that brings something, else an order.
    #[default]
    Auto,
    /// A reissue alone: nothing is ever bought.
    Reissue,
    /// An order alone.
    Order,
}

impl RenewRoute {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Reissue, Self::Order];

    /// The word of the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Reissue => "reissue",
            Self::Order => "order",
        }
    }
}

/// What a reissue has to bring, in days. Less is not worth a call.
const WORTH: i64 = 7;
/// For how many days after its end an order is still followed by another one.
const LATE: i64 = 30;
/// The lifetime of a certificate of which nothing tells it.
const UNKNOWN: i64 = 90;

/// One order in force, with everything that its renewal depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// How the entry wants to be renewed.
    pub renew: Renew,
    /// The name's part of `spread`, in seconds.
    pub part: i64,
    /// The last day of the certificate.
    pub certificate: ValidTill,
    /// For how many days the certificate was issued, where that is known.
    pub lifetime: Option<i64>,
    /// The last day of the order.
    pub order: ValidTill,
    /// How long a certificate lives that is issued today; `None` where it lives as long as its order.
    pub gives: Option<i64>,
    /// Whether the CA reissues the product.
    pub is_reissued: bool,
    /// From how many days before the end of an order on the CA takes its renewal.
    pub window: i64,
}

/// What is to be done about an order in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Nothing before this moment.
    NotDue {
        /// From when on.
        from: Timestamp,
    },
    /// A reissue.
    Reissue {
        /// Since when it is due.
        since: Timestamp,
        /// How many days more it brings.
        gain: i64,
    },
    /// An order that follows this one.
    Order {
        /// Since when it is due.
        since: Timestamp,
        /// What a reissue would bring, in days.
        gain: i64,
        /// Which of the two ends makes it due.
        by: DueBy,
        /// True where the order is over: the CA renews it no more.
        late: bool,
    },
    /// The certificate is due, and a reissue is not worth a call.
    Later {
        /// What a reissue would bring, in days.
        gain: i64,
        /// When the order, or a reissue, is next.
        from: Timestamp,
    },
    /// The certificate ends before the CA takes a renewal of its order, and reissues are not wanted.
    TooEarly {
        /// From when on the CA takes a renewal.
        opens: Timestamp,
    },
    /// Neither way is left.
    Person,
}

/// Which end makes a renewal due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DueBy {
    /// That of the certificate.
    Certificate,
    /// That of the order.
    Order,
}

impl Ends {
    /// The part of `spread` that a name has, in seconds: always the same.
    pub fn part_of(address: &Address, spread: u32) -> i64 {
        let digest = super::digest::Digest::of(address.to_string().as_bytes());
        let first = digest.bytes().first_chunk::<8>().copied();
        let number = u64::from_be_bytes(first.unwrap_or_default());
        i64::try_from(number.checked_rem(u64::from(spread)).unwrap_or(0)).unwrap_or(0)
    }

    /// From how many days before its end on the certificate is due.
    pub fn lead(&self) -> i64 {
        let lifetime = self.lifetime.or(self.gives).unwrap_or(UNKNOWN);
        self.renew.before.days(lifetime)
    }

    fn certificate_due(&self) -> Timestamp {
        before(self.certificate, self.lead(), self.part)
    }

    /// When the order is due by its own clock: never before the CA takes a renewal.
    fn order_due(&self) -> Timestamp {
        let due = before(self.order, i64::from(self.renew.order_before), self.part);
        due.max(self.opens())
    }

    fn opens(&self) -> Timestamp {
        before(self.order, self.window, 0)
    }

    /// How many days more a reissue brings that is issued on this day.
    fn gain(&self, today: Date) -> i64 {
        let paid = self.order.days_left(today);
        let lasts = self.gives.map_or(paid, |gives| gives.min(paid));
        lasts - self.certificate.days_left(today)
    }

    fn is_worth_a_reissue(&self, today: Date) -> bool {
        self.is_reissued
            && self.renew.route != RenewRoute::Order
            && self.order.days_left(today) > 0
            && self.gain(today) >= WORTH
    }

    /// Whether the certificate ends before its order is due. Then the order follows earlier, so that no day is
    /// without a certificate.
    fn leaves_a_gap(&self) -> bool {
        after(self.certificate) <= self.order_due()
    }

    /// From when on the certificate is due and a reissue is worth a call; `None` where it never is.
    fn reissue_due(&self) -> Option<Timestamp> {
        let wanted = self.is_reissued && self.renew.route != RenewRoute::Order;
        if !wanted || self.order.days_since(self.certificate) < WORTH {
            return None;
        }
        let due = self.certificate_due();
        let worth = self
            .gives
            .map(|gives| before(self.certificate, gives - WORTH, 0));
        Some(worth.map_or(due, |worth| worth.max(due)))
    }

    /// When the first thing is to be done about it.
    pub fn due(&self) -> Timestamp {
        let (certificate, order) = (self.certificate_due(), self.order_due());
        let reissue = self.reissue_due();
        match (self.renew.route, reissue) {
            (RenewRoute::Reissue, reissue) => reissue.unwrap_or(certificate),
            (RenewRoute::Auto | RenewRoute::Order, Some(reissue)) if reissue < order => reissue,
            (RenewRoute::Auto | RenewRoute::Order, _) if self.leaves_a_gap() => {
                certificate.max(self.opens()).min(order)
            }
            (RenewRoute::Auto | RenewRoute::Order, _) => order,
        }
    }

    /// What is to be done at this moment.
    pub fn route(&self, now: Timestamp) -> Route {
        let today = day(now);
        let (certificate, order) = (self.certificate_due(), self.order_due());
        let gain = self.gain(today);
        let buys = self.renew.route != RenewRoute::Reissue;
        let follow = |since, by, late| Route::Order {
            since,
            gain,
            by,
            late,
        };
        let left = self.order.days_left(today);
        if left < 0 {
            return match buys && -left < LATE {
                true => follow(order, DueBy::Order, true),
                false => Route::Person,
            };
        }
        if buys && now >= order {
            return follow(order, DueBy::Order, false);
        }
        let since = certificate.min(order);
        if now < since {
            return Route::NotDue { from: self.due() };
        }
        if self.is_worth_a_reissue(today) {
            return Route::Reissue { since, gain };
        }
        // Where certificates live shorter than what is left of this one, a later reissue brings more.
        let later = self.reissue_due().filter(|later| *later > now);
        if !buys {
            return match later {
                Some(from) => Route::Later { gain, from },
                None => Route::Person,
            };
        }
        if let Some(from) = later.filter(|from| *from < order) {
            return Route::Later { gain, from };
        }
        if !self.leaves_a_gap() {
            return Route::Later { gain, from: order };
        }
        if now >= self.opens() {
            return follow(certificate.max(self.opens()), DueBy::Certificate, false);
        }
        match self.renew.route {
            RenewRoute::Order => Route::TooEarly {
                opens: self.opens(),
            },
            RenewRoute::Auto | RenewRoute::Reissue => Route::Later {
                gain,
                from: self.opens(),
            },
        }
    }
}

/// The day of a moment, in UTC.
fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// So many days and seconds before the day begins on which something ends.
fn before(end: ValidTill, days: i64, seconds: i64) -> Timestamp {
    let lead =
        SignedDuration::from_hours(days.saturating_mul(24)) + SignedDuration::from_secs(seconds);
    end.begin().saturating_sub(lead).unwrap_or(Timestamp::MIN)
}

/// The moment at which something is over.
fn after(end: ValidTill) -> Timestamp {
    let day = SignedDuration::from_hours(24);
    end.begin().saturating_add(day).unwrap_or(Timestamp::MAX)
}
