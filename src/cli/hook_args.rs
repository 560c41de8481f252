//! Programs that run after a collection or after a run, on the command line: [`HookArgs`].

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::exit::CliError;
use super::value_parsers::duration;
use crate::apply::{Delivery, Outcome, RunReport};
use crate::files::{Program, ProgramOutcome, ProgramRun, inherited};
use crate::report;

/// Programs, named from outside the manifest.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Programs")]
pub struct HookArgs {
    /// Runs this program after each certificate that was made into files; an absolute path, no arguments
    #[arg(long, value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub on_collected: Option<PathBuf>,
    /// Runs this program at the end, with the JSON report on its standard input, when something was done, failed or is unknown
    #[arg(long, value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub on_finished: Option<PathBuf>,
    /// Runs the program of --on-finished after every run
    #[arg(long, requires = "on_finished")]
    pub on_finished_always: bool,
    /// How long each program may run
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub hook_timeout: Duration,
}

/// Programs that may be run.
pub(super) struct Hooks {
    collected: Option<Delivery>,
    finished: Option<Delivery>,
    always: bool,
}

impl Hooks {
    /// Opens the programs before anything is sent: one that may not be run is an error of the command line.
    pub(super) fn open(args: &HookArgs) -> Result<Self, CliError> {
        let open = |path: &Option<PathBuf>, flag: &str| {
            let path: Option<&Path> = path.as_deref();
            path.map(|path| delivery(path, args.hook_timeout, flag))
                .transpose()
        };
        Ok(Self {
            collected: open(&args.on_collected, "--on-collected")?,
            finished: open(&args.on_finished, "--on-finished")?,
            always: args.on_finished_always,
        })
    }

    /// What runs after each collection.
    pub(super) fn collected(&self) -> Option<Delivery> {
        self.collected.clone()
    }

    /// Runs the program of `--on-finished`, if there is a reason to; says how it failed, where it did.
    pub(super) async fn finished(&self, run: &RunReport) -> Option<String> {
        let delivery = self.finished.as_ref()?;
        if !self.always && !is_worth_telling(run) {
            return None;
        }
        let mut stdin = Vec::new();
        if let Err(error) = report::run_json(&mut stdin, run) {
            return Some(error.to_string());
        }
        let said = &delivery.said;
        let start = ProgramRun {
            env: &delivery.inherited,
            stdin: Some(stdin),
            timeout: delivery.timeout,
        };
        match delivery.program.run(start, &mut |line| said(line)).await {
            ProgramOutcome::Ok => None,
            outcome @ (ProgramOutcome::Exit(_)
            | ProgramOutcome::Signal(_)
            | ProgramOutcome::TimedOut
            | ProgramOutcome::CouldNotStart(_)) => {
                Some(format!("the program of --on-finished failed: {outcome}"))
            }
        }
    }
}

/// True where something was done, failed, or is unknown.
fn is_worth_telling(run: &RunReport) -> bool {
    run.actions.iter().any(|action| match action.outcome {
        Outcome::Done | Outcome::Failed | Outcome::Unknown => true,
        Outcome::Waiting | Outcome::Skipped | Outcome::Kept => false,
    })
}

fn delivery(path: &Path, timeout: Duration, flag: &str) -> Result<Delivery, CliError> {
    let program =
        Program::open(path).map_err(|error| CliError::Usage(format!("{flag}: {error}")))?;
    Ok(Delivery {
        program: Arc::new(program),
        timeout,
        inherited: inherited(std::env::vars_os()),
        said: Arc::new(|line| {
            // What cannot be shown is lost; the program's end is noted all the same.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }),
    })
}
