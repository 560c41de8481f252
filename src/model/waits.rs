//! What an order waits for at the CA: [`requested`], and [`reissue`] for a further certificate of it.

use super::cause::Cause;
use super::ids::RequestId;
use super::live_order::LiveOrder;
use super::observed::{ObservedOrder, OrderStatus, RequestStatus, Stage};

/// What an order that is asked for and not issued waits for.
pub fn requested(live: Option<&LiveOrder>, seen: Option<&ObservedOrder>) -> Cause {
    let request = live.and_then(|live| live.request_id.clone());
    let stage = match seen.map(|seen| &seen.status) {
        Some(OrderStatus::Pending(stage, _)) => *stage,
        _ => Stage::Unclear,
    };
    let shown = seen.map_or(&[][..], |seen| &seen.validation[..]);
    let domains = match shown {
        [] => live.map_or(&[][..], |live| &live.validation[..]),
        shown => shown,
    };
    let decided = decided(request.as_ref(), seen);
    let granted = live.is_some_and(|live| live.approved) || decided == Some(true);
    match stage {
        Stage::Approval => Cause::Approval { request },
        Stage::Pickup => Cause::Pickup,
        Stage::Csr => Cause::Csr,
        // A validation comes after the approval, whatever the order shows of it already.
        Stage::Unclear if decided == Some(false) => Cause::Approval { request },
        Stage::Issuance | Stage::Unclear if !domains.is_empty() => Cause::Validation {
            domains: domains.to_vec(),
            request,
        },
        Stage::Issuance => Cause::Issuance { request },
        Stage::Unclear if granted => Cause::Issuance { request },
        Stage::Unclear => Cause::Pending { request },
    }
}

/// What the reissue of an order waits for.
pub(super) fn reissue(live: Option<&LiveOrder>, seen: Option<&ObservedOrder>) -> Cause {
    let under_way = live.filter(|live| live.change.is_some());
    let request = under_way.and_then(|live| live.request_id.clone());
    let approved = under_way.is_some_and(|live| live.approved);
    let granted = approved || decided(request.as_ref(), seen) == Some(true);
    let shown = seen.map_or(&[][..], |seen| &seen.validation[..]);
    let domains = match (shown, under_way) {
        ([], Some(live)) => &live.validation[..],
        (shown, _) => shown,
    };
    if granted && !domains.is_empty() {
        return Cause::Validation {
            domains: domains.to_vec(),
            request,
        };
    }
    Cause::Reissue { request, granted }
}

/// Whether a full read shows the request as granted, or as waiting for an administrator; `None` where it
/// tells neither.
fn decided(request: Option<&RequestId>, seen: Option<&ObservedOrder>) -> Option<bool> {
    let shown = seen?.requests.as_ref()?;
    let known = shown.iter().find(|known| Some(&known.id) == request)?;
    match &known.status {
        RequestStatus::Approved => Some(true),
        status => status.is_undecided().then_some(false),
    }
}
