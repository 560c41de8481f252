//! Starting steps: which is next.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Scheduler, State};
use crate::apply::ended::{Ended, StepEnd};
use crate::apply::event::Event;
use crate::apply::step::{Work, collect, execute};
use crate::model::{AccountName, Standing};
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
        let at = queue.iter().position(|&position| !closed(position))?;
        queue.remove(at)
    }

    /// True for a certificate that was issued in this run, and of which files are wanted. After a signal nothing
    /// new is started.
    pub(super) fn is_to_be_collected(&self, step: &Step, end: &StepEnd) -> bool {
        let wants = step
            .files
            .as_ref()
            .is_some_and(|files| files.wanted.is_some());
        let is_about_order = match step.action {
            Action::Order | Action::Renew | Action::Reissue | Action::Settle | Action::Wait => true,
            // What the plan collects is a step of its own; what it adopts, the next plan compares.
            Action::Collect | Action::Adopt | Action::Revoke | Action::Keep => false,
        };
        let is_issued = end.ended == Ended::Done
            && matches!(end.standing, Standing::InForce { change: None, .. });
        wants
            && self.context.run.folder.is_some()
            && is_about_order
            && is_issued
            && end.collected.is_none()
            && self.context.closed(step).is_none()
    }

    /// Starts the collection of what was issued.
    fn launch_collections(&mut self, running: &mut JoinSet<(usize, StepEnd)>) {
        let mut later = VecDeque::new();
        while let Some((position, end)) = self.to_collect.pop_front() {
            let step = &self.plan.steps[position];
            let Some(account) = self.account(&step.account) else {
                continue;
            };
            let active = self.active.entry(&step.account).or_default();
            if *active >= account.max_in_flight {
                later.push_back((position, end));
                continue;
            }
            *active += 1;
            self.state[position] = State::Running;
            let (context, account) = (Arc::clone(self.context), account.clone());
            running.spawn(async move {
                let work = Work {
                    context: &context,
                    step: &context.run.approved.plan().steps[position],
                    account: &account,
                    may_send: false,
                };
                (position, collect(work, end).await)
            });
        }
        self.to_collect = later;
    }

    /// Starts what may start.
    pub(super) fn launch(&mut self, running: &mut JoinSet<(usize, StepEnd)>) {
        self.launch_collections(running);
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
