//! What an apply would do, without holding the journal: [`plan`].

use super::error::EngineError;
use super::journal_view::JournalView;
use super::notice::Tell;
use super::observe::{Purpose, Reading, observe};
use super::workspace::{Accounts, Scope, Workspace};
use crate::model::{Digest, Observed};
use crate::plan::{self, Plan, Warning};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct PlanRequest {
    /// What the plan is made for.
    pub scope: Scope,
    /// Plans from manifest and journal alone: such a plan cannot be applied.
    pub offline: bool,
}

/// A plan with what it was made from.
pub struct Planned {
    /// What the journal knew.
    pub known: JournalView,
    /// What the CAs showed.
    pub observed: Observed,
    /// What is to be done.
    pub plan: Plan,
}

/// The plan as of now. `opened` is given the accounts before anything is sent to them.
///
/// Errors: a target that the manifest does not have, a journal that cannot be read, a missing key, a CA
/// that does not answer.
pub async fn plan(
    workspace: &Workspace,
    request: &PlanRequest,
    opened: &mut dyn FnMut(&Accounts),
    tell: &dyn Tell,
) -> Result<Planned, EngineError> {
    let scope = &request.scope;
    workspace.check_targets(&scope.targets)?;
    workspace.check_rekey(&scope.rekey)?;
    let mut known = JournalView::read(&workspace.location).await?;
    workspace.move_records(&mut known);
    if request.offline {
        let observed = Observed {
            folder: workspace.read_folder(&known)?,
            ..Observed::default()
        };
        let plan = workspace.plan(&known, &observed, scope, true);
        return Ok(Planned {
            known,
            observed,
            plan,
        });
    }
    let accounts = workspace.open(&workspace.used_accounts(&scope.targets))?;
    opened(&accounts);
    let reading = Reading {
        accounts: &accounts,
        scope,
        purpose: Purpose::Look,
    };
    read_and_plan(workspace, &reading, known, tell).await
}

/// What the plan says of second orders under the tags of its entries.
pub fn doubles(workspace: &Workspace, planned: &Planned) -> Vec<Warning> {
    let endpoints = workspace.endpoint_texts();
    let scope = Scope::default();
    let inputs = workspace.inputs(&planned.known, &planned.observed, &scope, false, &endpoints);
    plan::doubles(&inputs)
}

/// Reads the CAs and makes the plan.
pub(super) async fn read_and_plan(
    workspace: &Workspace,
    reading: &Reading<'_>,
    mut known: JournalView,
    tell: &dyn Tell,
) -> Result<Planned, EngineError> {
    let observed = observe(workspace, reading, &mut known, tell).await?;
    let plan = workspace.plan(&known, &observed, reading.scope, false);
    Ok(Planned {
        known,
        observed,
        plan,
    })
}

/// Refuses a plan that is not the one whose digest a reviewer typed.
pub(super) fn check_expected(plan: &Plan, expect: Option<Digest>) -> Result<(), EngineError> {
    match expect {
        Some(digest) if digest != plan.plan_id => Err(EngineError::Refused(format!(
            "the plan is {}, not the expected {digest}: something changed since the review; nothing was sent",
            plan.plan_id
        ))),
        _ => Ok(()),
    }
}
