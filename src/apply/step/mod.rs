//! Carrying one step out. Every call that changes something goes through [`attempt::attempt`]; a doubt is
//! settled by reading, and the loops here decide what follows from that.

pub(super) mod attempt;
mod collect;
mod keys;
mod order;
mod reissue;
mod reissued;
mod revoke;
mod revoke_parts;
mod settle;
mod settle_revocation;
mod settled;

pub(super) use self::collect::collect;
pub(super) use self::revoke::conclude;
pub(super) use self::settle_revocation::part_fact;

use super::context::{Context, RunAccount};
use super::ended::StepEnd;
use crate::journal::JournalError;
use crate::model::{FactBody, Operation, Record, Standing, Untrusted};
use crate::plan::{Action, Step};

/// A step with what it is carried out with.
#[derive(Clone, Copy)]
pub(super) struct Work<'w> {
    pub(super) context: &'w Context,
    pub(super) step: &'w Step,
    pub(super) account: &'w RunAccount,
    /// Whether everything that the step waits for has come.
    pub(super) may_send: bool,
}

impl Work<'_> {
    /// What the journal knows of the item now.
    fn record(&self) -> Record {
        self.context.record_of(&self.step.address)
    }

    async fn write(&self, facts: Vec<FactBody>) -> Result<(), StepEnd> {
        let written = self.context.write(self.step, facts).await;
        written.map_err(|error| self.not_recorded(&error))
    }

    /// The journal could not be written. What the CA did, if it was asked, the next run finds out.
    fn not_recorded(&self, error: &JournalError) -> StepEnd {
        match error {
            JournalError::Illegal(_) => StepEnd::failed(self.step, error.to_string()),
            _ => StepEnd::for_a_person(self.step, error.to_string()),
        }
    }

    /// The fact that the outcome of a call is in doubt from now on.
    fn doubt(&self, why: Untrusted) -> FactBody {
        FactBody::doubted(why, self.context.moment(self.account))
    }

    /// Where the order stands by the journal alone.
    fn standing(&self) -> Standing {
        let (record, today) = (self.record(), self.context.today(self.account));
        let more = self.step.asks_for_more(&record);
        Standing::of_order(Some(&record), None, more, today)
    }

    /// The end that follows from what the journal has now of an order.
    fn by_the_journal(&self) -> StepEnd {
        StepEnd::standing(self.step, self.standing()).of_live(&self.record())
    }
}

/// Carries a step out.
pub(super) async fn execute(work: Work<'_>) -> StepEnd {
    match (work.step.action, &work.step.operation) {
        (Action::Settle, _) => settle_doubt(work).await,
        (Action::Collect, _) => collect::execute(work).await,
        (_, Some(Operation::Order(operation))) => order::place(work, operation).await,
        (_, Some(Operation::Reissue(operation))) => reissue::reissue(work, operation).await,
        (_, Some(Operation::Revoke(operation))) => revoke::revoke(work, operation).await,
        (_, None) => StepEnd::failed(work.step, "the plan does not say what to send"),
    }
}

/// Settles what an earlier run, or an earlier moment of this one, left open. An order that was proved not
/// to be placed is placed where the policy says so; what is left of a revocation is asked for. A doubt is
/// settled by reading, whatever the step waits for; what has not come yet keeps the call back alone.
pub(super) async fn settle_doubt(work: Work<'_>) -> StepEnd {
    let settled = match settle::settle(work).await {
        Ok(settled) => settled,
        Err(end) => return end,
    };
    match (settled, &work.step.operation) {
        (settled::Settled::Taken(end) | settled::Settled::Open(end), None) => end,
        (settled::Settled::ProvedDead, _) if !work.may_send => settle::asked_again(work),
        (settled::Settled::Taken(_), Some(Operation::Revoke(operation))) if !work.may_send => {
            revoke::conclude(work, operation)
        }
        (settled::Settled::ProvedDead, Some(Operation::Order(operation))) => {
            order::place(work, operation).await
        }
        (
            settled::Settled::Taken(_) | settled::Settled::ProvedDead,
            Some(Operation::Revoke(operation)),
        ) => revoke::revoke(work, operation).await,
        (settled::Settled::Taken(end) | settled::Settled::Open(end), Some(_)) => end,
        // A reissue buys nothing: asking again is the next plan's business.
        (settled::Settled::ProvedDead, Some(Operation::Reissue(_)) | None) => {
            settle::asked_again(work)
        }
    }
}
