//! Whether a saved plan is still what would be planned now.

use super::error::{EngineError, Stale};
use super::journal_view::JournalView;
use crate::plan::{Plan, Step};

/// Of so many items it is said what changed.
const SHOWN: usize = 5;

/// The state must be where it was when the plan was made.
pub(super) fn check_state(saved: &Plan, known: &JournalView) -> Result<(), EngineError> {
    let (then, now) = (&saved.state, &known.state);
    // A journal that was only created since then says nothing new.
    if then == now || (then.lineage.is_empty() && then.serial == 0 && now.serial == 0) {
        return Ok(());
    }
    Err(EngineError::Refused(
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
pub(super) fn check_unchanged(saved: &Plan, now: &Plan) -> Result<(), EngineError> {
    if saved.plan_id == now.plan_id {
        return Ok(());
    }
    let decided = |step: &Step| (step.action, step.reason.clone());
    let mut changed: Vec<Stale> = saved
        .steps
        .iter()
        .zip(&now.steps)
        .filter(|(old, new)| old.address == new.address && old != new)
        .take(SHOWN)
        .map(|(old, new)| Stale::Item {
            address: old.address.clone(),
            then: decided(old),
            now: decided(new),
        })
        .collect();
    for (name, account) in &saved.accounts {
        if let Some(now) = now.accounts.get(name)
            && (now.endpoint != account.endpoint || now.account_id != account.account_id)
        {
            changed.push(Stale::Account(name.clone()));
        }
    }
    Err(EngineError::Stale(changed))
}
