//! What waits and since when, and when the certificates in force run out: [`Overview`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::apply::{Outcome, RunReport};
use crate::model::{
    AccountName, Address, Batch, Cause, Observed, OrderId, Record, Records, RenewalOf, RequestId,
    Standing, ValidTill, Wanted,
};
use crate::plan::{Action, Plan};

/// The causes that metrics tell apart, whatever the CA calls them.
pub(super) const CAUSES: [&str; 11] = [
    "approval",
    "validation",
    "pending",
    "issuance",
    "pickup",
    "csr",
    "reissue",
    "revocation",
    "dependency",
    "decision",
    "doubt",
];

/// From then on a renewal is late.
const OVERDUE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The label of a cause, one of [`CAUSES`].
fn label(cause: &Cause) -> &'static str {
    match cause {
        Cause::NextRun { .. } | Cause::OtherHost { .. } => "dependency",
        Cause::Decision(_) => "decision",
        Cause::Reissue { .. } => "reissue",
        Cause::Approval { .. }
        | Cause::Validation { .. }
        | Cause::Pending { .. }
        | Cause::Issuance { .. }
        | Cause::Pickup
        | Cause::Csr
        | Cause::Revocation { .. }
        | Cause::Revoking
        | Cause::Dependency { .. }
        | Cause::Doubt => cause.code(),
    }
}

/// Where the items of a plan stand, in numbers.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// By cause and owner.
    pub(super) waiting: BTreeMap<(&'static str, Option<String>), Group>,
    pub(super) certificates: BTreeMap<AccountName, Vec<Expiry>>,
    /// Orders that are due to be renewed and are not, where an entry asks for renewals; how many of them for longer
    /// than a week.
    pub(super) due: Option<(u64, u64)>,
    /// How far a CA's clock is ahead of this machine's, where it is known.
    pub(super) ahead: BTreeMap<AccountName, SignedDuration>,
}

/// Items that wait for the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) items: u64,
    pub(super) oldest: Option<Timestamp>,
}

/// A certificate in force, or one that ran out and was not replaced.
#[derive(Debug, Clone)]
pub(super) struct Expiry {
    pub(super) address: Address,
    /// The last second of the last day, in UTC.
    pub(super) not_after: Timestamp,
}

impl Overview {
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

/// Reads it off a plan, or off the report of its apply.
pub fn overview(
    batch: &Batch,
    plan: &Plan,
    records: &Records,
    observed: &Observed,
    report: Option<&RunReport>,
) -> Overview {
    let requested = request_dates(observed);
    let actions: BTreeMap<&Address, _> = report
        .iter()
        .flat_map(|report| &report.actions)
        .map(|action| (&action.address, action))
        .collect();
    let mut overview = Overview::default();
    for (name, account) in &observed.accounts {
        if let Some(clock) = account.clock {
            overview.ahead.insert(name.clone(), clock.ahead);
        }
    }
    for account in plan.accounts.keys() {
        overview.certificates.insert(account.clone(), Vec::new());
    }
    let mut in_force = BTreeMap::new();
    for step in &plan.steps {
        let action = actions.get(&step.address);
        let is_done = action.is_some_and(|action| action.outcome == Outcome::Done);
        if let Some(renewal) = step.renewal.as_deref() {
            let ahead = overview
                .ahead
                .get(&step.account)
                .copied()
                .unwrap_or_default();
            let now = plan.made_at.saturating_add(ahead).unwrap_or(plan.made_at);
            let late = now.duration_since(renewal.due);
            let (due, overdue) = overview.due.get_or_insert((0, 0));
            *due += u64::from(!late.is_negative() && !is_done);
            *overdue += u64::from(late > OVERDUE && !is_done);
        }
        let standing = action.map_or(&step.standing, |action| &action.standing);
        let waits = match (action.map(|action| action.outcome), step.action) {
            (Some(Outcome::Waiting), _) | (None, Action::Wait) => {
                Some(standing.waits().unwrap_or(&Cause::Doubt))
            }
            (Some(Outcome::Unknown), _) | (None, Action::Settle) => Some(&Cause::Doubt),
            (Some(Outcome::Done | Outcome::Failed | Outcome::Skipped | Outcome::Kept), _)
            | (
                None,
                Action::Order
                | Action::Renew
                | Action::Reissue
                | Action::Revoke
                | Action::Adopt
                | Action::Collect
                | Action::Keep,
            ) => None,
        };
        let record = records.get(&step.address);
        if let Some(cause) = waits.filter(|_| report.is_none() || action.is_some()) {
            let since = since(cause, record, &requested);
            let owner = step.labels.owner().map(str::to_owned);
            let group = overview.waiting.entry((label(cause), owner)).or_default();
            group.items += 1;
            group.oldest = match (group.oldest, since) {
                (Some(oldest), Some(since)) => Some(oldest.min(since)),
                (oldest, since) => oldest.or(since),
            };
        }
        if let Some(not_after) = last_day(standing).and_then(ValidTill::end) {
            let live = record.and_then(|record| record.live.as_ref());
            let order = live.map(|live| &live.order_id).or(step.order_id.as_ref());
            in_force.insert(&step.address, (&step.account, order, not_after));
        }
    }
    let renewed = renewed(batch, |address| in_force.contains_key(address));
    for (address, (account, order, not_after)) in &in_force {
        if renewed.contains(address, *order) {
            continue;
        }
        if let Some(certificates) = overview.certificates.get_mut(*account) {
            certificates.push(Expiry {
                address: (*address).clone(),
                not_after: *not_after,
            });
        }
    }
    overview
}

/// The last day of a certificate that is in force or has run out; `None` for one that was revoked.
fn last_day(standing: &Standing) -> Option<ValidTill> {
    match standing {
        Standing::Lapsed {
            revoked: false,
            till,
            ..
        } => *till,
        Standing::InForce { .. }
        | Standing::Lapsed { .. }
        | Standing::Absent
        | Standing::Waiting { .. }
        | Standing::Requested { .. }
        | Standing::Ended { .. }
        | Standing::InDoubt
        | Standing::Parked
        | Standing::NotRevoked
        | Standing::RevocationRequested { .. }
        | Standing::Declined { .. }
        | Standing::Revoked => standing.in_force_till(),
    }
}

/// Since when an item waits, where that is known: the journal does not keep when an order ended.
fn since(
    cause: &Cause,
    record: Option<&Record>,
    requested: &BTreeMap<&RequestId, Timestamp>,
) -> Option<Timestamp> {
    match cause {
        Cause::Doubt => record?.open.as_ref().map(|open| open.since),
        Cause::Approval { .. }
        | Cause::Validation { .. }
        | Cause::Pending { .. }
        | Cause::Issuance { .. }
        | Cause::Pickup
        | Cause::Csr => record?.live.as_ref().map(|live| live.since),
        Cause::Reissue { .. } => {
            let live = record?.live.as_ref()?;
            live.change.as_ref().map(|change| change.since)
        }
        Cause::Revocation { requests } => requests
            .iter()
            .filter_map(|id| requested.get(id).copied())
            .min(),
        Cause::Revoking
        | Cause::Dependency { .. }
        | Cause::NextRun { .. }
        | Cause::OtherHost { .. }
        | Cause::Decision(_) => None,
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
