//! A call as the journal notes it before it is made: [`Attempt`].

use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::digest::Digest;
use super::ids::{CertificateId, OrderId, Tag};
use super::operation::{OperationKind, Part, Why};

/// One intended call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What is done.
    pub kind: OperationKind,
    /// Which call of a revocation; absent for orders.
    pub part: Option<Part>,
    /// 1, 2, 3, ... over the item's whole life.
    pub number: u32,
    /// The manifest's generation that asked for it.
    pub generation: u32,
    /// The order that is renewed, reissued or revoked.
    pub order_id: Option<OrderId>,
    /// The order of the same name that an order follows: the name stands for it until the new one is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<OrderId>,
    /// Why a reissue is asked for.
    #[serde(default, skip_serializing_if = "Why::is_change")]
    pub why: Why,
    /// The certificate that was in force right before a reissue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CertificateId>,
    /// The tag of an order.
    pub tag: Option<Tag>,
    /// The digest of the request body.
    pub body: Digest,
    /// The key of the CSR that is sent, by which its private key is found again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Digest>,
    /// The digest of the certificate's content, for orders and reissues.
    pub certificate: Option<Digest>,
    /// The digest of the order's terms.
    pub terms: Option<Digest>,
    /// What is asked for, member by member, for orders and reissues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<Asked>>,
}
