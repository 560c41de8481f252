//! NAVER Cloud Certificate Manager, API v2: [`Ncloud`] reads one account and revokes in it.
//!
//! Orders cannot be placed here: nothing is documented by which a paid order could be found again after
//! an answer that never came.

mod assumptions;
mod authority;
mod list;
mod observed;
mod signature;
mod trials;
mod verdict;
mod wire;

#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use jiff::SignedDuration;
use reqwest::Method;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(super) use self::authority::NcloudAuthority;
use super::http::Transport;
use super::settings::Settings;
use super::{
    Act, Answer, Depth, ErrorKind, Observe, Permit, Placed, ProviderError, RevokeAnswer, Verdict,
};
use crate::model::{
    AccountName, Authority, Identity, KeyFacts, KeyId, KnownOrders, Mask, ObservedOrder,
    ObservedRequest, OrderId, OrderOperation, Part, Recorded, ReissueOperation, RevokeCall,
    RevokeOperation, Secret, StatusChange, Tag, TagLookup, Traffic, Tried,
};

/// Below the endpoint.
const REVOKE_PATH: &str = "/certificate/revoke";

/// One ncloud account.
pub(super) struct Ncloud {
    account: AccountName,
    transport: Transport,
}

/// The body of `POST /certificate/revoke`.
///
/// # Errors
///
/// A reason that ncloud does not offer; a certificate number that is none. 0 would revoke the whole
/// order: it comes from [`Part::Order`] alone.
fn revoke_body(operation: &RevokeOperation, part: &Part) -> Result<Value, ProviderError> {
    if !NcloudAuthority.reasons().contains(&operation.reason) {
        return Err(ProviderError::unusable(format!(
            "revoke at ncloud: the reason {} is not offered there; nothing was sent",
            operation.reason
        )));
    }
    let number = match part {
        Part::Order => 0,
        Part::Certificate(id) => id.as_str().parse::<NonZeroU64>().map_or_else(
            |_| {
                Err(ProviderError::unusable(format!(
                    "revoke at ncloud: `{id}` is not a certificate number; nothing was sent"
                )))
            },
            |number| Ok(number.get()),
        )?,
    };
    #[cfg(feature = "planted-bugs")]
    let number = crate::planted::zero_certificate_no(number);
    Ok(json!({
        "orderId": operation.order_id.as_str(),
        "certificateNo": number,
        "revokeType": operation.reason.name(),
    }))
}

impl Ncloud {
    pub(super) fn new(
        settings: Settings,
        access_key: Secret,
        secret_key: Secret,
    ) -> Result<Self, ProviderError> {
        let mask = Mask::of(&[&access_key, &secret_key]);
        let signer = signature::Signer::new(&settings.account, access_key, secret_key)?;
        Ok(Self {
            transport: Transport::new(&settings, Box::new(signer), mask, &NcloudAuthority)?,
            account: settings.account,
        })
    }

    /// Reads one object with the slots of a permit, if there is one.
    async fn object<T: DeserializeOwned>(
        &self,
        permit: Option<&mut Permit>,
        what: &str,
        path: &str,
    ) -> Result<T, ProviderError> {
        let permit = permit.map(|permit| &mut permit.0);
        let reply = self.transport.read(permit, what, path).await?;
        verdict::success(what, &reply)?;
        reply
            .object()
            .ok_or_else(|| verdict::unreadable(what, "not the JSON object expected"))
    }

    async fn one_order(
        &self,
        mut permit: Option<&mut Permit>,
        id: &OrderId,
    ) -> Result<Option<ObservedOrder>, ProviderError> {
        let what = format!("read order {id}");
        if !is_order_id(id) {
            return Err(ProviderError::unusable(format!(
                "{what}: this is not an order id of ncloud; nothing was sent"
            )));
        }
        let path = format!("/certificate/orders/{id}");
        let read = self.object::<wire::Order>(permit.as_deref_mut(), &what, &path);
        match read.await {
            Ok(row) => {
                if row.id() != Some(id.as_str()) {
                    return Err(verdict::unreadable(&what, "it is about another order"));
                }
                // The elements' members are not documented for this call. Without a state or a
                // serial number the list is asked instead: a revocation compares both with its plan.
                let complete = row.certificates.as_ref().is_some_and(|certificates| {
                    certificates.iter().all(|certificate| {
                        certificate.certificate_no.id().is_some()
                            && certificate.status_code.get().is_some()
                            && certificate.serial_number.get().is_some()
                    })
                });
                if complete && let Some(order) = observed::order(&row) {
                    return Ok(Some(order));
                }
            }
            // No such call yet (it is newer than the list), or no such order: the list says which.
            Err(error)
                if error.status == Some(404)
                    || (error.verdict == Verdict::Rejected
                        && error.kind == ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
        let orders = self.all_orders(permit).await?;
        Ok(orders.into_iter().find(|order| order.id == *id))
    }

    fn unsupported<T>(what: &str) -> Answer<'static, T>
    where
        T: Send + 'static,
    {
        ready(Err(ProviderError::new(
            ErrorKind::Unsupported,
            Verdict::NotSent,
            format!("{what}: not offered at ncloud; nothing was sent"),
        )))
        .boxed()
    }
}

fn is_order_id(id: &OrderId) -> bool {
    let text = id.as_str();
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Observe for Ncloud {
    fn account(&self) -> &AccountName {
        &self.account
    }

    fn endpoint(&self) -> &str {
        self.transport.endpoint()
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        ready(Ok(None)).boxed()
    }

    fn key<'a>(&'a self, _id: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        ready(Ok(None)).boxed()
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        self.all_orders(None).boxed()
    }

    fn order<'a>(&'a self, id: &'a OrderId, _depth: Depth) -> Answer<'a, Option<ObservedOrder>> {
        self.one_order(None, id).boxed()
    }

    fn reads(&self, _depth: Depth) -> u32 {
        1
    }

    fn tagged<'a>(&'a self, _tag: &'a Tag) -> Answer<'a, TagLookup> {
        Self::unsupported("look up an order by its tag")
    }

    fn changes(&self, _window: Duration) -> Answer<'_, Vec<StatusChange>> {
        async {
            let orders = self.all_orders(None).await?;
            Ok(orders
                .into_iter()
                .map(|order| StatusChange {
                    order_id: order.id,
                    certificate_id: order.certificate_id,
                    status: order.status,
                })
                .collect())
        }
        .boxed()
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        ready(Ok(Vec::new())).boxed()
    }

    /// ncloud has no requests.
    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn try_assumptions<'a>(&'a self, _known: &'a KnownOrders) -> BoxFuture<'a, Vec<Tried>> {
        self.try_all().boxed()
    }

    fn funds(&self) -> Answer<'_, Option<(Decimal, String)>> {
        ready(Ok(None)).boxed()
    }

    fn clock_skew(&self) -> Option<SignedDuration> {
        self.transport.clock_skew()
    }

    fn refuses_skew_from(&self) -> Option<SignedDuration> {
        Some(signature::REFUSED_FROM)
    }

    fn requests_sent(&self) -> u32 {
        self.transport.requests_sent()
    }

    fn traffic(&self) -> Traffic {
        self.transport.traffic()
    }
}

impl Act for Ncloud {
    fn permit(&self, reads: u32) -> BoxFuture<'_, Permit> {
        self.transport.reserve(reads).map(Permit).boxed()
    }

    fn order_under<'a>(
        &'a self,
        permit: &'a mut Permit,
        id: &'a OrderId,
        _depth: Depth,
    ) -> Answer<'a, Option<ObservedOrder>> {
        async move {
            let order = self.one_order(Some(permit), id).await?;
            permit.0.ready().await;
            Ok(order)
        }
        .boxed()
    }

    fn place_order<'a>(
        &'a self,
        _permit: Permit,
        _recorded: Recorded,
        _operation: &'a OrderOperation,
        _renewal_of: Option<&'a OrderId>,
    ) -> Answer<'a, Placed> {
        Self::unsupported("order a certificate")
    }

    fn reissue<'a>(
        &'a self,
        _permit: Permit,
        _recorded: Recorded,
        _operation: &'a ReissueOperation,
    ) -> Answer<'a, Placed> {
        Self::unsupported("reissue an order")
    }

    fn revoke<'a>(
        &'a self,
        permit: Permit,
        _recorded: Recorded,
        call: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer> {
        async move {
            let order = &call.operation.order_id;
            let what = match call.part {
                Part::Order => format!("revoke order {order}"),
                Part::Certificate(id) => format!("revoke certificate {id} of order {order}"),
            };
            let body = revoke_body(call.operation, call.part)?;
            let reply = self
                .transport
                .change(permit.0, &what, Method::POST, REVOKE_PATH, &body)
                .await?;
            let envelope = verdict::success(&what, &reply)?;
            Ok(RevokeAnswer::Requested {
                request_id: None,
                certificates: envelope.total_rows.value().or(envelope.total_count.value()),
            })
        }
        .boxed()
    }
}
