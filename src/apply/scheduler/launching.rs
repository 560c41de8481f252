//! Starting steps: which is next, and what carries it out.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Scheduler, State};
use crate::apply::context::{Context, Finished, Lane};
use crate::apply::event::Event;
use crate::apply::place::{place_order, reissue};
use crate::apply::revoke::revoke;
use crate::apply::settle::settle;
use crate::apply::taken_over::take_over;
use crate::model::{AccountName, Operation};
use crate::plan::{Action, Step};

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
        let queue = self.ready.get(account)?;
        let may_begin = |&position: &usize| self.is_mine(position) && !closed(position);
        let at = queue.iter().position(may_begin)?;
        self.ready.get_mut(account)?.remove(at)
    }

    /// Starts what may start.
    pub(super) async fn launch(&mut self, running: &mut JoinSet<(usize, Finished)>) {
        let accounts: Vec<&'c AccountName> = self.ready.keys().copied().collect();
        for account in accounts {
            let Some(lane) = self.lane(account) else {
                continue;
            };
            self.claim(account, lane.max_in_flight).await;
            loop {
                // A step that looks for its lost answer holds its place: a sick CA is asked less, not more.
                if self.active.get(account).copied().unwrap_or_default() >= lane.max_in_flight {
                    break;
                }
                let Some(position) = self.next_ready(account) else {
                    break;
                };
                *self.active.entry(account).or_default() += 1;
                self.state[position] = State::Running;
                let taken_over = self.begin(position);
                let step = &self.plan.steps[position];
                self.emit(Event::StepStarted {
                    address: step.address.clone(),
                    action: step.action,
                });
                let (context, lane) = (Arc::clone(self.context), lane.clone());
                running.spawn(async move {
                    let step = &context.run.approved.plan().steps[position];
                    if taken_over && let Some(finished) = take_over(&context, step, &lane).await {
                        return (position, finished);
                    }
                    (position, execute(&context, step, &lane).await)
                });
            }
        }
    }
}

async fn execute(context: &Context, step: &Step, lane: &Lane) -> Finished {
    match (step.action, &step.operation) {
        (Action::Settle, _) => settle(context, step, lane).await,
        (_, Some(Operation::Order(operation))) => place_order(context, step, lane, operation).await,
        (_, Some(Operation::Reissue(operation))) => reissue(context, step, lane, operation).await,
        (_, Some(Operation::Revoke(operation))) => revoke(context, step, lane, operation).await,
        (_, None) => Finished::failed(step, "the plan does not say what to send"),
    }
}
