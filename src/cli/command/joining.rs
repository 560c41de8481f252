//! Joining a run that carries out a plan: the plan is the one that run made known, and it is joined only
//! if it is what this command was asked for.

use crate::cli::args::Scope;
use crate::cli::exit::CliError;
use crate::cli::observe::{Purpose, check_access};
use crate::cli::output::Output;
use crate::cli::session::{Accounts, Session};
use crate::journal::{JournalError, SharedPlan};
use crate::model::{Observed, ObservedAccount};
use crate::plan::{Allowance, Plan, breaches};
use crate::provider::Observe;

/// The plan of the run under way, and who the accounts are. Refused is a plan of another manifest, of
/// other targets, or against other accounts; the limits of this command hold for it.
pub(super) async fn join(
    shared: &SharedPlan,
    session: &Session,
    accounts: &Accounts,
    scope: &Scope,
    output: &Output,
) -> Result<(Plan, Observed), CliError> {
    let held = |why: &str| {
        CliError::Journal(JournalError::Held {
            path: session.location.to_string().into(),
            holder: format!("runs that carry out {why}"),
        })
    };
    if shared.manifest != session.batch.digest {
        return Err(held("a plan of another manifest"));
    }
    let mut plan: Plan = serde_json::from_str(&shared.document).map_err(|error| {
        held(&format!(
            "a plan that this certplan cannot read ({error}): use the same version everywhere"
        ))
    })?;
    if plan.plan_id != shared.plan_id || plan.digest() != plan.plan_id {
        return Err(held("a plan that is not what its id says"));
    }
    if plan.targets != scope.targets {
        return Err(held("a plan of other targets"));
    }
    let mut observed = Observed::default();
    for (name, act) in accounts {
        let observe: &dyn Observe = act.as_ref();
        let mut account = ObservedAccount::default();
        check_access(session, name, observe, Purpose::Apply, output, &mut account).await?;
        account.requests = act.requests_sent();
        observed.accounts.insert(name.clone(), account);
    }
    let endpoints = session.endpoint_texts();
    for (name, planned) in &plan.accounts {
        let now = observed.accounts.get(name);
        let id = now.and_then(|account| account.identity.as_ref());
        let same_customer = match (&planned.account_id, id) {
            (Some(then), Some(now)) => *then == now.account_id,
            _ => true,
        };
        if endpoints.get(name) != Some(&planned.endpoint) || !same_customer {
            return Err(CliError::Refused(format!(
                "the plan under way is for another account `{name}` than the one at hand"
            )));
        }
    }
    let allowance = Allowance {
        orders: scope.allow_orders,
        revocations: scope.allow_revocations,
    };
    plan.breaches = breaches(&plan, &session.policy, allowance);
    Ok((plan, observed))
}
