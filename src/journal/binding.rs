//! Which CA account an account of the manifest stands for. The first use decides; a later run with
//! another endpoint or another customer's key is refused.

use std::collections::BTreeMap;

use super::{Binding, JournalError};
use crate::model::{AccountName, Digest, FilesId, Untrusted};

/// What a journal belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bindings {
    /// The CA accounts, by the account's name in the manifest.
    pub accounts: BTreeMap<AccountName, Binding>,
    /// The folder of keys and certificates.
    pub files: Option<FilesId>,
}

impl Bindings {
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.files.is_none()
    }

    pub(super) fn add(&mut self, bound: Bound) {
        match bound {
            Bound::Account(account, binding) => {
                self.accounts.insert(account, binding);
            }
            Bound::Files(id) => self.files = Some(id),
        }
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Bound> {
        let accounts = self.accounts.iter();
        let accounts =
            accounts.map(|(name, binding)| Bound::Account(name.clone(), binding.clone()));
        accounts.chain(self.files.clone().map(Bound::Files))
    }
}

/// One thing that a journal belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    Account(AccountName, Binding),
    Files(FilesId),
}

/// What stands in the place of an account's name for the folder of keys and certificates. No account can have this
/// name. An earlier certplan, which knows no such folder, takes it for a broken binding.
const FILES: &str = ".files";

/// What is to be stored when `account` shows itself as `now`: `None` if nothing changes.
/// [`JournalError::Foreign`] if it is another account than the one that is known.
pub(super) fn decide(
    account: &AccountName,
    known: Option<&Binding>,
    now: Binding,
) -> Result<Option<Binding>, JournalError> {
    let Some(then) = known else {
        return Ok(Some(now));
    };
    if !then.is_same(&now) {
        return Err(JournalError::Foreign {
            account: account.clone(),
            then: describe(then),
            now: describe(&now),
        });
    }
    Ok((then.account_id.is_none() && now.account_id.is_some()).then_some(now))
}

/// A binding as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredBinding {
    pub(crate) account: String,
    pub(crate) provider: String,
    pub(crate) endpoint: String,
    pub(crate) account_id: Option<String>,
    /// Covers the other columns and the lineage.
    pub(crate) seal: Vec<u8>,
}

impl StoredBinding {
    /// A binding of the journal with this lineage.
    pub(super) fn new(lineage: &str, bound: &Bound) -> Self {
        let (account, binding) = match bound {
            Bound::Account(account, binding) => (account.as_str(), binding.clone()),
            Bound::Files(id) => (FILES, of_files(id)),
        };
        Self {
            seal: seal(lineage, account, &binding).bytes().to_vec(),
            account: account.to_owned(),
            provider: binding.provider,
            endpoint: binding.endpoint,
            account_id: binding.account_id,
        }
    }

    /// The binding, if it is as it was written.
    pub(super) fn check(self, lineage: &str) -> Result<Bound, String> {
        let binding = Binding {
            provider: self.provider,
            endpoint: self.endpoint,
            account_id: self.account_id,
        };
        let is_sealed = self.seal == seal(lineage, &self.account, &binding).bytes();
        let bound = match self.account.as_str() {
            FILES => binding.endpoint.parse().ok().map(Bound::Files),
            account => account
                .parse()
                .ok()
                .map(|account| Bound::Account(account, binding)),
        };
        bound.filter(|_| is_sealed).ok_or_else(|| {
            format!(
                "the binding of account `{}` is not as it was written",
                self.account.escape_debug()
            )
        })
    }
}

/// The binding of the folder of keys and certificates, in the form of an account's.
fn of_files(id: &FilesId) -> Binding {
    Binding {
        provider: "files".to_owned(),
        endpoint: id.to_string(),
        account_id: None,
    }
}

fn seal(lineage: &str, account: &str, binding: &Binding) -> Digest {
    let (known, id) = match &binding.account_id {
        Some(id) => (b"1", id.as_str()),
        None => (b"0", ""),
    };
    Digest::of_parts(&[
        lineage.as_bytes(),
        account.as_bytes(),
        binding.provider.as_bytes(),
        binding.endpoint.as_bytes(),
        known,
        id.as_bytes(),
    ])
}

fn describe(binding: &Binding) -> String {
    let id = match &binding.account_id {
        Some(id) => format!(" (customer account {})", Untrusted::new(id.as_str())),
        None => String::new(),
    };
    format!("{} at {}{id}", binding.provider, binding.endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(provider: &str, endpoint: &str, id: Option<&str>) -> Binding {
        Binding {
            provider: provider.to_owned(),
            endpoint: endpoint.to_owned(),
            account_id: id.map(str::to_owned),
        }
    }

    #[test]
    fn the_first_use_decides_and_an_id_may_be_learned_later() {
        let account: AccountName = "digicert".parse().unwrap();
        let plain = bound("certcentral", "https://a.example", None);
        let full = bound("certcentral", "https://a.example", Some("7"));
        for (known, now, stored) in [
            (None, &plain, Some(&plain)),
            (None, &full, Some(&full)),
            (Some(&plain), &plain, None),
            (Some(&plain), &full, Some(&full)),
            (Some(&full), &full, None),
            // A CA that does not tell this time takes nothing back.
            (Some(&full), &plain, None),
        ] {
            assert_eq!(
                decide(&account, known, now.clone()).unwrap().as_ref(),
                stored,
                "{known:?} {now:?}"
            );
        }
    }

    #[test]
    fn another_account_is_refused_with_both_in_the_message() {
        let account: AccountName = "digicert".parse().unwrap();
        let then = bound("certcentral", "https://a.example", Some("7"));
        for now in [
            bound("ncloud", "https://a.example", Some("7")),
            bound("certcentral", "https://b.example", Some("7")),
            bound("certcentral", "https://a.example", Some("8\u{1b}[2J")),
        ] {
            let error = decide(&account, Some(&then), now.clone()).unwrap_err();
            assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains("certcentral at https://a.example (customer account 7)"));
            assert!(
                text.contains(&now.endpoint) && !text.contains('\u{1b}'),
                "{text}"
            );
        }
    }

    #[test]
    fn a_seal_tells_no_id_from_an_empty_one() {
        let account: AccountName = "digicert".parse().unwrap();
        assert_ne!(
            seal("l", account.as_str(), &bound("p", "e", None)),
            seal("l", account.as_str(), &bound("p", "e", Some("")))
        );
    }
}
