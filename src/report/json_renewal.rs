//! The renewal of an order, in the JSON of a plan.

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::Step;

/// When and by which way an order is renewed.
#[derive(Serialize, JsonSchema)]
pub(super) struct RenewalDocument {
    /// When it is due, RFC 3339 in UTC.
    due: String,
    /// The way that is taken now; null where nothing is done about it yet.
    #[schemars(extend("enum" = ["reissue", "order", null]))]
    route: Option<&'static str>,
    /// How many days more a reissue would bring today.
    gain_days: Option<i64>,
    /// The last day of the order.
    order_valid_till: Option<String>,
}

impl RenewalDocument {
    pub(super) fn of(step: &Step) -> Option<Self> {
        let renewal = step.renewal.as_deref()?;
        let till = renewal.order_valid_till.as_ref();
        Some(Self {
            due: renewal.due.to_string(),
            route: renewal.route.map(|route| route.word()),
            gain_days: renewal.gain_days,
            order_valid_till: till.map(ToString::to_string),
        })
    }
}
