//! A journal that a run holds: what the run asks of it goes to its one writer. Main type:
//! [`HeldJournal`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::binding::{Bindings, Bound};
use super::durable::{Durable, enter};
use super::notes::Gap;
use super::writer::{Message, Reply, Writer};
use super::{Binding, Hold, Journal, JournalError, StateMark};
use crate::model::{AccountName, Address, Fact, FactLog, FilesId, Record, Records};

/// A journal that a run holds. Dropping it closes it; [`Journal::close`] also says whether that went well.
#[derive(Debug)]
pub(super) struct HeldJournal {
    sender: Option<mpsc::UnboundedSender<Message>>,
    /// The thread of a writer that blocks.
    thread: Option<JoinHandle<()>>,
    durable: Arc<Mutex<Durable>>,
    hold: Hold,
    gap: Option<Gap>,
}

impl HeldJournal {
    /// Starts the writer. Needs a tokio runtime.
    pub(super) fn start(writer: Writer, gap: Option<Gap>) -> Result<Self, JournalError> {
        let durable = Arc::clone(&writer.durable);
        let hold = writer.store.hold();
        let is_blocking = writer.store.is_blocking();
        let (sender, inbox) = mpsc::unbounded_channel();
        let thread = if is_blocking {
            let runtime = Handle::current();
            let spawned = std::thread::Builder::new()
                .name("journal".to_owned())
                .spawn(move || runtime.block_on(writer.run(inbox)));
            Some(spawned.map_err(|error| {
                JournalError::Write(format!("its writer cannot be started: {error}"))
            })?)
        } else {
            tokio::spawn(writer.run(inbox));
            None
        };
        Ok(Self {
            sender: Some(sender),
            thread,
            durable,
            hold,
            gap,
        })
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        message: impl FnOnce(Reply<T>) -> Message + Send + 'a,
    ) -> BoxFuture<'a, Result<T, JournalError>> {
        async move {
            let (reply, answer) = oneshot::channel();
            let sender = self.sender.as_ref().ok_or_else(gone)?;
            sender.send(message(reply)).map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        }
        .boxed()
    }
}

impl FactLog for HeldJournal {
    type Error = JournalError;

    /// A call that is cancelled after it was polled may still be written.
    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        self.ask(|reply| Message::Append(facts, reply))
    }
}

impl Journal for HeldJournal {
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
        self.ask(|reply| Message::Bind(Bound::Account(account.clone(), binding), reply))
    }

    fn bind_files<'a>(&'a self, id: &'a FilesId) -> BoxFuture<'a, Result<(), JournalError>> {
        self.ask(|reply| Message::Bind(Bound::Files(id.clone()), reply))
    }

    fn bindings(&self) -> Bindings {
        enter(&self.durable).bindings.clone()
    }

    fn gap(&self) -> Option<Gap> {
        self.gap
    }

    fn backup(&self) -> BoxFuture<'_, Result<Option<PathBuf>, JournalError>> {
        self.ask(Message::Backup)
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        self.ask(Message::Close)
    }
}

impl Drop for HeldJournal {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // Until the thread has ended the lock is not free.
            let _ = thread.join();
        }
    }
}

fn gone() -> JournalError {
    JournalError::Write("the writer has ended".to_owned())
}
