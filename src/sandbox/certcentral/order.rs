//! CertCentral's orders, their certificates and the requests about them, as the sandbox keeps them.
//! Main types: [`Order`], [`Request`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::habits::{Habits, NewRequests};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum OrderStatus {
    /// An administrator has not decided yet; there is no certificate id.
    NeedsApproval,
    /// Approved; a validation is still open.
    Pending,
    WaitingPickup,
    Issued,
    ReissuePending,
    Rejected,
    Canceled,
    Revoked,
}

impl OrderStatus {
    pub(in crate::sandbox) fn name(self) -> &'static str {
        match self {
            Self::NeedsApproval => "needs_approval",
            Self::Pending => "pending",
            Self::WaitingPickup => "waiting_pickup",
            Self::Issued => "issued",
            Self::ReissuePending => "reissue_pending",
            Self::Rejected => "rejected",
            Self::Canceled => "canceled",
            Self::Revoked => "revoked",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Part {
    Original,
    Duplicate,
    Reissue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum CertificateStatus {
    Pending,
    Issued,
    Rejected,
    Revoked,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Certificate {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) part: Part,
    pub(in crate::sandbox) status: CertificateStatus,
    pub(in crate::sandbox) common_name: String,
    pub(in crate::sandbox) dns_names: Vec<String>,
    pub(in crate::sandbox) emails: Vec<String>,
    pub(in crate::sandbox) organization_units: Vec<String>,
    /// `None`: no CSR yet, or for a seeded order the CA's shared one.
    pub(in crate::sandbox) csr: Option<String>,
    pub(in crate::sandbox) signature_hash: String,
    pub(in crate::sandbox) key_size: u64,
    pub(in crate::sandbox) server_platform: i64,
    pub(in crate::sandbox) created: Timestamp,
    pub(in crate::sandbox) issued: Option<Issued>,
    /// A duplicate that somebody put away; it is in force all the same.
    #[serde(default)]
    pub(in crate::sandbox) archived: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Issued {
    pub(in crate::sandbox) serial_number: String,
    pub(in crate::sandbox) valid_from: Date,
    pub(in crate::sandbox) valid_till: Date,
    pub(in crate::sandbox) at: Timestamp,
    /// PEM and thumbprint; `None` until somebody looks at a seeded certificate.
    pub(in crate::sandbox) signed: Option<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Order {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) alternative_order_id: Option<String>,
    pub(in crate::sandbox) product: String,
    pub(in crate::sandbox) status: OrderStatus,
    pub(in crate::sandbox) created: Timestamp,
    pub(in crate::sandbox) changed: Timestamp,
    pub(in crate::sandbox) organization_id: Option<u64>,
    pub(in crate::sandbox) container_id: Option<u64>,
    pub(in crate::sandbox) valid_till: Date,
    pub(in crate::sandbox) renewal_of: Option<u64>,
    pub(in crate::sandbox) renewed_by: Option<u64>,
    pub(in crate::sandbox) price_cents: u32,
    /// Whether the balance was charged.
    pub(in crate::sandbox) paid: bool,
    /// Members of the order request that are only handed back (`comments`, `custom_fields`, ...).
    pub(in crate::sandbox) echoed: BTreeMap<String, Value>,
    pub(in crate::sandbox) notes: Vec<String>,
    /// The original first, then duplicates and reissues as they were asked for.
    pub(in crate::sandbox) certificates: Vec<Certificate>,
    pub(in crate::sandbox) requests: Vec<u64>,
    /// What a validation is waited for with; `None` when none is open.
    #[serde(default)]
    pub(in crate::sandbox) open_validation: Option<OpenValidation>,
}

/// A validation that somebody outside has to complete before anything is issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct OpenValidation {
    /// The random value that belongs into the DNS or into a file; `None` when it goes by e-mail.
    pub(in crate::sandbox) token: Option<String>,
    pub(in crate::sandbox) expires: Timestamp,
}

impl Order {
    /// The certificate that the order stands for now: the newest issued one that is no duplicate.
    pub(in crate::sandbox) fn current(&self) -> Option<&Certificate> {
        let primary = |certificate: &&Certificate| certificate.part != Part::Duplicate;
        let newest = self
            .certificates
            .iter()
            .filter(primary)
            .rfind(|certificate| certificate.issued.is_some());
        newest.or_else(|| self.certificates.first())
    }

    pub(in crate::sandbox) fn certificate_mut(&mut self, id: u64) -> Option<&mut Certificate> {
        self.certificates
            .iter_mut()
            .find(|certificate| certificate.id == id)
    }

    /// The id that approval brings: absent before.
    pub(in crate::sandbox) fn certificate_id(&self) -> Option<u64> {
        self.current()
            .filter(|_| self.is_approved())
            .map(|certificate| certificate.id)
    }

    /// Whether an administrator let the order through.
    pub(in crate::sandbox) fn is_approved(&self) -> bool {
        !matches!(
            self.status,
            OrderStatus::NeedsApproval | OrderStatus::Rejected
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum RequestType {
    NewRequest,
    Revoke,
    Duplicate,
    Reissue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum RequestStatus {
    Pending,
    Approved,
    Rejected,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Request {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) kind: RequestType,
    pub(in crate::sandbox) status: RequestStatus,
    pub(in crate::sandbox) order_id: u64,
    /// The certificate concerned; `None` for a whole order.
    pub(in crate::sandbox) certificate_id: Option<u64>,
    pub(in crate::sandbox) date: Timestamp,
    pub(in crate::sandbox) decided: Option<Timestamp>,
    pub(in crate::sandbox) comments: Option<String>,
    pub(in crate::sandbox) processor_comment: Option<String>,
}

impl RequestStatus {
    /// The API's word.
    pub(super) fn word(self, habits: &Habits) -> &'static str {
        match (self, habits.new_requests) {
            (Self::Pending, NewRequests::Pending) => "pending",
            (Self::Pending, NewRequests::Submitted) => "submitted",
            (Self::Approved, _) => "approved",
            (Self::Rejected, _) => "rejected",
        }
    }
}

impl Certificate {
    /// Every name, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.dns_names.iter().chain(&self.emails).cloned().collect();
        names.push(self.common_name.clone());
        names.sort_unstable();
        names.dedup();
        names
    }
}
