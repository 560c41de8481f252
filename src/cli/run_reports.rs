//! The reports of a run that are written to files (`apply --report FORMAT=FILE`).

use super::exit::CliError;
use super::format::Format;
use super::value_parsers::ReportTarget;
use crate::apply::RunReport;
use crate::files::{self, Sync};
use crate::report;

/// A report names people and orders.
const REPORT_MODE: u32 = 0o600;

/// A report that has no place is refused before anything is bought for it.
pub(super) fn check(targets: &[ReportTarget]) -> Result<(), CliError> {
    for target in targets {
        let place = if target.path.is_dir() {
            Err(std::io::Error::from(std::io::ErrorKind::IsADirectory))
        } else {
            tempfile::NamedTempFile::new_in(files::folder_of(&target.path)).map(drop)
        };
        place.map_err(|error| {
            CliError::File(format!(
                "the report {} cannot be written: {error}; nothing was sent",
                target.path.display()
            ))
        })?;
    }
    Ok(())
}

/// Writes each report.
pub(super) fn write(targets: &[ReportTarget], report: &RunReport) -> Result<(), CliError> {
    for target in targets {
        write_one(target, report).map_err(|error| {
            CliError::File(format!(
                "the run is over, but its report {} cannot be written: {error}",
                target.path.display()
            ))
        })?;
    }
    Ok(())
}

/// A report appears whole or not at all.
fn write_one(target: &ReportTarget, report: &RunReport) -> std::io::Result<()> {
    let style = report::Style {
        color: false,
        width: 100,
    };
    files::replace(&target.path, REPORT_MODE, Sync::File, |out| {
        match target.format {
            Format::Json => report::run_json(out, report),
            Format::Markdown => report::run_markdown(out, report),
            Format::Text => report::run_text(out, report, &style),
        }
    })
}
