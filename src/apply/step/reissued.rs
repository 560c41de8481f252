//! Whether an order shows the reissue whose outcome is in doubt.

use crate::model::{
    ObservedOrder, OpenOperation, Record, ReissueOperation, Why, differences, other_key,
};

/// True for a reissue that was to bring a later end with the same CSR: nothing of it shows but another certificate.
pub(super) fn keeps_its_key(open: &OpenOperation, operation: Option<&ReissueOperation>) -> bool {
    let has_csr = operation.is_some_and(|operation| operation.order.certificate.key.is_none());
    open.attempt.why == Why::Renewal && has_csr
}

/// True when the order shows the reissue that is in doubt. Names and key alone do not tell: a reissue for
/// other units or another hash keeps them, and the manifest may ask for something else by now.
/// Assumption `reissue-new-id`: a reissue brings another certificate id.
pub(super) fn is_reissued(
    record: &Record,
    operation: Option<&ReissueOperation>,
    order: &ObservedOrder,
) -> bool {
    let attempt = record.open.as_ref().map(|open| &open.attempt);
    let asked = attempt.and_then(|attempt| attempt.certificate);
    let unchanged = operation.is_some_and(|operation| {
        asked.is_some_and(|asked| operation.order.certificate.is_of(asked))
    });
    let agrees = operation.is_some_and(|operation| {
        differences(&operation.order, order).is_empty()
            && other_key(attempt, &operation.order, order).is_none()
    });
    // Of a key that was made for the call, only the certificate's own says that the call had its effect.
    let shows_key = operation.is_none_or(|operation| {
        operation.order.certificate.key.is_none() || order.public_key.is_some()
    });
    let before = attempt
        .and_then(|attempt| attempt.replaces.as_ref())
        .or_else(|| record.live.as_ref()?.certificate_id.as_ref());
    match (before, &order.certificate_id) {
        (Some(before), Some(now)) => before != now && (agrees || !unchanged),
        _ => {
            let open = record.open.as_ref();
            let same = open.is_some_and(|open| keeps_its_key(open, operation));
            agrees && unchanged && shows_key && !same
        }
    }
}
