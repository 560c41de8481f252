//! By which way an order is renewed, in words.

use super::phrase::Phrase;
use crate::model::Operation;
use crate::plan::{Action, RenewedBy, Step};

/// The way that the step takes: `reissue of order 7: 166 days more, buys nothing; the order is paid till 2027-06-09`.
pub(super) fn route(step: &Step) -> Option<Phrase> {
    let renewal = step.renewal.as_deref()?;
    let order = step.order_id.as_ref()?;
    let gain = renewal.gain_days.unwrap_or_default();
    let days = if gain == 1 { "day" } else { "days" };
    match (step.action, renewal.route?) {
        (Action::Reissue, RenewedBy::Reissue) => {
            let phrase = Phrase::of("reissue of order ")
                .datum(order)
                .own(format!(": {gain} {days} more, buys nothing"));
            Some(match &renewal.order_valid_till {
                Some(till) => phrase.own("; the order is paid till ").datum(till),
                None => phrase,
            })
        }
        (Action::Renew, RenewedBy::Order) => {
            let renews = match &step.operation {
                Some(Operation::Order(operation)) => operation.order.renewal_of.is_some(),
                Some(Operation::Reissue(_) | Operation::Revoke(_)) | None => false,
            };
            let verb = if renews {
                "renew order "
            } else {
                "another order after "
            };
            let phrase = Phrase::of(verb).datum(order);
            Some(phrase.own(format!(": a reissue would bring {} {days}", gain.max(0))))
        }
        _ => None,
    }
}
