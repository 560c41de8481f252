//! Where an order stands, in the journal's words and in words for people.

use crate::model::{
    Ending, FactBody, LiveOrder, LiveState, Milestone, ObservedOrder, OrderStatus, RequestId,
};

/// The journal's word for a status. A word that certplan does not know is in progress: never a
/// success, never a failure.
pub fn live_state(status: &OrderStatus) -> LiveState {
    match status {
        OrderStatus::Pending(_) | OrderStatus::Other(_) => LiveState::Requested,
        OrderStatus::Issued => LiveState::Issued,
        OrderStatus::ReissuePending => LiveState::Reissuing,
        OrderStatus::Rejected => LiveState::Ended(Ending::Rejected),
        OrderStatus::Canceled => LiveState::Ended(Ending::Canceled),
        OrderStatus::Revoked | OrderStatus::RevocationPending => LiveState::Ended(Ending::Revoked),
        OrderStatus::Expired => LiveState::Ended(Ending::Expired),
    }
}

/// How far an order has come, in the words of `until`; `None` for one that is over: nothing may build
/// on it.
pub(super) fn reached(state: &LiveState) -> Option<Milestone> {
    match state {
        LiveState::Issued | LiveState::Reissuing => Some(Milestone::Issued),
        LiveState::Requested => Some(Milestone::Submitted),
        LiveState::Ended(_) => None,
    }
}

/// What an order that is not issued waits for, in the CA's own words where it says more than that.
pub fn waiting_words(status: Option<&OrderStatus>, request: Option<&RequestId>) -> String {
    let word = match status {
        Some(OrderStatus::Pending(word) | OrderStatus::Other(word)) => word.raw(),
        _ => "",
    };
    match (word, request) {
        ("waiting_pickup", _) => "the recipient, who picks it up by e-mail".to_owned(),
        ("needs_csr", _) => "a CSR".to_owned(),
        ("processing" | "approved", _) => "validation or issuance".to_owned(),
        (_, Some(request)) => format!("approval of request {request}, validation or issuance"),
        (_, None) => "approval, validation or issuance".to_owned(),
    }
}

pub(super) fn status_words(status: &OrderStatus) -> String {
    match status {
        OrderStatus::Pending(word) => format!(" (the CA says {word})"),
        OrderStatus::Other(word) => {
            format!(" (the CA says {word}, which certplan does not know)")
        }
        _ => String::new(),
    }
}

pub(super) fn is_news(live: &LiveOrder, observed: &ObservedOrder) -> bool {
    let differs = |new: Option<&str>, old: Option<&str>| new.is_some() && new != old;
    live_state(&observed.status) != live.state
        || differs(
            observed.certificate_id.as_ref().map(|id| id.as_str()),
            live.certificate_id.as_ref().map(|id| id.as_str()),
        )
        || differs(observed.valid_till.as_deref(), live.valid_till.as_deref())
}

/// The fact that a read of a live order leaves in the journal.
pub fn seen(observed: &ObservedOrder) -> FactBody {
    FactBody::Seen {
        state: live_state(&observed.status),
        certificate_id: observed.certificate_id.clone(),
        serial_number: observed.serial_number.clone(),
        valid_till: observed.valid_till.clone(),
    }
}
