//! The words of renewals.

use crate::model::{DueBy, RenewalNeeds, RenewalReason};

/// Why an order is renewed, or is not.
pub(super) fn renewal(reason: &RenewalReason) -> String {
    match reason {
        RenewalReason::Due {
            since,
            by,
            ends,
            before,
            ..
        } => {
            let since = since.strftime("%F");
            let what = match by {
                DueBy::Certificate => "ends",
                DueBy::Order => "the order ends",
            };
            format!("due since {since}: {what} {ends}, {before} before")
        }
        RenewalReason::UnderWay { order, successor } => {
            format!("order {successor} renews order {order} and is not issued")
        }
        RenewalReason::Found { order, successor } => {
            format!("order {successor} renews order {order} and carries this name's tag")
        }
        RenewalReason::Later { order, gain, from } => {
            let days = if *gain == 1 { "day" } else { "days" };
            format!(
                "a reissue would bring {gain} {days}; order {order} is renewed from {} on",
                from.strftime("%F")
            )
        }
        RenewalReason::ToBeRevoked { order } => {
            format!("order {order} is to be revoked, so it is not renewed")
        }
        RenewalReason::Held { order, since } => format!(
            "order {order} is due since {}, and --no-renew holds it",
            since.strftime("%F")
        ),
        RenewalReason::LeftForLater { .. } => "left for a later run (--at-most)".to_owned(),
        RenewalReason::RefusedToday { at, message, .. } => format!(
            "the CA refused it at {}: {}; it is asked once a day",
            at.strftime("%F %H:%M UTC"),
            message.raw()
        ),
        RenewalReason::NoGain { order, till, at } => format!(
            "the reissue of {} brought no longer validity: order {order} ends {till} as before",
            at.strftime("%F")
        ),
        RenewalReason::RenewsItself { order, by } => {
            format!("the CA acts on order {order} by itself ({})", by.join(", "))
        }
        RenewalReason::TooEarly { order, ends, opens } => format!(
            "the certificate of order {order} ends on {ends}, the order can be renewed from {} on",
            opens.strftime("%F")
        ),
        RenewalReason::NoWay { order, ends } => {
            format!("order {order} ends on {ends}, and no way to renew it is left")
        }
        RenewalReason::Ended { successor, ending } => {
            format!("order {successor}, the renewal, is {}", ending.word())
        }
        RenewalReason::WrongClock { order } => format!(
            "order {order} is due, and this machine's clock is more than a day off the CA's"
        ),
        RenewalReason::NoKey { order } => {
            format!("order {order} is due, and the entry has neither `key` nor `csr`")
        }
    }
}

/// What a renewal needs of a person, as it follows "waits for".
pub(super) fn needs(needs: RenewalNeeds) -> String {
    match needs {
        RenewalNeeds::LongerValidity => {
            "a look at the order: reissues bring no later end".to_owned()
        }
        RenewalNeeds::OneAutomatism => {
            "the CA's automatism to be switched off, or `renew: never`".to_owned()
        }
        RenewalNeeds::AnotherRoute => "another `route`, or another order".to_owned(),
        RenewalNeeds::NextGeneration { generation } => format!("`generation: {generation}`"),
        RenewalNeeds::Clock => "this machine's clock to be set right".to_owned(),
        RenewalNeeds::Key => "`key` or `csr` in the entry".to_owned(),
    }
}
