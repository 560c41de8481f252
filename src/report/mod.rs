//! Plan, RunReport, status and history -> text, JSON, Markdown, metrics; each goes to a writer that it is given.
//!
//! What a manifest or a CA wrote reaches a terminal or a pull request only as a datum of a
//! `phrase::Phrase`. The last lines, the JSON keys and the ids as strings are the contract with users.

use crate::engine::StatusEntry;
use crate::model::{Digest, Entry};

mod amounts;
mod assumptions;
mod conclusion;
mod details;
mod files;
mod history;
mod json;
mod json_files;
mod json_renewal;
mod metrics;
mod move_words;
mod page;
mod phrase;
mod plan_markdown;
mod plan_text;
mod renewal_details;
mod renewal_words;
mod run_json;
mod run_markdown;
mod run_text;
mod safe_json;
mod schema;
mod status;
mod summary;
mod terminal;
mod words;

#[cfg(test)]
mod tests;

pub use amounts::counted;
pub use assumptions::{assumptions_json, assumptions_text};
pub use history::{history_json, history_text};
pub use json::plan_json;
pub use metrics::{Metrics, Overview, last_success, metrics_text, overview};
pub use plan_markdown::plan_markdown;
pub use plan_text::plan_text;
pub use run_json::{run_json, status_json};
pub use run_markdown::run_markdown;
pub use run_text::run_text;
pub use schema::{plan_schema, report_schema, status_schema};
pub use status::{status_markdown, status_text};
pub use words::{cause as cause_words, decision as decision_words, reason as reason_words};

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are written; without them the text has no escape sequence at all.
    pub color: bool,
    /// How many columns there are: long request bodies are cut to it. Never below 60.
    pub width: usize,
}

/// One line of the journal with its place and its hash in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// Its place, from 1.
    pub seq: u64,
    /// What happened.
    pub entry: Entry,
    /// The chain's hash up to and with this line.
    pub hash: Digest,
}
