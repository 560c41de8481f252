//! Trying what is assumed about the CAs on the accounts of a manifest: [`try_assumptions`]. Only reads.

use super::error::EngineError;
use super::workspace::Workspace;
use crate::journal;
use crate::model::{
    AccountName, Address, KnownOrders, LiveState, OrderId, Record, Records, Tag, Tried,
};
use crate::provider::Observe;

/// What trying came to on one account.
#[derive(Debug, Clone)]
pub struct TriedAccount {
    /// Its name in the manifest.
    pub account: AccountName,
    /// The CA's word.
    pub provider: &'static str,
    /// How many requests it took.
    pub requests: u32,
    /// Every assumption, in the order of the list.
    pub tried: Vec<Tried>,
}

/// Tries every assumption on every account. What the journal knows of an account makes more of it testable; a
/// journal that cannot be read makes nothing fail.
pub async fn try_assumptions(workspace: &Workspace) -> Result<Vec<TriedAccount>, EngineError> {
    let records = match journal::read(&workspace.location).await {
        Ok(snapshot) => snapshot.records,
        Err(_) => Records::default(),
    };
    let mut all = Vec::new();
    for (name, account) in &workspace.batch.accounts {
        let accounts = workspace.open(&std::iter::once(name.clone()).collect())?;
        let Some(act) = accounts.get(name) else {
            continue;
        };
        let observe: &dyn Observe = act.as_ref();
        let known = KnownOrders {
            key: account.provider.key_id.clone(),
            ..known_orders(workspace, name, &records)
        };
        let tried = observe.try_assumptions(&known).await;
        all.push(TriedAccount {
            account: name.clone(),
            provider: account.provider.name(),
            requests: observe.requests_sent(),
            tried,
        });
    }
    Ok(all)
}

/// The newest orders that were placed with a tag of ours, one that was issued and one that waits.
fn known_orders(workspace: &Workspace, account: &AccountName, records: &Records) -> KnownOrders {
    let items = &workspace.batch.items;
    let here = |address: &Address| {
        let mut items = items.iter();
        items.any(|item| item.address == *address && item.account == *account)
    };
    let tagged = |record: &Record, issued: bool| -> Option<(OrderId, Tag)> {
        let live = record.live.as_ref()?;
        let fits = match live.state {
            LiveState::Requested => !issued,
            LiveState::Issued | LiveState::Reissuing | LiveState::Lapsed => issued,
            LiveState::Ended(_) => false,
        };
        fits.then_some((live.order_id.clone(), live.tag.clone()?))
    };
    let ours = records.iter().filter(|(address, _)| here(address));
    let newest = |issued: bool| {
        let found = ours
            .clone()
            .filter_map(|(_, record)| tagged(record, issued));
        found.max_by_key(|(id, _)| (id.as_str().len(), id.clone()))
    };
    KnownOrders {
        issued: newest(true),
        waiting: newest(false),
        key: None,
    }
}
