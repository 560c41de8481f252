//! The reason of a revocation that the CA does not take for the order's product: it is not sent.

use super::Step;
use super::inputs::Inputs;
use crate::model::{Operation, RevocationReason};

/// What is not sent and why, in words; `None` where the reason is sent.
pub(super) fn unsent_reason(inputs: &Inputs<'_>, step: &Step) -> Option<String> {
    let Some(Operation::Revoke(operation)) = &step.operation else {
        return None;
    };
    // Offline nobody knows the product, and no reason is an unspecified one.
    if inputs.offline || operation.reason == RevocationReason::Unspecified {
        return None;
    }
    let account = inputs.batch.accounts.get(&step.account)?;
    let authority = account.provider.authority;
    let why = authority.unsent_reason(operation.product.as_deref())?;
    let comments = match operation.comments {
        Some(_) => "; `comments` are sent in its place",
        None => "",
    };
    let reason = operation.reason;
    Some(format!(
        "the reason `{reason}` is not sent, because {why}{comments}"
    ))
}
