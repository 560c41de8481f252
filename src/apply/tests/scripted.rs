//! A CA that answers as the test says: [`Ca`]. What it shows follows from what it was told to do, so a lost
//! answer can have had its effect or not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use jiff::{SignedDuration, Timestamp};

use super::journal::Log;
use crate::apply::context::Clock;
use crate::model::{
    AccountName, CertificateId, CertificateKind, CertificateState, Digest, Identity, KeyFacts,
    KeyId, ObservedCertificate, ObservedOrder, ObservedRequest, Order, OrderId, OrderOperation,
    OrderStatus, Part, Recorded, ReissueOperation, RequestId, RequestKind, RequestStatus,
    RevokeCall, SerialNumber, Stage, StatusChange, Tag, TagLookup, Traffic, Untrusted,
};
use crate::plan::testing::account;
use crate::provider::{
    Act, Answer, Depth, ErrorKind, Observe, Permit, Placed, ProviderError, RevokeAnswer, Verdict,
};

/// What becomes of one call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Say {
    /// It is taken: an order or a reissue gets this number, a request to revoke too.
    Taken(u64),
    /// It is taken and carried out at once.
    Done(u64),
    /// It is taken, and the answer is lost.
    LostAfter(u64),
    /// It never arrives, and nobody can tell.
    LostBefore,
    /// It is refused or fails in this way.
    Fails(ErrorKind, Verdict),
    /// It is taken, and the CA answers with an error of its own.
    ErrorAfter(u64),
    /// The order is taken as number `.0`, and the answer names number `.1`.
    Misnamed(u64, u64),
}

/// A refusal in the CA's own words.
pub(super) const REFUSED: Say = Say::Fails(ErrorKind::Invalid, Verdict::Rejected);

/// Something that happens at the CA.
pub(super) type Change = Box<dyn FnOnce(&mut Books) + Send>;

/// What the CA has.
#[derive(Default)]
pub(super) struct Books {
    pub(super) orders: BTreeMap<OrderId, ObservedOrder>,
    /// What a request to revoke is about.
    targets: BTreeMap<RequestId, (OrderId, Part)>,
    /// Answers to the coming calls; a call without one fails the test.
    pub(super) calls: VecDeque<Say>,
    /// Orders that a look-up by tag does not find yet.
    pub(super) unindexed: BTreeSet<OrderId>,
    /// Every look-up by tag finds these as well.
    pub(super) strays: Vec<OrderId>,
    /// Orders that a look-up by tag finds, and that cannot be read yet.
    pub(super) unreadable: BTreeSet<OrderId>,
    /// Look-ups, reads and lists that fail, from the next one on.
    pub(super) sick: BTreeSet<&'static str>,
    /// What happens while the next permit is waited for.
    pub(super) meanwhile: Option<Change>,
}

/// How long everything takes.
#[derive(Default)]
pub(super) struct Pace {
    pub(super) call: Duration,
    pub(super) permit: Duration,
    pub(super) read: Duration,
}

/// A CA that answers as the test says.
pub(super) struct Ca {
    account: AccountName,
    books: Mutex<Books>,
    log: Log,
    clock: Clock,
    pace: Mutex<Pace>,
}

pub(super) fn pending() -> OrderStatus {
    OrderStatus::Pending(Stage::Unclear, Untrusted::new("pending"))
}

/// A certificate's number: ten times its order's, and one more with each reissue.
pub(super) fn certificate(id: u64, kind: CertificateKind) -> ObservedCertificate {
    ObservedCertificate {
        id: CertificateId::from(id),
        serial_number: Some(SerialNumber::from(format!("0A{id}"))),
        names: vec!["old.example".to_owned()],
        valid_till: Some("2027-06-30".parse().unwrap()),
        state: CertificateState::Issued,
        kind,
    }
}

/// An order as a full read shows it, issued, with one certificate.
pub(super) fn at_the_ca(id: u64, order: Option<&Order>, tag: Option<&Tag>) -> ObservedOrder {
    let mut own = certificate(id * 10, CertificateKind::Original);
    let mut shown = ObservedOrder::bare(OrderId::from(id), OrderStatus::Issued, None);
    shown.names = match order {
        Some(order) => order.certificate.names(),
        None => own.names.clone(),
    };
    own.names.clone_from(&shown.names);
    shown.product = Some(order.map_or("ssl_basic", |order| &order.product).to_owned());
    shown.common_name = order.and_then(|order| order.certificate.common_name.clone());
    shown.certificate_id = Some(own.id.clone());
    shown.serial_number.clone_from(&own.serial_number);
    shown.valid_till = own.valid_till;
    shown.tag = tag.map(ToString::to_string);
    shown.certificates = Some(vec![own]);
    shown.requests = Some(Vec::new());
    shown.duplicates = Some(0);
    shown.reissues = Some(0);
    shown.public_key = Some(Digest::of(b"key"));
    shown
}

impl Books {
    pub(super) fn show(&mut self, order: ObservedOrder) {
        self.orders.insert(order.id.clone(), order);
    }

    pub(super) fn order(&mut self, id: u64) -> &mut ObservedOrder {
        self.orders.get_mut(&OrderId::from(id)).unwrap()
    }

    /// Another certificate of an order.
    pub(super) fn add(&mut self, id: u64, certificate: ObservedCertificate) {
        let order = self.order(id);
        order.certificates.as_mut().unwrap().push(certificate);
        order.duplicates = Some(order.duplicates.unwrap_or(0) + 1);
    }

    /// An order that waited is issued.
    pub(super) fn issue(&mut self, id: u64) {
        let certificate = CertificateId::from(id * 10);
        let order = self.order(id);
        order.status = OrderStatus::Issued;
        order.certificate_id = Some(certificate);
    }

    /// A reissue that waited is issued, under the next certificate number.
    pub(super) fn reissue(&mut self, id: u64) {
        let order = self.order(id);
        order.status = OrderStatus::Issued;
        let certificates = order.certificates.as_mut().unwrap();
        let number = id * 10 + certificates.len() as u64;
        let mut new = certificate(number, CertificateKind::Reissue);
        new.names.clone_from(&order.names);
        order.certificate_id = Some(new.id.clone());
        order.serial_number.clone_from(&new.serial_number);
        certificates.push(new);
    }

    /// An administrator decides a request to revoke, or a reissue.
    pub(super) fn decide(&mut self, id: u64, status: RequestStatus) {
        let id = RequestId::from(id);
        for order in self.orders.values_mut() {
            for request in order.requests.iter_mut().flatten() {
                if request.id == id {
                    request.status = status.clone();
                }
            }
        }
        if status == RequestStatus::Approved
            && let Some((order, part)) = self.targets.remove(&id)
        {
            self.revoke(&order, &part);
        }
    }

    pub(super) fn revoke(&mut self, order: &OrderId, part: &Part) {
        let order = self.orders.get_mut(order).unwrap();
        for certificate in order.certificates.iter_mut().flatten() {
            if *part == Part::Order || *part == Part::Certificate(certificate.id.clone()) {
                certificate.state = CertificateState::Revoked;
            }
        }
        if *part == Part::Order {
            order.status = OrderStatus::Revoked;
        }
    }
}

/// An error of this kind.
pub(super) fn failed(kind: ErrorKind, verdict: Verdict) -> ProviderError {
    ProviderError::new(kind, verdict, format!("said the CA: {kind:?}"))
}

fn lost() -> ProviderError {
    failed(ErrorKind::Interrupted, Verdict::InDoubt)
}

impl Ca {
    pub(super) fn new(log: Log, clock: Clock) -> Self {
        Self {
            account: account(),
            books: Mutex::default(),
            log,
            clock,
            pace: Mutex::default(),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap()
    }

    /// The coming calls are answered so.
    pub(super) fn says(&self, calls: impl IntoIterator<Item = Say>) {
        self.books().calls.extend(calls);
    }

    /// Looks something up, or fails where the CA is sick.
    fn look<T>(&self, what: &'static str, find: impl FnOnce(&mut Books) -> T) -> Answer<'_, T>
    where
        T: Send + 'static,
    {
        let mut books = self.books();
        let found = if books.sick.contains(what) {
            Err(failed(ErrorKind::Server, Verdict::InDoubt))
        } else {
            Ok(find(&mut books))
        };
        let takes = self.pace().read;
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            found
        })
    }

    /// Makes a call: what it does at the CA, and what is said to it.
    async fn call<T>(
        &self,
        line: String,
        effect: impl FnOnce(&mut Books, u64, bool) -> T + Send,
    ) -> Result<T, ProviderError> {
        self.log.add(line.clone());
        let say = self.books().calls.pop_front();
        let say = say.unwrap_or_else(|| panic!("nothing was said about: {line}"));
        let takes = self.pace().call;
        // The effect comes first: a run that is cut short does not undo it.
        let answer = match say {
            Say::Taken(number) | Say::Misnamed(number, _) => {
                Ok(effect(&mut self.books(), number, false))
            }
            Say::Done(number) => Ok(effect(&mut self.books(), number, true)),
            Say::LostAfter(number) => {
                effect(&mut self.books(), number, false);
                Err(lost())
            }
            Say::ErrorAfter(number) => {
                effect(&mut self.books(), number, false);
                Err(failed(ErrorKind::Server, Verdict::InDoubt))
            }
            Say::LostBefore => Err(lost()),
            Say::Fails(kind, verdict) => Err(failed(kind, verdict)),
        };
        tokio::time::sleep(takes).await;
        answer
    }

    fn request(&self, number: u64, kind: RequestKind) -> ObservedRequest {
        ObservedRequest {
            id: RequestId::from(number),
            kind,
            status: RequestStatus::Pending,
            order_id: None,
            date: Some((self.clock)().at),
        }
    }
}

/// The name of an order in the manifest: the tests' orders have it as their common name.
fn name_of(order: &Order) -> &str {
    order.certificate.common_name.as_deref().unwrap()
}

fn placed(number: u64, done: bool) -> Placed {
    Placed {
        order_id: OrderId::from(number),
        request: (!done).then(|| (RequestId::from(number + 1000), RequestStatus::Pending)),
        certificate_id: done.then(|| CertificateId::from(number * 10)),
        validation: Vec::new(),
    }
}

impl Observe for Ca {
    fn account(&self) -> &AccountName {
        &self.account
    }

    fn endpoint(&self) -> &str {
        super::world::ENDPOINT
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        Box::pin(ready(Ok(None)))
    }

    fn key<'a>(&'a self, _: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        Box::pin(ready(Ok(None)))
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        self.look("list", |books| books.orders.values().cloned().collect())
    }

    fn order<'a>(&'a self, id: &'a OrderId, _: Depth) -> Answer<'a, Option<ObservedOrder>> {
        self.log.add(format!("read {id}"));
        self.look("read", |books| {
            let unreadable = books.unreadable.contains(id);
            books.orders.get(id).filter(|_| !unreadable).cloned()
        })
    }

    fn reads(&self, _: Depth) -> u32 {
        1
    }

    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup> {
        self.log.add(format!("look up {tag}"));
        self.look("look-up", |books| {
            let carries = |order: &&ObservedOrder| {
                order.tag.as_deref() == Some(tag.as_str()) && !books.unindexed.contains(&order.id)
            };
            let found = books.orders.values().filter(carries);
            let strays = books.strays.iter().map(|id| &books.orders[id]);
            let orders = found.chain(strays).map(change).collect();
            TagLookup { orders }
        })
    }

    fn changes(&self, _: Duration) -> Answer<'_, Vec<StatusChange>> {
        self.log.add("poll orders");
        self.look("feed", |books| books.orders.values().map(change).collect())
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        self.log.add("poll requests");
        self.look("requests", |books| books.requests())
    }

    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn funds(&self) -> Answer<'_, Option<(rust_decimal::Decimal, String)>> {
        Box::pin(ready(Ok(None)))
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

impl Books {
    /// Every request to revoke.
    pub(super) fn requests(&self) -> Vec<ObservedRequest> {
        let mut found = Vec::new();
        for order in self.orders.values() {
            let requests = order.requests.iter().flatten();
            for request in requests.filter(|request| request.kind == RequestKind::Revoke) {
                let mut request = request.clone();
                request.order_id = Some(order.id.clone());
                found.push(request);
            }
        }
        found
    }
}

fn change(order: &ObservedOrder) -> StatusChange {
    StatusChange {
        order_id: order.id.clone(),
        certificate_id: order.certificate_id.clone(),
        status: order.status.clone(),
    }
}

impl Act for Ca {
    fn permit(&self, _: u32) -> BoxFuture<'_, Permit> {
        Box::pin(async move {
            let wait = self.pace().permit;
            tokio::time::sleep(wait).await;
            let happens = self.books().meanwhile.take();
            if let Some(happens) = happens {
                happens(&mut self.books());
            }
            self.log.add("permit");
            Permit::unlimited().await
        })
    }

    fn order_under<'a>(
        &'a self,
        _: &'a mut Permit,
        id: &'a OrderId,
        _: Depth,
    ) -> Answer<'a, Option<ObservedOrder>> {
        self.log.add(format!("reread {id}"));
        self.look("reread", |books| books.orders.get(id).cloned())
    }

    fn place_order<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a OrderOperation,
        renewal_of: Option<&'a OrderId>,
    ) -> Answer<'a, Placed> {
        let order = &operation.order;
        let name = name_of(order);
        let line = match renewal_of {
            Some(id) => format!("place {name} for {id}"),
            None => format!("place {name}"),
        };
        Box::pin(async move {
            let misnamed = match self.books().calls.front() {
                Some(Say::Misnamed(_, other)) => Some(*other),
                _ => None,
            };
            let created: Timestamp = (self.clock)().at;
            let answer = self.call(line, |books, number, done| {
                let mut shown = at_the_ca(number, Some(order), Some(&operation.tag));
                shown.created_at = Some(created);
                if !done {
                    shown.status = pending();
                    shown.certificate_id = None;
                }
                books.show(shown);
                placed(number, done)
            });
            let answer = answer.await;
            drop((permit, recorded));
            answer.map(|answer| misnamed.map_or(answer, |other| placed(other, false)))
        })
    }

    fn reissue<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        operation: &'a ReissueOperation,
    ) -> Answer<'a, Placed> {
        let line = format!("reissue {}", name_of(&operation.order));
        Box::pin(async move {
            let id: u64 = operation.order_id.as_str().parse().unwrap();
            let answer = self.call(line, |books, number, done| {
                let request = self.request(number, RequestKind::Reissue);
                let order = books.order(id);
                order.names = operation.order.certificate.names();
                order.status = OrderStatus::ReissuePending;
                if done {
                    books.reissue(id);
                } else {
                    order.requests.as_mut().unwrap().push(request);
                }
                Placed {
                    request: (!done).then(|| (RequestId::from(number), RequestStatus::Pending)),
                    ..placed(id, done)
                }
            });
            let answer = answer.await;
            drop((permit, recorded));
            answer
        })
    }

    fn revoke<'a>(
        &'a self,
        permit: Permit,
        recorded: Recorded,
        call: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer> {
        let order_id = call.operation.order_id.clone();
        let name = call.operation.comments.as_deref().unwrap();
        let line = match call.part {
            Part::Order => format!("revoke {name}: order {order_id}"),
            Part::Certificate(id) => format!("revoke {name}: certificate {id}"),
        };
        Box::pin(async move {
            let answer = self.call(line, |books, number, done| {
                if done {
                    books.revoke(&order_id, call.part);
                    return RevokeAnswer::Revoked;
                }
                let request = self.request(number, RequestKind::Revoke);
                let id = request.id.clone();
                let target = (order_id.clone(), call.part.clone());
                books.targets.insert(id.clone(), target);
                let order = books.orders.get_mut(&order_id).unwrap();
                order.requests.as_mut().unwrap().push(request);
                RevokeAnswer::Requested {
                    request_id: Some(id),
                    certificates: None,
                }
            });
            let answer = answer.await;
            drop((permit, recorded));
            answer
        })
    }
}
