//! One file for each command.

mod apply;
mod assumptions;
mod check;
mod demo;
mod doctor;
mod doctor_files;
mod forget;
mod history;
mod import;
mod init;
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
use super::ping::Ping;
use super::run_reports;
use super::watch::{self, Watch};

/// Runs the command of the command line.
pub(super) async fn run(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
    let end = carry_out(cli, output).await;
    shown(&cli.command, end, output)
}

/// A success that nobody could read is a failure, where there was nothing else to come out of it.
fn shown(
    command: &Command,
    end: Result<Exit, CliError>,
    output: &Output,
) -> Result<Exit, CliError> {
    match end {
        Ok(Exit::Done | Exit::Pending) if output.lost() && only_prints(command) => Ok(Exit::Failed),
        end => end,
    }
}

/// Whether standard output is all that a command leaves.
fn only_prints(command: &Command) -> bool {
    match command {
        Command::Validate(_)
        | Command::Plan(_)
        | Command::Status(_)
        | Command::History(_)
        | Command::Schema(_)
        | Command::Demo(_)
        | Command::Completions(_)
        | Command::Man => true,
        Command::Import(args) => args.all,
        Command::Doctor(args) => !args.adopt_files_dir,
        Command::Resolve(args) => args.found.is_none() && !args.not_placed,
        // A report in a file has all that the text has.
        Command::Apply(args) => args.reports.iter().all(run_reports::is_standard),
        Command::Init(_) | Command::Forget(_) | Command::Migrate(_) | Command::Sandbox(_) => false,
    }
}

async fn carry_out(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
    let common = &cli.common;
    match &cli.command {
        Command::Init(args) => init::run(common, args, output),
        Command::Validate(args) => validate::run(common, args, output),
        Command::Plan(args) => {
            let mut watch = Watch::new("plan", common, args.metrics.as_deref());
            let stopped = watch.stopped();
            let end = tokio::select! {
                end = plan::run(common, args, &mut watch, output) => end,
                exit = stopped => Ok(exit),
            };
            let end = shown(&cli.command, end, output);
            watch.end(&end, output);
            end
        }
        Command::Apply(args) => {
            let mut watch = Watch::new("apply", common, args.metrics.as_deref());
            let ping = Ping::start(common, args.ping.as_ref())?;
            let end = apply::run(common, args, &mut watch, output).await;
            let end = shown(&cli.command, end, output);
            let outcomes = watch.outcomes();
            watch.end(&end, output);
            ping.end(watch::exit(&end), outcomes, output).await;
            end
        }
        Command::Status(args) => {
            let mut watch = Watch::new("status", common, args.metrics.as_deref());
            let stopped = watch.stopped();
            let end = tokio::select! {
                end = status::run(common, args, &mut watch, output) => end,
                exit = stopped => Ok(exit),
            };
            let end = shown(&cli.command, end, output);
            watch.end(&end, output);
            end
        }
        Command::Resolve(args) => resolve::run(common, args, output).await,
        Command::Import(args) => import::run(common, args, output).await,
        Command::Forget(args) => forget::run(common, args, output).await,
        Command::History(args) => history::run(common, args, output).await,
        Command::Migrate(args) => migrate::run(common, args, output).await,
        Command::Doctor(args) if args.assumptions => {
            assumptions::run(common, args.format, output).await
        }
        Command::Doctor(args) if args.adopt_files_dir => {
            doctor_files::adopt(common, args, output).await
        }
        Command::Doctor(_) => doctor::run(common, output).await,
        Command::Schema(args) => reference::schema(args, output),
        Command::Sandbox(args) => sandbox::run(args, output).await,
        Command::Demo(args) => demo::run(args, output).await,
        Command::Completions(args) => reference::completions(args, output),
        Command::Man => reference::man(output),
    }
}
