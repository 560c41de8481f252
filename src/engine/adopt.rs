//! Binds an order that exists at the CA to a name: [`adopt`].

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::consent::Consent;
use super::durable::Durable;
use super::error::EngineError;
use super::fact_writer::{FactWriter, item_of};
use super::journal_view::JournalView;
use super::notice::Tell;
use super::other_state::in_the_way;
use super::workspace::{Accounts, Workspace, new_run};
use crate::journal::{self, Holder};
use crate::model::{
    AccountName, Address, Adoption, FactBody, Item, LiveOrder, LiveState, Observed, ObservedOrder,
    Order, OrderId, Phase, Tag, Untrusted, Wanted, ca_day, differences, extra_addresses,
    extra_names, live_state, seen_of,
};
use crate::provider::{Depth, Observe};

/// The generations of a name whose tags are its own.
const GENERATIONS: u32 = 9;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct AdoptRequest {
    /// The order in the manifest.
    pub address: Address,
    /// The order's id at the CA.
    pub id: OrderId,
    /// How long to wait for another run to release the state.
    pub lock_timeout: Duration,
}

/// An order that is bound to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// Whether it is what the manifest asks for.
    pub agrees: bool,
}

/// Binds the order. `consents` is asked about an order that is not what the manifest asks for.
///
/// Errors: an order of another product, or of an entry that is still in the manifest. Nothing was bound
/// then.
pub async fn adopt(
    workspace: &Workspace,
    request: &AdoptRequest,
    consents: &dyn Fn() -> Consent,
    tell: &dyn Tell,
) -> Result<Durable<Adopted>, EngineError> {
    let AdoptRequest {
        address,
        id,
        lock_timeout,
    } = request;
    let item = item_of(workspace, address)?;
    let Wanted::Order(order) = &item.wanted else {
        return Err(EngineError::Usage(format!(
            "{address} is a revocation: only orders are imported"
        )));
    };
    let accounts = workspace.open(&std::iter::once(item.account.clone()).collect())?;
    let observed = read(&accounts, &item.account, id).await?;
    let run = new_run();
    let holder = Holder {
        command: "import".to_owned(),
        run: run.clone(),
    };
    let journal = journal::open(&workspace.location, holder, *lock_timeout).await?;
    let known = JournalView::held(&*journal);
    workspace.check_bindings(&known.bindings.accounts, &Observed::default())?;
    if let Some(why) = in_the_way(workspace, &known, &Observed::default()).await? {
        return Err(EngineError::Failed(why));
    }
    let owner = owner(workspace, &known, id, address)?;
    let renews = match renewed_by(&known, address, id, &accounts, &item.account).await? {
        Some(renews) => Some(renews),
        None => {
            check_free(&known, address, order.generation)?;
            None
        }
    };
    let own_tags = own_tags(workspace, item, owner.as_ref());
    let clock = accounts.get(&item.account).and_then(|act| act.clock());
    let today = ca_day(clock, Timestamp::now());
    let mut different = differences(order, &observed);
    different.extend(other_differences(order, &observed, &own_tags));
    different.extend(is_over(&observed, today));
    for difference in &different {
        tell.warning(format!("order {id}: {difference}"));
    }
    let agrees = different.is_empty();
    if let Some(product) = &observed.product
        && *product != order.product
    {
        return Err(EngineError::Refused(format!(
            "order {id} is for {}, and {address} asks for {}: nothing was bound",
            Untrusted::new(product.as_str()),
            order.product
        )));
    }
    if !agrees {
        check_consent(address, id, consents())?;
    }
    let open = journal.record(address).and_then(|record| record.open);
    let attempt = open.as_ref().map(|open| &open.attempt);
    let tag = workspace.tag(item, order.generation);
    let mut facts = Vec::new();
    if open
        .as_ref()
        .is_some_and(|open| open.phase == Phase::Sending)
    {
        let why = Untrusted::new("a run ended between the intent and the outcome");
        let ahead = accounts.get(&item.account).and_then(|act| act.clock_skew());
        let now = crate::files::clock::now().with_ca(ahead);
        facts.push(FactBody::doubted(why, now));
    }
    let mut adoption = Adoption::of(attempt, &observed, order, tag.as_ref());
    if let Some(renews) = &renews {
        adoption = adoption.renewing(renews);
    }
    facts.push(adoption.fact("imported by a person"));
    facts.push(seen_of(&observed, today));
    if let Some(binding) = workspace.binding(&item.account, &Observed::default()) {
        journal.bind(&item.account, binding).await?;
    }
    let writer = FactWriter {
        journal: &*journal,
        run,
        item,
    };
    writer.write_after(owner, id, facts).await?;
    Ok(Durable::after(Adopted { agrees }, &*journal).await)
}

/// The order of the name that the CA shows as renewed by this one: it is bound as its renewal.
async fn renewed_by(
    known: &JournalView,
    address: &Address,
    id: &OrderId,
    accounts: &Accounts,
    account: &AccountName,
) -> Result<Option<OrderId>, EngineError> {
    let record = known.records.get(address);
    let Some(live) = record.and_then(|record| record.live.as_ref()) else {
        return Ok(None);
    };
    if live.order_id == *id || record.is_some_and(|record| record.successor.is_some()) {
        return Ok(None);
    }
    let shown = read(accounts, account, &live.order_id).await?;
    let follows = shown.renewed_by.as_ref() == Some(id);
    Ok(follows.then(|| live.order_id.clone()))
}

/// A name stands for one order; a later generation of it takes the place of one that is over.
fn check_free(known: &JournalView, address: &Address, generation: u32) -> Result<(), EngineError> {
    let record = known.records.get(address);
    let over = |live: &&LiveOrder| {
        let over = matches!(live.state, LiveState::Ended(_) | LiveState::Lapsed);
        over && generation > live.generation
    };
    match record.and_then(|record| record.live.as_ref()) {
        Some(live) if !over(&live) => Err(EngineError::Failed(format!(
            "{address} stands for order {} already: `certplan forget {address}` parts them; nothing was bound",
            live.order_id
        ))),
        Some(_) | None => Ok(()),
    }
}

/// What a person should see of an order before it is bound, besides what an entry asks for.
fn other_differences(order: &Order, observed: &ObservedOrder, own_tags: &[Tag]) -> Vec<String> {
    let mut found = Vec::new();
    if observed.product.is_none() {
        found.push("the CA does not show its product".to_owned());
    }
    if observed.common_name.is_none() && observed.names.is_empty() {
        found.push("the CA shows no names of it".to_owned());
    }
    let mut extra = extra_names(order, observed);
    extra.extend(extra_addresses(order, observed));
    if !extra.is_empty() {
        found.push(format!("also for {}", extra.join(", ")));
    }
    if let Some(carried) = observed.tag.as_deref()
        && carried.starts_with(Tag::PREFIX)
        && !own_tags.iter().any(|tag| tag.as_str() == carried)
    {
        found.push(format!("it carries {carried}, the tag of another entry"));
    }
    found
}

fn is_over(observed: &ObservedOrder, today: Date) -> Option<String> {
    match live_state(observed, today) {
        LiveState::Ended(ending) => Some(format!("it is {}", ending.word())),
        LiveState::Lapsed => Some("its certificate ran out".to_owned()),
        LiveState::Requested | LiveState::Issued | LiveState::Reissuing => None,
    }
}

/// The tags by which the order is known to be this entry's: those of its name, and those of the name that it had.
fn own_tags(workspace: &Workspace, item: &Item, owner: Option<&Address>) -> Vec<Tag> {
    let addresses = std::iter::once(&item.address).chain(owner);
    addresses
        .flat_map(|address| (1..=GENERATIONS).map(move |generation| (address, generation)))
        .filter_map(|(address, generation)| workspace.tag_of(&item.account, address, generation))
        .collect()
}

/// An order that differs is bound only when a person says so.
fn check_consent(address: &Address, id: &OrderId, consent: Consent) -> Result<(), EngineError> {
    match consent {
        Consent::Given => Ok(()),
        Consent::Withheld => Err(EngineError::Failed(
            "nothing was bound: the id was not typed".to_owned(),
        )),
        Consent::NobodyToAsk => Err(EngineError::Usage(format!(
            "order {id} is not what {address} asks for: say `--yes` to bind it all the same"
        ))),
    }
}

/// The entry that is gone from the manifest and still has the order; an entry that is there keeps it.
fn owner(
    workspace: &Workspace,
    known: &JournalView,
    id: &OrderId,
    address: &Address,
) -> Result<Option<Address>, EngineError> {
    let mut records = known.records.iter();
    let taken = records.find(|(_, record)| record.bound_orders().any(|bound| bound == id));
    let Some((other, record)) = taken else {
        return Ok(None);
    };
    let mut items = workspace.batch.items.iter();
    if other == address || items.any(|item| item.address == *other) {
        return Err(EngineError::Failed(format!(
            "order {id} is already bound to {other}"
        )));
    }
    if record.open.is_some() {
        return Err(EngineError::Failed(format!(
            "order {id} is bound to {other}, and a call of {other} is not settled: `certplan resolve {other}`"
        )));
    }
    Ok(Some(other.clone()))
}

async fn read(
    accounts: &Accounts,
    account: &AccountName,
    id: &OrderId,
) -> Result<ObservedOrder, EngineError> {
    let Some(act) = accounts.get(account) else {
        return Err(EngineError::Failed(format!(
            "account `{account}` cannot be opened"
        )));
    };
    let observe: &dyn Observe = act.as_ref();
    observe
        .order(id, Depth::Order)
        .await
        .map_err(|error| EngineError::provider(account, error))?
        .ok_or_else(|| EngineError::Failed(format!("the CA shows no order {id} to this key")))
}
