//! `certplan doctor --assumptions`: tries on these accounts what is assumed about their CAs.

use crate::cli::args::Common;
use crate::cli::doctor_args::DoctorFormat;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::workspace;
use crate::engine::try_assumptions;
use crate::report::{assumptions_json, assumptions_text};

pub(super) async fn run(
    common: &Common,
    format: DoctorFormat,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let workspace = workspace::load(common, None, output)?;
    let accounts = try_assumptions(&workspace).await?;
    output.result(|out| match format {
        DoctorFormat::Text => assumptions_text(&accounts, out),
        DoctorFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &assumptions_json(&accounts))?;
            writeln!(out)
        }
    });
    Ok(Exit::Done)
}
