//! The plan's digest: what would be done and against what, and nothing else.
//!
//! Left out on purpose: when the plan was made, the words of reasons and warnings, what it costs and
//! how far the journal had come. Two people who plan the same thing get the same digest.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Action, Plan, StepFiles};
use crate::model::{
    AccountName, Address, After, CertificatePin, Digest, FactBody, Operation, OrderId,
};

/// Told apart from every other digest of certplan, and raised when the members below change.
const PURPOSE: &str = "certplan plan 4";

#[derive(Serialize)]
struct Essence<'a> {
    purpose: &'static str,
    accounts: BTreeMap<&'a AccountName, AccountEssence<'a>>,
    targets: &'a [Address],
    steps: Vec<StepEssence<'a>>,
}

#[derive(Serialize)]
struct AccountEssence<'a> {
    provider: &'a str,
    endpoint: &'a str,
    account_id: Option<&'a str>,
}

#[derive(Serialize)]
struct StepEssence<'a> {
    address: &'a Address,
    account: &'a AccountName,
    action: Action,
    operation: Option<&'a Operation>,
    after: &'a [After],
    revokes: &'a [CertificatePin],
    #[serde(skip_serializing_if = "Option::is_none")]
    unnamed: Option<u32>,
    news: &'a [FactBody],
    order_id: Option<&'a OrderId>,
    files: Option<&'a StepFiles>,
}

impl Plan {
    /// SHA-256 over the JSON of what would be done (each step's address, account, action, operation,
    /// dependencies, dying certificates, news and order) and against what (each account's CA, endpoint
    /// and customer account; the targets). [`Plan::plan_id`] must equal it.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&Essence {
            purpose: PURPOSE,
            accounts: self
                .accounts
                .iter()
                .map(|(name, account)| {
                    let essence = AccountEssence {
                        provider: &account.provider,
                        endpoint: &account.endpoint,
                        account_id: account.account_id.as_deref(),
                    };
                    (name, essence)
                })
                .collect(),
            targets: &self.targets,
            steps: self
                .steps
                .iter()
                .map(|step| StepEssence {
                    address: &step.address,
                    account: &step.account,
                    action: step.action,
                    operation: step.operation.as_ref(),
                    after: &step.after,
                    revokes: &step.revokes,
                    unnamed: Some(step.unnamed).filter(|unnamed| *unnamed > 0),
                    news: &step.news,
                    order_id: step.order_id.as_ref(),
                    files: step.files.as_deref(),
                })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::testing::{order_step, plan_of, revoke_step};

    #[test]
    fn what_is_only_told_to_people_does_not_change_it() {
        let plan = plan_of(vec![order_step("a"), revoke_step("b", 2)]);
        let mut other = plan.clone();
        other.made_at = "2030-01-01T00:00:00Z".parse().unwrap();
        other.state.serial += 1;
        other.cost.seconds += 1.0;
        other.steps[0].reason = crate::model::Reason::NotInJournal;
        other.warnings.clear();
        assert_eq!(plan.digest(), other.digest());
    }

    #[test]
    fn what_would_be_done_and_against_what_changes_it() {
        let plan = plan_of(vec![order_step("a"), revoke_step("b", 2)]);
        let changed = |change: &dyn Fn(&mut Plan)| {
            let mut other = plan.clone();
            change(&mut other);
            assert_ne!(plan.digest(), other.digest());
        };
        changed(&|plan| {
            plan.steps.pop();
        });
        changed(&|plan| plan.steps.swap(0, 1));
        changed(&|plan| plan.steps[0].action = Action::Adopt);
        changed(&|plan| plan.steps[0].account = "other".parse().unwrap());
        changed(&|plan| plan.steps[0].operation = None);
        changed(&|plan| plan.steps[0].order_id = Some(OrderId::from(9)));
        changed(&|plan| plan.steps[1].after.clear());
        changed(&|plan| {
            plan.steps[1].revokes.pop();
        });
        changed(&|plan| plan.steps[1].unnamed = 1);
        changed(&|plan| plan.steps[1].news.push(FactBody::Revoked));
        changed(&|plan| plan.targets.push("orders.a".parse().unwrap()));
        changed(&|plan| {
            for account in plan.accounts.values_mut() {
                account.endpoint = "https://elsewhere.example/services/v2".to_owned();
            }
        });
        changed(&|plan| {
            for account in plan.accounts.values_mut() {
                account.account_id = Some("2".to_owned());
            }
        });
    }
}
