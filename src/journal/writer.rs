//! The one thread that writes: takes what has come in, writes it in one transaction, answers after the
//! commit (group commit: many facts, one flush of the disk).

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::anchor::AnchorFile;
use super::binding;
use super::chain;
use super::condensed::{self, FACTS_APART};
use super::durable::{Draft, Durable, enter};
use super::load::check_chain;
use super::store::sqlite::backup;
use super::store::sqlite::lock::Lock;
use super::store::sqlite::schema::{checkpoint, explain};
use super::store::sqlite::state_file::StateFile;
use super::{Binding, JournalError};
use crate::model::{AccountName, Digest, Fact};

/// At most so many calls share a commit: the first of them waits for the last.
const GROUP: usize = 256;

/// The first call waits so long for those that come a little later: a commit costs more than a fact.
const GATHERING: Duration = Duration::from_micros(200);

/// The write-ahead log is moved into the database when it has about so many pages (of 4 KiB).
const PAGES_IN_LOG: usize = 1_000;

/// A commit writes about so many pages, and another one for every two of its facts at most.
const PAGES_OF_COMMIT: usize = 4;

pub(super) type Reply = oneshot::Sender<Result<(), JournalError>>;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Message {
    Append(Vec<Fact>, Reply),
    Bind(AccountName, Binding, Reply),
    Backup(SyncSender<Result<PathBuf, JournalError>>),
    Close(Reply),
}

/// The writer's own state.
#[derive(Debug)]
pub(super) struct Writer {
    // Dropped in this order: the lock is held until the database is closed.
    pub(super) connection: Connection,
    pub(super) lock: Lock,
    pub(super) place: StateFile,
    pub(super) anchor: AnchorFile,
    pub(super) durable: Arc<Mutex<Durable>>,
    /// The hash that the next fact is linked to.
    pub(super) tip: Digest,
    /// The first error of the storage. Nothing is written after it: the disk may have kept anything.
    pub(super) poison: Option<String>,
    /// Pages written since the write-ahead log was last moved, at most.
    pub(super) in_log: usize,
    /// How many facts the records beside the database stand for.
    pub(super) kept: u64,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        while let Ok(first) = inbox.recv() {
            if matches!(first, Message::Append(..)) {
                std::thread::sleep(GATHERING);
            }
            let more = std::iter::from_fn(|| inbox.try_recv().ok()).take(GROUP - 1);
            let mut appends = Vec::new();
            for message in std::iter::once(first).chain(more) {
                match message {
                    Message::Append(facts, reply) => {
                        appends.push((facts, reply));
                        continue;
                    }
                    other => {
                        self.append(std::mem::take(&mut appends));
                        match other {
                            Message::Append(..) => {}
                            Message::Bind(account, binding, reply) => {
                                answer(reply, self.bind(&account, binding));
                            }
                            Message::Backup(reply) => {
                                // Who asked may be gone; the backup stays.
                                let _ = reply.send(self.backup());
                            }
                            Message::Close(reply) => return self.close(reply),
                        }
                    }
                }
            }
            self.append(appends);
        }
        // Nobody is left to be told; the facts are durable in the log.
        let _ = self.finish();
    }

    fn append(&mut self, calls: Vec<(Vec<Fact>, Reply)>) {
        if calls.is_empty() {
            return;
        }
        let mut draft = Draft::new(enter(&self.durable).mark.serial, self.tip);
        let mut accepted = Vec::new();
        for (facts, reply) in calls {
            match self
                .healthy()
                .and_then(|()| draft.add(&enter(&self.durable).records, &facts))
            {
                Ok(()) => accepted.push(reply),
                Err(error) => answer(reply, Err(error)),
            }
        }
        if !draft.rows.is_empty() {
            let pages = PAGES_OF_COMMIT + draft.rows.len() / 2;
            self.in_log = self.in_log.saturating_add(pages);
        }
        #[cfg(feature = "planted-bugs")]
        let accepted = crate::planted::ack_before_commit(accepted);
        let result = self.commit(draft);
        for reply in accepted {
            answer(reply, result.clone());
        }
        if self.in_log >= PAGES_IN_LOG && self.poison.is_none() {
            self.in_log = 0;
            // The facts are durable in the log; an error stops the calls after this one.
            if let Err(error) = checkpoint(&self.connection, "PASSIVE") {
                self.poisoned_by(&error);
            }
        }
    }

    fn commit(&mut self, draft: Draft) -> Result<(), JournalError> {
        if draft.rows.is_empty() {
            return Ok(());
        }
        let head = chain::head(draft.serial, draft.tip);
        store(&mut self.connection, &draft).map_err(|error| self.poisoned_by(&error))?;
        self.tip = draft.tip;
        let mut durable = enter(&self.durable);
        // Not `append`, which builds the whole map anew: each commit changes a few records of many.
        durable.records.extend(draft.changed);
        durable.mark.serial = draft.serial;
        durable.mark.head = head;
        self.anchor.note(&durable.mark);
        Ok(())
    }

    fn bind(&mut self, account: &AccountName, now: Binding) -> Result<(), JournalError> {
        self.healthy()?;
        let (settled, lineage) = {
            let durable = enter(&self.durable);
            (
                binding::settle(account, durable.bindings.get(account), now)?,
                durable.mark.lineage.clone(),
            )
        };
        let Some(binding) = settled else {
            return Ok(());
        };
        let seal = binding::seal(&lineage, account, &binding);
        self.connection
            .execute(
                "INSERT INTO bindings VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (account) DO UPDATE SET account_id = excluded.account_id, seal = excluded.seal",
                params![
                    account.as_str(),
                    binding.provider,
                    binding.endpoint,
                    binding.account_id,
                    seal.bytes().as_slice()
                ],
            )
            .map_err(|error| self.poisoned_by(&error))?;
        enter(&self.durable)
            .bindings
            .insert(account.clone(), binding);
        Ok(())
    }

    fn backup(&self) -> Result<PathBuf, JournalError> {
        self.healthy()?;
        if self.kept > 0 {
            // A copy of damage, ten times over, would leave no good one.
            check_chain(&self.connection).map_err(|fault| fault.at(&self.place))?;
        }
        backup::make(&self.place, &self.connection)
    }

    fn close(mut self, reply: Reply) {
        let moved = self.finish();
        let result = match self.connection.close() {
            Ok(()) => moved,
            Err((_, error)) => Err(explain(&self.place, &error)),
        };
        // Free for the next run before the answer is there.
        drop(self.lock);
        answer(reply, result);
    }

    fn healthy(&self) -> Result<(), JournalError> {
        match &self.poison {
            None => Ok(()),
            Some(first) => Err(JournalError::Write(format!(
                "an earlier write failed: {first}"
            ))),
        }
    }

    fn poisoned_by(&mut self, error: &rusqlite::Error) -> JournalError {
        let why = error.to_string();
        self.poison.get_or_insert_with(|| why.clone());
        JournalError::Write(why)
    }

    /// Moves the write-ahead log into the database. After a failed write that is left to the next run,
    /// on a disk that works: SQLite would try it once more when it closes, and swallow the error.
    fn finish(&mut self) -> Result<(), JournalError> {
        let moved = self.healthy().and_then(|()| {
            checkpoint(&self.connection, "TRUNCATE").map_err(|error| self.poisoned_by(&error))
        });
        if self.poison.is_some() {
            let _ = self
                .connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        } else {
            self.keep_records();
        }
        moved
    }

    /// Keeps the records for the next run, if replaying their facts would take long. Without them it
    /// takes longer and says the same.
    fn keep_records(&mut self) {
        let durable = enter(&self.durable);
        let (mark, records) = (&durable.mark, &durable.records);
        if mark.serial.saturating_sub(self.kept) >= FACTS_APART
            && condensed::write(&self.place, &mark.lineage, mark.serial, self.tip, records).is_ok()
        {
            self.kept = mark.serial;
        }
    }
}

fn answer(reply: Reply, result: Result<(), JournalError>) {
    // Who asked may have been cancelled; what is written is written.
    let _ = reply.send(result);
}

fn store(connection: &mut Connection, draft: &Draft) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction
            .prepare_cached("INSERT INTO facts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
        for row in &draft.rows {
            insert.execute(params![
                row.seq,
                row.at,
                row.run,
                row.address,
                row.account,
                row.word,
                row.body,
                row.previous,
                row.hash
            ])?;
        }
        let mut note = transaction.prepare_cached("UPDATE meta SET value = ?2 WHERE key = ?1")?;
        for (key, value) in [
            ("serial", draft.serial.to_string()),
            ("tip", draft.tip.to_string()),
        ] {
            if note.execute(params![key, value])? != 1 {
                return Err(rusqlite::Error::QueryReturnedNoRows);
            }
        }
    }
    transaction.commit()
}
