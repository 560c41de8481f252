//! Changes at CertCentral: one request each, and what its answer proves.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{CertCentral, request, requests, verdict, wire};
use crate::model::{
    CertificateId, ObservedOrder, Order, OrderId, OrderOperation, Part, PendingDomain, Recorded,
    ReissueOperation, RenewalOf, RequestId, RequestStatus, RevokeCall, Untrusted,
};
use crate::provider::adapter::Change;
use crate::provider::reply::Reply;
use crate::provider::{Act, Answer, Depth, Permit, Placed, ProviderError, RevokeAnswer};

impl Act for CertCentral {
    fn permit(&self, reads: u32) -> BoxFuture<'_, Permit> {
        self.transport.reserve(reads).map(Permit).boxed()
    }

    fn order_under<'a>(
        &'a self,
        permit: &'a mut Permit,
        id: &'a OrderId,
        depth: Depth,
    ) -> Answer<'a, Option<ObservedOrder>> {
        async move {
            let order = self.read_order(Some(permit), id, depth).await?;
            permit.0.ready().await;
            Ok(order)
        }
        .boxed()
    }

    fn place_order<'a>(
        &'a self,
        permit: Permit,
        _recorded: Recorded,
        operation: &'a OrderOperation,
        renewal_of: Option<&'a OrderId>,
    ) -> Answer<'a, Placed> {
        async move {
            let what = format!("order certificate {}", operation.order.product);
            if renewal_of.is_none()
                && let Some(RenewalOf::Item(name)) = &operation.order.renewal_of
            {
                return Err(ProviderError::unusable(format!(
                    "{what}: the id of orders.{name}, which it renews, is not known yet"
                )));
            }
            let change = request::order(operation, renewal_of);
            let reply = self.send(permit, &what, change).await?;
            Self::placed(&what, &reply, &operation.order)
        }
        .boxed()
    }

    fn reissue<'a>(
        &'a self,
        permit: Permit,
        _recorded: Recorded,
        operation: &'a ReissueOperation,
    ) -> Answer<'a, Placed> {
        async move {
            let what = format!("reissue order {}", operation.order_id);
            let reply = self
                .send(permit, &what, request::reissue(operation))
                .await?;
            let placed = Self::placed(&what, &reply, &operation.order)?;
            if placed.order_id != operation.order_id {
                return Err(verdict::unreadable(
                    &what,
                    &reply,
                    "it is about another order",
                ));
            }
            Ok(placed)
        }
        .boxed()
    }

    fn revoke<'a>(
        &'a self,
        permit: Permit,
        _recorded: Recorded,
        call: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer> {
        async move {
            let what = match call.part {
                Part::Order => format!("revoke order {}", call.operation.order_id),
                Part::Certificate(id) => format!("revoke certificate {id}"),
            };
            let change = request::revoke(call.operation, call.part);
            Self::revoked(&what, &self.send(permit, &what, change).await?)
        }
        .boxed()
    }
}

impl CertCentral {
    async fn send(
        &self,
        permit: Permit,
        what: &str,
        change: Change,
    ) -> Result<Reply, ProviderError> {
        self.transport
            .change(permit.0, what, change.method, &change.path, &change.body)
            .await
    }

    /// The answer to an order or a reissue: 201 (200 is taken too) with the order's id.
    fn placed(what: &str, reply: &Reply, order: &Order) -> Result<Placed, ProviderError> {
        if !matches!(reply.status, 200 | 201) {
            return Err(not_taken(what, reply));
        }
        let placed: wire::Placed = reply
            .object()
            .ok_or_else(|| verdict::unreadable(what, reply, "not the JSON object expected"))?;
        let order_id = placed
            .id
            .id()
            .ok_or_else(|| verdict::unreadable(what, reply, "no order id"))?;
        let request = placed.requests.0.first().and_then(|request| {
            let status = requests::request_status(&request.status);
            Some((RequestId::from(request.id.id()?), status))
        });
        let members = order.members.map();
        let method = members.get("dcv_method").and_then(|value| value.as_str());
        let mut validation = requests::validation(&placed.domains.0, method);
        if let (true, Some(token)) = (validation.is_empty(), placed.dcv_random_value.get()) {
            let names = order.certificate.names();
            validation.extend(names.first().map(|name| PendingDomain {
                name: Untrusted::new(name.as_str()),
                method: method.map(Untrusted::new),
                token: Some(Untrusted::new(token)),
            }));
        }
        Ok(Placed {
            order_id: OrderId::from(order_id),
            request,
            certificate_id: placed.certificate_id.id().map(CertificateId::from),
            validation,
            chain: chain(&placed.certificate_chain.0),
        })
    }

    fn revoked(what: &str, reply: &Reply) -> Result<RevokeAnswer, ProviderError> {
        match reply.status {
            204 if reply.body.is_empty() => Ok(RevokeAnswer::Revoked),
            201 => {
                let request: wire::Request = reply.object().unwrap_or_default();
                let rejected = requests::request_status(&request.status) == RequestStatus::Rejected;
                match (request.id.id(), request.kind.get()) {
                    (Some(id), Some("revoke")) if rejected => Ok(RevokeAnswer::Declined {
                        request_id: RequestId::from(id),
                    }),
                    // `approved` too: what an administrator has granted, the CA has still to do.
                    (Some(id), Some("revoke")) => Ok(RevokeAnswer::Requested {
                        request_id: Some(RequestId::from(id)),
                        certificates: None,
                    }),
                    _ => Err(verdict::unreadable(what, reply, "no request to revoke")),
                }
            }
            _ => Err(not_taken(what, reply)),
        }
    }
}

/// The PEM text of the certificates in an answer. One that shows no text for a certificate is no chain.
fn chain(rows: &[wire::ChainRow]) -> Option<String> {
    let texts = rows.iter().map(|row| row.pem.get());
    let texts: Option<Vec<&str>> = texts.collect();
    texts
        .filter(|texts| !texts.is_empty())
        .map(|texts| texts.join("\n"))
}

fn not_taken(what: &str, reply: &Reply) -> ProviderError {
    if (200..300).contains(&reply.status) {
        verdict::unreadable(what, reply, "this status is not documented")
    } else {
        verdict::refusal(what, reply)
    }
}
