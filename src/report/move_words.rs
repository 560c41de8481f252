//! Why a renamed entry does not take the record of its earlier name, in words.

use crate::model::{Address, OrderId};

/// The new name stands for something else.
pub(super) fn taken(from: &Address, order: Option<&OrderId>) -> String {
    match order {
        Some(order) => {
            format!("{from} cannot move to it, as it stands for order {order} already")
        }
        None => format!("{from} cannot move to it, as it has a record of its own"),
    }
}

/// What the earlier name stands for is not what the entry asks for.
pub(super) fn differs(from: &Address, order: Option<&OrderId>, differences: &str) -> String {
    match order {
        Some(order) => format!("order {order} of {from} does not move to it: {differences}"),
        None => format!("{from} does not move to it: {differences}"),
    }
}

/// What a person decides where the new name stands for something else.
pub(super) fn remedy(to: &Address) -> String {
    match to {
        Address::Order(_) => {
            format!("`certplan forget {to}`, or the line taken out of `moved`")
        }
        Address::Revocation(_) => {
            "another name for the entry, or the line taken out of `moved`".to_owned()
        }
    }
}
