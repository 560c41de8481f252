//! Exit codes, and the errors that lead to them.

use std::process::ExitCode;

use crate::journal::JournalError;
use crate::manifest::Problems;
use crate::provider::ProviderError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed: bad manifest, a refusal of the CA, no access, state that cannot be used.
    Failed,
    /// With `--detailed-exitcode`: something to do, or something that waits.
    Pending,
    /// A person must act: an outcome is unknown, or an item waits for a decision that no run can take.
    Person,
    /// Another run holds the state.
    Held,
    /// Refused before anything was sent.
    Refused,
    /// The command line is wrong.
    Usage,
    /// Stopped by SIGINT.
    Interrupted,
    /// Stopped by SIGTERM or SIGHUP.
    Terminated,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Pending => 2,
            Self::Person => 3,
            Self::Held => 4,
            Self::Refused => 5,
            Self::Usage => 64,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The manifest, or a policy file, has problems.
    #[error("the manifest has problems")]
    Manifest(Problems),
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// A key is missing or cannot be read, or the CA does not let it in.
    #[error("{0}")]
    Access(String),
    /// The CA did not answer a read.
    #[error("account `{account}`: {error}")]
    Provider {
        /// The account.
        account: String,
        /// What went wrong.
        error: ProviderError,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Nothing was sent: stale, edited, foreign, unexpected, or against the policy.
    #[error("{0}")]
    Refused(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
    /// Anything else that ends in failure.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// The exit code that the error leads to.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::Journal(JournalError::Held { .. }) => Exit::Held,
            Self::Manifest(_)
            | Self::Access(_)
            | Self::Provider { .. }
            | Self::File(_)
            | Self::Failed(_)
            | Self::Journal(
                JournalError::Newer { .. }
                | JournalError::Corrupt { .. }
                | JournalError::Unusable { .. }
                | JournalError::Write(_)
                | JournalError::Foreign { .. }
                | JournalError::Illegal(_),
            ) => Exit::Failed,
        }
    }
}
