//! Polling the CA while nothing can run: approvals, issuance, doubts.

use std::time::Duration;

use super::{GRACE, Scheduler};
use crate::apply::event::Event;
use crate::apply::poll::poll;
use crate::apply::step::{Work, settle_doubt};
use crate::model::AccountName;
use crate::plan::{Action, between};

impl<'c> Scheduler<'c, '_> {
    /// True when a later poll could free or finish a step.
    pub(super) fn may_change(&self) -> bool {
        !self.doubts.is_empty() || self.watched.values().any(|watched| !watched.is_empty())
    }

    /// How long until the quiet periods of all doubts are over; `None` where none holds.
    pub(super) fn quiet_left(&self) -> Option<Duration> {
        let left = self.doubts.iter().filter_map(|&position| {
            let step = &self.plan.steps[position];
            let open = self.context.record_of(&step.address).open?;
            let now = self.context.moment(self.account(&step.account)?);
            let age = Duration::try_from(open.age(&now)).unwrap_or_default();
            let quiet = self.context.run.doubt.quiet_period;
            quiet.checked_sub(age).filter(|left| !left.is_zero())
        });
        left.max()
    }

    pub(super) async fn poll_all(&mut self) {
        let names: Vec<&'c AccountName> = self.watched.keys().copied().collect();
        for name in names {
            let watched: Vec<usize> = self
                .watched
                .get(name)
                .into_iter()
                .flatten()
                .copied()
                .collect();
            let Some(account) = self.account(name) else {
                continue;
            };
            if watched.is_empty() {
                continue;
            }
            let records: Vec<_> = watched
                .iter()
                .map(|&position| self.context.record_of(&self.plan.steps[position].address))
                .collect();
            let steps = &self.plan.steps;
            for (position, end) in poll(self.context, account, steps, &watched, self.begun).await {
                let step = &steps[position];
                let before = watched.iter().position(|&known| known == position);
                // What this run asked for itself is told as an action.
                if step.action == Action::Wait
                    && let Some(before) = before
                    && let after = self.context.record_of(&step.address)
                    && let Some(mut news) = between(&step.address, &records[before], &after)
                {
                    news.at = Some(self.context.now());
                    self.emit(Event::News(Box::new(news)));
                }
                self.tell(position, end);
            }
        }
        self.poll_due = false;
    }

    pub(super) async fn settle_doubts(&mut self) {
        for position in self.doubts.clone() {
            let step = &self.plan.steps[position];
            let Some(account) = self.account(&step.account) else {
                continue;
            };
            if self.context.stopped() {
                return;
            }
            let work = Work {
                context: self.context,
                step,
                account,
                may_send: self.missing[position] == 0,
            };
            let end = tokio::select! {
                end = settle_doubt(work) => end,
                () = self.context.until_stopped_for(GRACE) => return,
            };
            self.tell(position, end);
        }
    }
}
