//! What waits and since when, and when the certificates in force run out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::apply::{Outcome, RunReport};
use crate::model::{
    AccountName, Address, Batch, LiveOrder, LiveState, Observed, ObservedOrder, OrderId,
    OrderStatus, PartState, Record, Records, RenewalOf, RequestId, Wanted,
};
use crate::plan::{Action, Plan, Step, live_state};

/// What an item waits for: a closed list, whatever words the CA uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// An administrator has to approve the order.
    Approval,
    /// Approval, validation or issuance: the CA does not say which.
    Pending,
    /// The CA validates or issues.
    Issuance,
    /// The recipient has to pick the certificate up.
    Pickup,
    /// A CSR is missing.
    Csr,
    /// A reissue is under way.
    Reissue,
    /// A revocation was asked for and is not in force.
    Revocation,
    /// Another item has to come first.
    Dependency,
    /// A person has to change something: an order was rejected or revoked outside, a request declined.
    Decision,
    /// The outcome of a call is not known.
    Doubt,
}

impl Cause {
    pub(super) const ALL: [Self; 10] = [
        Self::Approval,
        Self::Pending,
        Self::Issuance,
        Self::Pickup,
        Self::Csr,
        Self::Reissue,
        Self::Revocation,
        Self::Dependency,
        Self::Decision,
        Self::Doubt,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Pending => "pending",
            Self::Issuance => "issuance",
            Self::Pickup => "pickup",
            Self::Csr => "csr",
            Self::Reissue => "reissue",
            Self::Revocation => "revocation",
            Self::Dependency => "dependency",
            Self::Decision => "decision",
            Self::Doubt => "doubt",
        }
    }
}

/// Where the items of a plan stand.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub(super) waiting: BTreeMap<Cause, Group>,
    pub(super) certificates: BTreeMap<AccountName, Vec<Expiry>>,
}

/// Items that wait for the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) items: u64,
    pub(super) oldest: Option<Timestamp>,
}

/// A certificate in force.
#[derive(Debug, Clone)]
pub(super) struct Expiry {
    pub(super) address: Address,
    /// The last second of the last day, in UTC.
    pub(super) not_after: Timestamp,
}

impl Standing {
    /// The next ones to run out, the first one first.
    pub(super) fn next(&self, most: usize) -> Vec<(&AccountName, &Expiry)> {
        let mut all: Vec<(&AccountName, &Expiry)> = self
            .certificates
            .iter()
            .flat_map(|(account, certificates)| certificates.iter().map(move |one| (account, one)))
            .collect();
        let sooner = |one: &(&AccountName, &Expiry), other: &(&AccountName, &Expiry)| {
            (one.1.not_after, &one.1.address).cmp(&(other.1.not_after, &other.1.address))
        };
        if all.len() > most {
            all.select_nth_unstable_by(most, sooner);
            all.truncate(most);
        }
        all.sort_by(sooner);
        all
    }
}

/// Reads it off a plan and what it was made from. After an apply, `report` says what still waits, and the
/// records are newer than what was observed.
pub fn standing(
    batch: &Batch,
    plan: &Plan,
    records: &Records,
    observed: &Observed,
    report: Option<&RunReport>,
) -> Standing {
    let requested = request_dates(observed);
    let outcomes: BTreeMap<&Address, Outcome> = report
        .iter()
        .flat_map(|report| &report.actions)
        .map(|action| (&action.address, action.outcome))
        .collect();
    let mut standing = Standing::default();
    for account in plan.accounts.keys() {
        standing.certificates.insert(account.clone(), Vec::new());
    }
    let mut in_force = BTreeMap::new();
    for step in &plan.steps {
        let item = Item::of(step, records, observed, report.is_some());
        let waits = match outcomes.get(&step.address) {
            Some(outcome) => matches!(outcome, Outcome::Waiting | Outcome::Unknown),
            None if report.is_some() => false,
            None => matches!(step.action, Action::Wait | Action::Settle),
        };
        if waits {
            let (cause, since) = item.cause(outcomes.get(&step.address).copied(), &requested);
            let group = standing.waiting.entry(cause).or_default();
            group.items += 1;
            group.oldest = match (group.oldest, since) {
                (Some(oldest), Some(since)) => Some(oldest.min(since)),
                (oldest, since) => oldest.or(since),
            };
        }
        if let Some(not_after) = item.not_after() {
            in_force.insert(&step.address, (&step.account, item.order_id(), not_after));
        }
    }
    let renewed = renewed(batch, |address| in_force.contains_key(address));
    for (address, (account, order, not_after)) in &in_force {
        if renewed.contains(address, *order) {
            continue;
        }
        if let Some(certificates) = standing.certificates.get_mut(*account) {
            certificates.push(Expiry {
                address: (*address).clone(),
                not_after: *not_after,
            });
        }
    }
    standing
}

/// One step with what is known of it.
struct Item<'a> {
    step: &'a Step,
    record: Option<&'a Record>,
    order: Option<&'a ObservedOrder>,
    state: Option<LiveState>,
    /// The journal is newer than the look.
    journal_first: bool,
}

impl<'a> Item<'a> {
    fn of(
        step: &'a Step,
        records: &'a Records,
        observed: &'a Observed,
        journal_first: bool,
    ) -> Self {
        let record = records.get(&step.address);
        let live = record.and_then(|record| record.live.as_ref());
        let id = live.map(|live| &live.order_id).or(step.order_id.as_ref());
        let order = id.and_then(|id| {
            let account = observed.accounts.get(&step.account)?;
            let read = || account.details.get(id)?.as_ref();
            account.orders.get(id).or_else(read)
        });
        let seen = order.map(|order| live_state(&order.status));
        let kept = live.map(|live| live.state.clone());
        let state = if journal_first {
            kept.or(seen)
        } else {
            seen.or(kept)
        };
        Self {
            step,
            record,
            order,
            state,
            journal_first,
        }
    }

    fn live(&self) -> Option<&'a LiveOrder> {
        self.record.and_then(|record| record.live.as_ref())
    }

    fn order_id(&self) -> Option<&'a OrderId> {
        let known = self.live().map(|live| &live.order_id);
        known.or(self.step.order_id.as_ref())
    }

    /// When its certificate runs out; `None` for what has none in force.
    fn not_after(&self) -> Option<Timestamp> {
        let in_force = matches!(self.state, Some(LiveState::Issued | LiveState::Reissuing));
        if !in_force || !matches!(self.step.address, Address::Order(_)) {
            return None;
        }
        let seen = self.order.and_then(|order| order.valid_till.as_deref());
        let kept = self.live().and_then(|live| live.valid_till.as_deref());
        let text = if self.journal_first {
            kept.or(seen)
        } else {
            seen.or(kept)
        };
        // Assumption: the day ends in UTC.
        let day: Date = text?.get(..10)?.parse().ok()?;
        let end = day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?;
        Some(end.timestamp())
    }

    /// What it waits for, and since when, where that is known.
    fn cause(
        &self,
        outcome: Option<Outcome>,
        requested: &BTreeMap<&RequestId, Timestamp>,
    ) -> (Cause, Option<Timestamp>) {
        let open = self.record.and_then(|record| record.open.as_ref());
        if open.is_some() || outcome == Some(Outcome::Unknown) || self.step.action == Action::Settle
        {
            return (Cause::Doubt, open.map(|open| open.since));
        }
        match self.step.address {
            Address::Order(_) => self.order_cause(),
            Address::Revocation(_) => self.revocation_cause(requested),
        }
    }

    fn order_cause(&self) -> (Cause, Option<Timestamp>) {
        let since = self
            .live()
            .map(|live| live.since)
            .or(self.order.and_then(|order| order.created_at));
        match &self.state {
            None | Some(LiveState::Issued) => (Cause::Dependency, None),
            // The journal does not keep when a reissue was asked for, nor when an order ended.
            Some(LiveState::Reissuing) => (Cause::Reissue, None),
            Some(LiveState::Ended(_)) => (Cause::Decision, None),
            Some(LiveState::Requested) => {
                let word = match self.order.map(|order| &order.status) {
                    Some(OrderStatus::Pending(word)) => word.raw(),
                    _ => "",
                };
                let cause = match word {
                    "needs_approval" => Cause::Approval,
                    "processing" | "approved" => Cause::Issuance,
                    "waiting_pickup" => Cause::Pickup,
                    "needs_csr" => Cause::Csr,
                    _ => Cause::Pending,
                };
                (cause, since)
            }
        }
    }

    fn revocation_cause(
        &self,
        requested: &BTreeMap<&RequestId, Timestamp>,
    ) -> (Cause, Option<Timestamp>) {
        let parts = self.record.iter().flat_map(|record| record.parts.values());
        let mut asked = false;
        let mut declined = false;
        let mut since: Option<Timestamp> = None;
        for part in parts {
            match part {
                PartState::Requested { request_id } => {
                    asked = true;
                    let date = request_id
                        .as_ref()
                        .and_then(|id| requested.get(id).copied());
                    since = match (since, date) {
                        (Some(since), Some(date)) => Some(since.min(date)),
                        (since, date) => since.or(date),
                    };
                }
                PartState::Declined => declined = true,
                PartState::Revoked => {}
            }
        }
        // The CA has no such order, or no such certificate.
        let lost = self.step.waits_for.is_none() && self.step.action == Action::Wait;
        if asked || (self.step.reached.is_some() && !declined) {
            (Cause::Revocation, since)
        } else if declined || lost {
            (Cause::Decision, None)
        } else {
            (Cause::Dependency, None)
        }
    }
}

/// When each request to revoke was made.
fn request_dates(observed: &Observed) -> BTreeMap<&RequestId, Timestamp> {
    observed
        .accounts
        .values()
        .flat_map(|account| account.revocation_requests.iter().flatten())
        .filter_map(|request| Some((&request.id, request.date?)))
        .collect()
}

/// Orders whose renewal is in force: that they run out is as it should be.
struct Renewed<'a> {
    names: BTreeSet<&'a str>,
    ids: BTreeSet<&'a OrderId>,
}

impl Renewed<'_> {
    fn contains(&self, address: &Address, order: Option<&OrderId>) -> bool {
        self.names.contains(address.name().as_str())
            || order.is_some_and(|order| self.ids.contains(order))
    }
}

fn renewed<'a>(batch: &'a Batch, in_force: impl Fn(&Address) -> bool) -> Renewed<'a> {
    let mut renewed = Renewed {
        names: BTreeSet::new(),
        ids: BTreeSet::new(),
    };
    for item in &batch.items {
        let Wanted::Order(order) = &item.wanted else {
            continue;
        };
        match &order.renewal_of {
            Some(renewal) if in_force(&item.address) => match renewal {
                RenewalOf::Item(name) => {
                    renewed.names.insert(name.as_str());
                }
                RenewalOf::OrderId(id) => {
                    renewed.ids.insert(id);
                }
            },
            _ => {}
        }
    }
    renewed
}
