//! What ncloud offers: [`NcloudAuthority`].

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;

use super::{Ncloud, REVOKE_PATH, assumptions, revoke_body};
use crate::model::form::OrderForm;
use crate::model::{
    Assumption, Authority, CredentialMember, Operation, OrderId, Part, RateLimit, Region,
    RevocationReason, ScopeKind, Secret,
};
use crate::provider::adapter::{Adapter, Change};
use crate::provider::{Act, Keys, ProviderError, Settings};

const RATE_LIMITS: [RateLimit; 1] = [RateLimit {
    requests: 10,
    per: Duration::from_secs(1),
}];

/// NAVER Cloud Certificate Manager as a set of capabilities. Version 2 of its API takes keys of the main
/// account alone.
#[derive(Debug)]
pub(in crate::provider) struct NcloudAuthority;

impl Authority for NcloudAuthority {
    fn name(&self) -> &'static str {
        "ncloud"
    }

    fn title(&self) -> &'static str {
        "NAVER Cloud Certificate Manager API v2"
    }

    fn regions(&self) -> &'static [Region] {
        &[Region {
            name: None,
            url: "https://certificatemanager.apigw.ntruss.com/api/v2",
        }]
    }

    /// Assumption `ncloud-key-limit`: ncloud counts requests by access key.
    fn credentials(&self) -> &'static [CredentialMember] {
        &[
            CredentialMember {
                name: "access_key",
                description: "where the access key is read from.",
            },
            CredentialMember {
                name: "secret_key",
                description: "where the secret key is read from.",
            },
        ]
    }

    /// Assumption `ncloud-key-limit`: ncloud publishes no limits; this is slow enough not to be noticed.
    fn rate_limits(&self) -> &'static [RateLimit] {
        &RATE_LIMITS
    }

    fn has_key_check(&self) -> bool {
        false
    }

    fn has_requests(&self) -> bool {
        false
    }

    /// What RevokeCertificate documents for `revokeType`.
    fn reasons(&self) -> &'static [RevocationReason] {
        &[
            RevocationReason::AffiliationChanged,
            RevocationReason::Superseded,
            RevocationReason::CessationOfOperation,
            RevocationReason::Unspecified,
        ]
    }

    fn scopes(&self) -> &'static [ScopeKind] {
        &[ScopeKind::Order, ScopeKind::CertificateNo]
    }

    fn tag_member(&self) -> Option<&'static str> {
        None
    }

    fn assumptions(&self) -> &'static [&'static Assumption] {
        assumptions::ALL
    }

    fn order_form(&self) -> Option<&'static dyn OrderForm> {
        None
    }
}

impl Keys {
    /// The keys of an account at ncloud.
    pub fn ncloud(access_key: Secret, secret_key: Secret) -> Self {
        Self::new(&NcloudAuthority, vec![access_key, secret_key])
    }
}

impl Adapter for NcloudAuthority {
    fn open(&self, settings: Settings, keys: &Keys) -> Result<Arc<dyn Act>, ProviderError> {
        let [access_key, secret_key] = keys.secrets() else {
            return Err(keys.incomplete());
        };
        Ok(Arc::new(Ncloud::new(
            settings,
            access_key.clone(),
            secret_key.clone(),
        )?))
    }

    fn change(
        &self,
        operation: &Operation,
        part: &Part,
        _renewal_of: Option<&OrderId>,
    ) -> Option<Change> {
        match operation {
            Operation::Revoke(revoke) => Some(Change {
                method: Method::POST,
                path: REVOKE_PATH.to_owned(),
                body: revoke_body(revoke, part).ok()?,
            }),
            Operation::Order(_) | Operation::Reissue(_) => None,
        }
    }
}
