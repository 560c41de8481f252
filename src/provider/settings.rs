//! What it takes to open an account: where it is, its limits and its keys.

use std::sync::Arc;
use std::time::Duration;

use super::authorities::adapter;
use super::certcentral::CertCentralAuthority;
use super::endpoint::Endpoint;
use super::error::ProviderError;
use super::ncloud::NcloudAuthority;
use super::{Act, Budget, Observe};
use crate::model::{AccountName, Authority, RateLimit, Secret};

/// One account as it is opened.
#[derive(Clone)]
pub struct Settings {
    /// Its name in the manifest.
    pub account: AccountName,
    /// Its base URL.
    pub endpoint: Endpoint,
    /// Rolling windows that all hold at once.
    pub rate_limits: Vec<RateLimit>,
    /// What the key's other users draw from as well; without one the limits hold for this process alone.
    pub budget: Option<Arc<dyn Budget>>,
    /// How many calls may be under way at once. A [`super::Permit`] counts from when it is taken, so a
    /// caller that holds one must not wait for a read of its own.
    pub max_in_flight: usize,
    /// PEM certificates to trust beside the system's, from the command line.
    pub extra_root: Option<Vec<u8>>,
    /// How long to wait.
    pub deadlines: Deadlines,
}

/// How long each phase of a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// DNS, TCP and TLS together.
    pub connect: Duration,
    /// From the start to the head of the answer.
    pub head: Duration,
    /// The longest pause between two pieces of the answer's body.
    pub body: Duration,
    /// From the start to the end of the answer.
    pub whole: Duration,
    /// The delay before a read is repeated; it doubles.
    pub first_repeat: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
            whole: Duration::from_secs(120),
            first_repeat: Duration::from_millis(500),
        }
    }
}

/// The keys of an account, and which CA they are for.
pub struct Keys {
    authority: &'static dyn Authority,
    secrets: Vec<Secret>,
}

impl Keys {
    /// One secret for each of [`Authority::credentials`], in their order.
    pub fn new(authority: &'static dyn Authority, secrets: Vec<Secret>) -> Self {
        Self { authority, secrets }
    }

    /// The key of an account at CertCentral.
    pub fn certcentral(api_key: Secret) -> Self {
        Self::new(&CertCentralAuthority, vec![api_key])
    }

    /// The keys of an account at ncloud.
    pub fn ncloud(access_key: Secret, secret_key: Secret) -> Self {
        Self::new(&NcloudAuthority, vec![access_key, secret_key])
    }

    pub(super) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The error where a secret is missing or left over.
    pub(super) fn incomplete(&self) -> ProviderError {
        ProviderError::unusable(format!(
            "{} takes {} secrets, {} were given; nothing was sent",
            self.authority.name(),
            self.authority.credentials().len(),
            self.secrets.len()
        ))
    }
}

/// Opens an account for reading and changing. Sends nothing yet.
///
/// # Errors
///
/// A key that cannot stand in a header, an extra root that is no certificate, TLS roots that cannot be
/// loaded.
pub fn open(settings: Settings, keys: Keys) -> Result<Arc<dyn Act>, ProviderError> {
    match adapter(keys.authority) {
        Some(adapter) => adapter.open(settings, &keys),
        None => Err(ProviderError::unusable(format!(
            "there is no adapter for {}; nothing was sent",
            keys.authority.name()
        ))),
    }
}

/// Opens an account for reading alone: what `plan` is given.
///
/// # Errors
///
/// As [`open`].
pub fn observe_only(settings: Settings, keys: Keys) -> Result<Arc<dyn Observe>, ProviderError> {
    let account: Arc<dyn Observe> = open(settings, keys)?;
    Ok(account)
}
