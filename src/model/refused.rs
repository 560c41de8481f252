//! A reissue that an administrator refused, as the order shows it: [`rejected_reissue`].

use super::fact::FactBody;
use super::live_order::LiveOrder;
use super::observed::{ObservedOrder, OrderStatus, RequestKind, RequestStatus};

/// The end of a reissue under way that an administrator refused: the order, read in full, shows its request
/// as rejected. It is written before what else the read shows: a certificate that came since is none of ours.
pub fn rejected_reissue(live: &LiveOrder, observed: &ObservedOrder) -> Option<FactBody> {
    live.change.as_ref()?;
    if observed.status != OrderStatus::Issued {
        return None;
    }
    let requests = observed.requests.as_ref()?;
    let reissues = || {
        requests
            .iter()
            .filter(|request| request.kind == RequestKind::Reissue)
    };
    let rejected = match &live.request_id {
        Some(id) => reissues().find(|request| request.id == *id)?,
        // Without its number, the newest request of the kind is taken for it.
        None => reissues().max_by_key(|request| request.date)?,
    };
    (rejected.status == RequestStatus::Rejected).then(|| FactBody::ReissueRejected {
        request_id: Some(rejected.id.clone()),
    })
}
