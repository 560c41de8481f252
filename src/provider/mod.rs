//! The certificate authorities: what can be read of them ([`Observe`]) and what can be done
//! ([`Act`]). `plan` is given an [`Observe`], which has no method that sends anything but GET.
//!
//! Retry and rate limits live in the transport below both adapters (`http`, `throttle`), not in wrappers around
//! these traits: a list of ten pages costs ten requests, and only the transport sees them.

mod budget;
mod call_log;
mod certcentral;
mod client;
mod endpoint;
mod error;
mod http;
mod lenient;
mod lost;
mod mask;
mod ncloud;
mod preview;
mod reply;
mod retry_after;
mod settings;
mod throttle;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod strange;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::BoxFuture;

pub use budget::{Budget, BudgetError, BudgetSlot, Drawn, KeyFingerprint, Spent, since_boot};
pub use endpoint::{BadEndpoint, Endpoint};
pub use error::{ErrorKind, ProviderError, Verdict};
pub use preview::{body_digest, preview};
pub use settings::{Deadlines, Keys, Settings, observe_only, open};

use crate::model::{
    AccountName, CertificateId, Identity, KeyFacts, KeyId, Look, ObservedOrder, ObservedRequest,
    OrderId, OrderOperation, ReissueOperation, RequestId, RequestStatus, RevokeCall, StatusChange,
    Tag, TagLookup, Traffic,
};

/// What every read and every change answers with.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// How much of an order is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The order itself: one request.
    Order,
    /// Its duplicates and reissues as well, wherever the CA counts any or does not count.
    Certificates,
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

    /// Every order of the account as it stands now, from what an earlier reading saw and what the CA tells of
    /// since; those of `reread` are read anew, whatever it tells. `None` when that cannot be told for
    /// certain, or takes more requests than the whole list: then [`Observe::orders`] must be read. A CA
    /// whose feed leaves out what matters always answers `None` (ncloud: revocations).
    fn orders_since<'a>(
        &'a self,
        earlier: Look,
        reread: &'a BTreeSet<OrderId>,
    ) -> Answer<'a, Option<BTreeMap<OrderId, ObservedOrder>>>;

    /// One order in full; `None` when the CA says that it does not exist or that this key may not see
    /// it (CertCentral answers 404 for both).
    fn order<'a>(&'a self, id: &'a OrderId, depth: Depth) -> Answer<'a, Option<ObservedOrder>>;

    /// Every order that carries a tag and that this key may see. Errors are errors: only a complete,
    /// well-formed answer (or CertCentral's own 404 `not_found`) counts as "none".
    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup>;

    /// Orders whose status changed within the last `window` (rounded up to a second, at most 7 days).
    /// ncloud's feed leaves revocations out, so its adapter reads the whole list instead.
    fn changes(&self, window: Duration) -> Answer<'_, Vec<StatusChange>>;

    /// Requests to revoke that are open or were decided; empty where the CA has none (ncloud).
    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>>;

    /// Spendable funds and their currency, where the CA tells.
    fn funds(&self) -> Answer<'_, Option<(rust_decimal::Decimal, String)>>;

    /// The CA's clock minus ours, as the last answer's `Date` showed it; `None` before any answer.
    fn clock_skew(&self) -> Option<jiff::SignedDuration>;

    /// How many requests were sent so far, repeats included.
    fn requests_sent(&self) -> u32;

    /// What was sent and refused so far, and what is left of the rate limits at this moment.
    fn traffic(&self) -> Traffic;
}

/// A slot under the account's rate limits and its cap on calls in flight, to be spent on one call.
/// Taken before the intent is written, so that nothing waits between intent and call. Dropped unused, it
/// goes back. It counts as a call in flight from when it is taken: whoever holds one must not wait for a
/// read of the same account, or a `max_in_flight` of 1 never ends.
#[must_use]
#[derive(Debug)]
pub struct Permit(throttle::Slot);

#[cfg(test)]
impl Permit {
    /// A slot under no limits, for scripted accounts in tests.
    pub(crate) fn unlimited() -> Self {
        Self(throttle::Slot::unlimited())
    }
}

/// Changes at one account. Each sends exactly one request or proves that it sent none; nothing is
/// repeated, redirected or shared on a pooled connection that could be stale.
pub trait Act: Observe {
    /// Waits for a slot.
    fn permit(&self) -> BoxFuture<'_, Permit>;

    /// Places an order. `renewal_of` is the id behind the operation's own `renewal_of`.
    fn place_order<'a>(
        &'a self,
        permit: Permit,
        operation: &'a OrderOperation,
        renewal_of: Option<&'a OrderId>,
    ) -> Answer<'a, Placed>;

    /// Reissues an order.
    fn reissue<'a>(&'a self, permit: Permit, operation: &'a ReissueOperation)
    -> Answer<'a, Placed>;

    /// Sends one call of a revocation.
    fn revoke<'a>(&'a self, permit: Permit, call: RevokeCall<'a>) -> Answer<'a, RevokeAnswer>;
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
}
