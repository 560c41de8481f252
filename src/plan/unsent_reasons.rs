//! Reasons of revocations that the CA does not take for the order's product: nothing of them is sent.

use std::collections::BTreeMap;

use super::inputs::Inputs;
use super::{Step, Warning};
use crate::model::{AccountName, Address, Operation, RevocationReason, RevokeOperation};

/// So many entries of one warning are named.
const NAMED: usize = 3;

/// An account, a reason, and why it is not sent.
type Unsent<'s> = (&'s AccountName, RevocationReason, String);
/// An entry, and whether it has comments.
type Entry<'s> = (&'s Address, bool);

/// One warning for each reason and each kind of order, with the entries that give it.
pub(super) fn unsent_reasons(inputs: &Inputs<'_>, steps: &[Step]) -> Vec<Warning> {
    let mut by: BTreeMap<Unsent<'_>, Vec<Entry<'_>>> = BTreeMap::new();
    for step in steps {
        let Some(Operation::Revoke(operation)) = &step.operation else {
            continue;
        };
        if let Some(why) = why_unsent(inputs, step, operation) {
            let entry = (&step.address, operation.comments.is_some());
            by.entry((&step.account, operation.reason, why))
                .or_default()
                .push(entry);
        }
    }
    by.into_iter()
        .map(|((_, reason, why), entries)| {
            let comments = if entries.iter().all(|(_, comments)| *comments) {
                "; `comments` are sent in its place"
            } else {
                ""
            };
            let what = format!("the reason `{reason}` is not sent, because {why}{comments}");
            match entries.as_slice() {
                [(only, _)] => Warning {
                    address: Some((*only).clone()),
                    message: what,
                },
                several => Warning {
                    address: None,
                    message: format!("{}: {what}", named(several)),
                },
            }
        })
        .collect()
}

fn why_unsent(inputs: &Inputs<'_>, step: &Step, operation: &RevokeOperation) -> Option<String> {
    // Offline nobody knows the product, and no reason is an unspecified one.
    if inputs.offline || operation.reason == RevocationReason::Unspecified {
        return None;
    }
    let account = inputs.batch.accounts.get(&step.account)?;
    let authority = account.provider.authority;
    authority.unsent_reason(operation.product.as_deref())
}

fn named(entries: &[Entry<'_>]) -> String {
    let names: Vec<String> = entries
        .iter()
        .take(NAMED)
        .map(|(address, _)| address.to_string())
        .collect();
    match entries.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
