//! How much of what is due is done in one run: `--at-most` and `--no-renew`.

use super::{Action, Inputs, Step, Warning};
use crate::model::{
    Address, Cause, NextRun, OperationKind, Reason, Record, RenewalReason, Standing, ValidTill,
};

/// Leaves what is too much for a later run. Doubts come first, then what ends first.
pub(super) fn keep_pace(inputs: &Inputs<'_>, steps: &mut [Step]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let held = steps.iter().filter(|step| is_held(step)).count();
    if held > 0 {
        let (are, they) = if held == 1 {
            ("1 order is", "it stays")
        } else {
            ("orders are", "they stay")
        };
        let number = if held == 1 {
            String::new()
        } else {
            format!("{held} ")
        };
        warnings.push(Warning {
            address: None,
            message: format!("{number}{are} due, and {they} as before: `--no-renew`"),
        });
    }
    let Some(most) = inputs.pace.at_most else {
        return warnings;
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut due: Vec<(bool, Option<ValidTill>, Address, usize)> = steps
        .iter()
        .enumerate()
        .filter_map(|(position, step)| {
            let doubt = is_doubt(step, inputs.records.get(&step.address));
            let sends = matches!(step.action, Action::Order | Action::Renew | Action::Reissue);
            (doubt || sends).then(|| {
                let till = step.standing.ends();
                (!doubt, till, step.address.clone(), position)
            })
        })
        .collect();
    // What has no certificate yet comes after what ends.
    due.sort_by(|a, b| {
        let of = |one: &(bool, Option<ValidTill>, Address, usize)| {
            (one.0, one.1.is_none(), one.1, one.2.clone())
        };
        of(a).cmp(&of(b))
    });
    for (_, _, _, position) in due.into_iter().skip(most) {
        if let Some(step) = steps.get_mut(position) {
            leave(step);
        }
    }
    warnings
}

fn is_held(step: &Step) -> bool {
    matches!(&step.reason, Reason::Renewal(RenewalReason::Held { .. }))
}

/// An order or a reissue whose outcome is not known: it may be sent again in this run.
fn is_doubt(step: &Step, record: Option<&Record>) -> bool {
    let open = record.and_then(|record| record.open.as_ref());
    let kind = open.map(|open| open.attempt.kind);
    step.action == Action::Settle
        && matches!(
            kind,
            Some(OperationKind::Order | OperationKind::Renew | OperationKind::Reissue)
        )
}

/// Makes a step wait for a later run. A doubt is settled all the same: that sends nothing.
fn leave(step: &mut Step) {
    if step.action == Action::Settle {
        return;
    }
    let waits = Cause::NextRun {
        with: NextRun::Left,
    };
    let order = step.order_id.clone();
    step.reason = Reason::Renewal(RenewalReason::LeftForLater { order });
    step.standing = match std::mem::replace(&mut step.standing, Standing::Absent) {
        Standing::Absent => Standing::Waiting { waits },
        standing => standing.with_renewal(waits),
    };
    step.action = Action::Wait;
    step.operation = None;
    step.requests.clear();
    step.after.clear();
    step.revokes.clear();
    step.unnamed = 0;
    step.changes.clear();
    step.price = None;
}
