//! The decision table for a name whose order is known: keep it, reissue it, or wait.

use super::Action;
use super::collect::with_files;
use super::decided::Decided;
use super::edited::{self, is_changed};
use super::ending;
use super::exchanged;
use super::order_case::{OrderCase, bound_order};
use super::planned_revocations::RevokedOrders;
use super::reissue::decide_reissue;
use super::renewing::with_renewal;
use super::view::AccountView;
use crate::model::{
    Change as Difference, Decision, Ending, Fact, FactBody, Item, LiveOrder, LiveState,
    ObservedOrder, Order, OrderId, OrderStatus, Reason, Record, RunId, Standing, StatusWord,
    ValidTill, extra_names, live_state, missing_names, rejected_reissue, seen, seen_of,
};

/// How long a new order may be missing from the CA's lists before that is worth a warning.
/// Assumption `listing-delay`: CertCentral documents no delay between an order and its first listing.
pub(super) const LIST_LAG_SECONDS: i64 = 15 * 60;

pub(super) fn decide_live(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    revoked: &RevokedOrders<'_>,
    view: Option<&AccountView<'_>>,
) -> Decided {
    let OrderCase { inputs, item, .. } = case;
    let today = case.today();
    // Where it stands is asked of the journal as it is once it has the news: another order may be live by then.
    let (record, news) = with_news(case, live, case.bound());
    let live = record.live.as_ref().unwrap_or(live);
    let case = OrderCase {
        record: Some(&record),
        ..case
    };
    let (id, observed) = (&live.order_id, case.bound());
    let asks_for_more = is_changed(case.order, live, observed);
    let mut standing = Standing::of_order(Some(&record), observed, asks_for_more, today);
    if is_still_refused(case.order, live) {
        standing = refused(standing, live.generation.max(case.order.generation));
    }
    let edited = edited::warnings(case, live, &standing);
    let decided = decide_standing(case, live, standing, revoked);
    let decided = with_renewal(decided, case, live, view, revoked);
    let mut decided = with_files(decided, case, Some(live));
    decided.warnings.extend(edited);
    let step = &mut decided.step;
    step.order_id = Some(id.clone());
    step.certificate_id = observed
        .and_then(|observed| observed.certificate_id.clone())
        .or_else(|| live.certificate_id.clone());
    step.request_id = step
        .standing
        .waits()
        .and_then(|cause| cause.request().cloned());
    let exchanged = news.iter().any(|fact| {
        matches!(
            fact,
            FactBody::Exchanged {
                certificate: None,
                ..
            }
        )
    });
    step.news.splice(0..0, news);
    if exchanged && let Some(certificate) = &decided.step.certificate_id {
        let warning = format!(
            "certificate {certificate} of order {id} was issued outside of certplan, and it is not known to be what the entry asks for"
        );
        decided = decided.warn(warning);
    }
    let missing = case.account.is_some() && observed.is_none();
    let age = inputs.now.as_second() - live.since.as_second();
    if missing && age > LIST_LAG_SECONDS {
        return decided.warn(format!(
            "order {id} of {} is in the journal, but this key does not see it at the CA; nothing is ordered in its place",
            item.address
        ));
    }
    decided
}

fn decide_standing(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    standing: Standing,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    let (item, id) = (case.item, live.order_id.clone());
    match &standing {
        Standing::InForce { change, .. } => match change {
            None => keep(case, live, standing),
            Some(Difference::Due) => decide_reissue(case, live, standing),
            Some(Difference::Refused { .. }) => reissue_refused(item, live, standing),
            // An open call is settled before this is asked.
            Some(
                Difference::UnderWay { .. }
                | Difference::Renewal { .. }
                | Difference::InDoubt
                | Difference::Parked
                | Difference::KeyMissing { .. },
            ) => {
                let reason = Reason::ReissueUnderWay { order: id };
                Decided::new(item, Action::Wait, reason, standing)
            }
        },
        Standing::Lapsed { revoked: true, .. } => certificate_revoked(case, id, standing, revoked),
        Standing::Lapsed { till, .. } => ran_out(case, live, *till, standing),
        Standing::Ended { ending, .. } => decide_ended(case, live, *ending, revoked),
        Standing::Requested { .. } => {
            let reason = match case.bound().map(|observed| &observed.status) {
                Some(OrderStatus::ReissuePending) => Reason::ReissueUnderWay { order: id },
                status => Reason::Requested {
                    order: id,
                    says: status.and_then(status_word),
                },
            };
            Decided::new(item, Action::Wait, reason, standing)
        }
        Standing::Absent
        | Standing::Waiting { .. }
        | Standing::InDoubt
        | Standing::Parked
        | Standing::NotRevoked
        | Standing::RevocationRequested { .. }
        | Standing::Declined { .. }
        | Standing::Revoked => {
            Decided::new(item, Action::Wait, Reason::NotRead { order: id }, standing)
        }
    }
}

fn status_word(status: &OrderStatus) -> Option<StatusWord> {
    let (word, known) = match status {
        OrderStatus::Pending(_, word) => (word, true),
        OrderStatus::Other(word) => (word, false),
        OrderStatus::Issued
        | OrderStatus::ReissuePending
        | OrderStatus::Rejected
        | OrderStatus::Canceled
        | OrderStatus::Revoked
        | OrderStatus::RevocationPending
        | OrderStatus::Expired => return None,
    };
    let word = word.clone();
    Some(StatusWord { word, known })
}

/// What the read shows that the journal does not have.
fn is_news(case: OrderCase<'_, '_>, live: &LiveOrder, observed: &ObservedOrder) -> bool {
    let another = |new: Option<&str>, old: Option<&str>| new.is_some() && new != old;
    live_state(observed, case.today()) != live.state
        || another(
            observed.certificate_id.as_ref().map(|id| id.as_str()),
            live.certificate_id.as_ref().map(|id| id.as_str()),
        )
        || (observed.valid_till.is_some() && observed.valid_till != live.valid_till)
        // The files of a certificate go by its serial number.
        || (case.order.files.is_some()
            && live.serial_number.is_none()
            && observed.serial_number.is_some())
}

/// The record as it is once it has what the read shows, and the facts that say so.
fn with_news(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    observed: Option<&ObservedOrder>,
) -> (Record, Vec<FactBody>) {
    let mut record = case.record.cloned().unwrap_or_default();
    let mut news = Vec::new();
    let mut take = |record: &mut Record, body: FactBody| {
        let fact = Fact {
            at: case.inputs.now,
            run: RunId::from("plan"),
            address: case.item.address.clone(),
            account: case.item.account.clone(),
            body,
        };
        // A fact that cannot follow is no news.
        if let Ok(next) = record.next(&fact) {
            *record = next;
            news.push(fact.body);
        }
    };
    if let Some(fact) = news_of_renewal(case, &record) {
        take(&mut record, fact);
    }
    let is_live = record
        .live
        .as_ref()
        .is_some_and(|now| now.order_id == live.order_id);
    let Some(observed) = observed.filter(|_| is_live) else {
        return (record, news);
    };
    let rejected = rejected_reissue(live, observed);
    let without_it = rejected.and_then(|fact| {
        take(&mut record, fact);
        record.live.clone()
    });
    // What was refused brought no certificate: another one is somebody else's.
    let live = without_it.as_ref().unwrap_or(live);
    if is_news(case, live, observed) {
        take(&mut record, seen(observed, case.today()));
    }
    let state = live_state(observed, case.today());
    if matches!(state, LiveState::Issued | LiveState::Lapsed)
        && let Some(fact) = exchanged::fact(case.order, live, observed)
    {
        take(&mut record, fact);
    }
    (record, news)
}

/// What the read of a renewal shows that the journal does not have. Once it is issued the name stands for it.
fn news_of_renewal(case: OrderCase<'_, '_>, record: &Record) -> Option<FactBody> {
    let successor = record.successor.as_deref()?;
    let shown = bound_order(case.account, &successor.order_id)?;
    let is_news = live_state(shown, case.today()) != successor.state
        || (shown.certificate_id.is_some() && shown.certificate_id != successor.certificate_id);
    is_news.then(|| seen_of(shown, case.today()))
}

/// True while the entry asks for the very thing that was refused.
fn is_still_refused(order: &Order, live: &LiveOrder) -> bool {
    live.refused.as_ref().is_some_and(|refused| {
        let certificate = refused.certificate;
        certificate.is_some_and(|digest| order.certificate.is_of(digest))
            && order.generation <= refused.generation
    })
}

fn refused(standing: Standing, generation: u32) -> Standing {
    let generation = generation.saturating_add(1);
    let waits = crate::model::Cause::Decision(Decision::ReissueRejected { generation });
    with_change(standing, Difference::Refused { waits })
}

fn with_change(mut standing: Standing, to: Difference) -> Standing {
    if let Standing::InForce { change, .. } = &mut standing {
        *change = Some(to);
    }
    standing
}

fn reissue_refused(item: &Item, live: &LiveOrder, standing: Standing) -> Decided {
    let id = &live.order_id;
    let next = match standing.waits() {
        Some(crate::model::Cause::Decision(Decision::ReissueRejected { generation })) => {
            *generation
        }
        _ => live.generation.saturating_add(1),
    };
    let reason = Reason::ReissueRejected { order: id.clone() };
    Decided::new(item, Action::Wait, reason, standing).warn(format!(
        "an administrator refused the reissue of order {id}; correct the entry, or `generation: {next}` asks for it again"
    ))
}

fn certificate_revoked(
    case: OrderCase<'_, '_>,
    id: OrderId,
    mut standing: Standing,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    if revoked.touches(case.item, &id) {
        if let Standing::Lapsed { waits, .. } = &mut standing {
            *waits = None;
        }
        let reason = Reason::RevokedAsAsked { order: id };
        return Decided::new(case.item, Action::Keep, reason, standing);
    }
    let next = case.order.generation.saturating_add(1);
    let warning = format!(
        "the certificate of order {id} was revoked, the order is not over: reissue it at the CA, or `generation: {next}` buys another one"
    );
    let reason = Reason::CertificateRevoked { order: id };
    Decided::new(case.item, Action::Wait, reason, standing).warn(warning)
}

fn ran_out(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    till: Option<ValidTill>,
    standing: Standing,
) -> Decided {
    let order = live.order_id.clone();
    let reason = Reason::RanOut { order, till };
    let mut decided = Decided::new(case.item, Action::Keep, reason, standing);
    if case.order.renew.is_none() || case.bound().is_none() {
        let warning = ending::after_the_end(case, live, till);
        decided.warnings.extend(warning);
    }
    decided
}

fn keep(case: OrderCase<'_, '_>, live: &LiveOrder, standing: Standing) -> Decided {
    let (id, observed) = (&live.order_id, case.bound());
    let reason = Reason::InForce { order: id.clone() };
    let mut decided = Decided::new(case.item, Action::Keep, reason, standing);
    if case.order.renew.is_none() {
        decided.warnings.extend(ending::before_the_end(case, live));
    }
    if let Some(missing) = observed.and_then(|observed| missing_names(case.order, observed)) {
        decided = decided.warn(format!(
            "order {id} was changed outside: it does not show {}",
            missing.join(", ")
        ));
    }
    // Adopted without knowing what it was ordered with.
    if let Some(observed) = observed.filter(|_| live.certificate.is_none()) {
        let extra = extra_names(case.order, observed);
        if !extra.is_empty() {
            decided = decided.warn(format!(
                "order {id} is also for {}: the next reissue takes what the entry does not name away",
                extra.join(", ")
            ));
        }
    }
    let key = case.order.certificate.csr.as_ref();
    if live.certificate.is_none()
        && key.is_some()
        && observed.is_some_and(|observed| observed.public_key.is_none())
    {
        decided = decided.warn(format!(
            "the CA shows no CSR for order {id}: whether its key is that of the entry's `csr` cannot be compared, and nothing is reissued for it"
        ));
    }
    decided
}

fn decide_ended(
    case: OrderCase<'_, '_>,
    live: &LiveOrder,
    ending: Ending,
    revoked: &RevokedOrders<'_>,
) -> Decided {
    let (item, id) = (case.item, &live.order_id);
    if ending == Ending::Revoked && revoked.contains(item, id) {
        let reason = Reason::RevokedAsAsked { order: id.clone() };
        let standing = Standing::Ended {
            ending,
            waits: None,
        };
        return Decided::new(item, Action::Keep, reason, standing);
    }
    let generation = case.order.generation.max(live.generation).saturating_add(1);
    let decision = Decision::Ended { ending, generation };
    let standing = Standing::Ended {
        ending,
        waits: Some(crate::model::Cause::Decision(decision)),
    };
    let order = id.clone();
    let reason = Reason::Ended { order, ending };
    Decided::new(item, Action::Wait, reason, standing).warn(format!(
        "order {id} is {}; it is not bought again until the entry says `generation: {generation}`",
        ending.word()
    ))
}
