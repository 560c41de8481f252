//! What every output promises, and the samples that show it.

mod hostile;
mod large;
mod promises;
pub(super) mod samples;
