//! What the journal knows, as of one moment: [`JournalView`].

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::error::EngineError;
use crate::journal::{self, Binding, Journal, Location, Snapshot};
use crate::model::{AccountName, Records};
use crate::plan::{Knowledge, PlannedState};

/// What the journal knows, as of one moment.
pub struct JournalView {
    pub records: Records,
    pub state: PlannedState,
    pub bindings: BTreeMap<AccountName, Binding>,
    pub now: Timestamp,
    /// Whether the journal knows everything.
    pub knowledge: Knowledge,
}

impl JournalView {
    /// Reads the journal without holding it.
    pub async fn read(location: &Location) -> Result<Self, EngineError> {
        let anchor = journal::anchor(location)?;
        let snapshot = journal::read(location).await?;
        let mark = snapshot.as_ref().map(|snapshot| &snapshot.mark);
        let knowledge = match (&anchor, mark) {
            (Some(anchor), mark) if anchor.is_ahead_of(mark) => Knowledge::Lacks,
            (_, None) | (None, Some(_)) => Knowledge::MayLack,
            (Some(_), Some(_)) => Knowledge::Whole,
        };
        Ok(Self {
            knowledge,
            ..Self::new(snapshot)
        })
    }

    /// From a journal that was read; an absent one knows nothing.
    fn new(snapshot: Option<Snapshot>) -> Self {
        let now = Timestamp::now();
        match snapshot {
            None => Self {
                records: Records::new(),
                state: PlannedState {
                    lineage: String::new(),
                    serial: 0,
                },
                bindings: BTreeMap::new(),
                now,
                knowledge: Knowledge::MayLack,
            },
            Some(snapshot) => Self {
                records: snapshot.records,
                state: PlannedState {
                    lineage: snapshot.mark.lineage,
                    serial: snapshot.mark.serial,
                },
                bindings: snapshot.bindings,
                now,
                knowledge: Knowledge::MayLack,
            },
        }
    }
}

impl JournalView {
    /// From a journal that this process holds.
    pub fn held(journal: &dyn Journal) -> Self {
        let known = Self::new(Some(Snapshot {
            records: journal.records(),
            mark: journal.mark(),
            bindings: journal.bindings(),
        }));
        Self {
            knowledge: if journal.went_back() {
                Knowledge::Lacks
            } else if journal.mark().serial == 0 {
                Knowledge::MayLack
            } else {
                Knowledge::Whole
            },
            ..known
        }
    }
}
