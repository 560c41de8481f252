//! `certplan import`: binds an order that exists at the CA to a name, or prints a manifest of the
//! orders in force.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::fact_writer::{FactWriter, item_of};
use crate::cli::args::{Common, ImportArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal_view::JournalView;
use crate::cli::output::Output;
use crate::cli::session::{Accounts, Session, new_run};
use crate::journal::{self, Holder};
use crate::manifest::{self, Input};
use crate::model::{
    Account, AccountName, Address, Adoption, FactBody, LiveState, Observed, ObservedOrder, OrderId,
    OrderStatus, Phase, Provider, Region, SecretSource, Untrusted, Wanted, differences,
    extra_names, live_state, seen,
};
use crate::provider::{Depth, Observe};

pub(super) async fn run(
    common: &Common,
    args: &ImportArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::load(common, None, output)?;
    match (&args.address, &args.id) {
        (Some(address), Some(id)) => bind(&session, args, address, id, output).await,
        _ => print_all(&session, args, output).await,
    }
}

async fn bind(
    session: &Session,
    args: &ImportArgs,
    address: &Address,
    id: &OrderId,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let item = item_of(session, address)?;
    let Wanted::Order(order) = &item.wanted else {
        return Err(CliError::Usage(format!(
            "{address} is a revocation: only orders are imported"
        )));
    };
    let accounts = session.open(&std::iter::once(item.account.clone()).collect())?;
    let observed = read(&accounts, &item.account, id).await?;
    let run = new_run();
    let holder = Holder {
        command: "import".to_owned(),
        run: run.clone(),
    };
    let journal = journal::open(&session.location, holder, args.lock_timeout).await?;
    let known = JournalView::held(&*journal);
    session.check_bindings(&known.bindings, &Observed::default())?;
    let owner = owner(session, &known, id, address)?;
    let different = differences(order, &observed);
    for difference in &different {
        output.warning(&format!("order {id}: {difference}"));
    }
    let extra = extra_names(order, &observed);
    if !extra.is_empty() {
        output.warning(&format!("order {id}: also for {}", extra.join(", ")));
    }
    let agrees = different.is_empty();
    if let Some(product) = &observed.product
        && *product != order.product
    {
        return Err(CliError::Refused(format!(
            "order {id} is for {product}, and {address} asks for {}: nothing was bound",
            order.product
        )));
    }
    if !agrees && !args.yes {
        agree(address, id, output)?;
    }
    let open = journal.record(address).and_then(|record| record.open);
    let attempt = open.as_ref().map(|open| &open.attempt);
    let tag = session.tag(item, order.generation);
    let mut facts = Vec::new();
    if open
        .as_ref()
        .is_some_and(|open| open.phase == Phase::Sending)
    {
        let why = Untrusted::new("a run ended between the intent and the outcome");
        let boot = crate::files::clock::now().boot;
        facts.push(FactBody::Doubted { why, boot });
    }
    let adoption = Adoption::of(attempt, &observed, order, tag.as_ref());
    facts.push(adoption.fact("imported by a person"));
    facts.push(seen(&observed, today()));
    if let Some(binding) = session.binding(&item.account, &Observed::default()) {
        journal.bind(&item.account, binding).await?;
    }
    let writer = FactWriter {
        journal: &*journal,
        run,
        item,
    };
    writer.write_after(owner, id, facts).await?;
    journal.close().await?;
    output.result(|out| writeln!(out, "{address}: bound to order {id}."));
    if !agrees {
        output.hint("The next plan shows what differs as a reissue or a warning.");
    }
    Ok(Exit::Done)
}

/// An order that differs is bound only when a person says so.
fn agree(address: &Address, id: &OrderId, output: &Output) -> Result<(), CliError> {
    if !output.can_ask() {
        return Err(CliError::Usage(format!(
            "order {id} is not what {address} asks for: say `--yes` to bind it all the same"
        )));
    }
    let typed = output.ask(&format!(
        "Order {id} is not what {address} asks for. Type its id to bind it all the same:"
    ));
    if typed.as_deref() == Some(id.as_str()) {
        return Ok(());
    }
    Err(CliError::Failed(
        "nothing was bound: the id was not typed".to_owned(),
    ))
}

/// The entry that is gone from the manifest and still has the order; an entry that is there keeps it.
fn owner(
    session: &Session,
    known: &JournalView,
    id: &OrderId,
    address: &Address,
) -> Result<Option<Address>, CliError> {
    let taken = known.records.iter().find(|(_, record)| {
        let live = record.live.as_ref();
        live.is_some_and(|live| live.order_id == *id)
    });
    let Some((other, record)) = taken else {
        return Ok(None);
    };
    let mut items = session.batch.items.iter();
    if other == address || items.any(|item| item.address == *other) {
        return Err(CliError::Failed(format!(
            "order {id} is already bound to {other}"
        )));
    }
    if record.open.is_some() {
        return Err(CliError::Failed(format!(
            "order {id} is bound to {other}, and a call of {other} is not settled: `certplan resolve {other}`"
        )));
    }
    Ok(Some(other.clone()))
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

async fn read(
    accounts: &Accounts,
    account: &AccountName,
    id: &OrderId,
) -> Result<ObservedOrder, CliError> {
    let Some(act) = accounts.get(account) else {
        return Err(CliError::Failed(format!(
            "account `{account}` cannot be opened"
        )));
    };
    let observe: &dyn Observe = act.as_ref();
    observe
        .order(id, Depth::Order)
        .await
        .map_err(|error| CliError::Provider {
            account: account.to_string(),
            error,
        })?
        .ok_or_else(|| CliError::Failed(format!("the CA shows no order {id} to this key")))
}

async fn print_all(
    session: &Session,
    args: &ImportArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let account = one_account(session, args.account.as_ref())?;
    let provider = session
        .batch
        .accounts
        .get(&account)
        .map(|account| account.provider.clone());
    if !matches!(provider, Some(Provider::CertCentral { .. })) {
        return Err(CliError::Usage(format!(
            "account `{account}`: orders at ncloud are not offered in a manifest yet"
        )));
    }
    let accounts = session.open(&std::iter::once(account.clone()).collect())?;
    let Some(act) = accounts.get(&account) else {
        return Err(CliError::Failed(format!(
            "account `{account}` cannot be opened"
        )));
    };
    let observe: &dyn Observe = act.as_ref();
    let failed = |error| CliError::Provider {
        account: account.to_string(),
        error,
    };
    let listed = observe.orders().await.map_err(failed)?;
    let mut names = BTreeSet::new();
    let mut orders = Map::new();
    let mut commands = Vec::new();
    let accounts = session.batch.accounts.get(&account).map(account_entry);
    let whole = |orders: &Map<String, Value>| {
        json!({
            "version": 1, "accounts": { account.as_str(): &accounts }, "orders": orders,
        })
    };
    let today = today();
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
            output.warning(&format!(
                "order {} is left out, as no manifest can ask for it: {fault}",
                order.id
            ));
            continue;
        }
        commands.push(format!("certplan import orders.{name} {}", order.id));
        orders.insert(name, entry);
    }
    let text = serde_yaml::to_string(&whole(&orders))
        .map_err(|error| CliError::Failed(format!("the manifest cannot be written: {error}")))?;
    output.result(|out| {
        writeln!(
            out,
            "# Orders in force in account `{account}`, a manifest of its own. With it as it is, or with\n# its orders taken over into another manifest, bind each to its name:"
        )?;
        for command in &commands {
            writeln!(out, "#   {command}")?;
        }
        out.write_all(text.as_bytes())
    });
    Ok(Exit::Done)
}

/// The account as a manifest has it; where its keys come from, never the keys.
fn account_entry(account: &Account) -> Value {
    let source = |source: &SecretSource| match source {
        SecretSource::Env(name) => json!({ "env": name }),
        SecretSource::File(path) => json!({ "file": path }),
    };
    let mut entry = match &account.provider {
        Provider::CertCentral {
            region,
            api_key,
            key_id,
        } => {
            let region = match region {
                Region::Us => "us",
                Region::Eu => "eu",
            };
            let mut entry = json!({
                "provider": "certcentral", "region": region, "api_key": source(api_key),
            });
            if let Some(id) = key_id {
                entry["key_id"] = json!(id.as_str());
            }
            entry
        }
        Provider::Ncloud {
            access_key,
            secret_key,
        } => json!({
            "provider": "ncloud", "access_key": source(access_key), "secret_key": source(secret_key),
        }),
    };
    let limits = account.rate_limits.iter().map(|limit| {
        json!({ "requests": limit.requests, "per": format!("{}ms", limit.per.as_millis()) })
    });
    entry["rate_limits"] = limits.collect();
    entry["max_in_flight"] = json!(account.max_in_flight);
    entry
}

fn one_account(session: &Session, wanted: Option<&AccountName>) -> Result<AccountName, CliError> {
    let accounts = &session.batch.accounts;
    match wanted {
        Some(name) if accounts.contains_key(name) => Ok(name.clone()),
        Some(name) => Err(CliError::Usage(format!(
            "the manifest has no account `{name}`"
        ))),
        None => {
            let mut names = accounts.keys();
            match (names.next(), names.next()) {
                (Some(only), None) => Ok(only.clone()),
                (None, _) => Err(CliError::Usage("the manifest has no account".to_owned())),
                _ => Err(CliError::Usage(
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
    let problems = manifest::load(&[Input::Stdin(text.into_bytes())]).err()?;
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
