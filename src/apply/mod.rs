//! ApprovedPlan -> RunReport: carries a plan out and says what became of it.

mod answered_chains;
mod breaker;
mod context;
mod delivering;
mod delivery;
mod ended;
mod event;
mod evidence;
mod moving;
mod owners;
mod poll;
mod report_builder;
mod scheduler;
mod step;
#[cfg(test)]
mod tests;

pub use context::{Clock, Run, RunAccount};
pub use delivery::Delivery;
pub use event::{
    ActionReport, CollectedFiles, Event, HookOutcome, Outcome, PartReport, RunReport, Stop,
};
pub use evidence::{Candidate, Evidence, Lookup, control_tag, gather_evidence};
pub use scheduler::run;
