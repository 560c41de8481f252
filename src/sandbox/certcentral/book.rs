//! All of CertCentral's orders and requests, with the indexes that keep a look-up from being a scan,
//! and the few ways in which they change. Main type: [`Book`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::domains::Domains;
use super::order::{
    CertificateStatus, Issued, Order, OrderStatus, Request, RequestStatus, RequestType,
};
use super::products;
use super::refusal::Refusal;
use crate::sandbox::ca::{Authority, Contents, Usage};
use crate::sandbox::clock::{Clock, end_of, start_of};

#[derive(Debug)]
pub(in crate::sandbox) struct Book {
    clock: Clock,
    pub(in crate::sandbox) orders: BTreeMap<u64, Order>,
    pub(in crate::sandbox) requests: BTreeMap<u64, Request>,
    pub(in crate::sandbox) by_alternative_id: HashMap<String, Vec<u64>>,
    /// Certificate id to order id.
    pub(in crate::sandbox) order_of: HashMap<u64, u64>,
    /// Serial number or thumbprint, upper case, to certificate id.
    by_name: HashMap<String, u64>,
    next_order: u64,
    next_certificate: u64,
    next_request: u64,
    pub(in crate::sandbox) spent_cents: u64,
    pub(in crate::sandbox) changed_orders: BTreeSet<u64>,
    /// Each order's status, and its certificate in force, as they were when the last call had ended.
    standings: HashMap<u64, (OrderStatus, Option<u64>)>,
    pub(in crate::sandbox) changed_requests: BTreeSet<u64>,
    pub(in crate::sandbox) domains: Domains,
}

impl Book {
    pub(in crate::sandbox) fn new(clock: Clock) -> Self {
        // Ids of each kind start far apart: one taken for another is then found out.
        Self {
            clock,
            orders: BTreeMap::new(),
            requests: BTreeMap::new(),
            by_alternative_id: HashMap::new(),
            order_of: HashMap::new(),
            by_name: HashMap::new(),
            next_order: 70_000_001,
            next_certificate: 90_000_001,
            next_request: 88_001,
            spent_cents: 0,
            changed_orders: BTreeSet::new(),
            standings: HashMap::new(),
            changed_requests: BTreeSet::new(),
            domains: Domains::default(),
        }
    }

    pub(in crate::sandbox) fn new_order_id(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order - 1
    }

    pub(in crate::sandbox) fn new_certificate_id(&mut self) -> u64 {
        self.next_certificate += 1;
        self.next_certificate - 1
    }

    /// Puts an order in, or back, and into every index.
    pub(in crate::sandbox) fn restore_order(&mut self, order: Order) {
        self.next_order = self.next_order.max(order.id.saturating_add(1));
        for certificate in &order.certificates {
            self.next_certificate = self.next_certificate.max(certificate.id.saturating_add(1));
            self.order_of.insert(certificate.id, order.id);
            if let Some(issued) = &certificate.issued {
                self.by_name
                    .insert(issued.serial_number.clone(), certificate.id);
                if let Some((_, thumbprint)) = &issued.signed {
                    self.by_name.insert(thumbprint.clone(), certificate.id);
                }
            }
        }
        let before = self.orders.get(&order.id);
        let cents = |order: &Order| {
            if order.paid {
                u64::from(order.price_cents)
            } else {
                0
            }
        };
        self.spent_cents += cents(&order);
        self.spent_cents -= before.map_or(0, cents);
        if before.is_none()
            && let Some(value) = &order.alternative_order_id
        {
            self.by_alternative_id
                .entry(value.clone())
                .or_default()
                .push(order.id);
        }
        self.changed_orders.insert(order.id);
        self.standings
            .insert(order.id, (order.status, order.certificate_id()));
        self.orders.insert(order.id, order);
    }

    /// After each call: an order whose status is another one has changed now, for the status-changes feed.
    ///
    /// Assumption: a reissue is a change of status even when it is issued at once; duplicates, the
    /// revocation of one certificate and edits are none.
    pub(in crate::sandbox) fn note_statuses(&mut self) {
        let now = self.clock.now();
        for id in &self.changed_orders {
            let Some(order) = self.orders.get_mut(id) else {
                continue;
            };
            let standing = (order.status, order.certificate_id());
            if self.standings.insert(*id, standing) != Some(standing) {
                order.changed = now;
            }
        }
    }

    pub(in crate::sandbox) fn restore_request(&mut self, request: Request) {
        self.next_request = self.next_request.max(request.id.saturating_add(1));
        self.changed_requests.insert(request.id);
        self.requests.insert(request.id, request);
    }

    /// The id of a request that is there.
    pub(super) fn find_request(&self, id: &str) -> Result<u64, Refusal> {
        let id = id.parse().ok().filter(|id| self.requests.contains_key(id));
        id.ok_or_else(|| Refusal::not_found("request"))
    }

    /// An order by its id, or by the serial number or thumbprint of one of its certificates.
    pub(in crate::sandbox) fn find_order(&self, name: &str) -> Result<u64, Refusal> {
        let by_id = name.parse().ok().filter(|id| self.orders.contains_key(id));
        let by_name = || self.order_of.get(self.by_name.get(&normal(name))?).copied();
        by_id
            .or_else(by_name)
            .ok_or_else(|| Refusal::not_found("order"))
    }

    /// A certificate by its id or serial number: order id and certificate id.
    pub(in crate::sandbox) fn find_certificate(&self, name: &str) -> Result<(u64, u64), Refusal> {
        let by_id = name
            .parse()
            .ok()
            .filter(|id| self.order_of.contains_key(id));
        let id = by_id.or_else(|| self.by_name.get(&normal(name)).copied());
        let found = id.and_then(|id| Some((*self.order_of.get(&id)?, id)));
        found.ok_or_else(|| Refusal::not_found("certificate"))
    }

    pub(in crate::sandbox) fn order(&self, id: u64) -> Result<&Order, Refusal> {
        self.orders
            .get(&id)
            .ok_or_else(|| Refusal::not_found("order"))
    }

    /// An order to be changed.
    pub(in crate::sandbox) fn change(&mut self, id: u64) -> Result<&mut Order, Refusal> {
        let order = self
            .orders
            .get_mut(&id)
            .ok_or_else(|| Refusal::not_found("order"))?;
        self.changed_orders.insert(id);
        Ok(order)
    }

    /// Opens a request that waits for a decision.
    pub(in crate::sandbox) fn open_request(
        &mut self,
        kind: RequestType,
        order_id: u64,
        certificate_id: Option<u64>,
        comments: Option<String>,
    ) -> Result<u64, Refusal> {
        let id = self.next_request;
        self.change(order_id)?.requests.push(id);
        self.restore_request(Request {
            id,
            kind,
            status: RequestStatus::Pending,
            order_id,
            certificate_id,
            date: self.clock.now(),
            decided: None,
            comments,
            processor_comment: None,
        });
        Ok(id)
    }

    /// Whether a request to revoke just this, an order as a whole or one certificate, is undecided.
    pub(in crate::sandbox) fn has_pending_revocation(
        &self,
        order_id: u64,
        certificate_id: Option<u64>,
    ) -> bool {
        let requests = self.orders.get(&order_id).map(|order| &order.requests);
        requests
            .into_iter()
            .flatten()
            .filter_map(|id| self.requests.get(id))
            .any(|request| {
                request.kind == RequestType::Revoke
                    && request.status == RequestStatus::Pending
                    && request.certificate_id == certificate_id
            })
    }

    pub(in crate::sandbox) fn has_pending_request(&self, order: &Order) -> bool {
        let pending = |id| {
            self.requests
                .get(id)
                .is_some_and(|request: &Request| request.status == RequestStatus::Pending)
        };
        order.requests.iter().any(pending)
    }

    /// Issues a certificate: what it says of itself is given, and it is signed.
    pub(super) fn issue(
        &mut self,
        authority: &Authority,
        order_id: u64,
        certificate_id: u64,
        issued: Issued,
    ) -> Result<(), Refusal> {
        let certificate = self
            .change(order_id)?
            .certificate_mut(certificate_id)
            .ok_or_else(|| Refusal::not_found("certificate"))?;
        certificate.status = CertificateStatus::Issued;
        let serial = issued.serial_number.clone();
        certificate.issued = Some(issued);
        self.by_name.insert(serial, certificate_id);
        self.sign(authority, order_id, certificate_id)
    }

    /// Signs what is issued and not yet signed: a seeded certificate waits until somebody looks at it.
    pub(in crate::sandbox) fn sign(
        &mut self,
        authority: &Authority,
        order_id: u64,
        certificate_id: u64,
    ) -> Result<(), Refusal> {
        let order = self
            .orders
            .get_mut(&order_id)
            .ok_or_else(|| Refusal::not_found("order"))?;
        let usage = match products::find(&order.product) {
            Some(product) if product.is_tls() => Usage::Server,
            _ => Usage::Client,
        };
        let organization = order.organization_id.map(super::organizations::name);
        let Some(certificate) = order.certificate_mut(certificate_id) else {
            return Err(Refusal::not_found("certificate"));
        };
        let Some(issued) = &certificate.issued else {
            return Ok(());
        };
        if issued.signed.is_some() {
            return Ok(());
        }
        let contents = Contents {
            common_name: &certificate.common_name,
            organization: organization.as_deref(),
            organization_units: &certificate.organization_units,
            dns_names: &certificate.dns_names,
            emails: &certificate.emails,
            usage,
            serial_number: &issued.serial_number,
            // Assumption: the first and the last day are whole ones, in UTC.
            not_before: start_of(issued.valid_from),
            not_after: end_of(issued.valid_till),
        };
        let csr = certificate
            .csr
            .as_deref()
            .unwrap_or_else(|| authority.seeded_csr());
        let signed = authority
            .sign(csr, &contents)
            .map_err(|error| Refusal::bad("csr_invalid_cannot_parse", error.to_string()))?;
        self.by_name
            .insert(signed.thumbprint.clone(), certificate_id);
        if let Some(issued) = &mut certificate.issued {
            issued.signed = Some((signed.pem, signed.thumbprint));
        }
        self.changed_orders.insert(order_id);
        Ok(())
    }
}

/// Serial numbers and thumbprints are written with or without colons, in either case.
fn normal(name: &str) -> String {
    name.replace(':', "").to_ascii_uppercase()
}
