//! CertCentral's requests and validations in certplan's own vocabulary.

use super::{CertCentral, wire};
use crate::model::{
    ObservedOrder, ObservedRequest, OrderId, OrderStatus, PendingDomain, RequestId, RequestKind,
    RequestStatus, Stage, Untrusted,
};
use crate::provider::ProviderError;
use crate::provider::lenient::Text;

impl CertCentral {
    /// Requests of a kind that nobody has decided. Where two people approve, the first one has to decide what
    /// is `submitted`, and a filter takes one status.
    pub(super) async fn undecided<K, T>(
        &self,
        kind: &str,
        read: fn(&wire::Request) -> Option<(K, T)>,
    ) -> Result<Vec<T>, ProviderError>
    where
        K: Ord + Clone + Send,
        T: Send,
    {
        let list = |status: &str| {
            let what = format!("list the requests ({kind}) that are {status}");
            let path = format!("/request?filters%5Btype%5D={kind}&filters%5Bstatus%5D={status}");
            self.list(what, path, read)
        };
        let (pending, submitted) = tokio::try_join!(list("pending"), list("submitted"))?;
        Ok(pending.into_iter().chain(submitted).collect())
    }
}

/// Domains whose validation is open: those whose token waits for it, each with the method of the order.
pub(super) fn validation(domains: &[wire::Domain], method: Option<&str>) -> Vec<PendingDomain> {
    domains
        .iter()
        .filter_map(|domain| {
            let token = domain.dcv_token.get()?;
            let open = token.status.get().is_none_or(|word| word == "pending");
            let name = domain.name.get().or(domain.dns_name.get())?;
            open.then(|| PendingDomain {
                name: Untrusted::new(name),
                method: method.map(Untrusted::new),
                token: token.token.get().map(Untrusted::new),
            })
        })
        .collect()
}

/// An order that waits for an administrator, as its request shows it; `None` without an order id.
pub(super) fn waiting_order(row: &wire::Request) -> Option<ObservedOrder> {
    let order = row.order.get()?;
    let id = OrderId::from(order.id.id()?);
    let word = Untrusted::new(row.status.get().unwrap_or("pending"));
    let certificate = order.certificate.get();
    let mut waiting = ObservedOrder::bare(id, OrderStatus::Pending(Stage::Approval, word), None);
    waiting.created_at = row.date.timestamp();
    waiting.product = order
        .product
        .get()
        .and_then(|product| product.name_id.owned());
    waiting.common_name = certificate.and_then(|certificate| certificate.common_name.owned());
    waiting.names = certificate
        .map(wire::Certificate::names)
        .unwrap_or_default();
    Some(waiting)
}

pub(super) fn request_status(word: &Text) -> RequestStatus {
    match word.get() {
        Some("submitted") => RequestStatus::Submitted,
        Some("pending") => RequestStatus::Pending,
        Some("approved") => RequestStatus::Approved,
        Some("rejected") => RequestStatus::Rejected,
        other => RequestStatus::Other(Untrusted::new(other.unwrap_or("no status"))),
    }
}

/// A request; `None` without an id.
pub(super) fn request(row: &wire::Request) -> Option<ObservedRequest> {
    Some(ObservedRequest {
        id: RequestId::from(row.id.id()?),
        kind: match row.kind.get() {
            Some("new_request") => RequestKind::NewRequest,
            Some("revoke") => RequestKind::Revoke,
            Some("duplicate") => RequestKind::Duplicate,
            Some("reissue") => RequestKind::Reissue,
            other => RequestKind::Other(Untrusted::new(other.unwrap_or("no type"))),
        },
        status: request_status(&row.status),
        order_id: row
            .order
            .get()
            .and_then(|order| order.id.id())
            .map(OrderId::from),
        date: row.date.timestamp(),
    })
}
