//! The decision table, row by row, with inputs made by hand. Main type: [`World`].

mod files;
mod moved;
mod orders;
mod random;
mod renewals;
mod revocations;
pub(crate) mod testing;
mod whole;
mod years;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;

use self::testing::account;
use super::{
    Allowance, Folder, Inputs, Knowledge, Moves, Pace, Plan, PlannedState, Questions, Step,
};
use crate::model::{
    Account, Address, Attempt, Batch, CertificateId, CertificateKind, CertificateRequest,
    CertificateState, Csr, Digest, FilesId, Item, LiveOrder, LiveState, Move, Observed,
    ObservedAccount, ObservedCertificate, ObservedFiles, ObservedOrder, Order, OrderId,
    OrderStatus, Policy, Record, Records, Revocation, RevocationReason, RevocationTarget, Scope,
    SerialNumber, SourceLine, Tag, TagParts, Wanted,
};

const ENDPOINT: &str = "https://ca.example/services/v2";
const NOW: &str = "2026-11-21T10:00:00Z";
const LONG_AGO: &str = "2026-11-20T10:00:00Z";

/// Everything that a plan depends on, owned.
#[derive(Debug)]
pub(super) struct World {
    pub(super) batch: Batch,
    pub(super) records: Records,
    pub(super) observed: ObservedAccount,
    pub(super) offline: bool,
    pub(super) targets: Vec<Address>,
    /// The files folder, and what is special about it.
    pub(super) folder: Option<SeenFolder>,
    pub(super) rekey: Vec<Address>,
    pub(super) pace: Pace,
    pub(super) knowledge: Knowledge,
    pub(super) now: jiff::Timestamp,
}

/// A files folder as it was read.
#[derive(Debug, Default)]
pub(super) struct SeenFolder {
    pub(super) observed: ObservedFiles,
    pub(super) has_program: bool,
    pub(super) elsewhere: Option<FilesId>,
}

impl World {
    /// A world in which these items are wanted and nothing has happened.
    pub(super) fn of(items: Vec<Item>) -> Self {
        let provider = crate::provider::tests::scripted::provider_of("certcentral");
        let account = Account {
            name: account(),
            provider,
            rate_limits: Vec::new(),
            max_in_flight: 1,
        };
        Self {
            batch: Batch {
                accounts: BTreeMap::from([(account.name.clone(), account)]),
                policy: Policy::default(),
                items,
                moved: Vec::new(),
                keys: BTreeMap::new(),
            },
            records: Records::new(),
            observed: ObservedAccount::default(),
            offline: false,
            targets: Vec::new(),
            folder: None,
            rekey: Vec::new(),
            pace: Pace::default(),
            knowledge: Knowledge::Whole,
            now: NOW.parse().unwrap(),
        }
    }

    /// The plan.
    pub(super) fn plan(&self) -> Plan {
        self.with(Plan::build)
    }

    /// What has to be read before the plan can be made, in the only account.
    pub(super) fn questions(&self) -> Questions {
        let mut asked = self.with(super::questions);
        asked.remove(&account()).unwrap_or_default()
    }

    fn with<T>(&self, make: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let accounts = if self.offline {
            BTreeMap::new()
        } else {
            BTreeMap::from([(account(), self.observed.clone())])
        };
        let observed = Observed {
            folder: None,
            accounts,
        };
        let endpoints = BTreeMap::from([(account(), ENDPOINT.to_owned())]);
        let mut records = self.records.clone();
        let mut moves = Moves::begin(&self.batch, &mut records);
        let tag_of = |_: &Item, name: &Address, attempt: &Attempt| {
            (attempt.generation == 1).then(|| tag(name.name().as_str()))
        };
        moves.check(&self.batch, &observed, &tag_of, &mut records);
        make(&Inputs {
            pace: self.pace,
            folder: self.folder.as_ref().map(|folder| Folder {
                observed: &folder.observed,
                path: ".certplan/files",
                has_program: folder.has_program,
                elsewhere: folder.elsewhere.as_ref(),
            }),
            rekey: &self.rekey,
            batch: &self.batch,
            records: &records,
            moves: &moves,
            state: PlannedState {
                lineage: "0190".to_owned(),
                serial: 1,
            },
            observed: &observed,
            offline: self.offline,
            knowledge: self.knowledge,
            endpoints: &endpoints,
            now: self.now,
            targets: &self.targets,
            policy: self.batch.policy.clone(),
            allowance: Allowance::default(),
            preview: &|_, _| Vec::new(),
        })
    }

    /// The only step of the plan.
    pub(super) fn step(&self) -> Step {
        let mut steps = self.plan().steps;
        assert_eq!(steps.len(), 1);
        steps.remove(0)
    }

    /// The first warning; empty without one.
    pub(super) fn warning(&self) -> String {
        let warnings = self.plan().warnings;
        warnings
            .first()
            .map_or_else(String::new, |warning| warning.message.clone())
    }

    /// The CA lists the order, and shows it in full.
    pub(super) fn shows(&mut self, order: ObservedOrder) {
        let mut listed = order.clone();
        listed.certificates = None;
        listed.requests = None;
        listed.public_key = None;
        self.observed.orders.insert(order.id.clone(), listed);
        self.observed.details.insert(order.id.clone(), Some(order));
    }

    /// An order had this name before.
    pub(super) fn renames(&mut self, from: &str, to: &str) {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        self.batch.moved.push(Move { from, to });
    }

    /// The journal knows this of an item.
    pub(super) fn knows(&mut self, address: &str, record: Record) {
        self.records.insert(address.parse().unwrap(), record);
    }
}

fn item(address: Address, wanted: Wanted) -> Item {
    Item {
        address,
        account: account(),
        wanted,
        labels: crate::model::Labels::default(),
        after: Vec::new(),
        location: SourceLine {
            file: Arc::from("certplan.yaml"),
            line: 1,
        },
    }
}

/// The order that every item asks for, for one host name.
pub(super) fn order(name: &str) -> Order {
    Order {
        renew: None,
        files: None,
        product: "ssl_basic".to_owned(),
        generation: 1,
        certificate: CertificateRequest {
            key: None,
            common_name: Some(name.to_owned()),
            dns_names: Vec::new(),
            emails: Vec::new(),
            organization_units: Vec::new(),
            csr: Some(Csr {
                pem: "PEM".to_owned(),
                public_key: Digest::of(b"key"),
            }),
            members: crate::model::Members::default(),
            delivery: crate::model::Members::default(),
        },
        renewal_of: None,
        allow_similar: false,
        existing_order_id: None,
        term_members: crate::model::Members::default(),
        call_members: crate::model::Members::default(),
        members: crate::model::Members::default(),
    }
}

/// An item that asks for [`order`].
pub(super) fn order_item(name: &str, order: Order) -> Item {
    let address = Address::Order(name.parse().unwrap());
    item(address, Wanted::Order(Box::new(order)))
}

/// An item that asks for a revocation.
pub(super) fn revocation_item(name: &str, order: u64, scope: Scope) -> Item {
    let revocation = Revocation {
        target: RevocationTarget::OrderId(OrderId::from(order)),
        scope,
        reason: RevocationReason::Superseded,
        comments: Some("left".to_owned()),
        skip_approval: false,
        generation: 1,
    };
    let address = Address::Revocation(name.parse().unwrap());
    item(address, Wanted::Revocation(Box::new(revocation)))
}

/// The tag of an order's first generation.
pub(super) fn tag(name: &str) -> Tag {
    Tag::derive(TagParts {
        renews: None,
        provider: "certcentral",
        endpoint: ENDPOINT,
        account: &account(),
        address: &Address::Order(name.parse().unwrap()),
        generation: 1,
    })
}

/// A record whose order was placed as `order` asks for it.
pub(super) fn placed(id: u64, state: LiveState, order: &Order) -> Record {
    Record {
        live: Some(LiveOrder {
            found: false,
            renewal_ended: None,
            took: None,
            renewal: None,
            collected: None,
            key: None,
            order_id: OrderId::from(id),
            request_id: None,
            certificate_id: None,
            serial_number: None,
            valid_till: None,
            state,
            generation: order.generation,
            tag: None,
            certificate: Some(order.certificate.digest()),
            terms: Some(order.terms()),
            asked: None,
            since: LONG_AGO.parse().unwrap(),
            approved: false,
            validation: Vec::new(),
            change: None,
            refused: None,
        }),
        ..Record::default()
    }
}

/// A certificate of an order.
pub(super) fn certificate(
    id: u64,
    kind: CertificateKind,
    state: CertificateState,
) -> ObservedCertificate {
    ObservedCertificate {
        id: CertificateId::from(id),
        serial_number: Some(SerialNumber::from(format!("0A{id}"))),
        names: vec!["a.example".to_owned()],
        valid_till: Some("2027-06-30".parse().unwrap()),
        state,
        kind,
    }
}

/// An order at the CA with one certificate, numbered ten times the order.
pub(super) fn at_the_ca(id: u64, status: OrderStatus) -> ObservedOrder {
    let state = match status {
        OrderStatus::Revoked => CertificateState::Revoked,
        OrderStatus::Pending(..) => CertificateState::Pending,
        _ => CertificateState::Issued,
    };
    ObservedOrder {
        renews_itself: Vec::new(),
        valid_from: None,
        id: OrderId::from(id),
        status,
        product: Some("ssl_basic".to_owned()),
        common_name: Some("a.example".to_owned()),
        names: vec!["a.example".to_owned()],
        certificate_id: Some(CertificateId::from(id * 10)),
        serial_number: Some(SerialNumber::from(format!("0A{}", id * 10))),
        valid_till: Some("2027-06-30".parse().unwrap()),
        order_valid_till: None,
        created_at: Some(LONG_AGO.parse().unwrap()),
        all_duplicates: true,
        duplicates: Some(0),
        reissues: Some(0),
        price: None,
        renewed: false,
        renewed_by: None,
        organization_units: None,
        tag: None,
        public_key: Some(Digest::of(b"key")),
        certificates: Some(vec![certificate(id * 10, CertificateKind::Original, state)]),
        requests: Some(Vec::new()),
        certificate_revoked: false,
        validation: Vec::new(),
        members: Map::new(),
    }
}
