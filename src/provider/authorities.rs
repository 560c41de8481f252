//! The list of the CAs: the one place that a new one is added to. Main function: [`authorities`].

use std::sync::Arc;

use super::adapter::Adapter;
use super::certcentral::CertCentralAuthority;
use super::ncloud::NcloudAuthority;
use super::{Act, Keys, Observe, ProviderError, Settings};
use crate::model::Authority;

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

/// Opens an account for reading and changing. Sends nothing yet.
///
/// # Errors
///
/// A key that cannot stand in a header, an extra root that is no certificate, TLS roots that cannot be
/// loaded.
pub fn open(settings: Settings, keys: Keys) -> Result<Arc<dyn Act>, ProviderError> {
    match adapter(keys.authority()) {
        Some(adapter) => adapter.open(settings, &keys),
        None => Err(ProviderError::unusable(format!(
            "there is no adapter for {}; nothing was sent",
            keys.authority().name()
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
