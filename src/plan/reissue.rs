//! Reissues: what changes, and what the CA takes down with it.

use super::decided::Decided;
use super::edited::for_a_reissue;
use super::order_case::OrderCase;
use super::unlisted::{replaced_certificate, with_unnamed};
use super::{Action, Change};
use crate::model::{
    Cause, CertificateKind, CertificatePin, CertificateState, Change as Difference, LiveOrder,
    ObservedCertificate, ObservedOrder, Operation, Order, OrderId, Reason, ReissueOperation,
    RequestId, RequestKind, Standing, Why,
};

pub(super) fn decide_reissue(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    standing: Standing,
) -> Decided {
    let (id, order, observed) = (&live.order_id, case.order, case.bound());
    let requests = || observed.and_then(|observed| observed.requests.as_deref());
    let open = requests().and_then(|all| all.iter().find(|one| one.is_open_reissue()));
    if let Some(open) = open {
        return reissue_waits(case, live, standing, &open.id);
    }
    let mut collateral = collateral(order, observed);
    let mut all: Vec<ObservedCertificate> = observed
        .and_then(|observed| observed.certificates.clone())
        .unwrap_or_default();
    // What the journal knows and no list shows goes with them.
    if !collateral.is_empty() {
        let today = case.inputs.today(&case.item.account);
        let known = case
            .record
            .into_iter()
            .flat_map(|record| record.replaced.of(id));
        let known: Vec<ObservedCertificate> = known
            .map(|(id, known)| replaced_certificate(id, known, today))
            .collect();
        let unlisted: Vec<CertificatePin> = known
            .iter()
            .filter(|one| one.state == CertificateState::Issued)
            .filter(|one| collateral.iter().all(|pin| pin.certificate_id != one.id))
            .map(super::target::pin)
            .collect();
        collateral.extend(unlisted);
        all.extend(known);
    }
    let members = for_a_reissue(order, live, observed);
    let reason = Reason::CertificateDiffers {
        order: id.clone(),
        members,
    };
    let mut decided = Decided::new(case.item, Action::Reissue, reason, standing);
    decided.step.changes = vec![Change {
        member: "certificate".to_owned(),
        old: observed.map(|observed| observed.names.join(", ")),
        new: Some(order.certificate.names().join(", ")),
    }];
    decided.step.revokes.clone_from(&collateral);
    if let Some(observed) = observed.filter(|_| !collateral.is_empty()) {
        decided = with_unnamed(decided, observed, &all);
    }
    decided.step.operation = Some(reissue_operation(id, order, collateral));
    let revoke = requests().and_then(|all| {
        let mut all = all.iter();
        all.find(|one| one.kind == RequestKind::Revoke && one.status.is_undecided())
    });
    match revoke {
        Some(revoke) => decided.warn(format!(
            "request {} to revoke certificates of order {id} waits for an administrator: once it is approved, what is reissued here may be revoked with them",
            revoke.id
        )),
        None => decided,
    }
}

/// Somebody asked for a reissue already: the CA takes no second one meanwhile.
fn reissue_waits(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    mut standing: Standing,
    request: &RequestId,
) -> Decided {
    let id = &live.order_id;
    if let Standing::InForce { change, .. } = &mut standing {
        let waits = Cause::Reissue {
            request: Some(request.clone()),
            granted: false,
        };
        *change = Some(Difference::UnderWay { waits });
    }
    let reason = Reason::ReissueUnderWay { order: id.clone() };
    Decided::new(case.item, Action::Wait, reason, standing).warn(format!(
        "request {request} for a reissue of order {id} is open and none of ours: nothing is reissued before it is decided"
    ))
}

/// True when the CA shows a name that is no longer wanted.
/// Assumption `email-counts-as-name`: an e-mail address that goes away counts like a DNS name; the documents speak of names.
pub(super) fn takes_names_away(order: &Order, observed: &ObservedOrder) -> bool {
    let wanted = order.certificate.names();
    observed.names.iter().any(|name| !wanted.contains(name))
}

/// Certificates that a reissue takes down: CertCentral revokes the original, its duplicates and
/// earlier reissues when names go away.
fn collateral(order: &Order, observed: Option<&ObservedOrder>) -> Vec<CertificatePin> {
    let Some(observed) = observed else {
        return Vec::new();
    };
    if !takes_names_away(order, observed) {
        return Vec::new();
    }
    if let Some(certificates) = &observed.certificates {
        return certificates
            .iter()
            .filter(|one| one.state == CertificateState::Issued)
            .map(super::target::pin)
            .collect();
    }
    observed
        .certificate_id
        .iter()
        .map(|id| CertificatePin {
            certificate_id: id.clone(),
            serial_number: observed.serial_number.clone(),
            names: observed.names.clone(),
            valid_till: observed.valid_till,
            kind: CertificateKind::Original,
        })
        .collect()
}

pub(super) fn reissue_operation(
    id: &OrderId,
    order: &Order,
    collateral: Vec<CertificatePin>,
) -> Operation {
    Operation::Reissue(Box::new(ReissueOperation {
        order_id: id.clone(),
        order: order.clone(),
        collateral,
        why: Why::Change,
    }))
}
