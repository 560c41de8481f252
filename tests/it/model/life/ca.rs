//! The CA of the model: its orders, what people do with them, and what it shows.

use std::collections::BTreeMap;

use certplan::model::{
    CertificateId, CertificateKind, CertificateState, Observed, ObservedAccount,
    ObservedCertificate, ObservedOrder, ObservedRequest, OrderStatus, RequestId, RequestKind,
    RequestStatus, Stage as PendingStage, StatusChange, TagLookup, Untrusted,
};
use certplan::plan::Questions;

use super::manifest::{NAME, PRODUCT, account, key, order_id, place_of, tag};

/// An order at the CA.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CaOrder {
    pub(super) maker: Maker,
    pub(super) stage: Stage,
    /// Its certificates, the one in force last.
    pub(super) certificates: Vec<Certificate>,
    pub(super) requests: Vec<Request>,
}

/// Who placed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Maker {
    /// `shop`, in this generation, under its first name or its later one: it carries the tag.
    Entry(u8, bool),
    /// Somebody in the console, for the same names.
    Twin,
    /// Somebody long ago, for another name.
    Old,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Waiting,
    Issued,
    Rejected,
    Revoked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Certificate {
    pub(super) key: u8,
    /// Revoked alone, or run out.
    pub(super) end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    Revoked,
    RanOut,
}

/// What an administrator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) about: About,
    pub(super) decided: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum About {
    /// A new order with this key.
    Order(u8),
    /// A reissue with this key.
    Reissue(u8),
    /// The whole order.
    Revocation,
    /// The certificate with this place in the order.
    RevocationOf(u8),
}

/// Every order of the account.
pub(super) type Orders = Vec<CaOrder>;

impl CaOrder {
    pub(super) fn issued(maker: Maker, key: u8) -> Self {
        Self {
            maker,
            stage: Stage::Issued,
            certificates: vec![Certificate { key, end: None }],
            requests: Vec::new(),
        }
    }

    pub(super) fn asked_for(maker: Maker, key: u8) -> Self {
        Self {
            maker,
            stage: Stage::Waiting,
            certificates: Vec::new(),
            requests: vec![Request {
                about: About::Order(key),
                decided: None,
            }],
        }
    }

    /// The certificate that the order shows as its own.
    pub(super) fn primary(&self) -> Option<&Certificate> {
        self.certificates.last()
    }

    /// True when the order and its certificate are good for a server.
    pub(super) fn in_force(&self) -> bool {
        self.stage == Stage::Issued && self.primary().is_some_and(|one| one.end.is_none())
    }

    /// True when nobody may buy the same beside it.
    pub(super) fn lives(&self) -> bool {
        self.stage == Stage::Waiting || self.in_force()
    }

    pub(super) fn reissue_waits(&self) -> bool {
        self.open(|about| matches!(about, About::Reissue(_)))
    }

    pub(super) fn open(&self, kind: impl Fn(About) -> bool) -> bool {
        let mut open = self.requests.iter().filter(|one| one.decided.is_none());
        open.any(|one| kind(one.about))
    }

    pub(super) fn ask(&mut self, about: About) -> usize {
        self.requests.push(Request {
            about,
            decided: None,
        });
        self.requests.len() - 1
    }

    /// An administrator decides everything that waits.
    pub(super) fn decide(&mut self, yes: bool) {
        for at in 0..self.requests.len() {
            if self.requests[at].decided.is_none() {
                self.requests[at].decided = Some(yes);
                match (self.requests[at].about, yes) {
                    (About::Order(key), true) => {
                        self.stage = Stage::Issued;
                        self.certificates.push(Certificate { key, end: None });
                    }
                    (About::Order(_), false) => self.stage = Stage::Rejected,
                    (About::Reissue(key), true) => {
                        self.certificates.push(Certificate { key, end: None });
                    }
                    (About::Revocation, true) => self.revoke(),
                    (About::RevocationOf(number), true) => self.revoke_one(number),
                    (About::Reissue(_) | About::Revocation | About::RevocationOf(_), false) => {}
                }
            }
        }
    }

    pub(super) fn revoke(&mut self) {
        self.stage = Stage::Revoked;
        for one in &mut self.certificates {
            one.end.get_or_insert(End::Revoked);
        }
    }

    pub(super) fn revoke_one(&mut self, number: u8) {
        let one = &mut self.certificates[usize::from(number)];
        one.end.get_or_insert(End::Revoked);
    }

    fn status(&self) -> OrderStatus {
        match self.stage {
            Stage::Waiting => {
                OrderStatus::Pending(PendingStage::Approval, Untrusted::new("needs_approval"))
            }
            Stage::Issued if self.reissue_waits() => OrderStatus::ReissuePending,
            Stage::Issued => OrderStatus::Issued,
            Stage::Rejected => OrderStatus::Rejected,
            Stage::Revoked => OrderStatus::Revoked,
        }
    }
}

/// The certificate with this place in an order.
pub(super) fn certificate_id(order: usize, number: usize) -> CertificateId {
    let (order, number) = (u64::try_from(order), u64::try_from(number));
    CertificateId::from(100 * (order.expect("few") + 1) + number.expect("few"))
}

/// The number of the request with this place in an order.
pub(super) fn request_id(order: usize, number: usize) -> RequestId {
    let (order, number) = (u64::try_from(order), u64::try_from(number));
    RequestId::from(1000 * (order.expect("few") + 1) + number.expect("few"))
}

/// A line of the account's list.
fn listed(orders: &Orders, at: usize) -> ObservedOrder {
    let one = &orders[at];
    let number = one.certificates.len().checked_sub(1);
    let name = match one.maker {
        Maker::Entry(..) | Maker::Twin => NAME,
        Maker::Old => "old.example.com",
    };
    let end = one.primary().and_then(|certificate| certificate.end);
    let id = order_id(u8::try_from(at).expect("few orders"));
    ObservedOrder {
        product: Some(PRODUCT.to_owned()),
        common_name: Some(name.to_owned()),
        names: vec![name.to_owned()],
        serial_number: number.map(|number| format!("0a{at}{number}").as_str().into()),
        valid_till: end.map_or("2030-01-01", till).parse().ok(),
        certificate_revoked: end == Some(End::Revoked),
        all_duplicates: true,
        duplicates: Some(0),
        reissues: Some(u32::try_from(number.unwrap_or(0)).expect("few")),
        ..ObservedOrder::bare(id, one.status(), number.map(|n| certificate_id(at, n)))
    }
}

fn till(end: End) -> &'static str {
    match end {
        End::Revoked => "2030-01-01",
        End::RanOut => "1969-01-01",
    }
}

/// An order, read in full.
pub(super) fn read(orders: &Orders, at: usize) -> ObservedOrder {
    let one = &orders[at];
    let listed = listed(orders, at);
    let last = one.certificates.len().saturating_sub(1);
    let certificates = one.certificates.iter().enumerate();
    ObservedOrder {
        tag: match one.maker {
            Maker::Entry(generation, renamed) => Some(tag(generation, renamed).to_string()),
            Maker::Twin | Maker::Old => None,
        },
        public_key: Some(match one.requests.first().map(|request| request.about) {
            Some(About::Order(number)) if one.certificates.is_empty() => key(number),
            _ => key(one.primary().map_or(0, |certificate| certificate.key)),
        }),
        certificates: Some(
            certificates
                .map(|(number, certificate)| ObservedCertificate {
                    id: certificate_id(at, number),
                    serial_number: Some(format!("0a{at}{number}").as_str().into()),
                    names: listed.names.clone(),
                    valid_till: certificate.end.map_or("2030-01-01", till).parse().ok(),
                    state: match certificate.end {
                        None => CertificateState::Issued,
                        Some(End::Revoked) => CertificateState::Revoked,
                        Some(End::RanOut) => CertificateState::Expired,
                    },
                    kind: if number == last {
                        CertificateKind::Original
                    } else {
                        CertificateKind::Reissue
                    },
                })
                .collect(),
        ),
        requests: Some(requests(orders, at)),
        ..listed
    }
}

fn requests(orders: &Orders, at: usize) -> Vec<ObservedRequest> {
    let requests = orders[at].requests.iter().enumerate();
    requests
        .map(|(number, request)| ObservedRequest {
            id: request_id(at, number),
            kind: match request.about {
                About::Order(_) => RequestKind::NewRequest,
                About::Reissue(_) => RequestKind::Reissue,
                About::Revocation | About::RevocationOf(_) => RequestKind::Revoke,
            },
            status: match request.decided {
                None => RequestStatus::Pending,
                Some(true) => RequestStatus::Approved,
                Some(false) => RequestStatus::Rejected,
            },
            order_id: Some(order_id(u8::try_from(at).expect("few orders"))),
            date: None,
        })
        .collect()
}

/// The lists of the account.
pub(super) fn lists(orders: &Orders) -> Observed {
    let listed = (0..orders.len()).map(|at| listed(orders, at));
    let read = ObservedAccount {
        orders: listed.map(|order| (order.id.clone(), order)).collect(),
        ..ObservedAccount::default()
    };
    Observed {
        folder: None,
        accounts: BTreeMap::from([(account(), read)]),
    }
}

/// Adds the answers to what a plan asks.
pub(super) fn answer(orders: &Orders, questions: &Questions, known: &mut ObservedAccount) {
    for id in questions.orders.union(&questions.dying) {
        let at = place_of(id);
        let order = (at < orders.len()).then(|| read(orders, at));
        known.details.insert(id.clone(), order);
    }
    for asked in &questions.tags {
        let carriers = (0..orders.len()).map(|at| read(orders, at));
        let carriers = carriers.filter(|order| order.tag.as_deref() == Some(asked.as_str()));
        let orders = carriers.map(|order| StatusChange {
            order_id: order.id,
            certificate_id: order.certificate_id,
            status: order.status,
        });
        let orders = orders.collect();
        known.tags.insert(asked.clone(), TagLookup { orders });
    }
    if questions.revocation_requests {
        let all = (0..orders.len()).flat_map(|at| requests(orders, at));
        let revocations = all.filter(|request| request.kind == RequestKind::Revoke);
        known.revocation_requests = Some(revocations.collect());
    }
    if questions.waiting_orders {
        let all = (0..orders.len()).filter(|&at| orders[at].stage == Stage::Waiting);
        known.waiting_orders = Some(all.map(|at| self::listed(orders, at)).collect());
    }
}
