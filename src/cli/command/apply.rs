//! `certplan apply`: carries out a saved plan, or plans and asks.

use std::path::Path;
use std::sync::Arc;

use super::plan::show;
use super::unrecorded;
use crate::apply::{Outcome, Run, RunReport, run as carry_out};
use crate::cli::args::{ApplyArgs, Common, Format};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal_view::JournalView;
use crate::cli::observe::{Purpose, observe};
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::saved_plan;
use crate::cli::session::{Session, expected, new_run};
use crate::cli::signals;
use crate::cli::values::ReportTarget;
use crate::cli::watch::Watch;
use crate::files::{self, Sync};
use crate::journal::{self, Holder, Journal};
use crate::model::Untrusted;
use crate::plan::{Action, ApprovedPlan, Plan, approve};
use crate::report;

/// A report names people and orders.
const REPORT_MODE: u32 = 0o600;

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
    check_reports(&args.reports)?;
    let stop = signals::listen();
    let session = Session::load(common, args.scope.policy.as_deref(), output)?;
    session.check_targets(&args.scope.targets)?;
    let saved = args
        .plan
        .as_deref()
        .map(|path| read_saved(path, &session))
        .transpose()?;
    let mut scope = args.scope.clone();
    if let Some(saved) = &saved {
        scope.targets.clone_from(&saved.targets);
    }
    let accounts = session.open(&session.used_accounts(&scope.targets))?;
    watch.opened(&accounts);

    let run_id = new_run();
    let holder = Holder {
        command: "apply".to_owned(),
        run: run_id.clone(),
    };
    // Nothing is sent yet: the first signal ends the wait for the lock and the reading at once.
    let journal: Arc<dyn Journal> = tokio::select! {
        held = journal::open(&session.location, holder, args.lock_timeout) => held?.into(),
        stop = signals::first(stop.clone()) => return Ok(signals::exit(stop)),
    };
    #[cfg(feature = "planted-bugs")]
    let journal = crate::planted::journal(journal);
    let known = JournalView::held(&*journal);
    let reading = async {
        if let Some(saved) = &saved {
            check_state(saved, &known)?;
        }
        let observed = observe(&session, &accounts, &known, &scope, Purpose::Apply, output).await?;
        let plan = session.plan(&known, &observed, &scope, false);
        Ok::<_, CliError>((plan, observed))
    };
    let (plan, observed) = tokio::select! {
        read = reading => read?,
        stop = signals::first(stop.clone()) => return Ok(signals::exit(stop)),
    };
    watch.planned(&session.batch, &known, &observed, &plan);
    match &saved {
        Some(saved) => check_unchanged(saved, &plan)?,
        None => show(&plan, Format::Text, output),
    }
    expected(&plan, args.expect)?;
    let plan = Arc::new(approved(plan)?);
    let ask = plan.plan().has_changes() && saved.is_none() && !args.yes;
    let agreed = if ask {
        tokio::select! {
            agreed = confirmed(plan.plan(), output) => agreed,
            stop = signals::first(stop.clone()) => return Ok(signals::exit(stop)),
        }
    } else {
        true
    };
    if !agreed {
        return Err(CliError::Failed(
            "not approved: nothing was sent".to_owned(),
        ));
    }
    if let Some(stop) = *stop.borrow() {
        return Ok(signals::exit(stop));
    }

    if plan.plan().has_changes() {
        journal.backup()?;
    }
    for name in accounts.keys() {
        if let Some(binding) = session.binding(name, &observed) {
            journal.bind(name, binding).await?;
        }
    }
    let mut progress = Progress::new(common);
    let run = Run {
        run_id,
        approved: Arc::clone(&plan),
        journal: Arc::clone(&journal),
        accounts: session.run_accounts(&accounts),
        wait: args.wait,
        doubt: session.policy.doubt,
        stop,
        clock: Arc::new(files::clock::now),
    };
    let report = carry_out(run, &mut |event| progress.show(event)).await;
    watch.carried_out(&session.batch, &*journal, &observed, plan.plan(), &report);
    let mut whole = true;
    if let Err(error) = write_reports(&args.reports, &report) {
        output.failure(&error);
        whole = false;
    }
    let style = output.style();
    output.result(|out| report::run_text(out, &report, &style));
    tell_decisions(&report, output);
    if let Err(error) = journal.close().await {
        output.error(&error.to_string());
        unrecorded::save(&session.location, &report, output);
        whole = false;
    }
    let exit = exit(&report, args.scope.detailed_exitcode);
    Ok(match exit {
        Exit::Done | Exit::Pending if !whole => Exit::Failed,
        exit => exit,
    })
}

/// Reads a saved plan and holds it against the manifest.
fn read_saved(path: &Path, session: &Session) -> Result<Plan, CliError> {
    let plan = saved_plan::read(path)?;
    if plan.manifest != session.batch.digest {
        return Err(CliError::Refused(format!(
            "{} was made from another manifest than the one at hand: plan again",
            path.display()
        )));
    }
    Ok(plan)
}

fn check_state(saved: &Plan, known: &JournalView) -> Result<(), CliError> {
    let (then, now) = (&saved.state, &known.state);
    // A journal that was only created since then says nothing new.
    if then == now || (then.lineage.is_empty() && then.serial == 0 && now.serial == 0) {
        return Ok(());
    }
    Err(CliError::Refused(
        if then.lineage == now.lineage || then.lineage.is_empty() {
            format!(
                "the plan is stale: the state has moved on from {} to {} facts since it was made; plan again",
                then.serial, now.serial
            )
        } else {
            "the plan was made with another state: plan again, or give the right `--state`"
                .to_owned()
        },
    ))
}

/// The same manifest, state and CA give the same plan: any difference is a change at the CA or in
/// the endpoints.
fn check_unchanged(saved: &Plan, now: &Plan) -> Result<(), CliError> {
    if saved.plan_id == now.plan_id {
        return Ok(());
    }
    let mut changed: Vec<String> = saved
        .steps
        .iter()
        .zip(&now.steps)
        .filter(|(old, new)| old.address == new.address && old != new)
        .take(5)
        .map(|(old, new)| {
            format!(
                "{}: planned was {} ({}), now it is {} ({})",
                old.address,
                old.action.word(),
                Untrusted::new(report::reason_words(&old.reason)),
                new.action.word(),
                Untrusted::new(report::reason_words(&new.reason))
            )
        })
        .collect();
    for (name, account) in &saved.accounts {
        if let Some(now) = now.accounts.get(name)
            && (now.endpoint != account.endpoint || now.account_id != account.account_id)
        {
            changed.push(format!("account `{name}` is another one now"));
        }
    }
    Err(CliError::Refused(format!(
        "the plan is stale: what it saw at the CA is no longer so; plan again\n{}",
        changed.join("\n")
    )))
}

fn approved(plan: Plan) -> Result<ApprovedPlan, CliError> {
    approve(plan).map_err(|refused| {
        let rules: Vec<String> = refused
            .breaches
            .iter()
            .map(|breach| format!("{}: {}", breach.rule, breach.message))
            .collect();
        CliError::Refused(format!(
            "the plan breaks the policy, nothing was sent\n{}",
            rules.join("\n")
        ))
    })
}

async fn confirmed(plan: &Plan, output: &Output) -> bool {
    let summary = plan.summary();
    let count = |action: Action| summary.get(&action).copied().unwrap_or(0);
    let bought = count(Action::Order) + count(Action::Renew);
    let revoked = plan.revoked_certificates();
    let answer = output.ask_beside(&format!(
        "\nThis buys {bought} and revokes {revoked} certificates. Only `yes` is taken as approval.\nCarry this plan out?"
    ));
    answer
        .await
        .ok()
        .flatten()
        .is_some_and(|answer| answer == "yes")
}

/// A report that has no place is refused before anything is bought for it.
fn check_reports(targets: &[ReportTarget]) -> Result<(), CliError> {
    for target in targets {
        let place = if target.path.is_dir() {
            Err(std::io::Error::from(std::io::ErrorKind::IsADirectory))
        } else {
            tempfile::NamedTempFile::new_in(files::folder_of(&target.path)).map(drop)
        };
        place.map_err(|error| {
            CliError::File(format!(
                "the report {} cannot be written: {error}; nothing was sent",
                target.path.display()
            ))
        })?;
    }
    Ok(())
}

fn write_reports(targets: &[ReportTarget], report: &RunReport) -> Result<(), CliError> {
    for target in targets {
        write_report(target, report).map_err(|error| {
            CliError::File(format!(
                "the run is over, but its report {} cannot be written: {error}",
                target.path.display()
            ))
        })?;
    }
    Ok(())
}

/// A report appears whole or not at all.
fn write_report(target: &ReportTarget, report: &RunReport) -> std::io::Result<()> {
    let style = report::Style {
        color: false,
        width: 100,
    };
    files::replace(&target.path, REPORT_MODE, Sync::File, |out| {
        match target.format {
            Format::Json => report::run_json(out, report),
            Format::Markdown => report::run_markdown(out, report),
            Format::Text => report::run_text(out, report, &style),
        }
    })
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
        output.error(&Untrusted::new(text).to_string());
    }
}

/// The code of a run. A signal is told first, then an unknown outcome, then what failed, then what only a
/// person can decide. What was skipped counts beside something that failed.
fn exit(report: &RunReport, detailed: bool) -> Exit {
    if let Some(stop) = report.stopped {
        return signals::exit(stop);
    }
    let any = |outcome: Outcome| {
        report
            .actions
            .iter()
            .any(|action| action.outcome == outcome)
    };
    if any(Outcome::Unknown) {
        Exit::Person
    } else if any(Outcome::Failed) || any(Outcome::Skipped) {
        Exit::Failed
    } else if report.decisions().next().is_some() {
        Exit::Person
    } else if detailed && any(Outcome::Waiting) {
        Exit::Pending
    } else {
        Exit::Done
    }
}
