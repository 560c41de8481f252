//! What one item comes to: [`Decided`], a step and what a person should know about it.

use super::{Action, Step};
use crate::model::{Cause, Decision, Item, OpenOperation, Phase, Reason, Standing};

/// What one item comes to.
pub(super) struct Decided {
    pub(super) step: Step,
    pub(super) warnings: Vec<String>,
}

impl Decided {
    pub(super) fn new(item: &Item, action: Action, reason: Reason, standing: Standing) -> Self {
        let after = if action.is_change() {
            item.after.clone()
        } else {
            Vec::new()
        };
        Self {
            step: Step {
                address: item.address.clone(),
                account: item.account.clone(),
                labels: item.labels.clone(),
                action,
                reason,
                standing,
                after,
                operation: None,
                requests: Vec::new(),
                revokes: Vec::new(),
                unnamed: 0,
                changes: Vec::new(),
                news: Vec::new(),
                order_id: None,
                certificate_id: None,
                request_id: None,
                unsent_reason: None,
                files: None,
                renewal: None,
                price: None,
                wants: None,
            },
            warnings: Vec::new(),
        }
    }

    /// An item for which nothing was asked, and which waits.
    pub(super) fn waiting(item: &Item, reason: Reason, waits: Cause) -> Self {
        let standing = Standing::Waiting { waits };
        Self::new(item, Action::Wait, reason, standing)
    }

    /// An item for which nothing was asked, and which waits for a person.
    pub(super) fn for_a_person(item: &Item, reason: Reason, decision: Decision) -> Self {
        Self::waiting(item, reason, Cause::Decision(decision))
    }

    /// An earlier attempt whose outcome is not recorded.
    pub(super) fn settle(item: &Item, open: &OpenOperation, standing: Standing) -> Self {
        let kind = open.attempt.kind;
        let reason = match &open.phase {
            Phase::Sending => Reason::Interrupted { kind },
            Phase::InDoubt { why, .. } => {
                let why = why.clone();
                Reason::OutcomeUnknown { kind, why }
            }
            Phase::Parked { why, .. } => {
                let why = why.clone();
                Reason::ForAPerson { kind, why }
            }
        };
        Self::new(item, Action::Settle, reason, standing)
    }

    pub(super) fn warn(mut self, message: impl Into<String>) -> Self {
        self.warnings.push(message.into());
        self
    }
}
