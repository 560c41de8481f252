//! What became of items since the last run: [`News`]. Made from the facts that a plan brings, so that it is
//! told once, by the run that notes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Step;
use crate::model::{
    Address, CertificateId, Ending, Fact, FactBody, LiveOrder, LiveState, OrderId, PartState,
    Record, RunId, SerialNumber, ValidTill,
};

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The item.
    pub address: Address,
    /// What became of it.
    pub what: Happened,
    /// The order that it is about.
    pub order_id: Option<OrderId>,
    /// The certificate that is in force now.
    pub certificate_id: Option<CertificateId>,
    /// Its serial number.
    pub serial_number: Option<SerialNumber>,
    /// Its last day.
    pub valid_till: Option<ValidTill>,
    /// When it was seen.
    pub at: Option<Timestamp>,
}

/// What can become of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// A certificate was issued.
    Issued,
    /// A reissue was issued.
    Reissued,
    /// The order, the reissue or the revocation was rejected.
    Rejected,
    /// The order was withdrawn.
    Canceled,
    /// The order, or what the entry revokes, is revoked.
    Revoked,
    /// The order or its certificate ran out, or its certificate was revoked alone.
    Lapsed,
}

impl Happened {
    /// Every word, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Issued,
        Self::Reissued,
        Self::Rejected,
        Self::Canceled,
        Self::Revoked,
        Self::Lapsed,
    ];

    /// The word of the JSON forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Reissued => "reissued",
            Self::Rejected => "rejected",
            Self::Canceled => "canceled",
            Self::Revoked => "revoked",
            Self::Lapsed => "lapsed",
        }
    }
}

/// What a step's facts say that the journal did not know.
pub(super) fn news_of(step: &Step, record: Option<&Record>, now: Timestamp) -> Option<News> {
    if step.news.is_empty() {
        return None;
    }
    let before = record.cloned().unwrap_or_default();
    let mut after = before.clone();
    // The record is under its new name already.
    let facts = step.news.iter();
    for body in facts.filter(|body| !matches!(body, FactBody::Moved { .. })) {
        after = after
            .next(&Fact {
                at: Timestamp::UNIX_EPOCH,
                run: RunId::from("plan"),
                address: step.address.clone(),
                account: step.account.clone(),
                body: body.clone(),
            })
            .ok()?;
    }
    let mut news = between(&step.address, &before, &after)?;
    news.at = Some(now);
    Some(news)
}

/// What became of an item between two records of it; `None` when nothing that people would call news.
pub fn between(address: &Address, before: &Record, after: &Record) -> Option<News> {
    of_order(address, before, after).or_else(|| of_revocation(address, before, after))
}

fn of_order(address: &Address, before: &Record, after: &Record) -> Option<News> {
    // An order that is bound for the first time is told as an action, not as news.
    let (old, new) = (before.live.as_ref()?, after.live.as_ref()?);
    let ended = |live: &LiveOrder| live.renewal_ended.as_ref().map(|ended| ended.at);
    let is_next = old.order_id != new.order_id;
    if is_next
        && !after
            .previous
            .iter()
            .any(|past| past.order_id == old.order_id)
    {
        return None;
    }
    let what = match &new.state {
        // Its renewal took its place.
        LiveState::Issued if is_next => Happened::Issued,
        _ if is_next => return None,
        _ if ended(old) != ended(new) => Happened::Rejected,
        _ if old.refused.is_none() && new.refused.is_some() => Happened::Rejected,
        LiveState::Issued if old.change.is_some() && new.change.is_none() => Happened::Reissued,
        LiveState::Issued if old.state == LiveState::Requested => Happened::Issued,
        LiveState::Lapsed if old.state != LiveState::Lapsed => Happened::Lapsed,
        LiveState::Ended(ending) if !matches!(old.state, LiveState::Ended(_)) => match ending {
            Ending::Rejected => Happened::Rejected,
            Ending::Canceled => Happened::Canceled,
            Ending::Revoked => Happened::Revoked,
            Ending::Expired => Happened::Lapsed,
        },
        LiveState::Requested
        | LiveState::Issued
        | LiveState::Reissuing
        | LiveState::Lapsed
        | LiveState::Ended(_) => return None,
    };
    Some(News {
        address: address.clone(),
        what,
        order_id: Some(new.order_id.clone()),
        certificate_id: new.certificate_id.clone(),
        serial_number: new.serial_number.clone(),
        valid_till: new.valid_till,
        at: None,
    })
}

fn of_revocation(address: &Address, before: &Record, after: &Record) -> Option<News> {
    let changed = after.revocations.iter().find_map(|(order, requested)| {
        let was = before.requested(order)?;
        let mut ended = requested.parts.iter().filter_map(|(part, state)| {
            let waited = matches!(was.parts.get(part), Some(PartState::Requested { .. }));
            match state {
                PartState::Revoked if waited => Some(Happened::Revoked),
                PartState::Declined if waited => Some(Happened::Rejected),
                PartState::Requested { .. } | PartState::Revoked | PartState::Declined => None,
            }
        });
        Some((order, ended.next()?))
    });
    let (order, what) = changed?;
    Some(News {
        address: address.clone(),
        what,
        order_id: Some(order.clone()),
        certificate_id: None,
        serial_number: None,
        valid_till: None,
        at: None,
    })
}
