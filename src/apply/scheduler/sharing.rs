//! The scheduler among others: it takes steps that no other run has, tells how they ended, and hears how
//! those of the others did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Scheduler, State};
use crate::apply::context::Finished;
use crate::apply::event::{ActionReport, Outcome};
use crate::journal::{Crew, SharedPlan};
use crate::model::{AccountName, Milestone};
use crate::plan::Warning;

/// How often the others are heard.
pub(super) const HEARING: Duration = Duration::from_millis(400);
/// Steps looked through for one that nobody has.
const OFFERED: usize = 512;

/// How a step ended, as the others are told.
#[derive(Serialize, Deserialize)]
struct Told {
    report: ActionReport,
    reached: Option<Milestone>,
    watch: bool,
}

/// What a run knows of its share.
#[derive(Default)]
pub(super) struct Share {
    /// Steps that are this run's and have not begun, with whether a dead run had them.
    claimed: BTreeMap<usize, bool>,
    /// Steps that this run carried out or carries out.
    own: BTreeSet<usize>,
    /// Steps that others carried out.
    others: usize,
    /// Nothing was left to take; asked again after the next hearing.
    exhausted: bool,
}

impl<'c> Scheduler<'c, '_> {
    /// The other runs, where the journal is shared.
    pub(super) fn crew(&self) -> Option<&'c dyn Crew> {
        self.context.run.journal.crew()
    }

    /// True for a run that joined another: what the plan brought was written by that one.
    pub(super) fn has_joined(&self) -> bool {
        self.crew().is_some_and(|crew| crew.joined().is_some())
    }

    /// Lets others join.
    pub(super) async fn publish(&mut self) {
        let Some(crew) = self.crew() else { return };
        let steps: Vec<usize> = (0..self.plan.steps.len())
            .filter(|&position| self.state[position] != State::Told)
            .collect();
        if self.has_joined() || steps.is_empty() {
            return;
        }
        let published = match serde_json::to_string(self.plan) {
            Ok(document) => {
                let plan = SharedPlan {
                    plan_id: self.plan.plan_id,
                    manifest: self.plan.manifest,
                    document,
                };
                crew.publish(plan, steps)
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = published {
            self.context.fail(error);
        }
    }

    /// Makes sure that some steps of an account are this run's, as far as others left any.
    pub(super) async fn claim(&mut self, account: &'c AccountName, most: usize) {
        let Some(crew) = self.crew() else { return };
        let Some(queue) = self.ready.get(account) else {
            return;
        };
        let offered: Vec<usize> = queue
            .iter()
            .copied()
            .filter(|&position| self.context.closed(&self.plan.steps[position]).is_none())
            .take(OFFERED)
            .collect();
        let claimed = offered
            .iter()
            .filter(|position| self.share.claimed.contains_key(position))
            .count();
        if self.share.exhausted || claimed > 0 || offered.is_empty() {
            return;
        }
        match crew.claim(offered, most).await {
            Ok(claims) => {
                self.share.exhausted = claims.is_empty();
                for claim in claims {
                    self.share.own.insert(claim.position);
                    self.share.claimed.insert(claim.position, claim.taken_over);
                }
            }
            Err(error) => self.context.fail(error.to_string()),
        }
    }

    /// True when the step may begin: without a crew always.
    pub(super) fn is_mine(&self, position: usize) -> bool {
        self.crew().is_none() || self.share.claimed.contains_key(&position)
    }

    /// Takes a claimed step to begin it; true if a dead run had it.
    pub(super) fn begin(&mut self, position: usize) -> bool {
        self.share.claimed.remove(&position).unwrap_or_default()
    }

    /// Tells the others how one of this run's steps ended. One that was not tried goes back to all.
    pub(super) async fn tell_others(&mut self, position: usize, finished: &Finished) {
        let Some(crew) = self.crew() else { return };
        if !self.share.own.contains(&position) {
            return;
        }
        let outcome = if finished.report.outcome == Outcome::Skipped {
            self.share.own.remove(&position);
            None
        } else {
            let told = Told {
                report: finished.report.clone(),
                reached: finished.reached,
                watch: finished.watch,
            };
            serde_json::to_string(&told).ok()
        };
        if let Err(error) = crew.tell(position, outcome).await {
            self.context.fail(error.to_string());
        }
    }

    /// Takes over what others told. What a look at the CA can still change, this run looks at too.
    pub(super) async fn hear(&mut self) {
        let Some(crew) = self.crew() else { return };
        self.share.exhausted = false;
        let news = match crew.news().await {
            Ok(news) => news,
            Err(error) => return self.context.fail(error.to_string()),
        };
        if !news.is_empty() {
            let told: BTreeSet<usize> = news.iter().map(|(position, _)| *position).collect();
            for queue in self.ready.values_mut() {
                queue.retain(|position| !told.contains(position));
            }
        }
        for (position, text) in news {
            let Some(step) = self.plan.steps.get(position) else {
                continue;
            };
            // What cannot be read here is the other run's to tell; the journal has the facts.
            let Ok(told) = serde_json::from_str::<Told>(&text) else {
                continue;
            };
            if self.state[position] != State::Told {
                self.share.others += 1;
            }
            let mut finished = Finished::new(step, told.report.outcome);
            finished.report = told.report;
            finished.reached = told.reached;
            finished.watch = told.watch;
            self.tell(position, finished);
        }
    }

    /// True while others carry out steps that this run could take if they died.
    pub(super) fn others_work(&self) -> bool {
        self.crew().is_some()
            && self
                .ready
                .values()
                .flatten()
                .any(|&position| self.context.closed(&self.plan.steps[position]).is_none())
    }

    /// Says in the report that it holds more than this run did.
    pub(super) fn note_others(&mut self) {
        if self.share.others > 0 {
            self.warnings.push(Warning {
                address: None,
                message: format!(
                    "{} of these steps were carried out by other runs of the same plan; the requests counted here are this run's",
                    self.share.others
                ),
            });
        }
    }
}
