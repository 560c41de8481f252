//! ApprovedPlan -> RunReport: carries a plan out and says what became of it.

mod context;
mod event;
mod fold;
mod place;
mod poll;
mod revoke;
mod scheduler;
mod settle;

pub use context::{Lane, Run};
pub use event::{ActionReport, Event, Outcome, RunReport, Stop};
pub use scheduler::run;
pub use settle::{Candidate, Evidence, gather_evidence};
