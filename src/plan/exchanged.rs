//! A certificate that was exchanged outside of certplan: the CA shows another one than the journal knows, and no
//! call of ours asked for it.

use crate::model::{
    CertificateId, FactBody, LiveOrder, ObservedOrder, Order, extra_names, is_as_wanted,
};

/// The certificate that came in the place of the one that the journal knows.
pub(super) fn exchanged<'o>(
    live: &LiveOrder,
    observed: &'o ObservedOrder,
) -> Option<&'o CertificateId> {
    let (known, shown) = (
        live.certificate_id.as_ref()?,
        observed.certificate_id.as_ref()?,
    );
    (live.change.is_none() && is_later(shown, known)).then_some(shown)
}

/// Assumption `reissue-new-id`: a certificate that is issued later has a larger id. A replica of the CA that is behind shows an
/// earlier certificate, which is no exchange.
fn is_later(shown: &CertificateId, known: &CertificateId) -> bool {
    let (shown, known) = (shown.as_str(), known.as_str());
    let numbers = [shown, known]
        .iter()
        .all(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    if numbers {
        (shown.len(), shown) > (known.len(), known)
    } else {
        shown != known
    }
}

/// What the journal notes of an exchange. `None` when the new certificate is known to be what the entry asks
/// for, and the journal says so already.
pub(super) fn fact(order: &Order, live: &LiveOrder, observed: &ObservedOrder) -> Option<FactBody> {
    let certificate_id = exchanged(live, observed)?.clone();
    let agrees = is_as_wanted(order, observed) && extra_names(order, observed).is_empty();
    let certificate = agrees.then(|| order.certificate.digest());
    let known = live
        .certificate
        .is_some_and(|known| order.certificate.is_of(known));
    let public_key = observed.public_key;
    let has_other_key =
        order.certificate.key.is_some() && public_key.is_some() && public_key != live.key;
    (certificate.is_none() || !known || has_other_key).then_some(FactBody::Exchanged {
        certificate_id,
        certificate,
        public_key,
    })
}
