//! A CA that answers as the test says: [`Ca`]. What it shows follows from what it was told to do, so a lost
//! answer can have had its effect or not.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use jiff::{SignedDuration, Timestamp};

use super::books::{Books, Say, at_the_ca, change, pending};
use super::journal::Log;
use crate::apply::context::Clock;
use crate::model::{
    AccountName, CertificateId, Identity, KeyFacts, KeyId, ObservedOrder, ObservedRequest, Order,
    OrderId, OrderOperation, OrderStatus, Part, Recorded, ReissueOperation, RequestId, RequestKind,
    RequestStatus, RevokeCall, StatusChange, Tag, TagLookup, Traffic,
};
use crate::plan::tests::testing::account;
use crate::provider::{
    Act, Answer, Depth, ErrorKind, Observe, Permit, Placed, ProviderError, RevokeAnswer, Verdict,
};

pub(super) const ENDPOINT: &str = "https://ca.example/services/v2";

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
    fn found<T>(&self, what: &'static str, find: impl FnOnce(&mut Books) -> T) -> Answer<'_, T>
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
        chain: None,
    }
}

impl Observe for Ca {
    fn account(&self) -> &AccountName {
        &self.account
    }

    fn endpoint(&self) -> &str {
        ENDPOINT
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        Box::pin(ready(Ok(None)))
    }

    fn key<'a>(&'a self, _: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        Box::pin(ready(Ok(None)))
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        self.found("list", |books| books.orders.values().cloned().collect())
    }

    fn order<'a>(&'a self, id: &'a OrderId, _: Depth) -> Answer<'a, Option<ObservedOrder>> {
        self.log.add(format!("read {id}"));
        self.found("read", |books| {
            let unreadable = books.unreadable.contains(id);
            books.orders.get(id).filter(|_| !unreadable).cloned()
        })
    }

    fn reads(&self, _: Depth) -> u32 {
        1
    }

    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup> {
        self.log.add(format!("look up {tag}"));
        self.found("look-up", |books| {
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
        self.found("feed", |books| books.orders.values().map(change).collect())
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        self.log.add("poll requests");
        self.found("requests", |books| books.requests())
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
        self.found("reread", |books| books.orders.get(id).cloned())
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
