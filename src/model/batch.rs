//! What is wanted: the manifest after defaults, names and references are settled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::authority::{Authority, RateLimit, Region, ScopeKind};
use super::digest::Digest;
use super::ids::{AccountName, Address, CertificateId, ItemName, KeyId, OrderId, SerialNumber};
use super::members::Members;
use super::names::normal_name;
use super::operation::RenewalOf;
use super::revocation_reason::RevocationReason;

/// Everything that one manifest (one or more files) asks for.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The accounts by name.
    pub accounts: BTreeMap<AccountName, Account>,
    /// The guard rails.
    pub policy: Policy,
    /// Orders, then revocations, each in the order of the files. Addresses are unique, every
    /// reference is known and the dependencies have no cycle.
    pub items: Vec<Item>,
    /// A digest of where the keys of each account come from, as it was written.
    pub keys: BTreeMap<AccountName, Digest>,
}

/// One customer account at a CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in the manifest.
    pub name: AccountName,
    /// Which CA, and where its keys come from.
    pub provider: Provider,
    /// Rolling windows that all hold at once.
    pub rate_limits: Vec<RateLimit>,
    /// How many calls may be under way at once; at least 1.
    pub max_in_flight: usize,
}

/// The CA that an account is at, and what it takes to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What the CA offers.
    pub authority: &'static dyn Authority,
    /// Which of its platforms.
    pub region: &'static Region,
    /// Where each secret is read from, in the order of [`Authority::credentials`].
    pub credentials: Vec<SecretSource>,
    /// The key's id, where the CA can look a key up.
    pub key_id: Option<KeyId>,
}

impl Provider {
    /// The CA's word in the manifest.
    pub fn name(&self) -> &'static str {
        self.authority.name()
    }
}

/// Where a secret is read from when a command needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; a relative path is relative to the manifest.
    File(PathBuf),
}

/// Guard rails; a plan that breaks one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// New orders in one apply.
    pub max_orders: Option<u32>,
    /// Certificates that one apply may revoke.
    pub max_revocations: Option<u32>,
    /// Of the certificates known in the account, 0 to 100.
    pub max_revocation_percent: Option<u8>,
    /// What becomes of an order whose answer never came.
    pub doubt: Doubt,
}

/// When a look-up finds nothing after an answer that never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// How long "not found" proves nothing.
    pub quiet_period: Duration,
    /// What then.
    pub then: DoubtRule,
}

impl Default for Doubt {
    fn default() -> Self {
        Self {
            quiet_period: Duration::from_secs(15 * 60),
            then: DoubtRule::Ask,
        }
    }
}

/// What follows the quiet period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtRule {
    /// A person settles it with `certplan resolve`.
    Ask,
    /// After three look-ups that found nothing, order again.
    Resend,
}

/// An order or a revocation of the manifest.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its unique name.
    pub address: Address,
    /// The account it belongs to; always a key of [`Batch::accounts`].
    pub account: AccountName,
    /// What is wanted.
    pub wanted: Wanted,
    /// What it waits for, references implied by `renewal_of` and `order` included. Never the item
    /// itself, no target twice.
    pub after: Vec<After>,
    /// Where it stands, for messages.
    pub location: SourceLine,
}

/// What an item wants.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// An order in force.
    Order(Box<Order>),
    /// Certificates revoked.
    Revocation(Box<Revocation>),
}

/// Where something stands in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file as it was named, or `<stdin>`.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// What must come first.
    pub address: Address,
    /// How far it must have come.
    pub until: Milestone,
}

/// How far a dependency must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Milestone {
    /// The CA has taken the request.
    Submitted,
    /// An order's certificate is issued.
    Issued,
    /// A revocation is in force.
    Revoked,
}

impl Milestone {
    /// The word of the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Issued => "issued",
            Self::Revoked => "revoked",
        }
    }
}

/// A certificate order as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The CA's id of the product.
    pub product: String,
    /// Raised by a person to buy again what ended; from 1.
    pub generation: u32,
    /// What goes into the certificate.
    pub certificate: CertificateRequest,
    /// The order that this one renews.
    pub renewal_of: Option<RenewalOf>,
    /// Buys even where the account has another order for the same names and product. Never sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_similar: bool,
    /// The order at the CA that this name stands for: taken over, not bought. Never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing_order_id: Option<OrderId>,
    /// What the CA's form says of it that cannot change while the order is in force, with the API's names:
    /// organization, validity, payment.
    pub term_members: Members,
    /// Every other member of the CA's form.
    pub members: Members,
}

/// The `certificate` object of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// Absent only for products that take the first e-mail address instead.
    pub common_name: Option<String>,
    /// Subject alternative names of a TLS certificate.
    pub dns_names: Vec<String>,
    /// E-mail addresses of a client certificate.
    pub emails: Vec<String>,
    /// Deprecated for public TLS.
    pub organization_units: Vec<String>,
    /// The certificate signing request, if the subscriber made one.
    pub csr: Option<Csr>,
    /// Every other member: `signature_hash`, `server_platform`, `profile_type`, ...
    pub members: Members,
}

impl CertificateRequest {
    /// The names and addresses that the certificate will carry, in their normal form: sorted, without
    /// repeats.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .common_name
            .iter()
            .chain(&self.dns_names)
            .chain(&self.emails)
            .map(|name| normal_name(name))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The digest of what a reissue can change: names, e-mail addresses, units, the CSR's key.
    pub fn digest(&self) -> Digest {
        let sorted = |list: &[String]| {
            let mut list: Vec<String> = list.iter().map(|text| normal_name(text)).collect();
            list.sort();
            list.dedup();
            list
        };
        Digest::of_json(&(
            self.common_name.as_deref().map(normal_name),
            sorted(&self.dns_names),
            sorted(&self.emails),
            sorted(&self.organization_units),
            self.csr.as_ref().map(|csr| csr.public_key),
        ))
    }
}

impl Order {
    /// The digest of what cannot change while the order is in force: product, organization, validity,
    /// payment. Notes to people and e-mail settings are left out.
    pub fn terms(&self) -> Digest {
        Digest::of_json(&(&self.product, &self.term_members))
    }
}

/// A certificate signing request (PKCS#10, RFC 2986) that was parsed and whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Csr {
    /// The PEM text, as it goes to the CA.
    pub pem: String,
    /// SHA-256 of the DER `SubjectPublicKeyInfo`.
    pub public_key: Digest,
}

/// A revocation as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Which order.
    pub target: RevocationTarget,
    /// Which certificates of it.
    pub scope: Scope,
    /// Always one that the CA offers.
    pub reason: RevocationReason,
    /// Never empty where the CA wants a note for who decides.
    pub comments: Option<String>,
    /// Asks for revocation without an administrator's approval.
    pub skip_approval: bool,
    /// Raised by a person to ask again after an administrator's refusal; from 1.
    pub generation: u32,
}

/// The order that a revocation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevocationTarget {
    /// By the CA's id.
    OrderId(OrderId),
    /// An order of this manifest.
    Order(ItemName),
}

/// Which certificates of an order are revoked. There is no default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Every certificate of the order. The only way to a call that means all of them.
    Order,
    /// One certificate by its id.
    CertificateId(CertificateId),
    /// One certificate by its serial number.
    SerialNumber(SerialNumber),
    /// The order's duplicates, not the original.
    Duplicates,
    /// One certificate by its number in the order; never 0.
    CertificateNo(std::num::NonZeroU64),
}

impl Scope {
    /// Its kind, without the certificate that it names.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::Order => ScopeKind::Order,
            Self::CertificateId(_) => ScopeKind::CertificateId,
            Self::SerialNumber(_) => ScopeKind::SerialNumber,
            Self::Duplicates => ScopeKind::Duplicates,
            Self::CertificateNo(_) => ScopeKind::CertificateNo,
        }
    }
}
