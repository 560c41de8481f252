//! A certificate that is in no list of its order. After a reissue with the same names the earlier certificate
//! stays in force, and order info and the lists show the newer one alone.

use jiff::civil::Date;

use super::Action;
use super::decided::Decided;
use super::revocation_case::{RevocationCase, Seen};
use super::target::select;
use crate::model::{
    Cause, CertificateId, CertificateKind, CertificateState, Decision, ObservedAccount,
    ObservedCertificate, ObservedOrder, OrderStatus, Part, PartState, Reason, Record,
    ReplacedCertificate, RequestStatus, Scope, SerialNumber, Standing,
};

/// True where only the CA can say whether the order has the certificate that a scope names.
pub(super) fn is_in_question(
    scope: &Scope,
    order: &ObservedOrder,
    certificates: &[ObservedCertificate],
    record: Option<&Record>,
) -> bool {
    let Some(name) = name_of(scope) else {
        return false;
    };
    // What the journal has as revoked was confirmed before.
    let part = record.and_then(|record| record.part(&order.id, &Part::Certificate(name)));
    order.status == OrderStatus::Issued
        && part != Some(&PartState::Revoked)
        && select(scope, certificates).is_empty()
}

/// The order's certificates that the journal knows and no list shows: a reissue took their place. They count as
/// in force until they run out, or a call of ours revoked them.
/// Assumption `reissue-takes-names`: where a reissue took names away, the CA revokes them some days later, and no list tells.
pub(super) fn replaced(
    case: RevocationCase<'_, '_>,
    order: &ObservedOrder,
    certificates: &[ObservedCertificate],
) -> Vec<ObservedCertificate> {
    if !matches!(
        order.status,
        OrderStatus::Issued | OrderStatus::ReissuePending
    ) {
        return Vec::new();
    }
    let listed = |id: &CertificateId| certificates.iter().any(|one| one.id == *id);
    let known = case.requests.replaced(&order.id);
    known
        .filter(|(id, _, _)| !listed(id))
        .map(|(id, known, by_us)| {
            let part = case.part(&order.id, &Part::Certificate(id.clone()));
            let mut one = replaced_certificate(id, known, case.inputs.today(&case.item.account));
            if by_us || is_revoked(order, part) {
                one.state = CertificateState::Revoked;
            }
            one
        })
        .collect()
}

/// A certificate that only the journal knows: in force until it runs out.
pub(super) fn replaced_certificate(
    id: &CertificateId,
    known: &ReplacedCertificate,
    today: Date,
) -> ObservedCertificate {
    let over = known.valid_till.is_some_and(|till| till.is_past(today));
    ObservedCertificate {
        id: id.clone(),
        serial_number: known.serial_number.clone(),
        names: Vec::new(),
        valid_till: known.valid_till,
        state: if over {
            CertificateState::Expired
        } else {
            CertificateState::Issued
        },
        kind: CertificateKind::Unlisted,
    }
}

/// Counts the certificates that reissues of an order replaced and that neither its lists nor the journal shows: a
/// reissue outside of certplan, or before a takeover. They die without an id.
pub(super) fn with_unnamed(
    mut decided: Decided,
    order: &ObservedOrder,
    known: &[ObservedCertificate],
) -> Decided {
    let unnamed = unnamed(order, known);
    decided.step.unnamed = unnamed;
    if unnamed == 0 {
        return decided;
    }
    let told = match unnamed {
        1 => "an earlier certificate of it is in no list of the CA and in no journal: it is counted, and dies, too, \
              unless it ran out or was revoked"
            .to_owned(),
        more => format!(
            "{more} earlier certificates of it are in no list of the CA and in no journal: they are counted, and die, \
             too, unless they ran out or were revoked"
        ),
    };
    decided.warn(format!("order {} was reissued, and {told}", order.id))
}

/// Warns where every certificate of an order that is known was revoked alone, and others are left: the order itself
/// is not revoked.
pub(super) fn unnamed_left(
    decided: Decided,
    order: &ObservedOrder,
    known: &[ObservedCertificate],
) -> Decided {
    let left = unnamed(order, known);
    if left == 0 || order.status != OrderStatus::Issued {
        return decided;
    }
    let told = match left {
        1 => "an earlier certificate of it, which is in no list of the CA and in no journal, may be in force".to_owned(),
        more => format!(
            "{more} earlier certificates of it, which are in no list of the CA and in no journal, may be in force"
        ),
    };
    decided.warn(format!(
        "order {} was reissued, and {told}: only what its lists show is revoked; revoke the order itself in the CA's \
         console, or name the certificate in an entry of its own (`scope: {{ certificate_id: ... }}`)",
        order.id
    ))
}

/// An order has its first certificate and one for each reissue. Lists may show the reissues alone.
fn unnamed(order: &ObservedOrder, known: &[ObservedCertificate]) -> u32 {
    let mut chain = known
        .iter()
        .filter(|one| one.kind != CertificateKind::Duplicate);
    // What was replaced ran out before what took its place.
    let over = chain
        .clone()
        .all(|one| one.state == CertificateState::Expired);
    let shown = chain.by_ref().count();
    let issued = order
        .reissues
        .map_or(0, |reissues| reissues.saturating_add(1));
    let shown = u32::try_from(shown).unwrap_or(u32::MAX);
    if over {
        0
    } else {
        issued.saturating_sub(shown)
    }
}

/// True where the call about one certificate is known to have revoked it.
fn is_revoked(order: &ObservedOrder, part: Option<&PartState>) -> bool {
    match part {
        Some(PartState::Revoked) => true,
        Some(PartState::Requested {
            request_id: Some(request),
        }) => {
            let mut known = order.requests.iter().flatten();
            known.any(|known| known.id == *request && known.status == RequestStatus::Approved)
        }
        Some(PartState::Requested { request_id: None } | PartState::Declined) | None => false,
    }
}

/// The certificate, where the CA says that it belongs to this very order. No list shows its state: it counts
/// as in force until the CA has taken a revocation of it.
pub(super) fn unlisted(
    case: RevocationCase<'_, '_>,
    account: &ObservedAccount,
    order: &ObservedOrder,
    certificates: &[ObservedCertificate],
) -> Option<ObservedCertificate> {
    let scope = &case.revocation.scope;
    let id = name_of(scope)?;
    if order.status != OrderStatus::Issued || !select(scope, certificates).is_empty() {
        return None;
    }
    let part = case.part(&order.id, &Part::Certificate(id.clone()));
    let holder = account.holders.get(scope).and_then(Option::as_ref);
    if holder != Some(&order.id) && part != Some(&PartState::Revoked) {
        return None;
    }
    let revoked = is_revoked(order, part);
    // The order's last certificate ran out, and this one is older.
    let over = !certificates.is_empty()
        && certificates
            .iter()
            .all(|one| one.state == CertificateState::Expired);
    Some(ObservedCertificate {
        id,
        serial_number: match scope {
            Scope::SerialNumber(serial) => Some(serial.clone()),
            Scope::Order
            | Scope::CertificateId(_)
            | Scope::Duplicates
            | Scope::CertificateNo(_) => None,
        },
        names: Vec::new(),
        valid_till: None,
        state: match (revoked, over) {
            (true, _) => CertificateState::Revoked,
            (false, true) => CertificateState::Expired,
            (false, false) => CertificateState::Issued,
        },
        kind: CertificateKind::Unlisted,
    })
}

/// The CA refused to revoke a certificate that no list shows. It may be revoked already, and no read would tell:
/// it is not asked for again and again.
pub(super) fn refused(case: RevocationCase<'_, '_>, seen: Seen<'_>) -> Option<Decided> {
    let id = seen.order.id.clone();
    let unlisted = |one: &&&ObservedCertificate| one.kind == CertificateKind::Unlisted;
    let one = seen.dying.iter().find(unlisted)?;
    let failure = case.record?.failure.as_ref()?;
    let asked = case.record?.requested(&id)?.generation;
    if case.revocation.generation > asked {
        return None;
    }
    let generation = asked.saturating_add(1);
    let reason = Reason::UnlistedRefused {
        order: id.clone(),
        certificate: one.id.clone(),
        message: failure.message.clone(),
    };
    let waits = Cause::Decision(Decision::Declined { generation });
    let standing = Standing::Declined { waits };
    Some(
        Decided::new(case.item, Action::Wait, reason, standing).warn(format!(
            "the CA refused to revoke certificate {} of order {id}, which no list shows ({}): look at it in the CA's console; remove the entry if it is revoked, or `generation: {generation}` asks again",
            one.id, failure.message
        )),
    )
}

/// What the CA's calls name the certificate by: its id, or its serial number in the id's place. A serial number
/// of digits alone could be taken for the id of another certificate, so it names none.
fn name_of(scope: &Scope) -> Option<CertificateId> {
    match scope {
        Scope::CertificateId(id) => Some(id.clone()),
        Scope::SerialNumber(serial) => in_place_of_an_id(serial),
        Scope::Order | Scope::Duplicates | Scope::CertificateNo(_) => None,
    }
}

fn in_place_of_an_id(serial: &SerialNumber) -> Option<CertificateId> {
    let plain: String = serial
        .as_str()
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let letters = plain.bytes().any(|byte| byte.is_ascii_alphabetic());
    letters.then(|| CertificateId::from(plain))
}
