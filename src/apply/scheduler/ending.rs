//! The end of a run: what was never tried, and why.

use tokio::time::Instant;

use super::{Scheduler, State};
use crate::apply::ended::StepEnd;
use crate::apply::event::{Event, Outcome, RunReport};
use crate::model::{After, Blocked, Cause};

impl Scheduler<'_, '_> {
    /// True when a run that is not stopped would still do something: a signal then cuts it short, even
    /// though no call is under way.
    pub(super) fn may_go_on(&self, deadline: Instant) -> bool {
        self.state.iter().any(|state| *state != State::Told)
            || (self.may_change() && Instant::now() < deadline)
    }

    /// Tells the signal that stopped the run, if it was one.
    pub(super) fn tell_stop(&mut self) {
        let stop = *self.context.run.stop.borrow();
        if let Some(stop) = stop {
            self.emit(Event::Stopping(stop));
        }
    }

    /// Tells what was never tried, and closes the report.
    pub(super) fn finish(mut self) -> RunReport {
        for position in 0..self.plan.steps.len() {
            if self.state[position] == State::Told {
                continue;
            }
            let end = self.untried(position);
            self.tell(position, end);
        }
        let requests = self
            .context
            .run
            .accounts
            .iter()
            .map(|(name, account)| (name.clone(), account.act.requests_sent()))
            .collect();
        self.emit(Event::Finished {
            at: self.context.now(),
            requests,
            head: self.context.run.journal.mark().head,
        });
        self.report.report(self.plan)
    }

    fn untried(&self, position: usize) -> StepEnd {
        let step = &self.plan.steps[position];
        if self.state[position] == State::Running {
            return StepEnd::in_doubt(
                step,
                "it was under way when the run was stopped; the next run looks it up",
            );
        }
        if let Some(why) = self.context.closed(step)
            && self.missing[position] == 0
        {
            return StepEnd::skipped(step, why);
        }
        let mut blocked = Vec::new();
        for after in &step.after {
            let After { address, until } = after;
            let Some(needed) = self.context.position(address) else {
                return StepEnd::skipped(step, format!("{address} is not part of this plan"));
            };
            if self.reached[needed].is_some_and(|reached| reached >= *until) {
                continue;
            }
            match self.told[needed].as_ref().map(|report| report.outcome) {
                Some(Outcome::Failed | Outcome::Unknown | Outcome::Skipped) => {
                    return StepEnd::skipped(
                        step,
                        format!("{address} did not come to be {}", until.word()),
                    );
                }
                Some(Outcome::Done | Outcome::Waiting | Outcome::Kept) | None => {
                    let needed = &self.plan.steps[needed];
                    // An order that is over, or that is not known, comes no further by itself.
                    let stuck = !needed.action.is_change() && needed.reached().is_none();
                    blocked.push(Blocked {
                        after: after.clone(),
                        because: stuck.then(|| Box::new(needed.reason.clone())),
                    });
                }
            }
        }
        if blocked.is_empty() {
            let why = self.context.closed(step);
            return StepEnd::skipped(
                step,
                why.unwrap_or_else(|| "the run ended first".to_owned()),
            );
        }
        StepEnd::waiting(step, Cause::Dependency { after: blocked })
    }
}
