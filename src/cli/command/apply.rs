//! `certplan apply`: carries out a saved plan, or plans and asks.

use super::unrecorded;
use crate::apply::RunReport;
use crate::cli::args::{ApplyArgs, Common};
use crate::cli::exit::{self, CliError, Exit};
use crate::cli::format::Format;
use crate::cli::hook_args::Hooks;
use crate::cli::output::Output;
use crate::cli::run_reports;
use crate::cli::screen::Screen;
use crate::cli::settings::Calls;
use crate::cli::signals;
use crate::cli::watch::Watch;
use crate::cli::workspace::{self, Warnings};
use crate::engine::{self, Applied, ApplyEnd, ApplyRequest, Scope, Workspace};
use crate::model::Untrusted;
use crate::report;

pub(super) async fn run(
    common: &Common,
    args: &ApplyArgs,
    watch: &mut Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    if args.plan.is_none() && !args.yes && !output.can_ask() {
        return Err(CliError::Usage(
            "standard input is no terminal, so nobody can be asked: give a saved plan (`certplan plan --out FILE`) or `--yes`".to_owned(),
        ));
    }
    run_reports::check(&args.reports)?;
    if args.reports.iter().any(run_reports::is_standard) {
        output.step_aside();
    }
    let hooks = Hooks::open(&args.hooks)?;
    let stop = signals::listen();
    let policy = args.scope.policy.as_deref();
    // A saved plan is not shown again, and the report has what it warns of.
    let warnings = match &args.plan {
        Some(_) => Warnings::InBoth,
        None => Warnings::with_plan(Format::Text, common),
    };
    let workspace = workspace::load_for(Calls::Ca, common, policy, warnings, output)?;
    let request = ApplyRequest {
        saved: args.plan.clone(),
        scope: Scope {
            // A saved plan was made without knowing of the program.
            has_program: hooks.collected().is_some() && args.plan.is_none(),
            ..args.scope.scope()
        },
        expect: args.expect,
        wait: args.wait,
        lock_timeout: args.lock_timeout,
        delivery: hooks.collected(),
        stop,
    };
    let mut screen = Screen {
        common,
        batch: &workspace.batch,
        reviewed: args.plan.is_some(),
        yes: args.yes,
        watch,
        output,
        progress: None,
    };
    match engine::apply(&workspace, request, &mut screen).await? {
        ApplyEnd::Stopped(stop) => Ok(exit::of_stop(stop)),
        ApplyEnd::CarriedOut(applied) => {
            drop(screen);
            watch.carried_out(&workspace.batch, &applied);
            let exit = tell(&workspace, args, &applied, output).await;
            if let Some(why) = hooks.finished(&applied.report).await {
                output.error(&why);
                return Ok(if exit == Exit::Done {
                    Exit::Failed
                } else {
                    exit
                });
            }
            Ok(exit)
        }
    }
}

/// Writes and prints what became of the plan, and closes the journal.
async fn tell(
    workspace: &Workspace,
    args: &ApplyArgs,
    applied: &Applied,
    output: &mut Output,
) -> Exit {
    let report = &applied.report;
    let mut whole = run_reports::write(&args.reports, report, output);
    let style = output.style();
    output.result(|out| report::run_text(out, report, &style));
    tell_decisions(report, output);
    if let Err(error) = applied.close().await {
        output.error(&error.to_string());
        unrecorded::save(&workspace.location, report, output);
        whole = false;
    }
    match exit::of_run(report, args.scope.detailed_exitcode) {
        Exit::Done | Exit::Pending if !whole => Exit::Failed,
        exit => exit,
    }
}

/// Names what only a person can take further, under `--quiet` too.
fn tell_decisions(report: &RunReport, output: &Output) {
    for (action, decision) in report.decisions() {
        let text = format!(
            "{}: {}; it waits for {}",
            action.address,
            report::reason_words(&action.reason),
            report::decision_words(decision)
        );
        output.error(&Untrusted::new(text).whole().to_string());
    }
}
