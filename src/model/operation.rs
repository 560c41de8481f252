//! What is done at a CA: the typed content of a plan's steps.

use serde::{Deserialize, Serialize};

use super::ids::{CertificateId, OrderId, SerialNumber, Tag};
use super::observed::CertificateKind;
use super::order::Order;
use super::revocation_reason::RevocationReason;
use super::valid_till::{self, ValidTill};

/// One change at a CA, complete enough to carry out without the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Places an order. Costs money; the CA does not tell a repeat from a second order.
    Order(Box<OrderOperation>),
    /// Reissues an order in force. Buys nothing.
    Reissue(Box<ReissueOperation>),
    /// Asks for a revocation. Cannot be undone.
    Revoke(Box<RevokeOperation>),
}

/// The kinds of [`Operation`], as the journal names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    /// A new order.
    Order,
    /// A new order that renews another.
    Renew,
    /// A reissue.
    Reissue,
    /// A revocation.
    Revoke,
}

impl OperationKind {
    /// The word of plans and journals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Renew => "renew",
            Self::Reissue => "reissue",
            Self::Revoke => "revoke",
        }
    }
}

/// Why a reissue is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The entry asks for another certificate, or for another key.
    #[default]
    Change,
    /// The certificate ends.
    Renewal,
}

impl Why {
    pub(super) fn is_change(&self) -> bool {
        *self == Self::Change
    }
}

/// An order to place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderOperation {
    /// What is ordered.
    pub order: Order,
    /// Sent as `alternative_order_id`.
    pub tag: Tag,
    /// The order of the same name that this one follows. It is renewed by `order.renewal_of`, unless it is over: then
    /// the CA renews it no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<OrderId>,
}

/// A reissue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReissueOperation {
    /// The order in force.
    pub order_id: OrderId,
    /// What the certificate will hold.
    pub order: Order,
    /// Certificates that the CA revokes with it: when names are taken away.
    pub collateral: Vec<CertificatePin>,
    /// Why.
    #[serde(default)]
    pub why: Why,
}

/// A revocation with the certificates that will die, as they were when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeOperation {
    /// The order.
    pub order_id: OrderId,
    /// Its product, where the CA says so; decides whether a reason is sent (TLS only at CertCentral).
    pub product: Option<String>,
    /// The whole order in one call, or one call for each pinned certificate.
    pub scope: RevokeScope,
    /// RFC 5280 reason.
    pub reason: RevocationReason,
    /// The note for the administrator.
    pub comments: Option<String>,
    /// Asks for revocation without approval.
    pub skip_approval: bool,
    /// The manifest's generation of the entry.
    pub generation: u32,
    /// Every certificate that will die, sorted by id. With [`RevokeScope::Certificates`] never empty.
    pub pins: Vec<CertificatePin>,
}

/// How a revocation is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeScope {
    /// One call for the whole order.
    Order,
    /// One call for each of the pins.
    Certificates,
}

/// One call of a revocation; also the key under which the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The whole order.
    Order,
    /// One certificate.
    Certificate(CertificateId),
}

impl std::fmt::Display for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Order => formatter.write_str("the order"),
            Self::Certificate(id) => write!(formatter, "certificate {id}"),
        }
    }
}

/// One revocation request, as an adapter sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeCall<'a> {
    /// The step's content.
    pub operation: &'a RevokeOperation,
    /// Which of its calls.
    pub part: &'a Part,
}

impl RevokeOperation {
    /// The calls of this revocation, in order.
    pub fn parts(&self) -> Vec<Part> {
        match self.scope {
            RevokeScope::Order => vec![Part::Order],
            RevokeScope::Certificates => self
                .pins
                .iter()
                .map(|pin| Part::Certificate(pin.certificate_id.clone()))
                .collect(),
        }
    }
}

/// A certificate as it was seen when the plan was made. Read again right before a revocation is sent:
/// any difference stops it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CertificatePin {
    /// The CA's id.
    pub certificate_id: CertificateId,
    /// As the CA shows it; absent where the CA does not.
    pub serial_number: Option<SerialNumber>,
    /// Sorted, lower case.
    pub names: Vec<String>,
    /// The last day of validity.
    #[serde(default, deserialize_with = "valid_till::lenient")]
    pub valid_till: Option<ValidTill>,
    /// What it is within its order.
    pub kind: CertificateKind,
}
