//! `certplan validate`: everything that can be known of a manifest offline.

use serde_json::json;

use crate::cli::args::{Common, ValidateArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::workspace::inputs;
use crate::engine::EngineError;
use crate::manifest;
use crate::model::Address;
use crate::provider::authorities;

pub(super) fn run(
    common: &Common,
    args: &ValidateArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let loaded = match manifest::load(&inputs(common)?, &authorities()) {
        Ok(loaded) => loaded,
        Err(problems) if args.format == Format::Json => {
            let text = json!({
                "format_version": 1, "valid": false, "problems": problems.shown(),
                "count": problems.len(), "more": problems.rest(),
            });
            output.result(|out| writeln!(out, "{text:#}"));
            return Ok(Exit::Failed);
        }
        Err(problems) => return Err(EngineError::Manifest(problems).into()),
    };
    let items = &loaded.batch.items;
    let orders = items
        .iter()
        .filter(|item| matches!(item.address, Address::Order(_)))
        .count();
    let revocations = items.len() - orders;
    for warning in manifest::told(&loaded.warnings) {
        output.warning(&warning);
    }
    if args.format == Format::Json {
        let text = json!({
            "format_version": 1, "valid": true, "problems": [], "orders": orders,
            "revocations": revocations, "digest": loaded.batch.digest(),
        });
        output.result(|out| writeln!(out, "{text:#}"));
    } else {
        let files = match loaded.files.as_slice() {
            [only] => only.display().to_string(),
            [] => "standard input".to_owned(),
            many => format!("{} files", many.len()),
        };
        output.result(|out| {
            writeln!(
                out,
                "{files}: valid, {} and {}.",
                counted(orders, "order"),
                counted(revocations, "revocation")
            )
        });
    }
    // The process is about to end: giving back the memory of every item first takes a twelfth of the
    // whole command.
    std::mem::forget(loaded);
    Ok(Exit::Done)
}

fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
