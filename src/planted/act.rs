//! An account whose answers and calls go wrong in one way: [`PlantedAct`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use super::{is, no_ones_tag};
use crate::model::{
    AccountName, CertificateId, CertificateState, Identity, KeyFacts, KeyId, KnownOrders,
    ObservedOrder, ObservedRequest, OrderId, OrderOperation, OrderStatus, Recorded,
    ReissueOperation, RequestKind, RevokeCall, Scope, StatusChange, Tag, TagLookup, TagParts,
    Traffic, Tried,
};
use crate::provider::{
    Act, Answer, Depth, ErrorKind, Observe, Permit, Placed, ProviderError, RevokeAnswer, Verdict,
};

/// An account with its bugs.
pub(super) struct PlantedAct {
    inner: Arc<dyn Act>,
    /// What was first read of each order, for `no_pin_check`.
    first_reads: Mutex<BTreeMap<OrderId, ObservedOrder>>,
    /// How many orders were placed, for `tag_per_attempt`.
    placed: AtomicU32,
}

impl PlantedAct {
    pub(super) fn around(inner: Arc<dyn Act>) -> Self {
        Self {
            inner,
            first_reads: Mutex::default(),
            placed: AtomicU32::new(0),
        }
    }

    /// `no_pin_check`: the order is not read again before the call; the plan's read is taken for it.
    fn first_read(&self, id: &OrderId) -> Option<ObservedOrder> {
        let reads = self
            .first_reads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        reads.get(id).filter(|_| is("no_pin_check")).cloned()
    }

    fn remember(&self, order: &ObservedOrder) {
        self.first_reads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(order.id.clone())
            .or_insert_with(|| order.clone());
    }

    /// `tag_per_attempt`: each attempt carries a tag of its own.
    fn tag(&self, operation: &OrderOperation) -> Tag {
        let placed = self.placed.fetch_add(1, Ordering::Relaxed);
        let address = "orders.attempt".parse();
        match address {
            Ok(address) if is("tag_per_attempt") => Tag::derive(TagParts {
                provider: "certcentral",
                endpoint: operation.tag.as_str(),
                account: self.inner.account(),
                address: &address,
                generation: std::process::id().wrapping_add(placed),
                renews: None,
            }),
            _ => operation.tag.clone(),
        }
    }
}

/// An order as the bugs show it, in a list or read in full.
fn shown(mut order: ObservedOrder) -> ObservedOrder {
    // An order that the CA calls issued is taken for one whose certificate is in force.
    if is("dead_certificate_in_force") {
        order.certificate_revoked = false;
    }
    order
}

/// An order as the bugs show it when it is read in full.
fn read(order: ObservedOrder) -> ObservedOrder {
    let mut order = shown(order);
    // Whatever carries the tag is ours.
    if is("adopt_without_match") {
        order.product = None;
    }
    if is("request_for_any_certificate") {
        requested(&mut order);
    }
    order
}

/// `request_for_any_certificate`: a request to revoke is about the order, so it is about each of its
/// certificates.
fn requested(order: &mut ObservedOrder) {
    let mut requests = order.requests.iter().flatten();
    if !requests.any(|one| one.kind == RequestKind::Revoke && one.status.is_undecided()) {
        return;
    }
    for certificate in order.certificates.iter_mut().flatten() {
        if certificate.state == CertificateState::Issued {
            certificate.state = CertificateState::RevocationPending;
        }
    }
}

/// An order as the bugs show it in the account's list. `twin_unseen`: only what certplan placed is
/// compared, and the list shows no tag.
fn listed(order: ObservedOrder) -> ObservedOrder {
    let mut order = shown(order);
    if is("twin_unseen") {
        order.common_name = None;
        order.names.clear();
    }
    order
}

/// `blind_retry`: a lost answer is taken for a call that was not sent. `server_error_is_failure`: a 5xx
/// is taken for a refusal.
fn verdict(mut error: ProviderError) -> ProviderError {
    if is("blind_retry") && error.verdict == Verdict::InDoubt {
        error.verdict = Verdict::NotSent;
    }
    if is("server_error_is_failure") && error.kind == ErrorKind::Server {
        error.verdict = Verdict::Rejected;
    }
    error
}

/// `panic_after_intent`, `panic_after_answer`: a defect nobody thought of. It waits until other calls are
/// under way.
async fn panic_at(place: &str) {
    if is(place) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::panic::panic_any("planted");
    }
}

impl Observe for PlantedAct {
    fn account(&self) -> &AccountName {
        self.inner.account()
    }

    fn endpoint(&self) -> &str {
        self.inner.endpoint()
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        self.inner.identity()
    }

    fn key<'a>(&'a self, id: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        self.inner.key(id)
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        Box::pin(async move {
            let orders = self.inner.orders().await?;
            Ok(orders.into_iter().map(listed).collect())
        })
    }

    fn order<'a>(&'a self, id: &'a OrderId, depth: Depth) -> Answer<'a, Option<ObservedOrder>> {
        Box::pin(async move {
            let order = self.inner.order(id, depth).await?.map(read);
            if let Some(order) = &order {
                self.remember(order);
            }
            Ok(order)
        })
    }

    fn certificate_pem<'a>(&'a self, id: &'a CertificateId) -> Answer<'a, String> {
        self.inner.certificate_pem(id)
    }

    fn reads(&self, depth: Depth) -> u32 {
        self.inner.reads(depth)
    }

    /// `trust_first_look`: the positive control is never missed.
    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup> {
        if is("trust_first_look") && no_ones_tag().as_ref() == Some(tag) {
            let found = StatusChange {
                order_id: OrderId::from("planted"),
                certificate_id: None,
                status: OrderStatus::Issued,
            };
            let orders = vec![found];
            return Box::pin(std::future::ready(Ok(TagLookup { orders })));
        }
        self.inner.tagged(tag)
    }

    fn holder<'a>(&'a self, certificate: &'a Scope) -> Answer<'a, Option<OrderId>> {
        self.inner.holder(certificate)
    }

    fn changes(&self, window: Duration) -> Answer<'_, Vec<StatusChange>> {
        self.inner.changes(window)
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        self.inner.revocation_requests()
    }

    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        self.inner.waiting_orders()
    }

    fn try_assumptions<'a>(&'a self, known: &'a KnownOrders) -> BoxFuture<'a, Vec<Tried>> {
        self.inner.try_assumptions(known)
    }

    fn reissue_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        self.inner.reissue_requests()
    }

    fn funds(&self) -> Answer<'_, Option<(rust_decimal::Decimal, String)>> {
        self.inner.funds()
    }

    fn clock_skew(&self) -> Option<jiff::SignedDuration> {
        self.inner.clock_skew()
    }

    fn refuses_skew_from(&self) -> Option<jiff::SignedDuration> {
        self.inner.refuses_skew_from()
    }

    fn requests_sent(&self) -> u32 {
        self.inner.requests_sent()
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}

impl Act for PlantedAct {
    fn permit(&self, reads: u32) -> BoxFuture<'_, Permit> {
        self.inner.permit(reads)
    }

    fn order_under<'a>(
        &'a self,
        permit: &'a mut Permit,
        id: &'a OrderId,
        depth: Depth,
    ) -> Answer<'a, Option<ObservedOrder>> {
        Box::pin(async move {
            match self.first_read(id) {
                Some(order) => Ok(Some(order)),
                None => self.inner.order_under(permit, id, depth).await,
            }
        })
    }

    fn place_order<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a OrderOperation,
        renewal_of: Option<&'a OrderId>,
    ) -> Answer<'a, Placed> {
        Box::pin(async move {
            panic_at("panic_after_intent").await;
            let operation = OrderOperation {
                tag: self.tag(operation),
                ..operation.clone()
            };
            let call = self
                .inner
                .place_order(permit, recorded, &operation, renewal_of);
            let answer = call.await.map_err(verdict);
            panic_at("panic_after_answer").await;
            answer
        })
    }

    fn reissue<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a ReissueOperation,
    ) -> Answer<'a, Placed> {
        let call = self.inner.reissue(permit, recorded, operation);
        Box::pin(async move { call.await.map_err(verdict) })
    }

    fn revoke<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        call: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer> {
        let call = self.inner.revoke(permit, recorded, call);
        Box::pin(async move { call.await.map_err(verdict) })
    }
}
