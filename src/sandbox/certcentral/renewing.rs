//! Which orders can be renewed, and from when on.

use super::order::Order;
use crate::sandbox::clock::plus_days;
use crate::sandbox::habits::Renewals;
use crate::sandbox::world::World;

/// From so many days before its end on an order can be renewed.
///
/// Assumption: 90 days, until the order's last day. The codes and the window are those of public clients.
const WINDOW_DAYS: i64 = 90;

/// Why an order cannot be renewed now, as code and message.
pub(super) fn refusal(world: &World, order: &Order) -> Option<(&'static str, &'static str)> {
    if order.renewed_by.is_some() {
        let message = "The order has been renewed already.";
        return Some(("order_renewed_already", message));
    }
    let today = world.clock.today();
    match world.settings.habits.renewals {
        Renewals::AnyTime => None,
        Renewals::Within90Days if order.valid_till < today => {
            let message = "The order is over and cannot be renewed.";
            Some(("cannot_renew_expired_order", message))
        }
        Renewals::Within90Days if plus_days(order.valid_till, -WINDOW_DAYS) > today => {
            let message = "The order can be renewed from 90 days before its end on.";
            Some(("renewal_window_closed", message))
        }
        Renewals::Within90Days => None,
    }
}
