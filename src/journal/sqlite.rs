//! The journal in an SQLite file: [`hold`] takes it for one run, [`SqliteJournal`] is what the run
//! writes to.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::future::BoxFuture;
use rusqlite::params;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::anchor::{self, AnchorFile};
use super::binding::Bindings;
use super::condensed;
use super::durable::{Durable, enter};
use super::load::load;
use super::store::sqlite::lock::{Holder, Lock};
use super::store::sqlite::schema::{self, Pages, explain};
use super::store::sqlite::state_file::StateFile;
use super::writer::{Message, Reply, Writer};
use super::{Binding, Hold, Journal, JournalError, StateMark};
use crate::model::{AccountName, Address, Fact, FactLog, Record, Records};

/// How often a lock that another run holds is asked for again.
const POLL: Duration = Duration::from_millis(100);

/// A journal that this process holds alone. Dropping it closes it; [`Journal::close`] also says
/// whether that went well.
#[derive(Debug)]
pub struct SqliteJournal {
    writer: Option<(Sender<Message>, JoinHandle<()>)>,
    durable: Arc<Mutex<Durable>>,
    went_back: bool,
}

/// Takes the journal for writing: makes it where there is none (folder mode 0700, database 0600),
/// waits up to `lock_timeout` for another run, and checks all of it before a fact is believed.
///
/// Errors: [`JournalError::Held`] names the other run; [`JournalError::Newer`],
/// [`JournalError::Corrupt`] and [`JournalError::Unusable`] say what to do. Needs a tokio runtime with
/// time.
pub(super) async fn hold(
    path: &Path,
    holder: Holder,
    lock_timeout: Duration,
) -> Result<SqliteJournal, JournalError> {
    let place = StateFile::make(path)?;
    let begun = Instant::now();
    let lock = loop {
        match Lock::take(&place, &holder) {
            Err(JournalError::Held { .. }) if begun.elapsed() < lock_timeout => {
                tokio::time::sleep(POLL.min(lock_timeout.saturating_sub(begun.elapsed()))).await;
            }
            taken => break taken?,
        }
    };
    open(place, lock, &holder)
}

fn open(place: StateFile, lock: Lock, holder: &Holder) -> Result<SqliteJournal, JournalError> {
    if !place.check_database()? {
        schema::create(&place)?;
    }
    let kept = condensed::read(&place);
    let pages = match &kept {
        Some(_) => Pages::AsRead,
        None => Pages::All,
    };
    let connection = schema::open_for_writing(&place, pages)?;
    let loaded = load(&connection, kept).map_err(|fault| fault.at(&place))?;
    if loaded.unread == 0 && pages == Pages::AsRead {
        schema::check_pages(&place, &connection, "quick_check")?;
    }
    // Shows before the first call to a CA that this disk takes a commit.
    connection
        .execute(
            "INSERT INTO meta VALUES ('last_run', ?1)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![holder.run.as_str()],
        )
        .map_err(|error| explain(&place, &error))?;
    // That commit made the write-ahead log; SQLite syncs its name too, but swallows the error.
    place.sync_folder()?;
    let mark = loaded.mark();
    let went_back =
        anchor::read(&anchor::beside(&place)).is_some_and(|anchor| anchor.is_ahead_of(Some(&mark)));
    let durable = Arc::new(Mutex::new(Durable {
        mark,
        records: loaded.replay.records,
        bindings: loaded.bindings,
    }));
    let writer = Writer {
        connection,
        lock,
        place: place.clone(),
        anchor: AnchorFile::open(&anchor::beside(&place)),
        durable: Arc::clone(&durable),
        tip: loaded.replay.tip,
        poison: None,
        in_log: 0,
        kept: loaded.unread,
    };
    let (sender, inbox) = channel();
    let thread = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run(&inbox))
        .map_err(|error| place.unusable(format!("its writer cannot be started: {error}")))?;
    Ok(SqliteJournal {
        writer: Some((sender, thread)),
        durable,
        went_back,
    })
}

impl SqliteJournal {
    /// Copies the journal to `<database>.backup-<UTC time>`, mode 0600, and keeps the newest ten.
    /// Called before an apply. Blocks for the time of the copy.
    pub(super) fn copy(&self) -> Result<PathBuf, JournalError> {
        let (reply, answer) = sync_channel(1);
        self.send(Message::Backup(reply))?;
        answer.recv().map_err(|_| gone())?
    }

    async fn ask(&self, message: impl FnOnce(Reply) -> Message) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        self.send(message(reply))?;
        answer.await.map_err(|_| gone())?
    }

    fn send(&self, message: Message) -> Result<(), JournalError> {
        let (sender, _) = self.writer.as_ref().ok_or_else(gone)?;
        sender.send(message).map_err(|_| gone())
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            // Until the thread has ended the lock is not free.
            let _ = thread.join();
        }
    }
}

impl FactLog for SqliteJournal {
    type Error = JournalError;

    /// A call that is cancelled after it was polled may still be written.
    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(|reply| Message::Append(facts, reply)))
    }
}

impl Journal for SqliteJournal {
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

    fn backup(&self) -> Result<Option<PathBuf>, JournalError> {
        self.copy().map(Some)
    }

    fn hold(&self) -> Hold {
        Hold::Lock
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.ask(Message::Close))
    }
}

fn gone() -> JournalError {
    JournalError::Write("the writer has ended".to_owned())
}
