//! What CertCentral offers: [`CertCentralAuthority`].

use std::sync::Arc;
use std::time::Duration;

use super::download::download_path;
use super::draft::CertCentralForm;
use super::product::Family;
use super::{CertCentral, assumptions, request};
use crate::model::form::OrderForm;
use crate::model::{
    Assumption, Authority, CertificateId, CredentialMember, Members, Operation, OrderId, Part,
    RateLimit, Region, RequestPreview, RevocationReason, ScopeKind, Secret, Untrusted,
};
use crate::provider::adapter::{Adapter, Change};
use crate::provider::{Act, Keys, ProviderError, Settings};

const RATE_LIMITS: [RateLimit; 2] = [
    RateLimit {
        requests: 100,
        per: Duration::from_secs(5),
    },
    RateLimit {
        requests: 1000,
        per: Duration::from_secs(300),
    },
];

/// DigiCert CertCentral as a set of capabilities.
#[derive(Debug)]
pub(in crate::provider) struct CertCentralAuthority;

impl Authority for CertCentralAuthority {
    fn name(&self) -> &'static str {
        "certcentral"
    }

    fn title(&self) -> &'static str {
        "DigiCert CertCentral Services API v2"
    }

    fn regions(&self) -> &'static [Region] {
        // Assumption `region-us`: an account that says nothing is on the platform that the documents show.
        &[
            Region {
                name: Some("us"),
                url: "https://www.digicert.com/services/v2",
            },
            Region {
                name: Some("eu"),
                url: "https://certcentral.digicert.eu/services/v2",
            },
        ]
    }

    fn credentials(&self) -> &'static [CredentialMember] {
        &[CredentialMember {
            name: "api_key",
            description: "where the API key is read from.",
        }]
    }

    fn rate_limits(&self) -> &'static [RateLimit] {
        &RATE_LIMITS
    }

    fn has_key_check(&self) -> bool {
        true
    }

    fn has_requests(&self) -> bool {
        true
    }

    /// Assumption `revocation-reasons`: the five that public clients send; the documentation's list is not complete (its page
    /// on revoking an order).
    fn reasons(&self) -> &'static [RevocationReason] {
        &[
            RevocationReason::Unspecified,
            RevocationReason::KeyCompromise,
            RevocationReason::AffiliationChanged,
            RevocationReason::Superseded,
            RevocationReason::CessationOfOperation,
        ]
    }

    fn unsent_reason(&self, product: Option<&str>) -> Option<String> {
        match product {
            Some(product) if request::is_tls(product) => None,
            Some(product) => Some(format!(
                "CertCentral takes one for TLS products alone, and this is {}",
                Untrusted::new(product)
            )),
            None => Some(
                "CertCentral takes one for TLS products alone, and the order shows no product"
                    .to_owned(),
            ),
        }
    }

    fn sends_pickup_mail(&self, product: &str) -> bool {
        Family::of(product).is_client()
    }

    fn scopes(&self) -> &'static [ScopeKind] {
        &[
            ScopeKind::Order,
            ScopeKind::Duplicates,
            ScopeKind::CertificateId,
            ScopeKind::SerialNumber,
        ]
    }

    fn tag_member(&self) -> Option<&'static str> {
        Some(request::TAG)
    }

    fn assumptions(&self) -> &'static [&'static Assumption] {
        assumptions::ALL
    }

    fn download_request(
        &self,
        _order: &OrderId,
        certificate: Option<&CertificateId>,
    ) -> Option<RequestPreview> {
        Some(RequestPreview {
            method: "GET".to_owned(),
            path: download_path(certificate?),
            body: Members::default(),
        })
    }

    fn order_form(&self) -> Option<&'static dyn OrderForm> {
        Some(&CertCentralForm)
    }
}

impl Keys {
    /// The key of an account at CertCentral.
    pub fn certcentral(api_key: Secret) -> Self {
        Self::new(&CertCentralAuthority, vec![api_key])
    }
}

impl Adapter for CertCentralAuthority {
    fn open(&self, settings: Settings, keys: &Keys) -> Result<Arc<dyn Act>, ProviderError> {
        let [api_key] = keys.secrets() else {
            return Err(keys.incomplete());
        };
        Ok(Arc::new(CertCentral::new(settings, api_key)?))
    }

    fn change(
        &self,
        operation: &Operation,
        part: &Part,
        renewal_of: Option<&OrderId>,
    ) -> Option<Change> {
        Some(match operation {
            Operation::Order(order) => request::order(order, renewal_of),
            Operation::Reissue(reissue) => request::reissue(reissue),
            Operation::Revoke(revoke) => request::revoke(revoke, part),
        })
    }
}
