//! `certplan migrate`: makes or updates the tables of a state in PostgreSQL.

use crate::cli::args::Common;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings;
use crate::journal;

pub(super) async fn run(common: &Common, output: &mut Output) -> Result<Exit, CliError> {
    let location = settings::location(common)?;
    let version = journal::migrate(&location).await?;
    output.result(|out| match version {
        Some(version) => writeln!(out, "{location} has schema {version}, the newest."),
        None => writeln!(
            out,
            "{location} is a file: the run that holds it keeps its schema up to date."
        ),
    });
    Ok(Exit::Done)
}
