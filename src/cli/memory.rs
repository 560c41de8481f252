//! What an apply saw of an account, taken up by the plans after it: which look may be believed, and
//! when one is kept.
//!
//! Only `apply` keeps a look, and it always reads everything itself: nothing is bought or revoked by what is
//! remembered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::args::Scope;
use super::session::{Known, Session};
use crate::journal::LookPlace;
use crate::model::{AccountName, Look, Observed, ObservedAccount, ObservedOrder, OrderId};
use crate::plan::read_anew;
use crate::provider::Observe;

/// Up to so many orders the whole list takes no more requests than what has changed: two pages.
const SMALL: usize = 2000;

/// The orders of an account.
pub(super) struct Remembered {
    pub(super) orders: BTreeMap<OrderId, ObservedOrder>,
    /// As of when they are, apart from what changed; `None` when all were read now.
    pub(super) as_of: Option<Timestamp>,
}

/// The orders as they stand now, from the last look and what the CA tells of since; `None` when everything
/// must be read.
pub(super) async fn recall(
    session: &Session,
    known: &Known,
    scope: &Scope,
    name: &AccountName,
    account: &ObservedAccount,
    observe: &dyn Observe,
) -> Option<Remembered> {
    // A journal that does not know what was done may have lost more than facts.
    if known.went_back {
        return None;
    }
    let look = place(session, known, name, account)?.kept()?;
    let as_of = look.read_at;
    let (look, reread) = reread(session, known, scope, name, look);
    let orders = match observe.orders_since(look, &reread).await {
        Ok(orders) => orders?,
        // The whole list may still be readable; if not, it says why.
        Err(error) => {
            tracing::info!("what has changed in `{name}` is not told: {error}");
            return None;
        }
    };
    Some(Remembered {
        orders,
        as_of: Some(as_of),
    })
}

/// Keeps what was read in full. That it cannot be kept costs later plans some requests and nothing else.
pub(super) fn keep(
    session: &Session,
    known: &Known,
    observed: &mut Observed,
    name: &AccountName,
    read_at: Option<Timestamp>,
) {
    let Some(account) = observed.accounts.get_mut(name) else {
        return;
    };
    let Some(place) = place(session, known, name, account) else {
        return;
    };
    let done = match read_at {
        Some(read_at) if account.orders.len() > SMALL => {
            let look = Look {
                read_at,
                orders: std::mem::take(&mut account.orders),
            };
            let done = place.keep(&look);
            account.orders = look.orders;
            done
        }
        _ => place.forget(),
    };
    if let Err(error) = done {
        tracing::info!("what was read of `{name}` is not kept for later plans: {error}");
    }
}

fn place(
    session: &Session,
    known: &Known,
    name: &AccountName,
    account: &ObservedAccount,
) -> Option<LookPlace> {
    let account_id = account
        .identity
        .as_ref()
        .map(|identity| identity.account_id.clone());
    let binding = session.binding_of(name, account_id)?;
    LookPlace::new(
        &session.location,
        &known.state.lineage,
        name,
        &binding,
        &who(account),
    )
}

/// Everything that is known of the key: another user, or other roles, may see other orders. Empty when
/// nothing is.
fn who(account: &ObservedAccount) -> String {
    let identity = account.identity.as_ref();
    let key = account.key.as_ref().map(|key| {
        json!([
            key.id,
            key.name,
            key.user,
            key.restricted_to_role_id,
            key.acme
        ])
    });
    if identity.is_none() && key.is_none() {
        return String::new();
    }
    json!([identity, key]).to_string()
}

/// Which orders a plan made from the look would decide more by than their status.
fn reread(
    session: &Session,
    known: &Known,
    scope: &Scope,
    name: &AccountName,
    look: Look,
) -> (Look, BTreeSet<OrderId>) {
    let account = ObservedAccount {
        orders: look.orders,
        ..ObservedAccount::default()
    };
    let mut observed = Observed {
        accounts: BTreeMap::from([(name.clone(), account)]),
    };
    let endpoints = session.endpoint_texts();
    let mut anew = read_anew(&session.inputs(known, &observed, scope, false, &endpoints));
    let orders = observed
        .accounts
        .remove(name)
        .map(|account| account.orders)
        .unwrap_or_default();
    let look = Look {
        read_at: look.read_at,
        orders,
    };
    (look, anew.remove(name).unwrap_or_default())
}
