//! The chain of facts: each fact's hash covers the hash before it, so nothing can be edited, removed,
//! put between or moved unseen. Main type: [`Replay`], which checks the chain while it builds the
//! records.
//!
//! The chain finds damage and careless hands. It is no signature: who may write the file can also
//! write a new chain.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::model::{
    AccountName, Address, Digest, Entry, Fact, JournalFact, JournalFactBody, Records, RunId, take,
};

/// The columns of a stored fact, in their order.
pub(super) const COLUMNS: &str = "seq, at, run, address, account, word, body, previous, hash";

/// What is wrong with a fact, by its number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fact {seq}: {why}")]
pub(super) struct BrokenFact {
    pub(super) seq: u64,
    pub(super) why: String,
}

/// A fact as a row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFact {
    pub(crate) seq: i64,
    pub(crate) at: String,
    pub(crate) run: String,
    pub(crate) address: String,
    pub(crate) account: String,
    pub(crate) word: String,
    pub(crate) body: String,
    pub(crate) previous: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

impl StoredFact {
    /// The row of a line of the journal, linked to the one before it. A fact about the journal itself has an
    /// empty address and an empty account, which no item and no account can have.
    pub(super) fn link(
        entry: &Entry,
        seq: u64,
        previous: &Digest,
    ) -> Result<(Self, Digest), BrokenFact> {
        let broken = |why: String| BrokenFact { seq, why };
        let (address, account, body) = match entry {
            Entry::Item(fact) => (
                fact.address.to_string(),
                fact.account.to_string(),
                serde_json::to_string(&fact.body),
            ),
            Entry::Journal(fact) => (
                String::new(),
                String::new(),
                serde_json::to_string(&fact.body),
            ),
        };
        let mut stored = Self {
            seq: i64::try_from(seq).map_err(|_| broken("the journal is full".to_owned()))?,
            at: entry.at().to_string(),
            run: entry.run().to_string(),
            address,
            account,
            word: entry.word().to_owned(),
            body: body.map_err(|error| broken(error.to_string()))?,
            previous: previous.bytes().to_vec(),
            hash: Vec::new(),
        };
        let hash = stored.digest();
        stored.hash = hash.bytes().to_vec();
        Ok((stored, hash))
    }

    fn digest(&self) -> Digest {
        Digest::of_parts(&[
            &self.previous,
            &self.seq.to_be_bytes(),
            self.at.as_bytes(),
            self.run.as_bytes(),
            self.address.as_bytes(),
            self.account.as_bytes(),
            self.body.as_bytes(),
        ])
    }

    /// Checks that the fact is as it was written and follows `tip`; its own hash.
    pub(super) fn check_link(&self, seq: u64, tip: &Digest) -> Result<Digest, BrokenFact> {
        let broken = |why: &str| BrokenFact {
            seq,
            why: why.to_owned(),
        };
        if u64::try_from(self.seq) != Ok(seq) {
            return Err(broken(&format!("it is missing; {} follows", self.seq)));
        }
        if self.previous != tip.bytes() {
            return Err(broken("it does not follow the fact before it"));
        }
        let hash = self.digest();
        if self.hash != hash.bytes() {
            return Err(broken("its text and its hash disagree"));
        }
        Ok(hash)
    }

    /// What a whole fact with this number and this hash says; `None` for any other row.
    pub(super) fn read_at(&self, serial: u64, tip: &Digest) -> Option<Entry> {
        let is_it = u64::try_from(self.seq) == Ok(serial)
            && self.hash == tip.bytes()
            && self.digest() == *tip;
        is_it.then(|| self.parse().ok()).flatten()
    }

    fn parse(&self) -> Result<Entry, String> {
        let at = self
            .at
            .parse::<Timestamp>()
            .map_err(|error| format!("its time cannot be read: {error}"))?;
        let run = RunId::from(self.run.as_str());
        let entry = if self.address.is_empty() && self.account.is_empty() {
            let body = self.body()?;
            Entry::Journal(JournalFact { at, run, body })
        } else {
            Entry::Item(Box::new(Fact {
                at,
                run,
                address: self
                    .address
                    .parse::<Address>()
                    .map_err(|error| error.to_string())?,
                account: self
                    .account
                    .parse::<AccountName>()
                    .map_err(|error| error.to_string())?,
                body: self.body()?,
            }))
        };
        if entry.word() != self.word {
            return Err(format!("it is filed as `{}`", self.word.escape_debug()));
        }
        Ok(entry)
    }

    fn body<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(&self.body)
            .map_err(|error| format!("its body cannot be read: {error}"))
    }
}

/// The records and the chain's end, after the facts taken so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replay {
    pub(super) records: Records,
    pub(super) serial: u64,
    /// The hash that the next fact holds as its `previous`.
    pub(super) tip: Digest,
    /// Where the journal was moved to, if that is the last that it says.
    pub(super) moved: Option<String>,
}

impl Replay {
    /// Before the first fact. The first link holds the lineage, so that facts of another journal do
    /// not fit.
    pub(super) fn begin(lineage: &str) -> Self {
        Self {
            records: Records::new(),
            serial: 0,
            tip: Digest::of(lineage.as_bytes()),
            moved: None,
        }
    }

    /// The head that a [`super::StateMark`] shows.
    pub(super) fn head(&self) -> Digest {
        head(self.serial, self.tip)
    }

    /// Takes the next row, if it is whole, follows the last one, and says something that can be.
    pub(super) fn take(&mut self, stored: &StoredFact) -> Result<(Entry, Digest), BrokenFact> {
        let seq = self.serial.saturating_add(1);
        let broken = |why: String| BrokenFact { seq, why };
        let hash = stored.check_link(seq, &self.tip)?;
        let entry = stored.parse().map_err(broken)?;
        match &entry {
            Entry::Item(fact) => {
                check_open(self.moved.as_deref()).map_err(broken)?;
                take(&mut self.records, fact).map_err(|illegal| broken(illegal.to_string()))?;
            }
            Entry::Journal(fact) => match (&fact.body, &self.moved) {
                (JournalFactBody::Moved { to }, None) => self.moved = Some(to.clone()),
                (JournalFactBody::TakenOver { .. }, Some(_)) => self.moved = None,
                (JournalFactBody::Moved { .. }, Some(to)) => {
                    check_open(Some(to)).map_err(broken)?;
                }
                (JournalFactBody::TakenOver { .. }, None) => {
                    return Err(broken("the journal was not moved before it".to_owned()));
                }
            },
        }
        self.serial = seq;
        self.tip = hash;
        Ok((entry, hash))
    }
}

fn check_open(moved: Option<&str>) -> Result<(), String> {
    match moved {
        None => Ok(()),
        Some(to) => Err(format!(
            "nothing can follow: the journal was moved to {}",
            to.escape_debug()
        )),
    }
}

/// The last fact's hash; of a journal without facts, the digest of nothing.
pub(super) fn head(serial: u64, tip: Digest) -> Digest {
    if serial == 0 { Digest::of(b"") } else { tip }
}
