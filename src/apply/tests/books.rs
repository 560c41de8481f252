//! What the scripted CA has, and what it says to the coming calls: [`Books`] and [`Say`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::{
    CertificateId, CertificateKind, CertificateState, Digest, ObservedCertificate, ObservedOrder,
    ObservedRequest, Order, OrderId, OrderStatus, Part, RequestId, RequestKind, RequestStatus,
    SerialNumber, Stage, StatusChange, Tag, Untrusted,
};
use crate::provider::{ErrorKind, Verdict};

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
    pub(super) targets: BTreeMap<RequestId, (OrderId, Part)>,
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

pub(super) fn change(order: &ObservedOrder) -> StatusChange {
    StatusChange {
        order_id: order.id.clone(),
        certificate_id: order.certificate_id.clone(),
        status: order.status.clone(),
    }
}
