//! ApprovedPlan -> RunReport: carries a plan out and says what became of it.

mod event;

pub use event::{ActionReport, Event, Outcome, RunReport, Stop};
