//! What the journal knows, as of one moment: [`JournalView`].

use jiff::Timestamp;

use super::error::EngineError;
use crate::journal::{self, Bindings, Journal, Location, Snapshot};
use crate::model::Records;
use crate::plan::{Knowledge, Moves, PlannedState};

/// What the journal knows, as of one moment.
pub struct JournalView {
    /// For a plan under the names that renamed entries have now: see `Workspace::move_records`.
    pub records: Records,
    pub moves: Moves,
    pub state: PlannedState,
    pub bindings: Bindings,
    pub now: Timestamp,
    /// Whether the journal knows everything.
    pub knowledge: Knowledge,
}

impl JournalView {
    /// Reads the journal without holding it.
    pub async fn read(location: &Location) -> Result<Self, EngineError> {
        Ok(Self::new(journal::read(location).await?))
    }

    /// From a journal that this process holds.
    pub fn held(journal: &dyn Journal) -> Self {
        Self::new(Snapshot {
            records: journal.records(),
            mark: journal.mark(),
            bindings: journal.bindings(),
            gap: journal.gap(),
        })
    }

    fn new(snapshot: Snapshot) -> Self {
        Self {
            records: snapshot.records,
            moves: Moves::default(),
            state: PlannedState {
                lineage: snapshot.mark.lineage,
                serial: snapshot.mark.serial,
            },
            bindings: snapshot.bindings,
            now: Timestamp::now(),
            knowledge: match snapshot.gap {
                None => Knowledge::Whole,
                Some(gap) if gap.is_loss() => Knowledge::Lacks,
                Some(_) => Knowledge::MayLack,
            },
        }
    }
}
