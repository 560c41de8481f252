//! A revocation as wanted. Main type: [`Revocation`].

use serde::{Deserialize, Serialize};

use super::authority::ScopeKind;
use super::ids::{CertificateId, ItemName, OrderId, SerialNumber};
use super::revocation_reason::RevocationReason;

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

impl RevocationTarget {
    /// The order of the manifest that it names.
    pub fn name(&self) -> Option<&ItemName> {
        match self {
            Self::Order(name) => Some(name),
            Self::OrderId(_) => None,
        }
    }
}

/// Which certificates of an order are revoked. There is no default.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// What it names, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Order => "certificate".to_owned(),
            Self::CertificateId(id) => format!("certificate {id}"),
            Self::SerialNumber(serial) => format!("certificate with serial number {serial}"),
            Self::Duplicates => "duplicates".to_owned(),
            Self::CertificateNo(number) => format!("certificate number {number}"),
        }
    }

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
