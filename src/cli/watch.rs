//! What a run leaves for those who watch it: the metrics file of `--metrics`. Main type: [`Watch`].
//!
//! Gathered while the command goes on, written once at its end, however it ends. A file that cannot be
//! written is a warning: watching never changes how a run ends.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use super::args::Common;
use super::exit::{self, CliError, Exit};
use super::output::Output;
use super::signals;
use crate::engine::{Accounts, Applied, Planned, first_stop};
use crate::files::{self, FileError, Sync};
use crate::model::Batch;
use crate::report::{self, Metrics};

/// A file of ours is far below this, whatever the number of items.
const LARGEST: u64 = 4 << 20;
/// The textfile collector runs as another user, and nothing in the file is secret.
const MODE: u32 = 0o644;

/// Gathers the numbers of one run.
pub(super) struct Watch {
    file: Option<PathBuf>,
    begun: Instant,
    accounts: Accounts,
    metrics: Metrics,
}

impl Watch {
    /// Begins with the command. Without a file nothing is gathered.
    pub(super) fn new(command: &'static str, common: &Common, file: Option<&Path>) -> Self {
        Self {
            file: file.map(Path::to_path_buf),
            begun: Instant::now(),
            accounts: Accounts::new(),
            metrics: Metrics {
                command,
                manifest: manifest(common),
                finished_at: Timestamp::UNIX_EPOCH,
                duration: std::time::Duration::ZERO,
                exit_code: 0,
                last_success: None,
                journal_serial: None,
                planned: None,
                outcomes: None,
                standing: None,
                traffic: std::collections::BTreeMap::new(),
            },
        }
    }

    /// The end of a command that has no other answer to a signal: without a file to write there is
    /// none, and a signal ends the process as it always does.
    pub(super) fn stopped(&self) -> impl Future<Output = Exit> + use<> {
        let stop = self.file.is_some().then(signals::listen);
        async move {
            match stop {
                Some(stop) => exit::of_stop(first_stop(stop).await),
                None => std::future::pending().await,
            }
        }
    }

    /// The accounts are opened.
    pub(super) fn opened(&mut self, accounts: &Accounts) {
        self.accounts.clone_from(accounts);
    }

    /// The plan is made.
    pub(super) fn planned(&mut self, batch: &Batch, planned: &Planned) {
        if self.file.is_none() {
            return;
        }
        let metrics = &mut self.metrics;
        let Planned {
            known,
            observed,
            plan,
        } = planned;
        metrics.planned = Some(plan.summary());
        metrics.journal_serial = Some(known.state.serial);
        let standing = report::overview(batch, plan, &known.records, observed, None);
        metrics.standing = Some(standing);
    }

    /// The plan is carried out, as far as it goes.
    pub(super) fn carried_out(&mut self, batch: &Batch, applied: &Applied) {
        let Applied {
            approved,
            observed,
            report,
            journal,
        } = applied;
        let metrics = &mut self.metrics;
        metrics.outcomes = Some(report.summary());
        if self.file.is_none() {
            return;
        }
        let records = journal.records();
        metrics.journal_serial = Some(journal.mark().serial);
        let standing = report::overview(batch, approved.plan(), &records, observed, Some(report));
        metrics.standing = Some(standing);
    }

    /// How many steps have each outcome, where a plan was carried out: `done 1, waiting 2`.
    pub(super) fn outcomes(&self) -> Option<String> {
        let outcomes = self.metrics.outcomes.as_ref()?;
        let counts: Vec<String> = outcomes
            .iter()
            .map(|(outcome, count)| format!("{} {count}", outcome.word()))
            .collect();
        Some(counts.join(", "))
    }

    /// Writes the file.
    pub(super) fn end(mut self, end: &Result<Exit, CliError>, output: &Output) {
        let Some(file) = self.file.take() else {
            return;
        };
        let exit = exit(end);
        let metrics = &mut self.metrics;
        metrics.exit_code = exit.code();
        metrics.finished_at = Timestamp::now();
        metrics.duration = self.begun.elapsed();
        for (name, account) in &self.accounts {
            metrics.traffic.insert(name.clone(), account.traffic());
        }
        if let Err(error) = write(&file, metrics, exit) {
            output.warning(&format!(
                "the metrics file {} cannot be written: {error}",
                file.display()
            ));
        }
    }
}

/// How a command ended, error or not.
pub(super) fn exit(end: &Result<Exit, CliError>) -> Exit {
    match end {
        Ok(exit) => *exit,
        Err(error) => error.exit(),
    }
}

/// Whether a watcher is told of a success: what only waits is none of its failures.
pub(super) fn is_success(exit: Exit) -> bool {
    matches!(exit, Exit::Done | Exit::Pending)
}

/// Absolute, because jobs of several folders meet in one monitoring server.
fn manifest(common: &Common) -> String {
    let files = if common.files.is_empty() {
        vec![PathBuf::from("certplan.yaml")]
    } else {
        common.files.clone()
    };
    let shown = |file: &PathBuf| -> String {
        if file.as_os_str() == "-" {
            return "-".to_owned();
        }
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        absolute.to_string_lossy().into_owned()
    };
    let shown: Vec<String> = files.iter().map(shown).collect();
    shown.join(",")
}

/// A regular file appears whole or not at all, so that a collector never reads half of it. Its name during
/// the writing does not end in `.prom`. A pipe or a device tells nothing of an earlier run.
fn write(path: &Path, metrics: &mut Metrics, exit: Exit) -> io::Result<()> {
    metrics.last_success = if is_success(exit) {
        Some(metrics.finished_at)
    } else if matches!(files::is_there(path), Ok(true)) {
        earlier(path)?.and_then(|text| report::last_success(&text, metrics))
    } else {
        None
    };
    files::replace(path, MODE, Sync::File, |out| {
        report::metrics_text(out, metrics)
    })
}

/// What an earlier run left. A file that is not ours, because it is too large or no text, tells nothing.
fn earlier(path: &Path) -> io::Result<Option<String>> {
    match files::read_bounded(path, LARGEST) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(FileError::Io(error)) => Err(error),
        Err(FileError::TooLarge(_) | FileError::NotRegular) => Ok(None),
    }
}
