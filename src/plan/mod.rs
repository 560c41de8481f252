//! Batch + Records + Observed + now -> [`Plan`]. Pure: it does no I/O.

mod build;
mod collect;
mod compromised;
mod cost;
mod decided;
mod digest;
mod doubles;
mod due;
mod edited;
mod ending;
mod exchanged;
mod existing;
pub mod file;
mod followers;
mod inputs;
mod live;
mod live_unread;
mod moved;
mod moves;
mod news;
mod order;
mod order_case;
mod pace;
mod planned_revocations;
mod questions;
mod reissue;
mod renewal;
mod renewal_holds;
mod renewed_here;
mod renewing;
mod revocation;
mod revocation_case;
mod revocation_requests;
mod revocation_unread;
mod revocation_waits;
mod safety;
mod sequence;
mod short_lead;
mod step_files;
mod step_renewal;
mod target;
#[cfg(test)]
pub(crate) mod tests;
mod unlisted;
mod unsent_reason;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, Address, After, CertificateId, CertificatePin, Digest, FactBody, Labels,
    Milestone, Operation, OrderId, Reason, Record, RequestId, RequestPreview, Standing,
};

pub use doubles::doubles;
pub use inputs::{Folder, Inputs, Knowledge, Pace};
pub use moves::Moves;
pub use news::{Happened, News, between};
pub use questions::{Questions, questions};
pub use safety::{Allowance, ApprovedPlan, approve, breaches};
pub use sequence::with_dependencies;
pub use step_files::{FileState, KeyState, StepFile, StepFiles, StepKey};
pub use step_renewal::{RenewedBy, StepRenewal};

/// What apply would do, in an order in which it can be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The digest of what would be done and against what.
    pub plan_id: Digest,
    /// When it was made.
    pub made_at: Timestamp,
    /// The manifest's digest.
    pub manifest: Digest,
    /// The journal that it was made with.
    pub state: PlannedState,
    /// The accounts that it touches.
    pub accounts: BTreeMap<AccountName, PlannedAccount>,
    /// True when the CA was not asked (`--offline`): such a plan cannot be applied.
    pub offline: bool,
    /// What `--target` named; empty for everything.
    pub targets: Vec<Address>,
    /// What `--rekey` named: orders that get a new key where theirs is not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rekey: Vec<Address>,
    /// How much of what is due is done.
    #[serde(default)]
    pub pace: Pace,
    /// One for each item, in an order in which dependencies come first.
    pub steps: Vec<Step>,
    /// What became of items since the last run.
    #[serde(default)]
    pub news: Vec<News>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Policy limits that the plan breaks; apply refuses it (exit 5).
    pub breaches: Vec<Breach>,
    /// What it takes.
    pub cost: Cost,
}

/// The journal's place when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedState {
    /// The journal's lineage; empty when there was none.
    pub lineage: String,
    /// Its number of facts.
    pub serial: u64,
}

/// An account as the plan saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAccount {
    /// `certcentral` or `ncloud`.
    pub provider: String,
    /// The base URL.
    pub endpoint: String,
    /// The CA's id of the customer account, where it was read.
    pub account_id: Option<String>,
    /// How many certificates in force were known.
    pub certificates: u32,
}

/// What is planned for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The item.
    pub address: Address,
    /// Its account.
    pub account: AccountName,
    /// What people note of it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Where the item stands, and what it waits for.
    pub standing: Standing,
    /// What must come first; for a step that does nothing it is empty.
    pub after: Vec<After>,
    /// What is sent; also for `settle`, where it is what was being sent.
    pub operation: Option<Operation>,
    /// How the calls will look, without keys.
    pub requests: Vec<RequestPreview>,
    /// Certificates that die by this step, collateral of a reissue included.
    pub revokes: Vec<CertificatePin>,
    /// How many more die that the CA counts and no list shows: without id and serial number.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unnamed: u32,
    /// Changed values as `(name, old, new)`, for people.
    pub changes: Vec<Change>,
    /// What apply writes to the journal for this step without any call: an adoption, or news about a
    /// live order.
    pub news: Vec<FactBody>,
    /// The order, where it is known.
    pub order_id: Option<OrderId>,
    /// The certificate, where it is known.
    pub certificate_id: Option<CertificateId>,
    /// The request that an administrator decides, where it is known.
    pub request_id: Option<RequestId>,
    /// What of a revocation's reason is not sent and why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent_reason: Option<String>,
    /// Its key and files, where the entry of an order asks for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Box<StepFiles>>,
    /// When and by which way its order is renewed, where the entry asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Box<StepRenewal>>,
    /// The price that this account last paid for the product, where the CA shows it.
    pub price: Option<Decimal>,
    /// The digest of the certificate's content that the entry of an order asks for; not for an order that is
    /// as desired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<Digest>,
}

/// For serde.
fn is_none(number: &u32) -> bool {
    *number == 0
}

/// The certificates of one account that die by some steps, each counted once.
#[derive(Debug, Default)]
pub(crate) struct Dying<'a> {
    named: BTreeSet<&'a CertificateId>,
    /// By order: two steps about one order speak of the same ones.
    unnamed: BTreeMap<Option<&'a OrderId>, u32>,
}

impl<'a> Dying<'a> {
    pub(crate) fn add(&mut self, step: &'a Step) {
        let pins = step.revokes.iter();
        self.named.extend(pins.map(|pin| &pin.certificate_id));
        let unnamed = self.unnamed.entry(step.order_id.as_ref()).or_default();
        *unnamed = step.unnamed.max(*unnamed);
    }

    pub(crate) fn count(&self) -> usize {
        let unnamed = self.unnamed_count();
        self.named.len() + usize::try_from(unnamed).unwrap_or(usize::MAX)
    }

    pub(crate) fn unnamed_count(&self) -> u32 {
        self.unnamed.values().copied().fold(0, u32::saturating_add)
    }
}

impl Step {
    /// How many certificates die by it, named or not.
    pub fn dying(&self) -> usize {
        let unnamed = usize::try_from(self.unnamed).unwrap_or(usize::MAX);
        self.revokes.len().saturating_add(unnamed)
    }

    /// How far the item has come in what its entry asks for now: what depends on it may start.
    pub fn reached(&self) -> Option<Milestone> {
        self.standing.reached()
    }

    /// True when the entry asks for another certificate than the journal has as asked for, or where the journal
    /// does not know: the next plan compares what the CA shows.
    pub fn asks_for_more(&self, record: &Record) -> bool {
        let live = record.live.as_ref();
        live.is_some_and(|live| self.wants.is_some() && self.wants != live.certificate)
    }

    /// One word for where it stands, for `status`.
    pub fn state(&self) -> &'static str {
        match self.action {
            Action::Adopt if !matches!(self.reason, Reason::Moved { .. }) => "not-bound",
            Action::Adopt
            | Action::Order
            | Action::Renew
            | Action::Reissue
            | Action::Revoke
            | Action::Settle
            | Action::Collect
            | Action::Wait
            | Action::Keep => self.standing.word(),
        }
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The member, for example `certificate.dns_names`.
    pub member: String,
    /// What it is at the CA; `None` where it is not shown or not set.
    pub old: Option<String>,
    /// What it will be; `None` where it goes away.
    pub new: Option<String>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A new order.
    Order,
    /// A new order that renews another.
    Renew,
    /// The same order with other names or another key.
    Reissue,
    /// A revocation.
    Revoke,
    /// Bind an order that exists; buy nothing.
    Adopt,
    /// Look up an earlier attempt's outcome before anything else.
    Settle,
    /// Put the issued certificate into the files folder.
    Collect,
    /// Asked for, not finished.
    Wait,
    /// As desired.
    Keep,
}

impl Action {
    /// Every action, in the order of the summary line.
    pub const ALL: [Self; 9] = [
        Self::Order,
        Self::Renew,
        Self::Reissue,
        Self::Revoke,
        Self::Adopt,
        Self::Settle,
        Self::Collect,
        Self::Wait,
        Self::Keep,
    ];

    /// The word of the JSON forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Renew => "renew",
            Self::Reissue => "reissue",
            Self::Revoke => "revoke",
            Self::Adopt => "adopt",
            Self::Settle => "settle",
            Self::Collect => "collect",
            Self::Wait => "wait",
            Self::Keep => "keep",
        }
    }

    /// The mark in front of a line; none for `keep`.
    pub fn symbol(self) -> Option<char> {
        match self {
            Self::Order => Some('+'),
            Self::Renew | Self::Reissue => Some('~'),
            Self::Revoke => Some('-'),
            Self::Adopt => Some('='),
            Self::Settle => Some('?'),
            Self::Collect => Some('>'),
            Self::Wait => Some('.'),
            Self::Keep => None,
        }
    }

    /// True where apply has something to do.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Wait | Self::Keep)
    }
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The item it is about; `None` for the whole plan.
    pub address: Option<Address>,
    /// One line.
    pub message: String,
}

/// A policy limit that the plan breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// `max_orders`, `max_revocations`, `max_revocation_percent`.
    pub rule: String,
    /// What, how much, the limit, and how to allow it.
    pub message: String,
}

/// What a plan takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Cost {
    /// API requests that apply will send, by account.
    pub requests: BTreeMap<AccountName, u32>,
    /// The least time that the rate limits allow for them, in seconds.
    pub seconds: f64,
    /// What the orders will cost: the sum of the prices last paid, where the CA shows them.
    pub money: Option<Decimal>,
    /// The currency, where the CA tells.
    pub currency: Option<String>,
    /// Orders for which the CA shows no price.
    pub unpriced: u32,
    /// Spendable funds by account, where the CA tells.
    pub funds: BTreeMap<AccountName, Decimal>,
}

impl Plan {
    /// How many steps have each action; every action is present.
    pub fn summary(&self) -> BTreeMap<Action, u32> {
        let mut summary: BTreeMap<Action, u32> = Action::ALL.into_iter().map(|a| (a, 0)).collect();
        for step in &self.steps {
            *summary.entry(step.action).or_default() += 1;
        }
        summary
    }

    /// How many certificates die: one that several steps name dies once.
    pub fn revoked_certificates(&self) -> usize {
        let mut dying = BTreeMap::new();
        for step in &self.steps {
            let dying: &mut Dying<'_> = dying.entry(&step.account).or_default();
            dying.add(step);
        }
        dying.values().map(Dying::count).sum()
    }

    /// True when apply has something to do.
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|step| step.action.is_change())
    }
}
