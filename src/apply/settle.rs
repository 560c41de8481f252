//! Doubt: finding out what became of a call whose answer never came. Only reads; an order is sent
//! again in one place alone, [`not_found`], and only where the policy says so.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::context::{Context, Finished, Lane};
use super::event::Outcome;
use super::evidence::{Candidate, control_tag, gather_evidence};
use super::place::not_recorded;
use super::settle_revocation::settle_revocation;
use crate::journal::Hold;
use crate::model::{
    DoubtRule, FactBody, Milestone, ObservedOrder, OpenOperation, Operation, OrderOperation,
    OrderStatus, Phase, Record, ReissueOperation, RequestKind, RequestStatus, Tag, Untrusted,
};
use crate::plan::{Step, differences, seen, waiting_words};
use crate::provider::Depth;

/// Look-ups right after a lost answer, each after this long a pause. More follow with `--wait` and in
/// later runs.
const FIRST_LOOKS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// How many look-ups must have found nothing before `then: resend` orders again.
const LOOKS_BEFORE_RESEND: u32 = 3;

/// Settles what an earlier run, or an earlier moment of this one, left open.
pub(super) async fn settle(context: &Context, step: &Step, lane: &Lane) -> Finished {
    let Some(open) = context.record_of(&step.address).open else {
        return Finished::failed(step, "nothing is open any more; plan again");
    };
    if let Phase::Parked { why, .. } = &open.phase {
        return Finished::unknown(step, unsettled(step, &why.to_string())).for_a_person();
    }
    if open.phase == Phase::Sending {
        let why = Untrusted::new("a run ended between the intent and the outcome");
        if let Err(error) = context.write(step, vec![FactBody::Doubted { why }]).await {
            return not_recorded(step, &error);
        }
    }
    match &step.operation {
        Some(Operation::Order(operation)) => look_once(context, step, lane, operation).await,
        Some(Operation::Reissue(operation)) => settle_reissue(context, step, lane, operation).await,
        Some(Operation::Revoke(operation)) => {
            match settle_revocation(context, step, lane, operation).await {
                Ok(_) => super::revoke::revoke(context, step, lane, operation).await,
                Err(finished) => *finished,
            }
        }
        None => Finished::unknown(step, unsettled(step, "its order could not be read")),
    }
}

/// Looks for an order whose answer was just lost, a few times.
pub(super) async fn settle_order(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &OrderOperation,
) -> Finished {
    let mut last = Finished::unknown(step, unsettled(step, "it was not looked up"));
    for pause in FIRST_LOOKS {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.until_stopped() => return last,
        }
        last = look_once(context, step, lane, operation).await;
        if !last.in_doubt {
            break;
        }
    }
    last
}

/// One look-up of an order in doubt: adopted, parked, proved dead, or still in doubt.
pub(super) async fn look_once(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &OrderOperation,
) -> Finished {
    let Some(open) = context.record_of(&step.address).open else {
        return Finished::failed(step, "nothing is open any more; plan again");
    };
    let tag = open
        .attempt
        .tag
        .clone()
        .unwrap_or_else(|| operation.tag.clone());
    let control = control_tag(
        &context.run.journal.records(),
        |address| context.account_of(address) == Some(&step.account),
        &tag,
    );
    let evidence = gather_evidence(
        &*lane.act,
        &tag,
        &operation.order,
        open.since,
        control.as_ref(),
    )
    .await;
    let evidence = match evidence {
        Ok(evidence) => evidence,
        Err(error) => {
            return Finished::unknown(
                step,
                unsettled(step, &format!("the look-up failed: {error}")),
            );
        }
    };
    match evidence.candidates.as_slice() {
        [] => not_found(context, step, lane, operation, &open, evidence.control).await,
        [candidate] if candidate.differences.is_empty() => {
            adopt(context, step, &open, &tag, candidate).await
        }
        [candidate] => {
            let why = format!(
                "order {} carries the tag but differs: {}",
                candidate.order_id,
                candidate.differences.join("; ")
            );
            park(context, step, why).await
        }
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.order_id.to_string()).collect();
            park(
                context,
                step,
                format!("orders {} all carry the tag", ids.join(", ")),
            )
            .await
        }
    }
}

/// Binds the order that was found. What was ordered stands in the attempt: the manifest may say
/// something else by now, and that is for the next plan.
async fn adopt(
    context: &Context,
    step: &Step,
    open: &OpenOperation,
    tag: &Tag,
    candidate: &Candidate,
) -> Finished {
    let Some(order) = &candidate.order else {
        return Finished::unknown(step, unsettled(step, "the order could not be read"));
    };
    let facts = vec![
        FactBody::Adopted {
            order_id: order.id.clone(),
            certificate_id: order.certificate_id.clone(),
            generation: open.attempt.generation,
            tag: Some(tag.clone()),
            certificate: open.attempt.certificate,
            terms: open.attempt.terms,
            evidence: Untrusted::new("found by its tag after a lost answer"),
        },
        seen(order),
    ];
    if let Err(error) = context.write(step, facts).await {
        return not_recorded(step, &error);
    }
    let mut finished = match order.status {
        OrderStatus::Issued | OrderStatus::ReissuePending => {
            let mut finished = Finished::new(step, Outcome::Done);
            finished.reached = Some(Milestone::Issued);
            finished
        }
        _ => {
            let mut finished = Finished::waiting(step, waiting_words(Some(&order.status), None));
            finished.reached = Some(Milestone::Submitted);
            finished.watch = true;
            finished
        }
    };
    finished.report.order_id = Some(order.id.clone());
    finished
        .report
        .certificate_id
        .clone_from(&order.certificate_id);
    finished
}

async fn park(context: &Context, step: &Step, why: String) -> Finished {
    let fact = FactBody::Parked {
        why: Untrusted::new(why.clone()),
    };
    match context.write(step, vec![fact]).await {
        Ok(()) => Finished::unknown(step, unsettled(step, &why)).for_a_person(),
        Err(error) => not_recorded(step, &error),
    }
}

/// Nothing carries the tag. That proves something only when the quiet period is over and the positive
/// control was found.
async fn not_found(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &OrderOperation,
    open: &OpenOperation,
    control: Option<bool>,
) -> Finished {
    if control == Some(true)
        && let Err(error) = context.write(step, vec![FactBody::LookedUp]).await
    {
        return not_recorded(step, &error);
    }
    let (since, looks) = match context.record_of(&step.address).open.map(|open| open.phase) {
        Some(Phase::InDoubt { since, looks, .. }) => (since, looks),
        _ => (open.since, 0),
    };
    // The attempt's own: the manifest's generation, and with it the tag, may be another by now.
    let tag = open.attempt.tag.as_ref().unwrap_or(&operation.tag);
    let doubt = context.run.doubt;
    #[cfg(feature = "planted-bugs")]
    let doubt = crate::planted::forget_quiet_period(doubt);
    #[cfg(feature = "planted-bugs")]
    let (control, looks) = crate::planted::trust_first_look(control, looks);
    let (age, left) = quiet_time(since, doubt.quiet_period);
    if let Some(left) = left {
        return Finished::unknown(
            step,
            format!(
                "nothing at the CA carries its tag {tag}; that proves nothing for another {left:#}: the next run looks again"
            ),
        );
    }
    let not_placed = unsettled(
        step,
        &format!("nothing at the CA carries its tag {tag}: it was probably not placed"),
    );
    // A run that was paused may send late, and a lease does not keep it: nobody may order anew but a
    // person who knows.
    let leased = context.run.journal.hold() == Hold::Lease;
    #[cfg(feature = "planted-bugs")]
    let leased = crate::planted::lease_as_lock(leased);
    if doubt.then == DoubtRule::Ask || leased || control.is_none() {
        return Finished::unknown(step, not_placed).for_a_person();
    }
    if control != Some(true) || looks < LOOKS_BEFORE_RESEND {
        return Finished::unknown(step, not_placed);
    }
    if !context.may_resend(&step.address) {
        return Finished::unknown(
            step,
            format!("{not_placed}; this run has ordered it a second time already"),
        )
        .for_a_person();
    }
    let evidence = Untrusted::new(format!(
        "{looks} look-ups found nothing in {age:#}, while an older order was found"
    ));
    match context.write(step, vec![FactBody::Dead { evidence }]).await {
        Ok(()) => Box::pin(super::place::place_order(context, step, lane, operation)).await,
        Err(error) => not_recorded(step, &error),
    }
}

/// How old a doubt is, and how much of the quiet period is left; `None` when it is over. To the
/// millisecond: a period counted in whole seconds would end up to a second early.
fn quiet_time(since: Timestamp, quiet: Duration) -> (SignedDuration, Option<SignedDuration>) {
    let age = Timestamp::now().duration_since(since);
    let quiet = SignedDuration::try_from(quiet).unwrap_or(SignedDuration::MAX);
    let left = (age < quiet).then(|| quiet.saturating_sub(age));
    // Told to people in whole seconds, and never as none at all.
    let seconds = |span: SignedDuration| SignedDuration::from_secs(span.as_secs().max(1));
    (seconds(age), left.map(seconds))
}

pub(super) fn unsettled(step: &Step, why: &str) -> String {
    format!("{why}; to settle it, `certplan resolve {}`", step.address)
}

/// A reissue in doubt is settled by reading the order: it shows another certificate, or a reissue under
/// way. What the order does not show is in doubt until the quiet period is over.
pub(super) async fn settle_reissue(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &ReissueOperation,
) -> Finished {
    let order = match lane.act.order(&operation.order_id, Depth::Order).await {
        Ok(Some(order)) => order,
        Ok(None) => return Finished::unknown(step, unsettled(step, "the CA shows no such order")),
        Err(error) => return Finished::unknown(step, unsettled(step, &error.to_string())),
    };
    let under_way = order.status == OrderStatus::ReissuePending || asks_for_reissue(&order);
    let done = is_reissued(&context.record_of(&step.address), operation, &order);
    if under_way || done {
        let facts = vec![
            FactBody::Accepted {
                order_id: order.id.clone(),
                request_id: None,
                certificate_id: order.certificate_id.clone(),
            },
            seen(&order),
        ];
        if let Err(error) = context.write(step, facts).await {
            return not_recorded(step, &error);
        }
        let mut finished = if done {
            Finished::new(step, Outcome::Done)
        } else {
            Finished::waiting(step, "the reissue")
        };
        finished.reached = Some(Milestone::Issued);
        return finished;
    }
    let since = match context.record_of(&step.address).open.map(|open| open.phase) {
        Some(Phase::InDoubt { since, .. }) => since,
        _ => Timestamp::now(),
    };
    let (age, left) = quiet_time(since, context.run.doubt.quiet_period);
    if left.is_some() {
        return Finished::unknown(
            step,
            "the order shows no reissue yet: the next run looks again",
        );
    }
    let evidence = Untrusted::new(format!("the order shows no reissue after {age:#}"));
    match context.write(step, vec![FactBody::Dead { evidence }]).await {
        // A reissue buys nothing: asking again is the next plan's business.
        Ok(()) => Finished::waiting(step, "the next run, which asks again"),
        Err(error) => not_recorded(step, &error),
    }
}

fn asks_for_reissue(order: &ObservedOrder) -> bool {
    order.requests.iter().flatten().any(|request| {
        request.kind == RequestKind::Reissue
            && matches!(
                request.status,
                RequestStatus::Pending | RequestStatus::Submitted
            )
    })
}

/// True when the order shows the reissue that is in doubt. Names and key alone do not tell: a reissue for
/// other units or another hash keeps them, and the manifest may ask for something else by now.
/// Assumption: a reissue brings another certificate id.
fn is_reissued(record: &Record, operation: &ReissueOperation, order: &ObservedOrder) -> bool {
    let wanted = record
        .open
        .as_ref()
        .and_then(|open| open.attempt.certificate);
    let unchanged = wanted == Some(operation.order.certificate.digest());
    let agrees = differences(&operation.order, order).is_empty();
    let before = record
        .live
        .as_ref()
        .and_then(|live| live.certificate_id.as_ref());
    match (before, &order.certificate_id) {
        (Some(before), Some(now)) => before != now && (agrees || !unchanged),
        _ => agrees && unchanged,
    }
}
