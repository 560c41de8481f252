//! Tests of the journal on real files.

mod damage;
mod holding;
mod moving;
mod notes;
mod random;
mod records;
mod writing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tempfile::TempDir;

use super::handle::HeldJournal;
use super::open::take;
use super::*;
use crate::model::{
    AccountName, Address, Attempt, Digest, Entry, Fact, FactBody, LiveState, OperationKind,
    OrderId, Records, RunId, Untrusted,
};

/// A folder that is not there yet, with a journal that is not there yet.
struct Bench {
    _folder: TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/state.db");
        Self {
            _folder: folder,
            path,
        }
    }

    fn location(&self) -> PathBuf {
        self.path.clone()
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    async fn hold(&self) -> HeldJournal {
        self.try_hold().await.unwrap()
    }

    async fn try_hold(&self) -> Result<HeldJournal, JournalError> {
        hold(&self.location(), holder("apply"), Duration::ZERO).await
    }

    /// A closed journal with these facts.
    async fn with(facts: Vec<Fact>) -> Self {
        let bench = Self::new();
        let journal = bench.hold().await;
        for fact in facts {
            journal.append(vec![fact]).await.unwrap();
        }
        journal.close().await.unwrap();
        bench
    }

    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.path).unwrap()
    }

    fn read(&self) -> Result<Option<Snapshot>, JournalError> {
        read(&self.location())
    }

    fn facts(&self) -> Vec<Fact> {
        history(&self.location(), &HistoryFilter::default())
            .unwrap()
            .into_iter()
            .map(|line| line.entry.item().unwrap().clone())
            .collect()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

async fn hold(
    path: &Path,
    holder: Holder,
    lock_timeout: Duration,
) -> Result<HeldJournal, JournalError> {
    take(&Location::file(path), holder, lock_timeout).await
}

/// Reading a file waits for nothing.
fn at_once<T>(reading: impl Future<Output = T>) -> T {
    reading.now_or_never().expect("it waits")
}

fn read(path: &Path) -> Result<Option<Snapshot>, JournalError> {
    let found = at_once(super::read(&Location::file(path)))?;
    Ok(found.exists().then_some(found))
}

fn history(path: &Path, filter: &HistoryFilter) -> Result<Vec<Line>, JournalError> {
    at_once(super::history(&Location::file(path), filter))
}

fn verify(path: &Path) -> Result<Option<Verified>, VerifyError> {
    at_once(super::verify(&Location::file(path)))
}

async fn copy(journal: &HeldJournal) -> Result<PathBuf, JournalError> {
    let copied = journal.backup().await?;
    Ok(copied.expect("a file is copied"))
}

fn holder(command: &str) -> Holder {
    Holder {
        command: command.to_owned(),
        run: RunId::from("run-1"),
    }
}

fn fact(name: &str, body: FactBody) -> Fact {
    Fact {
        at: "2026-11-21T10:00:00.123456789Z"
            .parse::<Timestamp>()
            .unwrap(),
        run: RunId::from("run-1"),
        address: Address::Order(name.parse().unwrap()),
        account: "digicert".parse().unwrap(),
        body,
    }
}

fn intended(name: &str, number: u32) -> Fact {
    fact(
        name,
        FactBody::Intended(Attempt {
            renews: None,
            why: Default::default(),
            public_key: None,
            kind: OperationKind::Order,
            part: None,
            number,
            generation: 1,
            order_id: None,
            replaces: None,
            tag: None,
            body: Digest::of(name.as_bytes()),
            certificate: Some(Digest::of(b"certificate")),
            terms: None,
            asked: None,
        }),
    )
}

fn accepted(name: &str, order_id: u64) -> Fact {
    fact(
        name,
        FactBody::Accepted {
            order_id: OrderId::from(order_id),
            request_id: None,
            certificate_id: None,
            approved: false,
            validation: Vec::new(),
        },
    )
}

fn refused(name: &str) -> Fact {
    fact(
        name,
        FactBody::Refused {
            code: None,
            message: Untrusted::new("no \u{1b}[31m funds\0 \u{202e}"),
        },
    )
}

fn issued(name: &str) -> Fact {
    fact(
        name,
        FactBody::Seen {
            order_id: None,
            state: LiveState::Issued,
            certificate_id: Some(7_u64.into()),
            serial_number: None,
            valid_till: Some("2027-11-21".parse().unwrap()),
        },
    )
}

/// Nine facts about three items.
fn story() -> Vec<Fact> {
    vec![
        intended("a", 1),
        accepted("a", 1001),
        intended("b", 1),
        refused("b"),
        issued("a"),
        intended("c", 1),
        fact(
            "c",
            FactBody::Doubted {
                why: "timeout".into(),
                boot: None,
                at_ca: None,
            },
        ),
        intended("b", 2),
        accepted("b", 1002),
    ]
}

fn replayed(facts: &[Fact]) -> Records {
    let mut records = Records::new();
    for fact in facts {
        crate::model::take(&mut records, fact).unwrap();
    }
    records
}
