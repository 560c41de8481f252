//! A manifest of the orders in force in an account: [`inventory`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::error::EngineError;
use super::notice::Tell;
use super::workspace::Workspace;
use crate::manifest::{self, Input};
use crate::model::{
    Account, AccountName, LiveState, ObservedOrder, OrderId, OrderStatus, Provider, SecretSource,
    ca_day, live_state,
};
use crate::provider::{Depth, Observe, authorities};

/// What is in force in an account.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The account.
    pub account: AccountName,
    /// The name that each order has in the manifest.
    pub names: Vec<(String, OrderId)>,
    /// The manifest, as YAML.
    pub manifest: String,
}

/// Reads every order in force in full; what no manifest can ask for is left out with a warning. Without an
/// account, the manifest's only one.
pub async fn inventory(
    workspace: &Workspace,
    account: Option<&AccountName>,
    tell: &dyn Tell,
) -> Result<Inventory, EngineError> {
    let account = one_account(workspace, account)?;
    let provider = workspace
        .batch
        .accounts
        .get(&account)
        .map(|account| account.provider.clone());
    if let Some(provider) = provider
        && provider.authority.tag_member().is_none()
    {
        return Err(EngineError::Usage(format!(
            "account `{account}`: orders at {} are not offered in a manifest yet",
            provider.name()
        )));
    }
    let accounts = workspace.open(&std::iter::once(account.clone()).collect())?;
    let Some(act) = accounts.get(&account) else {
        return Err(EngineError::Failed(format!(
            "account `{account}` cannot be opened"
        )));
    };
    let observe: &dyn Observe = act.as_ref();
    let failed = |error| EngineError::provider(&account, error);
    let mut listed = observe.orders().await.map_err(failed)?;
    // The list may leave out what waits for an administrator.
    let known: BTreeSet<OrderId> = listed.iter().map(|order| order.id.clone()).collect();
    let waiting = observe.waiting_orders().await.map_err(failed)?;
    listed.extend(waiting.into_iter().filter(|one| !known.contains(&one.id)));
    let mut names = BTreeSet::new();
    let mut orders = Map::new();
    let mut bound = Vec::new();
    let accounts = workspace.batch.accounts.get(&account).map(account_entry);
    let whole = |orders: &Map<String, Value>| {
        json!({
            "version": 1, "accounts": { account.as_str(): &accounts }, "orders": orders,
        })
    };
    let today = ca_day(observe.clock(), Timestamp::now());
    for summary in listed.iter().filter(|order| is_in_force(order, today)) {
        let order = observe
            .order(&summary.id, Depth::Order)
            .await
            .map_err(failed)?;
        let order = order.unwrap_or_else(|| summary.clone());
        let name = free_name(&order, &mut names);
        let stands = |entry: &Value| {
            let alone = Map::from_iter([(name.clone(), entry.clone())]);
            problem(&whole(&alone))
        };
        let mut entry = entry(&account, &order);
        let mut fault = stands(&entry);
        // The CA takes names from the order, so its CSR may be for others: a manifest refuses that.
        if fault.is_some()
            && let Some(Value::Object(certificate)) = entry.get_mut("certificate")
            && certificate.remove("csr").is_some()
        {
            fault = stands(&entry);
        }
        if let Some(fault) = fault {
            tell.warning(format!(
                "order {} is left out, as no manifest can ask for it: {fault}",
                order.id
            ));
            continue;
        }
        bound.push((name.clone(), order.id));
        orders.insert(name, entry);
    }
    let manifest = serde_yaml::to_string(&whole(&orders))
        .map_err(|error| EngineError::Failed(format!("the manifest cannot be written: {error}")))?;
    Ok(Inventory {
        names: bound,
        manifest,
        account,
    })
}

/// The account as a manifest has it; where its keys come from, never the keys.
fn account_entry(account: &Account) -> Value {
    let source = |source: &SecretSource| match source {
        SecretSource::Env(name) => json!({ "env": name }),
        SecretSource::File(path) => json!({ "file": path }),
    };
    let Provider {
        authority,
        region,
        credentials,
        key_id,
    } = &account.provider;
    let mut entry = json!({ "provider": authority.name() });
    if let Some(region) = region.name {
        entry["region"] = json!(region);
    }
    for (member, from) in authority.credentials().iter().zip(credentials) {
        entry[member.name] = source(from);
    }
    if let Some(id) = key_id {
        entry["key_id"] = json!(id.as_str());
    }
    let limits = account.rate_limits.iter().map(|limit| {
        json!({ "requests": limit.requests, "per": format!("{}ms", limit.per.as_millis()) })
    });
    entry["rate_limits"] = limits.collect();
    entry["max_in_flight"] = json!(account.max_in_flight);
    entry
}

fn one_account(
    workspace: &Workspace,
    wanted: Option<&AccountName>,
) -> Result<AccountName, EngineError> {
    let accounts = &workspace.batch.accounts;
    match wanted {
        Some(name) if accounts.contains_key(name) => Ok(name.clone()),
        Some(name) => Err(EngineError::Usage(format!(
            "the manifest has no account `{name}`"
        ))),
        None => {
            let mut names = accounts.keys();
            match (names.next(), names.next()) {
                (Some(only), None) => Ok(only.clone()),
                (None, _) => Err(EngineError::Usage("the manifest has no account".to_owned())),
                _ => Err(EngineError::Usage(
                    "the manifest has several accounts: say which with `--account`".to_owned(),
                )),
            }
        }
    }
}

/// Why a manifest does not stand; `None` when it does.
fn problem(manifest: &Value) -> Option<String> {
    let text = match serde_yaml::to_string(manifest) {
        Ok(text) => text,
        Err(error) => return Some(error.to_string()),
    };
    let problems = manifest::load(&[Input::Stdin(text.into_bytes())], &authorities()).err()?;
    let first = problems.lines().into_iter().next();
    Some(first.map_or_else(String::new, |line| line.message))
}

fn is_in_force(order: &ObservedOrder, today: Date) -> bool {
    match live_state(order, today) {
        LiveState::Requested => matches!(order.status, OrderStatus::Pending(..)),
        LiveState::Issued | LiveState::Reissuing => true,
        LiveState::Lapsed | LiveState::Ended(_) => false,
    }
}

/// A name from the common name, with the order's id where that is taken.
fn free_name(order: &ObservedOrder, names: &mut BTreeSet<String>) -> String {
    let wanted = order
        .common_name
        .as_deref()
        .or(order.names.first().map(String::as_str));
    let mut name: String = wanted
        .unwrap_or("order")
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .collect::<String>()
        .trim_matches('-')
        .chars()
        .take(40)
        .collect();
    if name.is_empty() {
        name = "order".to_owned();
    }
    if !names.insert(name.clone()) {
        name = format!("{name}-{}", order.id);
        names.insert(name.clone());
    }
    name
}

fn entry(account: &AccountName, order: &ObservedOrder) -> Value {
    let mut entry = order.members.clone();
    entry.insert("account".to_owned(), json!(account.as_str()));
    if let Some(product) = &order.product {
        entry.insert("product".to_owned(), json!(product));
    }
    // Where the CA does not say what was asked for, it says when the order ends.
    let validity = ["validity_years", "validity_days", "order_validity"];
    if let Some(day) = order.valid_till
        && !validity.iter().any(|name| entry.contains_key(*name))
    {
        entry.insert("custom_expiration_date".to_owned(), json!(day.to_string()));
    }
    Value::Object(entry)
}
