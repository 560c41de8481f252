//! The manifest of the model: an order `shop`, and a revocation `leak` that people write and change.

use std::collections::BTreeMap;

use certplan::model::{
    Account, AccountName, Address, After, Batch, CertificateRequest, Csr, Digest, Item, Members,
    Milestone, Move, Order, OrderId, Policy, Provider, Revocation, RevocationReason,
    RevocationTarget, Scope, SecretSource, SourceLine, Tag, TagParts, Wanted,
};
use certplan::provider::authority;

pub(super) const ENDPOINT: &str = "https://ca.example/services/v2";
pub(super) const PRODUCT: &str = "ssl_basic";
pub(super) const NAME: &str = "shop.example.com";

/// What the manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Manifest {
    /// Whether it has the entry `shop`.
    pub(super) has_shop: bool,
    /// Whether `shop` is called `store` now, and `leak` `leaked`.
    pub(super) renamed: bool,
    pub(super) generation: u8,
    /// Which key the entry asks for.
    pub(super) key: u8,
    pub(super) allow_similar: bool,
    /// The order that the entry takes over, by its place at the CA.
    pub(super) existing: Option<u8>,
    pub(super) leak: Option<Leak>,
}

/// What the revocation says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leak {
    pub(super) target: Aim,
    pub(super) one_certificate: bool,
    pub(super) generation: u8,
    /// It waits until `shop` is issued.
    pub(super) gated: bool,
    pub(super) skip_approval: bool,
}

/// Which order the revocation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Aim {
    /// `order: shop`.
    Name,
    /// `order_id`: the order with this place at the CA.
    Id(u8),
}

pub(super) fn account() -> AccountName {
    "digicert".parse().expect("a name")
}

pub(super) fn shop() -> Address {
    "orders.shop".parse().expect("an address")
}

pub(super) fn leak() -> Address {
    "revocations.leak".parse().expect("an address")
}

/// What `shop` is called once it is renamed.
pub(super) fn store() -> Address {
    "orders.store".parse().expect("an address")
}

/// What `leak` is called then.
pub(super) fn leaked() -> Address {
    "revocations.leaked".parse().expect("an address")
}

/// The id of the order with this place at the CA.
pub(super) fn order_id(place: u8) -> OrderId {
    OrderId::from(u64::from(place) + 1)
}

/// The place at the CA of the order with this id.
pub(super) fn place_of(id: &OrderId) -> usize {
    let number: usize = id.as_str().parse().expect("a number");
    number - 1
}

pub(super) fn key(number: u8) -> Digest {
    Digest::of(&[number])
}

pub(super) fn tag(generation: u8, renamed: bool) -> Tag {
    Tag::derive(TagParts {
        renews: None,
        provider: "certcentral",
        endpoint: ENDPOINT,
        account: &account(),
        address: &if renamed { store() } else { shop() },
        generation: generation.into(),
    })
}

/// The entry `shop` as it stands in the manifest.
pub(super) fn order(manifest: &Manifest) -> Order {
    Order {
        renew: None,
        files: None,
        product: PRODUCT.to_owned(),
        generation: manifest.generation.into(),
        certificate: CertificateRequest {
            key: None,
            common_name: Some(NAME.to_owned()),
            dns_names: Vec::new(),
            emails: Vec::new(),
            organization_units: Vec::new(),
            csr: Some(Csr {
                pem: String::new(),
                public_key: key(manifest.key),
            }),
            members: Members::default(),
            delivery: Members::default(),
        },
        renewal_of: None,
        allow_similar: manifest.allow_similar,
        existing_order_id: manifest.existing.map(order_id),
        term_members: Members::default(),
        call_members: Members::default(),
        members: Members::default(),
    }
}

fn revocation(leak: &Leak, shop: &Address, certificate: u64) -> Revocation {
    Revocation {
        target: match leak.target {
            Aim::Name => RevocationTarget::Order(shop.name().clone()),
            Aim::Id(place) => RevocationTarget::OrderId(order_id(place)),
        },
        scope: if leak.one_certificate {
            Scope::CertificateId(certificate.into())
        } else {
            Scope::Order
        },
        reason: RevocationReason::KeyCompromise,
        comments: Some("a test".to_owned()),
        skip_approval: leak.skip_approval,
        generation: leak.generation.into(),
    }
}

impl Manifest {
    /// How `shop` is called now.
    pub(super) fn shop(&self) -> Address {
        if self.renamed { store() } else { shop() }
    }

    /// How `leak` is called now.
    pub(super) fn leak(&self) -> Address {
        if self.renamed { leaked() } else { leak() }
    }

    fn moved(&self) -> Vec<Move> {
        let moved = |from, to| Move { from, to };
        let entries = [
            (self.has_shop, moved(shop(), store())),
            (self.leak.is_some(), moved(leak(), leaked())),
        ];
        let entries = entries.into_iter().filter(|(is, _)| *is && self.renamed);
        entries.map(|(_, moved)| moved).collect()
    }

    /// The batch that it means. `certificate` is the one that a revocation of one certificate names.
    pub(super) fn batch(&self, certificate: u64) -> Batch {
        let location = SourceLine {
            file: "model".into(),
            line: 1,
        };
        let (shop, leak) = (self.shop(), self.leak());
        let mut items = Vec::new();
        if self.has_shop {
            items.push(Item {
                address: shop.clone(),
                account: account(),
                wanted: Wanted::Order(Box::new(order(self))),
                labels: certplan::model::Labels::default(),
                after: Vec::new(),
                location: location.clone(),
            });
        }
        if let Some(wanted) = &self.leak {
            let until = match (wanted.gated, wanted.target) {
                (true, _) => Some(Milestone::Issued),
                (false, Aim::Name) => Some(Milestone::Submitted),
                (false, Aim::Id(_)) => None,
            };
            let after = until.map(|until| After {
                address: shop.clone(),
                until,
            });
            items.push(Item {
                address: leak.clone(),
                account: account(),
                wanted: Wanted::Revocation(Box::new(revocation(wanted, &shop, certificate))),
                labels: certplan::model::Labels::default(),
                after: after.into_iter().collect(),
                location,
            });
        }
        let authority = authority("certcentral").expect("a CA");
        let digicert = Account {
            name: account(),
            provider: Provider {
                authority,
                region: &authority.regions()[0],
                credentials: vec![SecretSource::Env("KEY".to_owned())],
                key_id: None,
            },
            rate_limits: Vec::new(),
            max_in_flight: 1,
        };
        Batch {
            accounts: BTreeMap::from([(account(), digicert)]),
            policy: Policy::default(),
            items,
            moved: self.moved(),
            keys: BTreeMap::new(),
        }
    }
}
