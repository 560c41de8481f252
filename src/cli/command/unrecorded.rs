//! What the journal could not take: the ids that a run learned, in a file of their own.
//!
//! Nothing depends on this file. Each call's intent was durable before the call, so the next run finds
//! the orders by their tags and the revocations by reading; the file spares a person the search.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::apply::{Outcome, RunReport};
use crate::cli::output::Output;
use crate::journal::Location;

/// Writes `errored-<run>.jsonl`: beside the state, else into the temporary folder, else its lines go to
/// standard error. Ids only.
pub(super) fn save(location: &Location, report: &RunReport, output: &Output) {
    let lines = lines(report);
    if lines.is_empty() {
        return;
    }
    let name = format!("errored-{}.jsonl", report.run_id);
    let beside = location.folder().map(Path::to_path_buf);
    for folder in beside.into_iter().chain([std::env::temp_dir()]) {
        let path = folder.join(&name);
        if write(&path, &lines).is_ok() {
            output.error(&format!(
                "what the CA took and the state could not note is in {}; the next run finds it again by its tags",
                path.display()
            ));
            return;
        }
    }
    for line in lines {
        output.error(&format!("not noted in the state: {line}"));
    }
}

/// One JSON object for each step that something is known of.
fn lines(report: &RunReport) -> Vec<String> {
    report
        .actions
        .iter()
        .filter(|action| action.outcome == Outcome::Unknown)
        .filter(|action| action.order_id.is_some() || action.request_id.is_some())
        .map(|action| {
            json!({
                "run_id": report.run_id.to_string(),
                "address": action.address.to_string(),
                "action": action.action.word(),
                "order_id": action.order_id.as_ref().map(|id| id.as_str()),
                "request_id": action.request_id.as_ref().map(|id| id.as_str()),
                "certificate_id": action.certificate_id.as_ref().map(|id| id.as_str()),
            })
            .to_string()
        })
        .collect()
}

fn write(path: &PathBuf, lines: &[String]) -> std::io::Result<()> {
    let mut text = lines.join("\n");
    text.push('\n');
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file would hide the whole one that comes next.
        let _ = std::fs::remove_file(path);
    }
    written
}
