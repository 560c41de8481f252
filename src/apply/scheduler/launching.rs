//! Starting steps: which is next.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Scheduler, State};
use crate::apply::ended::StepEnd;
use crate::apply::event::Event;
use crate::apply::step::{Work, execute};
use crate::model::AccountName;

impl<'c> Scheduler<'c, '_> {
    /// Takes the next step of an account that may be sent.
    fn next_ready(&mut self, account: &AccountName) -> Option<usize> {
        let (context, plan) = (self.context, self.plan);
        let closed = |position: usize| context.closed(&plan.steps[position]).is_some();
        let queue = self.ready.get_mut(account)?;
        // A gate that has closed stays so in this run. What it holds back is told at the end, and is not
        // looked through again for every step that ends.
        while queue.front().is_some_and(|&first| closed(first)) {
            queue.pop_front();
        }
        let at = queue.iter().position(|&position| !closed(position))?;
        queue.remove(at)
    }

    /// Starts what may start.
    pub(super) fn launch(&mut self, running: &mut JoinSet<(usize, StepEnd)>) {
        let names: Vec<&'c AccountName> = self.ready.keys().copied().collect();
        for name in names {
            let Some(account) = self.account(name) else {
                continue;
            };
            loop {
                // A step that looks for its lost answer holds its place: a sick CA is asked less, not more.
                if self.active.get(name).copied().unwrap_or_default() >= account.max_in_flight {
                    break;
                }
                let Some(position) = self.next_ready(name) else {
                    break;
                };
                *self.active.entry(name).or_default() += 1;
                self.state[position] = State::Running;
                let step = &self.plan.steps[position];
                self.emit(Event::StepStarted {
                    address: step.address.clone(),
                    action: step.action,
                });
                let (context, account) = (Arc::clone(self.context), account.clone());
                let may_send = self.missing[position] == 0;
                running.spawn(async move {
                    let work = Work {
                        context: &context,
                        step: &context.run.approved.plan().steps[position],
                        account: &account,
                        may_send,
                    };
                    (position, execute(work).await)
                });
            }
        }
    }
}
