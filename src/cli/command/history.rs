//! `certplan history`: the journal, and the check of its chain.

use serde_json::json;

use crate::cli::args::{Common, HistoryArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::settings;
use crate::journal::{self, HistoryFilter, Location, VerifyError};
use crate::report::{self, HistoryLine};

pub(super) async fn run(
    common: &Common,
    args: &HistoryArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let location = settings::location(common)?;
    if args.verify {
        return verify(&location, args.format, output).await;
    }
    let filter = HistoryFilter {
        address: args.address.clone(),
        run: args.run.clone(),
        limit: args.limit,
    };
    let lines: Vec<HistoryLine> = journal::history(&location, &filter)
        .await?
        .into_iter()
        .map(|line| HistoryLine {
            seq: line.seq,
            entry: line.entry,
            hash: line.hash,
        })
        .collect();
    let style = output.style();
    output.result(|out| match args.format {
        Format::Json => report::history_json(out, &lines),
        Format::Text | Format::Markdown => report::history_text(out, &lines, &style),
    });
    Ok(Exit::Done)
}

async fn verify(
    location: &Location,
    format: Format,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let verified = journal::verify(location)
        .await
        .map_err(|error| match error {
            VerifyError::Broken { seq, error } => {
                CliError::Failed(format!("the journal is broken at fact {seq}: {error}"))
            }
            VerifyError::Journal(error) => CliError::from(error),
        })?;
    output.result(|out| match (format, &verified) {
        (Format::Json, Some(found)) => {
            let text = json!({
                "format_version": 1, "facts": found.facts, "head": found.head,
                "lineage": found.lineage,
            });
            writeln!(out, "{text:#}")
        }
        (Format::Json, None) => {
            let text = json!({
                "format_version": 1, "facts": 0, "head": null, "lineage": null,
            });
            writeln!(out, "{text:#}")
        }
        (_, None) => writeln!(out, "There is no journal at {location} yet."),
        (_, Some(found)) => writeln!(
            out,
            "{} facts, each follows from the ones before it.\nHead {}, lineage {}.",
            found.facts, found.head, found.lineage
        ),
    });
    Ok(Exit::Done)
}
