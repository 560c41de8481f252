//! Several runs carry out one plan: each takes steps that nobody has, and tells the others how they
//! ended.
//!
//! None of this decides whether a call may be made: that is [`super::Journal::append`] alone, which
//! refuses a second intent whatever the crew believes. A crew only shares the work.

use futures::future::BoxFuture;

use super::JournalError;
use crate::model::Digest;

/// A plan that a run made known to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPlan {
    /// The plan's id.
    pub plan_id: Digest,
    /// The digest of the manifest it was made from.
    pub manifest: Digest,
    /// The plan, as JSON.
    pub document: String,
}

/// A step that this run may carry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Its place in the plan.
    pub position: usize,
    /// True when a run that is dead had it: what was under way there is a doubt.
    pub taken_over: bool,
}

/// The runs that carry out one plan.
pub trait Crew: Send + Sync {
    /// The plan that this run joined; `None` when it is the first.
    fn joined(&self) -> Option<&SharedPlan>;

    /// Makes the first run's plan known, with the places of the steps to carry out. From here on other
    /// runs may join.
    fn publish(
        &self,
        plan: SharedPlan,
        steps: Vec<usize>,
    ) -> BoxFuture<'_, Result<(), JournalError>>;

    /// Takes up to `most` of these steps, in their order: those that nobody else has.
    fn claim(
        &self,
        wanted: Vec<usize>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<Claim>, JournalError>>;

    /// Tells how a step ended, as JSON; `None` gives it back untried. Told again when more is known.
    fn tell(
        &self,
        position: usize,
        outcome: Option<String>,
    ) -> BoxFuture<'_, Result<(), JournalError>>;

    /// How steps of other runs ended since the last call, by place. The records are as new.
    fn news(&self) -> BoxFuture<'_, Result<Vec<(usize, String)>, JournalError>>;
}
