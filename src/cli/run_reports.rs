//! The reports of a run that are asked for (`apply --report FORMAT=FILE`).

use std::io::{self, Write};

use super::exit::CliError;
use super::format::Format;
use super::output::Output;
use super::value_parsers::ReportTarget;
use crate::apply::RunReport;
use crate::files::{self, Sync};
use crate::report;

/// A report names people and orders.
const REPORT_MODE: u32 = 0o600;

/// A report that has no place is refused before anything is bought for it.
pub(super) fn check(targets: &[ReportTarget]) -> Result<(), CliError> {
    if targets.iter().filter(|target| is_standard(target)).count() > 1 {
        return Err(CliError::Usage(
            "standard output can hold one report: name a file for the others".to_owned(),
        ));
    }
    for target in targets {
        let Some(file) = &target.file else {
            continue;
        };
        files::can_replace(file).map_err(|error| {
            CliError::File(format!(
                "the report {} cannot be written: {error}; nothing was sent",
                file.display()
            ))
        })?;
    }
    Ok(())
}

/// Whether a report goes to standard output.
pub(super) fn is_standard(target: &ReportTarget) -> bool {
    target.file.is_none()
}

/// Writes each report, also when another one failed: true when none is lost.
pub(super) fn write(targets: &[ReportTarget], report: &RunReport, output: &mut Output) -> bool {
    let mut whole = true;
    for target in targets {
        match &target.file {
            Some(file) => {
                let written = files::replace(file, REPORT_MODE, Sync::File, |out| {
                    write_one(out, target.format, report)
                });
                if let Err(error) = written {
                    whole = false;
                    output.error(&format!(
                        "the run is over, but its report {} cannot be written: {error}",
                        file.display()
                    ));
                }
            }
            None => output.data(|out| write_one(out, target.format, report)),
        }
    }
    whole
}

fn write_one(out: &mut dyn Write, format: Format, report: &RunReport) -> io::Result<()> {
    let style = report::Style {
        color: false,
        width: 100,
    };
    match format {
        Format::Json => report::run_json(out, report),
        Format::Markdown => report::run_markdown(out, report),
        Format::Text => report::run_text(out, report, &style),
    }
}
