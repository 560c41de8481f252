//! A step that another run had: what the journal says of it decides, never what that run was about to do.

use super::context::{Context, Finished, Lane};
use super::event::Outcome;
use super::settle::settle;
use crate::model::{LiveOrder, LiveState, Milestone, Operation};
use crate::plan::{Action, Step, waiting_words};

/// What is left to do of a step; `None` when it is untouched and may be carried out as planned.
pub(super) async fn take_over(context: &Context, step: &Step, lane: &Lane) -> Option<Finished> {
    let record = context.record_of(&step.address);
    if record.open.is_some() {
        // Under way when the other run died: a doubt, and settled like one.
        return match step.action {
            Action::Settle => None,
            _ => Some(settle(context, step, lane).await),
        };
    }
    let live = record.live.as_ref()?;
    match &step.operation {
        Some(Operation::Order(operation)) if live.tag.as_ref() == Some(&operation.tag) => {
            Some(placed(step, live))
        }
        Some(Operation::Reissue(operation))
            if live.certificate == Some(operation.order.certificate.digest()) =>
        {
            Some(placed(step, live))
        }
        // A revocation goes through its parts and passes over those that were taken.
        _ => None,
    }
}

/// An order, or its reissue, that the CA took from the other run.
fn placed(step: &Step, live: &LiveOrder) -> Finished {
    let mut finished = match &live.state {
        LiveState::Issued => Finished::new(step, Outcome::Done),
        LiveState::Requested | LiveState::Reissuing => {
            let mut finished =
                Finished::waiting(step, waiting_words(None, live.request_id.as_ref()));
            finished.watch = true;
            finished
        }
        LiveState::Ended(ending) => {
            return Finished::failed(
                step,
                format!("order {} was {}", live.order_id, ending.word()),
            );
        }
    };
    finished.reached = Some(match live.state {
        LiveState::Issued => Milestone::Issued,
        _ => Milestone::Submitted,
    });
    finished.report.order_id = Some(live.order_id.clone());
    finished.report.request_id.clone_from(&live.request_id);
    finished
        .report
        .certificate_id
        .clone_from(&live.certificate_id);
    finished
}
