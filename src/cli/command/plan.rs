//! `certplan plan`: what apply would do, and why. Reads only.

use std::path::Path;

use crate::cli::args::{Common, PlanArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::scope_args::ScopeArgs;
use crate::cli::screen::show_plan;
use crate::cli::settings::Calls;
use crate::cli::watch::Watch;
use crate::cli::workspace::{self, Warnings};
use crate::engine::{self, PlanRequest, Workspace, saved_plan};
use crate::plan::Plan;

pub(super) async fn run(
    common: &Common,
    args: &PlanArgs,
    watch: &mut Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let calls = if args.offline {
        Calls::Nobody
    } else {
        Calls::Ca
    };
    let policy = args.scope.policy.as_deref();
    let warnings = Warnings::with_plan(args.format, common);
    let workspace = workspace::load_for(calls, common, policy, warnings, output)?;
    let request = PlanRequest {
        scope: args.scope.scope(),
        offline: args.offline,
    };
    let mut opened = |accounts: &_| watch.opened(accounts);
    let planned = engine::plan(&workspace, &request, &mut opened, output).await?;
    watch.planned(&workspace.batch, &planned);
    let plan = &planned.plan;
    show_plan(plan, args.format, output);
    if let Some(path) = &args.out {
        save(path, plan, &workspace, output)?;
    }
    Ok(exit(plan, &args.scope, output))
}

fn save(path: &Path, plan: &Plan, workspace: &Workspace, output: &Output) -> Result<(), CliError> {
    saved_plan::write(path, plan, workspace.batch.digest())?;
    output.hint(&format!(
        "Saved the plan. To carry it out: certplan apply {}",
        path.display()
    ));
    Ok(())
}

fn exit(plan: &Plan, scope: &ScopeArgs, output: &Output) -> Exit {
    if !plan.breaches.is_empty() {
        for breach in &plan.breaches {
            output.error(&format!("{}: {}", breach.rule, breach.message));
        }
        return Exit::Refused;
    }
    if scope.detailed_exitcode && plan.has_changes() {
        Exit::Pending
    } else {
        Exit::Done
    }
}
