//! Reading the CAs for a plan: the key, the lists, then only what the lists leave open.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::error::EngineError;
use super::journal_view::JournalView;
use super::notice::Tell;
use super::other_state::in_the_way;
use super::workspace::{Accounts, Scope, Workspace};
use crate::model::{AccountName, KeyFacts, KeyStatus, Observed, ObservedAccount};
use crate::plan::{Questions, questions};
use crate::provider::{Depth, ErrorKind, Observe, ProviderError};

/// How many reads of single objects are under way at once in an account.
const READS: usize = 8;
/// The answer to a look-up by tag raises the question for its order, and each renewal in a chain takes two such
/// rounds: more than that would be a bug, and this ends them.
const ROUNDS: usize = 64;

/// What the reading is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Showing.
    Look,
    /// Changing something afterwards.
    Apply,
}

/// What is read, and what for.
pub(super) struct Reading<'a> {
    pub(super) accounts: &'a Accounts,
    pub(super) scope: &'a Scope,
    pub(super) purpose: Purpose,
}

/// Reads every opened account.
pub(super) async fn observe(
    workspace: &Workspace,
    reading: &Reading<'_>,
    known: &mut JournalView,
    tell: &dyn Tell,
) -> Result<Observed, EngineError> {
    let Reading {
        accounts,
        scope,
        purpose,
    } = *reading;
    let reads = accounts.iter().map(|(name, act)| async move {
        let observe: &dyn Observe = act.as_ref();
        let account = read_account(workspace, name, observe, purpose, tell).await?;
        Ok::<_, EngineError>((name.clone(), account))
    });
    let folder = workspace.read_folder(known)?;
    if let Some(name) = folder.as_ref().and_then(|_| workspace.network_of_folder()) {
        tell.warning(format!(
            "{} is on a network file system ({name}): private keys cross the network, and another host may see a switch late; name a folder on a local disk with `--files-dir`",
            workspace.files.shown
        ));
    }
    let mut observed = Observed {
        folder,
        accounts: try_join_all(reads).await?.into_iter().collect(),
    };
    workspace.check_bindings(&known.bindings.accounts, &observed)?;
    match (in_the_way(workspace, known, &observed).await?, purpose) {
        (Some(why), Purpose::Apply) => return Err(EngineError::Failed(why)),
        (Some(why), Purpose::Look) => tell.warning(why),
        (None, _) => {}
    }
    let endpoints = workspace.endpoint_texts();
    for _ in 0..ROUNDS {
        workspace.check_moves(known, &observed);
        let open = questions(&workspace.inputs(known, &observed, scope, false, &endpoints));
        if open.is_empty() {
            break;
        }
        let answers = open.iter().map(|(name, questions)| async move {
            let Some(act) = accounts.get(name) else {
                return Ok((name, Answers::default()));
            };
            let observe: &dyn Observe = act.as_ref();
            answer(observe, questions)
                .await
                .map(|answers| (name, answers))
                .map_err(|error| EngineError::provider(name, error))
        });
        for (name, answers) in try_join_all(answers).await? {
            if let Some(account) = observed.accounts.get_mut(name) {
                answers.add_to(account);
            }
        }
    }
    workspace.check_moves(known, &observed);
    for (name, act) in accounts {
        if let Some(account) = observed.accounts.get_mut(name) {
            account.requests = act.requests_sent();
        }
    }
    Ok(observed)
}

/// The key, every order, the funds.
async fn read_account(
    workspace: &Workspace,
    name: &AccountName,
    observe: &dyn Observe,
    purpose: Purpose,
    tell: &dyn Tell,
) -> Result<ObservedAccount, EngineError> {
    let failed = |error: ProviderError| EngineError::provider(name, error);
    let mut account = check_access(workspace, name, observe, purpose, tell).await?;
    let (orders, funds) = tokio::join!(observe.orders(), observe.funds());
    let orders = orders.map_err(failed)?;
    // Read once: the questions and the plan count by the same clock.
    account.clock = observe.clock();
    account.orders = orders
        .into_iter()
        .map(|order| (order.id.clone(), order))
        .collect();
    // Funds are a courtesy: a key that may not see them plans all the same.
    account.funds = funds.unwrap_or(None);
    Ok(account)
}

/// The key first: with its id `GET /key/{id}`, without it `GET /user/me`.
pub async fn check_access(
    workspace: &Workspace,
    name: &AccountName,
    observe: &dyn Observe,
    purpose: Purpose,
    tell: &dyn Tell,
) -> Result<ObservedAccount, EngineError> {
    let failed = |error: ProviderError| EngineError::provider(name, error);
    let mut account = ObservedAccount::default();
    let key_id = workspace
        .batch
        .accounts
        .get(name)
        .and_then(|account| account.provider.key_id.as_ref());
    let Some(id) = key_id else {
        account.identity = match observe.identity().await {
            Ok(identity) => identity,
            // A key may be kept from seeing users and still order.
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        return Ok(account);
    };
    match observe.key(id).await.map_err(failed)? {
        None => tell.warning(format!(
            "account `{name}`: the CA shows no key {id} to this key: check `key_id`"
        )),
        Some(key) => {
            check_key(name, &key, purpose, tell)?;
            account.key = Some(key);
        }
    }
    Ok(account)
}

/// A revoked key is refused by every command, an ACME key and a view-only key by apply.
fn check_key(
    name: &AccountName,
    key: &KeyFacts,
    purpose: Purpose,
    tell: &dyn Tell,
) -> Result<(), EngineError> {
    let (id, called) = (&key.id, &key.name);
    match &key.status {
        KeyStatus::Active => {}
        KeyStatus::Revoked => {
            return Err(EngineError::Access(format!(
                "account `{name}`: key {id} ({called}) is revoked: make a new one in CertCentral and set `key_id`"
            )));
        }
        KeyStatus::Other(word) => tell.warning(format!(
            "account `{name}`: key {id} ({called}) has the status {word}, which certplan does not know"
        )),
    }
    let unfit = if key.acme {
        Some(format!(
            "account `{name}`: key {id} ({called}) is an ACME key: it serves an ACME directory URL, not this API"
        ))
    } else if key.is_view_only() {
        Some(format!(
            "account `{name}`: key {id} ({called}) is view only: it can plan, but it cannot apply"
        ))
    } else {
        None
    };
    match (unfit, purpose) {
        (None, _) => Ok(()),
        (Some(why), Purpose::Apply) => Err(EngineError::Access(why)),
        (Some(why), Purpose::Look) => {
            if key.acme {
                tell.warning(why);
            } else {
                tell.hint(why);
            }
            Ok(())
        }
    }
}

#[derive(Default)]
struct Answers {
    details: BTreeMap<crate::model::OrderId, Option<crate::model::ObservedOrder>>,
    tags: BTreeMap<crate::model::Tag, crate::model::TagLookup>,
    holders: BTreeMap<crate::model::Scope, Option<crate::model::OrderId>>,
    requests: Option<Vec<crate::model::ObservedRequest>>,
    waiting: Option<Vec<crate::model::ObservedOrder>>,
}

impl Answers {
    fn add_to(self, account: &mut ObservedAccount) {
        account.details.extend(self.details);
        account.tags.extend(self.tags);
        account.holders.extend(self.holders);
        if self.requests.is_some() {
            account.revocation_requests = self.requests;
        }
        if self.waiting.is_some() {
            account.waiting_orders = self.waiting;
        }
    }
}

async fn answer(observe: &dyn Observe, questions: &Questions) -> Result<Answers, ProviderError> {
    let dying = questions.dying.iter().map(|id| (id, Depth::Archived));
    let others = questions.orders.difference(&questions.dying);
    let others = others.map(|id| (id, Depth::Certificates));
    let details = stream::iter(dying.chain(others))
        .map(|(id, depth)| async move {
            observe
                .order(id, depth)
                .await
                .map(|order| (id.clone(), order))
        })
        .buffer_unordered(READS)
        .try_collect();
    let tags = stream::iter(&questions.tags)
        .map(|tag| async move { observe.tagged(tag).await.map(|found| (tag.clone(), found)) })
        .buffer_unordered(READS)
        .try_collect();
    let holders = stream::iter(&questions.holders)
        .map(|scope| async move {
            let found = observe.holder(scope).await?;
            Ok((scope.clone(), found))
        })
        .buffer_unordered(READS)
        .try_collect();
    let requests = async {
        if questions.revocation_requests {
            observe.revocation_requests().await.map(Some)
        } else {
            Ok(None)
        }
    };
    let waiting = async {
        if questions.waiting_orders {
            observe.waiting_orders().await.map(Some)
        } else {
            Ok(None)
        }
    };
    let (details, tags, holders, requests, waiting) =
        tokio::try_join!(details, tags, holders, requests, waiting)?;
    Ok(Answers {
        details,
        tags,
        holders,
        requests,
        waiting,
    })
}
