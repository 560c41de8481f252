//! The journal in PostgreSQL: several hosts share it. One run holds it by a lease, or several that carry
//! out one plan. Main type: [`PostgresJournal`].

mod election;
mod fault;
mod lease;
mod load;
mod schema;
mod server;
mod sharing;
mod statements;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use server::Server;

use self::election::Elected;
use self::fault::explain;
use self::lease::keep;
use self::load::Broken;
use self::sharing::Shared;
use self::writer::{Message, Reply, Writer};
use super::anchor::{self, AnchorFile};
use super::crew::{Claim, Crew, SharedPlan};
use super::durable::{Durable, enter};
use super::lock::Holder;
use super::reading::{HistoryFilter, Line, Snapshot, Verified, VerifyError};
use super::{Binding, Bindings, Hold, Journal, JournalError, StateMark};
use crate::model::{AccountName, Address, Fact, Record, Records};

/// A journal in PostgreSQL that this run holds, alone or as one of a crew.
#[derive(Debug)]
pub struct PostgresJournal {
    sender: mpsc::UnboundedSender<Message>,
    durable: Arc<Mutex<Durable>>,
    joined: Option<SharedPlan>,
    heart: JoinHandle<()>,
    went_back: bool,
}

/// Takes the journal: makes its tables where the role may, waits up to `lock_timeout` for a run that
/// holds it, or joins that run if it carries out a plan that it has made known.
pub(super) async fn hold(
    server: &Server,
    holder: Holder,
    lock_timeout: Duration,
) -> Result<PostgresJournal, JournalError> {
    let mut client = server.connect().await?;
    let beating = server.connect().await?;
    // First: everything else relies on a session that stays the same.
    schema::check_sessions(server, &beating, &mut client).await?;
    schema::check_server(server, &client).await?;
    schema::migrate(server, &mut client).await?;
    let Elected {
        lease,
        plan,
        joined,
    } = election::enter_run(server, &mut client, &beating, &holder, lock_timeout).await?;
    let heart = keep(server.clone(), beating, Arc::clone(&lease));
    let loaded = load::load(server, &mut client, |_, _, _| ())
        .await
        .map_err(|broken| broken.at(server))?;
    let mark = loaded.mark();
    let known = server.anchor().and_then(anchor::read);
    let went_back = known.is_some_and(|known| known.is_ahead_of(Some(&mark)));
    let durable = Arc::new(Mutex::new(Durable {
        mark,
        records: loaded.replay.records,
        bindings: loaded.bindings,
    }));
    let writer = Writer {
        server: server.clone(),
        client,
        lease,
        durable: Arc::clone(&durable),
        tip: loaded.replay.tip,
        shared: Shared { plan, version: 0 },
        anchor: server.anchor().map(AnchorFile::open),
        poison: None,
    };
    let (sender, inbox) = mpsc::unbounded_channel();
    tokio::spawn(writer.run(inbox));
    Ok(PostgresJournal {
        sender,
        durable,
        joined,
        heart,
        went_back,
    })
}

/// Reads the records without holding the journal.
pub(super) async fn read(server: &Server) -> Result<Option<Snapshot>, JournalError> {
    let found = load::read(server, |_, _, _| ()).await;
    let found = found.map_err(|broken| broken.at(server))?;
    Ok(found.map(|loaded| Snapshot {
        mark: loaded.mark(),
        records: loaded.replay.records,
        bindings: loaded.bindings,
    }))
}

/// The lines that pass a filter, oldest first.
pub(super) async fn history(
    server: &Server,
    filter: &HistoryFilter,
) -> Result<Vec<Line>, JournalError> {
    let mut lines = Vec::new();
    load::read(server, |seq, fact, hash| {
        if filter.wants(&fact) {
            lines.push(Line { seq, fact, hash });
        }
    })
    .await
    .map_err(|broken| broken.at(server))?;
    if let Some(limit) = filter.limit {
        lines.drain(..lines.len().saturating_sub(limit));
    }
    Ok(lines)
}

/// Checks the chain, and that each fact could follow the ones before it.
pub(super) async fn verify(server: &Server) -> Result<Option<Verified>, VerifyError> {
    let found = load::read(server, |_, _, _| ()).await;
    let found = found.map_err(|broken| match broken {
        Broken::Fact(broken) => VerifyError::Broken {
            seq: broken.seq,
            error: server.corrupt(broken),
        },
        Broken::Journal(error) => error.into(),
    })?;
    Ok(found.map(|loaded| {
        let mark = loaded.mark();
        Verified {
            facts: mark.serial,
            head: mark.head,
            lineage: mark.lineage,
        }
    }))
}

/// Makes or updates the tables; the schema's version.
pub(super) async fn migrate(server: &Server) -> Result<i32, JournalError> {
    let mut client = server.connect().await?;
    schema::check_server(server, &client).await?;
    schema::migrate(server, &mut client).await?;
    Ok(schema::known())
}

impl PostgresJournal {
    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(message(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for PostgresJournal {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

impl Journal for PostgresJournal {
    /// A call that is cancelled after it was polled may still be written.
    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(|reply| Message::Append(facts, reply)))
    }

    fn records(&self) -> Records {
        enter(&self.durable).records.clone()
    }

    fn record(&self, address: &Address) -> Option<Record> {
        enter(&self.durable).records.get(address).cloned()
    }

    fn mark(&self) -> StateMark {
        enter(&self.durable).mark.clone()
    }

    fn bind<'a>(
        &'a self,
        account: &'a AccountName,
        binding: Binding,
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(self.ask(|reply| Message::Bind(account.clone(), binding, reply)))
    }

    fn bindings(&self) -> Bindings {
        enter(&self.durable).bindings.clone()
    }

    fn went_back(&self) -> bool {
        self.went_back
    }

    /// Backups of the database are its owner's business.
    fn backup(&self) -> Result<Option<PathBuf>, JournalError> {
        Ok(None)
    }

    fn hold(&self) -> Hold {
        Hold::Lease
    }

    fn crew(&self) -> Option<&dyn Crew> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(Message::Close))
    }
}

impl Crew for PostgresJournal {
    fn joined(&self) -> Option<&SharedPlan> {
        self.joined.as_ref()
    }

    fn publish(
        &self,
        plan: SharedPlan,
        steps: Vec<usize>,
    ) -> BoxFuture<'_, Result<(), JournalError>> {
        let steps = steps.into_iter().map(place).collect();
        Box::pin(self.ask(|reply| Message::Publish(plan, steps, reply)))
    }

    fn claim(
        &self,
        wanted: Vec<usize>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<Claim>, JournalError>> {
        let wanted = wanted.into_iter().map(place).collect();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Box::pin(self.ask(move |reply| Message::Claim(wanted, most, reply)))
    }

    fn tell(
        &self,
        position: usize,
        outcome: Option<String>,
    ) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(move |reply| Message::Tell(place(position), outcome, reply)))
    }

    fn news(&self) -> BoxFuture<'_, Result<Vec<(usize, String)>, JournalError>> {
        Box::pin(self.ask(Message::News))
    }
}

/// A step's place as the table holds it. No plan has so many steps that one would not fit.
fn place(position: usize) -> i32 {
    i32::try_from(position).unwrap_or(i32::MAX)
}

fn gone() -> JournalError {
    JournalError::Write("the writer has ended".to_owned())
}
