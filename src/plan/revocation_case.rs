//! A revocation of the manifest with what is known of it: [`RevocationCase`].

use std::collections::{BTreeMap, BTreeSet};

use super::inputs::Inputs;
use crate::model::{
    Address, CertificateId, CertificateState, Item, ObservedCertificate, ObservedOrder,
    ObservedRequest, OrderId, Part, PartState, Record, ReplacedCertificate, RequestId, RequestKind,
    Revocation, Scope,
};

/// A revocation of the manifest with what is known of it.
#[derive(Clone, Copy)]
pub(super) struct RevocationCase<'c, 'a> {
    pub(super) inputs: &'c Inputs<'a>,
    pub(super) item: &'c Item,
    pub(super) revocation: &'c Revocation,
    pub(super) record: Option<&'a Record>,
    pub(super) requests: &'c Requests<'a>,
}

/// The order that a revocation is about, read, with its certificates.
#[derive(Clone, Copy)]
pub(super) struct Seen<'s> {
    pub(super) order: &'s ObservedOrder,
    /// Those that the scope names, whatever their state.
    pub(super) selected: &'s [&'s ObservedCertificate],
    /// Those of them that are in force.
    pub(super) dying: &'s [&'s ObservedCertificate],
}

impl RevocationCase<'_, '_> {
    /// The calls that this revocation consists of.
    pub(super) fn parts(&self, seen: Seen<'_>) -> Vec<Part> {
        match self.revocation.scope {
            Scope::Order => vec![Part::Order],
            Scope::CertificateId(_)
            | Scope::SerialNumber(_)
            | Scope::Duplicates
            | Scope::CertificateNo(_) => seen
                .selected
                .iter()
                .map(|one| Part::Certificate(one.id.clone()))
                .collect(),
        }
    }

    /// Where one call stands for this entry: what an earlier generation was refused is open again.
    pub(super) fn part(&self, order: &OrderId, part: &Part) -> Option<&PartState> {
        let requested = self.record?.requested(order)?;
        let state = requested.parts.get(part)?;
        let reopened =
            *state == PartState::Declined && self.revocation.generation > requested.generation;
        (!reopened).then_some(state)
    }
}

/// Every request to revoke that is known: by our own records, and by what the CA lists.
pub(super) struct Requests<'a> {
    ours: BTreeMap<&'a RequestId, (&'a Address, &'a OrderId, &'a Part)>,
    listed: BTreeMap<&'a OrderId, Vec<&'a ObservedRequest>>,
    by_id: BTreeMap<&'a RequestId, &'a ObservedRequest>,
    /// Certificates that the journal knows and no list shows, by their order.
    replaced: BTreeMap<&'a OrderId, BTreeMap<&'a CertificateId, &'a ReplacedCertificate>>,
    /// Those of them that calls of ours revoked.
    revoked: BTreeSet<(&'a OrderId, &'a CertificateId)>,
}

impl<'a> Requests<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Self {
        let mut requests = Self {
            ours: BTreeMap::new(),
            listed: BTreeMap::new(),
            by_id: BTreeMap::new(),
            replaced: BTreeMap::new(),
            revoked: BTreeSet::new(),
        };
        for (address, record) in inputs.records {
            for (order, part, request) in record.revocation_requests() {
                requests.ours.insert(request, (address, order, part));
            }
            for (order, certificates) in record.replaced.iter() {
                let known = requests.replaced.entry(order).or_default();
                known.extend(certificates);
            }
            for (order, requested) in &record.revocations {
                for (part, state) in &requested.parts {
                    if let (Part::Certificate(id), PartState::Revoked) = (part, state) {
                        requests.revoked.insert((order, id));
                    }
                }
            }
        }
        for account in inputs.observed.accounts.values() {
            for request in account.revocation_requests.iter().flatten() {
                requests.by_id.insert(&request.id, request);
                if let Some(order) = &request.order_id {
                    requests.listed.entry(order).or_default().push(request);
                }
            }
        }
        requests
    }

    /// Certificates of an order that the journal knows, each with whether a call of ours revoked it.
    pub(super) fn replaced<'s>(
        &'s self,
        order: &'s OrderId,
    ) -> impl Iterator<Item = (&'a CertificateId, &'a ReplacedCertificate, bool)> + 's {
        let known = self.replaced.get(order).into_iter().flatten();
        known.map(move |(id, known)| (*id, *known, self.revoked.contains(&(order, *id))))
    }

    /// A request by its number, as the order or the CA's list shows it.
    pub(super) fn find<'s>(&self, seen: Seen<'s>, id: &RequestId) -> Option<&'s ObservedRequest>
    where
        'a: 's,
    {
        let shown = seen.order.requests.iter().flatten();
        let mut shown = shown.filter(|request| request.id == *id);
        shown.next().or_else(|| self.by_id.get(id).copied())
    }

    /// An open request about an order that is known to be about one of these calls. A request shows no
    /// certificate: where more than one is in force, a stranger's request settles nothing.
    pub(super) fn open<'s>(&'s self, seen: Seen<'s>, parts: &[Part]) -> Option<&'s RequestId> {
        let certificates = seen.order.certificates.iter().flatten();
        let in_force = certificates.filter(|one| one.state == CertificateState::Issued);
        let alone = in_force.count() <= 1 && !self.replaced.contains_key(&seen.order.id);
        let shown = seen.order.requests.iter().flatten();
        let listed = self
            .listed
            .get(&seen.order.id)
            .into_iter()
            .flatten()
            .copied();
        let mut open = shown
            .chain(listed)
            .filter(|request| request.kind == RequestKind::Revoke && request.status.is_undecided());
        let found = open.find(|request| match self.ours.get(&request.id) {
            None => alone,
            Some((_, order, part)) => {
                **order == seen.order.id && (**part == Part::Order || parts.contains(part))
            }
        });
        found.map(|request| &request.id)
    }
}
