//! Holds the journal, plans, and carries the plan out once it is approved: [`apply`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::error::EngineError;
use super::journal_view::JournalView;
use super::notice::Tell;
use super::observe::{Purpose, Reading};
use super::plan::{Planned, check_expected, read_and_plan};
use super::saved_plan;
use super::stale::{check_state, check_unchanged};
use super::workspace::{Accounts, Scope, Workspace, new_run};
use crate::apply::{Delivery, Event, Run, RunReport, Stop, run as carry_out};
use crate::files::clock;
use crate::journal::{self, Holder, Journal, JournalError};
use crate::model::{Digest, Observed, RunId};
use crate::plan::{ApprovedPlan, Plan, approve};

/// What is asked for.
#[derive(Clone)]
pub struct ApplyRequest {
    /// The file of a plan that was reviewed: only this one is carried out.
    pub saved: Option<PathBuf>,
    /// What the plan is made for. The targets of a saved plan take the place of these.
    pub scope: Scope,
    /// The id of the plan that was reviewed.
    pub expect: Option<Digest>,
    /// How long to wait for the CA and for people after everything was sent.
    pub wait: Duration,
    /// How long to wait for another run to release the state.
    pub lock_timeout: Duration,
    /// What runs after a certificate was collected.
    pub delivery: Option<Delivery>,
    /// Turns to `Some` when the run is to stop.
    pub stop: watch::Receiver<Option<Stop>>,
}

/// Follows an apply and decides about its plan.
pub trait Audience: Tell + Send {
    /// The accounts are opened; nothing was sent to them yet.
    fn opened(&mut self, accounts: &Accounts);

    /// The plan is made.
    fn planned(&mut self, planned: &Planned);

    /// Whether the plan is to be carried out. Asked only of a plan with changes that nobody reviewed.
    fn approves<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, bool>;

    /// Something happened while the plan is carried out.
    fn happened(&mut self, event: &Event);
}

/// How an apply went on.
pub enum ApplyEnd {
    /// It was stopped before anything was sent.
    Stopped(Stop),
    /// The plan was carried out, as far as it goes.
    CarriedOut(Box<Applied>),
}

/// A plan that was carried out. The journal is still held.
pub struct Applied {
    /// What was carried out.
    pub approved: Arc<ApprovedPlan>,
    /// What the CAs showed before.
    pub observed: Observed,
    /// What became of it.
    pub report: RunReport,
    /// Where it is written.
    pub journal: Arc<dyn Journal>,
}

impl Applied {
    /// Closes the journal and lets go of it. An error means that facts of the run may be missing from it.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.journal.close().await
    }
}

/// Plans while holding the journal, asks, and carries the plan out.
///
/// Errors: everything that [`plan`](super::plan()) can fail with, a journal that another run holds, a saved
/// plan that is not what would be planned now, a plan that breaks the policy or that nobody approves.
/// Nothing was sent then.
pub async fn apply(
    workspace: &Workspace,
    request: ApplyRequest,
    audience: &mut dyn Audience,
) -> Result<ApplyEnd, EngineError> {
    workspace.check_targets(&request.scope.targets)?;
    workspace.check_rekey(&request.scope.rekey)?;
    let saved = request
        .saved
        .as_deref()
        .map(|path| read_saved(path, workspace))
        .transpose()?;
    let mut scope = request.scope.clone();
    if let Some(saved) = &saved {
        scope.targets.clone_from(&saved.targets);
        scope.rekey.clone_from(&saved.rekey);
        scope.pace = saved.pace;
    }
    let accounts = workspace.open(&workspace.used_accounts(&scope.targets))?;
    audience.opened(&accounts);

    let run_id = new_run();
    let holder = Holder {
        command: "apply".to_owned(),
        run: run_id.clone(),
    };
    // Nothing is sent yet: a stop ends the wait for the lock and the reading at once.
    let journal: Arc<dyn Journal> = tokio::select! {
        held = journal::open(&workspace.location, holder, request.lock_timeout) => held?.into(),
        stop = first_stop(request.stop.clone()) => return Ok(ApplyEnd::Stopped(stop)),
    };
    #[cfg(feature = "planted-bugs")]
    let journal = crate::planted::journal(journal);
    let applying = Applying {
        workspace,
        request: ApplyRequest { scope, ..request },
        saved,
        accounts,
        journal,
        run_id,
    };
    applying.run(audience).await
}

/// An apply that holds the journal.
pub(super) struct Applying<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) request: ApplyRequest,
    pub(super) saved: Option<Plan>,
    pub(super) accounts: Accounts,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) run_id: RunId,
}

impl Applying<'_> {
    /// Plans, asks, carries out.
    pub(super) async fn run(self, audience: &mut dyn Audience) -> Result<ApplyEnd, EngineError> {
        let stop = &self.request.stop;
        let planned = tokio::select! {
            planned = self.plan(audience) => planned?,
            stop = first_stop(stop.clone()) => return Ok(ApplyEnd::Stopped(stop)),
        };
        audience.planned(&planned);
        let Planned { observed, plan, .. } = planned;
        if let Some(saved) = &self.saved {
            check_unchanged(saved, &plan)?;
        }
        check_expected(&plan, self.request.expect)?;
        let approved = approved(plan)?;
        let ask = approved.plan().has_changes() && self.saved.is_none();
        let agreed = if ask {
            tokio::select! {
                agreed = audience.approves(approved.plan()) => agreed,
                stop = first_stop(stop.clone()) => return Ok(ApplyEnd::Stopped(stop)),
            }
        } else {
            true
        };
        if !agreed {
            return Err(EngineError::Failed(
                "not approved: nothing was sent".to_owned(),
            ));
        }
        if let Some(stop) = *stop.borrow() {
            return Ok(ApplyEnd::Stopped(stop));
        }
        let applied = self.carry_out(approved, observed, audience).await?;
        Ok(ApplyEnd::CarriedOut(Box::new(applied)))
    }

    async fn plan(&self, tell: &dyn Tell) -> Result<Planned, EngineError> {
        let mut known = JournalView::held(&*self.journal);
        self.workspace.move_records(&mut known);
        if let Some(saved) = &self.saved {
            check_state(saved, &known)?;
        }
        let reading = Reading {
            accounts: &self.accounts,
            scope: &self.request.scope,
            purpose: Purpose::Apply,
        };
        read_and_plan(self.workspace, &reading, known, tell).await
    }

    async fn carry_out(
        self,
        approved: ApprovedPlan,
        observed: Observed,
        audience: &mut dyn Audience,
    ) -> Result<Applied, EngineError> {
        if approved.plan().has_changes() {
            self.journal.backup().await?;
        }
        for name in self.accounts.keys() {
            if let Some(binding) = self.workspace.binding(name, &observed) {
                self.journal.bind(name, binding).await?;
            }
        }
        let bound = self.journal.bindings().files;
        let folder = self
            .workspace
            .open_folder(approved.plan(), bound.as_ref())?;
        if let Some(folder) = &folder {
            self.journal.bind_files(folder.id()).await?;
        }
        let approved = Arc::new(approved);
        let run = Run {
            run_id: self.run_id,
            approved: Arc::clone(&approved),
            journal: Arc::clone(&self.journal),
            accounts: self.workspace.run_accounts(&self.accounts),
            wait: self.request.wait,
            doubt: self.workspace.policy.doubt,
            stop: self.request.stop,
            clock: Arc::new(clock::now),
            folder,
            delivery: self.request.delivery.clone(),
            secret: self.workspace.secret,
        };
        let report = carry_out(run, &mut |event| audience.happened(event)).await;
        Ok(Applied {
            approved,
            observed,
            report,
            journal: self.journal,
        })
    }
}

/// Reads a saved plan and holds it against the manifest.
fn read_saved(path: &Path, workspace: &Workspace) -> Result<Plan, EngineError> {
    let plan = saved_plan::read(path)?;
    if plan.manifest != workspace.batch.digest() {
        return Err(EngineError::Refused(format!(
            "{} was made from another manifest than the one at hand: plan again",
            path.display()
        )));
    }
    Ok(plan)
}

fn approved(plan: Plan) -> Result<ApprovedPlan, EngineError> {
    approve(plan).map_err(|refused| {
        let rules: Vec<String> = refused
            .breaches
            .iter()
            .map(|breach| format!("{}: {}", breach.rule, breach.message))
            .collect();
        EngineError::Refused(format!(
            "the plan breaks the policy, nothing was sent\n{}",
            rules.join("\n")
        ))
    })
}

/// Returns when the run is to stop.
pub async fn first_stop(mut stop: watch::Receiver<Option<Stop>>) -> Stop {
    match stop.wait_for(Option::is_some).await.map(|stop| *stop) {
        Ok(Some(stop)) => stop,
        _ => std::future::pending().await,
    }
}
