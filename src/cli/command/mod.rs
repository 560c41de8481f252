//! One file for each command.

mod apply;
mod demo;
mod doctor;
mod history;
mod import;
mod init;
mod joining;
mod migrate;
mod plan;
mod reference;
mod resolve;
mod sandbox;
mod status;
mod unrecorded;
mod validate;

use super::args::{Cli, Command};
use super::exit::{CliError, Exit};
use super::output::Output;

/// Runs the command of the command line.
pub(super) async fn run(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
    let common = &cli.common;
    match &cli.command {
        Command::Init(args) => init::run(common, args, output),
        Command::Validate(args) => validate::run(common, args, output),
        Command::Plan(args) => plan::run(common, args, output).await,
        Command::Apply(args) => apply::run(common, args, output).await,
        Command::Status(args) => status::run(common, args, output).await,
        Command::Resolve(args) => resolve::run(common, args, output).await,
        Command::Import(args) => import::run(common, args, output).await,
        Command::History(args) => history::run(common, args, output).await,
        Command::Migrate => migrate::run(common, output).await,
        Command::Doctor => doctor::run(common, output).await,
        Command::Schema(args) => reference::schema(args, output),
        Command::Sandbox(args) => sandbox::run(args, output).await,
        Command::Demo(args) => demo::run(args, output).await,
        Command::Completions(args) => reference::completions(args, output),
        Command::Man => reference::man(output),
    }
}
