//! A person settles an action whose outcome is unknown: [`resolve`].

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::consent::Consent;
use super::durable::Durable;
use super::error::EngineError;
use super::fact_writer::{FactWriter, item_of};
use super::journal_view::JournalView;
use super::notice::Tell;
use super::observe::{Purpose, check_access};
use super::workspace::{Workspace, new_run};
use crate::apply::{Evidence, Lookup, control_tag, gather_evidence};
use crate::files;
use crate::journal::{self, Holder};
use crate::model::{
    Address, Adoption, CaClock, FactBody, Observed, ObservedOrder, OpenOperation, OperationKind,
    Order, OrderId, Phase, RequestId, RequestKind, Tag, Untrusted, Wanted, ca_day, clock_after,
    differences, seen_of,
};
use crate::provider::{Depth, Observe, ProviderError};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct ResolveRequest {
    /// The order or revocation.
    pub address: Address,
    /// What the person says; without it only what the CA shows is shown.
    pub verdict: Option<Verdict>,
    /// How long to wait for another run to release the state.
    pub lock_timeout: Duration,
}

/// What a person says became of the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was placed: the id of the order, or of the request for a reissue or a revocation.
    Found(OrderId),
    /// It was not placed.
    NotPlaced,
}

/// What the CA shows about the action.
#[derive(Debug, Clone, Copy)]
pub enum Findings<'a> {
    /// An order was intended: everything that carries its tag.
    Purchase {
        /// The action.
        open: &'a OpenOperation,
        /// What carries the tag.
        evidence: &'a Evidence,
    },
    /// A change of this order was intended; `None` when the CA does not show it to this key.
    Change(&'a OrderId, Option<&'a ObservedOrder>),
}

/// Shows a person what the CA shows, and asks.
pub trait Judge: Tell {
    /// Shows it.
    fn sees(&mut self, findings: Findings<'_>);

    /// Asks before an action is given up. It is given up only when this word is typed.
    fn gives_up(&mut self, word: &str) -> Consent;
}

/// How the action stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The name is bound to this order.
    Bound(OrderId),
    /// It was settled as this request.
    Request(RequestId),
    /// It was settled as not placed.
    NotPlaced,
    /// Nobody said what became of the purchase.
    OpenPurchase,
    /// Nobody said what became of the change; the next apply settles it by reading.
    OpenChange,
}

/// Settles the action as the person says.
///
/// Errors: nothing is unknown about the item; what the CA shows contradicts the person; the quiet period
/// is not over.
pub async fn resolve(
    workspace: &Workspace,
    request: &ResolveRequest,
    judge: &mut dyn Judge,
) -> Result<Durable<Resolved>, EngineError> {
    let item = item_of(workspace, &request.address)?;
    let accounts = workspace.open(&std::iter::once(item.account.clone()).collect())?;
    let Some(act) = accounts.get(&item.account) else {
        return Err(EngineError::Failed(format!(
            "account `{}` cannot be opened",
            item.account
        )));
    };
    let observe: &dyn Observe = act.as_ref();
    let run = new_run();
    let holder = Holder {
        command: "resolve".to_owned(),
        run: run.clone(),
    };
    let journal = journal::open(&workspace.location, holder, request.lock_timeout).await?;
    let known = JournalView::held(&*journal);
    let account = check_access(workspace, &item.account, observe, Purpose::Look, judge).await?;
    let observed = Observed {
        folder: workspace.read_folder(&known)?,
        accounts: std::iter::once((item.account.clone(), account)).collect(),
    };
    workspace.check_bindings(&known.bindings.accounts, &observed)?;
    let open = || {
        journal
            .record(&request.address)
            .and_then(|record| record.open)
    };
    let Some(mut now_open) = open() else {
        return Err(EngineError::Failed(format!(
            "nothing about {} is unknown: there is nothing to settle",
            request.address
        )));
    };
    let writer = FactWriter {
        journal: &*journal,
        run,
        item,
    };
    if now_open.phase == Phase::Sending {
        let why = Untrusted::new("a run ended between the intent and the outcome");
        let now = files::clock::now().with_ca(observe.clock_skew());
        writer.write(vec![FactBody::doubted(why, now)]).await?;
        // Its age counts from here.
        now_open = open().unwrap_or(now_open);
    }
    let resolution = Resolution {
        workspace,
        observe,
        request,
        open: &now_open,
        writer: &writer,
    };
    let resolved = match (&item.wanted, now_open.attempt.kind) {
        (Wanted::Order(order), OperationKind::Order | OperationKind::Renew) => {
            resolution.order(order, judge).await
        }
        _ => resolution.other(judge).await,
    };
    let done = Durable::after(resolved, &*journal).await;
    Ok(Durable {
        result: done.result?,
        closed: done.closed,
    })
}

struct Resolution<'a> {
    workspace: &'a Workspace,
    observe: &'a dyn Observe,
    request: &'a ResolveRequest,
    open: &'a OpenOperation,
    writer: &'a FactWriter<'a>,
}

impl Resolution<'_> {
    async fn order(&self, order: &Order, judge: &mut dyn Judge) -> Result<Resolved, EngineError> {
        let address = &self.request.address;
        let Some(tag) = self.open.attempt.tag.clone() else {
            return Err(EngineError::Failed(format!(
                "the journal has no tag for {address}"
            )));
        };
        if let Some(Verdict::Found(id)) = &self.request.verdict {
            return self.found(order, id, &tag).await;
        }
        let items = &self.workspace.batch.items;
        let control = control_tag(
            &self.writer.journal.records(),
            |address| {
                items.iter().any(|item| {
                    item.address == *address && item.account == self.writer.item.account
                })
            },
            &tag,
        );
        let record = self.writer.journal.record(address);
        let forgotten = record.map(|record| record.forgotten).unwrap_or_default();
        let lookup = Lookup {
            tag: &tag,
            wanted: order,
            attempt: &self.open.attempt,
            since: self.open.earliest(),
            forgotten: &forgotten,
            control: control.as_ref(),
        };
        let evidence = gather_evidence(self.observe, lookup, |id| self.is_owned(id))
            .await
            .map_err(|error| self.unreadable(&error))?;
        judge.sees(Findings::Purchase {
            open: self.open,
            evidence: &evidence,
        });
        if self.request.verdict.is_none() {
            return Ok(Resolved::OpenPurchase);
        }
        if let Some(candidate) = evidence.candidates.first() {
            return Err(EngineError::Refused(format!(
                "order {} carries the tag {tag}: `certplan resolve {address} --found {}`",
                candidate.order_id, candidate.order_id
            )));
        }
        if evidence.control == Some(false) {
            return Err(EngineError::Refused(
                "an older order of ours was not found either: this look-up proves nothing; check the key's permissions and try again".to_owned(),
            ));
        }
        self.not_placed(tag.as_str(), judge).await
    }

    /// Reissues and revocations: the CA's order shows what became of them; the next run settles them
    /// by reading. Here a person overrides that.
    async fn other(&self, judge: &mut dyn Judge) -> Result<Resolved, EngineError> {
        let address = &self.request.address;
        let Some(order_id) = self.open.attempt.order_id.clone() else {
            return Err(EngineError::Failed(format!(
                "the journal has no order id for {address}"
            )));
        };
        if let Some(Verdict::Found(id)) = &self.request.verdict {
            self.check_request(&order_id, id).await?;
            let fact = match self.open.attempt.kind {
                OperationKind::Revoke => FactBody::Requested {
                    request_id: Some(RequestId::from(id.as_str())),
                },
                _ => FactBody::Accepted {
                    order_id,
                    request_id: Some(RequestId::from(id.as_str())),
                    certificate_id: None,
                    approved: false,
                    validation: Vec::new(),
                },
            };
            self.writer.write(vec![fact]).await?;
            return Ok(Resolved::Request(RequestId::from(id.as_str())));
        }
        let order = self
            .observe
            .order(&order_id, Depth::Certificates)
            .await
            .map_err(|error| self.unreadable(&error))?;
        judge.sees(Findings::Change(&order_id, order.as_ref()));
        if self.request.verdict.is_none() {
            return Ok(Resolved::OpenChange);
        }
        self.not_placed(address.name().as_str(), judge).await
    }

    /// Only a request that the CA shows about this order is taken for what was asked.
    async fn check_request(&self, order_id: &OrderId, id: &OrderId) -> Result<(), EngineError> {
        let kind = match self.open.attempt.kind {
            OperationKind::Revoke => RequestKind::Revoke,
            _ => RequestKind::Reissue,
        };
        let order = self
            .observe
            .order(order_id, Depth::Order)
            .await
            .map_err(|error| self.unreadable(&error))?;
        let mut requests = order.and_then(|order| order.requests).unwrap_or_default();
        if kind == RequestKind::Revoke {
            let all = self.observe.revocation_requests().await;
            let all = all.map_err(|error| self.unreadable(&error))?;
            requests.extend(
                all.into_iter()
                    .filter(|request| request.order_id.as_ref() == Some(order_id)),
            );
        }
        let shown = requests
            .iter()
            .any(|request| request.id.as_str() == id.as_str() && request.kind == kind);
        if shown {
            return Ok(());
        }
        Err(EngineError::Refused(format!(
            "the CA shows no such request {id} about order {order_id}; the next apply settles it by reading"
        )))
    }

    async fn found(&self, order: &Order, id: &OrderId, tag: &Tag) -> Result<Resolved, EngineError> {
        let address = &self.request.address;
        let seen_order = self
            .observe
            .order(id, Depth::Order)
            .await
            .map_err(|error| self.unreadable(&error))?
            .ok_or_else(|| {
                EngineError::Failed(format!("the CA shows no order {id} to this key"))
            })?;
        let different = differences(order, &seen_order);
        if !different.is_empty() {
            return Err(EngineError::Refused(format!(
                "order {id} is not what {address} asks for: {}; if it is the right one all the same, `certplan import {address} {id}`",
                different.join("; ")
            )));
        }
        if self.is_owned(id) {
            return Err(EngineError::Refused(format!(
                "order {id} belongs to another entry: two names never share an order"
            )));
        }
        let adoption = Adoption::of(Some(&self.open.attempt), &seen_order, order, Some(tag));
        let today = ca_day(self.observe.clock(), Timestamp::now());
        let facts = vec![
            adoption.fact("a person named it; product, names and key agree"),
            seen_of(&seen_order, today),
        ];
        self.writer.write(facts).await?;
        Ok(Resolved::Bound(id.clone()))
    }

    /// A person says that nothing was placed. It takes the quiet period, and the word typed.
    async fn not_placed(&self, word: &str, judge: &mut dyn Judge) -> Result<Resolved, EngineError> {
        let quiet = self.workspace.policy.doubt.quiet_period;
        let now = files::clock::now().with_ca(self.observe.clock_skew());
        let age = self.open.age(&now);
        let quiet = SignedDuration::try_from(quiet).unwrap_or(SignedDuration::MAX);
        if age < quiet {
            let left = SignedDuration::from_secs((quiet - age).as_secs() + 1);
            return Err(EngineError::Refused(format!(
                "the quiet period is not over: a request may still arrive; try again in {left:#}, after {}",
                clock_after(left.unsigned_abs())
            )));
        }
        if let Some(clock) = self.observe.clock().filter(CaClock::is_off) {
            return Err(EngineError::Refused(format!(
                "{}: so long as it is wrong, nothing shows how long the quiet period has lasted; set it right, then try again",
                clock.words()
            )));
        }
        match judge.gives_up(word) {
            Consent::Given => {}
            Consent::Withheld => {
                return Err(EngineError::Failed(
                    "not settled: the word was not typed".to_owned(),
                ));
            }
            Consent::NobodyToAsk => {
                return Err(EngineError::Usage(
                    "standard input is no terminal: say `--yes` to settle it as not placed"
                        .to_owned(),
                ));
            }
        }
        let evidence = Untrusted::new(format!(
            "a look-up {}s after the doubt found nothing; a person decided",
            age.as_secs()
        ));
        self.writer
            .write(vec![FactBody::DecidedNotPlaced { evidence }])
            .await?;
        Ok(Resolved::NotPlaced)
    }

    /// True for an order that another name stands for.
    fn is_owned(&self, id: &OrderId) -> bool {
        let records = self.writer.journal.records();
        records.iter().any(|(address, record)| {
            *address != self.request.address && record.bound_orders().any(|bound| bound == id)
        })
    }

    fn unreadable(&self, error: &ProviderError) -> EngineError {
        EngineError::provider(&self.writer.item.account, error.clone())
    }
}
