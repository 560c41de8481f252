//! The certificate authorities: what can be read of them ([`Observe`]) and what can be done
//! ([`Act`]). `plan` is given an [`Observe`], which has no method that sends anything but GET.
//!
//! Retry and rate limits live in the transport below both adapters (`http`, `throttle`), not in wrappers around
//! these traits: a list of ten pages costs ten requests, and only the transport sees them.

mod adapter;
mod asked;
mod authorities;
mod budget;
mod call_log;
mod certcentral;
mod client;
mod endpoint;
mod error;
mod http;
mod keys;
mod lenient;
mod lost;
mod ncloud;
mod preview;
mod reply;
mod retry_after;
mod route;
mod settings;
mod throttle;
mod trying;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

pub use authorities::{authorities, authority, observe_only, open};
pub use budget::{Budget, BudgetError, BudgetSlot, Drawn, KeyFingerprint, Spent, Wait};
pub use endpoint::{BadEndpoint, Endpoint};
pub use error::{ErrorKind, ProviderError, Verdict};
pub use keys::Keys;
pub use preview::{body_digest, preview};
pub use route::{BadProxy, Proxy, Route};
pub use settings::{Deadlines, Settings};
pub use trying::MOST_TRIES;

use crate::model::{
    AccountName, CaClock, CertificateId, Identity, KeyFacts, KeyId, KnownOrders, ObservedOrder,
    ObservedRequest, OrderId, OrderOperation, PendingDomain, Recorded, ReissueOperation, RequestId,
    RequestStatus, RevokeCall, Scope, StatusChange, Tag, TagLookup, Traffic, Tried,
};

/// What every read and every change answers with.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// How much of an order is read.
///
/// | GETs | CertCentral | ncloud |
/// |---|---|---|
/// | `Order` | 1 | 1; and the whole list where the answer does not tell all of the certificates |
/// | `Certificates` | 1 to 3 | as `Order` |
///
/// A list of ncloud has one page for each 1,000 orders. Repeats of a GET that failed come on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The order itself. At ncloud its certificates are part of it.
    Order,
    /// Its duplicates and reissues as well, wherever the CA counts any or does not count.
    Certificates,
    /// The same, and duplicates also where the CA counts none: archived ones may not be counted.
    Archived,
}

/// Reads of one account. Every method sends only GET, repeats what is safe to repeat, and stays
/// inside the account's rate limits.
pub trait Observe: Send + Sync {
    /// The account's name in the manifest.
    fn account(&self) -> &AccountName;

    /// The base URL with its path, without a slash at the end.
    fn endpoint(&self) -> &str;

    /// Who the key belongs to; `None` where the CA has no such call (ncloud).
    fn identity(&self) -> Answer<'_, Option<Identity>>;

    /// One API key; `None` where the CA has no such call or does not know the id.
    fn key<'a>(&'a self, id: &'a KeyId) -> Answer<'a, Option<KeyFacts>>;

    /// Every order of the account, in about N/1000 requests, without repeats.
    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>>;

    /// One order in full; `None` when the CA says that it does not exist or that this key may not see
    /// it (CertCentral answers 404 for both).
    fn order<'a>(&'a self, id: &'a OrderId, depth: Depth) -> Answer<'a, Option<ObservedOrder>>;

    /// An issued certificate with those of its issuers, as PEM text in any order.
    fn certificate_pem<'a>(&'a self, id: &'a CertificateId) -> Answer<'a, String> {
        let message = format!("certificate {id}: downloads are not offered at this CA");
        let error = ProviderError::new(ErrorKind::Unsupported, Verdict::NotSent, message);
        futures::future::ready(Err(error)).boxed()
    }

    /// How many GETs [`Observe::order`] takes at this depth, as a rule: what to draw a [`Permit`] for.
    /// CertCentral: 1 and 3, of which the 3 are the most. ncloud: 1, because the list is read only if need be.
    fn reads(&self, depth: Depth) -> u32;

    /// Every order that carries a tag and that this key may see. Errors are errors: only a complete,
    /// well-formed answer (or CertCentral's own 404 `not_found`) counts as "none".
    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup>;

    /// The order that has the certificate which a scope names, by id or by serial number: also one that the
    /// lists of an order's certificates leave out. `None` where no order has it, or where the CA cannot tell.
    fn holder<'a>(&'a self, _certificate: &'a Scope) -> Answer<'a, Option<OrderId>> {
        futures::future::ready(Ok(None)).boxed()
    }

    /// Orders whose status changed within the last `window` (rounded up to a second, at most 7 days).
    /// ncloud's feed leaves revocations out, so its adapter reads the whole list instead.
    fn changes(&self, window: Duration) -> Answer<'_, Vec<StatusChange>>;

    /// Requests to revoke that are open or were decided; empty where the CA has none (ncloud).
    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>>;

    /// Orders that wait for an administrator, as far as their requests show them: id, product and common
    /// name. Assumption `waiting-in-list`: the list of orders may leave them out; the documented filter of
    /// `GET /order/certificate` does not name `needs_approval`. Empty where the CA has no requests (ncloud).
    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>>;

    /// Requests to reissue that nobody has decided; empty where the CA has none (ncloud).
    fn reissue_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    /// Tries what is assumed about the CA, with at most [`MOST_TRIES`] GETs, each sent once. Every assumption
    /// comes back, with what was seen.
    fn try_assumptions<'a>(&'a self, _known: &'a KnownOrders) -> BoxFuture<'a, Vec<Tried>> {
        futures::future::ready(Vec::new()).boxed()
    }

    /// Spendable funds and their currency, where the CA tells.
    fn funds(&self) -> Answer<'_, Option<(rust_decimal::Decimal, String)>>;

    /// The CA's clock minus ours, as the last answer's `Date` showed it; `None` before any answer.
    fn clock_skew(&self) -> Option<jiff::SignedDuration>;

    /// From which difference of the clocks on the CA may refuse a call; `None` where no call names its time.
    fn refuses_skew_from(&self) -> Option<jiff::SignedDuration> {
        None
    }

    /// The CA's clock, as the last answer's `Date` showed it; `None` before any answer.
    fn clock(&self) -> Option<CaClock> {
        self.clock_skew().map(|ahead| CaClock {
            ahead,
            refuses_from: self.refuses_skew_from(),
        })
    }

    /// How many requests were sent so far, repeats included.
    fn requests_sent(&self) -> u32;

    /// What was sent and refused so far, and what is left of the rate limits at this moment.
    fn traffic(&self) -> Traffic;
}

/// One place among the account's calls in flight, and slots under its rate limits: to be spent on the reads
/// that a call depends on, and on the call itself. Taken before those reads, so that nothing waits between
/// them, the intent and the call. What was not spent goes back with the call, or when the permit is dropped.
///
/// Whoever holds one reads with [`Act::order_under`]. A read that needs a place of its own may never get it
/// where `max_in_flight` is 1.
#[must_use]
#[derive(Debug)]
pub struct Permit(throttle::Reservation);

/// Changes at one account. Each sends exactly one request or proves that it sent none; nothing is
/// repeated, redirected or shared on a pooled connection that could be stale.
pub trait Act: Observe {
    /// Waits for a place and for the slots of so many GETs and of one call, which are taken together. Where
    /// a window holds fewer, there are fewer: the first slot that is missing is waited for when it is needed.
    fn permit(&self, reads: u32) -> BoxFuture<'_, Permit>;

    /// [`Observe::order`] with the slots of a permit. A GET beyond those that the permit was drawn for waits
    /// for its slot here, and so does a repeat; the place is kept, and a slot for the call too. Where a
    /// window holds a single slot, the read takes it, and this waits for the call's before it returns.
    fn order_under<'a>(
        &'a self,
        permit: &'a mut Permit,
        id: &'a OrderId,
        depth: Depth,
    ) -> Answer<'a, Option<ObservedOrder>>;

    /// Places an order. `renewal_of` is the id behind the operation's own `renewal_of`.
    fn place_order<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a OrderOperation,
        renewal_of: Option<&'a OrderId>,
    ) -> Answer<'a, Placed>;

    /// Reissues an order.
    fn reissue<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a ReissueOperation,
    ) -> Answer<'a, Placed>;

    /// Sends one call of a revocation.
    fn revoke<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        call: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer>;
}

/// What the CA said to an order or a reissue that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order's id.
    pub order_id: OrderId,
    /// The request and its status, where the CA named one.
    pub request: Option<(RequestId, RequestStatus)>,
    /// Present when no approval is outstanding.
    pub certificate_id: Option<CertificateId>,
    /// Domains that the CA wants to see validated before it issues.
    pub validation: Vec<PendingDomain>,
    /// The certificate with those of its issuers, as PEM text, where it was issued at once and the answer holds
    /// it.
    pub chain: Option<String>,
}

/// What the CA said to a revocation that it took. Both are success, and they mean different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokeAnswer {
    /// Taken; waits for an administrator (CertCentral 201) or for the CA (ncloud).
    Requested {
        /// The request, where the CA named one.
        request_id: Option<RequestId>,
        /// How many certificates the CA says the request covers (ncloud `totalRows`).
        certificates: Option<u64>,
    },
    /// In force (CertCentral 204).
    Revoked,
    /// Taken and refused in one: the request is rejected already.
    Declined {
        /// The request.
        request_id: RequestId,
    },
}
