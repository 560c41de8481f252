//! What a plan takes: API requests, time under the rate limits, money where the CA tells.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Action, Cost, Step, Warning};
use crate::model::{Account, AccountName, Observed, Operation, RateLimit};

/// The cost of carrying these steps out, the reads that apply makes for them included.
pub(super) fn cost(
    steps: &[Step],
    accounts: &BTreeMap<AccountName, Account>,
    observed: &Observed,
) -> Cost {
    let mut cost = Cost::default();
    for step in steps {
        let requests = requests_of(step);
        if requests > 0 {
            *cost.requests.entry(step.account.clone()).or_default() += requests;
        }
        if matches!(step.action, Action::Order | Action::Renew) {
            match step.price {
                Some(price) => cost.money = Some(cost.money.unwrap_or(Decimal::ZERO) + price),
                None => cost.unpriced += 1,
            }
        }
    }
    for (name, requests) in &mut cost.requests {
        // One look at what changed, after the last call.
        *requests += 1;
        if let Some(account) = accounts.get(name) {
            cost.seconds = cost
                .seconds
                .max(least_seconds(*requests, &account.rate_limits));
        }
    }
    for (name, account) in &observed.accounts {
        if let Some((funds, currency)) = &account.funds {
            cost.funds.insert(name.clone(), *funds);
            cost.currency.get_or_insert_with(|| currency.clone());
        }
    }
    cost
}

/// What the CA will refuse because the account cannot pay for it, as far as prices are known.
pub(super) fn unfunded(
    steps: &[Step],
    accounts: &BTreeMap<AccountName, Account>,
    observed: &Observed,
) -> Vec<Warning> {
    let mut needed: BTreeMap<&AccountName, Decimal> = BTreeMap::new();
    for step in steps {
        if let (Some(Operation::Order(operation)), Some(price)) = (&step.operation, step.price)
            && matches!(step.action, Action::Order | Action::Renew)
            && let Some(account) = accounts.get(&step.account)
            && let Some(form) = account.provider.authority.order_form()
            && form.spends_funds(&operation.order.term_members)
        {
            *needed.entry(&step.account).or_default() += price;
        }
    }
    let unfunded = needed.into_iter().filter_map(|(name, needed)| {
        let (funds, currency) = observed.accounts.get(name)?.funds.as_ref()?;
        (needed > *funds).then(|| Warning {
            address: None,
            message: format!(
                "account `{name}` has funds of {funds:.2} {currency}, and the orders of this plan cost {needed:.2} {currency} or more: the CA refuses what it cannot charge"
            ),
        })
    });
    unfunded.collect()
}

fn requests_of(step: &Step) -> u32 {
    match (step.action, &step.operation) {
        (Action::Order | Action::Renew | Action::Reissue, _) => 1,
        // Each call is led by a read of its order.
        (Action::Revoke, Some(Operation::Revoke(revoke))) => {
            2 * u32::try_from(revoke.parts().len()).unwrap_or(u32::MAX / 2)
        }
        (Action::Settle, _) => 2,
        (Action::Collect, _) => u32::try_from(step.requests.len()).unwrap_or(u32::MAX),
        (Action::Adopt | Action::Wait | Action::Keep | Action::Revoke, _) => 0,
    }
}

/// The least time in which rolling windows let this many requests through, in seconds.
fn least_seconds(requests: u32, limits: &[RateLimit]) -> f64 {
    limits
        .iter()
        .map(|limit| {
            let full = requests.saturating_sub(1) / limit.requests.max(1);
            f64::from(full) * limit.per.as_secs_f64()
        })
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_slower_window_decides() {
        let limits = [
            RateLimit {
                requests: 100,
                per: Duration::from_secs(5),
            },
            RateLimit {
                requests: 1000,
                per: Duration::from_secs(300),
            },
        ];
        assert_eq!(least_seconds(100, &limits), 0.0);
        assert_eq!(least_seconds(101, &limits), 5.0);
        assert_eq!(least_seconds(1000, &limits), 45.0);
        assert_eq!(least_seconds(1001, &limits), 300.0);
    }
}
