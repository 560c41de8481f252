//! A line of the journal: a fact about an item, or one about the journal itself. Main type: [`Entry`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact::Fact;
use super::ids::RunId;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// What became of an item.
    Item(Box<Fact>),
    /// What became of the journal.
    Journal(JournalFact),
}

/// A fact about the journal itself. It has no address and no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFact {
    /// When it was written, UTC.
    pub at: Timestamp,
    /// By which run.
    pub run: RunId,
    /// What happened.
    pub body: JournalFactBody,
}

/// What happened to a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum JournalFactBody {
    /// It goes on in another place. Nothing can follow but the fact that says so there.
    Moved {
        /// The other place, as `--state` names it.
        to: String,
    },
    /// It was taken over from another place, and goes on here.
    TakenOver {
        /// The other place, as `--state` names it.
        from: String,
    },
}

impl JournalFactBody {
    /// The word under which the journal files it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Moved { .. } => "moved",
            Self::TakenOver { .. } => "taken_over",
        }
    }
}

impl Entry {
    /// When it was written, UTC.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Item(fact) => fact.at,
            Self::Journal(fact) => fact.at,
        }
    }

    /// By which run.
    pub fn run(&self) -> &RunId {
        match self {
            Self::Item(fact) => &fact.run,
            Self::Journal(fact) => &fact.run,
        }
    }

    /// The word under which the journal files it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Item(fact) => fact.body.word(),
            Self::Journal(fact) => fact.body.word(),
        }
    }

    /// The fact, if it is about an item.
    pub fn item(&self) -> Option<&Fact> {
        match self {
            Self::Item(fact) => Some(fact),
            Self::Journal(_) => None,
        }
    }
}
