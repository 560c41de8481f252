//! Exit codes, and the errors that lead to them.

use std::process::ExitCode;

use crate::apply::{Outcome, RunReport, Stop};
use crate::engine::{EngineError, Stale};
use crate::journal::JournalError;
use crate::model::Untrusted;
use crate::report;

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
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
    /// Anything else that ends in failure.
    #[error("{0}")]
    Failed(String),
    /// The use case did not do it.
    #[error("{}", engine_words(.0))]
    Engine(#[from] EngineError),
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        Self::Engine(EngineError::Journal(error))
    }
}

impl CliError {
    /// The exit code that the error leads to.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::File(_) | Self::Failed(_) => Exit::Failed,
            Self::Engine(error) => exit(error),
        }
    }
}

/// Why a use case did not do it, with what changed since a plan was saved.
fn engine_words(error: &EngineError) -> String {
    if let EngineError::Journal(JournalError::Held { .. }) = error {
        return format!(
            "{error}; `apply`, `resolve`, `import` and `forget` wait for its end with `--lock-timeout 10m`"
        );
    }
    if let EngineError::Files(error) = error {
        return error.told();
    }
    let EngineError::Stale(changed) = error else {
        return error.to_string();
    };
    let changed: Vec<String> = changed.iter().map(stale_words).collect();
    format!("{error}\n{}", changed.join("\n"))
}

fn stale_words(stale: &Stale) -> String {
    match stale {
        Stale::Item { address, then, now } => format!(
            "{address}: planned was {} ({}), now it is {} ({})",
            then.0.word(),
            Untrusted::new(report::reason_words(&then.1)),
            now.0.word(),
            Untrusted::new(report::reason_words(&now.1))
        ),
        Stale::Account(name) => format!("account `{name}` is another one now"),
    }
}

/// The code of a run. A signal is told first, then an unknown outcome, then what failed, then what only a
/// person can decide. What was skipped counts beside something that failed.
pub(super) fn of_run(report: &RunReport, detailed: bool) -> Exit {
    if let Some(stop) = report.stopped {
        return of_stop(stop);
    }
    let any = |outcome: Outcome| {
        report
            .actions
            .iter()
            .any(|action| action.outcome == outcome)
    };
    if any(Outcome::Unknown) {
        Exit::Person
    } else if any(Outcome::Failed) || any(Outcome::Skipped) {
        Exit::Failed
    } else if report.decisions().next().is_some() {
        Exit::Person
    } else if detailed && any(Outcome::Waiting) {
        Exit::Pending
    } else {
        Exit::Done
    }
}

/// The exit code that says which signal it was.
pub(super) fn of_stop(stop: Stop) -> Exit {
    match stop {
        Stop::Interrupt => Exit::Interrupted,
        Stop::Terminate => Exit::Terminated,
    }
}

fn exit(error: &EngineError) -> Exit {
    match error {
        EngineError::Usage(_) => Exit::Usage,
        EngineError::Refused(_) | EngineError::Stale(_) => Exit::Refused,
        EngineError::Journal(JournalError::Held { .. }) => Exit::Held,
        EngineError::Manifest(_)
        | EngineError::Access(_)
        | EngineError::Provider { .. }
        | EngineError::File(_)
        | EngineError::Files(_)
        | EngineError::Failed(_)
        | EngineError::Journal(
            JournalError::Newer { .. }
            | JournalError::Corrupt { .. }
            | JournalError::Records(_)
            | JournalError::Moved { .. }
            | JournalError::Unfinished { .. }
            | JournalError::NotEmpty { .. }
            | JournalError::Unusable { .. }
            | JournalError::Write(_)
            | JournalError::Foreign { .. }
            | JournalError::Illegal(_),
        ) => Exit::Failed,
    }
}
