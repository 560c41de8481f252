//! A [`Workspace`] from the command line and the environment.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::{Common, LogFormat};
use super::exit::CliError;
use super::files_place;
use super::format::Format;
use super::output::Output;
use super::route;
use super::settings::{self, Calls};
use crate::engine::{Budgets, Manifest, Surroundings, Workspace};
use crate::manifest::Input;
use crate::provider;

/// Standard input larger than this is no manifest.
const STDIN_BYTES: u64 = 64 * 1024 * 1024;

/// Where the manifest's warnings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Warnings {
    /// At once, on standard error.
    AtOnce,
    /// In the plan, which a person sees.
    InThePlan,
    /// In both: the plan is for a program, which may not show it.
    InBoth,
}

impl Warnings {
    /// For a plan that is shown in this form; a log for programs has everything.
    pub(super) fn with_plan(format: Format, common: &Common) -> Self {
        match (format, common.log_format) {
            (Format::Text, LogFormat::Text) => Self::InThePlan,
            (Format::Text | Format::Json | Format::Markdown, LogFormat::Text | LogFormat::Json) => {
                Self::InBoth
            }
        }
    }
}

/// Reads the manifest and everything that it is read with, for a command that calls a CA.
pub(super) fn load(
    common: &Common,
    policy: Option<&Path>,
    output: &Output,
) -> Result<Workspace, CliError> {
    load_for(Calls::Ca, common, policy, Warnings::AtOnce, output)
}

/// The same for a command that may call nobody.
pub(super) fn load_for(
    calls: Calls,
    common: &Common,
    policy: Option<&Path>,
    warnings: Warnings,
    output: &Output,
) -> Result<Workspace, CliError> {
    let mut manifest = Manifest::read(&inputs(common)?, policy)?;
    if warnings != Warnings::InThePlan {
        manifest.warn_of_entries(output);
    }
    if warnings == Warnings::AtOnce {
        manifest.warnings.clear();
    }
    let location = settings::location(common)?;
    // Before anything else that can be wrong: an error below must not hide it.
    manifest.warn_of_place(&location, output);
    let named = settings::budget_folder(common)?;
    let surroundings = Surroundings {
        endpoints: settings::endpoints(common, &manifest.batch, calls)?,
        budgets: Budgets::of(named, settings::home(), &location),
        default_state: settings::default_state(common)
            .filter(|default| default.full_name() != location.full_name()),
        location,
        route: route::route(&common.route)?,
        files: files_place::place(common)?,
        extra_root: settings::extra_root(common)?,
        keys: settings::keys,
        secret: settings::passphrase,
        open: Box::new(provider::open),
    };
    Ok(Workspace::new(manifest, surroundings))
}

/// What `-f` names; standard input is read here.
pub(super) fn inputs(common: &Common) -> Result<Vec<Input>, CliError> {
    if common.files.is_empty() {
        return Ok(vec![Input::Path(PathBuf::from("certplan.yaml"))]);
    }
    let mut inputs = Vec::new();
    for file in &common.files {
        if file.as_os_str() != "-" {
            inputs.push(Input::Path(file.clone()));
            continue;
        }
        if inputs.iter().any(|input| matches!(input, Input::Stdin(_))) {
            return Err(CliError::Usage("`-f -` stands twice".to_owned()));
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(STDIN_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| CliError::File(format!("cannot read standard input: {error}")))?;
        inputs.push(Input::Stdin(bytes));
    }
    Ok(inputs)
}
