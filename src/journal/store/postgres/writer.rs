//! The one task that writes for a run: takes what has come in, writes it in one transaction, answers
//! after the commit.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Client;

use super::fault::{FENCED_OFF, Fault, fenced};
use super::lease::Lease;
use super::load::bindings;
use super::schema::check_server;
use super::server::Server;
use super::statements::{facts_after, insert, is_alive, lock_head, take};
use crate::journal::anchor::AnchorFile;
use crate::journal::binding;
use crate::journal::chain;
use crate::journal::durable::{Draft, Durable, enter};
use crate::journal::{Binding, JournalError};
use crate::model::{AccountName, Digest, Fact};

/// At most so many calls share a commit: the first of them waits for the last.
const GROUP: usize = 256;
/// The pause before a lost connection is made anew.
const AGAIN: Duration = Duration::from_millis(250);

pub(super) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// What the writer is asked for.
pub(super) enum Message {
    Append(Vec<Fact>, Reply<()>),
    Bind(AccountName, Binding, Reply<()>),
    Close(Reply<()>),
}

/// The writer's own state.
pub(super) struct Writer {
    pub(super) server: Server,
    pub(super) client: Client,
    pub(super) lease: Arc<Lease>,
    pub(super) durable: Arc<Mutex<Durable>>,
    /// The hash that the next fact is linked to.
    pub(super) tip: Digest,
    /// This host's note of how far the journal had come.
    pub(super) anchor: Option<AnchorFile>,
    /// The first error that another connection cannot help. Nothing is written after it.
    pub(super) poison: Option<String>,
}

/// What was sent to be committed, in case the answer is lost.
struct Pending {
    seq: i64,
    hash: Vec<u8>,
    verdicts: Vec<Result<(), JournalError>>,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        while let Some(first) = inbox.recv().await {
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
                    other => {
                        self.append(std::mem::take(&mut appends)).await;
                        if self.other(other).await {
                            return;
                        }
                    }
                }
            }
            self.append(appends).await;
        }
        // Nobody is left to be told. The session ends, and its lock with it.
    }

    /// True when that was the last message.
    async fn other(&mut self, message: Message) -> bool {
        match message {
            Message::Append(facts, reply) => self.append(vec![(facts, reply)]).await,
            Message::Bind(account, binding, reply) => {
                let done = loop {
                    let tried = self.bind(&account, &binding).await;
                    if let Some(done) = self.judged(tried).await {
                        break done;
                    }
                };
                answer(reply, done);
            }
            Message::Close(reply) => {
                let done = loop {
                    let tried = self.leave().await;
                    if let Some(done) = self.judged(tried).await {
                        break done;
                    }
                };
                answer(reply, done);
                return true;
            }
        }
        false
    }

    /// The end of something that may be done twice; `None` when it is to be tried on a new connection.
    async fn judged<T>(&mut self, tried: Result<T, Fault>) -> Option<Result<T, JournalError>> {
        match tried {
            Ok(done) => Some(Ok(done)),
            Err(Fault::Final(error)) => Some(Err(error)),
            Err(Fault::Lost(error)) => self.reconnect(Fault::Lost(error)).await.err().map(Err),
        }
    }

    async fn append(&mut self, calls: Vec<(Vec<Fact>, Reply<()>)>) {
        if calls.is_empty() {
            return;
        }
        let (facts, replies): (Vec<Vec<Fact>>, Vec<Reply<()>>) = calls.into_iter().unzip();
        let mut pending = None;
        let done = loop {
            if let Err(error) = self.healthy() {
                break Err(error);
            }
            match self.write(&facts, &mut pending).await {
                Ok(verdicts) => break Ok(verdicts),
                Err(Fault::Lost(error)) => {
                    if let Err(error) = self.reconnect(Fault::Lost(error)).await {
                        break Err(error);
                    }
                }
                Err(Fault::Final(error)) => break Err(self.poisoned_by(error)),
            }
        };
        let verdicts = match done {
            // The gate behind every intent: a run that may have been taken for dead sends nothing.
            Ok(_) if !self.lease.holds() => Err(fenced()),
            done => done,
        };
        match verdicts {
            Ok(verdicts) => {
                for (reply, verdict) in replies.into_iter().zip(verdicts) {
                    answer(reply, verdict);
                }
            }
            Err(error) => {
                for reply in replies {
                    answer(reply, Err(error.clone()));
                }
            }
        }
    }

    /// Writes the facts of several calls; a verdict for each. `pending` is what an earlier try may have
    /// committed before its connection was lost.
    async fn write(
        &mut self,
        calls: &[Vec<Fact>],
        pending: &mut Option<Pending>,
    ) -> Result<Vec<Result<(), JournalError>>, Fault> {
        let server = &self.server;
        let fail = |error| Fault::of(server, error);
        let transaction = self.client.transaction().await.map_err(fail)?;
        // Waits for a transaction of a lost connection that is still committing.
        lock_head(server, &transaction).await?;
        // Before anything is judged by what others wrote since.
        if !is_alive(server, &transaction, self.lease.id).await? {
            self.lease.lose();
            return Err(fenced().into());
        }
        let known = enter(&self.durable).mark.serial;
        let news = facts_after(server, &transaction, known).await?;
        let committed = pending.take_if(|pending| {
            news.iter()
                .any(|row| row.seq == pending.seq && row.hash == pending.hash)
        });
        take(server, &self.durable, &mut self.tip, &news)?;
        if let Some(committed) = committed {
            return Ok(committed.verdicts);
        }
        let serial = enter(&self.durable).mark.serial;
        let mut draft = Draft::new(serial, self.tip);
        let mut verdicts = Vec::with_capacity(calls.len());
        for facts in calls {
            verdicts.push(draft.add(&enter(&self.durable).records, facts));
        }
        let Some(first) = draft.rows.first() else {
            return Ok(verdicts);
        };
        *pending = Some(Pending {
            seq: first.seq,
            hash: first.hash.clone(),
            verdicts: verdicts.clone(),
        });
        insert(server, &transaction, &draft, self.lease.id).await?;
        transaction.commit().await.map_err(fail)?;
        self.tip = draft.tip;
        let mut durable = enter(&self.durable);
        durable.records.extend(draft.changed);
        durable.mark.serial = draft.serial;
        durable.mark.head = chain::head(draft.serial, draft.tip);
        if let Some(anchor) = &self.anchor {
            anchor.note(&durable.mark);
        }
        Ok(verdicts)
    }

    /// Gives the lease back.
    async fn leave(&mut self) -> Result<(), Fault> {
        self.client
            .execute(
                "UPDATE runners SET ended = clock_timestamp() WHERE id = $1 AND ended IS NULL",
                &[&self.lease.id],
            )
            .await
            .map(drop)
            .map_err(|error| Fault::of(&self.server, error))
    }

    async fn bind(&mut self, account: &AccountName, now: &Binding) -> Result<(), Fault> {
        let lineage = enter(&self.durable).mark.lineage.clone();
        let known = enter(&self.durable).bindings.get(account).cloned();
        if let Some(binding) = binding::settle(account, known.as_ref(), now.clone())? {
            let seal = binding::seal(&lineage, account, &binding);
            self.client
                .execute(
                    "INSERT INTO bindings VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (account) DO UPDATE
                        SET account_id = excluded.account_id, seal = excluded.seal
                        WHERE bindings.account_id IS NULL
                          AND bindings.provider = excluded.provider
                          AND bindings.endpoint = excluded.endpoint",
                    &[
                        &account.as_str(),
                        &binding.provider,
                        &binding.endpoint,
                        &binding.account_id,
                        &seal.bytes().as_slice(),
                    ],
                )
                .await
                .map_err(|error| Fault::of(&self.server, error))?;
        }
        // Another run may have been first, with another account.
        let stored = bindings(&self.server, &self.client, &lineage).await?;
        let settled = binding::settle(account, stored.get(account), now.clone());
        enter(&self.durable).bindings = stored;
        settled?;
        Ok(())
    }

    pub(super) fn healthy(&self) -> Result<(), JournalError> {
        match &self.poison {
            None if self.lease.holds() => Ok(()),
            None => Err(fenced()),
            Some(first) => Err(JournalError::Write(format!(
                "an earlier write failed: {first}"
            ))),
        }
    }

    fn poisoned_by(&mut self, error: JournalError) -> JournalError {
        let why = error.to_string();
        self.poison.get_or_insert(why);
        match error {
            JournalError::Write(_) => error,
            other => JournalError::Write(other.to_string()),
        }
    }

    /// A new connection in place of a lost one, as long as the lease lasts.
    async fn reconnect(&mut self, lost: Fault) -> Result<(), JournalError> {
        let mut last = lost.or_lost(&self.server);
        while self.lease.holds() {
            tokio::time::sleep(AGAIN).await;
            let made = async {
                let client = self.server.connect().await?;
                check_server(&self.server, &client).await?;
                Ok::<Client, JournalError>(client)
            };
            match made.await {
                Ok(client) => {
                    self.client = client;
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        let why = format!("{FENCED_OFF}; the last word was: {last}");
        self.poison.get_or_insert_with(|| why.clone());
        Err(JournalError::Write(why))
    }
}

pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, JournalError>) {
    // Who asked may have been cancelled; what is written is written.
    let _ = reply.send(result);
}
