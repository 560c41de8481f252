//! Revocations for which nothing is asked yet: their order is being reissued, is not issued, or has no such
//! certificate.

use super::decided::Decided;
use super::revocation_case::RevocationCase;
use crate::model::{
    Cause, Decision, Item, NextRun, ObservedOrder, OrderStatus, Reason, RequestKind, RequestStatus,
};

/// CertCentral takes no revocation of a certificate while its reissue is pending. A whole order waits as well:
/// which certificates would die is open until the reissue has ended.
pub(super) fn reissue_first(item: &Item, order: &ObservedOrder) -> Decided {
    let id = &order.id;
    let reissues = || {
        let requests = order.requests.iter().flatten();
        requests.filter(|request| request.kind == RequestKind::Reissue)
    };
    let open = reissues().find(|request| request.status.is_undecided());
    let granted = reissues()
        .filter(|request| request.status == RequestStatus::Approved)
        .max_by_key(|request| request.date);
    let warning = match (open, granted) {
        (Some(open), _) => format!(
            "nothing of order {id} is revoked before its reissue has ended: approve or reject request {} at the CA, and the next apply revokes",
            open.id
        ),
        (None, Some(granted)) => format!(
            "nothing of order {id} is revoked before its reissue has ended: request {} is granted and the CA has not issued it; cancel the reissue at the CA if the revocation cannot wait",
            granted.id
        ),
        (None, None) => format!(
            "nothing of order {id} is revoked before its reissue has ended: have it decided at the CA, or cancel it there"
        ),
    };
    let waits = Cause::Reissue {
        request: open.or(granted).map(|request| request.id.clone()),
        granted: open.is_none() && granted.is_some(),
    };
    let reason = Reason::ReissueFirst { order: id.clone() };
    let mut decided = Decided::waiting(item, reason, waits).warn(warning);
    decided.step.request_id = decided
        .step
        .standing
        .waits()
        .and_then(|cause| cause.request().cloned());
    decided
}

/// The scope names no certificate of the order.
pub(super) fn unknown_certificate(case: RevocationCase<'_, '_>, order: &ObservedOrder) -> Decided {
    let id = order.id.clone();
    let scope = case.revocation.scope.clone();
    let words = scope.words();
    if matches!(order.status, OrderStatus::Pending(..)) {
        return not_issued(case, order);
    }
    // What is in force may not be listed before the reissue has ended.
    if order.status == OrderStatus::ReissuePending {
        return reissue_first(case.item, order);
    }
    let reason = Reason::CertificateUnknown {
        order: id.clone(),
        scope,
    };
    let decision = Decision::UnknownCertificate { order: id.clone() };
    Decided::for_a_person(case.item, reason, decision).warn(format!(
        "order {id} has no {words}: check the scope, or remove the entry"
    ))
}

pub(super) fn not_issued(case: RevocationCase<'_, '_>, order: &ObservedOrder) -> Decided {
    let id = order.id.clone();
    let waits = Cause::NextRun {
        with: NextRun::Certificate { order: id.clone() },
    };
    Decided::waiting(case.item, Reason::NotIssuedYet { order: id.clone() }, waits).warn(format!(
        "order {id} has no issued certificate yet: an order that is still open is withdrawn at the CA, not revoked"
    ))
}
