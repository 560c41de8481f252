//! An intent for the tests of the adapters, which have no journal.

use super::Recorded;

impl Recorded {
    /// One that was never written.
    pub(crate) fn for_tests() -> Self {
        Self(())
    }
}
