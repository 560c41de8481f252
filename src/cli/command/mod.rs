//! One file for each command.

mod apply;
mod demo;
mod doctor;
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
use super::watch::{self, Watch};

/// Runs the command of the command line.
pub(super) async fn run(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
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
            watch.end(&end, output);
            end
        }
        Command::Apply(args) => {
            let mut watch = Watch::new("apply", common, args.metrics.as_deref());
            let ping = Ping::start(common, args.ping.as_ref())?;
            let end = apply::run(common, args, &mut watch, output).await;
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
            watch.end(&end, output);
            end
        }
        Command::Resolve(args) => resolve::run(common, args, output).await,
        Command::Import(args) => import::run(common, args, output).await,
        Command::Forget(args) => forget::run(common, args, output).await,
        Command::History(args) => history::run(common, args, output).await,
        Command::Migrate(args) => migrate::run(common, args, output).await,
        Command::Doctor => doctor::run(common, output).await,
        Command::Schema(args) => reference::schema(args, output),
        Command::Sandbox(args) => sandbox::run(args, output).await,
        Command::Demo(args) => demo::run(args, output).await,
        Command::Completions(args) => reference::completions(args, output),
        Command::Man => reference::man(output),
    }
}
