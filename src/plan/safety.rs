//! Policy limits, and [`ApprovedPlan`]: the only thing that apply takes.

use std::collections::BTreeMap;

use super::{Action, Breach, Dying, Plan};
use crate::model::{AccountName, Policy};

/// The share of an account's certificates that a plan may revoke when no policy says otherwise.
const DEFAULT_PERCENT: u8 = 30;
/// Accounts with fewer certificates are not held to the default share.
const DEFAULT_PERCENT_FROM: u32 = 20;

/// What one run may do whatever the policy says (`--allow-orders`, `--allow-revocations`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowance {
    /// New orders.
    pub orders: Option<u32>,
    /// Revoked certificates; it also takes the place of the percentage.
    pub revocations: Option<u32>,
}

/// A plan that breaks no limit and that somebody approved: a person at a prompt, `--yes`, or the
/// review of a saved plan.
#[derive(Debug)]
pub struct ApprovedPlan(Plan);

impl ApprovedPlan {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

/// Takes a plan for carrying out, or gives it back if it breaks a limit or was made offline.
pub fn approve(plan: Plan) -> Result<ApprovedPlan, Box<Plan>> {
    if plan.breaches.is_empty() && !plan.offline {
        Ok(ApprovedPlan(plan))
    } else {
        Err(Box::new(plan))
    }
}

/// The limits that a plan breaks.
pub fn breaches(plan: &Plan, policy: &Policy, allowance: Allowance) -> Vec<Breach> {
    let mut found = Vec::new();
    let orders = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Order | Action::Renew))
        .count();
    if let Some(limit) = allowance.orders.or(policy.max_orders)
        && orders > limit as usize
    {
        found.push(Breach {
            rule: "max_orders".to_owned(),
            message: format!(
                "{orders} new orders, {limit} are allowed: raise `policy.max_orders`, or allow this run with `--allow-orders {orders}`"
            ),
        });
    }
    let revoked = plan.revoked_certificates();
    if let Some(limit) = allowance.revocations.or(policy.max_revocations)
        && revoked > limit as usize
    {
        found.push(Breach {
            rule: "max_revocations".to_owned(),
            message: format!(
                "{revoked} certificates would be revoked, {limit} are allowed: raise `policy.max_revocations`, or allow this run with `--allow-revocations {revoked}`"
            ),
        });
    }
    let reissues = plan.steps.iter();
    let reissues = reissues
        .filter(|step| step.action == Action::Reissue)
        .count();
    if let Some(limit) = policy.max_reissues
        && reissues > limit as usize
    {
        found.push(Breach {
            rule: "max_reissues".to_owned(),
            message: format!(
                "{reissues} reissues, {limit} are allowed: raise `policy.max_reissues`, or take a part with `--target`"
            ),
        });
    }
    if allowance.revocations.is_none() {
        found.extend(share_breaches(plan, policy, revoked));
    }
    found
}

fn share_breaches(plan: &Plan, policy: &Policy, revoked_in_all: usize) -> Vec<Breach> {
    let mut revoked: BTreeMap<&AccountName, Dying<'_>> = BTreeMap::new();
    for step in &plan.steps {
        revoked.entry(&step.account).or_default().add(step);
    }
    let mut found = Vec::new();
    for (account, dying) in revoked {
        let count = dying.count() as u64;
        let Some(planned) = plan.accounts.get(account) else {
            continue;
        };
        let known = u64::from(planned.certificates);
        let percent = match policy.max_revocation_percent {
            Some(percent) => percent,
            None if planned.certificates >= DEFAULT_PERCENT_FROM => DEFAULT_PERCENT,
            None => continue,
        };
        if count * 100 > u64::from(percent) * known {
            let share = if known == 0 {
                100.0
            } else {
                count as f64 * 100.0 / known as f64
            };
            found.push(Breach {
                rule: "max_revocation_percent".to_owned(),
                message: format!(
                    "account {account}: {share:.1} % of its certificates would be revoked ({count} of {known}), {percent} % are allowed: set `policy.max_revocation_percent`, or allow this run with `--allow-revocations {revoked_in_all}`"
                ),
            });
        }
    }
    found
}
