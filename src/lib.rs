//! certplan: declarative batch jobs for commercial certificate authorities.
//!
//! ```text
//!  files ──manifest──▶ Batch ──┐
//!  journal ──────────▶ Records ─┼─ engine: observe ─▶ plan ─▶ Plan ─approve─▶ ApprovedPlan ─ apply ─▶ Events ─▶ RunReport ──report──▶ text, JSON, Markdown
//!  CA ────provider───▶ Observed ┘
//! ```
//!
//! One direction, a type for each stage; no stage can be skipped, because the next function does not
//! take the earlier type. Seven nouns, the same in code, logs, docs and messages: **batch** (all that
//! is wanted), **item** (an order or a revocation in it), **record** (what the journal knows of an
//! item), **step** (what is planned for an item), **fact** (one line of the journal), **event**
//! (something seen while applying), **report**.

pub mod model;

pub mod apply;
pub mod budget;
pub mod engine;
pub mod files;
pub mod journal;
pub mod manifest;
pub mod plan;
pub mod provider;
pub mod report;

pub mod cli;

pub mod sandbox;

#[cfg(feature = "planted-bugs")]
mod planted;
