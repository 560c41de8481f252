//! One moment of the model: the journal, the runs, the lock, the network and the CA.

use certplan::model::{LiveState, Part, Phase, Record};

use super::journal::{Kind, Number, time_of};

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct State {
    /// What readers of the journal see now: the number of each item's record.
    pub(super) seen: [Number; 2],
    /// What a power cut leaves of it.
    pub(super) synced: [Number; 2],
    /// The processes.
    pub(super) runs: [Run; 2],
    /// Which run holds the journal's lock.
    pub(super) lock: Option<usize>,
    /// Calls on their way: they arrive, or are refused, or are lost, whenever they like.
    pub(super) in_flight: Vec<Call>,
    /// Orders that exist at the CA.
    pub(super) orders: Vec<CaOrder>,
    /// Whether the CA has revoked.
    pub(super) revoked: bool,
    /// How many calls left, by item.
    pub(super) sent: [u8; 2],
    /// A revocation was sent when its replacement was not durably in force.
    pub(super) early: bool,
    /// Kills, power cuts and lost leases so far.
    pub(super) crashes: u8,
    /// A fact that `Record::next` refused, with its reason.
    pub(super) illegal: Option<&'static str>,
}

/// What one process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) enum Run {
    #[default]
    Down,
    Idle,
    /// The intent is written, nothing is sent.
    Intended(usize),
    /// Sent.
    Waiting(usize),
    /// The answer has come and is not recorded.
    Answered(usize, Answer),
}

/// What the CA said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Answer {
    Ordered(u8),
    Revoked,
    /// A well-formed refusal.
    Refused,
}

/// A call on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) item: usize,
    /// Who still waits for the answer.
    pub(super) run: Option<usize>,
}

/// An order at the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CaOrder {
    /// Whose tag it carries.
    pub(super) item: usize,
    /// Whether a look-up by tag shows it by now.
    pub(super) indexed: bool,
}

impl State {
    /// Orders of an item at the CA.
    pub(super) fn ordered(&self, item: usize) -> usize {
        self.orders.iter().filter(|one| one.item == item).count()
    }

    /// Orders of an item that a look-up shows.
    pub(super) fn found(&self, item: usize) -> Vec<u8> {
        (0..)
            .zip(&self.orders)
            .filter(|(_, one)| one.item == item && one.indexed)
            .map(|(number, _)| number)
            .collect()
    }

    /// A run no longer waits for any answer. What is on its way stays on its way.
    pub(super) fn hang_up(&mut self, run: usize) {
        for call in &mut self.in_flight {
            call.run = call.run.filter(|waiting| *waiting != run);
        }
        self.in_flight.sort_unstable();
    }

    /// The quiet period is long enough: nothing of the item still travels, and the CA's index has
    /// caught up. A run that was paused before its send is not part of it: nobody can see that one.
    pub(super) fn quiet(&self, item: usize) -> bool {
        self.in_flight.iter().all(|call| call.item != item)
            && self
                .orders
                .iter()
                .all(|one| one.item != item || one.indexed)
    }
}

/// Where a record stands, as the model asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is live or open: it may be asked for.
    Wanted,
    /// An intent without an outcome.
    Sending,
    InDoubt,
    Parked,
    /// Taken by the CA.
    Taken,
    /// In force.
    Done,
    /// The last call was refused.
    Refused,
}

/// Where a record stands.
pub(super) fn standing(record: &Record, kind: Kind) -> Standing {
    if let Some(open) = &record.open {
        return match open.phase {
            Phase::Sending => Standing::Sending,
            Phase::InDoubt { .. } => Standing::InDoubt,
            Phase::Parked { .. } => Standing::Parked,
        };
    }
    match (&record.live, kind) {
        (Some(live), _) if live.state == LiveState::Issued => Standing::Done,
        (Some(_), _) => Standing::Taken,
        (None, Kind::Revocation) if record.part(&1_u64.into(), &Part::Order).is_some() => {
            Standing::Done
        }
        (None, _) => match &record.failure {
            Some(failure) if failure.at == time_of(record.attempts) => Standing::Refused,
            _ => Standing::Wanted,
        },
    }
}

/// How many look-ups for the open doubt found nothing.
pub(super) fn looks(record: &Record) -> u32 {
    match record.open.as_ref().map(|open| &open.phase) {
        Some(Phase::InDoubt {
            boot: None, looks, ..
        }) => *looks,
        _ => 0,
    }
}
