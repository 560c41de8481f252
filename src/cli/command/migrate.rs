//! `certplan migrate`: makes or updates the tables of a state in PostgreSQL, or takes another state over.

use crate::cli::args::{Common, MigrateArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings;
use crate::engine;

pub(super) async fn run(
    common: &Common,
    args: &MigrateArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let location = settings::location(common)?;
    let here = location.full_name();
    let Some(from) = &args.from else {
        let migrated = engine::migrate(&location).await?;
        output.result(|out| {
            match migrated.schema {
                Some(version) => writeln!(out, "{location} has schema {version}, the newest.")?,
                None => writeln!(
                    out,
                    "{location} is a file: the run that holds it keeps its schema up to date."
                )?,
            }
            if migrated.records_made_anew {
                writeln!(
                    out,
                    "Its records were wrong and have been made anew from its facts."
                )?;
            }
            Ok(())
        });
        return Ok(Exit::Done);
    };
    let from = settings::named_state("--from", from)?;
    let taken = engine::take_over(&from, &location).await?;
    let (facts, there) = (taken.facts, from.full_name());
    output.result(|out| {
        writeln!(
            out,
            "{here} goes on with the {facts} facts of {there}, which is closed: use `--state {here}` from now on."
        )
    });
    Ok(Exit::Done)
}
