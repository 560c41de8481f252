//! A CA as a set of capabilities. Main type: [`Authority`].
//!
//! The manifest and the plan ask an authority what its CA offers; neither knows which CAs there are. Each
//! adapter implements it in a file of its own, and the list of all of them is handed to who needs it.

use super::ids::{CertificateId, OrderId};
use super::request_preview::RequestPreview;
use std::fmt;
use std::time::Duration;

use super::assumption::Assumption;
use super::form::OrderForm;
use super::revocation_reason::RevocationReason;

/// What one CA offers.
pub trait Authority: fmt::Debug + Send + Sync {
    /// Its word in manifests, plans and journals.
    fn name(&self) -> &'static str;

    /// Its name and its API's, for people.
    fn title(&self) -> &'static str;

    /// Where its API answers. The first one counts when the manifest names none.
    fn regions(&self) -> &'static [Region];

    /// The members of an account that say where its secrets are read from. All are needed. The CA counts
    /// requests by the first one.
    fn credentials(&self) -> &'static [CredentialMember];

    /// The limits of an account that names none.
    fn rate_limits(&self) -> &'static [RateLimit];

    /// Whether a key can be looked up by its id, so that an account may have a `key_id`.
    fn has_key_check(&self) -> bool;

    /// Whether a person at the CA decides on requests: then a revocation needs a note for that person, and
    /// may ask to skip the approval.
    fn has_requests(&self) -> bool;

    /// The reasons that a revocation may give.
    fn reasons(&self) -> &'static [RevocationReason];

    /// Why the reason of a revocation is not sent for an order of this product, as it follows "because"; `None`
    /// where it is. `product` is not known where the order does not show it.
    fn unsent_reason(&self, _product: Option<&str>) -> Option<String> {
        None
    }

    /// Whether the recipient of such an order is sent an e-mail to pick the certificate up, unless the order has
    /// a CSR.
    fn sends_pickup_mail(&self, _product: &str) -> bool {
        false
    }

    /// Which certificates of an order a revocation may name.
    fn scopes(&self) -> &'static [ScopeKind];

    /// The member of an order's body that carries its tag. `None` where nothing does: an order whose answer
    /// is lost could not be found again, so [`Authority::order_form`] is `None` as well.
    fn tag_member(&self) -> Option<&'static str>;

    /// What is assumed about it, because its documents do not say.
    fn assumptions(&self) -> &'static [&'static Assumption];

    /// The request that downloads a certificate with its chain; `None` where that is not offered, or where the
    /// certificate is not known.
    fn download_request(
        &self,
        _order: &OrderId,
        _certificate: Option<&CertificateId>,
    ) -> Option<RequestPreview> {
        None
    }

    /// What an order has here beside what every order has; `None` where orders cannot be placed.
    fn order_form(&self) -> Option<&'static dyn OrderForm>;
}

impl PartialEq for dyn Authority {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Authority {}

/// One of a CA's platforms.
#[derive(Debug, PartialEq, Eq)]
pub struct Region {
    /// Its word in the manifest; `None` where there is only one.
    pub name: Option<&'static str>,
    /// The API's base URL with its path, without a slash at the end.
    pub url: &'static str,
}

/// At most `requests` in any window of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// At least 1.
    pub requests: u32,
    /// Longer than zero.
    pub per: Duration,
}

/// A member of an account that names where a secret is read from.
#[derive(Debug, PartialEq, Eq)]
pub struct CredentialMember {
    /// Its name in the manifest.
    pub name: &'static str,
    /// What it holds, for the schema.
    pub description: &'static str,
}

/// The kinds of [`super::Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeKind {
    /// Every certificate of the order.
    Order,
    /// The order's duplicates, not the original.
    Duplicates,
    /// One certificate by its id.
    CertificateId,
    /// One certificate by its serial number.
    SerialNumber,
    /// One certificate by its number in the order.
    CertificateNo,
}

impl ScopeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Order,
        Self::Duplicates,
        Self::CertificateId,
        Self::SerialNumber,
        Self::CertificateNo,
    ];

    /// Its word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Duplicates => "duplicates",
            Self::CertificateId => "certificate_id",
            Self::SerialNumber => "serial_number",
            Self::CertificateNo => "certificate_no",
        }
    }

    /// What to write for it.
    pub fn example(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Duplicates => "duplicates",
            Self::CertificateId => "{ certificate_id: N }",
            Self::SerialNumber => "{ serial_number: \"HEX\" }",
            Self::CertificateNo => "{ certificate_no: N }",
        }
    }
}
