//! Why a use case did not do what it was asked for: [`EngineError`].

use crate::files::FilesError;
use crate::journal::JournalError;
use crate::manifest::Problems;
use crate::model::{AccountName, Address, Reason};
use crate::plan::Action;
use crate::provider::ProviderError;

/// Why a use case did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The manifest, or a policy file, has problems.
    #[error("the manifest has problems")]
    Manifest(Problems),
    /// It was asked for something that cannot be: a name that the manifest does not have, say.
    #[error("{0}")]
    Usage(String),
    /// A key is missing or cannot be read, or the CA does not let it in.
    #[error("{0}")]
    Access(String),
    /// The CA did not answer a read.
    #[error("account `{account}`: {error}")]
    Provider {
        /// The account.
        account: AccountName,
        /// What went wrong.
        error: ProviderError,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder of keys and certificates cannot be used.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Nothing was sent: stale, edited, foreign, unexpected, or against the policy.
    #[error("{0}")]
    Refused(String),
    /// The CA shows something else than it did when the plan was saved.
    #[error("the plan is stale: what it saw at the CA is no longer so; plan again")]
    Stale(Vec<Stale>),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
    /// Anything else that ends in failure.
    #[error("{0}")]
    Failed(String),
}

/// What is not as a saved plan has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// Something else would be done about an item, or for another reason.
    Item {
        /// The item.
        address: Address,
        /// What was planned.
        then: (Action, Reason),
        /// What would be planned.
        now: (Action, Reason),
    },
    /// The account is another one at the CA, or is reached elsewhere.
    Account(AccountName),
}

impl EngineError {
    /// The CA did not answer a read of this account.
    pub(super) fn provider(account: &AccountName, error: ProviderError) -> Self {
        Self::Provider {
            account: account.clone(),
            error,
        }
    }
}
