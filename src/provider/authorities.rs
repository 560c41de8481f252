//! The list of the CAs: the one place that a new one is added to. Main function: [`authorities`].

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;

use super::certcentral::CertCentralAuthority;
use super::ncloud::NcloudAuthority;
use super::{Act, Keys, ProviderError, Settings};
use crate::model::{Authority, Operation, OrderId, Part};

/// One change at a CA, ready to send.
pub(super) struct Change {
    pub(super) method: Method,
    /// Below the endpoint.
    pub(super) path: String,
    pub(super) body: Value,
}

/// What an adapter adds to what its CA offers.
pub(super) trait Adapter: Authority {
    /// Opens an account. Sends nothing yet.
    fn open(&self, settings: Settings, keys: &Keys) -> Result<Arc<dyn Act>, ProviderError>;

    /// One call of an operation, ready to send; `None` for what the CA does not offer.
    fn change(
        &self,
        operation: &Operation,
        part: &Part,
        renewal_of: Option<&OrderId>,
    ) -> Option<Change>;
}

static ADAPTERS: [&dyn Adapter; 2] = [&CertCentralAuthority, &NcloudAuthority];

/// Every CA that certplan knows, in the order in which they are named to people.
pub fn authorities() -> Vec<&'static dyn Authority> {
    ADAPTERS
        .iter()
        .map(|&adapter| adapter as &dyn Authority)
        .collect()
}

/// The CA of this name.
pub fn authority(name: &str) -> Option<&'static dyn Authority> {
    let adapter = ADAPTERS.iter().find(|adapter| adapter.name() == name)?;
    Some(*adapter as &dyn Authority)
}

/// The adapter of an authority; `None` for one that is not in the list.
pub(super) fn adapter(authority: &dyn Authority) -> Option<&'static dyn Adapter> {
    ADAPTERS
        .iter()
        .copied()
        .find(|adapter| adapter.name() == authority.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_authority_has_what_an_account_needs() {
        let all = authorities();
        for authority in &all {
            let name = authority.name();
            assert!(!authority.regions().is_empty(), "{name}");
            assert!(!authority.credentials().is_empty(), "{name}");
            assert!(!authority.rate_limits().is_empty(), "{name}");
            assert!(!authority.reasons().is_empty(), "{name}");
            assert!(!authority.scopes().is_empty(), "{name}");
            assert_eq!(
                all.iter().filter(|other| other.name() == name).count(),
                1,
                "{name}"
            );
        }
    }
}
