//! What a doubt came to: [`Settled`].

use crate::apply::ended::StepEnd;
use crate::plan::Step;

/// What a doubt came to.
pub(super) enum Settled {
    /// The call had its effect; the journal has it.
    Taken(StepEnd),
    /// The call had no effect, and may be made again.
    ProvedDead,
    /// It is still open.
    Open(StepEnd),
}

/// Why a doubt is open, with what a person can do.
pub(super) fn unsettled(step: &Step, why: &str) -> String {
    format!("{why}; to settle it, `certplan resolve {}`", step.address)
}
