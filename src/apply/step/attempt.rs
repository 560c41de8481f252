//! One change at a CA: permit, the fresh read of what it is about, comparison, durable intent, call, verdict,
//! fact. Nothing else in the crate spends a [`Permit`].

use std::time::Duration;

use super::Work;
use crate::apply::context::{AccountStop, Scope};
use crate::apply::ended::{Ended, StepEnd};
use crate::model::{
    Attempt, CertificateId, FactBody, ObservedOrder, OrderId, Recorded, Untrusted, intend,
    pause_end,
};
use crate::provider::{Act, Answer, Depth, ErrorKind, Permit, ProviderError, Verdict};

/// How often a call that was proved unsent is made in one run. Each time is a new intent.
const TRIES: u32 = 5;
/// How often a call that is refused for rate limits is made in one run. A full window is certain to empty:
/// the account's pauses between so many refusals outlast CertCentral's longest window of five minutes
/// twice.
const RATE_LIMITED_TRIES: u32 = 20;

/// The pause before a call is made anew; after a call that was unsent it doubles: 1, 2, 4, 8 seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A call that changes something at the CA.
pub(super) trait Call: Sync {
    /// What the CA says when it takes the call.
    type Taken: Send;

    /// What is read right before the call, and how much of it; `None` for a call about nothing that exists.
    fn reads(&self) -> Option<(&OrderId, Depth)>;

    /// Holds the fresh read against the plan.
    fn compare(&self, order: &ObservedOrder) -> Comparison;

    /// The intent with this number.
    fn intent(&self, number: u32, replaces: Option<CertificateId>) -> Attempt;

    /// Makes the call.
    fn send<'a>(
        &'a self,
        act: &'a dyn Act,
        permit: Permit,
        recorded: Recorded,
    ) -> Answer<'a, Self::Taken>;
}

/// What the fresh read says of a call.
pub(super) enum Comparison {
    /// It is as the plan saw it.
    AsPlanned,
    /// What the call would bring about is so already.
    AlreadySo,
    /// It is not what the plan saw.
    Changed(String),
}

/// What one attempt came to. The journal has it.
pub(super) enum Attempted<T> {
    /// The CA took the call.
    Taken(T),
    /// Nothing was left to ask for.
    AlreadySo,
    /// Proved to have had no effect: it may be made again, under a new intent, after this pause.
    Again(Duration),
    /// Over for this run.
    Over(Box<StepEnd>),
    /// Whether it had its effect is unknown; the doubt is in the journal.
    InDoubt(String, ErrorKind),
}

/// Makes one attempt. Nothing waits between the permit and the call: the slots of the read and of the call
/// are drawn together. The intent is durable before the call is made, and the call is made at most once.
pub(super) async fn attempt<C: Call>(work: Work<'_>, tried: u32, call: &C) -> Attempted<C::Taken> {
    let Work {
        context,
        step,
        account,
        ..
    } = work;
    let act = &*account.act;
    let reads = call.reads().map_or(0, |(_, depth)| act.reads(depth));
    let mut permit = match context.permit(step, account, reads).await {
        Ok(permit) => permit,
        Err(why) => return Attempted::Over(Box::new(StepEnd::skipped(step, why))),
    };
    let mut replaces = None;
    if let Some((order_id, depth)) = call.reads() {
        let read = act.order_under(&mut permit, order_id, depth);
        let order = match context.unless_stopped(read).await {
            None => {
                let why = context.closed(step).unwrap_or_default();
                return Attempted::Over(Box::new(StepEnd::skipped(step, why)));
            }
            Some(Ok(Some(order))) => order,
            Some(Ok(None)) => {
                let why = format!("the CA shows no order {order_id} any more");
                return Attempted::Over(Box::new(changed(work, &why)));
            }
            Some(Err(error)) => {
                return Attempted::Over(Box::new(StepEnd::failed(step, error.to_string())));
            }
        };
        match call.compare(&order) {
            Comparison::AsPlanned => replaces = order.certificate_id,
            Comparison::AlreadySo => return Attempted::AlreadySo,
            Comparison::Changed(why) => return Attempted::Over(Box::new(changed(work, &why))),
        }
        // A signal may have come while the order was read.
        if let Some(why) = context.closed(step) {
            return Attempted::Over(Box::new(StepEnd::skipped(step, why)));
        }
    }
    let number = work.record().attempts.saturating_add(1);
    let intent = call.intent(number, replaces);
    let recorded = intend(
        &*context.run.journal,
        (context.now(), context.run.run_id.clone()),
        (step.address.clone(), step.account.clone()),
        intent,
    );
    let recorded = match recorded.await {
        Ok(recorded) => recorded,
        Err(error) => {
            context.fail(error.to_string());
            let end = StepEnd::failed(step, format!("nothing was sent: {error}"));
            return Attempted::Over(Box::new(end));
        }
    };
    match call.send(act, permit, recorded).await {
        Ok(taken) => Attempted::Taken(taken),
        Err(error) => refused(work, error, tried).await,
    }
}

/// A target that is no longer what the plan saw: nothing is sent.
fn changed(work: Work<'_>, why: &str) -> StepEnd {
    StepEnd::failed(
        work.step,
        format!("nothing was sent: {why}, which is not what the plan saw; plan again"),
    )
    .of_one_call()
}

/// Records what an error proves, and says what follows.
async fn refused<T>(work: Work<'_>, error: ProviderError, tried: u32) -> Attempted<T> {
    let step = work.step;
    let text = error.to_string();
    let why = Untrusted::new(text.clone());
    let account_stops = matches!(
        error.kind,
        ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Funds
    );
    let over = |ended: Ended| {
        let mut end = StepEnd::failed(step, text.clone());
        end.ended = ended;
        Attempted::Over(Box::new(end))
    };
    let failed = |stop: Option<AccountStop>| Ended::Failed {
        error: text.clone(),
        stop,
    };
    let (fact, follows) = match error.verdict {
        Verdict::InDoubt => (
            work.doubt(why),
            Attempted::InDoubt(text.clone(), error.kind),
        ),
        Verdict::NotSent if error.kind == ErrorKind::Unsupported => {
            (FactBody::Unsent { why }, over(failed(None)))
        }
        Verdict::NotSent | Verdict::Rejected
            if error.verdict == Verdict::NotSent || error.kind == ErrorKind::RateLimited =>
        {
            let (tries, pause) = match error.kind {
                // The account's own pause is what counts.
                ErrorKind::RateLimited => (RATE_LIMITED_TRIES, FIRST_PAUSE),
                _ => (TRIES, FIRST_PAUSE * (1 << (tried - 1).min(4))),
            };
            let follows = if tried < tries {
                Attempted::Again(pause)
            } else {
                over(failed(None))
            };
            (FactBody::Unsent { why }, follows)
        }
        Verdict::NotSent | Verdict::Rejected if account_stops => {
            let stop = AccountStop {
                why: format!("account `{}` was stopped: {text}", step.account),
                scope: if error.kind == ErrorKind::Funds {
                    Scope::Purchases
                } else {
                    Scope::Everything
                },
            };
            (FactBody::Unsent { why }, over(failed(Some(stop))))
        }
        Verdict::NotSent | Verdict::Rejected => (
            FactBody::Refused {
                code: error.code,
                message: error.message,
            },
            Attempted::Over(Box::new(StepEnd::failed(step, text.clone()).of_one_call())),
        ),
    };
    match work.write(vec![fact]).await {
        Ok(()) => follows,
        Err(end) => Attempted::Over(Box::new(end)),
    }
}

/// Waits before a new intent. The account's own pause after a 429 comes on top.
pub(super) async fn backoff(work: Work<'_>, pause: Duration) {
    if work.context.is_to_be_told(pause) {
        tracing::info!(
            target: "certplan::run",
            "account `{}`: a call could not be sent: it is made again {}",
            work.step.account,
            pause_end(pause)
        );
    }
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = work.context.until_stopped() => {}
    }
}
