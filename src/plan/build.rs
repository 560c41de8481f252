//! Puts a plan together: decides each item, sets the sequence, counts the cost.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::compromised::compromised_keys;
use super::cost::{cost, unfunded};
use super::due;
use super::inputs::{Inputs, Knowledge};
use super::moved::{moved, refused};
use super::news::news_of;
use super::order::decide_order;
use super::order_case::OrderCase;
use super::pace::keep_pace;
use super::planned_revocations::RevokedOrders;
use super::revocation::decide_revocation;
use super::revocation_case::{Requests, RevocationCase};

use super::renewal_holds::is_far_off;
use super::renewed_here::Renewals;
use super::safety::breaches;
use super::sequence::sequence;
use super::short_lead::short_leads;
use super::unsent_reason::unsent_reason;
use super::view::{AccountView, Owners};
use super::{Action, Dying, Plan, PlannedAccount, Step, Warning};
use crate::model::{
    AccountName, Address, CertificateKind, LiveState, ObservedAccount, ObservedCertificate,
    ObservedOrder, Operation, Wanted, live_state,
};

impl Plan {
    /// Makes the plan. The same inputs give the same plan, byte for byte, `made_at` apart.
    pub fn build(inputs: &Inputs<'_>) -> Self {
        let selected = inputs.selected();
        let owners = Owners::of(inputs);
        let mut views: BTreeMap<&AccountName, AccountView<'_>> = BTreeMap::new();
        let prices: BTreeMap<&AccountName, BTreeMap<&str, Decimal>> = inputs
            .observed
            .accounts
            .iter()
            .map(|(name, account)| (name, last_prices(account)))
            .collect();
        let revoked = RevokedOrders::of(inputs);
        let requests = Requests::of(inputs);
        let renewals = Renewals::of(inputs);

        let mut steps = Vec::with_capacity(inputs.batch.items.len());
        let mut warnings = Vec::new();
        let mut news = Vec::new();
        let mut leads = BTreeMap::new();
        for position in sequence(&inputs.batch.items) {
            let item = &inputs.batch.items[position];
            if !selected.contains(&item.address) {
                continue;
            }
            let decided = match &item.wanted {
                Wanted::Order(order) => {
                    let case = OrderCase::of(inputs, (item, order), &renewals);
                    // Most plans order nothing and look nothing up: then no view is made.
                    let looked_up = case.account.is_some_and(|account| {
                        !account.tags.is_empty() || !account.details.is_empty()
                    });
                    let known = case.record.is_some_and(|record| record.carriers.is_some());
                    let needed = case.needs_new_order() || looked_up || known;
                    let view = match case.account {
                        Some(account) if needed => {
                            Some(&*views.entry(&item.account).or_insert_with(|| {
                                AccountView::of(inputs, &item.account, account, &owners)
                            }))
                        }
                        _ => None,
                    };
                    let live = case.record.and_then(|record| record.live.as_ref());
                    let ends = live.and_then(|live| due::ends(case, live, case.bound()));
                    leads.extend(ends.map(|ends| (item.address.clone(), ends.lead())));
                    decide_order(case, view, &revoked)
                }
                Wanted::Revocation(revocation) => decide_revocation(RevocationCase {
                    inputs,
                    item,
                    revocation,
                    record: inputs.record(item),
                    requests: &requests,
                }),
            };
            let decided = match (
                inputs.moves.from(&item.address),
                inputs.moves.refused(&item.address),
            ) {
                (_, Some(refusal)) => refused(item, refusal),
                (Some(from), None) => moved(decided, inputs, item, from),
                (None, None) => decided,
            };
            let mut step = decided.step;
            if let (Some(operation), Some(account)) =
                (&step.operation, inputs.batch.accounts.get(&item.account))
            {
                step.requests = (inputs.preview)(&account.provider, operation);
            }
            step.unsent_reason = unsent_reason(inputs, &step);
            if let Wanted::Order(order) = &item.wanted
                && step.action != Action::Keep
            {
                let live = inputs.record(item).and_then(|record| record.live.as_ref());
                let known = live.and_then(|live| live.certificate);
                step.wants = Some(order.certificate.digest_as(known));
            }
            if let Some(Operation::Order(operation)) = &step.operation {
                step.price = prices
                    .get(&item.account)
                    .and_then(|prices| prices.get(operation.order.product.as_str()))
                    .copied();
            }
            warnings.extend(decided.warnings.into_iter().map(|message| Warning {
                address: Some(item.address.clone()),
                message,
            }));
            news.extend(news_of(&step, inputs.record(item), inputs.now));
            steps.push(step);
        }
        if inputs.targets.is_empty() {
            warnings.extend(no_longer_managed(inputs));
        }
        let message = match inputs.knowledge {
            Knowledge::Lacks => Some(
                "the state is older than the one that stood here before, or it is gone: every order that could be ours was looked up; a call that was under way meanwhile can still arrive, so wait for the quiet period before you apply",
            ),
            Knowledge::MayLack if !inputs.records.is_empty() => Some(
                "the state may not know everything, because this host has no note of it: what could be ours was looked up before anything is bought",
            ),
            Knowledge::MayLack | Knowledge::Whole => None,
        };
        warnings.extend(message.map(|message| Warning {
            address: None,
            message: message.to_owned(),
        }));

        warnings.extend(keep_pace(inputs, &mut steps));
        warnings.extend(short_leads(inputs, &steps, &leads));
        warnings.extend(wrong_clocks(inputs, &steps));
        warnings.extend(compromised_keys(inputs, &steps, &revoked));
        warnings.extend(unfunded(&steps, &inputs.batch.accounts, inputs.observed));

        let mut plan = Self {
            plan_id: crate::model::Digest::of(&[]),
            made_at: inputs.now,
            manifest: inputs.batch.digest(),
            state: inputs.state.clone(),
            accounts: planned_accounts(inputs, &steps),
            offline: inputs.offline,
            targets: inputs.targets.to_vec(),
            rekey: inputs.rekey.to_vec(),
            pace: inputs.pace,
            cost: cost(&steps, &inputs.batch.accounts, inputs.observed),
            steps,
            news,
            warnings,
            breaches: Vec::new(),
        };
        plan.breaches = breaches(&plan, &inputs.policy, inputs.allowance);
        plan.plan_id = plan.digest();
        plan
    }
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
                    let known = certificates_in_force(observed, inputs.today(name));
                    known.saturating_add(unlisted(name, steps))
                }),
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
        .map(|order| match certificates_of(account, order) {
            Some(certificates) => u32::try_from(
                certificates
                    .iter()
                    .filter(|one| one.is_in_force(today))
                    .count(),
            )
            .unwrap_or(u32::MAX),
            None => match live_state(order, today) {
                LiveState::Issued | LiveState::Reissuing => 1 + order.duplicates.unwrap_or(0),
                LiveState::Requested | LiveState::Lapsed | LiveState::Ended(_) => 0,
            },
        })
        .fold(0, u32::saturating_add)
}

/// Each account whose CA shows another time than this machine.
fn wrong_clocks(inputs: &Inputs<'_>, steps: &[Step]) -> Vec<Warning> {
    let used: BTreeSet<&AccountName> = steps.iter().map(|step| &step.account).collect();
    used.into_iter()
        .filter_map(|name| {
            let clock = inputs.observed.accounts.get(name)?.clock?;
            let refused = if clock.refuses() {
                "the CA may refuse what is signed by a clock so far off; "
            } else {
                ""
            };
            let renews = inputs.batch.items.iter().any(|item| {
                let of_account = item.account == *name;
                of_account && matches!(&item.wanted, Wanted::Order(order) if order.renew.is_some())
            });
            let held = if renews && is_far_off(clock) {
                ", and nothing is renewed"
            } else {
                ""
            };
            clock.is_off().then(|| Warning {
                address: None,
                message: format!(
                    "account `{name}`: {}: {refused}days left and what is due count by the CA's clock, and nothing in doubt is settled as not placed{held} until this clock is set right",
                    clock.words()
                ),
            })
        })
        .collect()
}

/// Every certificate of an order, where it was read: the list counts no archived ones.
fn certificates_of<'a>(
    account: &'a ObservedAccount,
    order: &'a ObservedOrder,
) -> Option<&'a Vec<ObservedCertificate>> {
    let read = account.details.get(&order.id).and_then(Option::as_ref);
    let read = read.and_then(|read| read.certificates.as_ref());
    order.certificates.as_ref().or(read)
}

/// How many certificates of an account are to die that no list shows.
fn unlisted(account: &AccountName, all: &[Step]) -> u32 {
    let steps = all.iter().filter(|step| step.account == *account);
    let pins = steps.flat_map(|step| &step.revokes);
    let unlisted = pins.filter(|pin| pin.kind == CertificateKind::Unlisted);
    let ids: BTreeSet<_> = unlisted.map(|pin| &pin.certificate_id).collect();
    let named = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let mut dying = Dying::default();
    let steps = all.iter().filter(|step| step.account == *account);
    steps.for_each(|step| dying.add(step));
    named.saturating_add(dying.unnamed_count())
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
                if matches!(live.state, LiveState::Ended(_)) {
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
