//! A manifest of the orders in force in an account: [`inventory`].

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::error::EngineError;
use super::inventory_names::{Name, Naming};
use super::journal_view::JournalView;
use super::notice::Tell;
use super::workspace::Workspace;
use crate::manifest::{self, Input};
use crate::model::{
    Account, AccountName, LiveState, ObservedOrder, Order, OrderId, OrderStatus, Provider,
    SecretSource, Wanted, ca_day, differences, live_state,
};
use crate::provider::{Depth, Observe, authorities};

/// What is in force in an account.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The account.
    pub account: AccountName,
    /// How many orders the manifest has.
    pub orders: usize,
    /// The manifest, as YAML: each entry names its order, so that nothing is bought by it.
    pub manifest: String,
    /// What cannot be written as an entry.
    pub left_out: Vec<LeftOut>,
}

/// An order that is in force and in no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The order.
    pub id: OrderId,
    /// What it is for, as far as the CA shows it: the product, the common name.
    pub what: Vec<String>,
    /// Why. It may quote a CA.
    pub why: String,
}

/// Reads every order in force in full. Without an account, the manifest's only one.
pub async fn inventory(
    workspace: &Workspace,
    account: Option<&AccountName>,
    tell: &dyn Tell,
) -> Result<Inventory, EngineError> {
    let account = one_account(workspace, account)?;
    let known = workspace.batch.accounts.get(&account);
    if let Some(Account { provider, .. }) = known
        && provider.authority.tag_member().is_none()
    {
        return Err(EngineError::Usage(format!(
            "account `{account}`: orders at {} are not offered in a manifest yet",
            provider.name()
        )));
    }
    let in_flight = known.map_or(1, |account| account.max_in_flight.max(1));
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
    let shown: BTreeSet<OrderId> = listed.iter().map(|order| order.id.clone()).collect();
    let waiting = observe.waiting_orders().await.map_err(failed)?;
    listed.extend(waiting.into_iter().filter(|one| !shown.contains(&one.id)));
    let today = ca_day(observe.clock(), Timestamp::now());
    listed.retain(|order| is_in_force(order, today));
    let mut progress = Progress::begin(listed.len(), tell);
    let records = match JournalView::read(&workspace.location).await {
        Ok(known) => known.records,
        Err(error) => {
            tell.warning(format!(
                "the names in the state are not used, as it cannot be read: {error}"
            ));
            Default::default()
        }
    };
    let mut draft = Draft {
        account: &account,
        entry: known.map(account_entry),
        naming: Naming::new(workspace, &account, &records),
        orders: Map::new(),
        left_out: Vec::new(),
    };
    let read = async |summary: ObservedOrder| {
        let order = observe.order(&summary.id, Depth::Order).await?;
        Ok(order.unwrap_or(summary))
    };
    let mut orders = stream::iter(listed).map(read).buffered(in_flight);
    while let Some(order) = orders.next().await {
        draft.take(&order.map_err(failed)?);
        progress.one_more();
    }
    drop(orders);
    let manifest = serde_yaml::to_string(&draft.manifest(&draft.orders))
        .map_err(|error| EngineError::Failed(format!("the manifest cannot be written: {error}")))?;
    Ok(Inventory {
        orders: draft.orders.len(),
        left_out: draft.left_out,
        manifest,
        account: account.clone(),
    })
}

/// A manifest that grows order by order.
struct Draft<'a> {
    account: &'a AccountName,
    entry: Option<Value>,
    naming: Naming<'a>,
    orders: Map<String, Value>,
    left_out: Vec<LeftOut>,
}

impl Draft<'_> {
    fn manifest(&self, orders: &Map<String, Value>) -> Value {
        json!({
            "version": 1, "accounts": { self.account.as_str(): &self.entry }, "orders": orders,
        })
    }

    fn take(&mut self, order: &ObservedOrder) {
        let result = self.naming.name(order).and_then(|name| {
            let entry = self.entry_of(order, &name)?;
            Ok((name, entry))
        });
        match result {
            Ok((name, entry)) => {
                self.orders.insert(name.name.to_string(), entry);
            }
            Err(why) => {
                let shown = [&order.product, &order.common_name];
                self.left_out.push(LeftOut {
                    id: order.id.clone(),
                    what: shown.into_iter().flatten().cloned().collect(),
                    why,
                });
            }
        }
    }

    /// The entry, proved: it validates, and it asks for what the order is.
    fn entry_of(&self, order: &ObservedOrder, name: &Name) -> Result<Value, String> {
        let mut entry = entry(self.account, order, name);
        let stands = |entry: &Value| {
            let alone = Map::from_iter([(name.name.to_string(), entry.clone())]);
            only_order(&self.manifest(&alone))
        };
        let mut stood = stands(&entry);
        // The CA takes names from the order, so its CSR may be for others: a manifest refuses that.
        if stood.is_err()
            && let Some(Value::Object(certificate)) = entry.get_mut("certificate")
            && certificate.remove("csr").is_some()
        {
            stood = stands(&entry);
        }
        let wanted = stood?;
        let mut different = differences(&wanted, order);
        different.retain(|text| !text.starts_with("key ") && !text.starts_with("no CSR"));
        if different.is_empty() {
            Ok(entry)
        } else {
            Err(format!(
                "an entry for it would ask for something else: {}",
                different.join("; ")
            ))
        }
    }
}

/// How far the reading is, told now and then.
struct Progress<'a> {
    tell: &'a dyn Tell,
    total: usize,
    done: usize,
    told: Instant,
}

impl<'a> Progress<'a> {
    /// So many orders between two lines.
    const STEP: usize = 100;
    /// Or so much time.
    const PAUSE: Duration = Duration::from_secs(10);

    fn begin(total: usize, tell: &'a dyn Tell) -> Self {
        let orders = if total == 1 { "order is" } else { "orders are" };
        tell.progress(format!("{total} {orders} in force; each is read."));
        Self {
            tell,
            total,
            done: 0,
            told: Instant::now(),
        }
    }

    fn one_more(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(Self::STEP) || self.told.elapsed() >= Self::PAUSE {
            self.told = Instant::now();
            self.tell
                .progress(format!("Read {} of {} orders.", self.done, self.total));
        }
    }
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

/// The one order of a manifest, or why it does not stand.
fn only_order(manifest: &Value) -> Result<Box<Order>, String> {
    let text = serde_yaml::to_string(manifest).map_err(|error| error.to_string())?;
    let loaded = manifest::load(&[Input::Stdin(text.into_bytes())], &authorities());
    let loaded = loaded.map_err(|problems| {
        let said: Vec<String> = problems
            .lines()
            .into_iter()
            .map(|line| line.message)
            .collect();
        said.join("; ")
    })?;
    let wanted = loaded.batch.items.into_iter().map(|item| item.wanted);
    let mut orders = wanted.filter_map(|wanted| match wanted {
        Wanted::Order(order) => Some(order),
        Wanted::Revocation(_) => None,
    });
    orders.next().ok_or_else(|| "it has no entry".to_owned())
}

fn is_in_force(order: &ObservedOrder, today: Date) -> bool {
    match live_state(order, today) {
        LiveState::Requested => matches!(order.status, OrderStatus::Pending(..)),
        LiveState::Issued | LiveState::Reissuing => true,
        LiveState::Lapsed | LiveState::Ended(_) => false,
    }
}

fn entry(account: &AccountName, order: &ObservedOrder, name: &Name) -> Value {
    let mut entry = order.members.clone();
    entry.insert("existing_order_id".to_owned(), json!(order.id.as_str()));
    if name.generation > 1 {
        entry.insert("generation".to_owned(), json!(name.generation));
    }
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
