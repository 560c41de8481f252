//! What a read of an order leaves in the journal.

use jiff::civil::Date;

use super::fact::FactBody;
use super::live_state::{Ending, LiveState};
use super::observed::{ObservedOrder, OrderStatus};
use super::valid_till::ValidTill;

/// The journal's word for what a read shows. A word that certplan does not know is in progress: never a
/// success, never a failure.
pub fn live_state(order: &ObservedOrder, today: Date) -> LiveState {
    match &order.status {
        OrderStatus::Pending(..) | OrderStatus::Other(_) => LiveState::Requested,
        OrderStatus::Issued if order.certificate_revoked || is_past(order.valid_till, today) => {
            LiveState::Lapsed
        }
        OrderStatus::Issued => LiveState::Issued,
        OrderStatus::ReissuePending => LiveState::Reissuing,
        OrderStatus::Rejected => LiveState::Ended(Ending::Rejected),
        OrderStatus::Canceled => LiveState::Ended(Ending::Canceled),
        OrderStatus::Revoked | OrderStatus::RevocationPending => LiveState::Ended(Ending::Revoked),
        OrderStatus::Expired => LiveState::Ended(Ending::Expired),
    }
}

/// Unknown is not past.
pub(super) fn is_past(till: Option<ValidTill>, today: Date) -> bool {
    till.is_some_and(|till| till.is_past(today))
}

/// The fact that a read of a renewal leaves in the journal, or of the order that a name stood for at some time.
pub fn seen_of(order: &ObservedOrder, today: Date) -> FactBody {
    let mut fact = seen(order, today);
    if let FactBody::Seen { order_id, .. } = &mut fact {
        *order_id = Some(order.id.clone());
    }
    fact
}

/// The fact that a read of a live order leaves in the journal.
pub fn seen(order: &ObservedOrder, today: Date) -> FactBody {
    FactBody::Seen {
        order_id: None,
        state: live_state(order, today),
        certificate_id: order.certificate_id.clone(),
        serial_number: order.serial_number.clone(),
        valid_till: order.valid_till,
    }
}
