//! The default state beside the manifest, when another one is named: two states for one account do not know
//! each other's orders, so an empty one is not begun beside one that is in use.

use super::error::EngineError;
use super::journal_view::JournalView;
use super::workspace::Workspace;
use crate::journal::{self, JournalError};
use crate::model::Observed;

/// Why the state must not be begun; `None` when nothing is in the way.
pub(super) async fn in_the_way(
    workspace: &Workspace,
    known: &JournalView,
    observed: &Observed,
) -> Result<Option<String>, EngineError> {
    let (Some(other), 0) = (&workspace.default_state, known.state.serial) else {
        return Ok(None);
    };
    let (here, there) = (workspace.location.full_name(), other.full_name());
    let found = match journal::read(other).await {
        Ok(found) => found,
        Err(JournalError::Moved { to, .. }) => {
            return Ok(Some(format!(
                "the state {here} is empty, and {there} beside the manifest was moved to {to}: use that with `--state {to}`, or remove {there} if both are of no use any more"
            )));
        }
        // What cannot be read here is no matter of the state that was named.
        Err(_) => return Ok(None),
    };
    let account = found.bindings.accounts.iter().find(|(name, then)| {
        workspace
            .binding(name, observed)
            .is_some_and(|now| then.is_same(&now))
    });
    Ok(account
        .filter(|_| found.mark.serial > 0)
        .map(|(name, _)| {
            format!(
                "the state {here} is empty, and {there} beside the manifest holds {} facts of account `{name}`: two states for one account do not know each other's orders. Take it over with `certplan migrate --from '{there}' --state '{here}'`, or remove {there} if it is of no use any more",
                found.mark.serial
            )
        }))
}
