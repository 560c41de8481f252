//! Parts a name from its order: [`forget`].

use std::time::Duration;

use jiff::Timestamp;

use super::consent::Consent;
use super::durable::Durable;
use super::error::EngineError;
use super::journal_view::JournalView;
use super::workspace::{Workspace, new_run};
use crate::journal::{self, HistoryFilter, Holder};
use crate::model::{AccountName, Address, Fact, FactBody, Observed, OrderId, Records};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct ForgetRequest {
    /// The orders, in the manifest or gone from it.
    pub addresses: Vec<Address>,
    /// How long to wait for another run to release the state.
    pub lock_timeout: Duration,
}

/// A name and the order that it stood for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The name.
    pub address: Address,
    /// The order, which stays as it is at the CA.
    pub order_id: OrderId,
}

/// Parts the names from their orders, all or none. `consents` is asked about each.
///
/// Errors: a name that stands for no order, a call that is not settled. Nothing is forgotten then.
pub async fn forget(
    workspace: &Workspace,
    request: &ForgetRequest,
    consents: &dyn Fn(&Forgotten) -> Consent,
) -> Result<Durable<Vec<Forgotten>>, EngineError> {
    let run = new_run();
    let holder = Holder {
        command: "forget".to_owned(),
        run: run.clone(),
    };
    let journal = journal::open(&workspace.location, holder, request.lock_timeout).await?;
    let known = JournalView::held(&*journal);
    workspace.check_bindings(&known.bindings.accounts, &Observed::default())?;
    let (mut parted, mut facts) = (Vec::new(), Vec::new());
    for address in &request.addresses {
        let (order_id, renewal) = order_of(workspace, &known.records, address)?;
        let forgotten = Forgotten {
            address: address.clone(),
            order_id: order_id.clone(),
        };
        if parted.contains(&forgotten) {
            continue;
        }
        check_consent(&forgotten, consents(&forgotten))?;
        let account = account_of(workspace, address).await?;
        // A renewal that waits goes first: else the name would stand for it.
        facts.extend(renewal.into_iter().chain([order_id]).map(|order_id| Fact {
            at: Timestamp::now(),
            run: run.clone(),
            address: address.clone(),
            account: account.clone(),
            body: FactBody::Forgotten { order_id },
        }));
        parted.push(forgotten);
    }
    journal.append(facts).await?;
    Ok(Durable::after(parted, &*journal).await)
}

/// The order that a name stands for, and its renewal that is not issued, where nothing keeps it from being forgotten.
fn order_of(
    workspace: &Workspace,
    records: &Records,
    address: &Address,
) -> Result<(OrderId, Option<OrderId>), EngineError> {
    if matches!(address, Address::Revocation(_)) {
        return Err(EngineError::Usage(format!(
            "{address} is a revocation: only orders are forgotten"
        )));
    }
    let record = records.get(address);
    if record.is_some_and(|record| record.open.is_some()) {
        return Err(EngineError::Failed(format!(
            "a call of {address} is not settled: `certplan resolve {address}`; nothing was forgotten"
        )));
    }
    let live = record.and_then(|record| record.live.as_ref());
    let renewal = record.and_then(|record| record.successor.as_ref());
    let renewal = renewal.map(|renewal| renewal.order_id.clone());
    let both = live.map(|live| (live.order_id.clone(), renewal));
    both.ok_or_else(|| {
        EngineError::Failed(format!(
            "{address} stands for no order{}; nothing was forgotten",
            workspace.near(address)
        ))
    })
}

fn check_consent(forgotten: &Forgotten, consent: Consent) -> Result<(), EngineError> {
    let Forgotten { address, order_id } = forgotten;
    match consent {
        Consent::Given => Ok(()),
        Consent::Withheld => Err(EngineError::Failed(
            "nothing was forgotten: the id was not typed".to_owned(),
        )),
        Consent::NobodyToAsk => Err(EngineError::Usage(format!(
            "{address} stands for order {order_id}, and standard input is no terminal: say `--yes` to part them"
        ))),
    }
}

/// The account of an entry; where it is gone from the manifest, the one that its last fact names.
async fn account_of(workspace: &Workspace, address: &Address) -> Result<AccountName, EngineError> {
    let mut items = workspace.batch.items.iter();
    if let Some(item) = items.find(|item| item.address == *address) {
        return Ok(item.account.clone());
    }
    let filter = HistoryFilter {
        address: Some(address.clone()),
        run: None,
        limit: Some(1),
    };
    let lines = journal::history(&workspace.location, &filter).await?;
    let last = lines.last().and_then(|line| line.entry.item());
    last.map(|fact| fact.account.clone())
        .ok_or_else(|| EngineError::Failed(format!("the journal has no fact about {address}")))
}
