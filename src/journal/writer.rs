//! The one writer of a journal: takes what has come in, writes it in one transaction, answers after the
//! commit (group commit: many facts, one flush of the disk). Main type: [`Writer`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot};

use super::JournalError;
use super::binding::{self, Bound, StoredBinding};
use super::chain;
use super::draft::{Changed, Draft};
use super::durable::{Durable, enter};
use super::load::check_chain;
use super::notes::Notes;
use super::records::Sum;
use super::store::{Batch, FactStore, Fault, Frame};
use super::transaction::write_once;
use crate::model::{Digest, Fact};

/// At most so many calls share a commit: the first of them waits for the last.
const GROUP: usize = 256;

pub(super) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Message {
    Append(Vec<Fact>, Reply<()>),
    Bind(Bound, Reply<()>),
    Backup(Reply<Option<PathBuf>>),
    Close(Reply<()>),
}

/// The writer's own state.
pub(super) struct Writer {
    pub(super) store: Box<dyn FactStore>,
    pub(super) durable: Arc<Mutex<Durable>>,
    /// The hash that the next fact is linked to.
    pub(super) tip: Digest,
    /// The sum of the stored records.
    pub(super) sum: Sum,
    /// This host's notes of how far the journal had come.
    pub(super) notes: Notes,
    /// The first error of the store. Nothing is written after it: the disk may have kept anything.
    pub(super) poison: Option<String>,
    /// True where the stored records were taken instead of the facts.
    pub(super) unread: bool,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        while let Some(first) = inbox.recv().await {
            if matches!(first, Message::Append(..)) {
                self.store.gather();
            }
            let mut appends = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next.take() {
                match message {
                    Message::Append(facts, reply) => {
                        appends.push((facts, reply));
                        if appends.len() < GROUP {
                            next = inbox.try_recv().ok();
                        }
                    }
                    Message::Bind(bound, reply) => {
                        self.append(std::mem::take(&mut appends)).await;
                        let done = self.bind(bound).await;
                        answer(reply, done);
                    }
                    Message::Backup(reply) => {
                        self.append(std::mem::take(&mut appends)).await;
                        let done = self.backup().await;
                        answer(reply, done);
                    }
                    Message::Close(reply) => {
                        self.append(std::mem::take(&mut appends)).await;
                        return self.close(reply).await;
                    }
                }
            }
            self.append(appends).await;
        }
        // Nobody is left to be told; the facts are durable.
        let _ = self.store.close(self.poison.is_none()).await;
    }

    async fn append(&mut self, calls: Vec<(Vec<Fact>, Reply<()>)>) {
        if calls.is_empty() {
            return;
        }
        let mut accepted = Vec::new();
        let drafted = {
            let healthy = self.healthy();
            let durable = enter(&self.durable);
            let mut draft = Draft::new(&durable.records, durable.mark.serial, self.tip);
            for (facts, reply) in calls {
                match healthy.clone().and_then(|()| draft.add(&facts)) {
                    Ok(()) => accepted.push(reply),
                    Err(error) => answer(reply, Err(error)),
                }
            }
            draft.finish(&durable.mark.lineage, self.sum.clone())
        };
        let result = match drafted {
            Ok(None) => Ok(()),
            Ok(Some((batch, changed, sum))) => self.commit(&batch, changed, sum).await,
            Err(error) => Err(error),
        };
        for reply in accepted {
            answer(reply, result.clone());
        }
        if self.poison.is_none()
            && let Err(Fault::Final(error)) = self.store.tidy().await
        {
            // The facts are durable; an error stops the calls after this one.
            self.poisoned_by(error);
        }
    }

    /// Writes facts with the records that follow from them.
    async fn commit(
        &mut self,
        batch: &Batch,
        changed: Changed,
        sum: Sum,
    ) -> Result<(), JournalError> {
        self.write(batch).await?;
        self.tip = batch.frame.tip;
        self.sum = sum;
        {
            let mut durable = enter(&self.durable);
            // Not `append`, which builds the whole map anew: each commit changes a few records of many.
            for (address, record) in changed {
                match record {
                    Some(record) => durable.records.insert(address, record),
                    None => durable.records.remove(&address),
                };
            }
            durable.mark.serial = batch.frame.serial;
            durable.mark.head = chain::head(batch.frame.serial, batch.frame.tip);
            self.notes.note(&durable.mark);
        }
        // The gate behind every intent: a run that may have been taken for dead sends nothing.
        self.store.check_hold()
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let written = write_once(self.store.as_mut(), std::slice::from_ref(batch)).await;
        written.map_err(|error| self.poisoned_by(error))
    }

    async fn bind(&mut self, bound: Bound) -> Result<(), JournalError> {
        self.healthy()?;
        let (bound, batch) = {
            let durable = enter(&self.durable);
            let bound = match bound {
                Bound::Account(account, now) => {
                    let known = durable.bindings.accounts.get(&account);
                    let Some(binding) = binding::decide(&account, known, now)? else {
                        return Ok(());
                    };
                    Bound::Account(account, binding)
                }
                Bound::Files(id) if durable.bindings.files.as_ref() == Some(&id) => return Ok(()),
                Bound::Files(id) => Bound::Files(id),
            };
            let (lineage, serial) = (&durable.mark.lineage, durable.mark.serial);
            let stored = StoredBinding::new(lineage, &bound);
            let frame = Frame {
                lineage: lineage.clone(),
                serial,
                tip: self.tip,
                seal: Some(self.sum.seal(lineage, serial, self.tip)),
                filling: None,
            };
            (bound, Batch::of_bindings(frame, vec![stored]))
        };
        self.write(&batch).await?;
        enter(&self.durable).bindings.add(bound);
        Ok(())
    }

    async fn backup(&mut self) -> Result<Option<PathBuf>, JournalError> {
        self.healthy()?;
        if self.unread {
            // A copy of damage, ten times over, would leave no good one.
            let reader = self.store.reader();
            if let Err(broken) = check_chain(reader).await {
                return Err(broken.explain(self.store.reader()));
            }
        }
        self.store.backup().await
    }

    async fn close(self, reply: Reply<()>) {
        let clean = self.clean();
        let closed = self.store.close(clean.is_ok()).await;
        answer(reply, clean.and(closed));
    }

    fn healthy(&self) -> Result<(), JournalError> {
        self.clean()?;
        self.store.check_hold()
    }

    fn clean(&self) -> Result<(), JournalError> {
        match &self.poison {
            None => Ok(()),
            Some(first) => Err(JournalError::Write(format!(
                "an earlier write failed: {first}"
            ))),
        }
    }

    fn poisoned_by(&mut self, error: JournalError) -> JournalError {
        let error = match error {
            JournalError::Write(_) => error,
            other => JournalError::Write(other.to_string()),
        };
        if let JournalError::Write(why) = &error {
            self.poison.get_or_insert_with(|| why.clone());
        }
        error
    }
}

fn answer<T>(reply: Reply<T>, result: Result<T, JournalError>) {
    // Who asked may have been cancelled; what is written is written.
    let _ = reply.send(result);
}
