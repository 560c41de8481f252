//! The journal in PostgreSQL: several hosts share it, and one run at a time holds it by a lease. Main type:
//! [`PostgresJournal`].

mod election;
mod fault;
mod lease;
mod load;
mod schema;
mod server;
mod statements;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use server::Server;

use self::fault::explain;
use self::lease::keep;
use self::load::Broken;
use self::writer::{Message, Reply, Writer};
use crate::journal::anchor::{self, AnchorFile};
use crate::journal::durable::{Durable, enter};
use crate::journal::reading::{HistoryFilter, Line, Snapshot, Verified, VerifyError};
use crate::journal::store::sqlite::lock::Holder;
use crate::journal::{Binding, Bindings, Hold, Journal, JournalError, StateMark};
use crate::model::{AccountName, Address, Fact, FactLog, Record, Records};

/// A journal in PostgreSQL that this run holds.
#[derive(Debug)]
pub struct PostgresJournal {
    sender: mpsc::UnboundedSender<Message>,
    durable: Arc<Mutex<Durable>>,
    heart: JoinHandle<()>,
    went_back: bool,
}

/// Takes the journal: makes its tables where the role may, and waits up to `lock_timeout` for a run that
/// holds it.
pub(in crate::journal) async fn hold(
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
    let lease = election::enter_run(server, &mut client, &beating, &holder, lock_timeout).await?;
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
        anchor: server.anchor().map(AnchorFile::open),
        poison: None,
    };
    let (sender, inbox) = mpsc::unbounded_channel();
    tokio::spawn(writer.run(inbox));
    Ok(PostgresJournal {
        sender,
        durable,
        heart,
        went_back,
    })
}

/// Reads the records without holding the journal.
pub(in crate::journal) async fn read(server: &Server) -> Result<Option<Snapshot>, JournalError> {
    let found = load::read(server, |_, _, _| ()).await;
    let found = found.map_err(|broken| broken.at(server))?;
    Ok(found.map(|loaded| Snapshot {
        mark: loaded.mark(),
        records: loaded.replay.records,
        bindings: loaded.bindings,
    }))
}

/// The lines that pass a filter, oldest first.
pub(in crate::journal) async fn history(
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
pub(in crate::journal) async fn verify(server: &Server) -> Result<Option<Verified>, VerifyError> {
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
pub(in crate::journal) async fn migrate(server: &Server) -> Result<i32, JournalError> {
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

impl FactLog for PostgresJournal {
    type Error = JournalError;

    /// A call that is cancelled after it was polled may still be written.
    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(|reply| Message::Append(facts, reply)))
    }
}

impl Journal for PostgresJournal {
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

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(Message::Close))
    }
}

fn gone() -> JournalError {
    JournalError::Write("the writer has ended".to_owned())
}
