//! Revocations whose target was not read: with `--offline`, or because nobody knows which order is meant.

use super::Action;
use super::decided::Decided;
use super::live::LIST_LAG_SECONDS;
use super::revocation_case::RevocationCase;
use crate::model::{Cause, Decision, NextRun, OrderId, Reason, RevocationTarget, Standing};

/// The journal does not know for which of several orders the entry was written.
pub(super) fn earlier_order(
    case: RevocationCase<'_, '_>,
    now: Option<&OrderId>,
    earlier: Vec<OrderId>,
) -> Decided {
    let generation = case.revocation.generation.saturating_add(1);
    let order = now.cloned().unwrap_or_else(|| OrderId::from("?"));
    let warning = format!(
        "the name stood for other orders before order {order}, and the state does not know for which of them this was written: if order {order} is to be revoked, say `generation: {generation}`; if not, remove the entry or give it the `order_id` that is meant"
    );
    let reason = Reason::EarlierOrder {
        order: order.clone(),
        earlier: earlier.clone(),
    };
    let decision = Decision::EarlierOrder {
        order,
        earlier,
        generation,
    };
    Decided::for_a_person(case.item, reason, decision).warn(warning)
}

/// Without the CA nothing can be pinned: the plan says what the journal knows.
pub(super) fn decide_offline(case: RevocationCase<'_, '_>, id: &OrderId) -> Decided {
    let RevocationCase { item, record, .. } = case;
    let requested = record.and_then(|record| record.requested(id));
    let parts = requested.map(|requested| &requested.parts);
    let standing = match parts {
        Some(parts) if !parts.is_empty() => {
            Standing::of_parts(parts.values().map(Some), case.revocation.generation)
        }
        _ => Standing::NotRevoked,
    };
    let (action, reason) = match &standing {
        Standing::Revoked => (Action::Keep, Reason::JournalRevoked),
        Standing::NotRevoked => (Action::Revoke, Reason::RevokesUnread { order: id.clone() }),
        Standing::Declined { .. } => (Action::Wait, Reason::Declined { order: id.clone() }),
        Standing::Absent
        | Standing::Waiting { .. }
        | Standing::Requested { .. }
        | Standing::InForce { .. }
        | Standing::Lapsed { .. }
        | Standing::Ended { .. }
        | Standing::InDoubt
        | Standing::Parked
        | Standing::RevocationRequested { .. } => (Action::Wait, Reason::JournalRequested),
    };
    Decided::new(item, action, reason, standing)
}

/// The CA shows no such order to this key.
pub(super) fn invisible(case: RevocationCase<'_, '_>, id: &OrderId) -> Decided {
    let order = id.clone();
    let warning =
        format!("the CA shows no order {id} to this key: check the id and the key's permissions");
    // An order that this manifest placed may be missing from an answer for a while.
    let young = match &case.revocation.target {
        RevocationTarget::Order(name) => case.inputs.live_order(name).is_some_and(|live| {
            let age = case.inputs.now.as_second() - live.since.as_second();
            live.order_id == *id && age <= LIST_LAG_SECONDS
        }),
        RevocationTarget::OrderId(_) => false,
    };
    let reason = Reason::OrderUnknown {
        order: order.clone(),
    };
    let decided = if young {
        let with = NextRun::Read { order };
        Decided::waiting(case.item, reason, Cause::NextRun { with })
    } else {
        Decided::for_a_person(case.item, reason, Decision::UnknownOrder { order })
    };
    decided.warn(warning)
}
