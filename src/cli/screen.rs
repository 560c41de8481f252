//! Shows an apply on the terminal and asks there: [`Screen`].

use futures::FutureExt;
use futures::future::BoxFuture;

use super::args::Common;
use super::format::Format;
use super::output::Output;
use super::progress::Progress;
use super::watch::Watch;
use crate::apply::Event;
use crate::engine::{Accounts, Audience, Notice, Planned, Tell};
use crate::model::Batch;
use crate::plan::{Action, Plan};
use crate::report;

/// The audience of an apply: standard output, standard error, the metrics.
pub(super) struct Screen<'a> {
    pub(super) common: &'a Common,
    pub(super) batch: &'a Batch,
    /// The plan was reviewed: it is not shown again.
    pub(super) reviewed: bool,
    /// Approved on the command line.
    pub(super) yes: bool,
    pub(super) watch: &'a mut Watch,
    pub(super) output: &'a mut Output,
    /// Begins with the first event.
    pub(super) progress: Option<Progress>,
}

impl Tell for Screen<'_> {
    fn tell(&self, notice: Notice) {
        self.output.tell(notice);
    }
}

impl Audience for Screen<'_> {
    fn opened(&mut self, accounts: &Accounts) {
        self.watch.opened(accounts);
    }

    fn planned(&mut self, planned: &Planned) {
        self.watch.planned(self.batch, planned);
        if !self.reviewed {
            show_plan(&planned.plan, Format::Text, self.output);
        }
    }

    fn approves<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, bool> {
        if self.yes {
            return std::future::ready(true).boxed();
        }
        confirmed(plan, self.output).boxed()
    }

    fn happened(&mut self, event: &Event) {
        let common = self.common;
        let progress = self.progress.get_or_insert_with(|| Progress::new(common));
        progress.show(event);
    }
}

/// Prints a plan as the user wants it.
pub(super) fn show_plan(plan: &Plan, format: Format, output: &mut Output) {
    let style = output.style();
    output.result(|out| match format {
        Format::Text => report::plan_text(out, plan, &style),
        Format::Json => report::plan_json(out, plan),
        Format::Markdown => report::plan_markdown(out, plan),
    });
}

async fn confirmed(plan: &Plan, output: &Output) -> bool {
    let summary = plan.summary();
    let count = |action: Action| summary.get(&action).copied().unwrap_or(0);
    let bought = count(Action::Order) + count(Action::Renew);
    let revoked = plan.revoked_certificates();
    let bought = report::counted(bought as usize, "certificate", "certificates");
    let revoked = report::counted(revoked, "certificate", "certificates");
    let answer = output.ask_beside(&format!(
        "\nThis buys {bought} and revokes {revoked}. Only `yes` is taken as approval.\nCarry this plan out?"
    ));
    answer
        .await
        .ok()
        .flatten()
        .is_some_and(|answer| answer == "yes")
}
