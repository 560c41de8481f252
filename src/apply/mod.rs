//! ApprovedPlan -> RunReport: carries a plan out and says what became of it.

mod breaker;
mod claims;
mod context;
mod event;
mod evidence;
mod fold;
mod place;
mod poll;
mod revoke;
mod scheduler;
mod settle;
mod settle_revocation;
mod taken_over;

pub use context::{Lane, Run};
pub use event::{ActionReport, Event, Outcome, RunReport, Stop};
pub use evidence::{Candidate, Evidence, control_tag, gather_evidence};
pub use scheduler::run;
