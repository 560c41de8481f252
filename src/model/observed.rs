//! What a CA says: orders, certificates, requests, keys. Filled by the provider adapters, one shape
//! for every CA.

use super::observed_files::ObservedFiles;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ca_clock::CaClock;
use super::digest::Digest;
use super::ids::{AccountName, CertificateId, KeyId, OrderId, RequestId, SerialNumber, Tag};
use super::pending_domain::PendingDomain;
use super::revocation::Scope;
use super::untrusted::Untrusted;
use super::valid_till::ValidTill;

/// What was read for one plan, account by account.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Accounts that were read. With `--offline` it is empty.
    pub accounts: BTreeMap<AccountName, ObservedAccount>,
    /// The files folder; `None` where the manifest asks for no keys and no files.
    pub folder: Option<ObservedFiles>,
}

/// One account as it was read.
#[derive(Debug, Clone, Default)]
pub struct ObservedAccount {
    /// Who the key belongs to, where the CA says so.
    pub identity: Option<Identity>,
    /// The key itself, when the manifest gives its id.
    pub key: Option<KeyFacts>,
    /// Every order of the account, as the list shows it.
    pub orders: BTreeMap<OrderId, ObservedOrder>,
    /// Orders that were read in full; `None` for one that the CA says does not exist or that this key
    /// may not see.
    pub details: BTreeMap<OrderId, Option<ObservedOrder>>,
    /// Requests to revoke, where they were asked for.
    pub revocation_requests: Option<Vec<ObservedRequest>>,
    /// Orders that wait for an administrator, where they were asked for. The CA's list may leave them out.
    pub waiting_orders: Option<Vec<ObservedOrder>>,
    /// The orders that certificates belong to which no list shows, where that was asked for; `None` where the
    /// CA knows no order, or cannot tell.
    pub holders: BTreeMap<Scope, Option<OrderId>>,
    /// Look-ups by tag that were made.
    pub tags: BTreeMap<Tag, TagLookup>,
    /// How many requests the reading took.
    pub requests: u32,
    /// The CA's clock, where its answers told it.
    pub clock: Option<CaClock>,
    /// Funds that can be spent, with the currency, where the CA says so.
    pub funds: Option<(Decimal, String)>,
}

/// The user behind a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The customer account at the CA; a key that belongs to another one is refused.
    pub account_id: String,
    /// For people.
    pub user: Untrusted,
    /// Role names, for people.
    pub roles: Vec<Untrusted>,
}

/// `GET /key/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key's id.
    pub id: KeyId,
    /// The key's name.
    pub name: Untrusted,
    /// Active or revoked.
    pub status: KeyStatus,
    /// `restricted_to_role_id`: 0 none, 100 orders, 101 orders, domains and organizations, 102 view
    /// only, 103 user management (CertCentral glossary).
    pub restricted_to_role_id: u64,
    /// True for the key behind an ACME directory URL: it cannot be used for this API.
    pub acme: bool,
    /// The user it belongs to.
    pub user: Untrusted,
}

impl KeyFacts {
    /// True for a key that CertCentral allows GET only.
    pub fn is_view_only(&self) -> bool {
        self.restricted_to_role_id == 102
    }
}

/// Whether a key works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It was revoked.
    Revoked,
    /// A word that certplan does not know.
    Other(Untrusted),
}

/// An order at the CA. Members that only a full read brings are `None` in a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedOrder {
    /// The CA's id.
    pub id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// CertCentral's `product.name_id`; ncloud's certificate type.
    pub product: Option<String>,
    /// The order's common name.
    pub common_name: Option<String>,
    /// Sorted, lower case: common name, DNS names and e-mail addresses as far as the CA shows them.
    pub names: Vec<String>,
    /// The primary certificate.
    pub certificate_id: Option<CertificateId>,
    /// Of the primary certificate.
    pub serial_number: Option<SerialNumber>,
    /// Of the primary certificate.
    pub valid_till: Option<ValidTill>,
    /// The first day of the primary certificate.
    pub valid_from: Option<ValidTill>,
    /// The last day of the order itself, until which it is paid.
    pub order_valid_till: Option<ValidTill>,
    /// True when the CA shows the primary certificate as revoked. CertCentral leaves the order `issued` when
    /// its certificate is revoked alone.
    pub certificate_revoked: bool,
    /// When it was placed.
    pub created_at: Option<Timestamp>,
    /// How many duplicates the CA counts; `None` where it does not say.
    pub duplicates: Option<u32>,
    /// Whether every duplicate is known: they were listed, archived ones too, or there can be none. The CA's count
    /// may leave archived ones out.
    pub all_duplicates: bool,
    /// How many reissues the CA counts; `None` where it does not say.
    pub reissues: Option<u32>,
    /// What was paid; 0 is never a price (CertCentral answers 0 when it cannot tell).
    pub price: Option<Decimal>,
    /// True when the CA says that another order renewed it.
    pub renewed: bool,
    /// The order that renewed it; full read only.
    pub renewed_by: Option<OrderId>,
    /// What the order has on by which the CA renews or reissues it by itself, with the API's names; full read only.
    pub renews_itself: Vec<&'static str>,
    /// `alternative_order_id`; full read only.
    pub tag: Option<String>,
    /// The organization units of the certificate; full read only.
    pub organization_units: Option<Vec<String>>,
    /// The key of the order's CSR; full read only, and only where the order has a CSR.
    pub public_key: Option<Digest>,
    /// Every certificate, duplicates and reissues included, sorted by id; full read only.
    pub certificates: Option<Vec<ObservedCertificate>>,
    /// What waits for an administrator or was decided by one; full read only.
    pub requests: Option<Vec<ObservedRequest>>,
    /// Domains that the CA wants to see validated; full read only.
    pub validation: Vec<PendingDomain>,
    /// The order as a manifest would ask for it, as far as the CA shows it (`certificate`,
    /// `organization`, `container`, validity, `auto_renew`); full read only.
    pub members: Map<String, Value>,
}

/// An order's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderStatus {
    /// Asked for, not finished: at which stage, and the CA's own word.
    Pending(Stage, Untrusted),
    /// Certificates are in force (or have run out: CertCentral lists expired ones as issued).
    Issued,
    /// In force, and a reissue is under way.
    ReissuePending,
    /// Refused by the CA or by an approver.
    Rejected,
    /// Withdrawn.
    Canceled,
    /// Every certificate is revoked.
    Revoked,
    /// A revocation of every certificate is under way (ncloud -7).
    RevocationPending,
    /// Run out.
    Expired,
    /// A word that certplan does not know: treated as in progress, never as success or failure.
    Other(Untrusted),
}

/// The stage of an order that is asked for and not issued, as far as the CA's word tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// An administrator has to approve it.
    Approval,
    /// It is approved; the CA validates or issues.
    Issuance,
    /// The recipient picks the certificate up.
    Pickup,
    /// A CSR is missing.
    Csr,
    /// The word stands for several stages.
    Unclear,
}

/// One certificate of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCertificate {
    /// The CA's id.
    pub id: CertificateId,
    /// Absent until issued.
    pub serial_number: Option<SerialNumber>,
    /// Sorted, lower case.
    pub names: Vec<String>,
    /// The last day of validity.
    pub valid_till: Option<ValidTill>,
    /// Where it stands.
    pub state: CertificateState,
    /// What it is within its order.
    pub kind: CertificateKind,
}

impl ObservedCertificate {
    /// True for a certificate that is issued, not revoked and not run out.
    pub fn is_in_force(&self, today: Date) -> bool {
        self.state == CertificateState::Issued
            && self.valid_till.is_none_or(|till| !till.is_past(today))
    }
}

/// What a certificate is within its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateKind {
    /// The order's own certificate, the latest reissue included.
    Original,
    /// A duplicate.
    Duplicate,
    /// An earlier or later certificate of a reissue.
    Reissue,
    /// In no list of the order's certificates; the CA says that the order has it.
    Unlisted,
}

/// Where a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateState {
    /// Asked for.
    Pending,
    /// In force: it would die by a revocation.
    Issued,
    /// A revocation is under way (ncloud -7).
    RevocationPending,
    /// Revoked.
    Revoked,
    /// Run out.
    Expired,
    /// Never came to be.
    Failed,
    /// A word that certplan does not know.
    Other(Untrusted),
}

/// A request that an administrator decides (CertCentral).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRequest {
    /// The request's id.
    pub id: RequestId,
    /// What it asks for.
    pub kind: RequestKind,
    /// Where it stands.
    pub status: RequestStatus,
    /// The order it belongs to, where the answer says so.
    pub order_id: Option<OrderId>,
    /// When it was made.
    pub date: Option<Timestamp>,
}

impl ObservedRequest {
    /// True for a reissue that nobody has decided.
    pub fn is_open_reissue(&self) -> bool {
        self.kind == RequestKind::Reissue && self.status.is_undecided()
    }
}

impl RequestStatus {
    /// True while an administrator has not decided.
    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::Submitted | Self::Pending)
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// A new order.
    NewRequest,
    /// A revocation.
    Revoke,
    /// A duplicate.
    Duplicate,
    /// A reissue.
    Reissue,
    /// A word that certplan does not know.
    Other(Untrusted),
}

/// Where a request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestStatus {
    /// Waits for the first approver.
    Submitted,
    /// Waits for an administrator.
    Pending,
    /// Granted.
    Approved,
    /// Refused.
    Rejected,
    /// A word that certplan does not know.
    Other(Untrusted),
}

/// One line of CertCentral's status-changes or of a look-up by tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// The order.
    pub order_id: OrderId,
    /// Its primary certificate.
    pub certificate_id: Option<CertificateId>,
    /// Its status now.
    pub status: OrderStatus,
}

/// What a look-up by tag brought: every order that carries the tag and that this key may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagLookup {
    /// Sorted by order id.
    pub orders: Vec<StatusChange>,
}

/// What a run sent to an account, and what is left of the account's budget.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Answers that refused a request for the rate limits (429).
    pub rate_limited: u64,
    /// The rolling windows, as the manifest has them.
    pub windows: Vec<BudgetWindow>,
}

/// A rolling window of an account's rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetWindow {
    /// How many requests it allows.
    pub requests: u64,
    /// How long it is.
    pub per: std::time::Duration,
    /// How many requests it would still let through at this moment, going by what this process sent.
    pub left: u64,
}

impl ObservedOrder {
    /// An order of which nothing is known but its id, its status and its certificate.
    pub fn bare(id: OrderId, status: OrderStatus, certificate_id: Option<CertificateId>) -> Self {
        Self {
            id,
            status,
            product: None,
            common_name: None,
            names: Vec::new(),
            certificate_id,
            serial_number: None,
            valid_till: None,
            valid_from: None,
            order_valid_till: None,
            certificate_revoked: false,
            created_at: None,
            duplicates: None,
            all_duplicates: false,
            reissues: None,
            price: None,
            renewed: false,
            renewed_by: None,
            renews_itself: Vec::new(),
            organization_units: None,
            tag: None,
            public_key: None,
            certificates: None,
            requests: None,
            validation: Vec::new(),
            members: Map::new(),
        }
    }
}
