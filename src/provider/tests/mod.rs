//! Tests over a scripted server, and what tests of other modules take from them.

mod faults;
mod fuzz;
mod reach;
pub(crate) mod scripted;
mod strange;
mod under_permit;

use super::Permit;
use super::throttle::Throttle;

impl Permit {
    /// One without an adapter: nothing is limited.
    pub(crate) async fn unlimited() -> Self {
        Self(Throttle::new(&[], 1).reserve(0).await)
    }
}
