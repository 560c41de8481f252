//! When a certificate ends: no later than its order, and where it is a public one for TLS, no later than the
//! longest lifetime of the day on which it is issued.

use jiff::civil::{Date, date};

use super::order::{Order, Part};
use super::products::{self, Product};
use crate::sandbox::clock::plus_days;
use crate::sandbox::world::ReissueGain;

/// How many days a public certificate for TLS lives at most, and from which day on; the newest first.
///
/// Assumption: 99 days from 2027-03-15 on. The CA names 199 now and 46 for 2029, each a day below the limit of
/// the browsers, which is 100 then.
const LONGEST: [(Date, i64); 3] = [
    (date(2029, 3, 15), 46),
    (date(2027, 3, 15), 99),
    (Date::MIN, 199),
];

/// The last day of a certificate of `product` that is issued on `today` in an order that ends on `order_end`.
pub(in crate::sandbox) fn last_day(product: Option<Product>, today: Date, order_end: Date) -> Date {
    let longest = LONGEST.iter().find(|(from, _)| today >= *from);
    let capped = longest.filter(|_| product.is_some_and(Product::is_public_tls));
    capped.map_or(order_end, |(_, days)| {
        order_end.min(plus_days(today, *days))
    })
}

/// The last day of a further certificate of an order, or of its first one, when it is issued on `today`.
pub(super) fn in_order(order: &Order, part: Part, today: Date, gain: ReissueGain) -> Date {
    let before = order.current().and_then(|current| current.issued.as_ref());
    match (part, gain, before) {
        (Part::Reissue, ReissueGain::None, Some(before)) => before.valid_till,
        (Part::Original | Part::Duplicate | Part::Reissue, _, _) => {
            last_day(products::find(&order.product), today, order.valid_till)
        }
    }
}
