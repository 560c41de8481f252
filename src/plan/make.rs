//! Puts a plan together: decides each item, sets the sequence, counts the cost.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::cost::cost;
use super::matching::{NameIndex, day, is_past};
use super::order::{bound_orders, decide_order, needs_new_order};
use super::revocation::decide_revocation;
use super::revoked::RevokedOrders;
use super::safety::{Allowance, breaches};
use super::sequence::{sequence, with_dependencies};
use super::{Action, Change, Plan, PlannedAccount, PlannedState, Step, Warning};
use crate::model::{
    AccountName, Address, Batch, Item, Observed, ObservedAccount, Operation, Order, OrderId,
    OrderStatus, Policy, Provider, Records, RenewalOf, RequestPreview, Wanted,
};

/// Everything that a plan depends on.
pub struct Inputs<'a> {
    /// What is wanted.
    pub batch: &'a Batch,
    /// What the journal knows.
    pub records: &'a Records,
    /// True when the journal is older than the one that stood in its place before: what it does not
    /// know may have been done all the same, so every tag is looked up.
    pub journal_went_back: bool,
    /// The journal's place.
    pub state: PlannedState,
    /// What the CAs say; no accounts with `--offline`.
    pub observed: &'a Observed,
    /// True with `--offline`.
    pub offline: bool,
    /// The base URL of each account.
    pub endpoints: &'a BTreeMap<AccountName, String>,
    /// The time of the plan.
    pub now: Timestamp,
    /// What `--target` named; empty for everything.
    pub targets: &'a [Address],
    /// The limits that hold: the manifest's, or those given from outside.
    pub policy: Policy,
    /// What this run may do whatever the policy says.
    pub allowance: Allowance,
    /// How an operation's calls will look.
    pub preview: &'a dyn Fn(&Provider, &Operation) -> Vec<RequestPreview>,
}

impl<'a> Inputs<'a> {
    /// The addresses that the plan speaks of.
    pub(super) fn selected(&self) -> Selected<'a> {
        Selected(
            (!self.targets.is_empty()).then(|| with_dependencies(&self.batch.items, self.targets)),
        )
    }

    /// True when `order` renews the order with this id.
    pub(super) fn is_renewed_by(&self, order: &Order, id: &OrderId) -> bool {
        match &order.renewal_of {
            Some(RenewalOf::OrderId(renewed)) => renewed == id,
            Some(RenewalOf::Item(name)) => self
                .records
                .get(&Address::Order(name.clone()))
                .and_then(|record| record.live.as_ref())
                .is_some_and(|live| live.order_id == *id),
            None => false,
        }
    }

    pub(super) fn today(&self) -> Date {
        day(self.now)
    }
}

/// The addresses that a plan speaks of; none named is all of them.
pub(super) struct Selected<'a>(Option<BTreeSet<&'a Address>>);

impl Selected<'_> {
    pub(super) fn contains(&self, address: &Address) -> bool {
        self.0
            .as_ref()
            .is_none_or(|selected| selected.contains(address))
    }
}

/// What one item comes to.
pub(super) struct Decision {
    pub(super) step: Step,
    pub(super) warnings: Vec<String>,
}

impl Decision {
    pub(super) fn new(item: &Item, action: Action, reason: impl Into<String>) -> Self {
        let after = if action.is_change() {
            item.after.clone()
        } else {
            Vec::new()
        };
        Self {
            step: Step {
                address: item.address.clone(),
                account: item.account.clone(),
                action,
                reason: reason.into(),
                after,
                operation: None,
                requests: Vec::new(),
                revokes: Vec::new(),
                changes: Vec::<Change>::new(),
                waits_for: None,
                news: Vec::new(),
                order_id: None,
                certificate_id: None,
                request_id: None,
                reached: None,
                price: None,
            },
            warnings: Vec::new(),
        }
    }

    pub(super) fn warn(mut self, message: impl Into<String>) -> Self {
        self.warnings.push(message.into());
        self
    }
}

/// Makes the plan. The same inputs give the same plan, byte for byte, `made_at` apart.
pub fn make(inputs: &Inputs<'_>) -> Plan {
    let selected = inputs.selected();
    let bound = LazyCell::new(|| bound_orders(inputs.records));
    let today = inputs.today();
    let mut indexes: BTreeMap<&AccountName, NameIndex<'_>> = BTreeMap::new();
    let prices: BTreeMap<&AccountName, BTreeMap<&str, Decimal>> = inputs
        .observed
        .accounts
        .iter()
        .map(|(name, account)| (name, last_prices(account)))
        .collect();
    let nothing = NameIndex::default();
    let revoked = RevokedOrders::of(&inputs.batch.items);

    let mut steps = Vec::with_capacity(inputs.batch.items.len());
    let mut warnings = Vec::new();
    for position in sequence(&inputs.batch.items) {
        let item = &inputs.batch.items[position];
        if !selected.contains(&item.address) {
            continue;
        }
        let decision = match &item.wanted {
            Wanted::Order(order) => {
                let record = inputs.records.get(&item.address);
                let index = match inputs.observed.accounts.get(&item.account) {
                    // Most plans order nothing: then no index is built.
                    Some(account) if needs_new_order(order, record, Some(account)) => indexes
                        .entry(&item.account)
                        .or_insert_with(|| NameIndex::new(account, &bound, today)),
                    _ => &nothing,
                };
                decide_order(inputs, item, order, index, &revoked)
            }
            Wanted::Revocation(revocation) => decide_revocation(inputs, item, revocation),
        };
        let mut step = decision.step;
        if let (Some(operation), Some(account)) =
            (&step.operation, inputs.batch.accounts.get(&item.account))
        {
            step.requests = (inputs.preview)(&account.provider, operation);
        }
        if let Some(Operation::Order(operation)) = &step.operation {
            step.price = prices
                .get(&item.account)
                .and_then(|prices| prices.get(operation.order.product.as_str()))
                .copied();
        }
        warnings.extend(decision.warnings.into_iter().map(|message| Warning {
            address: Some(item.address.clone()),
            message,
        }));
        steps.push(step);
    }
    if inputs.targets.is_empty() {
        warnings.extend(no_longer_managed(inputs));
    }
    if inputs.journal_went_back {
        warnings.push(Warning {
            address: None,
            message: "the state is older than the one that stood here before, or it is gone: every order was looked up by its tag; a call that was under way meanwhile can still arrive, so wait for the quiet period before you apply"
                .to_owned(),
        });
    }

    let mut plan = Plan {
        plan_id: crate::model::Digest::of(&[]),
        made_at: inputs.now,
        manifest: inputs.batch.digest,
        state: inputs.state.clone(),
        accounts: planned_accounts(inputs, &steps),
        offline: inputs.offline,
        targets: inputs.targets.to_vec(),
        cost: cost(&steps, &inputs.batch.accounts, inputs.observed),
        steps,
        warnings,
        breaches: Vec::new(),
    };
    plan.breaches = breaches(&plan, &inputs.policy, inputs.allowance);
    plan.plan_id = plan.digest();
    plan
}

fn planned_accounts(inputs: &Inputs<'_>, steps: &[Step]) -> BTreeMap<AccountName, PlannedAccount> {
    let used: BTreeSet<&AccountName> = steps.iter().map(|step| &step.account).collect();
    let mut accounts = BTreeMap::new();
    for name in used {
        let Some(account) = inputs.batch.accounts.get(name) else {
            continue;
        };
        let observed = inputs.observed.accounts.get(name);
        accounts.insert(
            name.clone(),
            PlannedAccount {
                provider: account.provider.name().to_owned(),
                endpoint: inputs.endpoints.get(name).cloned().unwrap_or_default(),
                account_id: observed
                    .and_then(|observed| observed.identity.as_ref())
                    .map(|identity| identity.account_id.clone()),
                certificates: observed.map_or(0, |observed| {
                    certificates_in_force(observed, inputs.today())
                }),
                as_of: observed.and_then(|observed| observed.as_of),
            },
        );
    }
    accounts
}

/// How many certificates of an account are in force, as far as the lists show.
fn certificates_in_force(account: &ObservedAccount, today: Date) -> u32 {
    account
        .orders
        .values()
        .map(|order| match &order.certificates {
            Some(certificates) => u32::try_from(
                certificates
                    .iter()
                    .filter(|one| one.state == crate::model::CertificateState::Issued)
                    .count(),
            )
            .unwrap_or(u32::MAX),
            None if matches!(
                order.status,
                OrderStatus::Issued | OrderStatus::ReissuePending
            ) && !is_past(order.valid_till.as_deref(), today) =>
            {
                1 + order.duplicates.unwrap_or(0)
            }
            None => 0,
        })
        .fold(0, u32::saturating_add)
}

/// The price of the newest order of each product. A price of 0 means that the CA cannot tell.
fn last_prices(account: &ObservedAccount) -> BTreeMap<&str, Decimal> {
    let mut newest: BTreeMap<&str, (Option<Timestamp>, Decimal)> = BTreeMap::new();
    for order in account.orders.values() {
        let (Some(product), Some(price)) = (order.product.as_deref(), order.price) else {
            continue;
        };
        if price <= Decimal::ZERO {
            continue;
        }
        let entry = newest.entry(product).or_insert((order.created_at, price));
        if order.created_at >= entry.0 {
            *entry = (order.created_at, price);
        }
    }
    newest
        .into_iter()
        .map(|(product, (_, price))| (product, price))
        .collect()
}

/// Orders that the journal knows and the manifest names no more. Nothing is ever revoked for that.
fn no_longer_managed(inputs: &Inputs<'_>) -> Vec<Warning> {
    let wanted: HashSet<&Address> = inputs
        .batch
        .items
        .iter()
        .map(|item| &item.address)
        .collect();
    inputs
        .records
        .iter()
        .filter(|(address, _)| !wanted.contains(address))
        .filter_map(|(address, record)| {
            let message = if let Some(open) = &record.open {
                format!(
                    "no longer in the manifest, but a {} of it is not settled: `certplan resolve {address}`",
                    open.attempt.kind.word()
                )
            } else {
                let live = record.live.as_ref()?;
                if matches!(live.state, crate::model::LiveState::Ended(_)) {
                    return None;
                }
                format!(
                    "no longer in the manifest: order {} stays as it is at the CA and is no longer managed",
                    live.order_id
                )
            };
            Some(Warning { address: Some(address.clone()), message })
        })
        .collect()
}
