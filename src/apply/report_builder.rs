//! The report of a run: what its events add up to.

use std::collections::BTreeMap;

use super::event::{ActionReport, Event, RunReport};
use crate::model::{Address, Digest, RunId};
use crate::plan::Plan;

/// Adds events up. A step that finishes twice (taken, then issued) counts as it finished last.
pub(super) struct ReportBuilder {
    report: RunReport,
    finished: BTreeMap<Address, ActionReport>,
}

impl ReportBuilder {
    pub(super) fn new(run_id: RunId, plan: &Plan) -> Self {
        Self {
            report: RunReport {
                run_id,
                plan_id: plan.plan_id,
                started_at: plan.made_at,
                finished_at: plan.made_at,
                news: Vec::new(),
                actions: Vec::new(),
                warnings: plan.warnings.clone(),
                requests: BTreeMap::new(),
                head: Digest::of(&[]),
                stopped: None,
            },
            finished: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, event: &Event) {
        match event {
            Event::Started { at, .. } => self.report.started_at = *at,
            Event::StepFinished(action) => {
                self.finished
                    .insert(action.address.clone(), (**action).clone());
            }
            Event::News(news) => self.report.news.push((**news).clone()),
            Event::Stopping(stop) => self.report.stopped = Some(*stop),
            Event::Finished { at, requests, head } => {
                self.report.finished_at = *at;
                self.report.requests.clone_from(requests);
                self.report.head = *head;
            }
            Event::StepStarted { .. } | Event::Paused { .. } | Event::Polling { .. } => {}
        }
    }

    /// The report, its actions in the plan's order.
    pub(super) fn report(mut self, plan: &Plan) -> RunReport {
        self.report.actions = plan
            .steps
            .iter()
            .filter_map(|step| self.finished.remove(&step.address))
            .collect();
        self.report
    }
}
