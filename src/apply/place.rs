//! Orders and reissues: intent, call, fact.

use std::time::Duration;

use super::context::{Context, Finished, Halt, Lane, Reach};
use super::event::Outcome;
use super::settle::settle_order;
use crate::journal::JournalError;
use crate::model::{
    Address, Attempt, FactBody, Milestone, Operation, OperationKind, OrderId, OrderOperation,
    ReissueOperation, RenewalOf, Untrusted,
};
use crate::plan::{Step, waiting_words};
use crate::provider::{ErrorKind, Placed, ProviderError, Verdict, body_digest};

/// How often a call that was proved unsent is made in one run. Each time is a new intent.
const TRIES: u32 = 5;
/// How often a call that is refused for rate limits is made in one run. A full window is certain to empty:
/// the account's pauses between so many refusals outlast CertCentral's longest window of five minutes
/// twice.
const RATE_LIMITED_TRIES: u32 = 20;

/// The pause before a call is made anew; after a call that was unsent it doubles: 1, 2, 4, 8 seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What follows from a call that the CA did not take.
pub(super) enum Refusal {
    /// Proved unsent or refused before execution: it may be made anew, with a new intent, after this.
    Again(Duration),
    /// The end for this run.
    End(Box<Finished>),
    /// Whether it had its effect is unknown; the doubt is recorded.
    Doubt(String, ErrorKind),
}

/// Places an order.
pub(super) async fn place_order(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &OrderOperation,
) -> Finished {
    let renewal_of = match renewed_order(context, operation) {
        Ok(renewal_of) => renewal_of,
        Err(why) => return Finished::failed(step, why),
    };
    let kind = if renewal_of.is_some() {
        OperationKind::Renew
    } else {
        OperationKind::Order
    };
    #[cfg(feature = "planted-bugs")]
    let operation = &crate::planted::tag_per_attempt(
        step,
        operation,
        context.record_of(&step.address).attempts,
    );
    let whole = Operation::Order(Box::new(operation.clone()));
    for tried in 1.. {
        let permit = match context.permit(step, lane).await {
            Ok(permit) => permit,
            Err(why) => return Finished::skipped(step, why),
        };
        let attempt = Attempt {
            kind,
            part: None,
            number: context.record_of(&step.address).attempts.saturating_add(1),
            generation: operation.order.generation,
            order_id: renewal_of.clone(),
            tag: Some(operation.tag.clone()),
            body: body_digest(&lane.provider, &whole, None, renewal_of.as_ref()),
            certificate: Some(operation.order.certificate.digest()),
            terms: Some(operation.order.terms()),
        };
        if let Err(error) = context.write(step, vec![FactBody::Intended(attempt)]).await {
            return not_sent(step, &error);
        }
        #[cfg(feature = "planted-bugs")]
        crate::planted::panic_at("panic_after_intent").await;
        let answer = lane
            .act
            .place_order(permit, operation, renewal_of.as_ref())
            .await;
        #[cfg(feature = "planted-bugs")]
        crate::planted::panic_at("panic_after_answer").await;
        match answer {
            Ok(placed) => return accepted(context, step, placed).await,
            Err(error) => match refusal(context, step, error, tried).await {
                Refusal::Again(pause) => backoff(context, pause).await,
                Refusal::End(finished) => return *finished,
                Refusal::Doubt(why, kind) => {
                    let mut finished = settle_order(context, step, lane, operation).await;
                    finished.server_error = kind == ErrorKind::Server;
                    finished.lost = finished.in_doubt;
                    if finished.in_doubt {
                        finished.report.error = Some(format!(
                            "{why}; {}",
                            finished.report.error.unwrap_or_default()
                        ));
                    }
                    return finished;
                }
            },
        }
    }
    Finished::failed(step, "not tried")
}

/// Reissues an order.
pub(super) async fn reissue(
    context: &Context,
    step: &Step,
    lane: &Lane,
    operation: &ReissueOperation,
) -> Finished {
    let whole = Operation::Reissue(Box::new(operation.clone()));
    for tried in 1.. {
        let permit = match context.permit(step, lane).await {
            Ok(permit) => permit,
            Err(why) => return Finished::skipped(step, why),
        };
        let attempt = Attempt {
            kind: OperationKind::Reissue,
            part: None,
            number: context.record_of(&step.address).attempts.saturating_add(1),
            generation: operation.order.generation,
            order_id: Some(operation.order_id.clone()),
            tag: None,
            body: body_digest(&lane.provider, &whole, None, None),
            certificate: Some(operation.order.certificate.digest()),
            terms: None,
        };
        if let Err(error) = context.write(step, vec![FactBody::Intended(attempt)]).await {
            return not_sent(step, &error);
        }
        match lane.act.reissue(permit, operation).await {
            Ok(placed) if placed.order_id == operation.order_id => {
                return accepted(context, step, placed).await;
            }
            Ok(placed) => {
                let why = format!(
                    "the CA answered with order {} to a reissue of order {}",
                    placed.order_id, operation.order_id
                );
                return doubted(context, step, why).await;
            }
            Err(error) => match refusal(context, step, error, tried).await {
                Refusal::Again(pause) => backoff(context, pause).await,
                Refusal::End(finished) => return *finished,
                Refusal::Doubt(why, kind) => {
                    let mut finished =
                        super::settle::settle_reissue(context, step, lane, operation).await;
                    finished.server_error = kind == ErrorKind::Server;
                    finished.lost = finished.in_doubt;
                    if finished.in_doubt {
                        finished.report.error = Some(why);
                    }
                    return finished;
                }
            },
        }
    }
    Finished::failed(step, "not tried")
}

/// The id behind `renewal_of`.
fn renewed_order(context: &Context, operation: &OrderOperation) -> Result<Option<OrderId>, String> {
    match &operation.order.renewal_of {
        None => Ok(None),
        Some(RenewalOf::OrderId(id)) => Ok(Some(id.clone())),
        Some(RenewalOf::Item(name)) => context
            .record_of(&Address::Order(name.clone()))
            .live
            .map(|live| Some(live.order_id))
            .ok_or_else(|| format!("orders.{name} has no order at the CA that could be renewed")),
    }
}

async fn accepted(context: &Context, step: &Step, placed: Placed) -> Finished {
    if let Some(other) = context.claims.claim(&placed.order_id, &step.address) {
        let why = format!(
            "the CA answered with order {}, which is the order of {other}",
            placed.order_id
        );
        return doubted(context, step, why).await;
    }
    let request_id = placed.request.map(|(id, _)| id);
    let fact = FactBody::Accepted {
        order_id: placed.order_id.clone(),
        request_id: request_id.clone(),
        certificate_id: placed.certificate_id.clone(),
    };
    let written = context.write(step, vec![fact]).await;
    let mut finished = Finished::new(step, Outcome::Waiting);
    finished.report.order_id = Some(placed.order_id.clone());
    finished.report.request_id = request_id;
    finished.report.certificate_id = placed.certificate_id;
    if let Err(error) = written {
        // The order exists and the journal does not know its id: the next run finds it by its tag.
        finished.report.outcome = Outcome::Unknown;
        finished.in_doubt = true;
        finished.lost = true;
        finished.for_a_person = true;
        finished.report.error = Some(format!(
            "order {} was taken, but {error}; the next run looks it up",
            placed.order_id
        ));
        return finished;
    }
    finished.reached = Some(Milestone::Submitted);
    finished.watch = true;
    if finished.report.certificate_id.is_some() {
        finished.report.outcome = Outcome::Done;
    } else {
        finished.report.waiting_for =
            Some(waiting_words(None, finished.report.request_id.as_ref()));
    }
    finished
}

/// Records what an error proves, and says what follows. Shared by all three kinds of call.
pub(super) async fn refusal(
    context: &Context,
    step: &Step,
    error: ProviderError,
    tried: u32,
) -> Refusal {
    #[cfg(feature = "planted-bugs")]
    let error = crate::planted::verdict(error);
    let text = error.to_string();
    let account_stops = matches!(
        error.kind,
        ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Funds
    );
    let (fact, follows) = match error.verdict {
        Verdict::InDoubt => (
            FactBody::Doubted {
                why: Untrusted::new(text.clone()),
            },
            Refusal::Doubt(text.clone(), error.kind),
        ),
        Verdict::NotSent if error.kind == ErrorKind::Unsupported => (
            FactBody::Unsent {
                why: Untrusted::new(text.clone()),
            },
            Refusal::End(Box::new(Finished::failed(step, text))),
        ),
        Verdict::NotSent | Verdict::Rejected
            if error.verdict == Verdict::NotSent || error.kind == ErrorKind::RateLimited =>
        {
            let fact = FactBody::Unsent {
                why: Untrusted::new(text.clone()),
            };
            let (tries, pause) = match error.kind {
                // The account's own pause is what counts.
                ErrorKind::RateLimited => (RATE_LIMITED_TRIES, FIRST_PAUSE),
                _ => (TRIES, FIRST_PAUSE * (1 << (tried - 1).min(4))),
            };
            if tried < tries {
                (fact, Refusal::Again(pause))
            } else {
                (fact, Refusal::End(Box::new(Finished::failed(step, text))))
            }
        }
        Verdict::NotSent | Verdict::Rejected if account_stops => {
            let mut finished = Finished::failed(step, text.clone());
            finished.halt = Some(Halt {
                why: format!("account `{}` was stopped: {text}", step.account),
                reach: if error.kind == ErrorKind::Funds {
                    Reach::Purchases
                } else {
                    Reach::Everything
                },
            });
            (
                FactBody::Unsent {
                    why: Untrusted::new(text),
                },
                Refusal::End(Box::new(finished)),
            )
        }
        Verdict::NotSent | Verdict::Rejected => (
            FactBody::Refused {
                code: error.code,
                message: error.message,
            },
            Refusal::End(Box::new(Finished::failed(step, text))),
        ),
    };
    match context.write(step, vec![fact]).await {
        Ok(()) => follows,
        Err(error) => Refusal::End(Box::new(not_recorded(step, &error))),
    }
}

/// Records a doubt that has no error behind it.
async fn doubted(context: &Context, step: &Step, why: String) -> Finished {
    let fact = FactBody::Doubted {
        why: Untrusted::new(why.clone()),
    };
    match context.write(step, vec![fact]).await {
        Ok(()) => {
            let mut finished = Finished::unknown(step, why);
            finished.lost = true;
            finished
        }
        Err(error) => not_recorded(step, &error),
    }
}

/// The intent could not be written, so the call was not made.
pub(super) fn not_sent(step: &Step, error: &JournalError) -> Finished {
    Finished::failed(step, format!("nothing was sent: {error}"))
}

/// The journal could not be written. What the CA did, if it was asked, the next run finds out.
pub(super) fn not_recorded(step: &Step, error: &JournalError) -> Finished {
    match error {
        JournalError::Illegal(_) => Finished::failed(step, error.to_string()),
        _ => Finished::unknown(step, error.to_string()).for_a_person(),
    }
}

/// Waits before a new intent. The account's own pause after a 429 comes on top.
pub(super) async fn backoff(context: &Context, pause: Duration) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = context.until_stopped() => {}
    }
}
