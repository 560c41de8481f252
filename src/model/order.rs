//! A certificate order as wanted. Main type: [`Order`].

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::files_wanted::{WantedFiles, WantedKey};
use super::ids::{ItemName, OrderId};
use super::members::Members;
use super::names::normal_name;
use super::renew::Renew;

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
    /// When and how it is renewed; `None` where certplan never does. Never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew: Option<Renew>,
    /// The issued certificate as files. Never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Box<WantedFiles>>,
    /// What the CA's form says of it that cannot change while the order is in force, with the API's names:
    /// organization, validity, payment.
    pub term_members: Members,
    /// Every other member of the CA's form.
    pub members: Members,
    /// Members of the call alone, which say nothing of the order: a note for the approver.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub call_members: Members,
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
    /// The certificate signing request: the subscriber's, or the one that was made for `key`.
    pub csr: Option<Csr>,
    /// The private key that is made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<WantedKey>,
    /// Every other member that a reissue changes: `signature_hash`, `profile_type`, ...
    pub members: Members,
    /// Members that change nothing in the certificate: `server_platform`.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub delivery: Members,
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

    /// Whether it says more than the list of an account shows of an order: a key, organization units, other
    /// members.
    pub fn has_what_lists_lack(&self) -> bool {
        self.has_key_or_units() || !self.members.is_empty()
    }

    /// Whether it has a key or organization units, which the journal does not note of an adopted order.
    pub fn has_key_or_units(&self) -> bool {
        self.csr.is_some() || self.key.is_some() || !self.organization_units.is_empty()
    }

    /// The digest of names and key that the first version kept.
    pub(super) fn digest_of_names_and_key(&self) -> Digest {
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

/// The order that an order renews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalOf {
    /// By the CA's id.
    OrderId(OrderId),
    /// An order of the manifest whose id may be known only when it is placed.
    Item(ItemName),
}
