//! Doubt: finding out what became of a call whose answer never came. Only reads; an order is never
//! sent again here.

use std::time::Duration;

use jiff::Timestamp;

use super::context::{Context, Finished, Lane};
use super::event::Outcome;
use super::place::not_recorded;
use crate::model::{
    AccountName, CertificateState, DoubtRule, FactBody, ObservedOrder, OpenOperation, Operation,
    OperationKind, Order, OrderOperation, OrderStatus, Part, Phase, Records, ReissueOperation,
    RequestKind, RequestStatus, RevokeOperation, Tag, Until, Untrusted,
};
use crate::plan::{Step, differences, seen, waiting_words};
use crate::provider::{Depth, Observe, ProviderError};

/// Look-ups right after a lost answer, each after this long a pause. More follow with `--wait` and in
/// later runs.
const FIRST_LOOKS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// An order found by its tag may be this much older than its intent: two clocks differ.
const CLOCK_SKEW_SECONDS: i64 = 5 * 60;
/// How many look-ups must have found nothing before `then: resend` orders again.
const LOOKS_BEFORE_RESEND: u32 = 3;

/// An order that carries the tag in doubt.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The order, read in full; `None` if it could not be read.
    pub order: Option<ObservedOrder>,
    /// Its id.
    pub order_id: crate::model::OrderId,
    /// What differs from what was ordered; empty when they match.
    pub differences: Vec<String>,
}

/// What a look-up by tag brought.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The tag.
    pub tag: Tag,
    /// Orders that carry it.
    pub candidates: Vec<Candidate>,
    /// The positive control: whether an older order of ours was found the same way in the same
    /// minute; `None` when there is no older order to look for.
    pub control: Option<bool>,
}

/// Looks a tag up and reads what carries it. `control` is an older order of the account with its tag:
/// a look-up that cannot find that one proves nothing.
pub async fn gather_evidence(
    observe: &dyn Observe,
    tag: &Tag,
    wanted: &Order,
    since: Timestamp,
    control: Option<&Tag>,
) -> Result<Evidence, ProviderError> {
    let lookup = observe.tagged(tag).await?;
    let mut candidates = Vec::new();
    for hit in lookup.orders {
        let order = observe.order(&hit.order_id, Depth::Order).await?;
        let mut different = order.as_ref().map_or_else(
            || vec!["it could not be read".to_owned()],
            |order| differences(wanted, order),
        );
        let created = order.as_ref().and_then(|order| order.created_at);
        if created
            .is_some_and(|created| created.as_second() < since.as_second() - CLOCK_SKEW_SECONDS)
        {
            different.push("placed before it was asked for".to_owned());
        }
        candidates.push(Candidate {
            order,
            order_id: hit.order_id,
            differences: different,
        });
    }
    let control = match control {
        Some(control) if candidates.is_empty() => {
            Some(!observe.tagged(control).await?.orders.is_empty())
        }
        _ => None,
    };
    Ok(Evidence {
        tag: tag.clone(),
        candidates,
        control,
    })
}

/// An older order of the account that carries a tag of ours, for the positive control.
pub(super) fn control_tag(records: &Records, account: &AccountName, not: &Tag) -> Option<Tag> {
    records
        .values()
        .filter_map(|record| record.live.as_ref()?.tag.clone())
        .find(|tag| tag != not)
        .filter(|_| !account.as_str().is_empty())
}

/// Settles what an earlier run, or an earlier moment of this one, left open.
pub(super) async fn settle(context: &Context<'_>, step: &Step, lane: &Lane) -> Finished {
    let Some(open) = context.record_of(&step.address).open else {
        return Finished::failed(step, "nothing is open any more; plan again");
    };
    if let Phase::Parked { why, .. } = &open.phase {
        return Finished::unknown(step, unsettled(step, &why.to_string()));
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
    context: &Context<'_>,
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
    context: &Context<'_>,
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
    let control = control_tag(&context.run.journal.records(), &step.account, &tag);
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
            adopt(context, step, operation, &tag, candidate).await
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

async fn adopt(
    context: &Context<'_>,
    step: &Step,
    operation: &OrderOperation,
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
            generation: operation.order.generation,
            tag: Some(tag.clone()),
            certificate: Some(operation.order.certificate.digest()),
            terms: Some(operation.order.terms()),
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
            finished.reached = Some(Until::Issued);
            finished
        }
        _ => {
            let mut finished = Finished::waiting(step, waiting_words(Some(&order.status), None));
            finished.reached = Some(Until::Submitted);
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

async fn park(context: &Context<'_>, step: &Step, why: String) -> Finished {
    let fact = FactBody::Parked {
        why: Untrusted::new(why.clone()),
    };
    match context.write(step, vec![fact]).await {
        Ok(()) => Finished::unknown(step, unsettled(step, &why)),
        Err(error) => not_recorded(step, &error),
    }
}

/// Nothing carries the tag. That proves something only when the quiet period is over and the positive
/// control was found.
async fn not_found(
    context: &Context<'_>,
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
    let doubt = context.run.doubt;
    let age = Timestamp::now().as_second() - since.as_second();
    let quiet = i64::try_from(doubt.quiet_period.as_secs()).unwrap_or(i64::MAX);
    if age < quiet {
        let left = jiff::SignedDuration::from_secs(quiet - age);
        return Finished::unknown(
            step,
            format!(
                "nothing at the CA carries its tag {}; that proves nothing for another {left:#}: the next run looks again",
                operation.tag
            ),
        );
    }
    let may_resend =
        doubt.then == DoubtRule::Resend && control == Some(true) && looks >= LOOKS_BEFORE_RESEND;
    if !may_resend {
        return Finished::unknown(
            step,
            unsettled(
                step,
                &format!(
                    "nothing at the CA carries its tag {}: it was probably not placed",
                    operation.tag
                ),
            ),
        );
    }
    let evidence = Untrusted::new(format!(
        "{looks} look-ups found nothing in {age} s, while an older order was found"
    ));
    match context.write(step, vec![FactBody::Dead { evidence }]).await {
        Ok(()) => Box::pin(super::place::place_order(context, step, lane, operation)).await,
        Err(error) => not_recorded(step, &error),
    }
}

fn unsettled(step: &Step, why: &str) -> String {
    format!("{why}; to settle it, `certplan resolve {}`", step.address)
}

/// A reissue in doubt is settled by reading the order: it shows the wanted names and key, or a reissue
/// under way. What the order does not show is in doubt until the quiet period is over.
pub(super) async fn settle_reissue(
    context: &Context<'_>,
    step: &Step,
    lane: &Lane,
    operation: &ReissueOperation,
) -> Finished {
    let order = match lane.act.order(&operation.order_id, Depth::Order).await {
        Ok(Some(order)) => order,
        Ok(None) => return Finished::unknown(step, unsettled(step, "the CA shows no such order")),
        Err(error) => return Finished::unknown(step, unsettled(step, &error.to_string())),
    };
    let under_way = order.status == OrderStatus::ReissuePending;
    let done = differences(&operation.order, &order).is_empty();
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
        finished.reached = Some(Until::Issued);
        return finished;
    }
    let since = match context.record_of(&step.address).open.map(|open| open.phase) {
        Some(Phase::InDoubt { since, .. }) => since,
        _ => Timestamp::now(),
    };
    let age = Timestamp::now().as_second() - since.as_second();
    let quiet = i64::try_from(context.run.doubt.quiet_period.as_secs()).unwrap_or(i64::MAX);
    if age < quiet {
        return Finished::unknown(
            step,
            "the order shows no reissue yet: the next run looks again",
        );
    }
    let evidence = Untrusted::new(format!("the order shows no reissue after {age} s"));
    match context.write(step, vec![FactBody::Dead { evidence }]).await {
        // A reissue buys nothing: asking again is the next plan's business.
        Ok(()) => Finished::waiting(step, "the next run, which asks again"),
        Err(error) => not_recorded(step, &error),
    }
}

/// A revocation in doubt is settled by reading: in force, asked for, or neither (`Ok(true)`: it may be
/// asked for again; its target is fixed, so asking twice revokes nothing more).
pub(super) async fn settle_revocation(
    context: &Context<'_>,
    step: &Step,
    lane: &Lane,
    operation: &RevokeOperation,
) -> Result<bool, Box<Finished>> {
    let Some(open) = context.record_of(&step.address).open else {
        return Ok(true);
    };
    let Some(part) = open.attempt.part.clone() else {
        return Ok(true);
    };
    if open.attempt.kind != OperationKind::Revoke {
        return Ok(true);
    }
    let order = match lane
        .act
        .order(&operation.order_id, Depth::Certificates)
        .await
    {
        Ok(Some(order)) => order,
        Ok(None) => {
            let why = unsettled(step, "the CA shows no such order");
            return Err(Box::new(Finished::unknown(step, why)));
        }
        Err(error) => {
            return Err(Box::new(Finished::unknown(
                step,
                unsettled(step, &error.to_string()),
            )));
        }
    };
    let fact = part_fact(&order, &part).unwrap_or_else(|| FactBody::Dead {
        evidence: Untrusted::new("the order shows neither a revocation nor a request for one"),
    });
    let dead = matches!(fact, FactBody::Dead { .. });
    match context.write(step, vec![fact]).await {
        Ok(()) => Ok(dead),
        Err(error) => Err(Box::new(not_recorded(step, &error))),
    }
}

/// What a read says of one call of a revocation; `None` when it shows no effect.
pub(super) fn part_fact(order: &ObservedOrder, part: &Part) -> Option<FactBody> {
    let certificates = order.certificates.as_deref().unwrap_or_default();
    let any = |state: &CertificateState| {
        certificates.iter().any(|one| {
            one.state == *state
                && match part {
                    Part::Order => true,
                    Part::Certificate(id) => one.id == *id,
                }
        })
    };
    // Of a whole order the slowest certificate counts.
    let in_force = any(&CertificateState::Issued);
    let pending = any(&CertificateState::RevocationPending)
        || (*part == Part::Order && order.status == OrderStatus::RevocationPending);
    let revoked = any(&CertificateState::Revoked) && !in_force && !pending;
    if order.status == OrderStatus::Revoked || revoked {
        return Some(FactBody::Revoked);
    }
    if pending && !in_force {
        return Some(FactBody::Requested { request_id: None });
    }
    order
        .requests
        .iter()
        .flatten()
        .find(|request| {
            request.kind == RequestKind::Revoke
                && matches!(
                    request.status,
                    RequestStatus::Pending | RequestStatus::Submitted
                )
        })
        .map(|request| FactBody::Requested {
            request_id: Some(request.id.clone()),
        })
}
