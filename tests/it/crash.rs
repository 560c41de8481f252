//! Killed at any instant: nothing twice, nothing lost.
//!
//! `CERTPLAN_KILLS=1000` makes the random form longer (60 kills without it); `CERTPLAN_SEED` repeats a
//! sequence, which each failure names.

mod points;
mod power;
pub(crate) mod random;
mod storage;
pub(crate) mod tracing;
pub(crate) mod truth;
