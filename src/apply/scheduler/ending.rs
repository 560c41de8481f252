//! The end of a run: what was never tried, and why.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Scheduler, State};
use crate::apply::context::Finished;
use crate::apply::event::{Event, Outcome, RunReport};
use crate::model::After;

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
            let finished = self.untried(position);
            self.tell(position, finished);
        }
        let requests = self
            .context
            .run
            .lanes
            .iter()
            .map(|(name, lane)| (name.clone(), lane.act.requests_sent()))
            .collect();
        self.note_others();
        let warnings = std::mem::take(&mut self.warnings);
        self.emit(Event::Finished {
            at: Timestamp::now(),
            requests,
            head: self.context.run.journal.mark().head,
            warnings,
        });
        self.fold.report(self.plan)
    }

    fn untried(&self, position: usize) -> Finished {
        let step = &self.plan.steps[position];
        if self.state[position] == State::Running {
            return Finished::unknown(
                step,
                "it was under way when the run was stopped; the next run looks it up",
            );
        }
        if let Some(why) = self.context.closed(step)
            && self.missing[position] == 0
        {
            return Finished::skipped(step, why);
        }
        let mut waits = Vec::new();
        for After { address, until } in &step.after {
            let Some(needed) = self.context.position(address) else {
                return Finished::skipped(step, format!("{address} is not part of this plan"));
            };
            if self.reached[needed].is_some_and(|reached| reached >= *until) {
                continue;
            }
            match self.told[needed].as_ref().map(|report| report.outcome) {
                Some(Outcome::Failed | Outcome::Unknown | Outcome::Skipped) => {
                    return Finished::skipped(
                        step,
                        format!("{address} did not come to be {}", until.word()),
                    );
                }
                _ => {
                    let needed = &self.plan.steps[needed];
                    let mut waits_for = format!("{address} ({})", until.word());
                    // An order that is over, or that is not known, comes no further by itself.
                    if !needed.action.is_change() && needed.reached.is_none() {
                        waits_for = format!("{waits_for}: {}", needed.reason);
                    }
                    waits.push(waits_for);
                }
            }
        }
        if waits.is_empty() {
            let why = self.context.closed(step);
            return Finished::skipped(
                step,
                why.unwrap_or_else(|| "the run ended first".to_owned()),
            );
        }
        Finished::waiting(step, waits.join(", "))
    }
}
