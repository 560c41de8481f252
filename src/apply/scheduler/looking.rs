//! Looking at the CA while nothing can run: approvals, issuance, doubts.

use super::Scheduler;
use crate::apply::poll::look;
use crate::apply::settle::settle;
use crate::model::AccountName;

impl<'c> Scheduler<'c, '_> {
    /// True when a later look at the CA could free or finish a step.
    pub(super) fn may_change(&self) -> bool {
        !self.doubts.is_empty() || self.watched.values().any(|watched| !watched.is_empty())
    }

    pub(super) async fn look_at_all(&mut self) {
        let accounts: Vec<&'c AccountName> = self.watched.keys().copied().collect();
        for account in accounts {
            let watched: Vec<usize> = self
                .watched
                .get(account)
                .into_iter()
                .flatten()
                .copied()
                .collect();
            let Some(lane) = self.lane(account) else {
                continue;
            };
            if watched.is_empty() {
                continue;
            }
            let found = look(self.context, lane, &self.plan.steps, &watched, self.started).await;
            for (position, finished) in found.news {
                self.tell_others(position, &finished).await;
                self.tell(position, finished);
            }
        }
        self.fresh = false;
    }

    pub(super) async fn look_at_doubts(&mut self) {
        for position in self.doubts.clone() {
            let step = &self.plan.steps[position];
            let Some(lane) = self.lane(&step.account) else {
                continue;
            };
            if self.context.stopped() {
                return;
            }
            let finished = settle(self.context, step, lane).await;
            self.tell_others(position, &finished).await;
            self.tell(position, finished);
        }
    }
}
