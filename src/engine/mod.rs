//! The use cases, on plain types: no arguments, no terminal, no environment, no end of the process.
//!
//! A front end opens a [`Workspace`], hands it to a use case, listens to [`Notice`]s through [`Tell`], and
//! maps an [`EngineError`] to whatever its callers understand. The command line is one front end.

mod adopt;
mod adopt_files;
mod apply;
mod assumptions;
mod budgets;
mod consent;
mod durable;
mod error;
mod fact_writer;
mod files_folder;
mod files_place;
mod forget;
mod inventory;
mod inventory_names;
mod journal_view;
mod migrate;
mod notice;
mod observe;
mod other_state;
mod plan;
mod renamed;
mod resolve;
pub mod saved_plan;
mod stale;
mod status;
mod targets;
#[cfg(test)]
mod tests;
mod workspace;

pub use adopt::{AdoptRequest, Adopted, adopt};
pub use adopt_files::{
    AdoptFilesRequest, AdoptedFiles, FilesLook, FilesStanding, adopt_files, look_at_files,
};
pub use apply::{Applied, ApplyEnd, ApplyRequest, Audience, apply, first_stop};
pub use assumptions::{TriedAccount, try_assumptions};
pub use budgets::Budgets;
pub use consent::Consent;
pub use durable::Durable;
pub use error::{EngineError, Stale};
pub use files_place::FilesPlace;
pub use forget::{ForgetRequest, Forgotten, forget};
pub use inventory::{Inventory, LeftOut, inventory};
pub use journal_view::JournalView;
pub use migrate::{migrate, take_over};
pub use notice::{Notice, Tell};
pub use observe::{Purpose, check_access};
pub use plan::{PlanRequest, Planned, doubles, plan};
pub use resolve::{Findings, Judge, ResolveRequest, Resolved, Verdict, resolve};
pub use status::{StatusEntry, status};
pub use workspace::{Accounts, Manifest, Open, Scope, Surroundings, Workspace};
