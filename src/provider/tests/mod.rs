//! Tests over a scripted server, and what tests of other modules take from them.

mod faults;
mod fuzz;
mod reach;
pub(crate) mod scripted;
mod strange;
mod under_permit;
