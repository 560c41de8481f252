//! A CA in memory: [`Ca`]. It takes every order and remembers every call.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use jiff::SignedDuration;

use crate::model::{
    AccountName, CertificateId, CertificateKind, CertificateState, Identity, KeyFacts, KeyId,
    ObservedCertificate, ObservedOrder, ObservedRequest, Order, OrderId, OrderOperation,
    OrderStatus, Part, Recorded, ReissueOperation, RequestId, RequestStatus, RevokeCall,
    SerialNumber, Stage, StatusChange, Tag, TagLookup, Traffic, Untrusted,
};
use crate::plan::tests::testing::account;
use crate::provider::{Act, Answer, Depth, Observe, Permit, Placed, RevokeAnswer};

/// What the CA has, and what it was asked to change.
#[derive(Default)]
pub(super) struct Books {
    pub(super) orders: BTreeMap<OrderId, ObservedOrder>,
    pub(super) key: Option<KeyFacts>,
    /// One line for each call, in order.
    pub(super) calls: Vec<String>,
}

/// A CA in memory.
pub(super) struct Ca {
    account: AccountName,
    books: Mutex<Books>,
}

/// An order that is issued, with one certificate, as a full read shows it.
pub(super) fn issued(id: u64, common_name: &str) -> ObservedOrder {
    let certificate = ObservedCertificate {
        id: CertificateId::from(id * 10),
        serial_number: Some(SerialNumber::from(format!("0A{id}"))),
        names: names(common_name),
        valid_till: Some("2999-06-30".parse().unwrap()),
        state: CertificateState::Issued,
        kind: CertificateKind::Original,
    };
    let id = OrderId::from(id);
    let primary = Some(certificate.id.clone());
    let mut shown = ObservedOrder::bare(id, OrderStatus::Issued, primary);
    shown.product = Some("client_premium_sha2".to_owned());
    shown.common_name = Some(common_name.to_owned());
    shown.names = names(common_name);
    shown.serial_number.clone_from(&certificate.serial_number);
    shown.valid_till = certificate.valid_till;
    shown.duplicates = Some(0);
    shown.reissues = Some(0);
    shown.certificates = Some(vec![certificate]);
    shown.requests = Some(Vec::new());
    shown
}

fn names(common_name: &str) -> Vec<String> {
    vec![common_name.to_owned(), format!("{common_name}@example.com")]
}

fn pending(id: u64, order: &Order, tag: &Tag) -> ObservedOrder {
    let name = order.certificate.common_name.as_deref().unwrap();
    let mut shown = issued(id, name);
    shown.status = OrderStatus::Pending(Stage::Unclear, Untrusted::new("pending"));
    shown.names = order.certificate.names();
    shown.product = Some(order.product.clone());
    shown.tag = Some(tag.to_string());
    shown.certificate_id = None;
    shown.certificates = Some(Vec::new());
    shown
}

impl Ca {
    pub(super) fn new() -> Self {
        Self {
            account: account(),
            books: Mutex::default(),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(super) fn show(&self, order: ObservedOrder) {
        self.books().orders.insert(order.id.clone(), order);
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.books().calls.clone()
    }
}

fn said<'a, T: Send + 'a>(answer: T) -> Answer<'a, T> {
    Box::pin(ready(Ok(answer)))
}

fn change(order: &ObservedOrder) -> StatusChange {
    StatusChange {
        order_id: order.id.clone(),
        certificate_id: order.certificate_id.clone(),
        status: order.status.clone(),
    }
}

impl Observe for Ca {
    fn account(&self) -> &AccountName {
        &self.account
    }

    fn endpoint(&self) -> &str {
        "https://www.digicert.com/services/v2"
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        said(None)
    }

    fn key<'a>(&'a self, _: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        said(self.books().key.clone())
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        said(self.books().orders.values().cloned().collect())
    }

    fn order<'a>(&'a self, id: &'a OrderId, _: Depth) -> Answer<'a, Option<ObservedOrder>> {
        said(self.books().orders.get(id).cloned())
    }

    fn reads(&self, _: Depth) -> u32 {
        1
    }

    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup> {
        let books = self.books();
        let orders = books.orders.values();
        let found = orders.filter(|order| order.tag.as_deref() == Some(tag.as_str()));
        said(TagLookup {
            orders: found.map(change).collect(),
        })
    }

    fn changes(&self, _: Duration) -> Answer<'_, Vec<StatusChange>> {
        said(self.books().orders.values().map(change).collect())
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        said(Vec::new())
    }

    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        said(Vec::new())
    }

    fn funds(&self) -> Answer<'_, Option<(rust_decimal::Decimal, String)>> {
        said(None)
    }

    fn clock_skew(&self) -> Option<SignedDuration> {
        None
    }

    fn requests_sent(&self) -> u32 {
        0
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

impl Act for Ca {
    fn permit(&self, _: u32) -> BoxFuture<'_, Permit> {
        Box::pin(Permit::unlimited())
    }

    fn order_under<'a>(
        &'a self,
        _: &'a mut Permit,
        id: &'a OrderId,
        depth: Depth,
    ) -> Answer<'a, Option<ObservedOrder>> {
        self.order(id, depth)
    }

    fn place_order<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a OrderOperation,
        _: Option<&'a OrderId>,
    ) -> Answer<'a, Placed> {
        let mut books = self.books();
        let number = 1000 + books.orders.len() as u64;
        let shown = pending(number, &operation.order, &operation.tag);
        let name = shown.common_name.clone().unwrap_or_default();
        books.calls.push(format!("place {name}"));
        books.orders.insert(shown.id.clone(), shown);
        drop((permit, recorded));
        said(Placed {
            order_id: OrderId::from(number),
            request: Some((RequestId::from(number + 1000), RequestStatus::Pending)),
            certificate_id: None,
            validation: Vec::new(),
            chain: None,
        })
    }

    fn reissue<'a>(
        &'a self,
        _: Permit,
        _: Recorded,
        _: &'a ReissueOperation,
    ) -> Answer<'a, Placed> {
        panic!("no test of these asks for a reissue")
    }

    fn revoke<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        call: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer> {
        let id = call.operation.order_id.clone();
        let mut books = self.books();
        books.calls.push(format!("revoke {id}"));
        assert_eq!(*call.part, Part::Order);
        books.orders.get_mut(&id).unwrap().status = OrderStatus::Revoked;
        drop((permit, recorded));
        said(RevokeAnswer::Revoked)
    }
}
