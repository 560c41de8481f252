//! Doubt: finding out what became of a call whose answer never came. Only reads. What follows from a call
//! that was proved to be without effect is decided where this is called.

use std::time::Duration;

use jiff::SignedDuration;

use super::Work;
use super::reissued::{is_reissued, keeps_its_key};
use super::settle_revocation::settle_revocation;
use super::settled::{Settled, unsettled};
use crate::apply::ended::StepEnd;
use crate::apply::evidence::{Candidate, Lookup, control_tag, gather_evidence};
use crate::journal::Hold;
use crate::model::{
    Adoption, CaClock, Cause, Doubt, DoubtRule, FactBody, NextRun, OpenOperation, Operation,
    OperationKind, OrderOperation, OrderStatus, Phase, Untrusted, clock_after, duration_words,
    seen, seen_of,
};
use crate::provider::Depth;

/// Look-ups right after a lost answer, each after this long a pause. More follow with `--wait` and in
/// later runs.
const FIRST_LOOKUPS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// How many look-ups must have found nothing before `then: resend` orders again.
const LOOKUPS_BEFORE_RESEND: u32 = 3;

/// Settles the call that is open in the journal.
pub(super) async fn settle(work: Work<'_>) -> Result<Settled, StepEnd> {
    let step = work.step;
    let Some(open) = work.record().open else {
        return Err(StepEnd::failed(
            step,
            "nothing is open any more; plan again",
        ));
    };
    if let Phase::Parked { why, .. } = &open.phase {
        let why = unsettled(step, &why.to_string());
        return Ok(Settled::Open(StepEnd::for_a_person(step, why)));
    }
    if open.phase == Phase::Sending {
        let why = Untrusted::new("a run ended between the intent and the outcome");
        work.write(vec![work.doubt(why)]).await?;
    }
    match (open.attempt.kind, &step.operation) {
        (OperationKind::Order | OperationKind::Renew, Some(Operation::Order(operation))) => {
            look_up(work, operation).await
        }
        (OperationKind::Reissue, _) => settle_reissue(work).await,
        (OperationKind::Revoke, _) => settle_revocation(work, false).await,
        (OperationKind::Order | OperationKind::Renew, _) => {
            let why = unsettled(step, "its order could not be read");
            Ok(Settled::Open(StepEnd::in_doubt(step, why)))
        }
    }
}

/// Records a doubt that has no error behind it.
pub(super) async fn doubted(work: Work<'_>, why: String) -> StepEnd {
    let fact = work.doubt(Untrusted::new(why.clone()));
    match work.write(vec![fact]).await {
        Ok(()) => StepEnd::in_doubt(
            work.step,
            unsettled(work.step, "it is looked up by the next run"),
        )
        .lost(&why),
        Err(end) => end,
    }
}

/// A call that was proved not to have been taken, and that the next plan asks for again.
pub(super) fn asked_again(work: Work<'_>) -> StepEnd {
    let with = NextRun::AskAgain;
    StepEnd::waiting(work.step, Cause::NextRun { with })
}

/// Looks for an order whose answer was just lost, a few times.
pub(super) async fn settle_soon(
    work: Work<'_>,
    operation: &OrderOperation,
) -> Result<Settled, StepEnd> {
    let why = unsettled(work.step, "it was not looked up");
    let mut last = Settled::Open(StepEnd::in_doubt(work.step, why));
    for pause in FIRST_LOOKUPS {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = work.context.until_stopped() => return Ok(last),
        }
        last = look_up(work, operation).await?;
        if !matches!(last, Settled::Open(_)) || work.is_parked() {
            break;
        }
    }
    Ok(last)
}

impl Work<'_> {
    /// True where only a person can settle what is open.
    fn is_parked(&self) -> bool {
        let open = self.record().open;
        open.is_some_and(|open| matches!(open.phase, Phase::Parked { .. }))
    }
}

/// One look-up of an order in doubt: adopted, parked, proved dead, or still in doubt.
async fn look_up(work: Work<'_>, operation: &OrderOperation) -> Result<Settled, StepEnd> {
    let Work { context, step, .. } = work;
    let record = work.record();
    let Some(open) = record.open.clone() else {
        return Err(StepEnd::failed(
            step,
            "nothing is open any more; plan again",
        ));
    };
    // The attempt's own: the manifest's generation, and with it the tag, may be another by now.
    let tag = open.attempt.tag.as_ref().unwrap_or(&operation.tag);
    let control = control_tag(
        &context.run.journal.records(),
        |address| context.account_of(address) == Some(&step.account),
        tag,
    );
    let lookup = Lookup {
        tag,
        wanted: &operation.order,
        attempt: &open.attempt,
        since: open.earliest(),
        forgotten: &record.forgotten,
        control: control.as_ref(),
    };
    let evidence = gather_evidence(&*work.account.act, lookup, |id| {
        context.owners.other(id, &step.address).is_some()
    })
    .await;
    let evidence = match evidence {
        Ok(evidence) => evidence,
        Err(error) => {
            let why = unsettled(step, &format!("the look-up failed: {error}"));
            return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
        }
    };
    match evidence.candidates.as_slice() {
        [] => not_found(work, &open, tag.as_str(), evidence.control).await,
        // What the CA does not show yet may be shown later.
        [candidate] if candidate.order.is_none() || candidate.differences.is_empty() => {
            adopt(work, operation, &open, candidate).await
        }
        [candidate] => {
            let why = format!(
                "order {} carries the tag but differs: {}",
                candidate.order_id,
                candidate.differences.join("; ")
            );
            park(work, why).await
        }
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.order_id.to_string()).collect();
            park(work, format!("orders {} all carry the tag", ids.join(", "))).await
        }
    }
}

/// Binds the order that was found. What was ordered stands in the attempt: the manifest may say
/// something else by now, and that is for the next plan.
async fn adopt(
    work: Work<'_>,
    operation: &OrderOperation,
    open: &OpenOperation,
    candidate: &Candidate,
) -> Result<Settled, StepEnd> {
    let step = work.step;
    let Some(order) = &candidate.order else {
        let id = &candidate.order_id;
        let why = unsettled(
            step,
            &format!("order {id} carries the tag and could not be read"),
        );
        return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
    };
    if let Some(other) = work.context.owners.bind(&order.id, &step.address) {
        let why = unsettled(step, &format!("order {} is the order of {other}", order.id));
        return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
    }
    let adoption = Adoption::of(
        Some(&open.attempt),
        order,
        &operation.order,
        Some(&operation.tag),
    );
    let fact = adoption.fact("found by its tag after a lost answer");
    work.write(vec![fact, seen_of(order, work.context.today(work.account))])
        .await?;
    Ok(Settled::Taken(work.by_the_journal()))
}

async fn park(work: Work<'_>, why: String) -> Result<Settled, StepEnd> {
    let fact = FactBody::Parked {
        why: Untrusted::new(why.clone()),
    };
    work.write(vec![fact]).await?;
    let end = StepEnd::for_a_person(work.step, unsettled(work.step, &why));
    Ok(Settled::Open(end))
}

/// Nothing carries the tag. That proves something only when the quiet period is over and the positive
/// control was found.
async fn not_found(
    work: Work<'_>,
    open: &OpenOperation,
    tag: &str,
    control: Option<bool>,
) -> Result<Settled, StepEnd> {
    let Work { context, step, .. } = work;
    if control == Some(true) {
        work.write(vec![FactBody::LookedUp]).await?;
    }
    let lookups = match work.record().open.map(|open| open.phase) {
        Some(Phase::InDoubt { looks, .. }) => looks,
        _ => 0,
    };
    let doubt = context.run.doubt;
    let (age, left) = quiet_time(work, open, doubt);
    if let Some(left) = left {
        return Ok(Settled::Open(StepEnd::in_doubt(
            step,
            format!(
                "nothing at the CA carries its tag {tag}; that proves nothing for another {left:#}, until {}: the next run looks again",
                clock_after(left.unsigned_abs())
            ),
        )));
    }
    if let Some(clock) = wrong_clock(work) {
        let why = format!(
            "nothing at the CA carries its tag {tag}; that proves nothing while {clock}: set the clock right, then the next run looks again"
        );
        return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
    }
    let not_placed = unsettled(
        step,
        &format!("nothing at the CA carries its tag {tag}: it was probably not placed"),
    );
    // A run that was paused may send late, and a lease does not keep it: nobody may order anew but a
    // person who knows.
    let leased = context.run.journal.hold() == Hold::Lease;
    if doubt.then == DoubtRule::Ask || leased || control.is_none() {
        return Ok(Settled::Open(StepEnd::for_a_person(step, not_placed)));
    }
    if control != Some(true) || lookups < LOOKUPS_BEFORE_RESEND {
        return Ok(Settled::Open(StepEnd::in_doubt(step, not_placed)));
    }
    if !context.may_resend(&step.address) {
        let why = format!("{not_placed}; this run has ordered it a second time already");
        return Ok(Settled::Open(StepEnd::for_a_person(step, why)));
    }
    let evidence = Untrusted::new(format!(
        "{lookups} look-ups found nothing in {}, while an older order was found",
        duration_words(age)
    ));
    work.write(vec![FactBody::Dead { evidence }]).await?;
    Ok(Settled::ProvedDead)
}

/// By how much this clock is wrong, in words. A doubt is never given up by a wrong clock.
fn wrong_clock(work: Work<'_>) -> Option<String> {
    let clock = work.account.act.clock().filter(CaClock::is_off)?;
    Some(clock.words())
}

/// How old a doubt is, and how much of the quiet period is left; `None` when it is over. To the
/// millisecond: a period counted in whole seconds would end up to a second early.
fn quiet_time(
    work: Work<'_>,
    open: &OpenOperation,
    doubt: Doubt,
) -> (SignedDuration, Option<SignedDuration>) {
    let record = work.record().open;
    let now = work.context.moment(work.account);
    let age = record.as_deref().unwrap_or(open).age(&now);
    let quiet = SignedDuration::try_from(doubt.quiet_period).unwrap_or(SignedDuration::MAX);
    let left = (age < quiet).then(|| quiet.saturating_sub(age));
    // Told to people in whole seconds, and never as none at all.
    let seconds = |span: SignedDuration| SignedDuration::from_secs(span.as_secs().max(1));
    (seconds(age), left.map(seconds))
}

/// A reissue in doubt is settled by reading the order: it shows another certificate, or a reissue under
/// way. What the order does not show is in doubt until the quiet period is over.
pub(super) async fn settle_reissue(work: Work<'_>) -> Result<Settled, StepEnd> {
    let step = work.step;
    let Some(open) = work.record().open else {
        return Err(StepEnd::failed(
            step,
            "nothing is open any more; plan again",
        ));
    };
    let Some(order_id) = &open.attempt.order_id else {
        let why = unsettled(step, "the journal does not say which order it was about");
        return Ok(Settled::Open(StepEnd::for_a_person(step, why)));
    };
    let order = match work.account.act.order(order_id, Depth::Order).await {
        Ok(Some(order)) => order,
        Ok(None) => {
            let why = unsettled(step, "the CA shows no such order");
            return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
        }
        Err(error) => {
            let why = unsettled(step, &error.to_string());
            return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
        }
    };
    let operation = match &step.operation {
        Some(Operation::Reissue(operation)) => Some(&**operation),
        Some(Operation::Order(_) | Operation::Revoke(_)) | None => None,
    };
    let mut requests = order.requests.clone().unwrap_or_default();
    if order.status != OrderStatus::ReissuePending
        && !requests.iter().any(|one| one.is_open_reissue())
    {
        // The order may not show what waits for an administrator; the list of requests does.
        match work.account.act.reissue_requests().await {
            Ok(all) => requests.extend(
                all.into_iter()
                    .filter(|one| one.order_id.as_ref() == Some(order_id)),
            ),
            Err(error) => {
                let why = unsettled(step, &error.to_string());
                return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
            }
        }
    }
    let request = requests.iter().find(|one| one.is_open_reissue());
    let under_way = order.status == OrderStatus::ReissuePending || request.is_some();
    if under_way || is_reissued(&work.record(), operation, &order) {
        let facts = vec![
            FactBody::Accepted {
                order_id: order.id.clone(),
                request_id: request.map(|request| request.id.clone()),
                certificate_id: order.certificate_id.clone(),
                approved: false,
                validation: Vec::new(),
            },
            seen(&order, work.context.today(work.account)),
        ];
        work.write(facts).await?;
        return Ok(Settled::Taken(work.by_the_journal()));
    }
    let (age, left) = quiet_time(work, &open, work.context.run.doubt);
    if let Some(left) = left {
        let why = format!(
            "the order shows no reissue yet; that proves nothing until {}: the next run looks again",
            clock_after(left.unsigned_abs())
        );
        return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
    }
    if keeps_its_key(&open, operation) {
        return park(
            work,
            "the order shows no reissue, and its key tells nothing".to_owned(),
        )
        .await;
    }
    if let Some(clock) = wrong_clock(work) {
        let why = format!(
            "the order shows no reissue; that proves nothing while {clock}: set the clock right, then the next run looks again"
        );
        return Ok(Settled::Open(StepEnd::in_doubt(step, why)));
    }
    let evidence = Untrusted::new(format!(
        "the order shows no reissue after {}",
        duration_words(age)
    ));
    work.write(vec![FactBody::Dead { evidence }]).await?;
    Ok(Settled::ProvedDead)
}
