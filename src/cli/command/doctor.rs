//! `certplan doctor`: everything that must be right before an apply, in one look.

use super::check::{Check, Verdict};
use super::doctor_files;
use crate::cli::args::Common;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings;
use crate::cli::workspace;
use crate::engine::{self, Notice, PlanRequest, Purpose, Tell, Workspace, check_access};
use crate::journal::{self, VerifyError};
use crate::model::{AccountName, KeyFacts, Untrusted};
use crate::provider::Observe;
use crate::report::counted;

pub(super) async fn run(common: &Common, output: &mut Output) -> Result<Exit, CliError> {
    let workspace = workspace::load(common, None, output)?;
    let (items, accounts) = (workspace.batch.items.len(), workspace.batch.accounts.len());
    let mut checks = vec![
        Check::new(
            Verdict::Good,
            format!(
                "manifest: {} in {}",
                counted(items, "item", "items"),
                counted(accounts, "account", "accounts")
            ),
        ),
        check_state(&workspace).await,
    ];
    let sources = workspace.location.sources();
    checks.extend(sources.map(|sources| Check::new(Verdict::Note, format!("state: {sources}"))));
    // A folder that cannot be used is told by the check of the state.
    let others = workspace.location.who_may_change().unwrap_or_default();
    checks.extend(
        others
            .into_iter()
            .map(|what| Check::new(Verdict::Note, what)),
    );
    checks.push(check_budget(&workspace).await);
    checks.extend(doctor_files::check(&workspace).await);
    let foreign = settings::foreign_endpoints(&workspace.batch);
    checks.extend(foreign.iter().map(|variable| {
        Check::new(
            Verdict::Note,
            format!("{variable} is set, and the manifest has no such account: it has no effect"),
        )
    }));
    checks.extend(check_route(&workspace));
    for name in workspace.batch.accounts.keys() {
        checks.extend(check_account(&workspace, name, output).await);
    }
    checks.extend(check_doubles(&workspace).await);
    let failed = checks.iter().any(|check| check.verdict == Verdict::Bad);
    output.result(|out| {
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Good => "ok  ",
                Verdict::Note => "note",
                Verdict::Bad => "FAIL",
            };
            let what = Untrusted::new(check.what.as_str());
            writeln!(out, "{mark}  {}", what.whole())?;
        }
        Ok(())
    });
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

async fn check_state(workspace: &Workspace) -> Check {
    let location = &workspace.location;
    match journal::verify(location).await {
        Ok(None) => Check::new(Verdict::Note, format!("state: none yet at {location}")),
        Ok(Some(verified)) => Check::new(
            Verdict::Good,
            format!(
                "state: {} facts at {location}, chain intact",
                verified.facts
            ),
        ),
        Err(VerifyError::Broken { seq, error }) => Check::new(
            Verdict::Bad,
            format!("state: broken at fact {seq}: {error}"),
        ),
        Err(VerifyError::Journal(error)) => Check::new(Verdict::Bad, format!("state: {error}")),
    }
}

/// Second orders under the tags of the manifest's entries. What keeps them from being looked for is told by
/// the other checks.
async fn check_doubles(workspace: &Workspace) -> Vec<Check> {
    let request = PlanRequest::default();
    let planned = engine::plan(workspace, &request, &mut |_| {}, &Silent).await;
    let Ok(planned) = planned else {
        return Vec::new();
    };
    let doubles = engine::doubles(workspace, &planned).into_iter();
    doubles
        .map(|double| {
            let name = double.address.map(|address| format!("{address}: "));
            let what = format!("{}{}", name.unwrap_or_default(), double.message);
            Check::new(Verdict::Bad, what)
        })
        .collect()
}

/// The checks speak for themselves.
struct Silent;

impl Tell for Silent {
    fn tell(&self, _notice: Notice) {}
}

async fn check_budget(workspace: &Workspace) -> Check {
    let mut checked = workspace.budgets.location();
    for (name, account) in &workspace.batch.accounts {
        // Without its keys an account has no budget, and is told for them below.
        if let (Some(endpoint), Ok(keys)) = (workspace.endpoints.get(name), settings::keys(account))
        {
            let key = keys.fingerprint(endpoint);
            if let Err(error) = workspace.budgets.check(&key, &account.rate_limits).await {
                checked = Err(error);
            }
        }
    }
    match checked {
        Ok(location) => Check::new(Verdict::Good, format!("rate budget: shared in {location}")),
        Err(error) => Check::new(
            if workspace.budgets.of_all_hosts() {
                Verdict::Bad
            } else {
                Verdict::Note
            },
            format!("rate budget: {error}; each run keeps to the limits by itself"),
        ),
    }
}

/// Which way the calls of each account go, where a proxy is named or could be meant.
fn check_route(workspace: &Workspace) -> Vec<Check> {
    let route = &workspace.route;
    let mut checks: Vec<Check> = Vec::new();
    if let Some(unused) = route.unused() {
        checks.push(Check::new(Verdict::Note, format!("proxy: {unused}")));
    }
    if route.proxy.is_none() {
        return checks;
    }
    checks.extend(workspace.endpoints.iter().map(|(name, endpoint)| {
        let way = match route.proxy_for(endpoint) {
            Some(proxy) => format!("through {}", proxy.url()),
            None => "straight, because its host is this machine or stands in NO_PROXY".to_owned(),
        };
        Check::new(
            Verdict::Good,
            format!("proxy: account `{name}` is reached {way}"),
        )
    }));
    checks
}

async fn check_account(workspace: &Workspace, name: &AccountName, output: &Output) -> Vec<Check> {
    let accounts = match workspace.open(&std::iter::once(name.clone()).collect()) {
        Ok(accounts) => accounts,
        Err(error) => return vec![Check::new(Verdict::Bad, error.to_string())],
    };
    let Some(act) = accounts.get(name) else {
        return Vec::new();
    };
    let observe: &dyn Observe = act.as_ref();
    let account = match check_access(workspace, name, observe, Purpose::Look, output).await {
        Ok(account) => account,
        Err(error) => return vec![Check::new(Verdict::Bad, error.to_string())],
    };
    let mut checks = Vec::new();
    checks.extend(account.key.as_ref().map(|key| check_key(name, key)));
    if let Some(identity) = &account.identity {
        checks.push(Check::new(
            Verdict::Good,
            format!(
                "account `{name}`: {} in account {} answers at {}",
                identity.user,
                identity.account_id,
                observe.endpoint()
            ),
        ));
    }
    checks.push(match observe.orders().await {
        Ok(orders) => Check::new(
            Verdict::Good,
            format!(
                "account `{name}`: {} visible",
                counted(orders.len(), "order is", "orders are")
            ),
        ),
        Err(error) => Check::new(Verdict::Bad, format!("account `{name}`: {error}")),
    });
    checks.extend(check_clock(name, observe));
    if let Some(account) = workspace.batch.accounts.get(name) {
        let limits: Vec<String> = account
            .rate_limits
            .iter()
            .map(|limit| format!("{} requests in {:?}", limit.requests, limit.per))
            .collect();
        checks.push(Check::new(
            Verdict::Good,
            format!(
                "account `{name}`: at most {}, {} at once",
                limits.join(" and "),
                account.max_in_flight
            ),
        ));
    }
    checks
}

fn check_key(name: &AccountName, key: &KeyFacts) -> Check {
    let (verdict, kind) = if key.acme {
        (Verdict::Note, "an ACME key: it cannot be used here")
    } else if key.is_view_only() {
        (Verdict::Note, "view only: it can plan, not apply")
    } else {
        (Verdict::Good, "active")
    };
    Check::new(
        verdict,
        format!(
            "account `{name}`: key {} ({}) of {} is {kind}",
            key.id, key.name, key.user
        ),
    )
}

fn check_clock(name: &AccountName, observe: &dyn Observe) -> Option<Check> {
    let clock = observe.clock()?;
    Some(if clock.is_off() {
        Check::new(
            Verdict::Bad,
            format!("account `{name}`: {}: set it right", clock.words()),
        )
    } else {
        Check::new(Verdict::Good, format!("account `{name}`: the clocks agree"))
    })
}
