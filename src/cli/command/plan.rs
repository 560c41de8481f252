//! `certplan plan`: what apply would do, and why. Reads only.

use std::path::Path;

use crate::cli::args::{Common, Format, PlanArgs, Scope};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal_view::JournalView;
use crate::cli::observe::{Purpose, observe};
use crate::cli::output::Output;
use crate::cli::saved_plan;
use crate::cli::session::Session;
use crate::cli::watch::Watch;
use crate::model::Observed;
use crate::plan::Plan;
use crate::report;

pub(super) async fn run(
    common: &Common,
    args: &PlanArgs,
    watch: &mut Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::load(common, args.scope.policy.as_deref(), output)?;
    session.check_targets(&args.scope.targets)?;
    let plan = current(&session, args, watch, output).await?;
    show(&plan, args.format, output);
    if let Some(path) = &args.out {
        save(path, &plan, &session, output)?;
    }
    Ok(exit(&plan, &args.scope, output))
}

/// The plan as of now, without holding the journal.
async fn current(
    session: &Session,
    args: &PlanArgs,
    watch: &mut Watch,
    output: &Output,
) -> Result<Plan, CliError> {
    let (scope, offline) = (&args.scope, args.offline);
    let known = JournalView::read(&session.location).await?;
    let observed = if offline {
        Observed::default()
    } else {
        let accounts = session.open(&session.used_accounts(&scope.targets))?;
        watch.opened(&accounts);
        observe(session, &accounts, &known, scope, Purpose::Look, output).await?
    };
    let plan = session.plan(&known, &observed, scope, offline);
    watch.planned(&session.batch, &known, &observed, &plan);
    Ok(plan)
}

/// Prints a plan as the user wants it.
pub(super) fn show(plan: &Plan, format: Format, output: &mut Output) {
    let style = output.style();
    output.result(|out| match format {
        Format::Text => report::plan_text(out, plan, &style),
        Format::Json => report::plan_json(out, plan),
        Format::Markdown => report::plan_markdown(out, plan),
    });
}

fn save(path: &Path, plan: &Plan, session: &Session, output: &Output) -> Result<(), CliError> {
    saved_plan::write(path, plan, session.batch.digest)?;
    output.hint(&format!(
        "Saved the plan. To carry it out: certplan apply {}",
        path.display()
    ));
    Ok(())
}

fn exit(plan: &Plan, scope: &Scope, output: &Output) -> Exit {
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
