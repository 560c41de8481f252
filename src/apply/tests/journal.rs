//! A journal in memory, and what happened in order: [`Memory`] and [`Log`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use tokio::time::Instant;

use crate::journal::{Binding, Bindings, Gap, Hold, Journal, JournalError, StateMark};
use crate::model::{AccountName, Address, Digest, Fact, FactLog, FilesId, Record, Records, take};

/// What happened, in order: what became durable and what was asked of the CA, each with its time.
#[derive(Clone)]
pub(super) struct Log {
    begun: Instant,
    lines: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            lines: Arc::default(),
        }
    }

    pub(super) fn add(&self, line: impl Into<String>) {
        let line = (self.begun.elapsed(), line.into());
        self.lines.lock().unwrap().push(line);
    }

    /// How long ago it was begun: the time of every line.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn clear(&self) {
        self.lines.lock().unwrap().clear();
    }

    /// The lines whose first word is one of these.
    pub(super) fn of(&self, words: &[&str]) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        let lines = lines.iter().map(|(_, line)| line.clone());
        lines
            .filter(|line| {
                line.split(' ')
                    .next()
                    .is_some_and(|word| words.contains(&word))
            })
            .collect()
    }

    /// When each of these lines was written.
    pub(super) fn times(&self, wanted: &str) -> Vec<Duration> {
        let lines = self.lines.lock().unwrap();
        let found = lines.iter().filter(|(_, line)| line == wanted);
        found.map(|(at, _)| *at).collect()
    }
}

/// A journal that is gone with the test. What is appended becomes durable a moment later.
pub(super) struct Memory {
    held: Mutex<(Records, Vec<Fact>)>,
    log: Log,
    pub(super) hold: Mutex<Hold>,
    /// A fact with this word is not written, nor anything after it.
    pub(super) breaks_at: Mutex<Option<&'static str>>,
    broken: AtomicBool,
}

impl Memory {
    pub(super) fn new(log: Log) -> Self {
        Self {
            held: Mutex::default(),
            log,
            hold: Mutex::new(Hold::Lock),
            breaks_at: Mutex::default(),
            broken: AtomicBool::new(false),
        }
    }

    /// It can be written again, as when it is opened anew.
    pub(super) fn mend(&self) {
        *self.breaks_at.lock().unwrap() = None;
        self.broken.store(false, Ordering::Relaxed);
    }

    fn write(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut held = self.held.lock().unwrap();
        let mut records = held.0.clone();
        let breaks_at = *self.breaks_at.lock().unwrap();
        if facts.iter().any(|fact| breaks_at == Some(fact.body.word())) {
            self.broken.store(true, Ordering::Relaxed);
        }
        if self.broken.load(Ordering::Relaxed) {
            return Err(JournalError::Write("the disk is full".to_owned()));
        }
        for fact in &facts {
            take(&mut records, fact)?;
        }
        held.0 = records;
        for fact in facts {
            let name = fact.address.name();
            self.log.add(format!("{} {name}", fact.body.word()));
            held.1.push(fact);
        }
        Ok(())
    }
}

impl FactLog for Memory {
    type Error = JournalError;

    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(async move {
            // Whoever does not wait for this acts before it is durable.
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.write(facts)
        })
    }
}

impl Journal for Memory {
    fn records(&self) -> Records {
        self.held.lock().unwrap().0.clone()
    }

    fn record(&self, address: &Address) -> Option<Record> {
        self.held.lock().unwrap().0.get(address).cloned()
    }

    fn mark(&self) -> StateMark {
        let serial = self.held.lock().unwrap().1.len();
        StateMark {
            lineage: "memory".to_owned(),
            serial: serial as u64,
            head: Digest::of(b""),
        }
    }

    fn bind<'a>(
        &'a self,
        _: &'a AccountName,
        _: Binding,
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(ready(Ok(())))
    }

    fn bind_files<'a>(&'a self, _: &'a FilesId) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(ready(Ok(())))
    }

    fn bindings(&self) -> Bindings {
        Bindings::default()
    }

    fn gap(&self) -> Option<Gap> {
        None
    }

    fn backup(&self) -> BoxFuture<'_, Result<Option<PathBuf>, JournalError>> {
        Box::pin(ready(Ok(None)))
    }

    fn hold(&self) -> Hold {
        *self.hold.lock().unwrap()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(ready(Ok(())))
    }
}
